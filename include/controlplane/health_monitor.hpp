// Liveness of agents and of the system: heartbeats, reports, probes, circuit breakers.
// Thread safety: every method may be called from any thread.
// Lifetime: obtained from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/agent_registry.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task_scheduler.hpp"

namespace controlplane {

// One way to ask whether something works; exactly one of the three is set.
struct ProbeSpec {
  std::string name{};                            // required; a name, unique in this coordinator
  std::string agent_id{};                        // whose health it tells; empty = of the system only
  std::function<bool()> callback{};              // called on the callback pool, never twice at once;
                                                 // false or an exception = failed
  std::string http_url{};                        // "http://host:port/path": GET answers 2xx in time
  std::string tcp_address{};                     // "host:port": a connection is accepted in time
  std::chrono::milliseconds interval{0};         // 0 = Config::probe_interval
  std::chrono::milliseconds timeout{0};          // 0 = Config::probe_timeout; then it counts as failed
  std::uint32_t failure_threshold = 3;           // failures in a row → unhealthy, status failed
  std::uint32_t success_threshold = 2;           // successes in a row → back
};

struct ProbeHealth {
  std::string name;
  std::string agent_id;
  HealthStatus status = HealthStatus::unknown;   // unknown = not run yet
  std::uint32_t consecutive_failures = 0;
  std::uint32_t consecutive_successes = 0;
  Timestamp last_check = 0;
  std::string error;                             // of the last failure
};

struct SystemHealth {
  HealthStatus status = HealthStatus::unknown;   // > 25 % of agents unhealthy → unhealthy; any agent
                                                 // or system probe not healthy → degraded; nothing
                                                 // to judge by → unknown
  std::vector<ProbeHealth> probes;               // of this coordinator
  std::vector<AgentHealth> agents;               // at most Limits::max_page
  std::uint64_t healthy_count = 0, degraded_count = 0, unhealthy_count = 0;
};

class HealthMonitor {
 public:
  // Runs first at once, then every interval. already_exists for a name in use.
  Result<void> register_probe(ProbeSpec spec);
  // When it returned the probe's callback does not run and is destroyed. It does not wait on the loop
  // thread and within that callback, which then ends and does not begin again. Of its last probe's
  // agent the verdict is cleared. not_found for an unknown name.
  Result<void> unregister_probe(std::string_view name);

  // A fresh look at everything.
  Result<SystemHealth> check_health() const;
  void check_health(Done<SystemHealth> done) const;

  // Synchronous getters: never block; from a copy at most 1 s old, whose age is a field.
  Result<AgentHealth> get_agent_health(std::string_view agent_id) const;
  HealthStatus get_system_health() const;
  bool is_agent_available(std::string_view agent_id) const;

  // Called on the callback pool at every transition of an agent to unhealthy or offline.
  Result<Subscription> on_agent_unhealthy(std::function<void(const std::string& agent_id)> handler);

 protected:
  explicit HealthMonitor(std::shared_ptr<CoordinatorCore> core) : core_(std::move(core)) {}
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
