// Tasks as rows.
#include "engine/row_record.hpp"
#include "engine/task_table.hpp"

namespace controlplane {

namespace {

void describe(const TaskDetails& details, TaskRow& row) {
  row.named = !details.own_id.empty();
  row.depends_on = details.depends_on;
  row.idempotency_key.text = details.idempotency_key;
  row.operation_id.text = details.operation_id;
  row.replayed_from = details.replayed_from;
  row.original = details.original;
  for (const PermitNeed& need : details.needs) row.needs.push_back({{need.pool}, need.amount});
  for (const auto& [key, value] : details.labels) row.labels.push_back({{key}, {value}});
  row.trace.text = details.trace;
  row.metadata.text = details.metadata;
}

void describe(const TaskPolicy& policy, TaskRow& row) {
  row.timeout_us = policy.timeout_us;
  row.queue_timeout_us = policy.queue_timeout_us;
  row.total_timeout_us = policy.total_timeout_us;
  row.delay_us = policy.delay_us;
  row.max_delay_us = policy.max_delay_us;
  row.backoff = policy.backoff;
  row.max_retries = policy.max_retries;
  row.allow_failed_parents = policy.allow_failed_parents != 0;
}

}  // namespace

void TaskTable::begin_export(ExportAside& aside) {
  tasks_.cut.begin(tasks_.end(), aside,
                   [this](Slot slot, RowBuffer& out) { return write_row(slot, out); });
  idempotency_.removed_cut().begin(
      idempotency_.removed_end(), aside, [this](Slot slot, RowBuffer& out) {
        const IdempotencyIndex::Removed& removed = idempotency_.removed(slot);
        if (removed.entry == nullptr) return false;
        const auto& [key, entry] = *removed.entry;
        KeyRow row;
        row.of = IdempotencyIndex::kind_of(key);
        row.key.text = std::string_view(key).substr(1);
        row.task = entry.task;
        row.fingerprint = entry.fingerprint;
        row.expires = removed.expires;
        append_framed(out, row);
        return true;
      });
  put_called_aside(aside);
}

// Few, and not in a slab of their own: they go at once.
void TaskTable::put_called_aside(ExportAside& aside) const {
  for (const QueueSlot queue : called_) {
    aside.add([&](RowBuffer& out) {
      const QueueKey& key = *queues_.key(queue);
      CalledRow row;
      row.number = queues_.needs(queue).number;
      for (const std::string& name : key.required) row.required.push_back({name});
      row.directed.text = key.directed;
      for (const std::string& name : key.excluded) row.excluded.push_back({name});
      for (const std::string& name : key.pools) row.pools.push_back({name});
      append_framed(out, row);
      return true;
    });
  }
}

void TaskTable::end_export() noexcept {
  tasks_.cut.end();
  idempotency_.removed_cut().end();
}

void TaskTable::add_to(RowCounts& counts, TotalsRow& totals) const {
  counts.tasks = tasks_.size();
  counts.called = called_.size();
  counts.keys = idempotency_.removed_size();
  totals.next_serial = serials_.next();
  totals.last_position = last_position_;
  totals.submitted = counters_.submitted;
  totals.claimed = counters_.claimed;
  totals.retries = counters_.retries;
  totals.crashes = counters_.crashes;
  totals.releases = counters_.releases;
  totals.duplicates = counters_.duplicates;
  totals.stale = counters_.stale;
  totals.unservable = counters_.unservable;
  totals.failed_attempts = counters_.failed_attempts;
  totals.ended.assign(counters_.ended_total.begin(), counters_.ended_total.end());
  totals.wait.counts.assign(counters_.wait.counts.begin(), counters_.wait.counts.end());
  totals.wait.sum_seconds = counters_.wait.sum_seconds;
  totals.duration.counts.assign(counters_.duration.counts.begin(), counters_.duration.counts.end());
  totals.duration.sum_seconds = counters_.duration.sum_seconds;
}

bool TaskTable::write_row(Slot slot, RowBuffer& out) const {
  const TaskRecord& record = tasks_[slot];
  if (record.serial == 0) return false;
  TaskRow row;
  row.id = id_of(record);
  row.serial = record.serial;
  row.type.text = types_.text(record.type);
  row.state = record.state;
  row.reason = record.reason;
  if (record.reason == TaskReason::ready) row.place = record.place;
  row.priority = record.priority;
  row.submitted_at = record.submitted_at;
  row.since = record.since;
  row.until = record.until;
  row.first_ready = record.first_ready;
  row.position = record.position;
  const QueueKey& queue = *queues_.key(record.queue);
  for (const std::string& name : queue.required) row.required.push_back({name});
  row.directed.text = queue.directed;
  for (const std::string& name : queue.excluded) row.excluded.push_back({name});
  describe(policies_[record.policy], row);
  if (record.key != kNoSlot) {
    row.concurrency_key.text = keys_.name(record.key);
    row.concurrency_limit = record.key_limit;
  }
  row.cancel_requested = record.cancel_requested;
  if (record.details != nullptr) describe(*record.details, row);
  if (record.keyed) {
    IdempotencyIndex::visit_keys(*record.details, [&](const std::string& key) {
      row.fingerprint = idempotency_.find(key)->fingerprint;
    });
  }
  describe_family(record, row);
  row.payload.text = record.payload;
  if (record.attempt != kNoSlot) describe_attempt(record, row.attempt.emplace());
  append_framed(out, row);
  return true;
}

// Who depends on it says so itself; here is only how far they were told.
void TaskTable::describe_family(const TaskRecord& record, TaskRow& row) const {
  const Family* const family = families_.find(record);
  if (family == nullptr || !family->resolving) return;
  row.telling = true;
  row.told_to = Families::told_to(*family);
}

void TaskTable::describe_attempt(const TaskRecord& record, AttemptRow& row) const {
  const AttemptRecord& attempt = attempts_[record.attempt];
  row.number = attempt.token.attempt;
  row.nonce.value = attempt.token.nonce;
  row.origin.value = attempt.token.origin;
  if (attempt.token.party != kNoSlot) row.agent.text = parties_[attempt.token.party].name;
  row.ended = attempt.ended.attempt;
  row.ended_nonce.value = attempt.ended.nonce;
  row.ended_origin.value = attempt.ended.origin;
  row.ended_digest.value = attempt.ended_digest;
  if (attempt.ended.party != kNoSlot) row.ended_agent.text = parties_[attempt.ended.party].name;
  row.how = attempt.how;
  row.claimed_at = attempt.claimed_at;
  row.started_at = attempt.started_at;
  row.deadline = attempt.deadline;
  row.lease_until = attempt.lease_until;
  row.cancel_at = attempt.cancel_at;
  row.lease_ttl_us = attempt.lease_ttl_us;
  if (attempt.claim_group != kNoSlot)
    row.claim_id.text = claim_groups_[attempt.claim_group].claim_id;
  if (record.place == Place::leased && attempt.permit != kNoSlot)
    row.permit = permits_.fence_of(attempt.permit);
  row.failures = attempt.failures;
  row.crashes = attempt.crashes;
  row.releases_in_row = attempt.releases_in_row;
  row.rate_limited_in_row = attempt.rate_limited_in_row;
  row.fraction = attempt.fraction;
  row.note.text = attempt.note;
  row.error.text = attempt.error;
  row.checkpoint.text = attempt.checkpoint;
  row.usage.text = attempt.usage;
  row.result.text = attempt.result;
}

}  // namespace controlplane
