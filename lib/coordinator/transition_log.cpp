#include "coordinator/transition_log.hpp"

#include <array>

namespace controlplane {
namespace {

constexpr std::array<std::string_view, 7> kNotable = {
    "agent.offline", "agent.online",       "agent.unhealthy", "agent.superseded",
    "agent.removed", "agent.breaker_open", "task.timeout"};

LogLevel level_of(std::string_view type) {
  if (type == "agent.online") return LogLevel::info;
  for (const std::string_view notable : kNotable) {
    if (type == notable) return LogLevel::warning;
  }
  return LogLevel::debug;
}

}  // namespace

std::optional<std::vector<std::string>> logged_types(const CoordinatorLog& log) {
  if (log.enabled(LogLevel::debug)) return std::vector<std::string>{};
  if (!log.enabled(LogLevel::warning)) return std::nullopt;
  return std::vector<std::string>(kNotable.begin(), kNotable.end());
}

void log_events(const CoordinatorLog& log, const EventBatch& batch) {
  if (batch.missed > 0) {
    log.write(LogLevel::warning, "transitions were not logged: too many at once",
              {{"missed", std::to_string(batch.missed)}});
  }
  for (const Event& event : batch.events) {
    const LogLevel level = level_of(event.type);
    if (!log.enabled(level)) continue;
    log.write(level, event.type,
              {{"subject", event.subject},
               {"seq", std::to_string(event.seq)},
               {"tenant", event.tenant},
               {"data", event.data.str()}},
              event.trace);
  }
}

}  // namespace controlplane
