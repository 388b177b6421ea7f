// Which task a claim gets: priorities, first come first served, ageing, who may take what.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::seconds;

TaskSpec of(std::string_view id, TaskPriority priority) {
  TaskSpec spec = task(id);
  spec.priority = priority;
  return spec;
}

TaskSpec directed(std::string_view id, std::string_view agent) {
  TaskSpec spec = task(id);
  spec.agent_id = agent;
  return spec;
}

}  // namespace

CONFORMANCE_CASE("priorities go first, and within one the first come") {
  Plane plane(kind);
  plane.submit(of("l1", TaskPriority::low));
  plane.submit(of("n1", TaskPriority::normal));
  plane.submit(of("h1", TaskPriority::high));
  plane.submit(of("c1", TaskPriority::critical));
  plane.submit(of("n2", TaskPriority::normal));
  plane.submit(of("c2", TaskPriority::critical));
  CHECK(plane.claims(many("alice", 10)).ids() == "c1 c2 h1 n1 n2 l1");
}

CONFORMANCE_CASE("the order holds across the queues that one agent can serve") {
  Plane plane(kind);
  const std::vector<std::vector<std::string>> needs = {{"x"}, {}, {"y"}, {"x", "y"}, {"x"}, {}};
  for (std::size_t i = 0; i < needs.size(); ++i)
    plane.submit(task("t" + std::to_string(i), needs[i]));
  plane.submit(directed("t6", "alice"));
  ClaimRequest request = by("alice", {"y", "x"});
  request.max_tasks = 10;
  CHECK(plane.claims(request).ids() == "t0 t1 t2 t3 t4 t5 t6");
}

CONFORMANCE_CASE("a task keeps its position through retry, release and expiry") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c", "d"}) plane.submit(id);
  const ClaimedTask a = plane.claim("alice"), b = plane.claim("alice");
  plane.claim(renewing("alice", 1'000));  // c
  plane.submit("e");
  plane.fail(b);
  plane.release(a);
  plane.advance_all(kSecond);
  CHECK(plane.claims(many("alice", 10)).ids() == "a b c d e");
}

CONFORMANCE_CASE("a delayed task takes its position when it becomes ready") {
  Plane plane(kind);
  TaskSpec late = task("late");
  late.delay = seconds(1);
  plane.submit(late);
  plane.submit("early");
  plane.advance_all(kSecond);
  plane.submit("last");
  CHECK(plane.claims(many("alice", 10)).ids() == "early late last");
}

CONFORMANCE_CASE("with ageing a long wait gains levels") {
  NamespaceOptions options;
  options.ageing_interval_us = 10 * kSecond;
  Plane plane(kind, options);
  plane.submit(of("low", TaskPriority::low));
  plane.pass(19 * kSecond);
  plane.submit(of("high", TaskPriority::high));
  SECTION("not yet") { CHECK(plane.next("alice") == "high"); }
  SECTION("equal levels: the older position") {
    plane.pass(kSecond);
    CHECK(plane.next("alice") == "low");
  }
  SECTION("a newcomer of the highest level can be overtaken") {
    plane.pass(21 * kSecond);
    plane.submit(of("critical", TaskPriority::critical));
    CHECK(plane.next("alice") == "low");
  }
}

CONFORMANCE_CASE("without ageing the lowest level waits for ever") {
  Plane plane(kind);
  plane.submit(of("low", TaskPriority::low));
  plane.pass(100 * kHour);
  plane.submit(of("normal", TaskPriority::normal));
  CHECK(plane.next("alice") == "normal");
}

CONFORMANCE_CASE("only an agent that offers everything required gets a task") {
  Plane plane(kind);
  plane.submit(task("a", {"code", "gpu"}));
  CHECK(plane.claims(by("x", {"code"})).ids().empty());
  CHECK(plane.claims(by("x", {})).ids().empty());
  CHECK(plane.claims(by("x", {"gpu", "code", "more"})).ids() == "a");
}

CONFORMANCE_CASE("a claim that names no capabilities offers the registered ones") {
  Plane plane(kind);
  plane.add(agent("alice", {"code"}));
  plane.submit(task("a", {"code"}));
  plane.submit(task("b", {"gpu"}));
  CHECK(plane.next("alice") == "a");
  CHECK(plane.next("alice").empty());
  CHECK(plane.claims(by("alice", {"gpu"})).ids() == "b");
}

CONFORMANCE_CASE("a directed task goes to its agent only, whoever else offers") {
  Plane plane(kind);
  plane.submit(directed("a", "bob"));
  CHECK(plane.next("alice").empty());
  CHECK(plane.next("bob") == "a");
}

CONFORMANCE_CASE("a directed task still needs its capabilities") {
  Plane plane(kind);
  TaskSpec spec = directed("a", "bob");
  spec.required_capabilities = {"gpu"};
  plane.submit(spec);
  CHECK(plane.next("bob").empty());
  CHECK(plane.claims(by("bob", {"gpu"})).ids() == "a");
}

CONFORMANCE_CASE("an excluded agent does not get a task") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.exclude = {"zoe", "alice", "zoe"};
  plane.submit(spec);
  CHECK(plane.next("alice").empty());
  CHECK(plane.next("zoe").empty());
  CHECK(plane.next("bob") == "a");
}

CONFORMANCE_CASE("assign directs a pending task and gives it back to all") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.assign("a", "bob") == "ok");
  CHECK(plane.assign("a", "bob") == "ok");
  CHECK(plane.get("a").directed_to == "bob");
  CHECK(plane.next("alice").empty());
  CHECK(plane.assign("a", "") == "ok");
  CHECK(plane.next("alice") == "a");
  CHECK(plane.assign("a", "bob") ==
        "failed_precondition: task a: it is claimed; only a pending task can be assigned");
  CHECK(plane.new_types() == "task.submitted task.assigned task.assigned task.claimed");
}

CONFORMANCE_CASE("an assigned task keeps its position") {
  Plane plane(kind);
  plane.submit("a");
  plane.submit("b");
  plane.assign("b", "bob");
  plane.assign("a", "bob");
  CHECK(plane.claims(many("bob", 9)).ids() == "a b");
}

CONFORMANCE_CASE("tasks that are not ready are assigned as well") {
  Plane plane(kind);
  TaskSpec delayed = task("delayed");
  delayed.delay = seconds(1);
  plane.submit(delayed);
  plane.submit(child("blocked", {"delayed"}));
  CHECK(plane.assign("delayed", "bob") == "ok");
  CHECK(plane.assign("blocked", "bob") == "ok");
  CHECK(plane.state("delayed") == "pending delayed");
  CHECK(plane.state("blocked") == "pending blocked");
  plane.advance_all(kSecond);
  CHECK(plane.next("alice").empty());
  plane.complete(plane.claim("bob"));
  plane.advance_all();
  CHECK(plane.next("alice").empty());
  CHECK(plane.next("bob") == "blocked");
}

CONFORMANCE_CASE("200 tasks that an agent cannot serve stand in front of one that it can") {
  Plane plane(kind);
  for (int i = 0; i < 200; ++i) {
    TaskSpec spec = task("t" + std::to_string(i), {"need" + std::to_string(i)});
    spec.priority = TaskPriority::critical;
    plane.submit(spec);
  }
  plane.submit(task("mine", {"code"}));
  CHECK(plane.claims(by("alice", {"code"})).ids() == "mine");
}

CONFORMANCE_CASE("a queue that was idle for long is forgotten and comes back") {
  Plane plane(kind);
  for (int i = 0; i < 600; ++i) {
    plane.submit(task("t" + std::to_string(i), {"need" + std::to_string(i)}));
    plane.complete(plane.claim(by("alice", {"need" + std::to_string(i)})));
  }
  CHECK(plane.stats().scheduler.queues <= 257);
  plane.submit(task("again", {"need0"}));
  CHECK(plane.claims(by("alice", {"need0"})).ids() == "again");
}

CONFORMANCE_CASE("a claimer whose idle queue goes while it claims gets its task all the same") {
  Plane plane(kind);
  plane.submit(directed("mine", "alice"));
  plane.cancel("mine");  // leaves an idle queue directed to alice, the oldest
  for (int i = 0; i < 255; ++i) {
    plane.submit(directed("t" + std::to_string(i), "agent" + std::to_string(i)));
    plane.cancel("t" + std::to_string(i));
  }
  TaskSpec over = task("over");
  over.total_timeout = seconds(1);
  plane.submit(over);
  plane.submit(task("next", {"code"}));
  plane.pass(kSecond);
  const ClaimedTask held = plane.claim(by("alice", {"code"}));
  CHECK(held.id == TaskId("next"));
  CHECK(plane.get("next").agent_id == "alice");
  CHECK(plane.complete(Holder("next", "alice")) == "ok");
}

// --- claim ids -----------------------------------------------------------------------------------

CONFORMANCE_CASE("the same claim id answers the same tasks while their leases live") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c", "d"}) plane.submit(id);
  ClaimRequest request = many("alice", 3);
  request.claim_id = "claim-1";
  const Claimed first = plane.claims(request), again = plane.claims(request);
  CHECK(first.ids() == "a b c");
  CHECK(again.ids() == "a b c");
  CHECK(again.tasks[1].lease == first.tasks[1].lease);
  CHECK(plane.stats().scheduler.claimed_total == 3);
  CHECK(plane.stats().scheduler.duplicates_total == 1);
  plane.complete(first.tasks[0]);
  plane.release(first.tasks[1]);
  CHECK(plane.claims(request).ids() == "c");
  plane.complete(first.tasks[2]);
  CHECK(plane.claims(request).ids() == "b d");
}

CONFORMANCE_CASE("a single claim is repeated, too, also by an agent without a free slot") {
  Plane plane(kind);
  plane.add(agent("alice", {}, 1));
  plane.submit("a");
  plane.submit("b");
  ClaimRequest request = by("alice");
  request.claim_id = "claim-1";
  CHECK(plane.claims(request).ids() == "a");
  CHECK(plane.claims(request).ids() == "a");
  request.claim_id = "claim-2";
  CHECK(plane.claims(request).refused);
}

CONFORMANCE_CASE("claim ids of different agents have nothing to do with each other") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c"}) plane.submit(id);
  ClaimRequest alice = by("alice"), bob = by("bob");
  alice.claim_id = bob.claim_id = "claim-1";
  CHECK(plane.claims(alice).ids() == "a");
  CHECK(plane.claims(bob).ids() == "b");
  CHECK(plane.claims(alice).ids() == "a");
  CHECK(plane.claims(bob).ids() == "b");
  alice.max_tasks = 9;
  CHECK(plane.claims(alice).ids() == "a");
}

CONFORMANCE_CASE("a repeated claim does not bring back what a hard deadline has ended") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.timeout = seconds(1);
  spec.retry.max_retries = 0;
  plane.submit(spec);
  ClaimRequest request = by("alice");
  request.claim_id = "claim-1";
  CHECK(plane.claims(request).ids() == "a");
  plane.pass(kSecond);
  CHECK(plane.claims(request).ids().empty());
  CHECK(plane.state("a") == "timeout exec");
}

}  // namespace controlplane::conformance
