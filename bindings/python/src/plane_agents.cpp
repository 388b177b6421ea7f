// Agents: who there is, and who may take work.
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

auto as_agent() {
  return [](Agent&& agent) { return held(std::move(agent)); };
}

py::object register_agent(Plane& plane, py::handle agent_id, py::handle capabilities,
                          py::handle model, py::handle provider, py::handle endpoint,
                          py::handle metadata, py::handle more_labels, py::handle max_concurrency,
                          py::handle status) {
  AgentSpec spec;
  spec.agent_id = text("agent_id", agent_id);
  spec.capabilities = texts("capabilities", capabilities);
  spec.model = text("model", model);
  spec.provider = text("provider", provider);
  spec.endpoint = text("endpoint", endpoint);
  if (!metadata.is_none()) {
    spec.metadata = encode_json("metadata", metadata, plane.max_json_depth());
  }
  spec.labels = labels("labels", more_labels);
  spec.max_concurrency = count("max_concurrency", max_concurrency);
  spec.status = parsed(parse_agent_status, "status", status);
  return answered<Agent>(
      [&](Done<Agent> done) { plane.use().register_agent(std::move(spec), std::move(done)); },
      as_agent());
}

py::object unregister_agent(Plane& plane, py::handle agent_id) {
  return answered_void([&](Done<void> done) {
    plane.use().unregister_agent(text_view("agent_id", agent_id), 0, std::move(done));
  });
}

// One word for both: "healthy", "degraded" and "unhealthy" are health, the others a status.
void set_report(HeartbeatReport& report, py::handle word) {
  const std::string_view name = text_view("status", word);
  if (const auto health = parse_health_status(name)) {
    report.health = *health;
  } else {
    report.status = parsed(parse_agent_status, "status", word);
  }
}

py::object heartbeat(Plane& plane, py::handle agent_id, py::handle status, py::handle metrics) {
  HeartbeatReport report;
  if (!status.is_none()) set_report(report, status);
  if (!metrics.is_none()) report.metrics = encode_json("metrics", metrics, plane.max_json_depth());
  return answered_void([&](Done<void> done) {
    plane.use().heartbeat(text_view("agent_id", agent_id), report, std::move(done));
  });
}

py::object get_agent(Plane& plane, py::handle agent_id) {
  return answered<Agent>(
      [&](Done<Agent> done) {
        plane.use().get_agent(text_view("agent_id", agent_id), std::move(done));
      },
      as_agent());
}

// A page as a tuple: its agents, and the cursor of the next one ("" = this was the last).
py::object list_agents(Plane& plane, py::handle capabilities, py::handle status, py::handle pair,
                       py::handle available_only, const std::string& cursor,
                       std::size_t max_items) {
  AgentFilter filter;
  filter.capabilities = texts("capabilities", capabilities);
  if (!status.is_none()) filter.status = parsed(parse_agent_status, "status", status);
  if (!pair.is_none()) std::tie(filter.label_key, filter.label_value) = label(pair);
  filter.available_only = truth("available_only", available_only);
  return answered<Page<Agent>>(
      [&](Done<Page<Agent>> done) {
        plane.use().list_agents(filter, {cursor, max_items}, std::move(done));
      },
      [](Page<Agent> page) {
        py::list agents;
        for (Agent& agent : page.items) agents.append(held(std::move(agent)));
        return py::make_tuple(agents, page.next_cursor);
      });
}

py::object select_agent(Plane& plane, py::handle capabilities, py::handle strategy,
                        py::handle exclude) {
  SelectRequest request;
  request.capabilities = texts("capabilities", capabilities);
  request.strategy = parsed(parse_selection_strategy, "strategy", strategy);
  request.exclude = texts("exclude", exclude);
  return answered<Agent>(
      [&](Done<Agent> done) { plane.use().select_agent(request, std::move(done)); }, as_agent());
}

}  // namespace

void bind_agents(PlaneClass& cls) {
  add_fast<&register_agent>(cls, "register_agent");
  add_fast<&unregister_agent>(cls, "unregister_agent");
  add_fast<&heartbeat>(cls, "heartbeat");
  add_fast<&get_agent>(cls, "get_agent");
  cls.def("list_agents", &list_agents);
  add_fast<&select_agent>(cls, "select_agent");
}

}  // namespace controlplane::python
