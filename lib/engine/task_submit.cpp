// How a spec becomes a record: everything that can refuse it comes before anything is changed.
#include <algorithm>
#include <unordered_set>

#include "engine/task_table.hpp"

namespace controlplane {

namespace {

std::int64_t in_us(std::chrono::milliseconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

Error exhausted(std::string_view what, std::string_view limit, std::size_t value) {
  return Error::resource_exhausted(std::string(what) + "; the limit " + std::string(limit) + " is " +
                                   std::to_string(value));
}

void sort_unique(std::vector<std::string>& names) {
  if (names.size() < 2) return;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

// A parent that is named twice is one parent, for its limit too; the order stays.
void drop_repeated(std::vector<TaskId>& parents) {
  if (parents.size() < 2) return;
  std::unordered_set<TaskId> known;
  std::erase_if(parents, [&](const TaskId& parent) { return !known.insert(parent).second; });
}

void sort_by_pool(std::vector<PermitNeed>& needs) {
  std::sort(needs.begin(), needs.end(),
            [](const PermitNeed& a, const PermitNeed& b) { return a.pool < b.pool; });
}

std::vector<std::string> pools_of(const std::vector<PermitNeed>& needs) {
  std::vector<std::string> pools;
  for (const PermitNeed& need : needs) pools.push_back(need.pool);
  return pools;
}

bool is_failed_parent(TaskState state) {
  return is_terminal(state) && state != TaskState::completed;
}

}  // namespace

TaskPolicy TaskTable::policy_of(const TaskSpec& spec) const {
  TaskPolicy policy;
  policy.timeout_us = spec.timeout ? in_us(*spec.timeout) : default_timeout_us_;
  policy.queue_timeout_us = in_us(spec.queue_timeout);
  policy.total_timeout_us = in_us(spec.total_timeout);
  policy.delay_us = in_us(spec.retry.delay);
  policy.max_delay_us = in_us(spec.retry.max_delay);
  policy.backoff = spec.retry.backoff;
  policy.max_retries = spec.retry.max_retries
                           ? static_cast<std::uint32_t>(*spec.retry.max_retries)
                           : default_max_retries_;
  policy.allow_failed_parents = spec.allow_failed_parents ? 1 : 0;
  return policy;
}

// True when an earlier submit settles this one: its id, or already_exists, is in the draft.
bool TaskTable::answer_duplicate(TaskDraft& draft) const {
  if (!draft.has_fingerprint) {
    if (draft.is_new || find(draft.id) == kNoSlot) return false;
    return draft.duplicate = true;  // a made id: this very call, repeated
  }
  const auto settle = [&](const std::string& key, std::string_view what) {
    const auto* entry = idempotency_.find(key);
    if (entry == nullptr) return false;
    if (entry->fingerprint == draft.fingerprint) {
      draft.id = entry->task;
      draft.duplicate = true;
    } else {
      draft.error = Error::already_exists(std::string(what) + " " + key.substr(1) +
                                          " was used for task " + entry->task.str() +
                                          " with other content");
    }
    return true;
  };
  if (draft.own_id && settle(IdempotencyIndex::key_of_id(draft.id.str()), "task_id")) return true;
  if (draft.own_id && draft.id.is_made() && find(draft.id) != kNoSlot) {
    draft.error = Error::already_exists("task_id " + draft.id.str() + " is that of another task");
    return true;
  }
  const std::string& key = draft.spec->idempotency_key;
  return !key.empty() && settle(IdempotencyIndex::key_of_key(key), "idempotency_key");
}

std::optional<Error> TaskTable::check_submit(const TaskDraft& draft) {
  if (tasks_.size() >= limits_.max_tasks) {
    return exhausted("the tenant holds " + std::to_string(tasks_.size()) + " tasks", "max_tasks",
                     limits_.max_tasks);
  }
  const std::size_t keys =
      (draft.own_id ? 1U : 0U) + (draft.spec->idempotency_key.empty() ? 0U : 1U);
  if (idempotency_.size() + keys > limits_.max_idempotency_keys && keys > 0) {
    return exhausted("the tenant remembers " + std::to_string(idempotency_.size()) + " keys",
                     "max_idempotency_keys", limits_.max_idempotency_keys);
  }
  if (auto refused = check_needs(draft.spec->needs)) return refused;
  for (const TaskId& parent : draft.spec->depends_on) {
    const Slot slot = find(parent);
    if (slot == kNoSlot) {
      return Error::not_found("depends_on: task " + parent.str() + " does not exist");
    }
    if (keeps_dependents(slot) && !has_room_for_dependents(slot, 1)) {
      return exhausted("task " + parent.str() + " has " +
                           std::to_string(families_.dependents(slot)) + " dependents",
                       "max_dependents", limits_.max_dependents);
    }
  }
  return std::nullopt;
}

// Finds or makes what the record shares with others. On an error nothing stays bound.
std::optional<Error> TaskTable::bind(TaskSpec& spec, Binding& binding) {
  binding.type = types_.find_or_add(spec.task_type, limits_.max_task_types);
  if (binding.type == kNoSlot) {
    return exhausted("task_type " + spec.task_type + " would be one more type in use",
                     "max_task_types", limits_.max_task_types);
  }
  types_.use(binding.type);
  binding.policy = policies_.find_or_add(policy_of(spec), limits_.max_policies);
  if (binding.policy == kNoSlot) {
    types_.drop(binding.type);
    return exhausted("the retry and timeout settings would be one more combination in use",
                     "max_policies", limits_.max_policies);
  }
  policies_.use(binding.policy);
  if (!spec.concurrency_key.empty()) {
    binding.key = keys_.find_or_add(spec.concurrency_key, limits_.max_concurrency_keys);
    if (binding.key == kNoSlot) {
      types_.drop(binding.type);
      policies_.drop(binding.policy);
      return exhausted("concurrency_key " + spec.concurrency_key + " would be one more key in use",
                       "max_concurrency_keys", limits_.max_concurrency_keys);
    }
    keys_.use(binding.key);
  }
  sort_unique(spec.required_capabilities);
  sort_unique(spec.exclude);
  sort_by_pool(spec.needs);
  binding.queue = queues_.find_or_add(spec.required_capabilities, spec.agent_id, spec.exclude,
                                      pools_of(spec.needs));
  std::optional<Error> refused = check_mailbox(spec.agent_id, binding.queue);
  if (!refused && !enter_queue(binding.queue)) {
    refused = exhausted("its required_capabilities would be one more combination in use",
                        "max_queues", limits_.max_queues);
  }
  if (!refused) {
    queues_.use(binding.queue);
    return std::nullopt;
  }
  queues_.forget_unused(binding.queue);
  types_.drop(binding.type);
  policies_.drop(binding.policy);
  if (binding.key != kNoSlot) keys_.drop(binding.key);
  return refused;
}

// All messages of a mailbox are in one queue, until they ended.
std::optional<Error> TaskTable::check_mailbox(std::string_view directed, QueueSlot queue) const {
  if (!is_mailbox(directed) || queues_.live(queue) < limits_.max_mailbox_messages) return std::nullopt;
  return exhausted("the mailbox of " + std::string(directed.substr(kMailboxPrefix.size())) + " holds " +
                       std::to_string(queues_.live(queue)) + " messages that are not acknowledged",
                   "max_mailbox_messages", limits_.max_mailbox_messages);
}

void TaskTable::unbind(TaskRecord& record) {
  types_.drop(record.type);
  policies_.drop(record.policy);
  queues_.drop(record.queue);
  if (record.key != kNoSlot) keys_.drop(record.key);
}

std::shared_ptr<const TaskDetails> TaskTable::make_details(TaskDraft& draft) const {
  TaskSpec& spec = *draft.spec;
  if (!draft.own_id && spec.depends_on.empty() && spec.idempotency_key.empty() &&
      spec.needs.empty() && spec.metadata.empty() && spec.labels.empty() && spec.trace.empty() &&
      draft.replayed_from.empty()) {
    return nullptr;
  }
  auto details = std::make_shared<TaskDetails>();
  if (draft.own_id) details->own_id = draft.id;
  details->depends_on = std::move(spec.depends_on);
  details->idempotency_key = std::move(spec.idempotency_key);
  details->needs = std::move(spec.needs);
  details->metadata = std::move(spec.metadata);
  details->labels = std::move(spec.labels);
  details->trace = std::move(spec.trace);
  details->replayed_from = draft.replayed_from;
  details->original = draft.original;
  details->operation_id = draft.operation_id;
  return details;
}

void TaskTable::remember_keys(const TaskDraft& draft, TaskRecord& record) {
  if (!draft.has_fingerprint) return;
  record.keyed = true;
  IdempotencyIndex::visit_keys(*record.details, [&](std::string key) {
    idempotency_.add(std::move(key), draft.fingerprint, draft.id);
  });
}

void TaskTable::submit(TaskDraft& draft, Step& step) {
  draft.error.reset();
  draft.duplicate = false;
  if (answer_duplicate(draft)) {
    if (draft.duplicate) ++counters_.duplicates;
    return;
  }
  drop_repeated(draft.spec->depends_on);
  if ((draft.error = check_submit(draft))) return;
  Binding binding;
  if ((draft.error = bind(*draft.spec, binding))) return;

  const TaskRef task = at(tasks_.take());
  TaskRecord& record = *task;
  record.type = binding.type;
  record.policy = binding.policy;
  record.queue = binding.queue;
  record.key = binding.key;
  record.key_limit = draft.spec->concurrency_limit;
  record.own_id = !draft.id.is_made();
  if (!record.own_id) record.uuid = draft.id.uuid();
  record.payload = std::move(draft.spec->payload);
  record.priority = draft.spec->priority;
  record.submitted_at = record.since = step.now;
  record.details = make_details(draft);
  record.serial = serials_.add(task, TaskState::pending);
  index_.insert(hash_task_id(draft.id), task);
  remember_keys(draft, record);
  counters_.enter(TaskState::pending, TaskReason::none, record.priority);
  ++counters_.submitted;
  begin(task, draft, step);
}

// The first state: failed by a parent, blocked, delayed or ready.
void TaskTable::begin(TaskRef task, const TaskDraft& draft, Step& step) {
  TaskRecord& record = *task;
  if (draft.replayed_from.empty()) {
    emit(EventType::task_submitted, task, step);
  } else {
    EventDraft event = draft_event(EventType::task_submitted, task, step);
    const std::string replayed_from = draft.replayed_from.str();
    event.other = replayed_from;
    step.effects.event(event);
  }
  count_unservable(record);
  record.until = draft.spec->delay.count() > 0 ? step.now + in_us(draft.spec->delay) : 0;

  std::string failed_parent;
  if (record.details != nullptr) {
    const bool tolerant = policies_[record.policy].allow_failed_parents != 0;
    for (const TaskId& id : record.details->depends_on) {
      const Slot parent = find(id);
      const TaskState state = tasks_[parent].state;
      link_dependent(parent, task, step);
      if (is_failed_parent(state) && !tolerant && failed_parent.empty()) failed_parent = id.str();
    }
  }
  if (!failed_parent.empty()) return fail_by_parent(task, failed_parent, step);
  const Family* family = record.family == kNoSlot ? nullptr : families_.find(task);
  if (family != nullptr && family->awaited > 0) {
    return make_wait(task, TaskReason::blocked, record.until, step);
  }
  unblock(task, step);
}

// What completed and has told its dependents is asked for them no more: it is not replayed.
bool TaskTable::keeps_dependents(Slot parent) const {
  return tasks_[parent].state != TaskState::completed || families_.resolving(parent);
}

// Looks for dependents that are gone only when there is no room otherwise.
bool TaskTable::has_room_for_dependents(Slot parent, std::size_t count) {
  const auto fits = [&] { return families_.dependents(parent) + count <= limits_.max_dependents; };
  if (fits()) return true;
  const std::size_t dropped = families_.drop_gone(parent);
  if (tasks_[parent].place == Place::terminal) terminal_bytes_ -= dropped * sizeof(Child);
  return fits();
}

void TaskTable::link_dependent(Slot parent, TaskRef task, Step& step) {
  if (!keeps_dependents(parent)) return;
  families_.add(parent, task);
  if (tasks_[parent].place != Place::terminal) return;
  terminal_bytes_ += sizeof(Child);
  plan_removal(step.now);
  // It has told its dependents already, so this one is counted here.
  if (!families_.resolving(parent)) families_.settled(parent, task);
}

// No parent is awaited: a delay may still run.
void TaskTable::unblock(TaskRef task, Step& step) {
  const Timestamp until = task->until;
  if (until > step.now) return make_wait(task, TaskReason::delayed, until, step);
  make_ready(task, step);
}

void TaskTable::fail_by_parent(TaskRef task, std::string_view parent, Step& step) {
  const Slot slot = find(TaskId(parent));
  const std::string error = "parent task " + std::string(parent) + " ended as " +
                            std::string(to_string(tasks_[slot].state));
  attempt_of(task).error = SharedText(error);
  finish(task, TaskState::failed, TaskReason::fatal, step);
  EventDraft event = draft_event(EventType::task_failed, task, step);
  event.reason = TaskReason::fatal;
  event.kind = "parent";
  event.text = error;
  event.other = parent;
  event.will_retry = false;
  step.effects.event(event);
}

// Accepted all the same; a metric counts it and explain tells. The answer is kept per queue until
// the registry changes.
void TaskTable::count_unservable(const TaskRecord& record) {
  const QueueKey& key = *queues_.key(record.queue);
  if (!key.directed.empty()) return;
  std::uint64_t& version = queues_.offered_version(record.queue);
  if (version != agents_.version()) {
    version = agents_.version();
    queues_.offered(record.queue) = agents_.count_offering(key.required) > 0;
  }
  if (!queues_.offered(record.queue)) ++counters_.unservable;
}

}  // namespace controlplane
