// Agents: slots, circuit breaker, selection, the health of all.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

void end_with(Plane& plane, std::string_view agent, FailKind how) {
  plane.submit(task(""));
  CHECK(plane.fail(plane.claim(agent), how) == "ok");
  plane.cancel(plane.claim("janitor").id, true);
}

// Three failures in a row.
void open_breaker(Plane& plane, std::string_view agent) {
  for (int i = 0; i < 3; ++i) end_with(plane, agent, FailKind::retryable);
}

void wait_until_half_open(Plane& plane, std::string_view agent) {
  for (int i = 0; i < 3; ++i) {
    plane.advance_all(20 * kSecond);
    plane.heartbeat(agent);
  }
  CHECK(plane.agent_of(agent).breaker == BreakerState::half_open);
}

}  // namespace

CONFORMANCE_CASE("an agent has as many leases as slots") {
  Plane plane(kind);
  plane.add(agent("alice", {}, 2));
  for (const char* id : {"a", "b", "c"}) plane.submit(id);
  const Claimed held = plane.claims(many("alice", 9));
  CHECK(held.ids() == "a b");
  CHECK(plane.shown("alice") == "busy");
  const Claimed refused = plane.claims(by("alice"));
  CHECK(refused.answer == "ok");
  CHECK(refused.refused);
  plane.complete(held.tasks[0]);
  CHECK(plane.next("alice") == "c");
}

CONFORMANCE_CASE("outcomes and latency are counted with the agent") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const char* id : {"a", "b", "c", "d"}) plane.submit(id);
  const Claimed held = plane.claims(many("alice", 4));
  plane.pass(kSecond);
  plane.complete(held.tasks[0]);
  plane.fail(held.tasks[1]);
  plane.fail(held.tasks[2], FailKind::fatal);
  plane.release(held.tasks[3]);
  const Agent counted = plane.agent_of("alice");
  CHECK(counted.running == 0);
  CHECK(counted.tasks_completed == 1);
  CHECK(counted.tasks_failed == 2);
  CHECK(counted.tasks_crashed == 0);
  CHECK(counted.avg_latency_ms == 1'000);
}

CONFORMANCE_CASE(
    "three counted failures in a row open the breaker, a trial after the cooldown closes it") {
  Plane plane(kind);
  plane.add(agent("alice"));
  open_breaker(plane, "alice");
  CHECK(plane.agent_of("alice").breaker == BreakerState::open);
  CHECK(plane.health().open_breakers == 1);
  plane.submit("a");
  plane.submit("b");
  CHECK(plane.claims(by("alice")).refused);
  wait_until_half_open(plane, "alice");
  const Claimed trial = plane.claims(many("alice", 9));
  CHECK(trial.ids() == "a");
  CHECK(plane.claims(by("alice")).refused);
  SECTION("a success closes it") {
    plane.complete(trial.tasks[0]);
    CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
    CHECK(plane.next("alice") == "b");
  }
  SECTION("a failure opens it again") {
    plane.fail(trial.tasks[0]);
    CHECK(plane.agent_of("alice").breaker == BreakerState::open);
  }
  SECTION("a release allows another trial") {
    plane.release(trial.tasks[0]);
    CHECK(plane.next("alice") == "a");
  }
}

CONFORMANCE_CASE("only the end of the trial decides, not that of an older lease") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("old");
  const ClaimedTask old = plane.claim(renewing("alice", 600'000));
  open_breaker(plane, "alice");
  wait_until_half_open(plane, "alice");
  plane.submit("a");
  plane.submit("b");
  const ClaimedTask trial = plane.claim("alice");
  CHECK(plane.claims(by("alice")).refused);
  SECTION("released") { plane.release(old); }
  SECTION("cancelled by force") { plane.cancel("old", true); }
  SECTION("completed") { plane.complete(old); }
  SECTION("failed") { plane.fail(old); }
  CHECK(plane.agent_of("alice").breaker == BreakerState::half_open);
  CHECK(plane.claims(by("alice")).refused);
  plane.complete(trial);
  CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
}

CONFORMANCE_CASE(
    "fatal failures, rate limits, releases and cancels are not counted by the breaker") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (int i = 0; i < 5; ++i) {
    plane.submit(task(""));
    plane.fail(plane.claim("alice"), FailKind::fatal);
    end_with(plane, "alice", FailKind::rate_limited);
    plane.submit(task(""));
    plane.cancel(plane.claim("alice").id, true);
  }
  CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
}

CONFORMANCE_CASE("crashes and execution timeouts count for the breaker") {
  Plane plane(kind);
  plane.add(agent("alice"));
  TaskSpec spec = task("a");
  spec.timeout = seconds(20);
  plane.submit(spec);
  plane.claim(renewing("alice", 1'000));
  plane.advance_all(kSecond);
  plane.claim("alice");
  plane.advance_all(20 * kSecond);
  CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
  plane.claim(renewing("alice", 1'000));
  plane.advance_all(kSecond);
  CHECK(plane.agent_of("alice").breaker == BreakerState::open);
}

CONFORMANCE_CASE("a new incarnation starts unblamed") {
  Plane plane(kind);
  plane.add(agent("alice"));
  open_breaker(plane, "alice");
  plane.add(agent("alice"), 2);
  CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
  CHECK(plane.agent_of("alice").tasks_failed == 3);
}

CONFORMANCE_CASE("a restart with many leases opens no breaker") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const char* id : {"a", "b", "c"}) plane.submit(id);
  CHECK(plane.claims(many("alice", 9)).ids() == "a b c");
  plane.new_types();
  plane.add(agent("alice"), 2);
  CHECK(plane.new_types() ==
        "task.retrying task.retrying task.retrying agent.superseded agent.registered");
  CHECK(plane.agent_of("alice").tasks_crashed == 3);
  CHECK(plane.agent_of("alice").breaker == BreakerState::closed);
}

CONFORMANCE_CASE("an event stands before those that follow from it") {
  const std::string opened = "agent.breaker_open agent.unhealthy";
  Plane plane(kind);
  plane.add(agent("alice"));
  TaskSpec spec = task("a");
  spec.timeout = seconds(20);
  plane.submit(spec);
  for (int i = 0; i < 2; ++i) plane.fail(plane.claim("alice"));
  const ClaimedTask held = plane.claim(renewing("alice", 10'000));
  plane.new_types();
  SECTION("a failure") {
    plane.fail(held);
    CHECK(plane.new_types() == "task.retrying " + opened);
  }
  SECTION("an expired lease") {
    plane.advance_all(10 * kSecond);
    CHECK(plane.new_types() == "task.retrying " + opened);
  }
  SECTION("an execution timeout") {
    plane.pass(5 * kSecond);
    plane.renew(held);
    plane.pass(10 * kSecond);
    plane.renew(held);
    plane.advance_all(5 * kSecond);
    CHECK(plane.new_types() == "task.retrying " + opened);
  }
  SECTION("the good end of a trial") {
    plane.fail(held);
    wait_until_half_open(plane, "alice");
    const ClaimedTask trial = plane.claim("alice");
    plane.new_types();
    plane.complete(trial);
    CHECK(plane.new_types() == "task.completed agent.breaker_closed agent.healthy");
  }
}

// --- selection and system health -----------------------------------------------------------------

CONFORMANCE_CASE("selection follows its strategy") {
  Plane plane(kind);
  plane.add(agent("big", {"code", "gpu", "judge"}, 4));
  plane.add(agent("small", {"code", "gpu"}, 2));
  plane.add(agent("other", {"audit"}, 1));
  SelectRequest request;
  request.capabilities = {"code"};
  SECTION("least loaded") {
    plane.submit("a");
    plane.submit("b");
    plane.claim("big");  // 1 of 4 against 0 of 2
    CHECK(plane.select(request) == "small");
    plane.claim("small");  // 1 of 4 against 1 of 2
    CHECK(plane.select(request) == "big");
  }
  SECTION("round robin") {
    request.strategy = SelectionStrategy::round_robin;
    CHECK(plane.select(request) == "big");
    CHECK(plane.select(request) == "small");
    CHECK(plane.select(request) == "big");
  }
  SECTION("capability match") {
    request.strategy = SelectionStrategy::capability_match;
    CHECK(plane.select(request) == "small");
    CHECK(plane.select(request) == "small");
  }
  SECTION("random, among those that can") {
    request.strategy = SelectionStrategy::random;
    std::string seen;
    for (int i = 0; i < 40; ++i) seen += plane.select(request).substr(0, 1);
    CHECK(seen.find('b') != std::string::npos);
    CHECK(seen.find('s') != std::string::npos);
    CHECK(seen.find('o') == std::string::npos);
  }
  SECTION("exclude") {
    request.exclude = {"big", "small"};
    CHECK_THAT(plane.select(request),
               ContainsSubstring("not_found: no available agent offers {code}"));
  }
}

CONFORMANCE_CASE("the system is as healthy as its agents") {
  Plane plane(kind);
  CHECK(plane.health().status == HealthStatus::unknown);
  for (const char* id : {"a", "b", "c", "d"}) plane.add(agent(id));
  CHECK(plane.health().status == HealthStatus::healthy);
  for (int i = 0; i < 3; ++i) plane.probe("a", false);
  CHECK(plane.health().status == HealthStatus::degraded);  // 25 % are not more than 25 %
  for (int i = 0; i < 3; ++i) plane.probe("b", false);
  CHECK(plane.health().status == HealthStatus::unhealthy);
  CHECK(plane.health().unhealthy_count == 2);
}

}  // namespace controlplane::conformance
