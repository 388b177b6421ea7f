// Probes, and the health and status that come of everything together.
#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

TEST_CASE("three failed probes in a row fail the agent, and two good ones bring it back") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  fleet.probe(a, false);
  fleet.probe(a, false);
  CHECK(fleet.health(a) == HealthStatus::degraded);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.events() == Types{"agent.degraded"});
  fleet.probe(a, false);
  CHECK(fleet.health(a) == HealthStatus::unhealthy);
  CHECK(fleet.status(a) == AgentStatus::failed);
  CHECK(fleet.table.refusal(a) == Refusal::failed);
  CHECK(fleet.events() == Types{"agent.unhealthy"});
  const auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].error.message ==
        "agent a failed its health check, since 2026-11-21T00:33:10Z: \"no answer\"");
  fleet.probe(a, true);
  CHECK(fleet.status(a) == AgentStatus::failed);
  fleet.probe(a, true);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.health(a) == HealthStatus::healthy);
  CHECK(fleet.table.refusal(a) == Refusal::none);
  CHECK(fleet.events() == Types{"agent.healthy"});
}

TEST_CASE("a success between failures starts the count anew") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  for (const bool good : {false, false, true, false, false}) fleet.probe(a, good);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.health(a) == HealthStatus::degraded);
  CHECK(fleet.table.health(a).consecutive_failures == 2);
}

TEST_CASE("a first success is enough for an agent that never failed") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  CHECK(fleet.table.health(a).probe == HealthStatus::unknown);
  CHECK(fleet.table.health(a).last_check == fleet.table.health(a).last_seen);
  fleet.forget();
  fleet.now += 5;
  fleet.probe(a, true);
  CHECK(fleet.table.health(a).probe == HealthStatus::healthy);
  CHECK(fleet.table.health(a).last_check == fleet.now);
  CHECK(fleet.events().empty());
}

TEST_CASE("a probe that is removed no longer counts") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  for (int i = 0; i < 3; ++i) fleet.probe(a, false);
  CHECK(fleet.table.health(a).probe_error == "no answer");
  fleet.forget();
  fleet.table.clear_probe(a, fleet.now, fleet.effects);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.events() == Types{"agent.healthy"});
  CHECK(fleet.table.health(a).probe_error.empty());
}

TEST_CASE("health is the worst of report, probe and breaker") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  REQUIRE(fleet.report(a, HealthStatus::degraded).ok());
  fleet.probe(a, true);
  CHECK(fleet.health(a) == HealthStatus::degraded);
  for (int i = 0; i < 3; ++i) fleet.probe(a, false);
  CHECK(fleet.health(a) == HealthStatus::unhealthy);
  fleet.probe(a, true);
  fleet.probe(a, true);
  CHECK(fleet.health(a) == HealthStatus::degraded);
  fleet.run(a, AttemptOutcome::crashed, 3);
  CHECK(fleet.health(a) == HealthStatus::unhealthy);
}

TEST_CASE("offline hides failed, failed hides draining, draining hides busy") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.claim(a);
  REQUIRE(fleet.report(a, AgentStatus::starting).ok());
  CHECK(fleet.status(a) == AgentStatus::busy);
  REQUIRE(fleet.report(a, AgentStatus::draining).ok());
  CHECK(fleet.status(a) == AgentStatus::draining);
  for (int i = 0; i < 3; ++i) fleet.probe(a, false);
  CHECK(fleet.status(a) == AgentStatus::failed);
  fleet.go_offline(a);
  CHECK(fleet.status(a) == AgentStatus::offline);
  CHECK(fleet.snapshot(a).reported_status == AgentStatus::draining);
}

}  // namespace
}  // namespace controlplane
