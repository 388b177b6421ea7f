#include "controlplane/health_monitor.hpp"

#include <algorithm>
#include <utility>

#include "coordinator/agent_calls.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/event_callbacks.hpp"

namespace controlplane {
namespace {

// The worst of what agents say (totals.status) and what system probes say.
HealthStatus combined(HealthStatus agents, const std::vector<ProbeHealth>& probes) {
  HealthStatus status = agents;
  for (const ProbeHealth& probe : probes) {
    if (!probe.agent_id.empty() || probe.status == HealthStatus::unknown) continue;
    const bool good = probe.status == HealthStatus::healthy;
    if (good && status == HealthStatus::unknown) status = HealthStatus::healthy;
    if (!good && status != HealthStatus::unhealthy) status = HealthStatus::degraded;
  }
  return status;
}

SystemHealth system_health(HealthCall::Answer answer, std::vector<ProbeHealth> probes) {
  SystemHealth health;
  health.status = combined(answer.totals.status, probes);
  health.healthy_count = answer.totals.healthy_count;
  health.degraded_count = answer.totals.degraded_count;
  health.unhealthy_count = answer.totals.unhealthy_count;
  health.agents = std::move(answer.agents);
  health.probes = std::move(probes);
  return health;
}

}  // namespace

Result<void> HealthMonitor::register_probe(ProbeSpec spec) {
  Checks checks(core_->limits());
  check_probe(checks, spec);
  if (auto refused = core_->refuse(Entry::any)) return std::move(*refused);
  if (!checks.ok()) return checks.take();
  return core_->probes().add(std::move(spec));
}

Result<void> HealthMonitor::unregister_probe(std::string_view name) {
  if (auto refused = core_->refuse(Entry::any)) return std::move(*refused);
  return core_->probes().remove(name);
}

Result<SystemHealth> HealthMonitor::check_health() const {
  Checks checks(core_->limits());
  auto answer = core_->block(checks, HealthCall(core_->limits().max_page));
  if (!answer) return std::move(answer.error());
  return system_health(*std::move(answer), core_->probes().snapshot());
}

void HealthMonitor::check_health(Done<SystemHealth> done) const {
  Checks checks(core_->limits());
  core_->complete(checks, HealthCall(core_->limits().max_page),
                  Done<HealthCall::Answer>([core = core_.get(), done = std::move(done)](
                                               Result<HealthCall::Answer> answer) {
                    if (!done) return;
                    if (!answer) return done(std::move(answer.error()));
                    done(system_health(*std::move(answer), core->probes().snapshot()));
                  }));
}

Result<AgentHealth> HealthMonitor::get_agent_health(std::string_view agent_id) const {
  Checks checks(core_->limits());
  checks.name("agent_id", agent_id);
  if (auto refused = core_->refuse(Entry::any)) return std::move(*refused);
  if (!checks.ok()) return checks.take();
  return core_->health().agent(agent_id);
}

HealthStatus HealthMonitor::get_system_health() const {
  if (core_->refuse(Entry::any)) return HealthStatus::unknown;
  const Result<HealthStats> totals = core_->health().totals();
  return combined(totals ? totals->status : HealthStatus::unknown, core_->probes().snapshot());
}

bool HealthMonitor::is_agent_available(std::string_view agent_id) const {
  const Result<AgentHealth> health = get_agent_health(agent_id);
  return health && health->available;
}

Result<Subscription> HealthMonitor::on_agent_unhealthy(
    std::function<void(const std::string& agent_id)> handler) {
  if (!handler) return Error::invalid_argument("on_agent_unhealthy: the handler is empty");
  return core_->subscribe(agent_unhealthy_events(core_->limits().max_subscription_buffer),
                          agent_unhealthy_handler(
                              std::move(handler),
                              missed_hook(core_->shared_log(), "on_agent_unhealthy")));
}

}  // namespace controlplane
