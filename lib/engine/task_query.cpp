// Looking at tasks: snapshots, pages, explanations, totals.
#include <algorithm>
#include <charconv>

#include "base/digest.hpp"
#include "engine/task_table.hpp"

namespace controlplane {

namespace {

constexpr std::size_t kMaxVisited = 10'000;  // records looked at per page

Result<std::uint64_t> parse_cursor(const std::string& cursor) {
  std::uint64_t serial = 0;
  if (cursor.empty()) return serial;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), serial);
  if (error != std::errc{} || end != cursor.data() + cursor.size()) {
    return Error::invalid_argument("cursor \"" + cursor.substr(0, 32) +
                                   "\" was not given out by list_tasks");
  }
  return serial;
}

bool has_label(const TaskDetails* details, const std::string& key, const std::string& value) {
  if (details == nullptr) return false;
  return std::any_of(details->labels.begin(), details->labels.end(), [&](const auto& label) {
    return label.first == key && (value.empty() || label.second == value);
  });
}

}  // namespace

Task TaskTable::snapshot(Slot slot) const {
  const TaskRecord& record = tasks_[slot];
  const QueueKey& key = *queues_.key(record.queue);
  Task task;
  task.id = id_of(record);
  task.task_type = types_.text(record.type).str();
  task.payload = record.payload;
  task.required_capabilities = key.required;
  task.directed_to = key.directed;
  task.exclude = key.excluded;
  task.priority = record.priority;
  task.state = record.state;
  task.reason = record.reason;
  task.max_retries = policies_[record.policy].max_retries;
  task.submitted_at = record.submitted_at;
  if (record.state == TaskState::pending) {
    task.ready_at = record.until > 0 ? record.until : record.since;
  } else {
    task.ready_at = record.first_ready;
  }
  if (is_terminal(record.state)) task.finished_at = record.since;
  task.cancel_requested = record.cancel_requested;
  if (const Family* family = families_.find(slot)) task.blocked_by = family->awaited;
  if (record.key != kNoSlot) task.concurrency_key = keys_.name(record.key);
  task.details = record.details;
  if (record.attempt == kNoSlot) return task;
  const AttemptRecord& attempt = attempts_[record.attempt];
  if (const AttemptToken* token = holder(record)) {
    task.attempt = token->attempt;
    task.agent_id = parties_[token->party].name;
  }
  task.failures = attempt.failures;
  task.crashes = attempt.crashes;
  task.claimed_at = attempt.claimed_at;
  task.started_at = attempt.started_at;
  task.progress = static_cast<double>(attempt.fraction);
  task.progress_note = attempt.note.str();
  task.checkpoint = attempt.checkpoint;
  task.result = attempt.result;
  task.error = attempt.error.str();
  task.usage = attempt.usage;
  return task;
}

Result<Task> TaskTable::get(const TaskId& id, bool watch, bool only_terminal, TaskState& state,
                            Step& step) {
  const Result<TaskRef> found = look_up(id, step);
  if (!found) return found.error();
  const TaskRef task = *found;
  state = task->state;
  if (watch && !is_terminal(state)) task->watched = true;
  if (is_terminal(state) || !only_terminal) return snapshot(task);
  return Task{};
}

bool TaskTable::matches(const TaskRecord& record, const TaskFilter& filter) const {
  if (filter.state && record.state != *filter.state) return false;
  if (filter.reason && record.reason != *filter.reason) return false;
  if (filter.dead_letters && record.state != TaskState::failed && record.state != TaskState::timeout) {
    return false;
  }
  if (filter.submitted_before > 0 && record.submitted_at >= filter.submitted_before) return false;
  if (filter.submitted_after > 0 && record.submitted_at <= filter.submitted_after) return false;
  if (!filter.task_type.empty() && types_.text(record.type) != filter.task_type) return false;
  if (!filter.agent_id.empty()) {
    const AttemptToken* token = holder(record);
    if (token == nullptr || parties_[token->party].name != filter.agent_id) return false;
  }
  if (!filter.required_capability.empty()) {
    const auto& required = queues_.key(record.queue)->required;
    if (!std::binary_search(required.begin(), required.end(), filter.required_capability)) return false;
  }
  return filter.label_key.empty() ||
         has_label(record.details.get(), filter.label_key, filter.label_value);
}

Result<Page<Task>> TaskTable::list(const TaskFilter& filter, const PageRequest& page) const {
  const Result<std::uint64_t> from = parse_cursor(page.cursor);
  if (!from) return from.error();
  Page<Task> tasks;
  std::size_t visited = 0;
  const auto wanted = [&](const auto& states) {
    const auto has = [&](TaskState state) { return states[static_cast<std::size_t>(state)] > 0; };
    if (filter.state) return has(*filter.state);
    return !filter.dead_letters || has(TaskState::failed) || has(TaskState::timeout);
  };
  const std::uint64_t next = serials_.scan(*from, wanted, [&](std::uint64_t, Slot slot) {
    if (tasks.items.size() == page.max_items || visited++ == kMaxVisited) return false;
    if (matches(tasks_[slot], filter)) tasks.items.push_back(snapshot(slot));
    return true;
  });
  if (next != 0) tasks.next_cursor = std::to_string(next);
  return tasks;
}

void TaskTable::tasks_of(Slot party, std::size_t max, std::vector<TaskId>& held,
                         std::vector<TaskId>& directed) const {
  for (Slot task = parties_[party].first_lease; task != kNoSlot && held.size() < max;
       task = attempts_[tasks_[task].attempt].lease_next) {
    held.push_back(id_of(tasks_[task]));
  }
  std::reverse(held.begin(), held.end());
  std::vector<std::pair<std::uint64_t, Slot>> waiting;  // by position
  for (const QueueSlot queue : parties_[party].directed) {
    queues_.each(queue, [&](Slot task) {
      waiting.emplace_back(tasks_[task].position, task);
      return waiting.size() < max;
    });
  }
  std::sort(waiting.begin(), waiting.end());
  if (waiting.size() > max) waiting.resize(max);
  for (const auto& [position, task] : waiting) directed.push_back(id_of(tasks_[task]));
}

void TaskTable::stats(SchedulerStats& stats) const {
  const auto state = [&](TaskState s) { return counters_.by_state[static_cast<std::size_t>(s)]; };
  const auto reason = [&](TaskReason r) {
    return counters_.pending_by_reason[static_cast<std::size_t>(r)];
  };
  const auto ended = [&](TaskState s) { return counters_.ended_total[static_cast<std::size_t>(s)]; };
  stats.pending_tasks = state(TaskState::pending);
  stats.ready_tasks = reason(TaskReason::ready);
  stats.delayed_tasks = reason(TaskReason::delayed);
  stats.backoff_tasks = reason(TaskReason::backoff);
  stats.blocked_tasks = reason(TaskReason::blocked);
  stats.claimed_tasks = state(TaskState::claimed);
  stats.running_tasks = state(TaskState::running);
  std::copy(counters_.by_state.begin(), counters_.by_state.end(), stats.by_state.begin());
  stats.pending_by_priority = counters_.pending_by_priority;
  stats.dead_letters = state(TaskState::failed) + state(TaskState::timeout);
  stats.submitted_total = counters_.submitted;
  stats.claimed_total = counters_.claimed;
  stats.completed_total = ended(TaskState::completed);
  stats.failed_total = ended(TaskState::failed);
  stats.cancelled_total = ended(TaskState::cancelled);
  stats.timeout_total = ended(TaskState::timeout);
  stats.retries_total = counters_.retries;
  stats.crashes_total = counters_.crashes;
  stats.releases_total = counters_.releases;
  stats.duplicates_total = counters_.duplicates;
  stats.stale_total = counters_.stale;
  stats.unservable_submits_total = counters_.unservable;
  stats.queues = queues_.linked_undirected();
}

void TaskTable::add_to(FieldDigest& digest, Slot slot) const {
  const TaskRecord& record = tasks_[slot];
  digest.add(id_of(record).str()).add(queues_.key(record.queue)->directed);
  digest.add(static_cast<std::uint64_t>(record.state) << 8 | static_cast<std::uint64_t>(record.reason));
  digest.add(static_cast<std::uint64_t>(record.place)).add(record.position);
  for (const Timestamp time : {record.since, record.until, record.first_ready}) {
    digest.add(static_cast<std::uint64_t>(time));
  }
  digest.add(std::uint64_t{record.cancel_requested}).add(std::uint64_t{record.watched});
  const Family* const family = families_.find(slot);
  digest.add(family == nullptr ? std::uint64_t{0} : family->awaited);
  if (family != nullptr && family->resolving) digest.add(Families::told_to(*family));
  if (record.attempt == kNoSlot) return;
  const AttemptRecord& attempt = attempts_[record.attempt];
  digest.add(attempt.token.nonce).add(attempt.token.attempt).add(attempt.token.origin);
  digest.add(attempt.ended.nonce).add(attempt.ended.attempt).add(attempt.ended.origin);
  digest.add(attempt.ended_digest).add(static_cast<std::uint64_t>(attempt.how));
  digest.add(attempt.failures).add(attempt.crashes);
  digest.add(attempt.releases_in_row).add(attempt.rate_limited_in_row);
  for (const Timestamp time : {attempt.claimed_at, attempt.started_at, attempt.deadline,
                               attempt.lease_until, attempt.cancel_at, attempt.lease_ttl_us}) {
    digest.add(static_cast<std::uint64_t>(time));
  }
  for (const SharedText* text : std::initializer_list<const SharedText*>{
           &attempt.result, &attempt.checkpoint, &attempt.usage, &attempt.error, &attempt.note}) {
    digest.add(text->text());
  }
}

std::uint64_t TaskTable::state_hash() const {
  FieldDigest digest;
  serials_.scan(0, [](const auto&) { return true; }, [&](std::uint64_t serial, Slot slot) {
    digest.add(serial);
    add_to(digest, slot);
    return true;
  });
  digest.add(counters_.submitted).add(counters_.claimed).add(last_position_);
  return digest.add(idempotency_.size()).add(claim_ids_.size()).finish();
}

}  // namespace controlplane
