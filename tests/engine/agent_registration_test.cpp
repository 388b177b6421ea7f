// How agents come, come again and go.
#include <limits>

#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a registered agent is found with everything its spec said") {
  Fleet fleet;
  AgentSpec spec = Fleet::spec("a", {"judge", "code", "judge"}, 3);
  spec.model = "m";
  spec.provider = "p";
  spec.endpoint = "e";
  spec.metadata = R"({"k":1})";
  spec.labels = {{"zone", "eu"}};
  const AgentTable::Added added = fleet.try_add(spec, 9, "host:7").value();
  CHECK(added.is_new);
  CHECK_FALSE(added.superseded);
  CHECK(fleet.table.find("a") == added.slot);
  CHECK(fleet.table.id(added.slot) == "a");
  CHECK(fleet.table.incarnation(added.slot) == 9);
  const Agent agent = fleet.snapshot(added.slot);
  CHECK(agent.agent_id == "a");
  CHECK(agent.capabilities == std::vector<std::string>{"code", "judge"});
  CHECK(agent.model.str() + agent.provider.str() + agent.endpoint.str() == "mpe");
  CHECK(agent.metadata == R"({"k":1})");
  CHECK(agent.labels == spec.labels);
  CHECK(agent.max_concurrency == 3);
  CHECK(agent.status == AgentStatus::ready);
  CHECK(agent.health == HealthStatus::healthy);
  CHECK(agent.available);
  CHECK(agent.registered_by == "host:7");
  CHECK(agent.registered_at == fleet.now);
  CHECK(agent.last_seen == fleet.now);
  CHECK(agent.last_assigned == 0);
  const auto events = fleet.full_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "agent.registered");
  CHECK(events[0].subject == "a");
  CHECK(events[0].labels == spec.labels);
}

TEST_CASE("an unknown agent is not found") {
  Fleet fleet;
  CHECK(fleet.table.find("a") == kNoAgent);
  CHECK(fleet.table.require("a", 0).error().code == ErrorCode::not_found);
  CHECK(fleet.table.require("a", 0).error().message == "agent a is not registered");
}

TEST_CASE("offline and failed cannot be reported") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  for (const AgentStatus status : {AgentStatus::offline, AgentStatus::failed}) {
    AgentSpec spec = Fleet::spec("b");
    spec.status = status;
    CHECK(fleet.try_add(spec).error().code == ErrorCode::invalid_argument);
    CHECK(fleet.table.find("b") == kNoAgent);
    const Error error = fleet.report(a, status).error();
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK_THAT(error.message, ContainsSubstring(std::string(to_string(status))));
    CHECK_THAT(error.message, ContainsSubstring("starting, ready, busy and draining"));
  }
  CHECK_THAT(fleet.report(a, HealthStatus::unknown).error().message,
             ContainsSubstring("health unknown cannot be reported; only healthy, degraded and"));
  CHECK(fleet.events().empty());
}

TEST_CASE("max_agents are accepted and one more is refused") {
  AgentRules rules;
  rules.max_agents = 2;
  Fleet fleet(rules);
  fleet.add("a");
  fleet.add("b");
  const Error error = fleet.try_add(Fleet::spec("c")).error();
  CHECK(error.code == ErrorCode::resource_exhausted);
  CHECK_THAT(error.message, ContainsSubstring("max_agents is 2"));
  fleet.add("a");  // again is not one more
  fleet.table.remove(fleet.table.find("b"), fleet.now, fleet.effects);
  CHECK(fleet.try_add(Fleet::spec("c")).ok());
}

TEST_CASE("registering again unchanged is silent, and each change is an event") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a");
  fleet.forget();
  fleet.now += 5;
  const AgentTable::Added again = fleet.try_add(Fleet::spec("a")).value();
  CHECK(again.slot == a);
  CHECK_FALSE(again.is_new);
  CHECK_FALSE(again.superseded);
  CHECK(fleet.events().empty());
  CHECK(fleet.snapshot(a).last_seen == fleet.now);

  using Change = void (*)(AgentSpec&);
  for (const Change change : {Change([](AgentSpec& s) { s.model = "x"; }),
                              Change([](AgentSpec& s) { s.provider = "x"; }),
                              Change([](AgentSpec& s) { s.endpoint = "x"; }),
                              Change([](AgentSpec& s) { s.metadata = "{}"; }),
                              Change([](AgentSpec& s) { s.labels = {{"k", "v"}}; }),
                              Change([](AgentSpec& s) { s.max_concurrency = 7; }),
                              Change([](AgentSpec& s) { s.status = AgentStatus::busy; }),
                              Change([](AgentSpec& s) { s.capabilities = {"gpu"}; })}) {
    AgentSpec spec = Fleet::spec("a");
    change(spec);
    fleet.add(spec);
    CHECK(fleet.events() == Types{"agent.registered"});
    fleet.add("a");
    fleet.forget();
    AgentAudit::check(fleet.table);
  }
}

TEST_CASE("the same incarnation keeps health, breaker and leases") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 5);
  REQUIRE(fleet.report(a, HealthStatus::degraded).ok());
  fleet.run(a, AttemptOutcome::failed, 3);
  fleet.add(Fleet::spec("a", {"gpu"}, 5));
  CHECK(fleet.snapshot(a).breaker == BreakerState::open);
  CHECK(fleet.table.health(a).reported == HealthStatus::degraded);
}

TEST_CASE("a new incarnation starts unblamed and keeps the counters") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 2);
  REQUIRE(fleet.report(a, AgentStatus::draining).ok());
  REQUIRE(fleet.report(a, HealthStatus::unhealthy).ok());
  fleet.run(a, AttemptOutcome::completed);
  fleet.run(a, AttemptOutcome::crashed, 3);
  for (int i = 0; i < 3; ++i) fleet.probe(a, false);
  fleet.forget();
  fleet.now += kSecond;
  CHECK(fleet.table.supersedes(Fleet::spec("a"), 2));
  const AgentTable::Added added = fleet.try_add(Fleet::spec("a", {"code"}, 2), 2, "host:2").value();
  CHECK(added.superseded);
  CHECK(added.slot == a);
  const Agent agent = fleet.snapshot(a);
  CHECK(agent.status == AgentStatus::ready);
  CHECK(agent.health == HealthStatus::healthy);
  CHECK(agent.breaker == BreakerState::closed);
  CHECK(agent.available);
  CHECK(agent.tasks_completed == 1);
  CHECK(agent.tasks_crashed == 3);
  CHECK(agent.registered_at == fleet.now);
  CHECK(agent.incarnation == 2);
  CHECK(fleet.table.health(a).probe == HealthStatus::unknown);
  CHECK(fleet.events() == Types{"agent.superseded", "agent.registered", "agent.breaker_closed",
                                "agent.healthy"});
  const auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].kind == Signal::Kind::agent_ended);
  CHECK(signals[0].agent == "a");
  CHECK(signals[0].error.message ==
        "agent a was registered again by host:2 at 2026-11-21T00:33:11Z");
  AgentAudit::check(fleet.table);
}

TEST_CASE("an older incarnation is refused, the current one and none are not") {
  Fleet fleet;
  const AgentSlot a = fleet.add(Fleet::spec("a"), 1, "host:1");
  fleet.add(Fleet::spec("a"), 2, "host:2");
  CHECK(fleet.table.require("a", 0).value() == a);
  CHECK(fleet.table.require("a", 2).value() == a);
  CHECK(fleet.table.is_current(a, 0));
  CHECK(fleet.table.is_current(a, 2));
  CHECK_FALSE(fleet.table.is_current(a, 1));
  const std::string text = "agent a was registered again by host:2 at 2026-11-21T00:33:10Z";
  for (const Error& error : {fleet.table.require("a", 1).error(), fleet.table.superseded(a),
                             fleet.try_add(Fleet::spec("a"), 1).error()}) {
    CHECK(error.code == ErrorCode::failed_precondition);
    CHECK(error.message == text);
  }
  CHECK_FALSE(fleet.table.supersedes(Fleet::spec("a"), 1));
  CHECK_FALSE(fleet.table.supersedes(Fleet::spec("a"), 2));
  CHECK_FALSE(fleet.table.supersedes(Fleet::spec("b"), 1));
  AgentSpec refused = Fleet::spec("a");
  refused.status = AgentStatus::failed;
  CHECK_FALSE(fleet.table.supersedes(refused, 3));
  CHECK(fleet.table.incarnation(a) == 2);
}

TEST_CASE("the last 16 superseded incarnations are remembered") {
  Fleet fleet;
  for (std::uint64_t incarnation = 1; incarnation <= 18; ++incarnation) {
    fleet.add(Fleet::spec("a"), incarnation);
  }
  CHECK_FALSE(fleet.try_add(Fleet::spec("a"), 2).ok());
  CHECK(fleet.try_add(Fleet::spec("a"), 1).ok());  // the 17th back
}

TEST_CASE("an agent that is removed is gone, and its slot serves another") {
  Fleet fleet;
  const AgentSlot a = fleet.add(Fleet::spec("a", {"code"}));
  REQUIRE(fleet.report(a, HealthStatus::degraded).ok());
  fleet.forget();
  fleet.table.remove(a, fleet.now, fleet.effects);
  CHECK(fleet.events() == Types{"agent.unregistered"});
  const auto signals = fleet.signals();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].error.message == "agent a was unregistered");
  CHECK(fleet.table.find("a") == kNoAgent);
  CHECK_FALSE(fleet.table.any_offers("code"));
  CHECK(fleet.table.next_due() == std::numeric_limits<Timestamp>::max());
  const AgentSlot b = fleet.add(Fleet::spec("b", {"gpu"}));
  CHECK(b == a);
  CHECK(fleet.health(b) == HealthStatus::healthy);
  AgentAudit::check(fleet.table);
}

}  // namespace
}  // namespace controlplane
