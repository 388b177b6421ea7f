// Totals of one tenant, read once, consistently. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "controlplane/agent.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct RegistryStats {
  std::uint64_t total_agents = 0;
  std::uint64_t available_agents = 0;
  std::array<std::uint64_t, kAgentStatuses> by_status{};  // indexed by AgentStatus, as shown
};

struct SchedulerStats {
  std::uint64_t pending_tasks = 0;       // ready, delayed, backing off and blocked
  std::uint64_t ready_tasks = 0, delayed_tasks = 0, backoff_tasks = 0, blocked_tasks = 0;
  std::uint64_t claimed_tasks = 0;
  std::uint64_t running_tasks = 0;
  std::array<std::uint64_t, kTaskStates> by_state{};            // records now, by TaskState
  std::array<std::uint64_t, kTaskPriorities> pending_by_priority{};
  std::uint64_t dead_letters = 0;        // failed + timeout, records now
  std::uint64_t submitted_total = 0, claimed_total = 0, completed_total = 0, failed_total = 0,
                cancelled_total = 0, timeout_total = 0;          // since the store began
  std::uint64_t retries_total = 0, crashes_total = 0, releases_total = 0, duplicates_total = 0,
                stale_total = 0;
  std::uint64_t unservable_submits_total = 0;  // no registered agent offered what was required
  std::uint64_t queues = 0;
  std::uint64_t waiting_claims = 0;            // parked in this coordinator
};

struct HealthStats {
  HealthStatus status = HealthStatus::unknown;
  std::uint64_t healthy_count = 0, degraded_count = 0, unhealthy_count = 0;
  std::uint64_t open_breakers = 0;
};

struct DocumentStats {
  std::uint64_t documents = 0, bytes = 0;      // now; bytes of keys and values
  std::uint64_t puts_total = 0, conflicts_total = 0, deletes_total = 0, expired_total = 0;
};

struct LogStats {
  std::uint64_t logs = 0, entries = 0, bytes = 0;  // now; bytes of entries
  std::uint64_t appends_total = 0, trimmed_total = 0;
  std::uint64_t losses_total = 0;              // reads that were answered data_loss
};

struct PermitStats {
  std::uint64_t pools = 0, permits = 0, waiting = 0;   // now
  std::uint64_t granted_total = 0, expired_total = 0, refused_total = 0;  // refused: not there, no wait
};

struct EventStats {
  std::uint64_t first_seq = 0, last_seq = 0;   // 0, 0 = empty
};

struct Stats {
  RegistryStats registry;
  SchedulerStats scheduler;
  HealthStats health;
  DocumentStats documents;
  LogStats logs;
  PermitStats permits;
  EventStats events;
  std::string store;                           // "memory"
  std::string tenant;
  Timestamp now = 0;
};

}  // namespace controlplane
