// What the agent table keeps of one agent, and the rules that read nothing but it.
// Thread safety: plain values, pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "controlplane/agent.hpp"
#include "engine/agent_table.hpp"
#include "engine/circuit_breaker.hpp"
#include "engine/slab.hpp"

namespace controlplane {

// The latest end of the claims that wait at one coordinator.
struct Park {
  std::uint64_t origin;
  Timestamp until;
};

struct alignas(64) AgentRecord {
  // The first cache line: all that a call of a healthy agent touches.
  Timestamp last_seen = 0;
  Timestamp last_assigned = 0;
  Timestamp status_since = 0;                    // of `status`
  std::uint64_t incarnation = 0;
  std::uint32_t running = 0;
  std::uint32_t max_concurrency = 1;             // 0 = unlimited
  std::uint32_t deadline_place = kNoSlot;        // in the deadline heap
  AgentStatus reported_status = AgentStatus::ready;
  AgentStatus status = AgentStatus::ready;       // as shown: status_of()
  HealthStatus reported_health = HealthStatus::healthy;
  HealthStatus probe = HealthStatus::unknown;    // unknown = none
  HealthStatus health = HealthStatus::healthy;   // health_of()
  HealthStatus announced = HealthStatus::healthy;  // by the last health event
  bool offline = false;
  bool failed = false;                           // by its probe
  bool available = false;                        // is_available()
  bool watched = false;                          // wants agent_eligible
  bool expired = false;                          // offline for so long that it is about to go
  bool postponed = false;                        // a lease keeps it from being silent

  // The second one: what claims and ends touch.
  CircuitBreaker breaker;
  Timestamp idle_since = 0;                      // the last end that left no leases
  std::uint64_t completed = 0, failures = 0, crashed = 0;
  double avg_latency_ms = 0;

  // The rest is for registrations and readers.
  std::vector<Park> parks;                       // one per coordinator at which claims wait
  Timestamp excused_until = 0;                   // see AgentTable::excuse
  Timestamp registered_at = 0;                   // of this incarnation
  std::uint64_t serial = 0;                      // in the order of first registration
  std::string agent_id;
  SharedText model, provider, endpoint, registered_by;
  Json metadata, metrics;
  Labels labels;
  std::vector<std::uint64_t> superseded;         // earlier incarnations, oldest first
  Timestamp last_probe = 0;
  std::uint32_t probe_failures = 0, probe_successes = 0;  // in a row
  std::string probe_error;
};

inline Timestamp parked_until(const AgentRecord& agent) noexcept {
  Timestamp latest = 0;
  for (const Park& park : agent.parks) latest = std::max(latest, park.until);
  return latest;
}

inline bool is_full(const AgentRecord& agent) noexcept {
  return agent.max_concurrency != 0 && agent.running >= agent.max_concurrency;
}

inline AgentStatus status_of(const AgentRecord& agent) noexcept {
  if (agent.offline) return AgentStatus::offline;
  if (agent.failed) return AgentStatus::failed;
  if (agent.reported_status == AgentStatus::draining) return AgentStatus::draining;
  return is_full(agent) ? AgentStatus::busy : agent.reported_status;
}

inline HealthStatus health_of(const AgentRecord& agent) noexcept {
  if (agent.offline) return HealthStatus::unhealthy;
  HealthStatus worst = agent.reported_health;
  if (agent.probe != HealthStatus::unknown) worst = std::max(worst, agent.probe);
  if (agent.breaker.state() == BreakerState::open) return HealthStatus::unhealthy;
  if (agent.breaker.state() == BreakerState::closed) return worst;
  return std::max(worst, HealthStatus::degraded);
}

// A ready agent has a free slot, and a healthy one a closed breaker.
inline bool is_available(const AgentRecord& agent) noexcept {
  return agent.status == AgentStatus::ready && agent.health == HealthStatus::healthy;
}

inline Refusal refusal_of(const AgentRecord& agent) noexcept {
  if (agent.reported_status == AgentStatus::draining) return Refusal::draining;
  if (agent.failed) return Refusal::failed;
  if (agent.offline) return Refusal::offline;
  if (!agent.breaker.admits()) return Refusal::breaker;
  return is_full(agent) ? Refusal::full : Refusal::none;
}

inline std::uint32_t claimable_by(const AgentRecord& agent) noexcept {
  if (refusal_of(agent) != Refusal::none) return 0;
  if (agent.breaker.state() == BreakerState::half_open) return 1;
  if (agent.max_concurrency == 0) return std::numeric_limits<std::uint32_t>::max();
  return agent.max_concurrency - agent.running;
}

Verdict verdict_of(AttemptOutcome outcome) noexcept;
void count_outcome(AgentRecord& agent, AttemptOutcome outcome, std::int64_t latency_us) noexcept;

// The probe's part of health and status; a threshold of 0 counts as 1.
void count_probe(AgentRecord& agent, bool good, std::uint32_t failure_threshold,
                 std::uint32_t success_threshold) noexcept;
void forget_probe(AgentRecord& agent);

}  // namespace controlplane
