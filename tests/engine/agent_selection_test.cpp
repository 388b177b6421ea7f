#include "engine/agent_selection.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

using Names = std::vector<std::string>;
constexpr auto kLeastLoaded = SelectionStrategy::least_loaded;
constexpr auto kRoundRobin = SelectionStrategy::round_robin;
constexpr auto kRandom = SelectionStrategy::random;
constexpr auto kMatch = SelectionStrategy::capability_match;

TEST_CASE("the least loaded agent is the one with the smallest share of its slots in use") {
  Fleet fleet;
  const AgentSlot small = fleet.add("small", 2), large = fleet.add("large", 10);
  fleet.claim(small, 1);
  fleet.claim(large, 4);
  CHECK(fleet.select(kLeastLoaded).value() == "large");
  fleet.claim(large, 2);
  CHECK(fleet.select(kLeastLoaded).value() == "small");
}

TEST_CASE("equal loads go to the oldest assignment, and never assigned is the oldest") {
  Fleet fleet;
  fleet.add("a", 2);
  fleet.add("b", 2);
  CHECK(fleet.select(kLeastLoaded).value() == "a");
  CHECK(fleet.select(kLeastLoaded).value() == "b");
  fleet.add("c", 2);
  CHECK(fleet.select(kLeastLoaded).value() == "c");
  CHECK(fleet.select(kLeastLoaded).value() == "a");
}

TEST_CASE("unlimited slots make an agent less loaded than any other that is at work") {
  Fleet fleet;
  const AgentSlot one = fleet.add("one", 0), two = fleet.add("two", 0);
  const AgentSlot slots = fleet.add("slots", 1000);
  fleet.claim(slots);
  fleet.claim(one, 5);
  fleet.claim(two, 4);
  CHECK(fleet.select(kLeastLoaded).value() == "two");
  fleet.claim(two, 2);
  CHECK(fleet.select(kLeastLoaded).value() == "one");
}

TEST_CASE("round robin goes by assignment whatever the load") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 9);
  fleet.add("b", 9);
  fleet.add("c", 9);
  CHECK(fleet.select(kRoundRobin).value() == "a");
  fleet.claim(a, 5);
  CHECK(fleet.select(kRoundRobin).value() == "b");
  CHECK(fleet.select(kRoundRobin).value() == "c");
  CHECK(fleet.select(kRoundRobin).value() == "a");
}

TEST_CASE("a claim is an assignment") {
  Fleet fleet;
  const AgentSlot a = fleet.add("a", 2);
  fleet.add("b", 2);
  fleet.now += 7;
  fleet.run(a, AttemptOutcome::completed);
  CHECK(fleet.snapshot(a).last_assigned == fleet.now);
  CHECK(fleet.select(kRoundRobin).value() == "b");
  CHECK(fleet.select(kRoundRobin).value() == "a");
}

TEST_CASE("a choice is an assignment, also for the other strategies") {
  Fleet fleet;
  fleet.add("a");
  fleet.add("b");
  CHECK(fleet.select(kRoundRobin).value() == "a");
  CHECK(fleet.select(kLeastLoaded).value() == "b");
  CHECK(fleet.select(kMatch).value() == "a");
  CHECK(fleet.select(kRoundRobin).value() == "b");
}

TEST_CASE("capability match takes the fewest surplus capabilities, then the least loaded") {
  Fleet fleet;
  fleet.add(Fleet::spec("all", {"code", "gpu", "review"}, 2));
  const AgentSlot exact = fleet.add(Fleet::spec("exact", {"code", "gpu"}, 2));
  fleet.add(Fleet::spec("twin", {"gpu", "code"}, 2));
  fleet.add(Fleet::spec("none", {"code"}, 2));
  CHECK(fleet.select(kMatch, {"gpu", "code"}).value() == "exact");
  fleet.claim(exact);
  CHECK(fleet.select(kMatch, {"code", "gpu"}).value() == "twin");
  CHECK(fleet.select(kMatch, {"code", "gpu"}).value() == "twin");
  CHECK(fleet.select(kMatch, {"code", "gpu"}, {"twin", "exact"}).value() == "all");
}

TEST_CASE("only agents that offer everything asked for are chosen") {
  Fleet fleet;
  fleet.add(Fleet::spec("coder", {"code"}));
  fleet.add(Fleet::spec("judge", {"judge"}));
  for (const auto strategy : {kLeastLoaded, kRoundRobin, kRandom, kMatch}) {
    CHECK(fleet.select(strategy, {"judge"}).value() == "judge");
    CHECK(fleet.select(strategy, {"judge", "judge"}).value() == "judge");
    CHECK(fleet.select(strategy, {"code", "judge"}).error().code == ErrorCode::not_found);
  }
  CHECK(fleet.select(kRandom, {"gpu", "code"}, {"x"}).error().message ==
        "no available agent offers {gpu, code}, except {x}");
  CHECK(fleet.select(kRandom, {}, {"coder", "judge"}).error().message ==
        "no agent is available, except {coder, judge}");
}

TEST_CASE("an excluded agent is passed over, in every strategy, also when it is not registered") {
  Fleet fleet;
  for (const char* id : {"a", "b", "c"}) fleet.add(id);
  for (const auto strategy : {kLeastLoaded, kRoundRobin, kRandom, kMatch}) {
    for (std::uint64_t random = 0; random < 20; ++random) {
      CHECK(fleet.select(strategy, {}, {"a", "nobody", "c", "a"}, random).value() == "b");
    }
  }
}

TEST_CASE("an agent that joins, leaves or changes what it offers is seen by the next choice") {
  Fleet fleet;
  fleet.add(Fleet::spec("a", {"code"}));
  CHECK(fleet.select(kLeastLoaded, {"gpu"}).error().code == ErrorCode::not_found);
  const AgentSlot b = fleet.add(Fleet::spec("b", {"gpu"}));
  CHECK(fleet.select(kLeastLoaded, {"gpu"}).value() == "b");
  fleet.add(Fleet::spec("a", {"code", "gpu"}));
  fleet.table.remove(b, fleet.now, fleet.effects);
  CHECK(fleet.select(kLeastLoaded, {"gpu"}).value() == "a");
  fleet.add(Fleet::spec("a", {"code"}));
  CHECK(fleet.select(kLeastLoaded, {"gpu"}).error().code == ErrorCode::not_found);
  AgentAudit::check(fleet.table);
}

TEST_CASE("every other agent is as likely as the next when choosing at random") {
  Fleet fleet;
  for (int i = 0; i < 12; ++i) {
    const Names offers = i % 3 == 0 ? Names{"code"} : Names{"code", "gpu"};
    fleet.add(Fleet::spec("a" + std::to_string(i), offers));
  }
  std::mt19937_64 random(7);
  std::map<std::string, int> drawn;
  for (int i = 0; i < 20'000; ++i) {
    ++drawn[fleet.select(kRandom, {"code"}, {"a1", "a3"}, random()).value()];
  }
  CHECK(drawn.size() == 10);
  for (const auto& [id, times] : drawn) {
    INFO(id);
    CHECK(times > 1'700);  // 2,000 expected, deviation 42
    CHECK(times < 2'300);
  }
}

TEST_CASE("remembered requests are bounded") {
  AgentSelection selection;
  selection.join(0, {"c1"});
  for (std::size_t i = 0; i < 3 * MatchCache::kMaxMatches; ++i) {
    CHECK(selection.count_offering({"c" + std::to_string(i)}) == (i == 1 ? 1 : 0));
  }
  CHECK(AgentAudit::matches(selection) == MatchCache::kMaxMatches);
  CHECK(selection.count_offering({"c1"}) == 1);
}

TEST_CASE("remembered requests are bounded also when new groups join them") {
  constexpr Slot kGroups = 2'000;
  AgentSelection selection;
  const auto ask = [&](std::size_t i) {  // spelled differently, to be remembered each for itself
    return selection.count_offering(std::vector<std::string>(i + 1, "code"));
  };
  for (std::size_t i = 0; i < 200; ++i) CHECK(ask(i) == 0);
  CHECK(AgentAudit::matches(selection) == 200);
  for (Slot slot = 0; slot < kGroups; ++slot) selection.join(slot, {"c" + std::to_string(slot), "code"});
  for (std::size_t i = 0; i < 200; ++i) CHECK(ask(i) == kGroups);
  CHECK(AgentAudit::matches(selection) == MatchCache::kMaxGroups / kGroups);
}

// Random histories against a scan of plain data.

struct Model {
  struct Agent {
    std::set<std::string> offers;
    bool available = false;
    std::uint32_t running = 0, slots = 1;
  };
  std::map<Slot, Agent> agents;

  bool offers(Slot slot, const Names& required) const {
    const auto& set = agents.at(slot).offers;
    return std::ranges::all_of(required, [&](const auto& name) { return set.contains(name); });
  }
};

struct History {
  explicit History(std::uint64_t seed, std::size_t kinds) : random(seed), capabilities(kinds) {}

  std::uint64_t draw(std::uint64_t below) { return random() % below; }
  std::vector<std::string> any_set(std::size_t most) {
    std::set<std::string> made;
    for (std::uint64_t left = draw(most + 1); left > 0; --left) {
      made.insert("c" + std::to_string(draw(capabilities)));
    }
    return {made.begin(), made.end()};
  }
  Slot any_agent() {
    return std::next(model.agents.begin(), static_cast<long>(draw(model.agents.size())))->first;
  }
  std::vector<Slot> any_agents(std::uint64_t most) {
    std::vector<Slot> made;
    for (std::uint64_t left = draw(most + 1); left > 0; --left) made.push_back(any_agent());
    return made;
  }

  void join() {
    Slot slot = 0;
    while (model.agents.contains(slot)) ++slot;
    const auto offers = any_set(6);
    selection.join(slot, offers);
    model.agents[slot].offers = {offers.begin(), offers.end()};
    update(slot);
  }
  void leave() {
    const Slot slot = any_agent();
    selection.leave(slot);
    model.agents.erase(slot);
  }
  void update(Slot slot) {
    Model::Agent& agent = model.agents[slot];
    agent.slots = static_cast<std::uint32_t>(draw(5));
    agent.running = static_cast<std::uint32_t>(draw(agent.slots == 0 ? 5 : agent.slots));
    agent.available = draw(4) != 0;
    selection.update(slot, agent.available, agent.running, agent.slots);
  }
  void change() {
    const Slot slot = any_agent();
    const auto offers = any_set(6);
    if (offers == selection.capabilities(slot)) return;
    selection.change_capabilities(slot, offers);
    model.agents[slot].offers = {offers.begin(), offers.end()};
  }
  void step() {
    const std::uint64_t what = model.agents.size() < 5 ? 0 : draw(100);
    if (what < 3) join();
    else if (what < 5) leave();
    else if (what < 8) change();
    else if (what < 40) update(any_agent());
    else if (what < 50) selection.assigned(any_agent());
    else choose();
  }

  // Fractions compared exactly; unlimited = 2^32 slots.
  bool before(Slot a, Slot b, SelectionStrategy strategy) const {
    const Model::Agent &x = model.agents.at(a), &y = model.agents.at(b);
    const auto slots = [](const Model::Agent& agent) {
      return agent.slots == 0 ? std::uint64_t{1} << 32 : agent.slots;
    };
    const std::uint64_t of_x = x.running * slots(y), of_y = y.running * slots(x);
    const std::size_t size_x = x.offers.size(), size_y = y.offers.size();
    if (strategy == kMatch && size_x != size_y) return size_x < size_y;
    if (strategy != kRoundRobin && of_x != of_y) return of_x < of_y;
    return selection.order(a) < selection.order(b);
  }
  void choose() {
    const Names required = any_set(draw(3));
    const std::vector<Slot> excluded = any_agents(draw(3) == 0 ? 12 : 0);
    const auto strategy = static_cast<SelectionStrategy>(draw(4));
    const Slot chosen = selection.choose(required, strategy, excluded, random());
    std::vector<Slot> fit;
    std::uint64_t offering = 0;
    for (const auto& [slot, agent] : model.agents) {
      if (!model.offers(slot, required)) continue;
      ++offering;
      const bool out = std::ranges::find(excluded, slot) != excluded.end();
      if (agent.available && !out) fit.push_back(slot);
    }
    REQUIRE(selection.count_offering(required) == offering);
    if (fit.empty()) {
      REQUIRE(chosen == kNoSlot);
      return;
    }
    if (strategy == kRandom) {
      REQUIRE(std::ranges::find(fit, chosen) != fit.end());
    } else {
      const auto better = [&](Slot a, Slot b) { return before(a, b, strategy); };
      REQUIRE(chosen == *std::ranges::min_element(fit, better));
    }
    if (draw(2) == 0) selection.assigned(chosen);
  }

  std::mt19937_64 random;
  std::size_t capabilities;
  AgentSelection selection;
  Model model;
};

TEST_CASE("choices agree with a scan over random histories") {
  const std::uint64_t seed = std::random_device{}();
  for (const std::size_t kinds : {2U, 5U, 30U}) {
    INFO("seed " << seed << ", capabilities " << kinds);
    History history(seed, kinds);
    for (int i = 0; i < 300; ++i) history.join();
    for (int i = 0; i < 15'000; ++i) {
      history.step();
      if (i % 500 == 0) AgentAudit::check(history.selection);
    }
  }
}

TEST_CASE("choices agree with a scan after pauses in which everything changed") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  History history(seed, 4);
  for (int i = 0; i < 500; ++i) history.join();
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 1'000; ++i) history.update(history.any_agent());
    for (int i = 0; i < 5; ++i) history.choose();
  }
  AgentAudit::check(history.selection);
}

}  // namespace
}  // namespace controlplane
