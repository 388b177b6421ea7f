// Lists, counts and totals of agents.
#include "base/digest.hpp"
#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

using Names = std::vector<std::string>;

Names ids(const Page<Agent>& page) {
  Names made;
  for (const Agent& agent : page.items) made.push_back(agent.agent_id);
  return made;
}

Names listed(const Fleet& fleet, const AgentFilter& filter) {
  return ids(fleet.table.list(filter, {}).value());
}

TEST_CASE("agents are listed in the order of their first registration") {
  Fleet fleet;
  for (const char* id : {"c", "a", "b"}) fleet.add(id);
  fleet.add(Fleet::spec("c", {"gpu"}));
  fleet.add(Fleet::spec("a"), 2);
  CHECK(listed(fleet, {}) == Names{"c", "a", "b"});
}

TEST_CASE("pages follow each other without gap or repetition while agents come and go") {
  Fleet fleet;
  for (int i = 0; i < 10; ++i) fleet.add("a" + std::to_string(i));
  const Page<Agent> first = fleet.table.list({}, {"", 4}).value();
  CHECK(ids(first) == Names{"a0", "a1", "a2", "a3"});
  for (const char* id : {"a1", "a3", "a4", "a9"}) {
    fleet.table.remove(fleet.table.find(id), fleet.now, fleet.effects);
  }
  fleet.add("a1");
  const Page<Agent> second = fleet.table.list({}, {first.next_cursor, 4}).value();
  CHECK(ids(second) == Names{"a5", "a6", "a7", "a8"});
  const Page<Agent> third = fleet.table.list({}, {second.next_cursor, 4}).value();
  CHECK(ids(third) == Names{"a1"});
  CHECK(third.next_cursor.empty());
}

TEST_CASE("a page that ends with the last agent is the last page") {
  Fleet fleet;
  for (int i = 0; i < 4; ++i) fleet.add("a" + std::to_string(i));
  CHECK(fleet.table.list({}, {"", 4}).value().next_cursor.empty());
  CHECK_FALSE(fleet.table.list({}, {"", 3}).value().next_cursor.empty());
  CHECK(Fleet().table.list({}, {}).value().next_cursor.empty());
}

TEST_CASE("one call looks at a bounded number of agents") {
  Fleet fleet;
  for (int i = 0; i < 10'001; ++i) fleet.add("a" + std::to_string(i));
  AgentFilter filter;
  filter.status = AgentStatus::busy;
  fleet.claim(fleet.table.find("a10000"));
  const Page<Agent> none = fleet.table.list(filter, {}).value();
  CHECK(none.items.empty());
  REQUIRE_FALSE(none.next_cursor.empty());
  CHECK(ids(fleet.table.list(filter, {none.next_cursor, 10}).value()) == Names{"a10000"});
}

TEST_CASE("page sizes from one to max_page are accepted") {
  AgentRules rules;
  rules.max_page = 7;
  Fleet fleet(rules);
  CHECK(fleet.table.list({}, {"", 1}).ok());
  CHECK(fleet.table.list({}, {"", 7}).ok());
  for (const std::size_t size : {0U, 8U}) {
    const Error error = fleet.table.list({}, {"", size}).error();
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == "max_items " + std::to_string(size) + " is not 1 to 7");
  }
}

TEST_CASE("a cursor that no list gave is refused") {
  Fleet fleet;
  for (const char* cursor : {"x", "1x", "-1", " 1", "99999999999999999999999"}) {
    INFO(cursor);
    CHECK(fleet.table.list({}, {cursor, 5}).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a filter asks for all of its conditions") {
  Fleet fleet;
  AgentSpec labelled = Fleet::spec("a", {"code", "gpu"});
  labelled.labels = {{"zone", "eu"}, {"tier", "1"}};
  const AgentSlot a = fleet.add(labelled);
  const AgentSlot b = fleet.add(Fleet::spec("b", {"code"}));
  fleet.now += 10;
  fleet.touch(b);
  fleet.claim(b);

  AgentFilter filter;
  filter.capabilities = {"gpu", "code"};
  CHECK(listed(fleet, filter) == Names{"a"});
  filter = {};
  filter.status = AgentStatus::busy;
  CHECK(listed(fleet, filter) == Names{"b"});
  filter = {};
  filter.available_only = true;
  CHECK(listed(fleet, filter) == Names{"a"});
  filter = {};
  filter.seen_before = fleet.now;
  CHECK(listed(fleet, filter) == Names{"a"});
  filter.seen_before = fleet.now + 1;
  CHECK(listed(fleet, filter) == Names{"a", "b"});
  filter = {};
  filter.label_key = "zone";
  CHECK(listed(fleet, filter) == Names{"a"});
  filter.label_value = "eu";
  CHECK(listed(fleet, filter) == Names{"a"});
  filter.label_value = "us";
  CHECK(listed(fleet, filter).empty());
  filter.label_value = "eu";
  filter.capabilities = {"audit"};
  CHECK(listed(fleet, filter).empty());
  CHECK(a != b);
}

TEST_CASE("agents that offer a set are counted, available or not") {
  Fleet fleet;
  fleet.add(Fleet::spec("a", {"code", "gpu"}));
  const AgentSlot b = fleet.add(Fleet::spec("b", {"code"}));
  fleet.add(Fleet::spec("c", {"gpu", "code"}));
  fleet.go_offline(b);
  CHECK(fleet.table.count_offering({}) == 3);
  CHECK(fleet.table.count_offering({"code"}) == 3);
  CHECK(fleet.table.count_offering({"code", "gpu"}) == 2);
  CHECK(fleet.table.count_offering({"audit"}) == 0);
  CHECK(fleet.table.any_offers("gpu"));
  CHECK_FALSE(fleet.table.any_offers("audit"));
  std::vector<AgentSlot> slots;
  fleet.table.offering({"gpu"}, 10, slots);
  CHECK(slots == std::vector<AgentSlot>{fleet.table.find("a"), fleet.table.find("c")});
  slots.clear();
  fleet.table.offering({"gpu"}, 1, slots);
  CHECK(slots == std::vector<AgentSlot>{fleet.table.find("a")});
}

TEST_CASE("the version moves with every change of what is offered") {
  Fleet fleet;
  std::uint64_t last = fleet.table.version();
  const auto moved = [&] {
    const std::uint64_t now = fleet.table.version();
    return std::exchange(last, now) != now;
  };
  const AgentSlot a = fleet.add(Fleet::spec("a", {"code"}));
  CHECK(moved());
  fleet.add(Fleet::spec("a", {"gpu"}));
  CHECK(moved());
  fleet.claim(a);
  fleet.end(a, AttemptOutcome::completed);
  fleet.touch(a);
  fleet.go_offline(a);
  CHECK_FALSE(moved());
  fleet.table.remove(a, fleet.now, fleet.effects);
  CHECK(moved());
}

HealthStats health_of(const Fleet& fleet) {
  RegistryStats registry;
  HealthStats health;
  fleet.table.stats(registry, health);
  return health;
}

TEST_CASE("the system is unhealthy when more than a quarter of its agents are") {
  Fleet fleet;
  CHECK(health_of(fleet).status == HealthStatus::unknown);
  std::vector<AgentSlot> slots;
  for (int i = 0; i < 8; ++i) slots.push_back(fleet.add("a" + std::to_string(i)));
  CHECK(health_of(fleet).status == HealthStatus::healthy);
  REQUIRE(fleet.report(slots[0], HealthStatus::degraded).ok());
  CHECK(health_of(fleet).status == HealthStatus::degraded);
  fleet.go_offline(slots[1]);
  fleet.go_offline(slots[2]);
  CHECK(health_of(fleet).status == HealthStatus::degraded);  // a quarter
  fleet.go_offline(slots[3]);
  const HealthStats health = health_of(fleet);
  CHECK(health.status == HealthStatus::unhealthy);
  CHECK(health.healthy_count == 4);
  CHECK(health.degraded_count == 1);
  CHECK(health.unhealthy_count == 3);
}

TEST_CASE("agents are counted by the status they show") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a"), b = fleet.add("b");
  fleet.add("c");
  fleet.claim(a);
  fleet.go_offline(b);
  RegistryStats registry;
  HealthStats health;
  fleet.table.stats(registry, health);
  CHECK(registry.total_agents == 3);
  CHECK(registry.available_agents == 1);
  CHECK(registry.by_status == std::array<std::uint64_t, kAgentStatuses>{0, 1, 1, 0, 1, 0});
}

TEST_CASE("equal histories have equal digests, and a difference shows") {
  const auto digest = [](bool claim) {
    Fleet fleet;
    const AgentSlot a = fleet.add("a", 2);
    if (claim) fleet.claim(a);
    FieldDigest made;
    fleet.table.add_to(made);
    return made.finish();
  };
  CHECK(digest(true) == digest(true));
  CHECK(digest(true) != digest(false));
}

}  // namespace
}  // namespace controlplane
