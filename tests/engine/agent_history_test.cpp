// Random histories of a fleet.
#include <random>
#include <string>

#include "engine/agent_fixture.hpp"

namespace controlplane {
namespace {

struct Random {
  explicit Random(std::uint64_t seed) : numbers(seed) {}
  std::uint64_t draw(std::uint64_t below) { return numbers() % below; }

  void step(Fleet& fleet) {
    const std::string id = "a" + std::to_string(draw(40));
    const AgentSlot slot = fleet.table.find(id);
    fleet.now += static_cast<Timestamp>(draw(draw(50) == 0 ? 40'000 * kSecond : 3 * kSecond));
    fleet.advance();
    const AgentSlot after = fleet.table.find(id);
    if (after == kNoAgent || slot == kNoAgent) return add(fleet, id);
    operate(fleet, slot, id);
  }
  void add(Fleet& fleet, const std::string& id) {
    AgentSpec spec = Fleet::spec(id, {"c" + std::to_string(draw(4))});
    spec.max_concurrency = static_cast<std::uint32_t>(draw(4));
    spec.status = static_cast<AgentStatus>(draw(4));
    const std::uint64_t incarnation = draw(3) + 1;
    if (fleet.table.supersedes(spec, incarnation)) end_all(fleet, fleet.table.find(id));
    (void)fleet.try_add(spec, incarnation);
  }
  void end_all(Fleet& fleet, AgentSlot slot) {
    while (fleet.snapshot(slot).running > 0) fleet.end(slot, AttemptOutcome::crashed);
  }
  void operate(Fleet& fleet, AgentSlot slot, const std::string& id) {
    const std::uint32_t running = fleet.snapshot(slot).running;
    switch (draw(12)) {
      case 0: return add(fleet, id);
      case 1: end_all(fleet, slot); return fleet.table.remove(slot, fleet.now, fleet.effects);
      case 2: return fleet.touch(slot);
      case 3: return (void)fleet.report(slot, static_cast<AgentStatus>(draw(4)));
      case 4: return (void)fleet.report(slot, static_cast<HealthStatus>(draw(3)));
      case 5: return fleet.probe(slot, draw(2) == 0);
      case 6: return fleet.table.clear_probe(slot, fleet.now, fleet.effects);
      case 7: fleet.table.watch(slot); return fleet.table.park(slot, draw(3), fleet.now + 5 * kSecond, fleet.now);
      case 8: {
        const auto strategy = static_cast<SelectionStrategy>(draw(4));
        return (void)fleet.select(strategy, {"c1"}, {id}, draw(99));
      }
      case 9: case 10:
        if (fleet.table.claimable(slot) > 0) fleet.claim(slot);
        return;
      default:
        if (running > 0) fleet.end(slot, static_cast<AttemptOutcome>(draw(8)), 1'000);
    }
  }
  std::mt19937_64 numbers;
};

TEST_CASE("what the table maintains agrees with a scan over random histories") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  Fleet fleet;
  for (int i = 0; i < 20'000; ++i) {
    random.step(fleet);
    if (i % 20 == 0) AgentAudit::check(fleet.table);
  }
}

}  // namespace
}  // namespace controlplane
