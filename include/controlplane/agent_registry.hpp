// Which agents there are, and which of them could take work.
// Thread safety: every method may be called from any thread.
// Lifetime: obtained from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. An agent of another tenant is not_found.
// Blocking and completion forms: the form with `done` never blocks; `done` is called exactly once,
// inline when the answer is at hand. The other form answers failed_precondition on the loop thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

class CoordinatorCore;

template <class T>
using Done = std::function<void(Result<T>)>;

class AgentRegistry {
 public:
  // Adds the agent or replaces what is known of it. A new incarnation ends the leases of the old
  // one (each counts as a crash); one that was superseded answers failed_precondition.
  Result<Agent> register_agent(AgentSpec spec);
  void register_agent(AgentSpec spec, Done<Agent> done);

  // Its leases are released, tasks directed to it stay. not_found if it is not registered.
  Result<void> unregister_agent(std::string_view agent_id, std::uint64_t incarnation = 0);
  void unregister_agent(std::string_view agent_id, std::uint64_t incarnation, Done<void> done);

  // Any call of an agent counts as a heartbeat; this one may carry a status, health and metrics.
  Result<void> heartbeat(std::string_view agent_id, const HeartbeatReport& report = {});
  void heartbeat(std::string_view agent_id, const HeartbeatReport& report, Done<void> done);

  Result<Agent> get_agent(std::string_view agent_id) const;
  void get_agent(std::string_view agent_id, Done<Agent> done) const;

  // In the order of first registration.
  Result<Page<Agent>> list_agents(const AgentFilter& filter = {}, const PageRequest& page = {}) const;
  void list_agents(const AgentFilter& filter, const PageRequest& page, Done<Page<Agent>> done) const;

  // Picks among healthy, available agents that offer all of request.capabilities, and counts as an
  // assignment for the next choice. not_found if there is none.
  Result<Agent> select_agent(const SelectRequest& request);
  void select_agent(const SelectRequest& request, Done<Agent> done);

 protected:
  explicit AgentRegistry(std::shared_ptr<CoordinatorCore> core) : core_(std::move(core)) {}
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
