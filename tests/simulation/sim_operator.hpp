// Who gives work to the fleet and watches over it: submits, cancels, assigns, replays, waits, looks.
// Thread safety: none.
// Lifetime: lives as long as its world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controlplane/coordinator.hpp"
#include "simulation/ledger.hpp"
#include "simulation/plan.hpp"

namespace controlplane::simulation {

class World;

class SimOperator {
 public:
  explicit SimOperator(World& world) : world_(world) {}

  void act(Act act);
  // Tasks whose results are waited for.
  const std::map<std::uint64_t, TaskId>& awaited() const noexcept { return awaited_; }

 private:
  TaskSpec some_spec();
  void bound_time(TaskSpec& spec);
  void submit(TaskSpec spec);
  void submit_again();
  void submit_many();
  void heard(const Ask& ask, const Result<TaskId>& answer);
  static Ask ask_of(const TaskSpec& spec);
  void cancel();
  void assign();
  void replay();
  void wait();
  void look();
  void look_at_task();
  void probe();
  Coordinator& plane();
  const TaskId* some_task();

  World& world_;
  std::vector<TaskId> known_;     // acknowledged
  std::vector<TaskSpec> keyed_;   // specs that may be submitted again
  std::map<std::uint64_t, TaskId> awaited_;
  std::uint64_t counter_ = 0, waits_ = 0;
};

}  // namespace controlplane::simulation
