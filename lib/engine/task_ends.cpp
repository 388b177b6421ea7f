// How an attempt ends, and who may say so.
#include <algorithm>

#include "engine/task_table.hpp"

namespace controlplane {

namespace {

Ended ended_by(EndKind kind) {
  switch (kind) {
    case EndKind::complete: return Ended::completed;
    case EndKind::fail: return Ended::failed;
    case EndKind::release: return Ended::released;
  }
  return Ended::not_yet;
}

AttemptOutcome outcome_of(FailKind kind) {
  switch (kind) {
    case FailKind::fatal: return AttemptOutcome::fatal;
    case FailKind::retryable: return AttemptOutcome::failed;
    case FailKind::rate_limited: break;
  }
  return AttemptOutcome::rate_limited;
}

std::uint64_t jitter_of(const TaskRecord& record, Step& step) {
  return mix64(step.draw() + record.serial);
}

std::string task_prefix(const TaskId& id) { return "task " + id.str() + ": "; }

}  // namespace

Error TaskTable::not_holder(TaskRef task, std::uint32_t attempt) const {
  const TaskRecord& record = *task;
  std::string message = task_prefix(id_of(record));
  const AttemptToken* token = holder(record);
  if (record.place == Place::leased) {
    message += "stale lease: lease held by " + parties_[token->party].name + " (attempt " +
               std::to_string(token->attempt) + ")";
  } else if (token != nullptr) {
    message += "stale lease: attempt " + std::to_string(token->attempt) + " was the last, the task is " +
               std::string(to_string(record.state));
  } else {
    message += "stale lease: it was never claimed";
  }
  if (attempt > 0) message += "; yours was attempt " + std::to_string(attempt);
  return Error::conflict(std::move(message));
}

Error TaskTable::already_ended(TaskRef task, EndKind kind) const {
  const AttemptRecord& attempt = attempts_[task->attempt];
  std::string message = task_prefix(id_of(*task)) + "already " +
                        std::string(to_string(attempt.how)) + " (attempt " +
                        std::to_string(attempt.ended.attempt) + ")";
  if (attempt.how == ended_by(kind)) message += ", with other content";
  return Error::conflict(std::move(message));
}

// Which attempt a caller means. Ended: the last ended one; the caller hears duplicate or conflict.
// Without a lease: the attempt that this coordinator handed out to the agent, else the current one
// if it is the agent's. The record itself remembers who handed it out. Any call of an agent counts
// as a sign of life, one that comes too late also.
Result<TaskTable::Token> TaskTable::resolve(TaskRef task, const AttemptRef& ref, Step& step) {
  const TaskRecord& record = *task;
  const bool leased = record.place == Place::leased;
  const AttemptRecord* attempt = record.attempt == kNoSlot ? nullptr : &attempts_[record.attempt];
  if (!ref.lease.empty()) {
    if (attempt != nullptr && leased && attempt->token.matches(ref.lease)) {
      return heard_of(attempt->token.party, step), Token::current;
    }
    if (attempt != nullptr && attempt->ended.matches(ref.lease)) {
      // A process that was superseded says nothing of the one that took its place.
      if (attempt->how != Ended::superseded) heard_of(attempt->ended.party, step);
      return Token::ended;
    }
    heard_of(parties_.find(ref.agent_id), step);
    ++counters_.stale;
    return not_holder(task, ref.lease.attempt());
  }
  if (ref.agent_id.empty()) {
    return Error::invalid_argument(task_prefix(id_of(record)) +
                                   "neither lease nor agent_id names the attempt");
  }
  if (step.require_lease) {
    return Error::invalid_argument(task_prefix(id_of(record)) +
                                   "require_lease is on: agent_id alone does not name the attempt");
  }
  const Slot party = parties_.find(ref.agent_id);
  heard_of(party, step);
  if (attempt != nullptr && party != kNoSlot) {
    const bool current = leased && attempt->token.party == party;
    const bool ended = attempt->ended.attempt != 0 && attempt->ended.party == party;
    const bool handed_out_current = attempt->token.origin == step.origin;
    const bool handed_out_ended = ended && attempt->ended.origin == step.origin;
    if (current && (handed_out_current || !handed_out_ended)) return Token::current;
    if (ended) return Token::ended;
  }
  ++counters_.stale;
  return not_holder(task, 0);
}

void TaskTable::heard_of(Slot party, Step& step) {
  if (party == kNoSlot) return;
  const AgentSlot agent = parties_[party].agent;
  if (agent != kNoAgent) agents_.touch(agent, step.now, step.effects);
}

void TaskTable::end(EndKind kind, AttemptEnd& item, Step& step) {
  item.failure.reset();
  item.duplicate = false;
  const Result<TaskRef> found = require(item.attempt->task_id, step);
  if (!found) {
    item.failure = found.error();
    return;
  }
  const TaskRef task = *found;
  const Result<Token> token = resolve(task, *item.attempt, step);
  if (!token) {
    item.failure = token.error();
    return;
  }
  AttemptRecord& attempt = attempts_[task->attempt];
  if (*token == Token::ended) {
    if (attempt.how == ended_by(kind) && attempt.ended_digest == item.digest) {
      item.duplicate = true;
      ++counters_.duplicates;
    } else {
      ++counters_.stale;
      item.failure = already_ended(task, kind);
    }
    return;
  }
  attempt.usage = std::move(item.usage);
  step.used = item.used;
  switch (kind) {
    case EndKind::complete: complete(task, item, step); break;
    case EndKind::fail: fail(task, item, step); break;
    case EndKind::release:
      finish_attempt(task, Ended::released, AttemptOutcome::released, item.digest, step);
      released(task, step);
      tell_agent(task, AttemptOutcome::released, step);
      break;
  }
  step.used = {};
}

void TaskTable::complete(TaskRef task, AttemptEnd& item, Step& step) {
  attempts_[task->attempt].result = std::move(item.result);
  finish_attempt(task, Ended::completed, AttemptOutcome::completed, item.digest, step);
  finish(task, TaskState::completed, TaskReason::none, step);
  emit(EventType::task_completed, task, step);
  tell_agent(task, AttemptOutcome::completed, step, item.latency_us);
}

void TaskTable::fail(TaskRef task, const AttemptEnd& item, Step& step) {
  attempts_[task->attempt].error = SharedText(item.error);
  const AttemptOutcome outcome = outcome_of(item.fail_kind);
  finish_attempt(task, Ended::failed, outcome, item.digest, step);
  switch (item.fail_kind) {
    case FailKind::fatal: failed_fatally(task, step); break;
    case FailKind::retryable: failed_once(task, item.retry_after_us, "retryable", step); break;
    case FailKind::rate_limited: rate_limited(task, item.retry_after_us, step); break;
  }
  tell_agent(task, outcome, step);
}

void TaskTable::failed_fatally(TaskRef task, Step& step) {
  if (task->cancel_requested) return finish_cancelled(task, step);
  fail_finally(task, TaskState::failed, TaskReason::fatal, "fatal", step);
}

// The attempt is over; a counted failure. `kind` retryable or exec_timeout.
void TaskTable::failed_once(TaskRef task, std::int64_t retry_after_us, std::string_view kind,
                            Step& step) {
  TaskRecord& record = *task;
  if (record.cancel_requested) return finish_cancelled(task, step);
  AttemptRecord& attempt = attempts_[record.attempt];
  const TaskPolicy& policy = policies_[record.policy];
  if (++attempt.failures > policy.max_retries) {
    const bool timed_out = attempt.how == Ended::exec_timeout;
    return fail_finally(task, timed_out ? TaskState::timeout : TaskState::failed,
                        timed_out ? TaskReason::exec : TaskReason::exhausted, kind, step);
  }
  const std::int64_t delay = retry_delay_us(policy, attempt.failures, jitter_of(record, step));
  retry(task, std::max(delay, retry_after_us), kind, step);
}

void TaskTable::rate_limited(TaskRef task, std::int64_t retry_after_us, Step& step) {
  TaskRecord& record = *task;
  if (record.cancel_requested) return finish_cancelled(task, step);
  AttemptRecord& attempt = attempts_[record.attempt];
  if (++attempt.rate_limited_in_row >= limits_.max_rate_limited) {
    return fail_finally(task, TaskState::failed, TaskReason::exhausted, "rate_limited", step);
  }
  const std::int64_t delay =
      retry_delay_us(policies_[record.policy], attempt.rate_limited_in_row, jitter_of(record, step));
  retry(task, retry_after_us > 0 ? retry_after_us : delay, "rate_limited", step);
}

void TaskTable::retry(TaskRef task, std::int64_t delay_us, std::string_view kind, Step& step) {
  ++counters_.retries;
  EventDraft event = draft_event(EventType::task_retrying, task, step);
  event.kind = kind;
  event.text = attempts_[task->attempt].error.text();
  event.will_retry = true;
  if (delay_us > 0) event.until = step.now + delay_us;
  step.effects.event(event);
  if (delay_us <= 0) return make_ready(task, step);
  make_wait(task, TaskReason::backoff, step.now + delay_us, step);
}

void TaskTable::fail_finally(TaskRef task, TaskState state, TaskReason reason, std::string_view kind,
                             Step& step) {
  finish(task, state, reason, step);
  EventDraft event = draft_event(
      state == TaskState::timeout ? EventType::task_timeout : EventType::task_failed, task, step);
  event.reason = reason;
  event.kind = kind;
  event.text = attempts_[task->attempt].error.text();
  event.will_retry = false;
  step.effects.event(event);
}

// The attempt is over without a fault of the task; more than max_releases in a row are one.
void TaskTable::released(TaskRef task, Step& step) {
  TaskRecord& record = *task;
  ++counters_.releases;
  if (record.cancel_requested) return finish_cancelled(task, step);
  AttemptRecord& attempt = attempts_[record.attempt];
  if (++attempt.releases_in_row > limits_.max_releases) {
    attempt.releases_in_row = 0;
    return crashed(task, "released too often", step);
  }
  EventDraft event = draft_event(EventType::task_released, task, step);
  event.kind = to_string(attempt.how);
  step.effects.event(event);
  make_ready(task, step);
}

void TaskTable::crashed(TaskRef task, std::string_view error, Step& step) {
  TaskRecord& record = *task;
  ++counters_.crashes;
  if (record.cancel_requested) return finish_cancelled(task, step);
  AttemptRecord& attempt = attempts_[record.attempt];
  attempt.error = SharedText(error);
  if (++attempt.crashes >= limits_.max_crashes) {
    return fail_finally(task, TaskState::failed, TaskReason::poison, "crash", step);
  }
  retry(task, 0, "crash", step);
}

std::uint64_t TaskTable::end_leases(Slot party, Ended how, Step& step) {
  const AttemptOutcome outcome =
      how == Ended::superseded ? AttemptOutcome::superseded : AttemptOutcome::released;
  std::uint64_t ended = 0;
  std::vector<Slot> held;  // oldest first, so that they keep their order
  for (Slot task = parties_[party].first_lease; task != kNoSlot;
       task = attempts_[tasks_[task].attempt].lease_next) {
    held.push_back(task);
  }
  for (auto slot = held.rbegin(); slot != held.rend(); ++slot) {
    const TaskRef task = at(*slot);
    apply_hard_deadlines(task, step);
    if (task->place != Place::leased) continue;
    ++ended;
    finish_attempt(task, how, outcome, 0, step);
    if (how == Ended::superseded) {
      crashed(task, "its agent was registered again", step);
    } else {
      released(task, step);
    }
    tell_agent(task, outcome, step);
  }
  return ended;
}

void TaskTable::hold(HoldKind kind, AttemptHold& item, const Progress* progress, Step& step) {
  item.failure.reset();
  const Result<TaskRef> found = require(item.attempt->task_id, step);
  if (!found) {
    item.failure = found.error();
    return;
  }
  const TaskRef task = *found;
  const Result<Token> token = resolve(task, *item.attempt, step);
  if (!token || *token == Token::ended) {
    if (token) ++counters_.stale;
    item.failure = token ? Error::conflict(task_prefix(item.attempt->task_id) + "already " +
                                           std::string(to_string(attempts_[task->attempt].how)))
                         : token.error();
    return;
  }
  TaskRecord& record = *task;
  AttemptRecord& attempt = attempts_[record.attempt];
  if (kind == HoldKind::start && record.state == TaskState::claimed) {
    set_state(record, TaskState::running, TaskReason::none, step.now);
    attempt.started_at = step.now;
    emit(EventType::task_started, task, step);
  }
  if (kind == HoldKind::progress) report(task, *progress, step);
  if (kind != HoldKind::start && attempt.lease_ttl_us > 0) {
    attempt.lease_until = std::max(attempt.lease_until, step.now + attempt.lease_ttl_us);
  }
  item.status = {attempt.lease_until, attempt.deadline, record.cancel_requested};
}

void TaskTable::report(TaskRef task, const Progress& progress, Step& step) {
  AttemptRecord& attempt = attempts_[task->attempt];
  attempt.fraction = progress.fraction;
  attempt.note = SharedText(progress.note);
  if (!progress.data.empty()) attempt.checkpoint = progress.data;
  EventDraft event = draft_event(EventType::task_progress, task, step);
  event.fraction = progress.fraction;
  event.text = progress.note;
  step.effects.event(event);
}

// A leased one, by force or at the end of the grace.
void TaskTable::end_cancelled(TaskRef task, Step& step) {
  finish_attempt(task, Ended::cancelled, AttemptOutcome::cancelled, 0, step);
  finish_cancelled(task, step);
  tell_agent(task, AttemptOutcome::cancelled, step);
}

Result<TaskState> TaskTable::cancel(const TaskId& id, bool force, Step& step) {
  const Result<TaskRef> found = require(id, step);
  if (!found) return found.error();
  const TaskRef task = *found;
  TaskRecord& record = *task;
  if (record.state == TaskState::cancelled) return TaskState::cancelled;
  if (is_terminal(record.state)) {
    return Error::conflict(task_prefix(id) + "it ended as " + std::string(to_string(record.state)));
  }
  if (record.place != Place::leased) {
    finish_cancelled(task, step);
    return TaskState::cancelled;
  }
  if (force) {
    end_cancelled(task, step);
    return TaskState::cancelled;
  }
  if (!record.cancel_requested) {
    record.cancel_requested = true;
    attempts_[record.attempt].cancel_at = step.now + cancel_grace_us_;
    set_timer(task);
    EventDraft event = draft_event(EventType::task_cancel_requested, task, step);
    event.until = step.now + cancel_grace_us_;
    step.effects.event(event);
  }
  return record.state;
}

Result<void> TaskTable::assign(const TaskId& id, std::string_view agent_id, Step& step) {
  const Result<TaskRef> found = require(id, step);
  if (!found) return found.error();
  const TaskRef task = *found;
  TaskRecord& record = *task;
  if (record.state != TaskState::pending) {
    return Error::failed_precondition(task_prefix(id) + "it is " +
                                      std::string(to_string(record.state)) +
                                      "; only a pending task can be assigned");
  }
  const auto key = queues_.key(record.queue);
  if (is_mailbox(key->directed)) {
    return Error::failed_precondition(task_prefix(id) + "it is a message to " +
                                      key->directed.substr(kMailboxPrefix.size()) +
                                      " and for nobody else");
  }
  if (key->directed == agent_id) return {};
  const QueueSlot to = queues_.find_or_add(key->required, agent_id, key->excluded, key->pools);
  if (!enter_queue(to)) {
    queues_.forget_unused(to);
    return Error::resource_exhausted(task_prefix(id) + "the limit max_queues is " +
                                     std::to_string(limits_.max_queues));
  }
  const bool waiting = record.place == Place::waiting;
  withdraw(task, step);
  const QueueSlot from = record.queue;
  record.queue = to;
  queues_.use(to);
  leave_queue(from, step);
  queues_.drop(from);
  EventDraft event = draft_event(EventType::task_assigned, task, step);
  event.other = agent_id;
  step.effects.event(event);
  if (waiting) {
    record.place = Place::waiting;
    return {};
  }
  const Timestamp since = record.since;  // not ready anew: its queue timeout runs on
  make_ready(task, step);
  record.since = since;
  set_timer(task);
  return {};
}

}  // namespace controlplane
