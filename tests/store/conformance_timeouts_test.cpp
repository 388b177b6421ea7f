// What time does: delays, the three timeouts, many expiries at once, clocks that jump.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("a delayed task becomes ready when its delay is over") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.delay = seconds(5);
  plane.submit(spec);
  CHECK(plane.state("a") == "pending delayed");
  CHECK(plane.get("a").ready_at == plane.now() + 5 * kSecond);
  CHECK(plane.next("alice").empty());
  plane.advance_all(5 * kSecond - 1);
  CHECK(plane.state("a") == "pending delayed");
  plane.advance_all(1);
  CHECK(plane.next("alice") == "a");
  CHECK(plane.new_types() == "task.submitted task.ready task.claimed");
}

CONFORMANCE_CASE("the queue timeout ends a task that nobody claims, without a retry") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.queue_timeout = seconds(5);
  plane.submit(spec);
  plane.advance_all(5 * kSecond);
  CHECK(plane.state("a") == "timeout queue");
  CHECK(plane.get("a").error == "not claimed within its queue timeout");
  CHECK(plane.new_types() == "task.submitted task.timeout");
  CHECK(plane.stats().scheduler.timeout_total == 1);
}

CONFORMANCE_CASE("the queue timeout is not hard: a claim that comes before the timer gets the task") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.queue_timeout = seconds(5);
  plane.submit(spec);
  plane.pass(10 * kSecond);
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.next("alice") == "a");
}

CONFORMANCE_CASE("the queue timeout runs anew each time a task becomes ready") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.queue_timeout = seconds(5);
  spec.delay = seconds(20);
  plane.submit(spec);
  plane.advance_all(20 * kSecond);
  plane.advance_all(4 * kSecond);
  const ClaimedTask held = plane.claim("alice");
  plane.advance_all(60 * kSecond);
  plane.release(held);
  plane.advance_all(4 * kSecond);
  CHECK(plane.state("a") == "pending ready");
  plane.advance_all(kSecond);
  CHECK(plane.state("a") == "timeout queue");
}

CONFORMANCE_CASE("assigning a task does not start its queue timeout anew") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.queue_timeout = seconds(5);
  plane.submit(spec);
  plane.advance_all(4 * kSecond);
  CHECK(plane.assign("a", "bob") == "ok");
  plane.advance_all(kSecond);
  CHECK(plane.state("a") == "timeout queue");
}

CONFORMANCE_CASE("an execution timeout is a failure of the attempt, finally of the task") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.timeout = seconds(5);
  spec.retry.max_retries = 1;
  plane.submit(spec);
  plane.claim("alice");
  plane.advance_all(5 * kSecond - 1);
  CHECK(plane.state("a") == "claimed");
  plane.advance_all(1);
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.get("a").failures == 1);
  plane.claim("alice");
  plane.advance_all(5 * kSecond);
  CHECK(plane.state("a") == "timeout exec");
  CHECK(plane.get("a").crashes == 0);
  CHECK(plane.new_types() == "task.submitted task.claimed task.retrying task.claimed task.timeout");
}

CONFORMANCE_CASE("the execution timeout runs from the claim, renewed or not") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.timeout = seconds(20);
  plane.submit(spec);
  plane.pass(100 * kSecond);
  const ClaimedTask held = plane.claim(renewing("alice", 9'000));
  for (int i = 0; i < 2; ++i) {
    plane.advance_all(8 * kSecond);
    CHECK(plane.renew(held) == "ok");
  }
  plane.advance_all(4 * kSecond);
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.get("a").error == "execution timeout");
}

CONFORMANCE_CASE("the total timeout ends a task whatever its state") {
  struct Where {
    const char* name;
    void (*bring)(Plane&, TaskSpec&);
  };
  const Where places[] = {
      {"ready", [](Plane& p, TaskSpec& s) { p.submit(s); }},
      {"delayed",
       [](Plane& p, TaskSpec& s) {
         s.delay = seconds(50);
         p.submit(s);
       }},
      {"blocked",
       [](Plane& p, TaskSpec& s) {
         p.submit("parent");
         p.claim("zoe");
         s.depends_on = {"parent"};
         p.submit(s);
       }},
      {"claimed",
       [](Plane& p, TaskSpec& s) {
         p.submit(s);
         p.claim("alice");
       }},
      {"running",
       [](Plane& p, TaskSpec& s) {
         p.submit(s);
         p.start(p.claim("alice"));
       }},
      {"backoff",
       [](Plane& p, TaskSpec& s) {
         p.submit(s);
         p.fail(p.claim("alice"), FailKind::retryable, 50 * kSecond);
       }},
      {"waiting for its key",
       [](Plane& p, TaskSpec& s) {
         TaskSpec first = task("first");
         s.concurrency_key = first.concurrency_key = "k";
         s.concurrency_limit = first.concurrency_limit = 1;
         p.submit(first);
         p.claim("zoe");
         p.submit(s);
       }},
  };
  for (const Where& where : places) {
    DYNAMIC_SECTION(where.name) {
      Plane plane(kind);
      TaskSpec spec = task("a");
      spec.total_timeout = seconds(20);
      where.bring(plane, spec);
      plane.advance_all(20 * kSecond - 1);
      CHECK(plane.state("a").find("timeout") == std::string::npos);
      plane.advance_all(1);
      CHECK(plane.state("a") == "timeout total");
      CHECK(plane.get("a").error == "total timeout");
    }
  }
}

CONFORMANCE_CASE("a total timeout after a cancel request ends the task as cancelled") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.total_timeout = seconds(20);
  plane.submit(spec);
  plane.claim("alice");
  plane.cancel("a");
  plane.advance_all(20 * kSecond);
  CHECK(plane.state("a") == "cancelled");
  CHECK(plane.new_types() == "task.submitted task.claimed task.cancel_requested task.cancelled");
}

CONFORMANCE_CASE("a total timeout counts neither for nor against its holder") {
  Plane plane(kind);
  plane.add(agent("alice"));
  const auto fail = [&] {
    plane.submit(task(""));
    plane.fail(plane.claim("alice"));
    plane.cancel(plane.claim("janitor").id, true);
  };
  fail();
  fail();
  TaskSpec spec = task("a");
  spec.total_timeout = seconds(20);
  plane.submit(spec);
  plane.claim("alice");
  plane.advance_all(20 * kSecond);
  CHECK(plane.state("a") == "timeout total");
  const Agent counted = plane.agent_of("alice");
  CHECK(counted.breaker == BreakerState::closed);
  CHECK(counted.tasks_failed == 2);
  CHECK(counted.tasks_crashed == 0);
  CHECK(counted.tasks_completed == 0);
  fail();  // nor did it end the row
  CHECK(plane.agent_of("alice").breaker == BreakerState::open);
}

CONFORMANCE_CASE("a claim does not hand out a task whose total timeout is over") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.total_timeout = seconds(1);
  plane.submit(spec);
  plane.submit("b");
  plane.pass(kSecond);  // no advance
  CHECK(plane.next("alice") == "b");
  CHECK(plane.state("a") == "timeout total");
}

CONFORMANCE_CASE("of several due deadlines the earliest counts") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.timeout = seconds(10);
  spec.total_timeout = seconds(20);
  spec.retry.max_retries = 5;
  plane.submit(spec);
  plane.claim(renewing("alice", 5'000));
  plane.advance_all(kMinute);  // lease 5 s, exec 10 s, total 20 s: all long over
  CHECK(plane.state("a") == "timeout total");
  CHECK(plane.get("a").crashes == 1);
  CHECK(plane.new_types() == "task.submitted task.claimed task.retrying task.timeout");
}

CONFORMANCE_CASE("advance handles at most 256 items and says that more are due") {
  Plane plane(kind);
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 600; ++i) {
    specs.push_back(task("t" + std::to_string(i)));
    specs.back().delay = seconds(1);
  }
  plane.submit_batch(specs);
  plane.pass(kSecond);
  for (const std::uint32_t applied : {256u, 256u, 88u}) {
    const Advance op = plane.advance();
    CHECK(op.applied == applied);
    CHECK(op.more_due == (applied == 256));
  }
  CHECK(plane.stats().scheduler.ready_tasks == 600);
}

CONFORMANCE_CASE("10,000 leases that expire at once all come back, in order") {
  Plane plane(kind);
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 10'000; ++i) specs.push_back(task("t" + std::to_string(i)));
  plane.submit_batch(specs);
  ClaimRequest request = renewing("alice", 1'000);
  request.max_tasks = 10'000;
  CHECK(plane.claims(request).tasks.size() == 10'000);
  plane.advance_all(kSecond);
  CHECK(plane.stats().scheduler.ready_tasks == 10'000);
  CHECK(plane.stats().scheduler.crashes_total == 10'000);
  CHECK(plane.next("alice") == "t0");
  CHECK(plane.next("alice") == "t1");
}

CONFORMANCE_CASE("a wall clock that jumps changes nothing") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.delay = seconds(10);
  plane.submit(spec);
  plane.clock.jump_wall(100 * kHour);
  plane.advance_all();
  CHECK(plane.state("a") == "pending delayed");
  plane.clock.jump_wall(-200 * kHour);
  plane.advance_all(10 * kSecond);
  CHECK(plane.state("a") == "pending ready");
}

CONFORMANCE_CASE("time never goes back") {
  Plane plane(kind);
  Timestamp last = 0;
  for (const std::int64_t step : {kSecond, -2 * kSecond, kSecond, -kHour, kMs}) {
    plane.clock.advance(step);
    ReadStats op;
    plane.apply(op);
    CHECK(op.now >= last);
    CHECK(op.stats.now == op.now);
    last = op.now;
  }
}

CONFORMANCE_CASE("nothing changes without an operation or a due timer") {
  Plane plane(kind);
  plane.submit("a");
  plane.add(agent("alice"));
  plane.new_events();
  plane.pass(20 * kSecond);
  CHECK(plane.advance_all() == 0);
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.new_types().empty());
}

}  // namespace controlplane::conformance
