// The history: one event per state change, in order, with its fields; and signals for those who
// wait.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;

void report(Plane& plane, HealthStatus health) {
  HeartbeatReport report;
  report.health = health;
  plane.heartbeat("alice", report);
}

}  // namespace

CONFORMANCE_CASE(
    "events are numbered without gaps, in order, with time, subject, labels and trace") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.labels = {{"team", "red"}};
  spec.trace = "trace-1";
  plane.submit(spec);
  plane.pass(kSecond);
  plane.complete(plane.claim("alice"));
  const std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 3);
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].seq == i + 1);
    CHECK(events[i].tenant == "main");
    CHECK(events[i].subject == "a");
    CHECK(events[i].labels == Labels{{"team", "red"}});
    CHECK(events[i].trace == "trace-1");
  }
  CHECK(events[0].time + kSecond == events[1].time);
  CHECK(events[0].data == "{}");
  CHECK(events[1].data == R"({"attempt":1,"agent_id":"alice"})");
  CHECK(events[2].data == R"({"attempt":1,"agent_id":"alice"})");
}

CONFORMANCE_CASE("each state change appends exactly one event") {
  struct Change {
    void (*make)(Plane&);
    const char* type;
  };
  const Change changes[] = {
      {[](Plane& p) { p.submit("a"); }, "task.submitted"},
      {[](Plane& p) { p.assign("a", "alice"); }, "task.assigned"},
      {[](Plane& p) { p.claim("alice"); }, "task.claimed"},
      {[](Plane& p) { p.start(Holder("a", "alice")); }, "task.started"},
      {[](Plane& p) { p.progress(Holder("a", "alice")); }, "task.progress"},
      {[](Plane& p) { p.renew(Holder("a", "alice")); }, ""},
      {[](Plane& p) { p.release(Holder("a", "alice")); }, "task.released"},
      {[](Plane& p) { p.fail(p.claim("alice"), FailKind::retryable, kSecond); },
       "task.claimed task.retrying"},
      {[](Plane& p) { p.advance_all(kSecond); }, "task.ready"},
      {[](Plane& p) { p.claim("alice"); }, "task.claimed"},
      {[](Plane& p) { p.cancel("a"); }, "task.cancel_requested"},
      {[](Plane& p) { p.cancel("a"); }, ""},
      {[](Plane& p) { p.complete(Holder("a", "alice")); }, "task.completed"},
      {[](Plane& p) { p.complete(Holder("a", "alice")); }, ""},
      {[](Plane& p) { p.try_submit(task("a")); }, ""},
      {[](Plane& p) {
         p.get("a");
         p.list();
         p.stats();
         p.explain("a");
       },
       ""},
  };
  Plane plane(kind);
  for (const Change& change : changes) {
    change.make(plane);
    CHECK(plane.new_types() == change.type);
  }
}

CONFORMANCE_CASE("each change of an agent appends exactly one event") {
  struct Change {
    void (*make)(Plane&);
    const char* type;
  };
  const Change changes[] = {
      {[](Plane& p) { p.add(agent("alice")); }, "agent.registered"},
      {[](Plane& p) { p.add(agent("alice")); }, ""},
      {[](Plane& p) { p.add(agent("alice", {"code"})); }, "agent.registered"},
      {[](Plane& p) { p.heartbeat("alice", AgentStatus::draining); }, "agent.status"},
      {[](Plane& p) { p.heartbeat("alice", AgentStatus::draining); }, ""},
      {[](Plane& p) { p.heartbeat("alice", AgentStatus::ready); }, "agent.status"},
      {[](Plane& p) { report(p, HealthStatus::degraded); }, "agent.degraded"},
      {[](Plane& p) { report(p, HealthStatus::unhealthy); }, "agent.unhealthy"},
      {[](Plane& p) { report(p, HealthStatus::unhealthy); }, ""},
      {[](Plane& p) { report(p, HealthStatus::healthy); }, "agent.healthy"},
      {[](Plane& p) { p.probe("alice", false); }, "agent.degraded"},
      {[](Plane& p) { p.probe("alice", false); }, ""},
      {[](Plane& p) { p.probe("alice", false); }, "agent.unhealthy"},
      {[](Plane& p) { p.probe("alice", true); }, ""},
      {[](Plane& p) { p.probe("alice", true); }, "agent.healthy"},
      {[](Plane& p) { p.advance_all(30 * kSecond); }, "agent.offline"},
      {[](Plane& p) { p.advance_all(kMinute); }, ""},
      {[](Plane& p) { p.heartbeat("alice"); }, "agent.online"},
      {[](Plane& p) { p.add(agent("alice", {"code"}), 2); }, "agent.superseded agent.registered"},
      {[](Plane& p) { p.remove("alice"); }, "agent.unregistered"},
      {[](Plane& p) { p.add(agent("alice")); }, "agent.registered"},
      {[](Plane& p) { p.advance_all(30 * kSecond); }, "agent.offline"},
      {[](Plane& p) { p.advance_all(24 * kHour); }, "agent.removed"},
  };
  Plane plane(kind);
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    INFO("change " << i);
    changes[i].make(plane);
    CHECK(plane.new_types() == changes[i].type);
  }
}

CONFORMANCE_CASE("an agent that is busy or ready by its slots leaves no event") {
  Plane plane(kind);
  plane.add(agent("alice", {}, 1));
  plane.submit("a");
  plane.new_types();
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.shown("alice") == "busy");
  plane.complete(held);
  CHECK(plane.shown("alice") == "ready");
  CHECK(plane.new_types() == "task.claimed task.completed");
}

CONFORMANCE_CASE("heartbeats and renewals that change no status leave no event") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  plane.claim("alice");
  plane.new_types();
  plane.heartbeat("alice");
  plane.renew(Holder("a", "alice"));
  plane.heartbeat("alice", AgentStatus::ready);
  CHECK(plane.new_types().empty());
  plane.heartbeat("alice", AgentStatus::draining);
  CHECK(plane.new_types() == "agent.status");
}

CONFORMANCE_CASE("events are read from any number on, filtered and bounded") {
  Plane plane(kind);
  TaskSpec red = task("a");
  red.labels = {{"team", "red"}};
  plane.submit(red);
  plane.submit("b");
  plane.complete(plane.claim("alice"));
  plane.cancel("b");
  const auto seqs = [&](std::uint64_t after, std::size_t max, const EventFilter& filter) {
    std::string list;
    for (const Event& event : plane.read_events(after, max, filter).events)
      list += std::to_string(event.seq);
    return list;
  };
  CHECK(seqs(0, 100, {}) == "12345");
  CHECK(seqs(3, 100, {}) == "45");
  CHECK(seqs(5, 100, {}).empty());
  CHECK(seqs(1, 2, {}) == "23");
  EventFilter filter;
  filter.subject = "a";
  CHECK(seqs(0, 100, filter) == "134");
  filter.types = {"task.submitted", "task.completed"};
  CHECK(seqs(0, 100, filter) == "14");
  filter = {};
  filter.types = {"task.*"};
  filter.exclude_types = {"task.submitted"};
  CHECK(seqs(0, 100, filter) == "345");
  filter = {};
  filter.label_key = "team";
  CHECK(seqs(0, 100, filter) == "134");
  filter.label_value = "blue";
  CHECK(seqs(0, 100, filter).empty());
  CHECK(plane.read_events(0, 100, filter).last_visited == 5);
}

CONFORMANCE_CASE("a reader that fell behind the trim is told the first number still there") {
  NamespaceOptions options;
  options.limits.max_events = 3;
  Plane plane(kind, options);
  for (const char* id : {"a", "b", "c", "d", "e"}) plane.submit(id);
  const ReadEvents lost = plane.read_events(1, 100);
  REQUIRE(lost.failed);
  CHECK(lost.failed->code == ErrorCode::data_loss);
  CHECK_THAT(lost.failed->message, ContainsSubstring("the first still there is 3"));
  CHECK(lost.first_seq == 3);
  CHECK(plane.read_events(2, 100).events.size() == 3);
  CHECK(plane.stats().events.first_seq == 3);
  CHECK(plane.stats().events.last_seq == 5);
}

CONFORMANCE_CASE("an operation that failed leaves no event") {
  Plane plane(kind);
  plane.submit("a");
  plane.new_types();
  plane.complete(Holder("a", "alice"));
  plane.assign("nope", "x");
  plane.try_submit(child("c", {"nope"}));
  CHECK(plane.new_types().empty());
}

// --- signals -------------------------------------------------------------------------------------

CONFORMANCE_CASE(
    "task_ready is told for every way in which a task becomes ready, while someone is parked") {
  Plane plane(kind);
  plane.submit("before");
  CHECK(plane.signals().empty());
  plane.watch();
  plane.submit("a");
  CHECK(plane.signals() == "task_ready x1");
  const ClaimedTask before = plane.claim("alice"), a = plane.claim("alice");
  CHECK(plane.signals().empty());
  plane.release(before);
  CHECK(plane.signals() == "task_ready x1");
  plane.fail(a, FailKind::retryable, kSecond);
  CHECK(plane.signals().empty());
  plane.advance_all(kSecond);
  CHECK(plane.signals() == "task_ready x1");
  plane.assign("a", "bob");
  CHECK(plane.signals() == "task_ready x1");
  plane.claim(renewing("bob", 1'000));
  plane.claim("bob");
  plane.advance_all(kSecond);
  CHECK(plane.signals() == "task_ready x1");
  plane.unwatch();
  plane.submit("b");
  CHECK(plane.signals().empty());
}

CONFORMANCE_CASE("task_ready is told when parents end and when a key has room again") {
  Plane plane(kind);
  plane.watch();
  TaskSpec p = task("p"), k = task("k");
  p.concurrency_key = k.concurrency_key = "key";
  p.concurrency_limit = k.concurrency_limit = 1;
  plane.submit(p);
  const ClaimedTask held = plane.claim("alice");
  plane.signals();
  plane.submit(k);
  plane.submit(child("c", {"p"}));
  CHECK(plane.signals().empty());
  plane.complete(held);
  CHECK(plane.signals() == "task_ready x1");
  plane.advance_all();
  CHECK(plane.signals() == "task_ready x1");
}

CONFORMANCE_CASE("task_done is told once, for a task that somebody waits for") {
  Plane plane(kind);
  plane.submit("a");
  plane.submit("b");
  CHECK(plane.wait_for("a") == "parked");
  CHECK(plane.wait_for("a") == "parked");
  const ClaimedTask a = plane.claim("alice"), b = plane.claim("alice");
  plane.complete(a);
  plane.complete(b);
  CHECK(plane.signals() == "task_done a");
  CHECK(plane.wait_for("a") == "completed");
  CHECK(plane.signals().empty());
}

CONFORMANCE_CASE("task_done can be asked for together with a snapshot") {
  Plane plane(kind);
  plane.submit("a");
  const TaskId id("a");
  GetTask op;
  op.id = &id;
  op.watch = true;
  CHECK(plane.apply(op) == "ok");
  CHECK(op.task.has_value());
  plane.cancel("a");
  CHECK(plane.signals() == "task_done a");
}

CONFORMANCE_CASE("agent_eligible is told to who was refused for want of a slot") {
  Plane plane(kind);
  plane.add(agent("alice", {}, 1));
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.claims(by("alice")).refused);
  plane.complete(held);
  CHECK(plane.signals().empty());  // it would not have parked
  plane.submit("b");
  const ClaimedTask again = plane.claim("alice");
  plane.parks_until = plane.now() + kHour;
  CHECK(plane.claims(by("alice")).refused);
  plane.release(again);
  CHECK(plane.signals() == "agent_eligible alice");
}

CONFORMANCE_CASE("agent_eligible is told when the breaker admits again") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  for (int i = 0; i < 3; ++i) plane.fail(plane.claim("alice"));
  plane.parks_until = plane.now() + kHour;
  CHECK(plane.claims(by("alice")).refused);
  plane.advance_all(60 * kSecond);
  CHECK(plane.signals() == "agent_eligible alice");
}

CONFORMANCE_CASE("agent_offers is told when the registered capabilities of an agent change") {
  Plane plane(kind);
  plane.add(agent("nobody waits", {"code"}));
  CHECK(plane.signals().empty());
  plane.watch();
  plane.add(agent("alice", {"code", "math"}));
  CHECK(plane.signals() == "agent_offers alice");
  plane.add(agent("alice", {"math", "code", "math"}, 5));
  CHECK(plane.signals().empty());
  plane.add(agent("alice", {"math"}));
  CHECK(plane.signals() == "agent_offers alice");
  plane.add(agent("alice", {}), 2);
  CHECK(plane.signals() == "agent_ended alice, agent_offers alice");
}

CONFORMANCE_CASE("a claim that will park is told what it offered") {
  using Names = std::vector<std::string>;
  Plane plane(kind);
  plane.add(agent("alice", {"math", "code"}, 1));
  CHECK_FALSE(plane.claims(by("alice")).offered);
  plane.parks_until = plane.now() + kHour;
  CHECK(plane.claims(by("alice")).offered == Names{"code", "math"});
  CHECK(plane.claims(by("stranger")).offered == Names{});
  CHECK_FALSE(plane.claims(by("alice", {"code"})).offered);
  plane.submit("a");
  CHECK_FALSE(plane.claims(by("alice")).offered);
  const Claimed refused = plane.claims(by("alice"));
  CHECK(refused.refused);
  CHECK_FALSE(refused.offered);
}

CONFORMANCE_CASE("a claim is told whether it got a task of the queue that it was woken for") {
  Plane plane(kind);
  TaskSpec first = task("a"), second = task("b");
  first.required_capabilities = {"code"};
  second.required_capabilities = {"math"};
  plane.submit(first);
  plane.submit(second);
  const QueueKey queue{{"math"}, "", {}};
  plane.sought = &queue;
  ClaimRequest request = by("alice", {"code", "math"});
  request.claim_id = "once";
  CHECK_FALSE(plane.claims(request).got_sought);
  CHECK_FALSE(plane.claims(request).got_sought);
  request.claim_id = "again";
  CHECK(plane.claims(request).got_sought);
  CHECK_FALSE(plane.claims(request).got_sought);  // a repetition takes nothing
  CHECK_FALSE(plane.claims(by("alice", {"math"})).got_sought);
}

CONFORMANCE_CASE("agent_ended is told when an agent may no longer wait for work") {
  struct End {
    const char* name;
    void (*end)(Plane&);
  };
  const End ends[] = {
      {"draining", [](Plane& p) { p.heartbeat("alice", AgentStatus::draining); }},
      {"failed",
       [](Plane& p) {
         for (int i = 0; i < 3; ++i) p.probe("alice", false);
       }},
      {"offline", [](Plane& p) { p.advance_all(30 * kSecond); }},
      {"registered again", [](Plane& p) { p.add(agent("alice"), 2); }},
      {"unregistered", [](Plane& p) { p.remove("alice"); }},
  };
  for (const End& one : ends) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      plane.add(agent("alice"));
      plane.signals();
      one.end(plane);
      CHECK(plane.signals() == "agent_ended alice");
    }
  }
}

}  // namespace controlplane::conformance
