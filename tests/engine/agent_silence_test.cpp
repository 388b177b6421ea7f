// Silence, and what follows from it.
#include <limits>

#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

constexpr std::int64_t kTimeout = 30 * kSecond;
constexpr std::int64_t kRetention = 86'400 * kSecond;

TEST_CASE("an agent is offline once it was silent for the whole timeout") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  CHECK(fleet.table.next_due() == fleet.now + kTimeout);
  fleet.now += kTimeout - 1;
  CHECK(fleet.advance() == 0);
  fleet.now += 1;
  fleet.advance();
  CHECK(fleet.status(a) == AgentStatus::offline);
  CHECK(fleet.health(a) == HealthStatus::unhealthy);
  CHECK(fleet.table.refusal(a) == Refusal::offline);
  CHECK(fleet.events() == Types{"agent.offline"});
  const auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].error.message == "agent a is offline since 2026-11-21T00:33:40Z");
  fleet.go_offline(a);
  CHECK(fleet.events().empty());
}

TEST_CASE("any call puts silence off, without moving the deadline") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  const Timestamp first = fleet.table.next_due();
  fleet.now += kTimeout - 1;
  fleet.touch(a);
  CHECK(fleet.table.next_due() == first);
  fleet.now += 1;
  CHECK(fleet.advance() == 1);
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.table.next_due() == fleet.now - 1 + kTimeout);
}

TEST_CASE("a parked claim counts as a sign of life until its end") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.table.park(a, 7, fleet.now + 300 * kSecond, fleet.now);
  fleet.now += 330 * kSecond - 1;
  fleet.advance();
  CHECK(fleet.status(a) == AgentStatus::ready);
  fleet.now += 1;
  fleet.advance();
  CHECK(fleet.status(a) == AgentStatus::offline);
}

TEST_CASE("silence may be postponed by who knows of an execution deadline") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.now += kTimeout;
  const AgentTable::Due due = fleet.table.due(fleet.now, fleet.effects);
  CHECK(due.kind == AgentTable::Due::Kind::silent);
  CHECK(due.slot == a);
  fleet.table.postpone(a, fleet.now + 100 * kSecond);
  CHECK(fleet.table.next_due() == fleet.now + 100 * kSecond + kTimeout);
}

TEST_CASE("silence counts from the last call once the lease that postponed it has ended") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 2);
  fleet.claim(a);
  fleet.now += kTimeout;
  fleet.table.postpone(a, fleet.now + 100 * kSecond);
  fleet.touch(a);
  fleet.end(a, AttemptOutcome::completed);
  CHECK(fleet.table.next_due() == fleet.now + kTimeout);
}

TEST_CASE("silence counts from the last call once a parked claim ended early") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.table.park(a, 7, fleet.now + 300 * kSecond, fleet.now);
  fleet.now += kTimeout;
  fleet.advance();
  fleet.touch(a);
  fleet.table.park(a, 7, 0, fleet.now);
  CHECK(fleet.table.next_due() == fleet.now + kTimeout);
}

TEST_CASE("parked claims at several coordinators count each for itself") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.table.park(a, 7, fleet.now + 300 * kSecond, fleet.now);
  fleet.table.park(a, 8, fleet.now + 100 * kSecond, fleet.now);
  fleet.table.park(a, 8, 0, fleet.now);
  fleet.now += kTimeout;
  fleet.advance();
  CHECK(fleet.table.next_due() == fleet.now + 300 * kSecond);
  fleet.table.park(a, 8, fleet.now + 100 * kSecond, fleet.now);
  fleet.table.park(a, 7, 0, fleet.now);
  CHECK(fleet.table.next_due() == fleet.now + 100 * kSecond + kTimeout);
}

TEST_CASE("a postponed agent's breaker still cools down in time") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.run(a, AttemptOutcome::failed, 3);
  fleet.table.postpone(a, fleet.now + 1'000 * kSecond);
  CHECK(fleet.table.next_due() == fleet.now + 60 * kSecond);
}

TEST_CASE("a call brings an offline agent back") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.now += kTimeout;
  fleet.advance();
  fleet.forget();
  fleet.touch(a);
  CHECK(fleet.events() == Types{"agent.online"});
  CHECK(fleet.status(a) == AgentStatus::ready);
  CHECK(fleet.health(a) == HealthStatus::healthy);
  CHECK(fleet.available(a));
  CHECK(fleet.table.next_due() == fleet.now + kTimeout);
}

TEST_CASE("so does a registration, by the same and by a new incarnation") {
  for (const std::uint64_t incarnation : {1U, 2U}) {
    Fleet fleet;
    const AgentSlot a = fleet.add("a");
    fleet.now += kTimeout;
    fleet.advance();
    fleet.forget();
    fleet.add(Fleet::spec("a"), incarnation);
    CHECK(fleet.status(a) == AgentStatus::ready);
    CHECK(fleet.events().back() == "agent.online");
    AgentAudit::check(fleet.table);
  }
}

TEST_CASE("health that changed while an agent was offline is told when it is back") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 3);
  fleet.claim(a, 3);
  fleet.go_offline(a);
  fleet.forget();
  for (int i = 0; i < 3; ++i) fleet.end(a, AttemptOutcome::crashed);
  CHECK(fleet.events() == Types{"agent.breaker_open"});
  fleet.touch(a);
  CHECK(fleet.events() == Types{"agent.online", "agent.unhealthy"});
}

TEST_CASE("an agent is removed after 24 hours offline") {
  Fleet fleet;
  fleet.add("a");
  fleet.now += kTimeout;
  fleet.advance();
  fleet.forget();
  fleet.now += kRetention - 1;
  fleet.advance();
  CHECK(fleet.table.find("a") != kNoAgent);
  fleet.now += 1;
  fleet.advance();
  CHECK(fleet.table.find("a") == kNoAgent);
  CHECK(fleet.events() == Types{"agent.removed"});
}

TEST_CASE("an offline agent with leases stays, and the 24 hours begin when they end") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.claim(a);
  fleet.go_offline(a);
  CHECK(fleet.table.next_due() == std::numeric_limits<Timestamp>::max());
  fleet.now += 3 * kRetention;
  fleet.end(a, AttemptOutcome::crashed);
  CHECK(fleet.table.next_due() == fleet.now + kRetention);
}

TEST_CASE("an agent that comes back at the last moment stays") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.go_offline(a);
  fleet.now += kRetention;
  CHECK(fleet.table.due(fleet.now, fleet.effects).kind == AgentTable::Due::Kind::expired);
  fleet.touch(a);
  fleet.forget();
  fleet.table.remove(a, fleet.now, fleet.effects);
  CHECK(fleet.events() == Types{"agent.unregistered"});
}

}  // namespace
}  // namespace controlplane
