// Coordinators as the tests open them: over the memory store and over one that answers late,
// threaded or pumped under a simulated clock.
// Thread safety: as the coordinator's.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/sim_clock.hpp"
#include "catch.hpp"
#include "controlplane/controlplane.hpp"
#include "coordinator/coordinator_core.hpp"
#include "store/late_store.hpp"
#include "store/memory/memory_store.hpp"

namespace controlplane {

enum class StoreKind { memory, late, faulty };

inline std::shared_ptr<Store> open_store(StoreKind kind) {
  std::shared_ptr<Store> memory = make_memory_store(system_clock(), 16);
  if (kind == StoreKind::memory) return memory;
  const LateFaults faults = kind == StoreKind::faulty ? LateFaults{8, 4, 8} : LateFaults{};
  return std::make_shared<LateStore>(std::move(memory), faults);
}

// A threaded coordinator; the store outlives it.
struct Plane {
  explicit Plane(StoreKind kind, Config config = {}) : Plane(open_store(kind), std::move(config)) {}
  explicit Plane(std::shared_ptr<Store> over, Config config = {})
      : store(std::move(over)), plane(open(store, std::move(config))) {}

  static Coordinator open(std::shared_ptr<Store> store, Config config) {
    CoordinatorParts parts;
    parts.store = std::move(store);
    return open_coordinator(std::move(config), std::move(parts)).value();
  }
  Coordinator* operator->() { return &plane; }
  CoordinatorCore& core() { return CoordinatorCore::of(plane); }

  std::shared_ptr<Store> store;
  Coordinator plane;
};

// A coordinator without threads; time moves when the test says so.
struct PumpedPlane {
  explicit PumpedPlane(Config config = {}, std::shared_ptr<Store> store = nullptr)
      : plane(open(clock, std::move(config), std::move(store))) {}

  static Coordinator open(const Clock& clock, Config config, std::shared_ptr<Store> store) {
    CoordinatorParts parts;
    parts.store = std::move(store);
    parts.clock = &clock;
    parts.entropy = std::make_unique<SeededEntropy>(7);
    parts.pumped = true;
    return open_coordinator(std::move(config), std::move(parts)).value();
  }
  Coordinator* operator->() { return &plane; }
  CoordinatorCore& core() { return CoordinatorCore::of(plane); }
  void pump() { core().pump(); }
  void pass(std::chrono::milliseconds time) {
    clock.advance(std::chrono::microseconds(time).count());
    pump();
  }

  SimClock clock;
  Coordinator plane;
};

inline TaskSpec spec_of(std::string type, std::vector<std::string> capabilities = {}) {
  TaskSpec spec;
  spec.task_type = std::move(type);
  spec.required_capabilities = std::move(capabilities);
  return spec;
}

inline ClaimRequest claim_of(std::string agent, std::vector<std::string> capabilities = {},
                             std::chrono::milliseconds wait = {}) {
  ClaimRequest request;
  request.agent_id = std::move(agent);
  request.capabilities = std::move(capabilities);
  request.wait = wait;
  return request;
}

inline AgentSpec agent_of(std::string id, std::vector<std::string> capabilities = {},
                          std::uint32_t slots = 1) {
  AgentSpec spec;
  spec.agent_id = std::move(id);
  spec.capabilities = std::move(capabilities);
  spec.max_concurrency = slots;
  return spec;
}

inline AttemptRef attempt_of(const ClaimedTask& task) { return {task.id, task.lease, ""}; }

template <class T>
ErrorCode code_of(const Result<T>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code;
}

// A completion that keeps what it was called with, and how often. It may be destroyed before the
// coordinator, whose closing still calls.
template <class T>
class Heard {
  struct State {
    std::optional<Result<T>> answer;
    int times = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();

 public:
  std::optional<Result<T>>& answer = state_->answer;
  int& times = state_->times;
  Done<T> done() {
    return [state = state_](Result<T> result) {
      state->answer = std::move(result);
      ++state->times;
    };
  }
};

}  // namespace controlplane
