// Every row of the task transition table: what the operation does and what its guard refuses.
#include "store/conformance.hpp"

namespace controlplane::conformance {
using Catch::Matchers::ContainsSubstring;

CONFORMANCE_CASE("a submitted task is pending and ready") {
  Plane plane(kind);
  plane.submit("a");
  const Task got = plane.get("a");
  CHECK(plane.state("a") == "pending ready");
  CHECK(got.task_type == "work");
  CHECK(got.attempt == 0);
  CHECK(got.submitted_at == plane.now());
  CHECK(got.ready_at == plane.now());
  CHECK(got.max_retries == 3);
  CHECK(plane.new_types() == "task.submitted");
}

CONFORMANCE_CASE("a spec comes back as it was given") {
  Plane plane(kind);
  TaskSpec spec = task("a", {"gpu", "code", "gpu"});
  spec.payload = R"({"x":1})";
  spec.metadata = R"({"m":2})";
  spec.labels = {{"team", "red"}};
  spec.trace = "trace-1";
  spec.priority = TaskPriority::high;
  spec.agent_id = "bob";
  spec.concurrency_key = "key";
  spec.concurrency_limit = 2;
  spec.retry.max_retries = 7;
  plane.submit(spec);
  const Task got = plane.get("a");
  CHECK(got.payload == R"({"x":1})");
  CHECK(got.required_capabilities == std::vector<std::string>{"code", "gpu"});
  CHECK(got.priority == TaskPriority::high);
  CHECK(got.directed_to == "bob");
  CHECK(got.concurrency_key == "key");
  CHECK(got.max_retries == 7);
  REQUIRE(got.details != nullptr);
  CHECK(got.details->metadata == R"({"m":2})");
  CHECK(got.details->labels == Labels{{"team", "red"}});
  CHECK(got.details->trace == "trace-1");
}

CONFORMANCE_CASE("a task with an id that the library made is found by it") {
  Plane plane(kind);
  const TaskId id = plane.submit(task(""));
  CHECK(id.is_made());
  CHECK(plane.state(id) == "pending ready");
  CHECK(plane.claim("a").id == id);
  CHECK(plane.new_events()[1].subject == id.str());
}

CONFORMANCE_CASE("an own id of the form that the library makes is found, too") {
  Plane plane(kind);
  const TaskId id("task_01890a5d-ac96-774b-bcce-b302099a8057");
  REQUIRE(id.is_made());
  TaskSpec spec = task("");
  spec.task_id = id;
  CHECK(plane.submit(spec) == id);
  CHECK(plane.state(id) == "pending ready");
  CHECK(plane.try_submit(spec).answer == "duplicate");
  CHECK(plane.complete(plane.claim("a")) == "ok");
  plane.advance_all(25 * kHour);
  CHECK_THAT(plane.state(id), ContainsSubstring("not_found"));
}

CONFORMANCE_CASE("an own id cannot be that of a task whose id the library made") {
  Plane plane(kind);
  TaskSpec spec = task("");
  spec.task_id = plane.submit(task(""));
  CHECK(plane.try_submit(spec).answer ==
        "already_exists: task_id " + spec.task_id.str() + " is that of another task");
  CHECK(plane.stats().scheduler.submitted_total == 1);
}

CONFORMANCE_CASE("a claim leases the task and counts an attempt") {
  Plane plane(kind);
  plane.submit("a");
  plane.pass(kSecond);
  const ClaimedTask held = plane.claim(renewing("alice", 5'000));
  CHECK(held.id == TaskId("a"));
  CHECK(held.attempt == 1);
  CHECK(held.lease.attempt() == 1);
  CHECK(held.claimed_at == plane.now());
  CHECK(held.deadline == plane.now() + 300 * kSecond);
  CHECK(held.lease_until == plane.now() + 5 * kSecond);
  CHECK(plane.state("a") == "claimed");
  CHECK(plane.get("a").agent_id == "alice");
  CHECK(plane.next("bob").empty());
  CHECK(plane.new_types() == "task.submitted task.claimed");
}

CONFORMANCE_CASE("a claim that does not renew holds until the execution deadline") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(held.lease_until == 0);
  plane.advance_all(299 * kSecond);
  CHECK(plane.complete(held) == "ok");
}

CONFORMANCE_CASE("start makes a claimed task running, once") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.pass(kSecond);
  CHECK(plane.start(held) == "ok");
  CHECK(plane.start(held) == "ok");
  CHECK(plane.state("a") == "running");
  CHECK(plane.get("a").started_at == plane.now());
  CHECK(plane.new_types() == "task.submitted task.claimed task.started");
}

CONFORMANCE_CASE("the next claim has not started yet") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.start(held);
  CHECK(plane.get("a").started_at == plane.now());
  plane.release(held);
  plane.claim("alice");
  CHECK(plane.get("a").started_at == 0);
}

CONFORMANCE_CASE("a renewal extends the lease and never shortens it") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim(renewing("alice", 10'000));
  plane.pass(4 * kSecond);
  CHECK(plane.renew(held) == "ok");
  CHECK(plane.lease.lease_until == plane.now() + 10 * kSecond);
  CHECK(plane.lease.deadline == held.deadline);
  CHECK_FALSE(plane.lease.cancel_requested);
  plane.advance_all(9 * kSecond);
  CHECK(plane.state("a") == "claimed");
  plane.advance_all(kSecond);
  CHECK(plane.state("a") == "pending ready");
}

CONFORMANCE_CASE("starting does not renew") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim(renewing("alice", 10'000));
  plane.pass(5 * kSecond);
  CHECK(plane.start(held) == "ok");
  CHECK(plane.lease.lease_until == held.lease_until);
}

CONFORMANCE_CASE("progress is kept, told and renews; its data goes to the next attempt") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask first = plane.claim(renewing("alice", 10'000));
  plane.pass(4 * kSecond);
  CHECK(plane.progress(first, 0.5, "half", R"({"page":3})") == "ok");
  CHECK(plane.lease.lease_until == plane.now() + 10 * kSecond);
  CHECK(plane.progress(first, 0.7, "more") == "ok");
  CHECK(plane.get("a").progress == 0.7);
  CHECK(plane.get("a").progress_note == "more");
  CHECK(plane.new_types() == "task.submitted task.claimed task.progress task.progress");
  CHECK(plane.fail(first) == "ok");
  CHECK(plane.claim("bob").checkpoint == R"({"page":3})");
  CHECK(plane.get("a").progress == 0.7);  // the last that was reported
}

CONFORMANCE_CASE("a completion keeps result and usage") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.pass(kSecond);
  CHECK(plane.complete(held, R"({"answer":42})", R"({"tokens":7})") == "ok");
  const Task got = plane.get("a");
  CHECK(plane.state("a") == "completed");
  CHECK(got.result == R"({"answer":42})");
  CHECK(got.usage == R"({"tokens":7})");
  CHECK(got.finished_at == plane.now());
  CHECK(plane.stats().scheduler.completed_total == 1);
}

CONFORMANCE_CASE("usage is that of the accepted end") {
  Plane plane(kind);
  plane.submit("a");
  plane.fail(plane.claim("alice"), FailKind::retryable, 0, "boom", R"({"tokens":7})");
  CHECK(plane.complete(plane.claim("alice")) == "ok");
  CHECK(plane.get("a").usage.empty());
}

CONFORMANCE_CASE("a fatal failure is final") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.fail(plane.claim("alice"), FailKind::fatal, 0, "bad input") == "ok");
  CHECK(plane.state("a") == "failed fatal");
  CHECK(plane.get("a").error == "bad input");
  CHECK(plane.stats().scheduler.dead_letters == 1);
}

CONFORMANCE_CASE("a released task is ready again and nothing is counted") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.release(plane.claim("alice")) == "ok");
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.get("a").failures == 0);
  CHECK(plane.get("a").crashes == 0);
  CHECK(plane.claim("alice").attempt == 2);
}

CONFORMANCE_CASE("the eleventh release in a row is a crash, the third crash is poison") {
  Plane plane(kind);
  plane.submit("a");
  const auto release = [&](int times) {
    for (int i = 0; i < times; ++i) plane.release(plane.claim("alice"));
  };
  release(10);
  CHECK(plane.get("a").crashes == 0);
  release(1);
  CHECK(plane.get("a").crashes == 1);
  release(21);
  CHECK(plane.state("a") == "pending ready");
  release(1);
  CHECK(plane.state("a") == "failed poison");
}

CONFORMANCE_CASE("anything but a release ends the row of releases") {
  struct End {
    const char* name;
    void (*end)(Plane&, const ClaimedTask&);
    std::uint32_t crashes = 0;  // by itself
  };
  const End ends[] = {
      {"rate limited",
       [](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::rate_limited); }},
      {"retryable", [](Plane& p, const ClaimedTask& t) { p.fail(t); }},
      {"exec timeout", [](Plane& p, const ClaimedTask&) { p.advance_all(20 * kSecond); }},
      {"crash", [](Plane& p, const ClaimedTask&) { p.advance_all(10 * kSecond); }, 1},
  };
  for (const End& one : ends) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      TaskSpec spec = task("a");
      spec.timeout = std::chrono::seconds(20);
      plane.submit(spec);
      for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 10; ++i) plane.release(plane.claim("alice"));
        one.end(plane, plane.claim(one.crashes > 0 ? renewing("alice", 10'000) : by("alice")));
      }
      CHECK(plane.get("a").crashes == 2 * one.crashes);
    }
  }
}

CONFORMANCE_CASE("reassigning and unregistering count in the row of releases") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  for (int i = 0; i < 10; ++i) {
    plane.claim("alice");
    plane.reassign("alice");
  }
  CHECK(plane.get("a").crashes == 0);
  plane.claim("alice");
  SECTION("reassigned") { plane.reassign("alice"); }
  SECTION("unregistered") { plane.remove("alice"); }
  SECTION("released") { plane.release(Holder("a", "alice")); }
  CHECK(plane.get("a").crashes == 1);
}

CONFORMANCE_CASE("a pending task is cancelled at once, whatever it waits for") {
  Plane plane(kind);
  plane.submit("ready");
  TaskSpec delayed = task("delayed");
  delayed.delay = std::chrono::seconds(9);
  plane.submit(delayed);
  plane.submit(child("blocked", {"delayed"}));
  for (const char* id : {"ready", "blocked", "delayed"}) {
    CHECK(plane.cancel(id) == "ok: cancelled");
    CHECK(plane.cancel(id) == "ok: cancelled");
    CHECK(plane.state(id) == "cancelled");
  }
  CHECK(plane.next("alice").empty());
  CHECK(plane.stats().scheduler.cancelled_total == 3);
}

CONFORMANCE_CASE("a cancel request is told to the holder and enforced after the grace") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.cancel("a") == "ok: claimed");
  CHECK(plane.cancel("a") == "ok: claimed");
  CHECK(plane.get("a").cancel_requested);
  CHECK(plane.renew(held) == "ok");
  CHECK(plane.lease.cancel_requested);
  plane.advance_all(30 * kSecond - 1);
  CHECK(plane.state("a") == "claimed");
  plane.advance_all(1);
  CHECK(plane.state("a") == "cancelled");
  const std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 4);
  CHECK(events[2].type == "task.cancel_requested");
  CHECK(events[2].data == R"({"attempt":1,"agent_id":"alice","until":)" +
                              std::to_string(events[2].time + 30 * kSecond) + "}");
  CHECK(events[3].type == "task.cancelled");
}

CONFORMANCE_CASE("a forced cancel ends the lease at once") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.cancel("a", true) == "ok: cancelled");
  CHECK_THAT(plane.complete(held), ContainsSubstring("already cancelled"));
  CHECK(plane.state("a") == "cancelled");
}

CONFORMANCE_CASE("an ended task cannot be cancelled") {
  Plane plane(kind);
  plane.submit("a");
  plane.complete(plane.claim("alice"));
  CHECK(plane.cancel("a") == "conflict: task a: it ended as completed");
  CHECK(plane.cancel("a", true) == "conflict: task a: it ended as completed");
}

CONFORMANCE_CASE("after a cancel request a completion wins and every other end is cancelled") {
  struct End {
    const char* name;
    std::string (*end)(Plane&, const ClaimedTask&);
    const char* state;
  };
  const End ends[] = {
      {"complete", [](Plane& p, const ClaimedTask& t) { return p.complete(t); }, "completed"},
      {"retryable", [](Plane& p, const ClaimedTask& t) { return p.fail(t); }, "cancelled"},
      {"fatal", [](Plane& p, const ClaimedTask& t) { return p.fail(t, FailKind::fatal); },
       "cancelled"},
      {"rate limited",
       [](Plane& p, const ClaimedTask& t) { return p.fail(t, FailKind::rate_limited); },
       "cancelled"},
      {"release", [](Plane& p, const ClaimedTask& t) { return p.release(t); }, "cancelled"},
      {"reassign", [](Plane& p, const ClaimedTask&) { return p.reassign("alice").substr(0, 2); },
       "cancelled"},
      {"unregister", [](Plane& p, const ClaimedTask&) { return p.remove("alice"); }, "cancelled"},
      {"new incarnation", [](Plane& p, const ClaimedTask&) { return p.add(agent("alice"), 2); },
       "cancelled"},
      {"force", [](Plane& p, const ClaimedTask&) { return p.cancel("a", true).substr(0, 2); },
       "cancelled"},
      {"lease expiry",
       [](Plane& p, const ClaimedTask&) {
         p.advance_all(10 * kSecond);
         return std::string("ok");
       },
       "cancelled"},
      {"exec timeout",
       [](Plane& p, const ClaimedTask& t) {
         p.pass(5 * kSecond);
         p.renew(t);
         p.advance_all(7 * kSecond);
         return std::string("ok");
       },
       "cancelled"},
  };
  for (const End& one : ends) {
    DYNAMIC_SECTION(one.name) {
      Plane plane(kind);
      plane.add(agent("alice"));
      TaskSpec spec = task("a");
      spec.timeout = std::chrono::seconds(12);
      plane.submit(spec);
      const ClaimedTask held = plane.claim(renewing("alice", 10'000));
      plane.start(held);
      REQUIRE(plane.cancel("a") == "ok: running");
      CHECK(one.end(plane, held) == "ok");
      CHECK(plane.state("a") == one.state);
      CHECK(plane.next("alice").empty());
    }
  }
}

CONFORMANCE_CASE("unknown ids are not found by any operation") {
  Plane plane(kind);
  plane.submit("a");
  const Holder nobody("nope", "alice");
  const std::string answer = "not_found: task nope does not exist";
  CHECK(plane.complete(nobody) == answer);
  CHECK(plane.fail(nobody) == answer);
  CHECK(plane.release(nobody) == answer);
  CHECK(plane.start(nobody) == answer);
  CHECK(plane.renew(nobody) == answer);
  CHECK(plane.progress(nobody) == answer);
  CHECK(plane.cancel("nope") == answer);
  CHECK(plane.assign("nope", "alice") == answer);
  CHECK(plane.replay("nope", "op").answer == answer);
  CHECK(plane.state("nope") == answer);
  CHECK(plane.wait_for("nope") == answer);
  CHECK(plane.try_submit(child("b", {"nope"})).answer ==
        "not_found: depends_on: task nope does not exist");
}

CONFORMANCE_CASE("ends of batches are answered one by one") {
  Plane plane(kind);
  plane.submit_batch({task("a"), task("b"), task("c"), task("a")});
  CHECK(plane.stats().scheduler.pending_tasks == 3);
  const Claimed held = plane.claims(many("alice", 9));
  CHECK(held.ids() == "a b c");
  plane.cancel("b", true);
  const std::vector<std::string> answers = plane.complete_batch(held.tasks);
  CHECK(answers[0] == "ok");
  CHECK_THAT(answers[1], ContainsSubstring("already cancelled"));
  CHECK(answers[2] == "ok");
  CHECK(plane.complete_batch(held.tasks)[0] == "duplicate");
}

CONFORMANCE_CASE("failures and renewals of batches are answered one by one") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c"}) plane.submit(id);
  ClaimRequest request = renewing("alice", 10'000);
  request.max_tasks = 9;
  const Claimed held = plane.claims(request);
  CHECK(held.ids() == "a b c");
  plane.cancel("b", true);
  plane.pass(5 * kSecond);
  std::vector<std::string> answers = plane.renew_batch(held.tasks);
  CHECK(answers[0] == "ok");
  CHECK(answers[1] == "conflict: task b: already cancelled");
  CHECK(answers[2] == "ok");
  plane.advance_all(9 * kSecond);
  CHECK(plane.stats().scheduler.claimed_tasks == 2);
  answers = plane.end_batch(EndKind::fail, held.tasks);
  CHECK(answers[0] == "ok");
  CHECK_THAT(answers[1], ContainsSubstring("already cancelled"));
  CHECK(answers[2] == "ok");
  CHECK(plane.get("a").failures == 1);
  CHECK(plane.get("c").failures == 1);
  CHECK(plane.end_batch(EndKind::fail, held.tasks)[2] == "duplicate");
}

}  // namespace controlplane::conformance
