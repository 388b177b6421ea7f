// Random operations on few tasks, agents, keys and capabilities, so that everything meets
// everything; the fixture audits the tables after each.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/entropy.hpp"
#include "controlplane/mailbox.hpp"
#include "engine/mailbox_name.hpp"
#include "engine/message_key.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {

using std::chrono::seconds;

class Walk {
 public:
  // `shares`: documents, pools, permits, logs and messages, too, and tasks that need permits.
  Walk(const Kind& kind, const NamespaceOptions& options, std::uint64_t seed, bool shares = false)
      : plane_(kind, options), limits_(options.limits), random_(seed), shares_(shares) {
    if (shares_) define_pools();
  }
  Plane& plane() { return plane_; }
  // From now on timers act in time, no two things happen at once and nobody waits for a task: no
  // order is left to chance, and all that there is goes into a snapshot.
  void be_punctual() { punctual_ = true; }
  // From now on no step takes a minute.
  void be_brisk() { brisk_ = true; }

  void step() {
    if (punctual_) plane_.pass(1);
    if (shares_ && below(3) == 0) return share();
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        submit();
        break;
      case 4:
      case 5:
      case 6:
        claim();
        break;
      case 7:
      case 8:
      case 9:
        end();
        break;
      case 10:
        hold();
        break;
      case 11:
        plane_.cancel(any_id(), below(3) == 0);
        break;
      case 12:
        plane_.assign(any_id(), below(3) == 0 ? "" : any_agent());
        break;
      case 13:
        plane_.add(spec_of_agent(), 1 + below(3));
        break;
      case 14:
        agent_call();
        break;
      case 15:
        plane_.replay(any_id(), "op" + std::to_string(below(20)), below(2) == 0);
        break;
      case 16:
        explain(any_id());
        break;
      case 17:
        plane_.advance();
        break;
      default:
        pass();
        break;
    }
  }
  // Faults off, nothing directed to anybody: every task comes to an end.
  void finish() {
    plane_.advance_all();
    for (const char* name : {"a1", "a2", "a3"}) plane_.remove(name);
    for (int round = 0; round < 100; ++round) {
      const SchedulerStats stats = plane_.stats().scheduler;
      if (stats.pending_tasks + stats.claimed_tasks + stats.running_tasks == 0) return;
      for (const Task& left : pending()) {
        // Refused where too many queues hold tasks that wait for this very one.
        if (plane_.assign(left.id, "") != "ok" && round > 50) plane_.cancel(left.id);
      }
      for (const ClaimedTask& held : plane_.claims(offering_all("z")).tasks) plane_.complete(held);
      plane_.advance_all(10 * kSecond);
    }
    for (const Task& left : pending()) {
      FAIL_CHECK(left.id << " is left: " << plane_.explain(left.id).to_string());
    }
  }
  // What was accepted once stays so.
  void check_history() {
    std::map<std::string, int> completions;
    for (const Event& event : plane_.new_events()) {
      if (event.type == "task.completed") ++completions[event.subject];
    }
    for (const auto& [subject, count] : completions) {
      if (count > 1) FAIL_CHECK(subject << " was completed " << count << " times");
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_.next() % n; }
  TaskId any_id() { return TaskId("t" + std::to_string(below(std::max<std::uint64_t>(1, made_)))); }
  std::string any_agent() { return "a" + std::to_string(1 + below(3)); }
  void pass() {
    if (!punctual_) return plane_.pass(pick_time());
    static constexpr std::int64_t kTick = 200 * kMs;
    for (std::uint64_t ticks = 1 + below(below(4) == 0 ? 400 : 20); ticks > 0; --ticks) {
      plane_.advance_all(kTick);
    }
  }
  std::int64_t pick_time() {
    static constexpr std::int64_t kTimes[] = {kMs,           kSecond, 5 * kSecond, 31 * kSecond,
                                              301 * kSecond, kHour,   25 * kHour};
    if (brisk_) return kTimes[below(4)];
    return kTimes[below(50) == 0 ? 6 : below(6)];
  }
  std::vector<std::string> some_capabilities() {
    std::vector<std::string> names;
    for (const char* name : {"code", "gpu"}) {
      if (below(3) == 0) names.emplace_back(name);
    }
    return names;
  }
  static ClaimRequest offering_all(std::string_view name) {
    ClaimRequest request = by(name, {"code", "gpu"});
    request.max_tasks = 50;
    return request;
  }
  AgentSpec spec_of_agent() {
    return agent(any_agent(), some_capabilities(), static_cast<std::uint32_t>(below(4)));
  }

  std::vector<Task> pending() {
    TaskFilter filter;
    filter.state = TaskState::pending;
    return plane_.list(filter).items;
  }

  void explain(const TaskId& id) {
    ExplainTask op;
    op.id = &id;
    plane_.apply(op);
  }

  void submit() {
    TaskSpec spec = task("t" + std::to_string(made_), some_capabilities());
    spec.priority = static_cast<TaskPriority>(below(4));
    if (below(3) == 0) spec.concurrency_key = "k" + std::to_string(below(2));
    spec.concurrency_limit = 1 + static_cast<std::uint32_t>(below(2));
    if (below(4) == 0) spec.delay = seconds(below(40));
    if (below(6) == 0) spec.queue_timeout = seconds(1 + below(40));
    if (below(6) == 0) spec.total_timeout = seconds(1 + below(400));
    if (below(4) == 0) spec.timeout = seconds(1 + below(40));
    if (below(8) == 0) spec.agent_id = any_agent();
    if (below(8) == 0) spec.exclude = {any_agent()};
    if (below(3) == 0) spec.retry = {static_cast<int>(below(3)), seconds(2), 2.0, seconds(30)};
    spec.allow_failed_parents = below(2) == 0;
    for (std::uint64_t parents = below(6); parents > 3; --parents)
      spec.depends_on.push_back(any_id());
    if (shares_ && below(4) == 0) spec.needs.push_back({"count", 1});
    if (shares_ && below(4) == 0) spec.needs.push_back({"window", 1 + below(3)});
    if (below(4) == 0) spec.idempotency_key = "key" + std::to_string(below(30));
    if (plane_.try_submit(spec).answer == "ok") ++made_;
  }

  void claim() {
    ClaimRequest request =
        by(any_agent(), below(2) == 0 ? some_capabilities() : std::vector<std::string>{});
    request.max_tasks = static_cast<std::uint32_t>(1 + below(3));
    if (below(2) == 0) request.lease_ttl = seconds(1 + below(60));
    if (below(3) == 0) request.claim_id = "claim" + std::to_string(below(20));
    const bool waits = !punctual_ && below(2) == 0;
    plane_.parks_until = waits ? plane_.now() + seconds(below(100)).count() * 1000 : 0;
    plane_.parked_until = !punctual_ && below(5) == 0 ? plane_.now() + kMinute : 0;
    for (ClaimedTask& held : plane_.claims(request).tasks) held_.push_back(std::move(held));
  }

  void end() {
    if (held_.empty()) return;
    const std::size_t at = below(held_.size());
    const ClaimedTask held = held_[at];
    switch (below(6)) {
      case 0:
        plane_.complete(held);
        break;
      case 1:
        plane_.fail(held, FailKind::retryable, below(3) == 0 ? kSecond : 0);
        break;
      case 2:
        plane_.fail(held, FailKind::fatal);
        break;
      case 3:
        plane_.fail(held, FailKind::rate_limited);
        break;
      case 4:
        plane_.release(held);
        break;
      default:
        plane_.complete(Holder(held.id, any_agent()));
        break;
    }
    if (below(4) != 0) held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void hold() {
    if (held_.empty()) return;
    const ClaimedTask& held = held_[below(held_.size())];
    switch (below(3)) {
      case 0:
        plane_.start(held);
        break;
      case 1:
        plane_.renew(held);
        break;
      default:
        plane_.progress(held, 0.5, "note", "1");
        break;
    }
  }

  void agent_call() {
    const std::string name = any_agent();
    switch (below(6)) {
      case 0:
        plane_.remove(name);
        break;
      case 1:
        plane_.reassign(name);
        break;
      case 2:
        plane_.heartbeat(name, static_cast<AgentStatus>(below(4)));
        break;
      case 3:
        plane_.probe(name, below(2) == 0);
        break;
      case 4:
        plane_.select({});
        break;
      default:
        plane_.heartbeat(name);
        break;
    }
  }

  void define_pools() {
    PoolSpec count{"count", PoolKind::count, 3};
    count.weights = {{"o1", 2}, {"o2", 1}};
    plane_.define(count);
    PoolSpec number{"number", PoolKind::number};
    number.first = 7;
    number.last = 12;
    plane_.define(number);
    plane_.define({"window", PoolKind::window, 8});
    plane_.define({"budget", PoolKind::budget, 500});
  }

  void share() {
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
        use_document();
        break;
      case 3:
      case 4:
      case 5:
        acquire();
        break;
      case 6:
        plane_.withdraw("op" + std::to_string(below(30)));
        break;
      case 7:
        if (below(4) == 0) plane_.define({"count", PoolKind::count, 1 + below(4)});
        break;
      case 8:
      case 9:
        end_permit();
        break;
      case 10:
      case 11:
      case 12:
        append();
        break;
      case 13:
        keep_log();
        break;
      case 14:
        read();
        break;
      case 15:
      case 16:
        send();
        break;
      case 17:
      case 18:
        receive();
        break;
      default:
        meddle();
        break;
    }
  }

  void use_document() {
    const std::string key = "doc" + std::to_string(below(12));
    if (below(3) == 0) {
      plane_.remove_document(key);
      return;
    }
    PutOptions options;
    if (below(3) == 0) options.ttl = seconds(below(60));
    if (below(3) == 0) options.operation_id = "put" + std::to_string(below(9));
    plane_.put(key, below(2) == 0 ? "{ \"x\":\n [1, 2.5e3] }" : "\"te\\u00e4xt \u00e4\"", options);
  }

  std::string any_log() { return "log" + std::to_string(below(4)); }
  void append() {
    static constexpr const char* kEntries[] = {"[1]", "\"two\"", "{\"three\":\n3}", "0"};
    const std::string operation = below(2) == 0 ? "" : "append" + std::to_string(below(50));
    plane_.append_to(any_log(), kEntries[below(4)], operation);
  }
  void keep_log() {
    LogBounds bounds;
    LogTrim trim;
    switch (below(7)) {
      case 0:
      case 1:
        bounds.max_entries = 1 + below(30);
        if (below(2) == 0) bounds.max_bytes = 10 + below(100);
        if (below(2) == 0) bounds.max_age = seconds(1 + below(60));
        plane_.define_log(any_log(), bounds);
        return;
      case 2:
        plane_.remove_log(any_log());
        return;
      case 3:
        trim.max_entries = below(10);
        break;
      case 4:
        trim.max_bytes = below(40);
        break;
      case 5:
        trim.before = below(40);
        break;
      default:
        trim.max_age = seconds(below(40));
        break;
    }
    plane_.trim_log(any_log(), trim);
  }
  // On from where it was, or for the first time, or in a log that is there no more.
  void read() {
    const std::string log = any_log();
    const std::uint64_t after = below(3) == 0 ? below(30) : readers_[log];
    plane_.read_page = {};
    plane_.read_log(log, after, 1 + below(5), below(2) == 0);
    readers_[log] = plane_.read_page.next_after;
  }

  // As a mailbox does it; see lib/mesh.
  void send() {
    const std::string from = any_agent(), to = any_agent();
    TaskSpec spec = task("");
    spec.task_type = kMessageType;
    spec.payload = "{\"from\":\"" + from + "\",\"to\":\"" + to + "\"}";
    spec.agent_id = mailbox_of(to);
    spec.retry = {static_cast<int>(below(3)), seconds(1), 2.0, seconds(300)};
    spec.timeout = limits_.max_delay;
    if (below(3) == 0) spec.total_timeout = seconds(1 + below(400));
    if (below(4) == 0) spec.trace = "order";
    if (below(2) == 0) {
      spec.idempotency_key = message_key(from, to, "op" + std::to_string(below(9)));
    }
    const Submitted sent = plane_.try_submit(spec);
    if (sent.answer == "ok") messages_.push_back(sent.id);
  }
  void receive() {
    ClaimRequest request = renewing(mailbox_of(any_agent()), 1'000 * (1 + below(60)));
    request.max_tasks = static_cast<std::uint32_t>(1 + below(3));
    if (below(4) == 0) request.claim_id = "receive" + std::to_string(below(9));
    for (ClaimedTask& held : plane_.claims(request).tasks) held_.push_back(std::move(held));
  }
  // What anybody may try with a message.
  void meddle() {
    if (messages_.empty()) return;
    const TaskId id = messages_[below(messages_.size())];
    switch (below(4)) {
      case 0:
        plane_.cancel(id, below(2) == 0);
        break;
      case 1:
        plane_.assign(id, any_agent());
        break;
      case 2:
        plane_.replay(id, "op" + std::to_string(below(20)));
        break;
      default:
        explain(id);
        break;
    }
  }

  void acquire() {
    static constexpr const char* kPools[] = {"budget", "count", "number", "window"};
    AcquireRequest request;
    for (const char* pool : kPools) {
      if (below(2) == 0) request.needs.push_back({pool, 1 + below(2)});
    }
    const bool is_lease = request.needs.empty();
    if (is_lease) request.needs = {{"lease" + std::to_string(below(3)), 1}};
    request.owner = "o" + std::to_string(1 + below(3));
    request.ttl = seconds(1 + below(40));
    request.priority = static_cast<TaskPriority>(below(4));
    request.operation_id = "op" + std::to_string(below(30));
    if (below(2) == 0) request.wait = seconds(1 + below(40));
    if (plane_.acquire(request, is_lease) == "ok") permits_.push_back(plane_.permit);
  }

  void end_permit() {
    if (permits_.empty()) return;
    const std::size_t at = below(permits_.size());
    const Permit held = permits_[at];
    switch (below(4)) {
      case 0:
        plane_.renew_permit(held, kMinute);
        return;
      case 1:
        plane_.settle(held);
        break;
      default:
        plane_.release(held);
        break;
    }
    permits_.erase(permits_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  Plane plane_;
  const Limits limits_;
  SeededEntropy random_;
  const bool shares_;
  bool punctual_ = false, brisk_ = false;
  std::uint64_t made_ = 0;
  std::vector<TaskId> messages_;                  // also those that are gone
  std::map<std::string, std::uint64_t> readers_;  // how far each log was read
  std::vector<Permit> permits_;    // also those that are over
  std::vector<ClaimedTask> held_;  // also those whose leases have ended since
};

}  // namespace controlplane::conformance
