// Agents, their health and events, as Python classes.
#include "bindings.hpp"
#include "value.hpp"

namespace controlplane::python {

template <>
const std::vector<Field<Agent>>& fields_of<Agent>() {
  using T = Agent;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::agent_id>("agent_id", "Its name."),
      field<&T::capabilities>("capabilities", "What it offers, sorted."),
      field<&T::model>("model", "Free text."),
      field<&T::provider>("provider", "Free text."),
      field<&T::endpoint>("endpoint", "Free text, for example an URL."),
      field<&T::metadata>("metadata", "The registrar's own notes; None if unset."),
      field<&T::labels>("labels", "Short names and values."),
      field<&T::max_concurrency>("max_concurrency", "Tasks at once; 0: unlimited."),
      field<&T::status>("status", "An AgentStatus, as shown to everyone."),
      field<&T::reported_status>("reported_status", "What the agent itself said last."),
      field<&T::health>("health", "A HealthStatus."),
      field<&T::breaker>("breaker", "A BreakerState."),
      field<&T::available>("available", "select_agent would consider it."),
      field<&T::incarnation>("incarnation", "Tells two registrations of one name apart."),
      field<&T::registered_by>("registered_by", "\"host:pid\"."),
      time_field<&T::registered_at>("registered_at", "When it was registered."),
      time_field<&T::last_seen>("last_seen", "Its last call."),
      time_field<&T::last_assigned>("last_assigned", "When it got its last task."),
      field<&T::running>("running", "Leases it holds now."),
      field<&T::tasks_completed>("tasks_completed", "Since it was registered."),
      field<&T::tasks_failed>("tasks_failed", "Since it was registered."),
      field<&T::tasks_crashed>("tasks_crashed", "Since it was registered."),
      field<&T::avg_latency_ms>("avg_latency_ms", "Of completed tasks, in milliseconds."),
      field<&T::metrics>("metrics", "Those of its last heartbeat that carried any, or None."),
  };
  return *fields;
}

template <>
const std::vector<Field<AgentHealth>>& fields_of<AgentHealth>() {
  using T = AgentHealth;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::agent_id>("agent_id", "Whose health it is."),
      field<&T::status>("status", "A HealthStatus: the worst of all that is known."),
      field<&T::agent_status>("agent_status", "An AgentStatus."),
      field<&T::reported>("reported", "What the agent itself said."),
      field<&T::probe>("probe", "What its probes say; UNKNOWN: it has none."),
      field<&T::breaker>("breaker", "A BreakerState."),
      time_field<&T::breaker_until>("breaker_until", "End of its cooldown, when it is open."),
      time_field<&T::last_check>("last_check", "The last probe, or the last call if it has none."),
      time_field<&T::last_seen>("last_seen", "Its last call."),
      field<&T::consecutive_failures>("consecutive_failures", "Of the probe or of tasks."),
      optional_field<&T::probe_error>("probe_error", "Of the last failed probe, or None."),
      field<&T::available>("available", "select_agent would consider it."),
      field<&T::age>("age", "How old this copy is, in seconds; at most 1."),
  };
  return *fields;
}

template <>
const std::vector<Field<ProbeHealth>>& fields_of<ProbeHealth>() {
  using T = ProbeHealth;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::name>("name", "Its name."),
      optional_field<&T::agent_id>("agent_id", "Whose health it tells; None: the system's."),
      field<&T::status>("status", "A HealthStatus; UNKNOWN: it has not run yet."),
      field<&T::consecutive_failures>("consecutive_failures", "In a row."),
      field<&T::consecutive_successes>("consecutive_successes", "In a row."),
      time_field<&T::last_check>("last_check", "When it ran last."),
      optional_field<&T::error>("error", "Of the last failure, or None."),
  };
  return *fields;
}

template <>
const std::vector<Field<Event>>& fields_of<Event>() {
  using T = Event;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::seq>("seq", "Its number: without gaps per tenant, from 1."),
      time_field<&T::time>("time", "When it happened."),
      field<&T::tenant>("tenant", "Whose it is."),
      field<&T::type>("type", "Dotted: \"task.submitted\"."),
      field<&T::subject>("subject", "The task's or the agent's id."),
      field<&T::labels>("labels", "The subject's."),
      field<&T::data>("data", "A dict; what is in it depends on the type."),
      optional_field<&T::trace>("trace", "The task's correlation id, or None."),
  };
  return *fields;
}

void bind_agent_values(py::module_& module) {
  bind_value<Agent>(module, "aragora_cp.AgentInfo",
                    "An agent, as it is registered and as it is seen.");
  bind_value<AgentHealth>(module, "aragora_cp.AgentHealth", "The health of one agent.");
  bind_value<ProbeHealth>(module, "aragora_cp.ProbeHealth",
                          "What one probe of this coordinator says.");
  bind_value<Event>(module, "aragora_cp.Event", "One change, as the history keeps it.");
}

}  // namespace controlplane::python
