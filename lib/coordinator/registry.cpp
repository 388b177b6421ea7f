#include <utility>

#include "controlplane/agent_registry.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/coordinator_core.hpp"

namespace controlplane {
namespace {

Checks checked_agent(CoordinatorCore& core, const AgentSpec& spec) {
  Checks checks(core.limits());
  check_agent(checks, spec);
  return checks;
}

Checks checked_agent(CoordinatorCore& core, std::string_view agent_id) {
  Checks checks(core.limits());
  checks.name("agent_id", agent_id);
  return checks;
}

Checks checked_agent(CoordinatorCore& core, std::string_view agent_id, const HeartbeatReport& report) {
  Checks checks(core.limits());
  check_heartbeat(checks, agent_id, report);
  return checks;
}

Checks checked_agent(CoordinatorCore& core, const AgentFilter& filter, const PageRequest& page) {
  Checks checks(core.limits());
  check_agent_filter(checks, filter);
  check_page(checks, page);
  return checks;
}

Checks checked_agent(CoordinatorCore& core, const SelectRequest& request) {
  Checks checks(core.limits());
  check_selection(checks, request);
  return checks;
}

AddAgentCall add_call(CoordinatorCore& core, AgentSpec spec) {
  return AddAgentCall(std::move(spec), core.incarnation(), core.registered_by());
}

}  // namespace

Result<Agent> AgentRegistry::register_agent(AgentSpec spec) {
  Checks checks = checked_agent(*core_, spec);
  return core_->block(checks, add_call(*core_, std::move(spec)));
}

void AgentRegistry::register_agent(AgentSpec spec, Done<Agent> done) {
  Checks checks = checked_agent(*core_, spec);
  core_->complete(checks, add_call(*core_, std::move(spec)), std::move(done));
}

Result<void> AgentRegistry::unregister_agent(std::string_view agent_id, std::uint64_t incarnation) {
  Checks checks = checked_agent(*core_, agent_id);
  return core_->block(checks, RemoveAgentCall(agent_id, incarnation));
}
void AgentRegistry::unregister_agent(std::string_view agent_id, std::uint64_t incarnation,
                                     Done<void> done) {
  Checks checks = checked_agent(*core_, agent_id);
  core_->complete(checks, RemoveAgentCall(agent_id, incarnation), std::move(done));
}

Result<void> AgentRegistry::heartbeat(std::string_view agent_id, const HeartbeatReport& report) {
  Checks checks = checked_agent(*core_, agent_id, report);
  return core_->block(checks, HeartbeatCall(agent_id, report));
}
void AgentRegistry::heartbeat(std::string_view agent_id, const HeartbeatReport& report,
                              Done<void> done) {
  Checks checks = checked_agent(*core_, agent_id, report);
  core_->complete(checks, HeartbeatCall(agent_id, report), std::move(done));
}

Result<Agent> AgentRegistry::get_agent(std::string_view agent_id) const {
  Checks checks = checked_agent(*core_, agent_id);
  return core_->block(checks, GetAgentCall(agent_id));
}
void AgentRegistry::get_agent(std::string_view agent_id, Done<Agent> done) const {
  Checks checks = checked_agent(*core_, agent_id);
  core_->complete(checks, GetAgentCall(agent_id), std::move(done));
}

Result<Page<Agent>> AgentRegistry::list_agents(const AgentFilter& filter,
                                               const PageRequest& page) const {
  Checks checks = checked_agent(*core_, filter, page);
  return core_->block(checks, ListAgentsCall(filter, page));
}
void AgentRegistry::list_agents(const AgentFilter& filter, const PageRequest& page,
                                Done<Page<Agent>> done) const {
  Checks checks = checked_agent(*core_, filter, page);
  core_->complete(checks, ListAgentsCall(filter, page), std::move(done));
}

Result<Agent> AgentRegistry::select_agent(const SelectRequest& request) {
  Checks checks = checked_agent(*core_, request);
  return core_->block(checks, SelectAgentCall(request));
}
void AgentRegistry::select_agent(const SelectRequest& request, Done<Agent> done) {
  Checks checks = checked_agent(*core_, request);
  core_->complete(checks, SelectAgentCall(request), std::move(done));
}

}  // namespace controlplane
