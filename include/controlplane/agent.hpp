// Agents and their health as registrars and observers see them.
// Thread safety: plain values. Errors: none here.
// Times are microseconds since the Unix epoch, 0 = never; durations are std::chrono.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/json.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

enum class AgentStatus : std::uint8_t { starting, ready, busy, draining, offline, failed };
enum class HealthStatus : std::uint8_t { healthy, degraded, unhealthy, unknown };
enum class BreakerState : std::uint8_t { closed, open, half_open };
enum class SelectionStrategy : std::uint8_t { least_loaded, round_robin, random, capability_match };

inline constexpr std::size_t kAgentStatuses = 6;
std::string_view to_string(AgentStatus status) noexcept;
std::string_view to_string(HealthStatus status) noexcept;
std::string_view to_string(BreakerState state) noexcept;
std::string_view to_string(SelectionStrategy strategy) noexcept;
Result<AgentStatus> parse_agent_status(std::string_view name);  // "idle" is ready
Result<HealthStatus> parse_health_status(std::string_view name);
Result<SelectionStrategy> parse_selection_strategy(std::string_view name);

// The standard capabilities of the guide; any other valid name is a capability too.
namespace capability {
inline constexpr std::string_view debate = "debate", code = "code", analysis = "analysis",
                                  critique = "critique", judge = "judge", implement = "implement",
                                  design = "design", research = "research", audit = "audit",
                                  summarize = "summarize";
}

struct AgentSpec {
  std::string agent_id{};                        // required; a name
  std::vector<std::string> capabilities{};       // for discovery, selection and claims that name none
  std::string model{};                           // free text
  std::string provider{};                        // free text
  std::string endpoint{};                        // free text, for example an URL
  Json metadata{};                               // valid JSON; empty = none
  Labels labels{};                               // at most 16 short pairs
  std::uint32_t max_concurrency = 1;             // slots; 0 = unlimited
  AgentStatus status = AgentStatus::ready;       // reported: starting, ready, busy or draining
  std::uint64_t incarnation = 0;                 // 0 = this coordinator's
};

struct HeartbeatReport {
  std::optional<AgentStatus> status{};           // starting, ready, busy or draining
  std::optional<HealthStatus> health{};          // healthy, degraded or unhealthy
  Json metrics{};                                // valid JSON, at most Limits::max_metrics_bytes
  std::uint64_t incarnation = 0;                 // 0 = the current one
};

// Immutable names, shared between their copies: a list as others are, but for the price of a handle.
class SharedNames {
 public:
  SharedNames() noexcept = default;
  explicit SharedNames(std::vector<std::string> names)
      : names_(std::make_shared<const std::vector<std::string>>(std::move(names))) {}

  // Valid as long as this or any copy of it lives.
  const std::vector<std::string>& list() const noexcept { return names_ ? *names_ : kNone; }
  operator const std::vector<std::string>&() const noexcept { return list(); }  // NOLINT: implicit by design
  auto begin() const noexcept { return list().begin(); }
  auto end() const noexcept { return list().end(); }
  std::size_t size() const noexcept { return list().size(); }
  bool empty() const noexcept { return list().empty(); }
  const std::string& operator[](std::size_t index) const noexcept { return list()[index]; }

  friend bool operator==(const SharedNames& a, const SharedNames& b) noexcept {
    return a.list() == b.list();
  }
  friend bool operator==(const SharedNames& a, const std::vector<std::string>& b) noexcept {
    return a.list() == b;
  }

 private:
  inline static const std::vector<std::string> kNone;
  std::shared_ptr<const std::vector<std::string>> names_;
};

struct Agent {
  std::string agent_id;
  SharedNames capabilities;                      // sorted
  SharedText model, provider, endpoint;
  Json metadata;
  Labels labels;
  std::uint32_t max_concurrency = 1;
  AgentStatus status = AgentStatus::ready;       // as shown
  AgentStatus reported_status = AgentStatus::ready;
  HealthStatus health = HealthStatus::healthy;
  BreakerState breaker = BreakerState::closed;
  bool available = false;                        // select_agent would consider it
  std::uint64_t incarnation = 0;
  SharedText registered_by;                      // "host:pid"
  Timestamp registered_at = 0;
  Timestamp last_seen = 0;
  Timestamp last_assigned = 0;
  std::uint32_t running = 0;                     // leases now
  std::uint64_t tasks_completed = 0, tasks_failed = 0, tasks_crashed = 0;
  double avg_latency_ms = 0;                     // of completed tasks; exponentially weighted, 1/8
  Json metrics;
};

struct AgentFilter {
  std::vector<std::string> capabilities{};       // all of them
  std::optional<AgentStatus> status{};           // as shown
  std::string label_key{}, label_value{};        // "" = any
  bool available_only = false;                   // only those that select_agent would consider
  Timestamp seen_before = 0;                     // silent since; 0 = any
};

struct SelectRequest {
  std::vector<std::string> capabilities{};
  SelectionStrategy strategy = SelectionStrategy::least_loaded;
  std::vector<std::string> exclude{};
};

struct AgentHealth {
  std::string agent_id;
  HealthStatus status = HealthStatus::unknown;   // worst of heartbeat age, report, probes, breaker
  AgentStatus agent_status = AgentStatus::offline;
  HealthStatus reported = HealthStatus::healthy;
  HealthStatus probe = HealthStatus::unknown;    // unknown = no probe
  BreakerState breaker = BreakerState::closed;
  Timestamp breaker_until = 0;                   // when open: end of the cooldown
  Timestamp last_check = 0;                      // the last probe, or the last call if none
  Timestamp last_seen = 0;
  std::uint32_t consecutive_failures = 0;        // of the probe, or of tasks, whichever is more
  std::string probe_error;                       // of the last failed probe
  bool available = false;
  std::chrono::milliseconds age{0};              // of this copy, at most 1 s
};

}  // namespace controlplane
