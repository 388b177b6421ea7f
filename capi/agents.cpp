// Agents: each operation once, called in two ways.
#include "capi/defaults.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {
namespace {

auto register_agent(const cp_agent_spec* spec) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.register_agent(spec_of(spec, plane.limits()), std::move(done)...);
  };
}
auto unregister_agent(const char* agent_id, std::uint64_t incarnation) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.unregister_agent(view(agent_id), incarnation, std::move(done)...);
  };
}
auto heartbeat(const char* agent_id, const cp_heartbeat_report* report) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.heartbeat(view(agent_id), report_of(report, plane.limits()),
                                       std::move(done)...);
  };
}
auto get_agent(const char* agent_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.get_agent(view(agent_id), std::move(done)...);
  };
}
auto list_agents(const cp_agent_filter* filter, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.list_agents(filter_of(filter, plane.limits()), page_of(page),
                                         std::move(done)...);
  };
}
auto select_agent(const cp_select_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.select_agent(request_of(request, plane.limits()), std::move(done)...);
  };
}
auto reassign_tasks(const char* agent_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.reassign_agent_tasks(view(agent_id), std::move(done)...);
  };
}

const auto into_agent = into<AgentView>(&cp_completion::agent);

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_agent_register(cp_coordinator* coordinator, const cp_agent_spec* spec) {
  return call(coordinator, register_agent(spec));
}
int32_t cp_agent_register_async(cp_coordinator* coordinator, const cp_agent_spec* spec,
                                cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_REGISTER, register_agent(spec));
}

int32_t cp_agent_unregister(cp_coordinator* coordinator, const char* agent_id,
                            uint64_t incarnation) {
  return call(coordinator, unregister_agent(agent_id, incarnation));
}
int32_t cp_agent_unregister_async(cp_coordinator* coordinator, const char* agent_id,
                                  uint64_t incarnation, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_UNREGISTER,
               unregister_agent(agent_id, incarnation));
}

int32_t cp_agent_heartbeat(cp_coordinator* coordinator, const char* agent_id,
                           const cp_heartbeat_report* report) {
  return call(coordinator, heartbeat(agent_id, report));
}
int32_t cp_agent_heartbeat_async(cp_coordinator* coordinator, const char* agent_id,
                                 const cp_heartbeat_report* report, cp_queue* queue,
                                 void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_HEARTBEAT, heartbeat(agent_id, report));
}

int32_t cp_agent_get(cp_agent** out, cp_coordinator* coordinator, const char* agent_id) {
  return call_for(out, coordinator, get_agent(agent_id), give<AgentView>);
}
int32_t cp_agent_get_async(cp_coordinator* coordinator, const char* agent_id, cp_queue* queue,
                           void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_GET, get_agent(agent_id), into_agent);
}

int32_t cp_agent_list(cp_agent_page** out, cp_coordinator* coordinator,
                      const cp_agent_filter* filter, const cp_page_request* page) {
  return call_for(out, coordinator, list_agents(filter, page), give<AgentPageView>);
}
int32_t cp_agent_list_async(cp_coordinator* coordinator, const cp_agent_filter* filter,
                            const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_LIST, list_agents(filter, page),
               into<AgentPageView>(&cp_completion::agents));
}

int32_t cp_agent_select(cp_agent** out, cp_coordinator* coordinator,
                        const cp_select_request* request) {
  return call_for(out, coordinator, select_agent(request), give<AgentView>);
}
int32_t cp_agent_select_async(cp_coordinator* coordinator, const cp_select_request* request,
                              cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_SELECT, select_agent(request),
               into_agent);
}

int32_t cp_agent_reassign_tasks(uint64_t* out, cp_coordinator* coordinator, const char* agent_id) {
  return call_for(out, coordinator, reassign_tasks(agent_id),
                  [](std::uint64_t count) { return count; });
}
int32_t cp_agent_reassign_tasks_async(cp_coordinator* coordinator, const char* agent_id,
                                      cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_AGENT_REASSIGN_TASKS,
               reassign_tasks(agent_id),
               [](CompletionBox& box, std::uint64_t count) { box.count = count; });
}
