// Tasks as their submitters, holders and observers see them.
// Thread safety: plain values. Payloads and results are shared, immutable text.
// Errors: none here; operations on the Coordinator validate what is put in.
// Times are microseconds since the Unix epoch, 0 = never; durations are std::chrono.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/json.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

using Timestamp = std::int64_t;  // microseconds since the Unix epoch; 0 = never, not set
using Labels = std::vector<std::pair<std::string, std::string>>;

// Made ids are "task_" + UUIDv7 and travel as 16 bytes; a caller's own id is any valid name.
class TaskId {
 public:
  using Uuid = std::array<std::uint8_t, 16>;

  TaskId() = default;
  TaskId(std::string_view text);                                  // NOLINT: implicit by design
  TaskId(const char* text) : TaskId(std::string_view(text)) {}    // NOLINT
  TaskId(const std::string& text) : TaskId(std::string_view(text)) {}  // NOLINT
  explicit TaskId(const Uuid& uuid) noexcept : uuid_(uuid), made_(true) {}

  bool empty() const noexcept { return !made_ && text_.empty(); }
  bool is_made() const noexcept { return made_; }           // of the form the library makes
  const Uuid& uuid() const noexcept { return uuid_; }       // all zero unless is_made()
  std::string_view own_text() const noexcept { return text_.text(); }  // empty if is_made()
  std::string str() const;

  friend bool operator==(const TaskId& a, const TaskId& b) noexcept {
    return a.made_ == b.made_ && a.uuid_ == b.uuid_ && a.text_ == b.text_;
  }
  friend std::ostream& operator<<(std::ostream& out, const TaskId& id) { return out << id.str(); }

 private:
  Uuid uuid_{};
  bool made_ = false;
  SharedText text_;
};

enum class TaskPriority : std::uint8_t { critical = 0, high = 1, normal = 2, low = 3 };
enum class TaskState : std::uint8_t { pending, claimed, running, completed, failed, cancelled, timeout };
enum class TaskReason : std::uint8_t {
  none,
  ready, delayed, backoff, blocked,  // pending
  fatal, exhausted, poison,          // failed
  queue, exec, total                 // timeout
};

inline constexpr std::size_t kTaskPriorities = 4;
inline constexpr std::size_t kTaskStates = 7;
std::string_view to_string(TaskPriority priority) noexcept;
std::string_view to_string(TaskState state) noexcept;
std::string_view to_string(TaskReason reason) noexcept;  // "" for none
Result<TaskPriority> parse_task_priority(std::string_view name_or_digit);
Result<TaskState> parse_task_state(std::string_view name);
constexpr bool is_terminal(TaskState state) noexcept { return state >= TaskState::completed; }

// Delay before retry n: min(max_delay, delay · backoff^(n−1)), half of it random (equal jitter).
struct RetryPolicy {
  std::optional<int> max_retries{};               // failures beyond the first attempt; 0 = never
                                                  // retry; unset = Config::max_task_retries (3)
  std::chrono::milliseconds delay{10'000};        // before the first retry; 0 = at once
  double backoff = 2.0;                           // multiplier per failure, at least 1
  std::chrono::milliseconds max_delay{300'000};   // upper bound of any delay; at least delay
};

// So much of one pool; see permit.hpp.
struct PermitNeed {
  std::string pool;
  std::uint64_t amount = 1;                         // of a number pool: how many numbers
  friend bool operator==(const PermitNeed&, const PermitNeed&) = default;
};

struct TaskSpec {
  std::string task_type{};                          // required; a name
  Json payload{};                                   // valid JSON; empty = null
  std::vector<std::string> required_capabilities{}; // all of them must be offered; empty = anybody
  TaskPriority priority = TaskPriority::normal;
  RetryPolicy retry{};
  std::optional<std::chrono::milliseconds> timeout{}; // one attempt, from its claim; above 0; unset =
                                                     // Config::task_timeout (300 s)
  std::chrono::milliseconds queue_timeout{0};       // ready to claimed, anew each time; 0 = unlimited
  std::chrono::milliseconds total_timeout{0};       // from submit, whatever the state; 0 = unlimited
  std::chrono::milliseconds delay{0};               // not ready before now + delay; 0 = at once
  TaskId task_id{};                                 // the caller's own id, also its key; empty = made
  std::string idempotency_key{};                    // empty = none; see Coordinator::submit_task
  std::string agent_id{};                           // directed: only this agent may claim; empty = all
  std::vector<std::string> exclude{};               // agents that must not claim it
  std::vector<TaskId> depends_on{};                 // must exist; blocked until all are completed
  bool allow_failed_parents = false;                // true: a parent's failure also unblocks
  std::string concurrency_key{};                    // empty = none
  std::uint32_t concurrency_limit = 0;              // leases of the key at once; ≥ 1 with a key
  // Permits that a claim takes in the same step, all or none, and that end with the attempt: counts
  // and numbers come back, of windows and budgets what Completion::usage says was not used.
  std::vector<PermitNeed> needs{};                  // pools that exist
  Json metadata{};                                  // valid JSON; empty = none
  Labels labels{};                                  // at most 16 short pairs
  std::string trace{};                              // correlation id; carried into events and logs
};

// Proof of one attempt, handed out by a claim; opaque. Ends of an attempt name it.
class Lease {
 public:
  Lease() = default;
  Lease(std::uint32_t attempt, std::uint64_t nonce) noexcept : nonce_(nonce), attempt_(attempt) {}
  bool empty() const noexcept { return attempt_ == 0; }
  std::uint32_t attempt() const noexcept { return attempt_; }
  std::uint64_t nonce() const noexcept { return nonce_; }
  std::string str() const;                              // for other processes; see parse()
  static Result<Lease> parse(std::string_view text);    // invalid_argument if it is not from str()
  friend bool operator==(const Lease&, const Lease&) = default;

 private:
  std::uint64_t nonce_ = 0;
  std::uint32_t attempt_ = 0;
};

// The rarely used part of a spec, kept once and shared by every copy that is handed out.
struct TaskDetails {
  TaskId own_id;  // set only if the caller gave one
  std::vector<TaskId> depends_on;
  std::string idempotency_key;
  Json metadata;
  Labels labels;
  std::string trace;
  std::vector<PermitNeed> needs;  // by name
  TaskId replayed_from;
  TaskId original;           // of replays of replays, the first of all: whose payload it has
  std::string operation_id;  // of the replay that made it, not as a dependent
};

// What the holder of a lease gets. Cheap: handles on shared, immutable text.
struct ClaimedTask {
  TaskId id;
  Lease lease;
  SharedText task_type;
  Json payload;
  TaskPriority priority = TaskPriority::normal;
  std::uint32_t attempt = 0;           // 1 = first
  Timestamp submitted_at = 0;
  Timestamp claimed_at = 0;
  Timestamp deadline = 0;              // execution timeout of this attempt
  Timestamp lease_until = 0;           // renew before; 0 = the lease holds until the deadline
  Json checkpoint;                     // last progress data of an earlier attempt; empty = none
  std::shared_ptr<const TaskDetails> details;  // null if the spec used none of them
};

// A snapshot of one task, as get_task, list_tasks and wait_for_result answer it.
struct Task {
  TaskId id;
  std::string task_type;
  Json payload;
  std::vector<std::string> required_capabilities;
  TaskPriority priority = TaskPriority::normal;
  TaskState state = TaskState::pending;
  TaskReason reason = TaskReason::none;
  std::uint32_t attempt = 0;            // attempts begun so far
  std::uint32_t failures = 0;           // counted failures
  std::uint32_t crashes = 0;
  std::uint32_t max_retries = 0;
  std::string agent_id;                 // holder of the current or the last attempt
  std::string directed_to;
  std::vector<std::string> exclude;     // agents that may not claim it
  Timestamp submitted_at = 0;
  Timestamp ready_at = 0;               // when it became ready, or when a delay or backoff ends
  Timestamp claimed_at = 0;             // of the last attempt
  Timestamp started_at = 0;             // of the last attempt
  Timestamp finished_at = 0;
  bool cancel_requested = false;
  double progress = 0;                  // 0 … 1, of the last attempt that reported any
  std::string progress_note;
  Json checkpoint;
  Json result;                          // completed only
  std::string error;                    // last failure
  Json usage;                           // as reported with the accepted end
  std::uint32_t blocked_by = 0;         // parents still awaited
  std::string concurrency_key;
  std::shared_ptr<const TaskDetails> details;
  std::string unreadable;               // in a page: why payload, result or checkpoint could not be
                                        // decrypted, and those are empty; "" = all is there
};

enum class FailKind : std::uint8_t { retryable, fatal, rate_limited };
std::string_view to_string(FailKind kind) noexcept;

// Which attempt an end is about. With a lease it is exact; with only the agent it cannot tell two
// attempts of one agent apart, and require_lease forbids it; with neither: invalid_argument.
struct AttemptRef {
  TaskId task_id{};
  Lease lease{};
  std::string agent_id{};
};

struct Completion {
  AttemptRef attempt{};
  Json result{};                        // valid JSON; empty = null
  // What the attempt consumed; empty = none. A member named as a pool that the task needs, with a
  // whole number, settles its permit.
  Json usage{};
  std::chrono::microseconds latency{0}; // how long the work took, for Agent::avg_latency_ms; 0 = from
                                        // claim to completion
};

struct Failure {
  AttemptRef attempt{};
  std::string error{};                  // text for people
  FailKind kind = FailKind::retryable;
  std::chrono::milliseconds retry_after{0};  // at least this long, at most 24 h; 0 = by the policy
  Json usage{};
};

struct Progress {
  AttemptRef attempt{};
  double fraction = 0;                  // 0 … 1
  std::string note{};
  Json data{};                          // checkpoint for the next attempt; empty = keep the last
};

// What a renewal answers.
struct LeaseStatus {
  Timestamp lease_until = 0;            // 0 = holds until the execution deadline
  Timestamp deadline = 0;
  bool cancel_requested = false;
};

struct ClaimRequest {
  std::string agent_id{};                   // required
  std::vector<std::string> capabilities{};  // offered; empty = those registered
  std::uint32_t max_tasks = 1;              // at least 1
  std::chrono::milliseconds wait{0};        // 0 = do not wait
  std::chrono::milliseconds lease_ttl{0};   // renewed within it, or it is a crash; 0 = never renewed
  std::string claim_id{};                   // the same id answers the same tasks; empty = made
  std::uint64_t incarnation = 0;            // 0 = the agent's current one
  std::shared_ptr<const std::atomic<bool>> given_up{};  // set to true: nobody waits any more, and a
                                            // waiting claim takes no task; null = never
};

struct TaskFilter {
  std::optional<TaskState> state{};
  std::optional<TaskReason> reason{};
  std::string task_type{};                  // "" = any, so for all below
  std::string agent_id{};                   // holder now or last
  std::string required_capability{};
  std::string label_key{};
  std::string label_value{};                // with a key: "" = any value
  Timestamp submitted_before = 0;           // older than; 0 = any
  Timestamp submitted_after = 0;            // younger than; 0 = any
  bool dead_letters = false;                // failed and timeout only
};

struct PageRequest {
  std::string cursor{};                     // "" = from the start
  std::size_t max_items = 100;
};

// A page may be shorter than asked, even empty, while next_cursor is not: matching is bounded per call.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;                  // "" = this was the last page
};

// Why a task is not running.
enum class ObstacleKind : std::uint8_t {
  no_agent_offers,    // subject: a capability that no registered agent offers
  agent_offline, agent_draining, agent_failed, agent_breaker_open, agent_full, agent_excluded,
  agent_not_registered,  // the agent it is directed to
  blocked_by,         // subject: a parent task
  delayed, backing_off,  // until
  concurrency_key_full,  // subject: the key
  held,               // claimed or running; subject: the agent
  ended,              // terminal; subject: the state
  waiting_for_claim,  // someone could take it; subject: such an agent
  pool_short          // it needs a permit of a pool that has too little, or a line; subject: the pool
};
std::string_view to_string(ObstacleKind kind) noexcept;

struct Obstacle {
  ObstacleKind kind;
  std::string subject;
  Timestamp since = 0;
  Timestamp until = 0;                      // 0 = not known
};

struct Explanation {
  TaskId id;
  TaskState state = TaskState::pending;
  TaskReason reason = TaskReason::none;
  std::vector<std::string> required_capabilities;
  std::uint32_t agents_offering = 0;        // registered agents that offer all of them
  std::vector<Obstacle> obstacles;          // at most Limits::explain_obstacles
  Timestamp now = 0;
  std::string to_string() const;  // "pending: needs {code, gpu}; 2 agents offer it: a-7 …"
};

}  // namespace controlplane

template <>
struct std::hash<controlplane::TaskId> {
  std::size_t operator()(const controlplane::TaskId& id) const noexcept;
};
