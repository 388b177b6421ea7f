#include "capi/views.hpp"

#include <algorithm>

#include "base/ids.hpp"

namespace controlplane::capi {
namespace {

constexpr std::string_view kTaskPrefix = "task_";

cp_agent_health health_of(const AgentHealth& value) {
  cp_agent_health out;
  begin(out);
  out.status = code(value.status);
  out.agent_status = code(value.agent_status);
  out.reported = code(value.reported);
  out.probe = code(value.probe);
  out.breaker = code(value.breaker);
  out.available = value.available ? 1 : 0;
  out.agent_id = value.agent_id.c_str();
  out.breaker_until_us = value.breaker_until;
  out.last_check_us = value.last_check;
  out.last_seen_us = value.last_seen;
  out.consecutive_failures = value.consecutive_failures;
  out.probe_error = value.probe_error.c_str();
  out.age_ms = static_cast<std::uint64_t>(value.age.count());
  return out;
}

cp_probe_health health_of(const ProbeHealth& value) {
  cp_probe_health out;
  begin(out);
  out.status = code(value.status);
  out.name = value.name.c_str();
  out.agent_id = value.agent_id.c_str();
  out.consecutive_failures = value.consecutive_failures;
  out.consecutive_successes = value.consecutive_successes;
  out.last_check_us = value.last_check;
  out.error = value.error.c_str();
  return out;
}

}  // namespace

bool write_id(char* out, std::size_t room, const TaskId& id) noexcept {
  if (id.is_made() && room > kTaskPrefix.size() + kUuidText) {
    std::copy(kTaskPrefix.begin(), kTaskPrefix.end(), out);
    write_uuid(out + kTaskPrefix.size(), id.uuid());
    out[kTaskPrefix.size() + kUuidText] = '\0';
    return true;
  }
  const std::string_view text = id.own_text();
  if (id.is_made() || text.size() >= room) return false;
  out[text.copy(out, text.size())] = '\0';
  return true;
}

const char* ShortText::set(const TaskId& id) {
  if (write_id(near_.data(), near_.size(), id)) return near_.data();
  return (far_ = id.own_text()).c_str();
}

void TextList::set(const std::vector<std::string>& texts) {
  items.reserve(texts.size());
  for (const std::string& text : texts) items.push_back(text.c_str());
}

void LabelList::set(const Labels& labels) {
  items.reserve(labels.size());
  for (const auto& [key, value] : labels) items.push_back({key.c_str(), value.c_str()});
}

void NeedList::set(const std::vector<PermitNeed>& needs) {
  items.reserve(needs.size());
  for (const PermitNeed& need : needs) items.push_back({need.pool.c_str(), need.amount});
}

cp_lease_status view_of(const LeaseStatus& status) noexcept {
  return {status.lease_until, status.deadline, status.cancel_requested ? 1 : 0, 0};
}

TextView::TextView(std::string text) : value(std::move(text)) {
  cp_text& out = *this;
  begin(out);
  out.data = value.c_str();
  out.length = value.size();
}

ClaimedTask&& ClaimedTaskView::prepared(ClaimedTask&& task) {
  task_id = id.set(task.id);
  if (task.details) {
    label_list.set(task.details->labels);
    need_list.set(task.details->needs);
  }
  return std::move(task);
}

// Field by field: clearing it first would take longer than the rest. All of them must be here.
ClaimedTaskView::ClaimedTaskView(ClaimedTask&& task) : value(prepared(std::move(task))) {
  struct_size = sizeof(cp_claimed_task);
  priority = code(value.priority);
  attempt = {task_id, {value.lease.nonce(), value.lease.attempt()}, nullptr};
  task_type = value.task_type.c_str();
  show(payload, payload_length, value.payload);
  attempt_number = value.attempt;
  claimed_at_us = value.claimed_at;
  deadline_us = value.deadline;
  lease_until_us = value.lease_until;
  show(checkpoint, checkpoint_length, value.checkpoint);
  metadata = trace = "";
  metadata_length = label_count = need_count = 0;
  labels = nullptr;
  needs = nullptr;
  if (value.details) show_details(*value.details);
}

void ClaimedTaskView::show_details(const TaskDetails& details) {
  show(metadata, metadata_length, details.metadata);
  labels = label_list.items.data();
  label_count = label_list.items.size();
  trace = details.trace.c_str();
  needs = need_list.items.data();
  need_count = need_list.items.size();
}

ClaimedTasksView::ClaimedTasksView(std::vector<ClaimedTask>&& tasks) {
  cp_claimed_tasks& out = *this;
  begin(out);
  list.reserve(tasks.size());
  try {
    for (ClaimedTask& task : tasks) list.add(std::make_unique<ClaimedTaskView>(std::move(task)));
  } catch (...) {
    for (std::size_t at = 0; at < list.views.size(); ++at) {
      tasks[at] = std::move(list.views[at]->value);
    }
    throw;
  }
  out.items = list.items.data();
  out.count = list.items.size();
}

TaskView::TaskView(Task task) : value(std::move(task)), id(value.id.str()) {
  cp_task& out = *this;
  begin(out);
  out.priority = code(value.priority);
  out.state = code(value.state);
  out.reason = code(value.reason);
  out.task_id = id.c_str();
  out.task_type = value.task_type.c_str();
  show(out.payload, out.payload_length, value.payload);
  capability_list.set(value.required_capabilities);
  out.required_capabilities = capability_list.items.data();
  out.required_capability_count = capability_list.items.size();
  out.attempt = value.attempt;
  out.failures = value.failures;
  out.crashes = value.crashes;
  out.max_retries = value.max_retries;
  out.agent_id = value.agent_id.c_str();
  out.directed_to = value.directed_to.c_str();
  exclude_list.set(value.exclude);
  out.exclude = exclude_list.items.data();
  out.exclude_count = exclude_list.items.size();
  out.submitted_at_us = value.submitted_at;
  out.ready_at_us = value.ready_at;
  out.claimed_at_us = value.claimed_at;
  out.started_at_us = value.started_at;
  out.finished_at_us = value.finished_at;
  out.progress = value.progress;
  out.progress_note = value.progress_note.c_str();
  show(out.checkpoint, out.checkpoint_length, value.checkpoint);
  show(out.result, out.result_length, value.result);
  out.error = value.error.c_str();
  out.unreadable = value.unreadable.c_str();
  show(out.usage, out.usage_length, value.usage);
  out.blocked_by = value.blocked_by;
  out.concurrency_key = value.concurrency_key.c_str();
  out.cancel_requested = value.cancel_requested ? 1 : 0;
  out.metadata = out.idempotency_key = out.trace = out.replayed_from = "";
  if (value.details) show_details(*value.details);
}

void TaskView::show_details(const TaskDetails& details) {
  cp_task& out = *this;
  parents.reserve(details.depends_on.size());
  for (const TaskId& parent : details.depends_on) parents.push_back(parent.str());
  parent_list.set(parents);
  out.depends_on = parent_list.items.data();
  out.depends_on_count = parent_list.items.size();
  out.idempotency_key = details.idempotency_key.c_str();
  show(out.metadata, out.metadata_length, details.metadata);
  label_list.set(details.labels);
  out.labels = label_list.items.data();
  out.label_count = label_list.items.size();
  out.trace = details.trace.c_str();
  need_list.set(details.needs);
  out.needs = need_list.items.data();
  out.need_count = need_list.items.size();
  replayed_from_id = details.replayed_from.str();
  out.replayed_from = replayed_from_id.c_str();
}

TaskPageView::TaskPageView(Page<Task> page) : cursor(std::move(page.next_cursor)) {
  cp_task_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Task& task : page.items) list.add(std::make_unique<TaskView>(std::move(task)));
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

AgentView::AgentView(Agent agent) : value(std::move(agent)) {
  cp_agent& out = *this;
  begin(out);
  out.status = code(value.status);
  out.reported_status = code(value.reported_status);
  out.health = code(value.health);
  out.breaker = code(value.breaker);
  out.available = value.available ? 1 : 0;
  out.agent_id = value.agent_id.c_str();
  capability_list.set(value.capabilities);
  out.capabilities = capability_list.items.data();
  out.capability_count = capability_list.items.size();
  out.model = value.model.c_str();
  out.provider = value.provider.c_str();
  out.endpoint = value.endpoint.c_str();
  show(out.metadata, out.metadata_length, value.metadata);
  label_list.set(value.labels);
  out.labels = label_list.items.data();
  out.label_count = label_list.items.size();
  out.max_concurrency = value.max_concurrency;
  out.incarnation = value.incarnation;
  out.registered_by = value.registered_by.c_str();
  out.registered_at_us = value.registered_at;
  out.last_seen_us = value.last_seen;
  out.last_assigned_us = value.last_assigned;
  out.running = value.running;
  out.tasks_completed = value.tasks_completed;
  out.tasks_failed = value.tasks_failed;
  out.tasks_crashed = value.tasks_crashed;
  out.avg_latency_ms = value.avg_latency_ms;
  show(out.metrics, out.metrics_length, value.metrics);
}

AgentPageView::AgentPageView(Page<Agent> page) : cursor(std::move(page.next_cursor)) {
  cp_agent_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Agent& agent : page.items) list.add(std::make_unique<AgentView>(std::move(agent)));
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

void AnswerView::show(const Error* failure) {
  cp_answer& out = *this;
  begin(out);
  if (failure != nullptr) {
    error_text = failure->to_string();
    out.status = status_of(failure->code);
    out.outcome_unknown = failure->outcome_unknown ? 1 : 0;
  }
  out.error = error_text.c_str();
  out.task_id = id.c_str();
}

AnswerView::AnswerView(const Result<TaskId>& answer) {
  if (answer) id = answer->str();
  show(answer ? nullptr : &answer.error());
}

AnswerView::AnswerView(const Result<LeaseStatus>& answer) {
  show(answer ? nullptr : &answer.error());
  if (!answer) return;
  lease_status = view_of(*answer);
  lease = &lease_status;
}

AnswerView::AnswerView(const Result<void>& answer) { show(answer ? nullptr : &answer.error()); }

AnswersView::AnswersView() { begin(static_cast<cp_answers&>(*this)); }

void AnswersView::add(std::unique_ptr<AnswerView> answer) {
  list.add(std::move(answer));
  items = list.items.data();
  count = list.items.size();
}

ExplanationView::ExplanationView(Explanation explanation)
    : value(std::move(explanation)), id(value.id.str()), sentence(value.to_string()) {
  cp_explanation& out = *this;
  begin(out);
  out.state = code(value.state);
  out.reason = code(value.reason);
  out.task_id = id.c_str();
  out.text = sentence.c_str();
  capability_list.set(value.required_capabilities);
  out.required_capabilities = capability_list.items.data();
  out.required_capability_count = capability_list.items.size();
  out.agents_offering = value.agents_offering;
  for (const Obstacle& obstacle : value.obstacles) {
    obstacle_values.push_back({sizeof(cp_obstacle), code(obstacle.kind), obstacle.subject.c_str(),
                               obstacle.since, obstacle.until});
  }
  obstacle_items = pointers_to(obstacle_values);
  out.obstacles = obstacle_items.data();
  out.obstacle_count = obstacle_items.size();
  out.now_us = value.now;
}

AgentHealthView::AgentHealthView(AgentHealth health) : value(std::move(health)) {
  static_cast<cp_agent_health&>(*this) = health_of(value);
}

SystemHealthView::SystemHealthView(SystemHealth health) : value(std::move(health)) {
  cp_system_health& out = *this;
  begin(out);
  out.status = code(value.status);
  for (const ProbeHealth& probe : value.probes) probe_values.push_back(health_of(probe));
  probe_items = pointers_to(probe_values);
  out.probes = probe_items.data();
  out.probe_count = probe_items.size();
  for (const AgentHealth& agent : value.agents) agent_values.push_back(health_of(agent));
  agent_items = pointers_to(agent_values);
  out.agents = agent_items.data();
  out.agent_count = agent_items.size();
  out.healthy_count = value.healthy_count;
  out.degraded_count = value.degraded_count;
  out.unhealthy_count = value.unhealthy_count;
}

EventItems::EventItems(const std::vector<Event>& events) {
  std::size_t label_count = 0;
  for (const Event& event : events) label_count += event.labels.size();
  labels.reserve(label_count);  // pointed to: must not grow
  values.reserve(events.size());
  for (const Event& event : events) {
    cp_event& out = values.emplace_back();
    begin(out);
    out.seq = event.seq;
    out.time_us = event.time;
    out.tenant = event.tenant.c_str();
    out.type = event.type.c_str();
    out.subject = event.subject.c_str();
    out.labels = labels.data() + labels.size();
    out.label_count = event.labels.size();
    for (const auto& [key, value] : event.labels) labels.push_back({key.c_str(), value.c_str()});
    show(out.data, out.data_length, event.data);
    out.trace = event.trace.c_str();
  }
  items = pointers_to(values);
}

EventBatchView::EventBatchView(std::vector<Event> read, std::uint64_t after)
    : events(std::move(read)), event_items(events) {
  cp_event_batch& out = *this;
  begin(out);
  out.items = event_items.items.data();
  out.count = event_items.items.size();
  out.last_seq = events.empty() ? after : events.back().seq;
}

StatsView::StatsView(Stats stats) : value(std::move(stats)) {
  cp_stats& out = *this;
  begin(out);
  out.health_status = code(value.health.status);
  out.store = value.store.c_str();
  out.tenant = value.tenant.c_str();
  out.now_us = value.now;
  out.total_agents = value.registry.total_agents;
  out.available_agents = value.registry.available_agents;
  out.agents_by_status = value.registry.by_status.data();
  out.agent_statuses = value.registry.by_status.size();
  const SchedulerStats& tasks = value.scheduler;
  out.pending_tasks = tasks.pending_tasks;
  out.ready_tasks = tasks.ready_tasks;
  out.delayed_tasks = tasks.delayed_tasks;
  out.backoff_tasks = tasks.backoff_tasks;
  out.blocked_tasks = tasks.blocked_tasks;
  out.claimed_tasks = tasks.claimed_tasks;
  out.running_tasks = tasks.running_tasks;
  out.tasks_by_state = tasks.by_state.data();
  out.task_states = tasks.by_state.size();
  out.pending_by_priority = tasks.pending_by_priority.data();
  out.priorities = tasks.pending_by_priority.size();
  out.dead_letters = tasks.dead_letters;
  out.submitted_total = tasks.submitted_total;
  out.claimed_total = tasks.claimed_total;
  out.completed_total = tasks.completed_total;
  out.failed_total = tasks.failed_total;
  out.cancelled_total = tasks.cancelled_total;
  out.timeout_total = tasks.timeout_total;
  out.retries_total = tasks.retries_total;
  out.crashes_total = tasks.crashes_total;
  out.releases_total = tasks.releases_total;
  out.duplicates_total = tasks.duplicates_total;
  out.stale_total = tasks.stale_total;
  out.unservable_submits_total = tasks.unservable_submits_total;
  out.queues = tasks.queues;
  out.waiting_claims = tasks.waiting_claims;
  out.healthy_agents = value.health.healthy_count;
  out.degraded_agents = value.health.degraded_count;
  out.unhealthy_agents = value.health.unhealthy_count;
  out.open_breakers = value.health.open_breakers;
  out.first_event_seq = value.events.first_seq;
  out.last_event_seq = value.events.last_seq;
  show_mesh();
}

void StatsView::show_mesh() {
  cp_stats& out = *this;
  out.documents = value.documents.documents;
  out.documents_bytes = value.documents.bytes;
  out.document_puts_total = value.documents.puts_total;
  out.document_conflicts_total = value.documents.conflicts_total;
  out.document_deletes_total = value.documents.deletes_total;
  out.document_expired_total = value.documents.expired_total;
  out.logs = value.logs.logs;
  out.log_entries = value.logs.entries;
  out.log_bytes = value.logs.bytes;
  out.log_appends_total = value.logs.appends_total;
  out.log_trimmed_total = value.logs.trimmed_total;
  out.log_losses_total = value.logs.losses_total;
  out.pools = value.permits.pools;
  out.permits = value.permits.permits;
  out.permits_waiting = value.permits.waiting;
  out.permits_granted_total = value.permits.granted_total;
  out.permits_expired_total = value.permits.expired_total;
  out.permits_refused_total = value.permits.refused_total;
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

void cp_text_free(cp_text* text) { delete static_cast<TextView*>(text); }
void cp_claimed_task_free(cp_claimed_task* task) { delete static_cast<ClaimedTaskView*>(task); }
void cp_claimed_tasks_free(cp_claimed_tasks* tasks) {
  delete static_cast<ClaimedTasksView*>(tasks);
}
void cp_task_free(cp_task* task) { delete static_cast<TaskView*>(task); }
void cp_task_page_free(cp_task_page* page) { delete static_cast<TaskPageView*>(page); }
void cp_agent_free(cp_agent* agent) { delete static_cast<AgentView*>(agent); }
void cp_agent_page_free(cp_agent_page* page) { delete static_cast<AgentPageView*>(page); }
void cp_answers_free(cp_answers* answers) { delete static_cast<AnswersView*>(answers); }
void cp_explanation_free(cp_explanation* explanation) {
  delete static_cast<ExplanationView*>(explanation);
}
void cp_agent_health_free(cp_agent_health* health) { delete static_cast<AgentHealthView*>(health); }
void cp_system_health_free(cp_system_health* health) {
  delete static_cast<SystemHealthView*>(health);
}
void cp_event_batch_free(cp_event_batch* batch) { delete static_cast<EventBatchView*>(batch); }
void cp_stats_free(cp_stats* stats) { delete static_cast<StatsView*>(stats); }
