// What time does to tasks.
#include <algorithm>

#include "engine/task_table.hpp"

namespace controlplane {

namespace {

constexpr std::int64_t kRemovalSlackUs = 10'000;

}  // namespace

// Execution, total and cancel grace: due for whoever touches the task, before anything else.
void TaskTable::apply_hard_deadlines(TaskRef task, Step& step) {
  const auto may_be_due = [&] {
    return task->heap_index != kNoSlot && deadlines_.when_at(task->heap_index) <= step.now;
  };
  while (may_be_due() && apply_due(task, true, step)) {
  }
}

// Applies the earliest due deadline of one task; false if none is due.
bool TaskTable::apply_due(TaskRef task, bool only_hard, Step& step) {
  TaskRecord& record = *task;
  const TaskPolicy& policy = policies_[record.policy];
  enum class Due : std::uint8_t { none, total, exec, grace, lease, queue, wait } due = Due::none;
  Timestamp earliest = step.now;
  const auto consider = [&](Due kind, Timestamp when) {
    if (when > earliest || (when == earliest && due != Due::none)) return;
    due = kind;
    earliest = when;
  };
  if (policy.total_timeout_us > 0) consider(Due::total, record.submitted_at + policy.total_timeout_us);
  if (record.place == Place::leased) {
    const AttemptRecord& attempt = attempts_[record.attempt];
    if (attempt.cancel_at > 0) consider(Due::grace, attempt.cancel_at);
    consider(Due::exec, attempt.deadline);
    if (!only_hard && attempt.lease_until > 0) consider(Due::lease, attempt.lease_until);
  } else if (!only_hard && record.reason == TaskReason::ready && policy.queue_timeout_us > 0) {
    consider(Due::queue, record.since + policy.queue_timeout_us);
  } else if (!only_hard && (record.reason == TaskReason::delayed || record.reason == TaskReason::backoff)) {
    consider(Due::wait, record.until);
  }

  switch (due) {
    case Due::none: return false;
    case Due::total: time_out_total(task, step); break;
    case Due::exec: time_out_attempt(task, step); break;
    case Due::grace: end_cancelled(task, step); break;
    case Due::lease:
      finish_attempt(task, Ended::expired, AttemptOutcome::crashed, 0, step);
      crashed(task, "its lease was not renewed", step);
      tell_agent(task, AttemptOutcome::crashed, step);
      break;
    case Due::queue: {
      attempt_of(task).error = SharedText("not claimed within its queue timeout");
      fail_finally(task, TaskState::timeout, TaskReason::queue, "queue_timeout", step);
      break;
    }
    case Due::wait: {
      unlink(task);
      emit(EventType::task_ready, task, step);
      make_ready(task, step);
      break;
    }
  }
  return true;
}

void TaskTable::time_out_attempt(TaskRef task, Step& step) {
  attempts_[task->attempt].error = SharedText("execution timeout");
  finish_attempt(task, Ended::exec_timeout, AttemptOutcome::exec_timeout, 0, step);
  failed_once(task, 0, "exec_timeout", step);
  tell_agent(task, AttemptOutcome::exec_timeout, step);
}

void TaskTable::time_out_total(TaskRef task, Step& step) {
  attempt_of(task).error = SharedText("total timeout");
  const bool leased = task->place == Place::leased;
  if (leased) finish_attempt(task, Ended::total_timeout, AttemptOutcome::cancelled, 0, step);
  if (task->cancel_requested) {
    finish_cancelled(task, step);
  } else {
    fail_finally(task, TaskState::timeout, TaskReason::total, "total_timeout", step);
  }
  if (leased) tell_agent(task, AttemptOutcome::cancelled, step);
}

// Tells one dependent of a parent that ended.
void TaskTable::resolve_dependent(Step& step) {
  const Slot parent = families_.first_ended();
  tasks_.cut.touch(parent);
  const Child child = families_.take_dependent();
  if (parent == oldest_) plan_removal(step.now);
  const TaskRef task = at(child.task);
  const TaskRecord& record = *task;
  if (record.serial != child.serial) return;  // removed meanwhile
  Family& family = families_.of(child.task);
  --family.awaited;
  if (record.reason != TaskReason::blocked) return;
  const TaskRecord& ended = tasks_[parent];
  if (ended.state != TaskState::completed && policies_[record.policy].allow_failed_parents == 0) {
    return fail_by_parent(task, id_of(ended).str(), step);
  }
  if (family.awaited > 0) return;
  unlink(task);
  if (record.until > step.now) {
    EventDraft event = draft_event(EventType::task_delayed, task, step);
    event.until = record.until;
    step.effects.event(event);
  } else {
    emit(EventType::task_ready, task, step);
  }
  unblock(task, step);
}

// When retention begins to remove the oldest terminal task. Call it when there is another oldest, when
// one more is terminal, and when the oldest has told its dependents.
// It begins a little late and then removes all that are due: a busy tenant is not woken for each.
void TaskTable::plan_removal(Timestamp now) {
  removal_due_ = removable_from_ = kNever;
  if (oldest_ == kNoSlot) return;
  const TaskRecord& oldest = tasks_[oldest_];
  if (oldest.family != kNoSlot && families_.resolving(oldest_)) return;
  const bool crowded =
      terminal_count_ > retention_.max_count || terminal_bytes_ > retention_.max_bytes;
  const auto age = crowded ? retention_.min_age : retention_.max_age;
  removal_due_ = removable_from_ = oldest.since + age.count() * 1000;
  removing_ = removing_ && removal_due_ <= now;
  if (!removing_) removal_due_ += kRemovalSlackUs;
}

void TaskTable::remove_oldest(Timestamp now) {
  const TaskRef task = at(oldest_);
  TaskRecord& record = *task;
  unlink(task);
  --terminal_count_;
  terminal_bytes_ -= record_bytes(record);
  removing_ = true;
  plan_removal(now);
  if (record.keyed) {
    const Timestamp expires =
        std::max(now, record.submitted_at + retention_.key_age.count() * 1000);
    IdempotencyIndex::visit_keys(*record.details, [&](const std::string& key) {
      idempotency_.task_removed(key, expires);
    });
  }
  index_.erase(task);
  serials_.remove(record.serial, record.state);
  counters_.leave(record.state, record.reason, record.priority);
  if (record.family != kNoSlot) families_.forget(task);
  if (record.attempt != kNoSlot) {
    const AttemptRecord& attempt = attempts_[record.attempt];
    if (attempt.token.party != kNoSlot) parties_.drop(attempt.token.party);
    if (attempt.ended.party != kNoSlot) parties_.drop(attempt.ended.party);
    attempts_.give_back(record.attempt);
  }
  unbind(record);
  tasks_.give_back(task);
}

void TaskTable::advance_one(Step& step) {
  if (families_.any_ended()) return resolve_dependent(step);
  if (deadlines_.next() <= step.now) {
    const TaskRef task = at(deadlines_.top());
    if (apply_due(task, false, step)) return;
    deadlines_.erase(task);  // an entry that was too early; see set_timer
    return set_timer(task);
  }
  if (removal_due_ <= step.now) return remove_oldest(step.now);
  if (idempotency_.next_expiry() <= step.now) idempotency_.expire_first();
}

Timestamp TaskTable::quiet_until(Slot party) const {
  Timestamp until = 0;
  for (Slot task = parties_[party].first_lease; task != kNoSlot;) {
    const AttemptRecord& attempt = attempts_[tasks_[task].attempt];
    if (attempt.lease_ttl_us == 0) until = std::max(until, attempt.deadline);
    task = attempt.lease_next;
  }
  return until;
}

}  // namespace controlplane
