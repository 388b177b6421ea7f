// The types of events and their dotted names; docs/events.md tells what each carries.
// Thread safety: pure. Errors: an unknown name is nullopt.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace controlplane {

// Part of the encoded event: append only, never renumber.
enum class EventType : std::uint8_t {
  task_submitted,
  task_ready,
  task_claimed,
  task_started,
  task_progress,
  task_completed,
  task_retrying,
  task_released,
  task_failed,
  task_timeout,
  task_cancel_requested,
  task_cancelled,
  task_assigned,
  agent_registered,
  agent_unregistered,
  agent_status,
  agent_offline,
  agent_online,
  agent_superseded,
  agent_removed,
  agent_unhealthy,
  agent_degraded,
  agent_healthy,
  agent_breaker_open,
  agent_breaker_half_open,
  agent_breaker_closed,
  task_delayed,
  document_put,
  document_deleted,
  document_expired,
  pool_defined,
  pool_removed,
  permit_acquired,
  permit_released,
  permit_settled,
  permit_expired,
  log_defined,
  log_trimmed,
  log_removed
};
inline constexpr std::size_t kEventTypes = 39;

std::string_view to_string(EventType type) noexcept;  // "task.cancel_requested"
std::optional<EventType> parse_event_type(std::string_view name) noexcept;

}  // namespace controlplane
