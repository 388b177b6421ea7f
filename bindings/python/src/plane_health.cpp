// Health: probes, and what is known of agents and of the system.
#include "convert.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "relay.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

py::dict health_dict(SystemHealth it) {
  using namespace py::literals;
  py::dict probes, agents;
  for (ProbeHealth& probe : it.probes) {
    const py::object name = to_python(probe.name);
    probes[name] = held(std::move(probe));
  }
  for (AgentHealth& agent : it.agents) {
    const py::object id = to_python(agent.agent_id);
    agents[id] = held(std::move(agent));
  }
  return py::dict("status"_a = to_python(it.status), "probes"_a = probes, "agents"_a = agents,
                  "healthy_count"_a = it.healthy_count, "degraded_count"_a = it.degraded_count,
                  "unhealthy_count"_a = it.unhealthy_count);
}

py::object check_health(Plane& plane) {
  return answered<SystemHealth>(
      [&](Done<SystemHealth> done) { plane.use().check_health(std::move(done)); }, health_dict);
}

// `target` is a callable, which then needs an inbox, or "http://..." or "tcp://host:port".
void set_target(ProbeSpec& spec, const std::shared_ptr<ProbeRelay>& relay, py::handle target) {
  if (relay) {
    spec.callback = relay->callback();
    return;
  }
  const std::string_view address = text_view("probe", target);
  if (address.starts_with("tcp://")) {
    spec.tcp_address = address.substr(6);
  } else {
    spec.http_url = address;
  }
}

void register_probe(Plane& plane, py::handle probe_name, py::handle agent_id,
                    const py::object& inbox, const py::object& target, py::handle interval,
                    py::handle timeout, py::handle failure_threshold,
                    py::handle success_threshold) {
  Coordinator& coordinator = plane.use();
  const std::string name = text("name", probe_name);
  std::shared_ptr<ProbeRelay> relay;
  if (!inbox.is_none()) relay = std::make_shared<ProbeRelay>(inbox, target);
  ProbeSpec spec;
  spec.name = name;
  if (!agent_id.is_none()) spec.agent_id = text("agent_id", agent_id);
  set_target(spec, relay, target);
  spec.interval = duration("interval", interval);
  spec.timeout = duration("timeout", timeout);
  spec.failure_threshold = count("failure_threshold", failure_threshold);
  spec.success_threshold = count("success_threshold", success_threshold);
  Result<void> registered;
  {
    const Unlocked unlocked;
    registered = coordinator.register_probe(std::move(spec));
  }
  value_or_raise(std::move(registered));
  if (relay) plane.probes.insert_or_assign(name, std::move(relay));
}

// The round in progress is told to end first: the library waits for it.
void unregister_probe(Plane& plane, py::handle probe_name) {
  Coordinator& coordinator = plane.use();
  const std::string name = text("name", probe_name);
  std::shared_ptr<ProbeRelay> relay;
  if (const auto found = plane.probes.find(name); found != plane.probes.end()) {
    relay = std::move(found->second);
    plane.probes.erase(found);
    relay->close();
  }
  Result<void> gone;
  {
    const Unlocked unlocked;
    gone = coordinator.unregister_probe(name);
  }
  value_or_raise(std::move(gone));
}

py::object get_agent_health(Plane& plane, py::handle agent_id) {
  return held(value_or_raise(plane.use().get_agent_health(text_view("agent_id", agent_id))));
}

}  // namespace

void bind_health(PlaneClass& cls) {
  cls.def("check_health", &check_health);
  cls.def("register_probe", &register_probe);
  cls.def("unregister_probe", &unregister_probe);
  cls.def("get_agent_health", &get_agent_health);
  cls.def("get_system_health",
          [](Plane& plane) { return to_python(plane.use().get_system_health()); });
  cls.def("is_agent_available", [](Plane& plane, py::handle agent_id) {
    return plane.use().is_agent_available(text_view("agent_id", agent_id));
  });
}

}  // namespace controlplane::python
