// The operations of a namespace: requests and answers as plain data.
// An operation is owned by its caller and stays put until it is answered; requests are views on
// what the caller owns, answers are written into it. Inputs are validated and prepared before
// (lib/coordinator/validation): the engine trusts sizes and names, never states.
// Thread safety: none; one operation belongs to one call.
// Errors: `failed` is set when the operation as a whole could not be applied (a store that is away,
// not found, …); batch items carry their own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/document.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/event.hpp"
#include "controlplane/log_entry.hpp"
#include "controlplane/result.hpp"
#include "controlplane/stats.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

enum class OperationKind : std::uint8_t {
  submit, claim, end, hold, cancel, assign, reassign, replay, get_task, list_tasks, explain,
  add_agent, remove_agent, heartbeat, get_agent, list_agents, select_agent, probe,
  define_pool, remove_pool, get_pool, list_pools,
  acquire, withdraw, renew_permit, end_permit, list_permits,
  get_document, put_document, remove_document, list_documents,
  append_log, read_log, define_log, trim_log, remove_log, get_log, list_logs,
  health, stats, read_events, watch, advance,
  begin_export, read_export, end_export, adopt
};

struct QueueKey;
class Namespace;
struct NamespaceOptions;

struct Operation {
  explicit Operation(OperationKind k) noexcept : kind(k) {}
  OperationKind kind;
  std::uint64_t random = 0;       // entropy of this operation; see needs_random()
  std::uint64_t origin = 0;       // the coordinator that calls; 0 = none
  Timestamp now = 0;              // out: the `now` that was used
  std::optional<Error> failed;    // out
};

using Fingerprint = std::array<std::uint8_t, 32>;

// A validated spec on its way into a table. The id is made by the caller, so that a repetition
// after a lost answer finds the first one.
struct TaskDraft {
  TaskSpec* spec = nullptr;          // consumed when accepted
  TaskId id;                         // made, or the caller's own
  bool own_id = false;
  bool has_fingerprint = false;      // a key or an own id was given
  bool is_new = false;               // the id was made for this very call, which is not a repetition
  Fingerprint fingerprint{};
  TaskId replayed_from;
  TaskId original;                   // the first of its replays
  std::string_view operation_id;     // of the replay, if its answer is this task
  // out
  bool duplicate = false;            // an earlier submit with the same key: `id` is that task's
  std::optional<Error> error;
};

struct SubmitTasks : Operation {
  SubmitTasks() noexcept : Operation(OperationKind::submit) {}
  std::span<TaskDraft> tasks;
};

struct ClaimTasks : Operation {
  ClaimTasks() noexcept : Operation(OperationKind::claim) {}
  const ClaimRequest* request = nullptr;
  bool require_registration = false;
  // Latest end of this agent's other parked claims at the calling coordinator, and the end of this
  // one if it finds nothing; 0 = none. One that parks and is refused for a slot or a breaker asks for agent_eligible.
  Timestamp parked_until = 0;
  Timestamp parks_until = 0;
  const QueueKey* sought = nullptr;  // a task of this queue is why it claims; null = nobody told it
  std::vector<ClaimedTask>* tasks = nullptr;   // out, appended; or, if null, the first into `one`
  std::optional<ClaimedTask> one;              // out
  bool refused = false;              // out: eligible for nothing just now (no slot, breaker)
  bool got_sought = false;           // out: it took a task of `sought`, just now
  // out: the registered capabilities, if it names none, parks and there was no task for them
  std::optional<std::vector<std::string>> offered;
};

enum class EndKind : std::uint8_t { complete, fail, release };

struct AttemptEnd {
  const AttemptRef* attempt = nullptr;
  Json result;                       // complete
  std::string_view error;            // fail
  FailKind fail_kind = FailKind::retryable;
  std::int64_t retry_after_us = 0;
  Json usage;
  std::uint64_t digest = 0;          // of everything above
  std::vector<PermitNeed> used;      // what the usage says of pools
  std::int64_t latency_us = 0;       // complete; 0 = from claim to completion
  std::optional<Error> failure;      // out
  bool duplicate = false;            // out: this very end was accepted before
};

struct EndAttempts : Operation {
  explicit EndAttempts(EndKind e) noexcept : Operation(OperationKind::end), end(e) {}
  EndKind end;
  bool require_lease = false;
  std::span<AttemptEnd> items;
};

enum class HoldKind : std::uint8_t { start, renew, progress };

struct AttemptHold {
  const AttemptRef* attempt = nullptr;
  LeaseStatus status;                // out
  std::optional<Error> failure;      // out
};

struct HoldAttempts : Operation {
  explicit HoldAttempts(HoldKind h) noexcept : Operation(OperationKind::hold), hold(h) {}
  HoldKind hold;
  bool require_lease = false;
  const Progress* progress = nullptr;  // hold == progress, one item
  std::span<AttemptHold> items;
};

struct CancelTask : Operation {
  CancelTask() noexcept : Operation(OperationKind::cancel) {}
  const TaskId* id = nullptr;
  bool force = false;
  TaskState state = TaskState::pending;  // out
};

struct AssignTask : Operation {
  AssignTask() noexcept : Operation(OperationKind::assign) {}
  const TaskId* id = nullptr;
  std::string_view agent_id;
};

struct ReassignTasks : Operation {
  ReassignTasks() noexcept : Operation(OperationKind::reassign) {}
  std::string_view agent_id;
  std::uint64_t released = 0;        // out
};

struct ReplayTask : Operation {
  ReplayTask() noexcept : Operation(OperationKind::replay) {}
  const TaskId* id = nullptr;
  bool with_dependents = false;
  std::string_view operation_id;
  TaskId::Uuid new_id{};             // of the first; those of dependents follow from it
  TaskId created;                    // out
};

struct GetTask : Operation {
  GetTask() noexcept : Operation(OperationKind::get_task) {}
  const TaskId* id = nullptr;
  bool watch = false;                // not terminal yet: ask for task_done
  bool only_terminal = false;        // fill `task` only then (wait_for_result)
  TaskState state = TaskState::pending;  // out
  std::optional<Task> task;          // out
};

struct ListTasks : Operation {
  ListTasks() noexcept : Operation(OperationKind::list_tasks) {}
  const TaskFilter* filter = nullptr;
  const PageRequest* page = nullptr;
  Page<Task> tasks;                  // out
};

struct ExplainTask : Operation {
  ExplainTask() noexcept : Operation(OperationKind::explain) {}
  const TaskId* id = nullptr;
  Explanation explanation;           // out
};

struct AddAgent : Operation {
  AddAgent() noexcept : Operation(OperationKind::add_agent) {}
  const AgentSpec* spec = nullptr;
  std::uint64_t incarnation = 0;
  std::string_view registered_by;
  std::optional<Agent> agent;        // out
};

struct RemoveAgent : Operation {
  RemoveAgent() noexcept : Operation(OperationKind::remove_agent) {}
  std::string_view agent_id;
  std::uint64_t incarnation = 0;
};

struct Heartbeat : Operation {
  Heartbeat() noexcept : Operation(OperationKind::heartbeat) {}
  std::string_view agent_id;
  const HeartbeatReport* report = nullptr;
};

struct GetAgent : Operation {
  GetAgent() noexcept : Operation(OperationKind::get_agent) {}
  std::string_view agent_id;
  std::size_t max_tasks = 0;         // of each of the lists below
  std::optional<Agent> agent;        // out
  std::optional<AgentHealth> health; // out
  std::vector<TaskId> held;          // out: oldest claim first
  std::vector<TaskId> directed;      // out: ready, and only for it; also if it is not registered
};

struct ListAgents : Operation {
  ListAgents() noexcept : Operation(OperationKind::list_agents) {}
  const AgentFilter* filter = nullptr;
  const PageRequest* page = nullptr;
  Page<Agent> agents;                // out
};

struct SelectAgent : Operation {
  SelectAgent() noexcept : Operation(OperationKind::select_agent) {}
  const SelectRequest* request = nullptr;
  std::optional<Agent> agent;        // out
};

struct RecordProbe : Operation {
  RecordProbe() noexcept : Operation(OperationKind::probe) {}
  std::string_view agent_id;
  bool clear = false;                // the probe was removed
  bool good = false;
  std::string_view error;
  std::uint32_t failure_threshold = 3;
  std::uint32_t success_threshold = 2;
};

struct GetDocument : Operation {
  GetDocument() noexcept : Operation(OperationKind::get_document) {}
  std::string_view key;
  std::optional<Document> document;  // out
};

struct PutDocument : Operation {
  PutDocument() noexcept : Operation(OperationKind::put_document) {}
  std::string_view key;
  const Json* value = nullptr;
  std::uint64_t digest = 0;          // what a repetition must match; 0 = the value
  std::optional<std::uint64_t> expected;
  std::optional<std::int64_t> ttl_us;  // 0 = never expires; unset: as it was
  std::string_view operation_id;
  std::uint64_t version = 0;         // out, as the next three
  Timestamp created_at = 0, updated_at = 0, expires_at = 0;
};

struct RemoveDocument : Operation {
  RemoveDocument() noexcept : Operation(OperationKind::remove_document) {}
  std::string_view key;
  std::optional<std::uint64_t> expected;
  bool removed = false;              // out
};

struct ListDocuments : Operation {
  ListDocuments() noexcept : Operation(OperationKind::list_documents) {}
  std::string_view prefix;
  const PageRequest* page = nullptr;
  Page<Document> documents;          // out
};

struct AppendLog : Operation {
  AppendLog() noexcept : Operation(OperationKind::append_log) {}
  std::string_view name;
  const Json* entry = nullptr;
  std::string_view operation_id;
  std::uint64_t seq = 0;             // out
};

struct ReadLog : Operation {
  ReadLog() noexcept : Operation(OperationKind::read_log) {}
  std::string_view name;
  std::uint64_t after = 0;
  std::size_t max_items = 0;
  bool waits = false;                // if there is none: ask for log_changed
  LogPage page;                      // out
};

struct DefineLog : Operation {
  DefineLog() noexcept : Operation(OperationKind::define_log) {}
  std::string_view name;
  LogBounds bounds;
  LogInfo log;                       // out
};

struct TrimLog : Operation {
  TrimLog() noexcept : Operation(OperationKind::trim_log) {}
  std::string_view name;
  LogTrim trim;
  std::uint64_t dropped = 0;         // out
};

struct RemoveLog : Operation {
  RemoveLog() noexcept : Operation(OperationKind::remove_log) {}
  std::string_view name;
  bool removed = false;              // out
};

struct GetLog : Operation {
  GetLog() noexcept : Operation(OperationKind::get_log) {}
  std::string_view name;
  LogInfo log;                       // out
};

struct ListLogs : Operation {
  ListLogs() noexcept : Operation(OperationKind::list_logs) {}
  std::string_view prefix;
  const PageRequest* page = nullptr;
  Page<LogInfo> logs;                // out
};

struct DefinePool : Operation {
  DefinePool() noexcept : Operation(OperationKind::define_pool) {}
  const PoolSpec* spec = nullptr;
  Pool pool;                         // out
};

struct RemovePool : Operation {
  RemovePool() noexcept : Operation(OperationKind::remove_pool) {}
  std::string_view name;
  bool removed = false;              // out
};

struct GetPool : Operation {
  GetPool() noexcept : Operation(OperationKind::get_pool) {}
  std::string_view name;
  Pool pool;                         // out
};

struct ListPools : Operation {
  ListPools() noexcept : Operation(OperationKind::list_pools) {}
  std::string_view prefix;
  const PageRequest* page = nullptr;
  Page<Pool> pools;                  // out
};

struct AcquirePermit : Operation {
  AcquirePermit() noexcept : Operation(OperationKind::acquire) {}
  std::span<const PermitNeed> needs;  // pools differ
  std::string_view owner;
  std::int64_t ttl_us = 0;
  TaskPriority priority = TaskPriority::normal;
  std::string_view operation_id;     // required if it waits
  Timestamp waits_until = 0;         // 0 = does not wait
  bool is_lease = false;             // makes its pool, of capacity 1, if there is none
  std::optional<Permit> permit;      // out; none: it waits, and permit_granted will tell
};

// Ends the waiting of an acquire.
struct WithdrawAcquire : Operation {
  WithdrawAcquire() noexcept : Operation(OperationKind::withdraw) {}
  std::string_view operation_id;
  std::optional<Permit> permit;      // out: it had been granted, and is still there
};

struct RenewPermit : Operation {
  RenewPermit() noexcept : Operation(OperationKind::renew_permit) {}
  std::uint64_t fence = 0;
  std::string_view owner;
  std::int64_t ttl_us = 0;
  Timestamp expires_at = 0;          // out
};

struct EndPermit : Operation {
  EndPermit() noexcept : Operation(OperationKind::end_permit) {}
  std::uint64_t fence = 0;
  std::string_view owner;
  bool settles = false;              // else nothing was used, and all comes back
  std::span<const PermitNeed> used;  // what a window or budget lost, by pool; not named: all of it
};

struct ListPermits : Operation {
  ListPermits() noexcept : Operation(OperationKind::list_permits) {}
  std::string_view pool;
  const PageRequest* page = nullptr;
  Page<Permit> permits;              // out
};

struct ReadHealth : Operation {
  ReadHealth() noexcept : Operation(OperationKind::health) {}
  std::size_t max_agents = 1'000;
  HealthStats totals;                // out
  std::vector<AgentHealth> agents;   // out
};

// Bucket i counts values below kHistogramBounds[i] seconds; the last one counts the rest.
inline constexpr std::array<double, 16> kHistogramBounds{0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025,
                                                         0.1,    0.25,    1,     2.5,    10,   30,
                                                         60,     300,     1800,  7200};
struct Histogram {
  std::array<std::uint64_t, kHistogramBounds.size() + 1> counts{};
  double sum_seconds = 0;
};

struct ReadStats : Operation {
  ReadStats() noexcept : Operation(OperationKind::stats) {}
  Stats stats;                       // out
  Histogram wait;                    // out: ready → claimed
  Histogram duration;                // out: claimed → end of the attempt
  std::uint64_t failed_attempts = 0; // out: those of agents, mailboxes not counted
};

struct ReadEvents : Operation {
  ReadEvents() noexcept : Operation(OperationKind::read_events) {}
  std::uint64_t after = 0;
  std::size_t max_items = 0;
  std::size_t max_visited = 10'000;  // events looked at, matching or not
  const EventFilter* filter = nullptr;
  std::vector<Event> events;         // out
  std::uint64_t last_visited = 0;    // out: continue after this
  std::uint64_t first_seq = 0;       // out: first still there
  std::uint64_t last_seq = 0;        // out
};

struct Watch : Operation {
  Watch() noexcept : Operation(OperationKind::watch) {}
  int claims = 0;                    // +1: a coordinator begins to park claims; −1: it has none left
};

struct Advance : Operation {
  Advance() noexcept : Operation(OperationKind::advance) {}
  bool more_due = false;             // out
  std::uint32_t applied = 0;         // out: due items handled
};

// Begins to export the tenant as it is now; there is one export at a time, and one that nobody reads
// for a minute is given up. The same id again answers the same.
struct BeginExport : Operation {
  BeginExport() noexcept : Operation(OperationKind::begin_export) {}
  std::string_view operation_id;
  std::string rows;                  // out: header and totals, as ReadExport has them
};

// The next rows, framed as in row_record.hpp. The same number again answers the same.
struct ReadExport : Operation {
  ReadExport() noexcept : Operation(OperationKind::read_export) {}
  std::string_view operation_id;
  std::uint64_t number = 0;          // of this chunk: 1, 2, …
  std::size_t max_bytes = 512;       // about: a row is never cut; others wait meanwhile
  std::string rows;                  // out
  bool done = false;                 // out: there are no more
};

struct EndExport : Operation {
  EndExport() noexcept : Operation(OperationKind::end_export) {}
  std::string_view operation_id;
};

// Puts tables that were made aside in the place of these, which must be as they were made:
// failed_precondition otherwise. Done once, however often it comes with this id.
// Without tables it only says whether it would, and what they have to be made with.
struct AdoptTables : Operation {
  AdoptTables() noexcept : Operation(OperationKind::adopt) {}
  std::string_view operation_id;
  Namespace* tables = nullptr;       // consumed when adopted
  std::string tenant;                // out, as the next one, without tables
  std::shared_ptr<const NamespaceOptions> options;
};

// Whether it makes a nonce, which nobody may guess, an id, or a random choice. The jitter of a retry
// that another one happens to begin differs from task to task without it.
inline bool needs_random(const Operation& op) noexcept {
  switch (op.kind) {
    case OperationKind::claim:
    case OperationKind::replay:
    case OperationKind::advance: return true;
    case OperationKind::select_agent:
      return static_cast<const SelectAgent&>(op).request->strategy == SelectionStrategy::random;
    case OperationKind::end: return static_cast<const EndAttempts&>(op).end == EndKind::fail;
    default: return false;
  }
}

}  // namespace controlplane
