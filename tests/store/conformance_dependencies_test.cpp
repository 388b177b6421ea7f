// Tasks that wait for others.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("a task is blocked until all its parents are completed") {
  Plane plane(kind);
  plane.submit("p1");
  plane.submit("p2");
  plane.submit(child("c", {"p1", "p2"}));
  CHECK(plane.state("c") == "pending blocked");
  CHECK(plane.get("c").blocked_by == 2);
  plane.complete(plane.claim("alice"));
  plane.advance_all();
  CHECK(plane.state("c") == "pending blocked");
  CHECK(plane.get("c").blocked_by == 1);
  plane.complete(plane.claim("alice"));
  CHECK(plane.next("alice").empty());  // advance has not told it yet
  plane.advance_all();
  CHECK(plane.next("alice") == "c");
  CHECK(plane.new_types() ==
        "task.submitted task.submitted task.submitted task.claimed task.completed "
        "task.claimed task.completed task.ready task.claimed");
}

CONFORMANCE_CASE("a parent that ended before counts at once") {
  Plane plane(kind);
  plane.submit("p");
  plane.complete(plane.claim("alice"));
  plane.submit(child("c", {"p"}));
  CHECK(plane.state("c") == "pending ready");
  plane.submit(child("d", {"p", "c"}));
  CHECK(plane.get("d").blocked_by == 1);
}

CONFORMANCE_CASE("a parent that ends otherwise fails its dependents, and theirs") {
  struct End {
    const char* name;
    void (*end)(Plane&);
    const char* state;
    const char* as;
  };
  const End ends[] = {
      {"fatal", [](Plane& p) { p.fail(p.claim("alice"), FailKind::fatal); }, "failed fatal",
       "failed"},
      {"exhausted", [](Plane& p) { p.fail(p.claim("alice")); }, "failed exhausted", "failed"},
      {"poison",
       [](Plane& p) {
         for (int i = 0; i < 3; ++i) {
           p.claim(renewing("alice", 1'000));
           p.advance_all(kSecond);
         }
       },
       "failed poison", "failed"},
      {"cancelled", [](Plane& p) { p.cancel("p"); }, "cancelled", "cancelled"},
      {"cancelled by force",
       [](Plane& p) {
         p.claim("alice");
         p.cancel("p", true);
       },
       "cancelled", "cancelled"},
      {"cancel grace",
       [](Plane& p) {
         p.claim("alice");
         p.cancel("p");
         p.advance_all(30 * kSecond);
       },
       "cancelled", "cancelled"},
      {"queue timeout", [](Plane& p) { p.advance_all(9 * kSecond); }, "timeout queue", "timeout"},
      {"execution timeout",
       [](Plane& p) {
         p.claim("alice");
         p.advance_all(40 * kSecond);
       },
       "timeout exec", "timeout"},
      {"total timeout",
       [](Plane& p) {
         p.advance_all(8 * kSecond);
         p.release(p.claim("alice"));
         p.advance_all(8 * kSecond);
         p.claim("alice");
         p.advance_all(36 * kSecond);
       },
       "timeout total", "timeout"},
  };
  for (const End& one : ends) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      TaskSpec parent = task("p");
      parent.queue_timeout = seconds(9);
      parent.timeout = seconds(40);
      parent.total_timeout = seconds(50);
      parent.retry.max_retries = 0;
      plane.submit(parent);
      plane.submit(child("c", {"p"}));
      plane.submit(child("g", {"c"}));
      one.end(plane);
      plane.advance_all();
      CHECK(plane.state("p") == one.state);
      CHECK(plane.state("c") == "failed fatal");
      CHECK(plane.get("c").error == std::string("parent task p ended as ") + one.as);
      CHECK(plane.state("g") == "failed fatal");
      CHECK(plane.get("g").error == "parent task c ended as failed");
      const std::vector<Event> events = plane.new_events();
      CHECK(events.back().type == "task.failed");
      CHECK_THAT(std::string(events.back().data.text()), ContainsSubstring(R"("kind":"parent")"));
      CHECK_THAT(std::string(events.back().data.text()), ContainsSubstring(R"("ref":"c")"));
    }
  }
}

CONFORMANCE_CASE("allow_failed_parents unblocks by any end") {
  Plane plane(kind);
  plane.submit("p1");
  plane.submit("p2");
  TaskSpec spec = child("c", {"p1", "p2"});
  spec.allow_failed_parents = true;
  plane.submit(spec);
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.cancel("p2");
  plane.advance_all();
  CHECK(plane.state("c") == "pending ready");
  spec = child("late", {"p1", "p2"});
  spec.allow_failed_parents = true;
  plane.submit(spec);
  CHECK(plane.state("late") == "pending ready");
}

CONFORMANCE_CASE("a child of a parent that had failed before is failed at once") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit("q");
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.submit(child("c", {"q", "p"}));
  CHECK(plane.state("c") == "failed fatal");
  CHECK(plane.get("c").error == "parent task p ended as failed");
  plane.complete(plane.claim("alice"));
  plane.advance_all();
  CHECK(plane.state("c") == "failed fatal");
}

CONFORMANCE_CASE("a delay and parents are waited for side by side") {
  Plane plane(kind);
  plane.submit("p");
  TaskSpec spec = child("c", {"p"});
  spec.delay = seconds(10);
  plane.submit(spec);
  SECTION("the parent first") {
    plane.complete(plane.claim("alice"));
    plane.advance_all(kSecond);
    CHECK(plane.state("c") == "pending delayed");
    plane.advance_all(9 * kSecond);
    CHECK(plane.state("c") == "pending ready");
  }
  SECTION("the delay first") {
    plane.advance_all(10 * kSecond);
    CHECK(plane.state("c") == "pending blocked");
    plane.complete(plane.claim("alice"));
    plane.advance_all();
    CHECK(plane.state("c") == "pending ready");
  }
}

CONFORMANCE_CASE("a task that is unblocked before its delay ends leaves an event for each") {
  Plane plane(kind);
  plane.submit("p");
  TaskSpec spec = child("c", {"p"});
  spec.delay = seconds(10);
  plane.submit(spec);
  const Timestamp until = plane.now() + 10 * kSecond;
  plane.complete(plane.claim("alice"));
  plane.new_types();
  plane.advance_all();
  const std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "task.delayed");
  CHECK(events[0].subject == "c");
  CHECK(events[0].data == "{\"until\":" + std::to_string(until) + "}");
  plane.advance_all(10 * kSecond);
  CHECK(plane.new_types() == "task.ready");
}

CONFORMANCE_CASE("a blocked task that was cancelled stays so when its parent ends") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit(child("c", {"p"}));
  plane.cancel("c");
  plane.complete(plane.claim("alice"));
  plane.advance_all();
  CHECK(plane.state("c") == "cancelled");
}

CONFORMANCE_CASE("a task cannot depend on itself or on what does not exist") {
  Plane plane(kind);
  CHECK(plane.try_submit(child("c", {"c"})).answer ==
        "not_found: depends_on: task c does not exist");
  CHECK(plane.stats().scheduler.submitted_total == 0);
}

CONFORMANCE_CASE("a parent that is named twice is waited for once") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit(child("c", {"p", "p"}));
  CHECK(plane.get("c").blocked_by == 1);
  plane.complete(plane.claim("alice"));
  plane.advance_all();
  CHECK(plane.state("c") == "pending ready");
}

CONFORMANCE_CASE("a parent that retention removed is not there for new children") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit(child("c", {"p"}));
  plane.complete(plane.claim("alice"));
  plane.advance_all(25 * kHour);
  CHECK(plane.state("c") == "pending ready");
  CHECK(plane.get("c").details->depends_on.size() == 1);
  CHECK(plane.try_submit(child("d", {"p"})).answer ==
        "not_found: depends_on: task p does not exist");
}

CONFORMANCE_CASE("10,000 dependents of one parent are told in batches") {
  Plane plane(kind);
  plane.submit("p");
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 10'000; ++i) specs.push_back(child("c" + std::to_string(i), {"p"}));
  plane.submit_batch(specs);
  CHECK_THAT(plane.try_submit(child("more", {"p"})).answer,
             ContainsSubstring("the limit max_dependents is 10000"));
  plane.complete(plane.claim("alice"));
  const Advance first = plane.advance();
  CHECK(first.applied == 256);
  CHECK(first.more_due);
  CHECK(plane.stats().scheduler.ready_tasks == 256);
  plane.advance_all();
  CHECK(plane.stats().scheduler.ready_tasks == 10'000);
  CHECK(plane.claims(many("alice", 3)).ids() == "c0 c1 c2");
}

CONFORMANCE_CASE("a child that comes while its parent is telling the others is told, too") {
  Plane plane(kind);
  plane.submit("p");
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 300; ++i) specs.push_back(child("c" + std::to_string(i), {"p"}));
  plane.submit_batch(specs);
  plane.complete(plane.claim("alice"));
  plane.advance();
  plane.submit(child("late", {"p"}));
  CHECK(plane.state("late") == "pending blocked");
  plane.advance_all();
  CHECK(plane.state("late") == "pending ready");
}

CONFORMANCE_CASE("dependents that are gone make room") {
  NamespaceOptions options;
  options.limits.max_dependents = 2;
  Plane plane(kind, options);
  plane.submit("p");
  const auto refill = [&](const std::string& name) {
    for (const char* number : {"1", "2"}) {
      TaskSpec spec = child(name + number, {"p"});
      spec.allow_failed_parents = true;
      plane.submit(spec);
      plane.cancel(name + number);
    }
    CHECK_THAT(plane.try_submit(child("more", {"p"})).answer, ContainsSubstring("max_dependents"));
  };
  refill("a");
  plane.advance_all(24 * kHour + kSecond);
  SECTION("of a parent that lives") { refill("b"); }
  SECTION("of one that ended, too") {
    plane.cancel("p");
    plane.advance_all();
    refill("b");
  }
  SECTION("and the others stay") {
    plane.submit(child("c", {"p"}));
    plane.complete(plane.claim("alice"));
    plane.advance_all();
    CHECK(plane.state("c") == "pending ready");
  }
}

CONFORMANCE_CASE("a completed parent has any number of dependents") {
  NamespaceOptions options;
  options.limits.max_dependents = 2;
  Plane plane(kind, options);
  plane.submit("p");
  plane.complete(plane.claim("alice"));
  for (const char* id : {"a", "b", "c"}) {
    CHECK(plane.try_submit(child(id, {"p"})).answer == "ok");
    CHECK(plane.state(id) == "pending ready");
  }
}

// --- replay with dependents ----------------------------------------------------------------------

CONFORMANCE_CASE("a replay revives dependents only when asked to") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit(child("c", {"p"}));
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.advance_all();
  SECTION("without") {
    const TaskId again = plane.replay("p", "op").id;
    plane.complete(plane.claim("alice"));
    plane.advance_all();
    CHECK(plane.state("c") == "failed fatal");
    CHECK(plane.stats().scheduler.submitted_total == 3);
    CHECK(plane.state(again) == "completed");
  }
  SECTION("with") {
    plane.replay("p", "op", true);
    CHECK(plane.replay("p", "op", true).answer == "ok");
    CHECK(plane.stats().scheduler.submitted_total == 4);
    CHECK(plane.stats().scheduler.blocked_tasks == 1);
    plane.complete(plane.claim("alice"));
    plane.advance_all();
    const ClaimedTask revived = plane.claim("alice");
    CHECK(revived.details->replayed_from == TaskId("c"));
  }
}

CONFORMANCE_CASE("a revived family keeps its shape, in whatever order its members were linked") {
  Plane plane(kind);
  plane.submit("a");
  plane.submit(child("b", {"a"}));
  plane.submit(child("c", {"b"}));
  plane.submit(child("d", {"a", "c"}));  // linked to a before c was
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.advance_all();
  REQUIRE(plane.replay("a", "op", true).answer == "ok");
  std::string order;
  for (int i = 0; i < 4; ++i) {
    const ClaimedTask held = plane.claim("alice");
    order += held.details->replayed_from.str();
    CHECK(plane.complete(held) == "ok");
    plane.advance_all();
  }
  CHECK(order == "abcd");
}

CONFORMANCE_CASE("dependents that do not know yet that their parent failed are revived as well") {
  Plane plane(kind);
  plane.submit("p");
  plane.submit(child("c", {"p"}));
  plane.submit(child("g", {"c"}));
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.replay("p", "op", true);  // before advance
  plane.advance_all();
  CHECK(plane.state("c") == "failed fatal");
  CHECK(plane.stats().scheduler.submitted_total == 6);
  CHECK(plane.stats().scheduler.blocked_tasks == 2);
}

CONFORMANCE_CASE("dependents that failed by themselves are not revived") {
  Plane plane(kind);
  plane.submit("p");
  TaskSpec spec = child("c", {"p"});
  spec.allow_failed_parents = true;
  plane.submit(spec);
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.advance_all();
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.replay("p", "op", true);
  CHECK(plane.stats().scheduler.submitted_total == 3);
}

CONFORMANCE_CASE("a replay that cannot revive all changes nothing") {
  NamespaceOptions options;
  options.limits.max_dependents = 2;
  Plane plane(kind, options);
  plane.submit("p");
  plane.submit("other");
  plane.submit(child("c", {"p", "other"}));
  plane.submit(child("d", {"other"}));
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.advance_all();
  CHECK_THAT(plane.replay("p", "op", true).answer, ContainsSubstring("max_dependents"));
  CHECK(plane.stats().scheduler.submitted_total == 4);
  CHECK(plane.replay("p", "op-2").answer == "ok");
}

}  // namespace controlplane::conformance
