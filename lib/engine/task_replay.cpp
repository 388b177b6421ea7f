// Dead letters again: a new task with the same content, once per operation id.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/digest.hpp"
#include "base/ids.hpp"
#include "engine/task_table.hpp"

namespace controlplane {

namespace {

// Made where the maker of ids is not at hand: random bits in place of the maker's own.
TaskId::Uuid another(TaskId::Uuid id, std::uint64_t random) {
  const std::uint64_t low = load_be64(id.data() + 8) & ~kNodeMask;
  store_be64(id.data() + 8, low | (random & kNodeMask));
  return id;
}

// One id means one replay: of this task, with or without its dependents.
Fingerprint fingerprint_of(const ReplayTask& request) {
  return Sha256().add(request.id->str()).add(std::uint64_t{request.with_dependents}).finish();
}

}  // namespace

// What was given at submit, as far as a record keeps it: without its key, which stays the first's.
TaskSpec TaskTable::spec_of(Slot slot) const {
  const TaskRecord& record = tasks_[slot];
  const TaskPolicy& policy = policies_[record.policy];
  const QueueKey& key = *queues_.key(record.queue);
  const auto ms = [](std::int64_t us) { return std::chrono::milliseconds(us / 1000); };
  TaskSpec spec;
  spec.task_type = types_.text(record.type).str();
  spec.payload = record.payload;
  spec.required_capabilities = key.required;
  spec.agent_id = key.directed;
  spec.exclude = key.excluded;
  spec.priority = record.priority;
  spec.retry.max_retries = static_cast<int>(policy.max_retries);
  spec.retry.delay = ms(policy.delay_us);
  spec.retry.max_delay = ms(policy.max_delay_us);
  spec.retry.backoff = policy.backoff;
  spec.timeout = ms(policy.timeout_us);
  spec.queue_timeout = ms(policy.queue_timeout_us);
  spec.total_timeout = ms(policy.total_timeout_us);
  spec.allow_failed_parents = policy.allow_failed_parents != 0;
  if (record.key != kNoSlot) {
    spec.concurrency_key = keys_.name(record.key);
    spec.concurrency_limit = record.key_limit;
  }
  if (record.details != nullptr) {
    spec.needs = record.details->needs;
    spec.metadata = record.details->metadata;
    spec.labels = record.details->labels;
    spec.trace = record.details->trace;
  }
  return spec;
}

TaskId TaskTable::original_of(const TaskRecord& record) const {
  const bool replayed = record.details != nullptr && !record.details->original.empty();
  return replayed ? record.details->original : id_of(record);
}

// Dependents that this task's end failed or is about to fail, and theirs, in the order of their
// submission: parents first.
std::vector<Slot> TaskTable::failed_family(Slot task) const {
  std::vector<Slot> family{task};
  std::unordered_set<Slot> known{task};
  for (std::size_t i = 0; i < family.size() && family.size() <= limits_.max_batch; ++i) {
    const Family* links = families_.find(family[i]);
    if (links == nullptr) continue;
    for (const Child& child : links->dependents) {
      if (tasks_[child.task].serial != child.serial || !fails_with_parent(child.task)) continue;
      if (known.insert(child.task).second) family.push_back(child.task);
    }
  }
  std::sort(family.begin(), family.end(),
            [&](Slot a, Slot b) { return tasks_[a].serial < tasks_[b].serial; });
  return family;
}

// Of a dependent whose parent failed: so did it, or it will when it is told.
bool TaskTable::fails_with_parent(Slot task) const {
  const TaskRecord& record = tasks_[task];
  if (record.reason == TaskReason::blocked) {
    return policies_[record.policy].allow_failed_parents == 0;
  }
  return record.reason == TaskReason::fatal && holder(record) == nullptr;
}

Result<TaskId> TaskTable::replay(const ReplayTask& request, Step& step) {
  const Fingerprint fingerprint = fingerprint_of(request);
  const std::string key = IdempotencyIndex::key_of_operation(request.operation_id);
  if (const auto* done = idempotency_.find(key)) {
    if (done->fingerprint == fingerprint) return done->task;
    return Error::already_exists("operation_id " + std::string(request.operation_id) +
                                 " was used for task " + done->task.str() + " with other content");
  }
  const Result<TaskRef> found = require(*request.id, step);
  if (!found) return found.error();
  const TaskState state = (*found)->state;
  if (state != TaskState::failed && state != TaskState::timeout) {
    return Error::failed_precondition("task " + request.id->str() + ": it is " +
                                      std::string(to_string(state)) +
                                      "; only failed and timeout tasks can be replayed");
  }
  if (is_mailbox(queues_.key((*found)->queue)->directed)) {
    return Error::failed_precondition("task " + request.id->str() +
                                      ": it is a message, good for one task only; its sender may "
                                      "send it again");
  }
  const std::vector<Slot> family =
      request.with_dependents ? failed_family(*found) : std::vector<Slot>{*found};
  if (auto refused = check_replay(*request.id, family)) return *std::move(refused);
  Revived revived;
  for (const Slot task : family) {
    TaskSpec spec = spec_of(task);
    TaskDraft draft;
    draft.spec = &spec;
    draft.id = TaskId(revived.empty() ? request.new_id : another(request.new_id, step.draw()));
    draft.replayed_from = id_of(tasks_[task]);
    draft.original = original_of(tasks_[task]);
    if (revived.empty()) {  // the one that was asked for
      draft.operation_id = request.operation_id;
      draft.has_fingerprint = !request.operation_id.empty();
      draft.fingerprint = fingerprint;
    }
    // The first one's parents ended; those of its dependents are in the family or ended, too.
    if (!revived.empty()) spec.depends_on = replayed_parents(task, revived);
    submit(draft, step);
    if (draft.error) return *draft.error;
    revived.emplace(task, draft.id);
  }
  return revived.at(*found);
}

// Everything that could refuse one of the copies, before the first is made.
std::optional<Error> TaskTable::check_replay(const TaskId& id, const std::vector<Slot>& family) {
  const auto exhausted = [&](const char* limit, std::size_t value) {
    return Error::resource_exhausted("task " + id.str() + ": its replay, dependents included, would exceed " +
                                     limit + " (" + std::to_string(value) + ")");
  };
  if (family.size() > limits_.max_batch) return exhausted("max_batch", limits_.max_batch);
  if (tasks_.size() + family.size() > limits_.max_tasks) return exhausted("max_tasks", limits_.max_tasks);
  if (idempotency_.size() >= limits_.max_idempotency_keys) {
    return exhausted("max_idempotency_keys", limits_.max_idempotency_keys);
  }
  for (const Slot task : family) {
    if (tasks_[task].details == nullptr) continue;
    if (auto refused = check_needs(tasks_[task].details->needs)) return refused;
  }
  if (!queues_.can_enter_all(queues_of(family))) return exhausted("max_queues", limits_.max_queues);
  const std::unordered_set<Slot> copied(family.begin(), family.end());
  std::unordered_map<Slot, std::size_t> copies;  // of their children, by parent
  for (const Slot task : family) {
    if (family.size() == 1 || tasks_[task].details == nullptr) continue;
    for (const TaskId& parent_id : tasks_[task].details->depends_on) {
      const Slot parent = find(parent_id);
      if (parent == kNoSlot || copied.contains(parent) || !keeps_dependents(parent)) continue;
      if (!has_room_for_dependents(parent, ++copies[parent])) {
        return exhausted("max_dependents", limits_.max_dependents);
      }
    }
  }
  return std::nullopt;
}

std::vector<QueueSlot> TaskTable::queues_of(const std::vector<Slot>& tasks) const {
  std::vector<QueueSlot> queues;
  for (const Slot task : tasks) queues.push_back(tasks_[task].queue);
  return queues;
}

std::vector<TaskId> TaskTable::replayed_parents(Slot task, const Revived& revived) const {
  std::vector<TaskId> parents;
  for (const TaskId& id : tasks_[task].details->depends_on) {
    const Slot parent = find(id);
    if (const auto copy = revived.find(parent); copy != revived.end()) {
      parents.push_back(copy->second);
    } else if (parent != kNoSlot) {
      parents.push_back(id);  // completed, or about to decide again
    }
  }
  return parents;
}

}  // namespace controlplane
