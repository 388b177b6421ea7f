#include "engine/task_restore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace controlplane {
namespace {

// A chunk of the serial index is a pointer, needed or not: 2^24 of them.
constexpr std::uint64_t kMaxSerials = std::uint64_t{1} << 36;

bool has_holder(TaskState state) noexcept {
  return state == TaskState::claimed || state == TaskState::running;
}

bool fits(TaskState state, TaskReason reason) noexcept {
  switch (state) {
    case TaskState::pending:
      return reason >= TaskReason::ready && reason <= TaskReason::blocked;
    case TaskState::failed:
      return reason >= TaskReason::fatal && reason <= TaskReason::poison;
    case TaskState::timeout:
      return reason >= TaskReason::queue;
    default:
      return reason == TaskReason::none;
  }
}

std::vector<std::string> pools_of(const std::vector<NeedRow>& needs) {
  std::vector<std::string> pools;
  for (const NeedRow& need : needs) pools.emplace_back(need.pool.text);
  return pools;
}

bool is_set(const std::vector<NeedRow>& needs, const Limits& limits) {
  const auto after = [](const NeedRow& a, const NeedRow& b) { return a.pool.text >= b.pool.text; };
  return needs.size() <= limits.max_needs &&
         std::adjacent_find(needs.begin(), needs.end(), after) == needs.end();
}

}  // namespace

// Why it cannot be the row of a task; empty: it can.
std::string TaskRestore::refuse(const TaskRow& row) const {
  const Limits& limits = table_.limits_;
  const std::int64_t max_us = std::chrono::microseconds(limits.max_delay).count();
  const bool ready = row.reason == TaskReason::ready;
  if (table_.find(row.id) != kNoSlot) return fmt::format("task {} is there twice", row.id.str());
  if (table_.tasks_.size() >= limits.max_tasks) {
    return fmt::format("there are more tasks than max_tasks ({})", limits.max_tasks);
  }
  if (!fits(row.state, row.reason)) return "reason does not go with state";
  if (ready != (row.place != Place::nowhere)) return "place does not go with reason";
  if (row.serial == 0) return "serial is 0";
  if (ready && row.position == 0) return "position is missing";
  if (!is_set(row.required, limits.max_capabilities)) return "required is no sorted set of names";
  if (!controlplane::is_set(row.excluded, limits.max_excluded_agents)) {
    return "excluded is no sorted set of names";
  }
  if (!is_set(row.needs, limits)) return "needs is no sorted set of pools";
  for (const NeedRow& need : row.needs) {
    if (need.amount == 0 || need.amount > limits.max_amount) return "needs: amount is out of range";
  }
  if (row.timeout_us == 0) return "timeout_us is 0";
  if (std::max({row.timeout_us, row.queue_timeout_us, row.total_timeout_us, row.delay_us,
                row.max_delay_us}) > max_us) {
    return "a timeout or delay is beyond max_delay";
  }
  if (row.backoff < 1) return "backoff is below 1";
  if (row.max_retries > limits.max_retries) return "max_retries is out of range";
  if (row.concurrency_key.text.empty() != (row.concurrency_limit == 0)) {
    return "concurrency_limit does not go with concurrency_key";
  }
  if (row.place == Place::key_waiting && row.concurrency_key.text.empty()) {
    return "place: it waits for no concurrency_key";
  }
  if (row.depends_on.size() > limits.max_parents) return "depends_on: there are too many";
  if (row.telling && !is_terminal(row.state)) return "telling: it has not ended";
  if (row.cancel_requested && !has_holder(row.state)) return "cancel_requested: nobody holds it";
  const bool has_key =
      row.named || !row.idempotency_key.text.empty() || !row.operation_id.text.empty();
  if (row.fingerprint.has_value() != has_key) return "fingerprint does not go with its keys";
  if (!row.named && !row.id.is_made()) return "named: it has an id of its own";
  if (row.labels.size() > limits.max_labels) return "labels: there are too many";
  return refuse_attempt(row);
}

std::string TaskRestore::refuse_attempt(const TaskRow& row) const {
  const bool leased = has_holder(row.state);
  if (!row.attempt) return leased ? "attempt is missing" : "";
  const AttemptRow& attempt = *row.attempt;
  if (attempt.agent.text.empty() != (attempt.number == 0))
    return "attempt: agent does not go with number";
  if (std::max({attempt.number, attempt.failures, attempt.crashes}) > kMaxAttempts ||
      std::max(attempt.releases_in_row, attempt.rate_limited_in_row) > kMaxInRow) {
    return "attempt: number, failures, crashes, releases_in_row or rate_limited_in_row is too high";
  }
  if (attempt.ended_agent.text.empty() != (attempt.ended == 0) ||
      (attempt.how == Ended::not_yet) != (attempt.ended == 0)) {
    return "attempt: how and ended_agent do not go with ended";
  }
  if (leased ? attempt.ended >= attempt.number : attempt.ended != attempt.number) {
    return "attempt: ended does not go with number and state";
  }
  if (leased && (attempt.nonce.value == 0 || attempt.deadline == 0)) {
    return "attempt: a lease has a nonce and a deadline";
  }
  if (!leased && (!attempt.claim_id.text.empty() || attempt.permit != 0)) {
    return "attempt: claim_id or permit without a lease";
  }
  if (leased && row.needs.empty() != (attempt.permit == 0))
    return "attempt: permit does not go with needs";
  const std::int64_t max_us = std::chrono::microseconds(table_.limits_.max_delay).count();
  if (attempt.lease_ttl_us > max_us) return "attempt: lease_ttl_us is beyond max_delay";
  if (row.cancel_requested != (leased && attempt.cancel_at != 0)) {
    return "attempt: cancel_at does not go with cancel_requested";
  }
  return {};
}

void TaskRestore::describe(const TaskRow& row, TaskRecord& record) const {
  record.own_id = !row.id.is_made();
  if (!record.own_id) record.uuid = row.id.uuid();
  record.payload = Json(row.payload.text);
  record.submitted_at = row.submitted_at;
  record.since = row.since;
  record.until = row.until;
  record.first_ready = row.first_ready;
  record.position = row.position;
  record.serial = row.serial;
  record.state = row.state;
  record.reason = row.reason;
  record.priority = row.priority;
  record.place = row.place;  // where finish() brings it
  record.cancel_requested = row.cancel_requested;
  record.keyed = row.fingerprint.has_value();
  record.key_limit = row.concurrency_limit;
  auto details = std::make_shared<TaskDetails>();
  if (row.named) details->own_id = row.id;
  details->depends_on = row.depends_on;
  details->idempotency_key = row.idempotency_key.text;
  details->metadata = Json(row.metadata.text);
  details->labels = labels_of(row.labels);
  details->trace = row.trace.text;
  for (const NeedRow& need : row.needs)
    details->needs.push_back({std::string(need.pool.text), need.amount});
  details->replayed_from = row.replayed_from;
  details->original = row.original;
  details->operation_id = row.operation_id.text;
  const bool any = row.named || !row.depends_on.empty() || !row.idempotency_key.text.empty() ||
                   !row.metadata.text.empty() || !row.labels.empty() || !row.trace.text.empty() ||
                   !row.needs.empty() || !row.replayed_from.empty() ||
                   !row.operation_id.text.empty();
  if (any) record.details = std::move(details);
}

// False: there are too many of something that tasks share.
bool TaskRestore::bind(const TaskRow& row, TaskRecord& record) {
  const Limits& limits = table_.limits_;
  record.type = table_.types_.find_or_add(row.type.text, limits.max_task_types);
  if (record.type == kNoSlot) return false;
  table_.types_.use(record.type);
  TaskPolicy policy;
  policy.timeout_us = row.timeout_us;
  policy.queue_timeout_us = row.queue_timeout_us;
  policy.total_timeout_us = row.total_timeout_us;
  policy.delay_us = row.delay_us;
  policy.max_delay_us = row.max_delay_us;
  policy.backoff = row.backoff;
  policy.max_retries = row.max_retries;
  policy.allow_failed_parents = row.allow_failed_parents ? 1 : 0;
  record.policy = table_.policies_.find_or_add(policy, limits.max_policies);
  if (record.policy == kNoSlot) return false;
  table_.policies_.use(record.policy);
  if (!row.concurrency_key.text.empty()) {
    record.key = table_.keys_.find_or_add(row.concurrency_key.text, limits.max_concurrency_keys);
    if (record.key == kNoSlot) return false;
    table_.keys_.use(record.key);
  }
  record.queue = table_.queues_.find_or_add(strings_of(row.required), row.directed.text,
                                            strings_of(row.excluded), pools_of(row.needs));
  table_.queues_.use(record.queue);
  return true;
}

Result<void> TaskRestore::add(const TaskRow& row, std::uint64_t line) {
  if (std::string why = refuse(row); !why.empty()) return Error::invalid_argument(std::move(why));
  const TaskRef task = table_.at(table_.tasks_.take());
  describe(row, *task);
  if (!bind(row, *task)) {
    return Error::resource_exhausted(
        "one more type, retry setting or concurrency key than max_task_types, max_policies or "
        "max_concurrency_keys allow");
  }
  table_.index_.insert(hash_task_id(row.id), task);
  table_.counters_.enter(row.state, row.reason, row.priority);
  items_.push_back({task, line});
  if (row.telling) told_.emplace(task, row.told_to);
  if (row.attempt) restore_attempt(row, task);
  if (has_holder(row.state)) {
    held_.push_back({task, line, row.attempt->permit, std::string(row.attempt->claim_id.text)});
  }
  std::string taken;
  if (row.fingerprint) {
    IdempotencyIndex::visit_keys(*task->details, [&](std::string key) {
      if (table_.idempotency_.find(key) != nullptr) taken = key.substr(1);
      table_.idempotency_.add(std::move(key), *row.fingerprint, row.id);
    });
  }
  if (!taken.empty()) return Error::invalid_argument(fmt::format("key {} is there twice", taken));
  return {};
}

Result<void> TaskRestore::add(const KeyRow& row) {
  IdempotencyIndex& index = table_.idempotency_;
  const std::string key = IdempotencyIndex::key_of(row.of, row.key.text);
  if (index.find(key) != nullptr) {
    return Error::invalid_argument(fmt::format("key {} is there twice", row.key.text));
  }
  index.add(key, row.fingerprint, row.task);
  index.task_removed(key, row.expires);
  return {};
}

void TaskRestore::restore_attempt(const TaskRow& row, TaskRef task) {
  const AttemptRow& from = *row.attempt;
  AttemptRecord& attempt = table_.attempt_of(task);
  PartyTable& parties = table_.parties_;
  const auto party_of = [&](PartyText name) {
    if (name.text.empty()) return kNoSlot;
    const Slot party = parties.find_or_add(name.text);
    parties.use(party);
    return party;
  };
  attempt.token = {from.nonce.value, from.origin.value, from.number, party_of(from.agent)};
  attempt.ended = {from.ended_nonce.value, from.ended_origin.value, from.ended,
                   party_of(from.ended_agent)};
  attempt.ended_digest = from.ended_digest.value;
  attempt.how = from.how;
  attempt.claimed_at = from.claimed_at;
  attempt.started_at = from.started_at;
  attempt.deadline = from.deadline;
  attempt.lease_until = from.lease_until;
  attempt.cancel_at = from.cancel_at;
  attempt.lease_ttl_us = from.lease_ttl_us;
  attempt.failures = from.failures;
  attempt.crashes = from.crashes;
  attempt.releases_in_row = from.releases_in_row;
  attempt.rate_limited_in_row = from.rate_limited_in_row;
  attempt.fraction = from.fraction;
  attempt.note = SharedText(from.note.text);
  attempt.error = SharedText(from.error.text);
  attempt.checkpoint = Json(from.checkpoint.text);
  attempt.usage = Json(from.usage.text);
  attempt.result = Json(from.result.text);
}

MaybeFault TaskRestore::finish(const TotalsRow& totals, const Downtime& time,
                               AttemptPermits& permits) {
  if (table_.idempotency_.size() > table_.limits_.max_idempotency_keys) {
    return RowFault{2, "there are more keys than max_idempotency_keys"};
  }
  if (auto fault = order(totals)) return fault;
  if (auto fault = link_families()) return fault;
  if (auto fault = enter_queues()) return fault;
  if (auto fault = lease_all(time, permits)) return fault;
  if (auto fault = queue_ready(totals)) return fault;
  list_terminal();
  for (const Item& item : items_) {
    if (!is_terminal(record(item).state)) table_.set_timer(table_.at(item.slot));
  }
  table_.plan_removal(time.now);
  TaskCounters& counters = table_.counters_;
  counters.submitted = totals.submitted;
  counters.claimed = totals.claimed;
  counters.retries = totals.retries;
  counters.crashes = totals.crashes;
  counters.releases = totals.releases;
  counters.duplicates = totals.duplicates;
  counters.stale = totals.stale;
  counters.unservable = totals.unservable;
  counters.failed_attempts = totals.failed_attempts;
  const auto copy = [](const std::vector<std::uint64_t>& from, auto& to) {
    if (from.size() != to.size()) return false;
    std::copy(from.begin(), from.end(), to.begin());
    return true;
  };
  counters.wait.sum_seconds = totals.wait.sum_seconds;
  counters.duration.sum_seconds = totals.duration.sum_seconds;
  if (!copy(totals.ended, counters.ended_total) ||
      !copy(totals.wait.counts, counters.wait.counts) ||
      !copy(totals.duration.counts, counters.duration.counts)) {
    return RowFault{2, "ended, wait or duration: not as many numbers as there have to be"};
  }
  return std::nullopt;
}

// In the order of submission from here on.
MaybeFault TaskRestore::order(const TotalsRow& totals) {
  std::sort(items_.begin(), items_.end(),
            [&](const Item& a, const Item& b) { return record(a).serial < record(b).serial; });
  if (totals.next_serial == 0) return RowFault{2, "next_serial is 0"};
  std::uint64_t before = 0;
  for (const Item& item : items_) {
    const std::uint64_t serial = record(item).serial;
    if (serial == before)
      return RowFault{item.line, fmt::format("serial {} is there twice", serial)};
    if (serial >= totals.next_serial) {
      return RowFault{item.line, fmt::format("serial {} is not below next_serial", serial)};
    }
    if (totals.next_serial - record(items_.front()).serial > kMaxSerials) {
      return RowFault{items_.front().line, "serial is too far below next_serial"};
    }
    table_.serials_.restore(serial, item.slot, record(item).state);
    before = serial;
  }
  table_.serials_.restore(totals.next_serial);
  return std::nullopt;
}

MaybeFault TaskRestore::link_families() {
  for (const Item& item : items_) {
    if (auto fault = link_parents(item)) return fault;
  }
  std::vector<Item> telling;
  for (const Item& item : items_) {
    const Family* const family =
        told_.count(item.slot) == 0 ? nullptr : table_.families_.find(item.slot);
    if (family != nullptr && family->resolved < family->dependents.size()) telling.push_back(item);
  }
  std::stable_sort(telling.begin(), telling.end(),
                   [&](const Item& a, const Item& b) { return record(a).since < record(b).since; });
  for (const Item& item : telling) table_.families_.resume(item.slot);
  return std::nullopt;
}

// A parent that completed and told everybody is asked for its dependents no more.
MaybeFault TaskRestore::link_parents(const Item& item) {
  const TaskRecord& child = record(item);
  if (child.details != nullptr) {
    for (const TaskId& id : child.details->depends_on) {
      const Slot parent = table_.find(id);
      if (parent == kNoSlot) continue;
      const TaskRecord& above = table_.tasks_[parent];
      if (above.serial >= child.serial) {
        return RowFault{item.line,
                        fmt::format("depends_on: task {} was submitted later", id.str())};
      }
      const auto told = told_.find(parent);
      const bool telling = told != told_.end();
      if (above.state == TaskState::completed && !telling) continue;
      if (table_.families_.dependents(parent) >= table_.limits_.max_dependents) {
        return RowFault{item.line,
                        fmt::format("depends_on: task {} has more than max_dependents", id.str())};
      }
      table_.families_.add(parent, item.slot);
      const bool knows = telling ? child.serial <= told->second : is_terminal(above.state);
      if (knows) table_.families_.settled(parent, item.slot);
    }
  }
  const Family* const family = table_.families_.find(item.slot);
  if (child.reason == TaskReason::blocked && (family == nullptr || family->awaited == 0)) {
    return RowFault{item.line, "reason: it is blocked, but no parent is awaited"};
  }
  return std::nullopt;
}

MaybeFault TaskRestore::enter_queues() {
  for (const Item& item : items_) {
    const TaskRecord& task = record(item);
    if (is_terminal(task.state)) continue;
    for (const std::string& pool : table_.queues_.key(task.queue)->pools) {
      if (table_.permits_.find_pool(pool) != kNoSlot) continue;
      return RowFault{item.line, fmt::format("needs: there is no pool {}", pool)};
    }
    if (!table_.enter_queue(task.queue)) {
      return RowFault{item.line, "required: there are more ready queues than max_queues"};
    }
  }
  return std::nullopt;
}

// By position, so that each FIFO is one.
MaybeFault TaskRestore::queue_ready(const TotalsRow& totals) {
  std::vector<Item> placed;
  for (const Item& item : items_) {
    if (record(item).position > 0) placed.push_back(item);
  }
  std::sort(placed.begin(), placed.end(),
            [&](const Item& a, const Item& b) { return record(a).position < record(b).position; });
  table_.last_position_ = totals.last_position;
  std::uint64_t before = 0;
  for (const Item& item : placed) {
    const TaskRef task = table_.at(item.slot);
    if (task->position == before || task->position > totals.last_position) {
      return RowFault{item.line, fmt::format("position {} is there twice, or beyond last_position",
                                             task->position)};
    }
    before = task->position;
    switch (task->place) {
      case Place::fresh:
        table_.queues_.push_fresh(task);
        break;
      case Place::returned:
        table_.queues_.push_returned(task);
        break;
      case Place::key_waiting:
        table_.keys_.wait(task);
        break;
      default:
        break;
    }
  }
  for (const Item& item : items_) {
    TaskRecord& task = record(item);
    const bool waits = task.state == TaskState::pending && task.reason != TaskReason::ready;
    if (waits) task.place = Place::waiting;
  }
  return check_keys();
}

// Nobody waits for a key that has room, unless others of the group are on their way to fill it.
MaybeFault TaskRestore::check_keys() {
  const auto group = [](const TaskRecord& task) {
    return std::tuple(task.key, task.queue, task.key_limit);
  };
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint64_t> on_their_way;
  for (const Item& item : items_) {
    const TaskRecord& task = record(item);
    const bool queued = task.place == Place::fresh || task.place == Place::returned;
    if (queued && task.key != kNoSlot) ++on_their_way[group(task)];
  }
  for (const Item& item : items_) {
    const TaskRecord& task = record(item);
    if (task.place != Place::key_waiting) continue;
    if (table_.keys_.leases(task.key) + on_their_way[group(task)] >= task.key_limit) continue;
    return RowFault{item.line, "place: it waits for a concurrency_key that has room"};
  }
  return std::nullopt;
}

// Of those that ended in the same microsecond the one that was submitted first goes first.
void TaskRestore::list_terminal() {
  std::vector<Item> ended;
  for (const Item& item : items_) {
    if (is_terminal(record(item).state)) ended.push_back(item);
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [&](const Item& a, const Item& b) { return record(a).since < record(b).since; });
  for (const Item& item : ended) {
    TaskRecord& task = record(item);
    task.place = Place::terminal;
    task.prev = table_.newest_;
    (table_.newest_ == kNoSlot ? table_.oldest_ : table_.tasks_[table_.newest_].next) = item.slot;
    table_.newest_ = item.slot;
    ++table_.terminal_count_;
    table_.terminal_bytes_ += table_.record_bytes(task);
  }
}

MaybeFault TaskRestore::lease_all(const Downtime& time, AttemptPermits& permits) {
  std::sort(held_.begin(), held_.end(), [&](const Held& a, const Held& b) {
    const TaskRecord& one = table_.tasks_[a.slot];
    const TaskRecord& other = table_.tasks_[b.slot];
    const auto key = [&](const TaskRecord& task) {
      return std::tuple(table_.attempts_[task.attempt].claimed_at, task.priority, task.position);
    };
    return key(one) < key(other);
  });
  for (const Held& held : held_) {
    if (auto fault = lease(held, time, permits)) return fault;
  }
  if (!permits.empty()) {
    const auto& [fence, permit] = *permits.begin();
    return RowFault{permit.line,
                    fmt::format("permit {} is of an attempt that is not there", fence)};
  }
  return std::nullopt;
}

MaybeFault TaskRestore::lease(const Held& held, const Downtime& time, AttemptPermits& permits) {
  const TaskRef task = table_.at(held.slot);
  AttemptRecord& attempt = table_.attempts_[task->attempt];
  attempt.deadline = time.moved(attempt.deadline);
  attempt.lease_until = time.moved(attempt.lease_until);
  attempt.cancel_at = time.moved(attempt.cancel_at);
  const Slot party_slot = attempt.token.party;
  Party& party = table_.parties_[party_slot];
  ++party.leases;
  attempt.lease_next = party.first_lease;
  if (party.first_lease != kNoSlot) {
    table_.attempts_[table_.tasks_[party.first_lease].attempt].lease_prev = task;
  }
  party.first_lease = task;
  task->place = Place::leased;
  if (task->key != kNoSlot) table_.keys_.leased(task->key);
  if (!held.claim_id.empty()) table_.join_claim_group(task, party_slot, held.claim_id);
  if (held.permit == 0) return std::nullopt;
  const auto permit = permits.find(held.permit);
  if (permit == permits.end()) {
    return RowFault{held.line,
                    fmt::format("attempt: permit {} is not there, or of another one", held.permit)};
  }
  attempt.permit = permit->second.slot;
  permits.erase(permit);
  return std::nullopt;
}

QueueSlot TaskRestore::stand(const QueueRow& row, const std::vector<NeedRow>& needs, Slot waiter,
                             std::uint64_t number) {
  const QueueSlot queue = table_.queues_.find_or_add(strings_of(row.required), row.directed.text,
                                                     strings_of(row.excluded), pools_of(needs));
  QueueNeeds& mine = table_.queues_.needs(queue);
  if (table_.queues_.live(queue) == 0 || needs.empty() || mine.waiter != kNoSlot) {
    return kNoSlot;
  }
  mine.waiter = waiter;
  mine.since = row.since;
  mine.number = number;
  return queue;
}

Result<void> TaskRestore::call(const CalledRow& row) {
  const QueueSlot queue =
      table_.queues_.find_or_add(strings_of(row.required), row.directed.text,
                                 strings_of(row.excluded), strings_of(row.pools));
  QueueNeeds& mine = table_.queues_.needs(queue);
  if (table_.queues_.live(queue) == 0 || row.pools.empty() || mine.number != 0) {
    return Error::invalid_argument("it has no tasks, no pools, or another place in line");
  }
  mine.number = row.number;
  table_.called_.insert(queue);
  return {};
}

std::vector<std::pair<QueueSlot, std::uint32_t>> TaskRestore::ready() const {
  std::unordered_map<QueueSlot, std::uint32_t> counts;
  for (const Item& item : items_) {
    const TaskRecord& task = std::as_const(table_.tasks_)[item.slot];
    if (task.place == Place::fresh || task.place == Place::returned) ++counts[task.queue];
  }
  return {counts.begin(), counts.end()};
}

}  // namespace controlplane
