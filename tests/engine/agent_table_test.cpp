// Reports, claims and their ends.
#include <limits>
#include <utility>

#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

// Reports.

TEST_CASE("a plain heartbeat leaves no event") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  fleet.now += kSecond;
  HeartbeatReport report;
  report.metrics = R"({"load":0.5})";
  REQUIRE(fleet.table.heartbeat(a, report, fleet.now, fleet.effects).ok());
  REQUIRE(fleet.table.heartbeat(a, {}, fleet.now, fleet.effects).ok());
  CHECK(fleet.snapshot(a).last_seen == fleet.now);
  CHECK(fleet.snapshot(a).metrics == R"({"load":0.5})");
  CHECK(fleet.events().empty());
  CHECK(fleet.signals().empty());
}

TEST_CASE("a reported status that shows is an event") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  for (const AgentStatus status : {AgentStatus::starting, AgentStatus::busy, AgentStatus::draining,
                                   AgentStatus::ready}) {
    REQUIRE(fleet.report(a, status).ok());
    CHECK(fleet.status(a) == status);
    CHECK(fleet.available(a) == (status == AgentStatus::ready));
    const auto events = fleet.full_events();
    REQUIRE(events.size() == 1);
    CHECK(events[0].type == "agent.status");
    CHECK_THAT(events[0].data.str(), ContainsSubstring(std::string(to_string(status))));
    REQUIRE(fleet.report(a, status).ok());
    CHECK(fleet.events().empty());
  }
}

TEST_CASE("busy and starting hide an agent from selection but do not refuse its claim") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 2);
  for (const AgentStatus status : {AgentStatus::busy, AgentStatus::starting}) {
    REQUIRE(fleet.report(a, status).ok());
    CHECK(fleet.table.refusal(a) == Refusal::none);
    CHECK(fleet.table.claimable(a) == 2);
    CHECK_FALSE(fleet.select(SelectionStrategy::least_loaded).ok());
  }
}

TEST_CASE("draining refuses claims until another status is reported or it registers") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  REQUIRE(fleet.report(a, AgentStatus::draining).ok());
  CHECK(fleet.table.refusal(a) == Refusal::draining);
  CHECK(fleet.table.claimable(a) == 0);
  const Error error = fleet.table.refusal_error(a, Refusal::draining);
  CHECK(error.code == ErrorCode::failed_precondition);
  CHECK(error.message == "agent a is draining since 2026-11-21T00:33:10Z");
  auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].kind == Signal::Kind::agent_ended);
  CHECK(signals[0].error.message == error.message);
  fleet.touch(a);
  CHECK(fleet.table.refusal(a) == Refusal::draining);
  REQUIRE(fleet.report(a, AgentStatus::busy).ok());
  CHECK(fleet.table.refusal(a) == Refusal::none);
  REQUIRE(fleet.report(a, AgentStatus::draining).ok());
  fleet.add("a");
  CHECK(fleet.table.refusal(a) == Refusal::none);
}

TEST_CASE("an agent that registers as draining ends its parked claims") {
  Fleet fleet;
  fleet.add("a");
  fleet.forget();
  AgentSpec spec = Fleet::spec("a");
  spec.status = AgentStatus::draining;
  fleet.add(spec);
  REQUIRE(fleet.signals().size() == 1);
  fleet.add(spec);
  CHECK(fleet.signals().empty());
}

TEST_CASE("reported health is shown at each transition and hides from selection, not from claims") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  for (const auto& [health, event] : {std::pair{HealthStatus::degraded, "agent.degraded"},
                                      {HealthStatus::unhealthy, "agent.unhealthy"},
                                      {HealthStatus::healthy, "agent.healthy"}}) {
    REQUIRE(fleet.report(a, health).ok());
    CHECK(fleet.health(a) == health);
    CHECK(fleet.available(a) == (health == HealthStatus::healthy));
    CHECK(fleet.table.refusal(a) == Refusal::none);
    CHECK(fleet.events() == Types{event});
    REQUIRE(fleet.report(a, health).ok());
    CHECK(fleet.events().empty());
  }
}

// Claims and ends.

TEST_CASE("an agent claims up to its slots and not one more") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 3);
  fleet.forget();
  CHECK(fleet.table.claimable(a) == 3);
  fleet.claim(a, 2);
  CHECK(fleet.table.claimable(a) == 1);
  CHECK(fleet.status(a) == AgentStatus::ready);
  fleet.claim(a);
  CHECK(fleet.table.claimable(a) == 0);
  CHECK(fleet.table.refusal(a) == Refusal::full);
  CHECK(fleet.status(a) == AgentStatus::busy);
  CHECK_FALSE(fleet.available(a));
  CHECK(fleet.table.refusal_error(a, Refusal::full).message ==
        "agent a: no free slot since 2026-11-21T00:33:10Z: 3 running, max_concurrency is 3");
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.snapshot(a).running == 2);
  CHECK(fleet.events().empty());  // busy by slots is computed
}

TEST_CASE("no slots means no limit") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 0);
  fleet.claim(a, 1'000'000);
  CHECK(fleet.table.claimable(a) == std::numeric_limits<std::uint32_t>::max());
  CHECK(fleet.status(a) == AgentStatus::ready);
}

TEST_CASE("fewer slots than leases refuse until enough have ended") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 3);
  fleet.claim(a, 3);
  fleet.add("a", 2);
  CHECK(fleet.table.refusal(a) == Refusal::full);
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.table.refusal(a) == Refusal::full);
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.table.claimable(a) == 1);
}

TEST_CASE("each outcome is counted as the table says") {
  struct Row {
    AttemptOutcome outcome;
    std::uint64_t completed, failed, crashed;
    bool opens;
  };
  for (const Row& row : {Row{AttemptOutcome::completed, 3, 0, 0, false},
                         Row{AttemptOutcome::failed, 0, 3, 0, true},
                         Row{AttemptOutcome::fatal, 0, 3, 0, false},
                         Row{AttemptOutcome::rate_limited, 0, 0, 0, false},
                         Row{AttemptOutcome::released, 0, 0, 0, false},
                         Row{AttemptOutcome::cancelled, 0, 0, 0, false},
                         Row{AttemptOutcome::crashed, 0, 0, 3, true},
                         Row{AttemptOutcome::exec_timeout, 0, 3, 0, true}}) {
    INFO("outcome " << static_cast<int>(row.outcome));
    Fleet fleet;
    const AgentSlot a = fleet.add("a");
    fleet.run(a, row.outcome, 3);
    const Agent agent = fleet.snapshot(a);
    CHECK(agent.tasks_completed == row.completed);
    CHECK(agent.tasks_failed == row.failed);
    CHECK(agent.tasks_crashed == row.crashed);
    CHECK((agent.breaker == BreakerState::open) == row.opens);
  }
}

TEST_CASE("latency is the first sample, then moves by an eighth; only completions count") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  const auto run = [&](AttemptOutcome outcome, std::int64_t us) {
    fleet.claim(a);
    fleet.end(a, outcome, us);
    return fleet.snapshot(a).avg_latency_ms;
  };
  CHECK(run(AttemptOutcome::failed, 9'000'000) == 0);
  CHECK(run(AttemptOutcome::completed, 80'000) == 80);
  CHECK(run(AttemptOutcome::completed, 160'000) == 90);
  CHECK(run(AttemptOutcome::released, 9'000'000) == 90);
}

TEST_CASE("an open breaker refuses claims and is told with its end") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 5);
  fleet.forget();
  fleet.run(a, AttemptOutcome::failed, 3);
  CHECK(fleet.events() == Types{"agent.breaker_open", "agent.unhealthy"});
  CHECK(fleet.signals().empty());  // parked claims wait for it to close
  CHECK(fleet.table.refusal(a) == Refusal::breaker);
  CHECK(fleet.table.claimable(a) == 0);
  CHECK(fleet.health(a) == HealthStatus::unhealthy);
  CHECK_FALSE(fleet.available(a));
  CHECK(fleet.table.state_since(a) == fleet.now);
  CHECK(fleet.table.health(a).breaker_until == fleet.now + 60 * kSecond);
  CHECK(fleet.table.health(a).consecutive_failures == 3);
  CHECK(fleet.table.refusal_error(a, Refusal::breaker).message ==
        "agent a: circuit breaker open since 2026-11-21T00:33:10Z, until 2026-11-21T00:34:10Z");
  RegistryStats registry;
  HealthStats health;
  fleet.table.stats(registry, health);
  CHECK(health.open_breakers == 1);
}

// Opens, cools down; the agent stays alive meanwhile.
AgentSlot half_open(Fleet& fleet, std::uint32_t slots = 5) {
  const AgentSlot a = fleet.add("a", slots);
  fleet.run(a, AttemptOutcome::failed, 3);
  fleet.table.watch(a);
  fleet.forget();
  fleet.now += 60 * kSecond - 1;
  fleet.touch(a);
  fleet.advance();
  CHECK(fleet.table.refusal(a) == Refusal::breaker);
  fleet.now += 1;
  fleet.advance();
  return a;
}

TEST_CASE("after the cooldown one task is tried") {
  Fleet fleet;
  const AgentSlot a = half_open(fleet);
  CHECK(fleet.events() == Types{"agent.breaker_half_open", "agent.degraded"});
  REQUIRE(fleet.signals().size() == 1);  // it was watched
  CHECK(fleet.health(a) == HealthStatus::degraded);
  CHECK_FALSE(fleet.available(a));
  CHECK(fleet.table.claimable(a) == 1);
  fleet.claim(a);
  CHECK(fleet.table.claimable(a) == 0);
  CHECK(fleet.table.refusal(a) == Refusal::breaker);
  CHECK(fleet.table.refusal_error(a, Refusal::breaker).message ==
        "agent a: circuit breaker half open since 2026-11-21T00:34:10Z: its trial task is running");
}

TEST_CASE("the trial's end closes or opens the breaker, or lets another try") {
  for (const AttemptOutcome outcome : {AttemptOutcome::completed, AttemptOutcome::fatal}) {
    Fleet fleet;
    const AgentSlot a = half_open(fleet);
    fleet.forget();
    fleet.claim(a);
    fleet.table.watch(a);
    fleet.end(a, outcome);
    CHECK(fleet.events() == Types{"agent.breaker_closed", "agent.healthy"});
    CHECK(fleet.signals().size() == 1);
    CHECK(fleet.table.claimable(a) == 5);
    CHECK(fleet.available(a));
  }
  for (const AttemptOutcome outcome : {AttemptOutcome::failed, AttemptOutcome::crashed,
                                       AttemptOutcome::exec_timeout}) {
    Fleet fleet;
    const AgentSlot a = half_open(fleet);
    fleet.forget();
    fleet.run(a, outcome);
    CHECK(fleet.events() == Types{"agent.breaker_open", "agent.unhealthy"});
    CHECK(fleet.table.health(a).breaker_until == fleet.now + 60 * kSecond);
  }
  for (const AttemptOutcome outcome : {AttemptOutcome::released, AttemptOutcome::rate_limited,
                                       AttemptOutcome::cancelled}) {
    Fleet fleet;
    const AgentSlot a = half_open(fleet);
    fleet.forget();
    fleet.claim(a);
    fleet.table.watch(a);
    fleet.end(a, outcome);
    CHECK(fleet.events().empty());
    CHECK(fleet.signals().size() == 1);
    CHECK(fleet.table.claimable(a) == 1);
  }
}

TEST_CASE("a watched agent is told once, when a slot is free") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 2);
  fleet.claim(a, 2);
  fleet.forget();
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.signals().empty());  // nobody asked
  fleet.claim(a);
  fleet.table.watch(a);
  fleet.end(a, AttemptOutcome::completed);
  auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].kind == Signal::Kind::agent_eligible);
  CHECK(signals[0].agent == "a");
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.signals().empty());
}

TEST_CASE("more slots make a watched agent eligible") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 1);
  fleet.claim(a);
  fleet.table.watch(a);
  fleet.forget();
  fleet.add("a", 2);
  auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].kind == Signal::Kind::agent_eligible);
}

}  // namespace
}  // namespace controlplane
