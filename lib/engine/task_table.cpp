#include "engine/task_table.hpp"

#include <algorithm>
#include <cmath>

#include "base/digest.hpp"
#include "base/ids.hpp"

namespace controlplane {

// Ids of one maker are neighbours; see SlotIndex.
std::uint32_t hash_task_id(const TaskId& id) noexcept {
  if (!id.is_made()) return static_cast<std::uint32_t>(hash_name(id.own_text()));
  return counter_of(id.uuid()) + static_cast<std::uint32_t>(origin_of(id.uuid()));
}

std::string_view to_string(Ended ended) noexcept {
  switch (ended) {
    case Ended::not_yet: return "not ended";
    case Ended::completed: return "completed";
    case Ended::failed: return "failed";
    case Ended::released: return "released";
    case Ended::cancelled: return "cancelled";
    case Ended::expired: return "expired: its lease was not renewed";
    case Ended::exec_timeout: return "ended by its execution timeout";
    case Ended::total_timeout: return "ended by the task's total timeout";
    case Ended::reassigned: return "released by reassign_agent_tasks";
    case Ended::unregistered: return "released by unregister_agent";
    case Ended::superseded: return "ended by a new registration of its agent";
  }
  return "";
}

std::int64_t retry_delay_us(const TaskPolicy& policy, std::uint32_t failures,
                            std::uint64_t random) noexcept {
  if (policy.delay_us == 0) return 0;  // and not 0 · infinity
  const double grown = static_cast<double>(policy.delay_us) *
                       std::pow(policy.backoff, static_cast<double>(failures) - 1);
  const auto bound = static_cast<double>(policy.max_delay_us);
  const double half = (grown < bound ? grown : bound) / 2;  // false for NaN and infinity, too
  const double share = static_cast<double>(random >> 11) * 0x1p-53;
  return static_cast<std::int64_t>(half + half * share);
}

namespace {

std::uint64_t bytes_of(const TaskDetails& details) {
  std::uint64_t bytes = sizeof(TaskDetails) + details.metadata.size() + details.trace.size() +
                        details.own_id.own_text().size() + details.idempotency_key.size() +
                        details.replayed_from.own_text().size() +
                        details.original.own_text().size() + details.operation_id.size();
  for (const PermitNeed& need : details.needs) bytes += sizeof(PermitNeed) + need.pool.size();
  for (const TaskId& parent : details.depends_on) bytes += sizeof(TaskId) + parent.own_text().size();
  for (const auto& label : details.labels) {
    bytes += sizeof(label) + label.first.size() + label.second.size();
  }
  return bytes;
}

}  // namespace

TaskTable::TaskTable(const NamespaceOptions& options, AgentTable& agents, PermitTable& permits)
    : limits_(options.limits),
      retention_(options.retention),
      cancel_grace_us_(options.cancel_grace_us),
      default_timeout_us_(options.default_timeout_us),
      default_max_retries_(options.default_max_retries),
      agents_(agents),
      permits_(permits),
      queues_(tasks_, parties_, options.limits.max_queues, options.limits.max_offers,
              options.ageing_interval_us),
      keys_(tasks_, options.ageing_interval_us, &tasks_.cut),
      families_(tasks_),
      deadlines_(HeapPlace{&tasks_}) {
  permits_.set_waker(*this);
}

TaskId TaskTable::id_of(const TaskRecord& record) const {
  return record.own_id ? record.details->own_id : TaskId(record.uuid);
}

Slot TaskTable::find(const TaskId& id) const {
  return index_.find(hash_task_id(id), [&](Slot slot) {
    const TaskRecord& record = tasks_[slot];
    return record.own_id == !id.is_made() &&
           (id.is_made() ? record.uuid == id.uuid() : record.details->own_id == id);
  });
}

Result<TaskRef> TaskTable::require(const TaskId& id, Step& step) {
  const Result<TaskRef> found = look_up(id, step);
  if (found) tasks_.cut.touch(*found);
  return found;
}

// For those who only look: as long as no deadline is due, nothing changes.
Result<TaskRef> TaskTable::look_up(const TaskId& id, Step& step) {
  const Slot slot = find(id);
  if (slot == kNoSlot) {
    const auto* key = idempotency_.find(IdempotencyIndex::key_of_id(id.str()));
    return Error::not_found("task " + id.str() +
                            (key != nullptr ? " was removed by retention" : " does not exist"));
  }
  const TaskRef task = ref_of(tasks_, slot);
  if (task->heap_index != kNoSlot && deadlines_.when_at(task->heap_index) <= step.now) {
    apply_hard_deadlines(at(slot), step);
  }
  return task;
}

EventDraft TaskTable::draft_event(EventType type, TaskRef task, Step& step) const {
  const TaskRecord& record = *task;
  EventDraft event;
  event.type = type;
  event.time = step.now;
  if (record.own_id) {
    event.subject = record.details->own_id.own_text();
  } else {
    event.task = &record.uuid;
  }
  if (const AttemptToken* token = holder(record)) {
    event.attempt = token->attempt;
    event.agent = parties_[token->party].name;
  }
  if (record.details != nullptr) {
    event.labels = &record.details->labels;
    event.trace = record.details->trace;
  }
  return event;
}

// Most events say no more than which attempt of which task: no draft is built for them.
void TaskTable::emit(EventType type, TaskRef task, Step& step) {
  const TaskRecord& record = *task;
  if (record.details != nullptr) return step.effects.event(draft_event(type, task, step));
  const AttemptToken* token = holder(record);
  append_task_event(step.effects.log, type, step.now, record.uuid, token == nullptr ? 0 : token->attempt,
                    token == nullptr ? std::string_view{} : parties_[token->party].name);
}

void TaskTable::set_state(TaskRecord& record, TaskState state, TaskReason reason, Timestamp now) {
  counters_.leave(record.state, record.reason, record.priority);
  if (record.state != state) serials_.moved(record.serial, record.state, state);
  record.state = state;
  record.reason = reason;
  record.since = now;
  counters_.enter(state, reason, record.priority);
}

void TaskTable::unlink(TaskRef task) {
  TaskRecord& record = *task;
  switch (record.place) {
    case Place::fresh:
    case Place::returned: queues_.remove(task); break;
    case Place::key_waiting: keys_.remove(task); break;
    case Place::nowhere:
    case Place::waiting: record.place = Place::nowhere; break;
    case Place::leased: {
      AttemptRecord& attempt = attempts_[record.attempt];
      Party& party = parties_[attempt.token.party];
      (attempt.lease_prev == kNoSlot ? party.first_lease
                                     : attempts_[tasks_[attempt.lease_prev].attempt].lease_next) =
          attempt.lease_next;
      if (attempt.lease_next != kNoSlot) {
        attempts_[tasks_[attempt.lease_next].attempt].lease_prev = attempt.lease_prev;
      }
      attempt.lease_prev = attempt.lease_next = kNoSlot;
      --party.leases;
      record.place = Place::nowhere;
      break;
    }
    case Place::terminal:
      (record.prev == kNoSlot ? oldest_ : tasks_[record.prev].next) = record.next;
      (record.next == kNoSlot ? newest_ : tasks_[record.next].prev) = record.prev;
      record.prev = record.next = kNoSlot;
      record.place = Place::nowhere;
      break;
  }
}

void TaskTable::make_ready(TaskRef task, Step& step) {
  TaskRecord& record = *task;
  set_state(record, TaskState::pending, TaskReason::ready, step.now);
  record.until = 0;
  const bool fresh = record.position == 0;
  if (fresh) {
    record.position = ++last_position_;
    record.first_ready = step.now;
  }
  set_timer(task);
  if (!keys_.fits(record)) return keys_.wait(task);
  fresh ? queues_.push_fresh(task) : queues_.push_returned(task);
  came_to_queue(task, step);
}

void TaskTable::make_wait(TaskRef task, TaskReason reason, Timestamp until, Step& step) {
  TaskRecord& record = *task;
  set_state(record, TaskState::pending, reason, step.now);
  record.until = until;
  record.place = Place::waiting;
  set_timer(task);
}

Timestamp TaskTable::next_deadline(const TaskRecord& record) const {
  const TaskPolicy& policy = policies_[record.policy];
  Timestamp next = policy.total_timeout_us > 0 ? record.submitted_at + policy.total_timeout_us : kNever;
  if (record.place == Place::leased || record.state == TaskState::claimed ||
      record.state == TaskState::running) {
    const AttemptRecord& attempt = attempts_[record.attempt];
    next = std::min(next, attempt.deadline);
    if (attempt.lease_until > 0) next = std::min(next, attempt.lease_until);
    if (attempt.cancel_at > 0) next = std::min(next, attempt.cancel_at);
  } else if (record.reason == TaskReason::ready) {
    if (policy.queue_timeout_us > 0) next = std::min(next, record.since + policy.queue_timeout_us);
  } else if (record.reason != TaskReason::blocked) {
    next = std::min(next, record.until);
  }
  return next;
}

// An entry that is too early stays: it is put right when it comes up, so a renewal costs nothing.
void TaskTable::set_timer(TaskRef task) {
  const TaskRecord& record = *task;
  const Timestamp next = next_deadline(record);
  if (next == kNever) {
    if (record.heap_index != kNoSlot) deadlines_.erase(task);
  } else if (record.heap_index == kNoSlot || deadlines_.when_at(record.heap_index) > next) {
    deadlines_.set(task, next);
  }
}

// Takes the task out of its holder's hands. The caller decides where it goes, and then tells the
// agent, so that what changes there is an event after the one that caused it.
void TaskTable::finish_attempt(TaskRef task, Ended how, AttemptOutcome outcome, std::uint64_t digest,
                               Step& step) {
  TaskRecord& record = *task;
  AttemptRecord& attempt = attempts_[record.attempt];
  unlink(task);
  if (attempt.ended.party != kNoSlot) parties_.drop(attempt.ended.party);
  attempt.ended = attempt.token;
  parties_.use(attempt.ended.party);
  attempt.how = how;
  attempt.ended_digest = digest;
  attempt.lease_until = attempt.cancel_at = 0;
  if (outcome != AttemptOutcome::released) attempt.releases_in_row = 0;
  if (outcome != AttemptOutcome::rate_limited) attempt.rate_limited_in_row = 0;
  if (is_failure(outcome) && !parties_[attempt.ended.party].mailbox) ++counters_.failed_attempts;
  if (attempt.claim_group != kNoSlot) leave_claim_group(attempt);
  if (attempt.permit != kNoSlot) end_needs(attempt, how, step);
  observe(counters_.duration, step.now - attempt.claimed_at);
  if (record.key == kNoSlot) return;
  for (const Slot fitting : keys_.freed(record.key, step.now)) return_to_queue(at(fitting), step);
}

void TaskTable::tell_agent(TaskRef task, AttemptOutcome outcome, Step& step,
                           std::int64_t latency_us) {
  const AttemptRecord& attempt = attempts_[task->attempt];
  const AgentSlot agent = parties_[attempt.ended.party].agent;
  if (agent == kNoAgent) return;
  // The holder was as quiet as it may be, and somebody else ended it: silence begins here.
  const bool by_holder = attempt.how <= Ended::released;
  if (!by_holder && attempt.lease_ttl_us == 0) {
    agents_.excuse(agent, std::min(attempt.deadline, step.now));
  }
  agents_.ended(agent, outcome, step.now - attempt.claimed_at, step.now, step.effects, latency_us);
}

// Takes out a task that nobody holds; if it had its turn at a key, the next one gets it.
void TaskTable::withdraw(TaskRef task, Step& step) {
  const TaskRecord& record = *task;
  const bool queued = record.place == Place::fresh || record.place == Place::returned;
  unlink(task);
  if (queued) reconsider(record.queue, step);
  if (!queued || record.key == kNoSlot) return;
  if (const Slot next = keys_.next_after(record, step.now); next != kNoSlot) {
    return_to_queue(at(next), step);
  }
}

void TaskTable::return_to_queue(TaskRef task, Step& step) {
  queues_.push_returned(task);
  came_to_queue(task, step);
}

// A queue that stands in line does so for its first task.
void TaskTable::came_to_queue(TaskRef task, Step& step) {
  const QueueSlot queue = task->queue;
  if (queues_.needs(queue).waiter == kNoSlot) return tell_ready(queue, step.effects);
  if (queues_.front(queue, step.now) == task) reconsider(queue, step);
}

void TaskTable::tell_ready(QueueSlot queue, Effects& effects) {
  if (!effects.watched) return;
  effects.signals.push_back({Signal::Kind::task_ready, 1, queues_.key(queue), {}, {}, {}, {}});
}

// Precondition: linked nowhere, or waiting in a queue; not leased. The caller appends the event.
void TaskTable::finish(TaskRef task, TaskState state, TaskReason reason, Step& step) {
  TaskRecord& record = *task;
  withdraw(task, step);
  set_state(record, state, reason, step.now);
  ++counters_.ended_total[static_cast<std::size_t>(state)];
  deadlines_.erase(task);
  record.until = 0;
  record.cancel_requested = false;
  leave_queue(record.queue, step);
  record.place = Place::terminal;
  record.prev = newest_;
  record.next = kNoSlot;
  (newest_ == kNoSlot ? oldest_ : tasks_[newest_].next) = task;
  newest_ = task;
  ++terminal_count_;
  terminal_bytes_ += record_bytes(record);
  if (record.family != kNoSlot) families_.parent_ended(task);
  plan_removal(step.now);
  if (record.watched) {
    record.watched = false;
    step.effects.signals.push_back({Signal::Kind::task_done, 1, nullptr, {}, {}, id_of(record), {}});
  }
}

void TaskTable::finish_cancelled(TaskRef task, Step& step) {
  finish(task, TaskState::cancelled, TaskReason::none, step);
  emit(EventType::task_cancelled, task, step);
}

// What retention's byte budget counts: the record and what it owns.
std::uint64_t TaskTable::record_bytes(const TaskRecord& record) const {
  std::uint64_t bytes = sizeof(TaskRecord) + record.payload.size();
  if (record.details != nullptr) bytes += bytes_of(*record.details);
  bytes += families_.dependents(record) * sizeof(Child);
  if (record.attempt == kNoSlot) return bytes;
  const AttemptRecord& attempt = attempts_[record.attempt];
  return bytes + sizeof(AttemptRecord) + attempt.result.size() + attempt.checkpoint.size() +
         attempt.usage.size() + attempt.error.size() + attempt.note.size();
}

}  // namespace controlplane
