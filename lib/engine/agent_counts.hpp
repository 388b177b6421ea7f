// How many agents there are of each kind; kept with every transition, so that reading is free.
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "engine/agent_record.hpp"

namespace controlplane {

struct AgentCounts {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
  std::uint64_t open_breakers = 0;
  std::array<std::uint64_t, kAgentStatuses> by_status{};
  std::array<std::uint64_t, 3> by_health{};  // healthy, degraded, unhealthy
  friend bool operator==(const AgentCounts&, const AgentCounts&) = default;

  std::uint64_t& of(AgentStatus status) noexcept {
    return by_status[static_cast<std::size_t>(status)];
  }
  std::uint64_t& of(HealthStatus health) noexcept {
    return by_health[static_cast<std::size_t>(health)];
  }

  void add(const AgentRecord& agent) noexcept {
    ++total;
    ++of(agent.status);
    ++of(agent.health);
    available += agent.available ? 1 : 0;
    open_breakers += agent.breaker.state() == BreakerState::open ? 1 : 0;
  }
  void remove(const AgentRecord& agent) noexcept {
    --total;
    --of(agent.status);
    --of(agent.health);
    available -= agent.available ? 1 : 0;
    open_breakers -= agent.breaker.state() == BreakerState::open ? 1 : 0;
  }
};

}  // namespace controlplane
