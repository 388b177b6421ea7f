// Concurrency keys: how many tasks of one key run at once.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::seconds;

TaskSpec keyed(std::string_view id, std::uint32_t limit, std::string_view key = "k") {
  TaskSpec spec = task(id);
  spec.concurrency_key = key;
  spec.concurrency_limit = limit;
  return spec;
}

}  // namespace

CONFORMANCE_CASE("no more tasks of a key run than its limit allows") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c"}) plane.submit(keyed(id, 2));
  plane.submit("free");
  CHECK(plane.claims(many("alice", 9)).ids() == "a b free");
  CHECK(plane.state("c") == "pending ready");
  CHECK(plane.obstacles("c") == "concurrency_key_full k, waiting_for_claim");
}

CONFORMANCE_CASE("those that wait for a key age, too") {
  NamespaceOptions options;
  options.ageing_interval_us = 10 * kSecond;
  Plane plane(kind, options);
  plane.submit(keyed("first", 1));
  const ClaimedTask held = plane.claim("alice");
  TaskSpec spec = keyed("low", 1);
  spec.priority = TaskPriority::low;
  plane.submit(spec);
  plane.advance_all(20 * kSecond);
  spec = keyed("high", 1);
  spec.priority = TaskPriority::high;
  SECTION("as much as others") {
    plane.submit(spec);
    CHECK(plane.complete(held) == "ok");
    CHECK(plane.next("alice") == "low");
  }
  SECTION("and no more") {
    spec.priority = TaskPriority::critical;
    plane.submit(spec);
    CHECK(plane.complete(held) == "ok");
    CHECK(plane.next("alice") == "high");
  }
}

CONFORMANCE_CASE("every end of a lease frees its slot of the key") {
  struct End {
    const char* name;
    void (*end)(Plane&, const ClaimedTask&);
  };
  const End ends[] = {
      {"complete", [](Plane& p, const ClaimedTask& t) { p.complete(t); }},
      {"fatal", [](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::fatal); }},
      {"retry later",
       [](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::retryable, kSecond); }},
      {"forced cancel", [](Plane& p, const ClaimedTask&) { p.cancel("a", true); }},
      {"cancel grace",
       [](Plane& p, const ClaimedTask&) {
         p.cancel("a");
         p.advance_all(30 * kSecond);
       }},
      {"exec timeout, final", [](Plane& p, const ClaimedTask&) { p.advance_all(100 * kSecond); }},
      {"unregister, cancelled",
       [](Plane& p, const ClaimedTask&) {
         p.cancel("a");
         p.remove("alice");
       }},
  };
  for (const End& one : ends) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      plane.add(agent("alice"));
      TaskSpec first = keyed("a", 1);
      first.timeout = seconds(100);
      first.retry.max_retries = 1;
      first.retry.delay = seconds(1000);
      first.retry.max_delay = seconds(1000);
      plane.submit(first);
      plane.submit(keyed("b", 1));
      const ClaimedTask held = plane.claim("alice");
      CHECK(plane.next("bob").empty());
      one.end(plane, held);
      CHECK(plane.next("bob") == "b");
    }
  }
}

CONFORMANCE_CASE("a released task of a full key goes before those that wait for it") {
  Plane plane(kind);
  for (const char* id : {"a", "b"}) plane.submit(keyed(id, 1));
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.next("alice").empty());
  plane.release(held);
  CHECK(plane.next("alice") == "a");
}

CONFORMANCE_CASE("waiting tasks of a key come back in their order and priority") {
  Plane plane(kind);
  plane.submit(keyed("first", 1));
  plane.submit(keyed("b", 1));
  plane.submit(keyed("c", 1));
  TaskSpec urgent = keyed("urgent", 1);
  urgent.priority = TaskPriority::high;
  const ClaimedTask held = plane.claim("alice");
  plane.submit(urgent);
  CHECK(plane.next("alice").empty());
  plane.complete(held);
  std::string order;
  for (int i = 0; i < 3; ++i) {
    const ClaimedTask one = plane.claim("alice");
    order += one.id.str() + " ";
    plane.complete(one);
  }
  CHECK(order == "urgent b c ");
}

CONFORMANCE_CASE("a key reaches over queues, and a freed slot reaches all of them") {
  Plane plane(kind);
  TaskSpec x = keyed("x", 1), y = keyed("y", 1), z = keyed("z", 1);
  x.required_capabilities = {"x"};
  y.required_capabilities = {"y"};
  z.agent_id = "zoe";
  plane.submit(keyed("first", 1));
  const ClaimedTask held = plane.claim("alice");
  for (const TaskSpec& spec : {x, y, z}) plane.submit(spec);
  plane.complete(held);
  const ClaimedTask y_held =
      plane.claim(by("yann", {"y"}));  // although x and z came before or with it
  CHECK(y_held.id == TaskId("y"));
  CHECK(plane.claims(by("xena", {"x"})).ids().empty());
  CHECK(plane.next("zoe").empty());
  plane.complete(y_held);
  const ClaimedTask z_held = plane.claim("zoe");
  plane.complete(z_held);
  CHECK(plane.claims(by("xena", {"x"})).ids() == "x");
}

CONFORMANCE_CASE("each task brings its own limit for the key") {
  Plane plane(kind);
  plane.submit(keyed("a", 3));
  plane.submit(keyed("strict", 1));
  plane.submit(keyed("b", 3));
  plane.submit(keyed("c", 3));
  const Claimed held = plane.claims(many("alice", 9));
  CHECK(held.ids() == "a b c");
  plane.complete(held.tasks[0]);
  plane.complete(held.tasks[1]);
  CHECK(plane.next("alice").empty());  // c still runs
  plane.complete(held.tasks[2]);
  CHECK(plane.next("alice") == "strict");
}

CONFORMANCE_CASE("those that wait for a key are not forgotten when the one in front goes away") {
  struct Away {
    const char* name;
    void (*go)(Plane&);
  };
  const Away ways[] = {
      {"cancelled", [](Plane& p) { p.cancel("b"); }},
      {"queue timeout", [](Plane& p) { p.advance_all(20 * kSecond); }},
      {"total timeout", [](Plane& p) { p.advance_all(50 * kSecond); }},
      {"assigned to somebody else", [](Plane& p) { p.assign("b", "nobody"); }},
  };
  for (const Away& one : ways) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      plane.submit(keyed("a", 1));
      TaskSpec front = keyed("b", 1);
      if (std::string_view(one.name) == "queue timeout") front.queue_timeout = seconds(20);
      if (std::string_view(one.name) == "total timeout") front.total_timeout = seconds(50);
      const ClaimedTask held = plane.claim("alice");
      plane.submit(front);
      plane.submit(keyed("c", 1));
      plane.submit(keyed("d", 1));
      CHECK(plane.next("alice").empty());
      plane.complete(held);  // b stands ready again, c and d wait
      one.go(plane);
      CHECK(plane.next("alice") == "c");
    }
  }
}

CONFORMANCE_CASE("a task that waits for its key can be cancelled, assigned and timed out") {
  Plane plane(kind);
  plane.submit(keyed("a", 1));
  const ClaimedTask held = plane.claim("alice");
  TaskSpec late = keyed("late", 1);
  late.queue_timeout = seconds(5);
  plane.submit(late);
  plane.submit(keyed("gone", 1));
  plane.submit(keyed("moved", 1));
  CHECK(plane.cancel("gone") == "ok: cancelled");
  CHECK(plane.assign("moved", "bob") == "ok");
  plane.advance_all(5 * kSecond);
  CHECK(plane.state("late") == "timeout queue");
  CHECK(plane.next("bob").empty());
  plane.complete(held);
  CHECK(plane.next("alice").empty());
  CHECK(plane.next("bob") == "moved");
}

CONFORMANCE_CASE("many tasks of one key all run in the end, never more than allowed") {
  Plane plane(kind);
  for (int i = 0; i < 60; ++i) {
    TaskSpec spec = keyed("t" + std::to_string(i), 1 + static_cast<std::uint32_t>(i % 3));
    spec.required_capabilities = {i % 2 == 0 ? "even" : "odd"};
    plane.submit(spec);
  }
  std::vector<ClaimedTask> running;
  for (int round = 0; round < 500 && plane.stats().scheduler.completed_total < 60; ++round) {
    for (const char* side : {"even", "odd"}) {
      const Claimed got = plane.claims(by("alice", {side}));
      running.insert(running.end(), got.tasks.begin(), got.tasks.end());
    }
    CHECK(running.size() <= 3);
    if (running.empty()) break;
    CHECK(plane.complete(running.front()) == "ok");
    running.erase(running.begin());
  }
  CHECK(plane.stats().scheduler.completed_total == 60);
}

CONFORMANCE_CASE("a key is forgotten with its last task") {
  NamespaceOptions options;
  options.limits.max_concurrency_keys = 1;
  Plane plane(kind, options);
  plane.submit(keyed("a", 1, "one"));
  CHECK(plane.try_submit(keyed("b", 1, "two")).answer ==
        "resource_exhausted: concurrency_key two would be one more key in use; the limit "
        "max_concurrency_keys is 1");
  plane.complete(plane.claim("alice"));
  plane.advance_all(25 * kHour);
  TaskSpec spec = keyed("", 1, "two");
  CHECK(plane.try_submit(spec).answer == "ok");
}

}  // namespace controlplane::conformance
