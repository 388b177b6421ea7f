// Probes and verdicts.
#include "capi/defaults.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {
namespace {

const auto check_health = [](Plane& plane, auto... done) {
  return plane.coordinator.check_health(std::move(done)...);
};

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_probe_register(cp_coordinator* coordinator, const cp_probe_spec* spec) {
  return call(coordinator,
              [&](Plane& plane) { return plane.coordinator.register_probe(spec_of(spec)); });
}

int32_t cp_probe_unregister(cp_coordinator* coordinator, const char* name) {
  return call(coordinator,
              [&](Plane& plane) { return plane.coordinator.unregister_probe(view(name)); });
}

int32_t cp_health_check(cp_system_health** out, cp_coordinator* coordinator) {
  return call_for(out, coordinator, check_health, give<SystemHealthView>);
}
int32_t cp_health_check_async(cp_coordinator* coordinator, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_HEALTH_CHECK, check_health,
               into<SystemHealthView>(&cp_completion::health));
}

int32_t cp_health_status(int32_t* out, cp_coordinator* coordinator) {
  return call_for(
      out, coordinator,
      [](Plane& plane) { return Result<HealthStatus>(plane.coordinator.get_system_health()); },
      [](HealthStatus status) { return static_cast<std::int32_t>(status); });
}

int32_t cp_agent_health_get(cp_agent_health** out, cp_coordinator* coordinator,
                            const char* agent_id) {
  return call_for(
      out, coordinator,
      [&](Plane& plane) { return plane.coordinator.get_agent_health(view(agent_id)); },
      give<AgentHealthView>);
}

int32_t cp_agent_available(int32_t* out, cp_coordinator* coordinator, const char* agent_id) {
  return call_for(
      out, coordinator,
      [&](Plane& plane) {
        return Result<bool>(plane.coordinator.is_agent_available(view(agent_id)));
      },
      [](bool available) { return available ? 1 : 0; });
}
