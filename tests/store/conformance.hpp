// One suite for the tables, one body for every store: docs/semantics.md as tests.
// A case opens a Plane: one tenant in a store of the given kind, on a clock that the case moves,
// with a short verb per operation. In the same store a second tenant is given the same tasks and
// agents; whatever happens to the first must leave it as it is. Where the tables can be reached,
// their invariants are audited after every operation (less often when they are large). Answers are
// texts: "ok", "duplicate", or the error.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.hpp"
#include "base/sim_clock.hpp"
#include "catch.hpp"
#include "store/store.hpp"

namespace controlplane::conformance {

inline constexpr std::int64_t kMs = 1'000, kSecond = 1'000 * kMs, kMinute = 60 * kSecond,
                              kHour = 60 * kMinute;

struct Kind {
  const char* name;
  std::unique_ptr<Store> (*open)(const Clock& clock);
};
const std::vector<Kind>& kinds();  // a further store adds one line there, and no test

// Defines a case that runs once per kind; its body is given the Kind as `kind`.
#define CONFORMANCE_NAME_2(line) conformance_case_##line
#define CONFORMANCE_NAME(line) CONFORMANCE_NAME_2(line)
#define CONFORMANCE_CASE(...)                                                     \
  static void CONFORMANCE_NAME(__LINE__)(const Kind& kind);                       \
  TEST_CASE(__VA_ARGS__) {                                                        \
    for (const Kind& one : kinds()) {                                             \
      DYNAMIC_SECTION("store: " << one.name) { CONFORMANCE_NAME(__LINE__)(one); } \
    }                                                                             \
  }                                                                               \
  static void CONFORMANCE_NAME(__LINE__)([[maybe_unused]] const Kind& kind)

// --- inputs --------------------------------------------------------------------------------------

TaskSpec task(std::string_view id);  // of type "work", retried at once; "" = the id is made
TaskSpec task(std::string_view id, std::vector<std::string> required);
TaskSpec child(std::string_view id, std::vector<TaskId> parents);
AgentSpec agent(std::string_view id, std::vector<std::string> capabilities = {},
                std::uint32_t slots = 0);
ClaimRequest by(std::string_view agent, std::vector<std::string> capabilities = {});
ClaimRequest renewing(std::string_view agent, std::int64_t ttl_ms = 30'000);
ClaimRequest many(std::string_view agent, std::uint32_t max_tasks);

// What names an attempt: a claimed task, or a task and an agent.
struct Holder : AttemptRef {
  Holder(const ClaimedTask& claimed) : AttemptRef{claimed.id, claimed.lease, {}} {}  // NOLINT
  Holder(TaskId task, std::string agent) : AttemptRef{std::move(task), {}, std::move(agent)} {}
};

// --- answers -------------------------------------------------------------------------------------

struct Submitted {
  std::string answer;
  TaskId id;
};
struct Claimed {
  std::string answer;  // "ok" also if there was nothing to claim
  bool refused = false;
  bool got_sought = false;
  std::optional<std::vector<std::string>> offered;
  std::vector<ClaimedTask> tasks;
  std::string ids() const;  // "a b c"
};

class Plane : private StoreListener {
 public:
  explicit Plane(const Kind& kind, const NamespaceOptions& options = {});
  ~Plane() override;

  SimClock clock;
  std::uint64_t origin = 7;    // of all calls: the coordinator
  bool require_lease = false;  // of ends and holds
  bool require_registration = false;
  Timestamp parked_until = 0;  // of claims, as the next
  Timestamp parks_until = 0;
  const QueueKey* sought = nullptr;
  std::vector<PermitNeed> used;  // of ends, as their usage says it

  Timestamp now() const { return tenant_->now(); }
  void pass(std::int64_t us) { clock.advance(us); }     // nothing acts yet
  // Goes on with the same tenant in a fresh store that is given these tables; "ok" or why not.
  std::string move_to(Namespace* tables);
  Advance advance();                                    // one step
  std::uint32_t advance_all(std::int64_t pass_us = 0);  // until nothing is due; answers the items

  Submitted try_submit(TaskSpec spec);
  TaskId submit(TaskSpec spec);  // must be accepted
  TaskId submit(std::string_view id) { return submit(task(id)); }
  std::vector<Submitted> submit_batch(std::vector<TaskSpec> specs);

  Claimed claims(const ClaimRequest& request);
  ClaimedTask claim(const ClaimRequest& request);  // must get one
  ClaimedTask claim(std::string_view agent) { return claim(by(agent)); }
  std::string next(std::string_view agent) { return claims(by(agent)).ids(); }  // "" = nothing

  std::string complete(const Holder& holder, Json result = "1", Json usage = {});
  std::string fail(const Holder& holder, FailKind kind = FailKind::retryable,
                   std::int64_t retry_after_us = 0, std::string_view error = "boom",
                   Json usage = {});
  std::string release(const Holder& holder);
  std::vector<std::string> end_batch(EndKind kind, const std::vector<ClaimedTask>& tasks);
  std::vector<std::string> complete_batch(const std::vector<ClaimedTask>& tasks) {
    return end_batch(EndKind::complete, tasks);
  }
  std::string start(const Holder& holder);
  std::string renew(const Holder& holder);
  std::string progress(const Holder& holder, double fraction = 0.5, std::string note = {},
                       Json data = {});
  LeaseStatus lease;  // as the last of these three answered
  std::vector<std::string> renew_batch(const std::vector<ClaimedTask>& tasks);

  std::string cancel(const TaskId& id, bool force = false);  // "ok: <state>"
  std::string assign(const TaskId& id, std::string_view agent);
  std::string reassign(std::string_view agent);  // "ok: <number>"
  Submitted replay(const TaskId& id, std::string_view operation_id, bool with_dependents = false);

  std::string add(const AgentSpec& spec, std::uint64_t incarnation = 1);
  std::string remove(std::string_view agent, std::uint64_t incarnation = 0);
  std::string heartbeat(std::string_view agent, HeartbeatReport report = {});
  std::string heartbeat(std::string_view agent, AgentStatus status);
  std::string select(const SelectRequest& request);  // the agent's id, or the error
  std::string probe(std::string_view agent, bool good);

  Task get(const TaskId& id);              // must exist
  std::string state(const TaskId& id);     // "pending ready", "completed", the error
  std::string wait_for(const TaskId& id);  // the state if terminal, else "parked"
  Agent agent_of(std::string_view id);
  AgentHealth health_of(std::string_view id);
  std::string shown(std::string_view id);  // its status, or the error
  Stats stats();
  HealthStats health();
  std::string obstacles(const TaskId& id);  // "kind subject, …"
  Explanation explain(const TaskId& id);
  Page<Task> list(const TaskFilter& filter = {}, const PageRequest& page = {});
  std::string listed(const TaskFilter& filter);  // "a b c", over all pages
  Page<Agent> list_agents(const AgentFilter& filter = {}, const PageRequest& page = {});
  ReadEvents read_events(std::uint64_t after, std::size_t max_items,
                         const EventFilter& filter = {});

  // Answers of puts: "ok: <version>".
  std::string put(std::string_view key, Json value = "1", PutOptions options = {},
                  std::uint64_t digest = 0);
  std::string put_at(std::string_view key, std::uint64_t expected, Json value = "1");
  std::string remove_document(std::string_view key, std::optional<std::uint64_t> expected = {});
  std::optional<Document> document(std::string_view key);
  Page<Document> list_documents(std::string_view prefix, const PageRequest& page = {});
  std::string listed_documents(std::string_view prefix);  // keys, over all pages

  // Answers of appends: "ok: <number>"; of reads: "4:text 5:text", "" or the error.
  std::string append_to(std::string_view log, Json entry = "1", std::string_view operation = {});
  std::string read_log(std::string_view log, std::uint64_t after, std::size_t max_items = 1'000,
                       bool waits = false);
  LogPage read_page;  // as the last of these was answered
  std::string define_log(std::string_view name, const LogBounds& bounds = {});
  std::string trim_log(std::string_view name, const LogTrim& trim);  // "ok: <dropped>"
  std::string remove_log(std::string_view name);
  LogInfo log_of(std::string_view name);  // must exist
  Page<LogInfo> list_logs(std::string_view prefix, const PageRequest& page = {});

  // Pools and permits. Answers of acquires: "ok", "waits", or the error.
  std::string define(const PoolSpec& spec);
  std::string remove_pool(std::string_view name);
  Pool pool(std::string_view name);  // must exist
  std::string acquire(std::string_view pool, std::uint64_t amount, std::string_view owner);
  std::string acquire(const AcquireRequest& request, bool is_lease = false);
  Permit permit;  // as the last of these was granted
  // The permit that the acquire has by now: "ok", or "none" and it waits no more.
  std::string withdraw(std::string_view operation);
  std::string renew_permit(const Permit& held, std::int64_t ttl_us);
  std::string release(const Permit& held);
  std::string settle(const Permit& held, std::vector<PermitNeed> spent = {});
  std::vector<Permit> permits_of(std::string_view pool);
  Page<Permit> list_permits(std::string_view pool, const PageRequest& page = {});
  Page<Pool> list_pools(std::string_view prefix, const PageRequest& page = {});

  std::vector<Event> new_events();  // since the last call
  std::string new_types();          // "task.submitted task.claimed"
  void watch() { listen(1); }       // someone parks claims
  void unwatch() { listen(-1); }
  std::string signals();  // since the last call, "task_done a, …"

  std::string apply(Operation& op);  // "ok" or what it failed with
  void check_other();                // the second tenant is as it was

 private:
  void on_signals(std::span<const Signal> signals) override;
  void on_events(std::uint64_t) override {}
  void on_due(Timestamp) override {}

  void call(TenantStore& tenant, Operation& op);
  void audit();
  void listen(int claims);
  std::string other_state();
  TaskDraft draft(TaskSpec& spec);
  std::string end(EndKind kind, AttemptEnd item);
  std::string hold(HoldKind kind, const Holder& holder, const Progress* progress);

  const Kind& kind_;
  const NamespaceOptions options_;
  std::unique_ptr<Store> store_, moved_to_;
  std::shared_ptr<TenantStore> tenant_, other_;
  SeededEntropy entropy_{42};
  std::uint64_t ids_ = 0, submitted_ = 0, unaudited_ = 0, last_event_ = 0;
  std::string other_was_;
  bool other_mirrored_ = false;  // it was given something since
  std::mutex mutex_;
  std::vector<std::string> signals_;
};

}  // namespace controlplane::conformance
