#include "engine/event_type.hpp"

#include <algorithm>
#include <array>

namespace controlplane {
namespace {

constexpr std::array<std::string_view, kEventTypes> kNames = {
    "task.submitted",     "task.ready",       "task.claimed",
    "task.started",       "task.progress",    "task.completed",
    "task.retrying",      "task.released",    "task.failed",
    "task.timeout",       "task.cancel_requested", "task.cancelled",
    "task.assigned",      "agent.registered", "agent.unregistered",
    "agent.status",       "agent.offline",    "agent.online",
    "agent.superseded",   "agent.removed",    "agent.unhealthy",
    "agent.degraded",     "agent.healthy",    "agent.breaker_open",
    "agent.breaker_half_open", "agent.breaker_closed", "task.delayed",
    "document.put",       "document.deleted", "document.expired",
    "pool.defined",       "pool.removed",     "permit.acquired",
    "permit.released",    "permit.settled",   "permit.expired",
    "log.defined",        "log.trimmed",      "log.removed"};

}  // namespace

std::string_view to_string(EventType type) noexcept {
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<EventType> parse_event_type(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<EventType>(found - kNames.begin());
}

}  // namespace controlplane
