// Who shares: changes documents, defines pools, takes permits and gives them back.
// Thread safety: none.
// Lifetime: lives as long as its world.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/permit.hpp"
#include "simulation/plan.hpp"

namespace controlplane {
class Coordinator;
}

namespace controlplane::simulation {

class World;

class SimSharer {
 public:
  explicit SimSharer(World& world) : world_(world) {}

  void act(Act act);
  // Pools that tasks may need.
  const std::vector<std::string>& pools() const noexcept { return pools_; }

 private:
  Coordinator& plane();
  void put();
  void erase();
  void look();
  void define();
  void acquire();
  void end_permit();

  World& world_;
  std::vector<std::string> pools_;
  std::vector<PermitRef> held_;  // also those that have ended since
};

}  // namespace controlplane::simulation
