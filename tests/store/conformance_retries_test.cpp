// Failures, retries and what stops them.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TaskSpec backing_off(std::string_view id, int max_retries) {
  TaskSpec spec = task(id);
  spec.retry = {max_retries, seconds(10), 2.0, seconds(30)};
  return spec;
}

}  // namespace

CONFORMANCE_CASE("a retryable failure backs off and becomes ready again") {
  Plane plane(kind);
  plane.submit(backing_off("a", 3));
  CHECK(plane.fail(plane.claim("alice")) == "ok");
  CHECK(plane.state("a") == "pending backoff");
  const Task got = plane.get("a");
  CHECK(got.failures == 1);
  CHECK(got.error == "boom");
  CHECK(plane.next("alice").empty());
  plane.advance_all(10 * kSecond);
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.new_types() == "task.submitted task.claimed task.retrying task.ready");
}

CONFORMANCE_CASE("the delay grows by the backoff up to its cap, half of it is random") {
  std::int64_t least = INT64_MAX, most = 0;
  for (int seed = 0; seed < 20; ++seed) {
    Plane plane(kind);
    for (int i = 0; i < seed; ++i) plane.stats();  // each operation draws its own entropy
    plane.submit(backing_off("a", 9));
    for (const std::int64_t full : {10 * kSecond, 20 * kSecond, 30 * kSecond, 30 * kSecond}) {
      plane.fail(plane.claim("alice"));
      const std::int64_t delay = plane.get("a").ready_at - plane.now();
      CHECK(delay >= full / 2);
      CHECK(delay <= full);
      if (full == 10 * kSecond) least = std::min(least, delay), most = std::max(most, delay);
      plane.advance_all(delay - 1);
      CHECK(plane.state("a") == "pending backoff");
      plane.advance_all(1);
      CHECK(plane.state("a") == "pending ready");
    }
  }
  CHECK(most - least > kSecond);
}

CONFORMANCE_CASE("a task without delay is retried at once") {
  Plane plane(kind);
  plane.submit("a");
  plane.fail(plane.claim("alice"));
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.claim("alice").attempt == 2);
}

CONFORMANCE_CASE("max_retries counts failures beyond the first attempt") {
  Plane plane(kind);
  TaskSpec never = task("never"), twice = task("twice");
  never.retry.max_retries = 0;
  twice.retry.max_retries = 2;
  plane.submit(never);
  plane.fail(plane.claim("alice"));
  CHECK(plane.state("never") == "failed exhausted");
  plane.submit(twice);
  plane.fail(plane.claim("alice"));
  plane.fail(plane.claim("alice"));
  CHECK(plane.state("twice") == "pending ready");
  plane.fail(plane.claim("alice"));
  CHECK(plane.state("twice") == "failed exhausted");
  CHECK(plane.get("twice").failures == 3);
  CHECK(plane.stats().scheduler.failed_total == 2);
  CHECK(plane.stats().scheduler.retries_total == 2);
}

CONFORMANCE_CASE("retry_after delays at least so long, the policy may delay longer") {
  Plane plane(kind);
  plane.submit(backing_off("a", 5));
  plane.fail(plane.claim("alice"), FailKind::retryable, 100 * kSecond);
  CHECK(plane.get("a").ready_at == plane.now() + 100 * kSecond);
  plane.advance_all(100 * kSecond);
  plane.fail(plane.claim("alice"), FailKind::retryable, 1);
  CHECK(plane.get("a").ready_at >= plane.now() + 10 * kSecond);
}

CONFORMANCE_CASE("being rate limited waits as asked and counts no failure") {
  Plane plane(kind);
  plane.submit(backing_off("a", 0));
  plane.fail(plane.claim("alice"), FailKind::rate_limited, 3 * kSecond);
  CHECK(plane.state("a") == "pending backoff");
  CHECK(plane.get("a").ready_at == plane.now() + 3 * kSecond);
  CHECK(plane.get("a").failures == 0);
  plane.advance_all(3 * kSecond);
  plane.fail(plane.claim("alice"), FailKind::rate_limited);
  CHECK(plane.get("a").ready_at >= plane.now() + 5 * kSecond);  // by the policy
}

CONFORMANCE_CASE("the hundredth rate limit in a row exhausts a task") {
  Plane plane(kind);
  plane.submit("a");
  for (int i = 0; i < 99; ++i) plane.fail(plane.claim("alice"), FailKind::rate_limited);
  CHECK(plane.state("a") == "pending ready");
  plane.fail(plane.claim("alice"), FailKind::rate_limited);
  CHECK(plane.state("a") == "failed exhausted");
}

CONFORMANCE_CASE("anything but a rate limit ends the row of rate limits") {
  Plane plane(kind);
  plane.submit("a");
  for (int i = 0; i < 99; ++i) plane.fail(plane.claim("alice"), FailKind::rate_limited);
  plane.release(plane.claim("alice"));
  for (int i = 0; i < 99; ++i) plane.fail(plane.claim("alice"), FailKind::rate_limited);
  CHECK(plane.state("a") == "pending ready");
}

CONFORMANCE_CASE("a lease that is not renewed is a crash, the third one is poison") {
  Plane plane(kind);
  plane.submit("a");
  for (const char* after : {"pending ready", "pending ready", "failed poison"}) {
    plane.claim(renewing("alice", 1'000));
    plane.advance_all(kSecond);
    CHECK(plane.state("a") == after);
  }
  const Task got = plane.get("a");
  CHECK(got.crashes == 3);
  CHECK(got.failures == 0);
  CHECK(got.error == "its lease was not renewed");
  CHECK(plane.stats().scheduler.crashes_total == 3);
  CHECK(plane.new_types() ==
        "task.submitted task.claimed task.retrying task.claimed task.retrying task.claimed "
        "task.failed");
}

CONFORMANCE_CASE("every failed attempt is told, and whether it will be retried") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.retry.max_retries = 1;
  plane.submit(spec);
  plane.fail(plane.claim("alice"), FailKind::retryable, 0, "first");
  plane.fail(plane.claim("bob"), FailKind::retryable, 0, "second");
  const std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 5);
  CHECK(events[2].type == "task.retrying");
  CHECK(events[2].data ==
        R"({"attempt":1,"agent_id":"alice","kind":"retryable","error":"first","will_retry":true})");
  CHECK(events[4].type == "task.failed");
  CHECK(events[4].data ==
        R"({"attempt":2,"agent_id":"bob","reason":"exhausted","kind":"retryable",)"
        R"("error":"second","will_retry":false})");
}

}  // namespace controlplane::conformance
