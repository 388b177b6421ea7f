// The names of the public enums and the text of a lease.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/wording.hpp"
#include "controlplane/agent.hpp"
#include "controlplane/task.hpp"

namespace controlplane {
namespace {

template <std::size_t Count>
using Names = std::array<std::string_view, Count>;

constexpr Names<kTaskPriorities> kPriorities = {"critical", "high", "normal", "low"};
constexpr Names<kTaskStates> kStates = {"pending", "claimed",   "running", "completed",
                                        "failed",  "cancelled", "timeout"};
constexpr Names<11> kReasons = {"",      "ready",     "delayed", "backoff", "blocked", "fatal",
                                "exhausted", "poison", "queue",  "exec",    "total"};
constexpr Names<3> kFailKinds = {"retryable", "fatal", "rate_limited"};
constexpr Names<16> kObstacles = {
    "no_agent_offers", "agent_offline", "agent_draining", "agent_failed", "agent_breaker_open",
    "agent_full", "agent_excluded", "agent_not_registered", "blocked_by", "delayed", "backing_off",
    "concurrency_key_full", "held", "ended", "waiting_for_claim", "pool_short"};
constexpr Names<kAgentStatuses> kAgentNames = {"starting", "ready",   "busy",
                                               "draining", "offline", "failed"};
constexpr Names<4> kHealth = {"healthy", "degraded", "unhealthy", "unknown"};
constexpr Names<3> kBreakers = {"closed", "open", "half_open"};
constexpr Names<4> kStrategies = {"least_loaded", "round_robin", "random", "capability_match"};

template <class Enum, std::size_t Count>
std::string_view name_of(const Names<Count>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < Count ? names[index] : "unknown";
}

template <class Enum, std::size_t Count>
std::optional<Enum> find(const Names<Count>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

template <class Enum, std::size_t Count>
Result<Enum> parse(std::string_view what, const Names<Count>& names, std::string_view name) {
  if (const auto found = find<Enum>(names, name)) return *found;
  return Error::invalid_argument(fmt::format("{} {} is not known; it is one of {}", what,
                                             quote(name), fmt::join(names, ", ")));
}

constexpr std::size_t kNonceDigits = 16;

// Exactly the digits that formatting writes: no sign, no leading zero, lower case.
template <class Number>
bool parse_digits(std::string_view text, int base, Number& value) {
  const bool upper = text.find_first_of("ABCDEF") != text.npos;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return !upper && error == std::errc{} && stop == end;
}

}  // namespace

std::string_view to_string(TaskPriority value) noexcept { return name_of(kPriorities, value); }
std::string_view to_string(TaskState value) noexcept { return name_of(kStates, value); }
std::string_view to_string(TaskReason value) noexcept { return name_of(kReasons, value); }
std::string_view to_string(FailKind value) noexcept { return name_of(kFailKinds, value); }
std::string_view to_string(AgentStatus value) noexcept { return name_of(kAgentNames, value); }
std::string_view to_string(HealthStatus value) noexcept { return name_of(kHealth, value); }
std::string_view to_string(BreakerState value) noexcept { return name_of(kBreakers, value); }
std::string_view to_string(SelectionStrategy value) noexcept {
  return name_of(kStrategies, value);
}
std::string_view to_string(ObstacleKind value) noexcept { return name_of(kObstacles, value); }

Result<TaskPriority> parse_task_priority(std::string_view name_or_digit) {
  if (const auto found = find<TaskPriority>(kPriorities, name_or_digit)) return *found;
  if (name_or_digit.size() == 1 && name_or_digit[0] >= '0' && name_or_digit[0] <= '3') {
    return static_cast<TaskPriority>(name_or_digit[0] - '0');
  }
  return Error::invalid_argument(
      fmt::format("priority {} is not known; it is critical, high, normal, low or 0 to 3",
                  quote(name_or_digit)));
}

Result<TaskState> parse_task_state(std::string_view name) {
  return parse<TaskState>("task state", kStates, name);
}

Result<AgentStatus> parse_agent_status(std::string_view name) {
  if (name == "idle") return AgentStatus::ready;
  return parse<AgentStatus>("agent status", kAgentNames, name);
}

Result<HealthStatus> parse_health_status(std::string_view name) {
  return parse<HealthStatus>("health status", kHealth, name);
}

Result<SelectionStrategy> parse_selection_strategy(std::string_view name) {
  return parse<SelectionStrategy>("strategy", kStrategies, name);
}

std::string Lease::str() const {
  return empty() ? std::string() : fmt::format("{}-{:016x}", attempt_, nonce_);
}

Result<Lease> Lease::parse(std::string_view text) {
  std::uint32_t attempt = 0;
  std::uint64_t nonce = 0;
  const std::size_t dash = std::min(text.find('-'), text.size());
  const bool shaped = text.size() == dash + 1 + kNonceDigits && text[0] != '0';
  if (shaped && parse_digits(text.substr(0, dash), 10, attempt) &&
      parse_digits(text.substr(dash + 1), 16, nonce)) {
    return Lease(attempt, nonce);
  }
  return Error::invalid_argument(fmt::format(
      "lease {}: not of the form <attempt>-<16 hexadecimal digits>", quote(text)));
}

}  // namespace controlplane
