// Pools, permits and who waits for one, as rows.
#include <algorithm>
#include <utility>

#include "engine/permit_table.hpp"
#include "engine/row_record.hpp"

namespace controlplane {

void PermitPool::describe(PoolRow& row) const {
  row.name.text = spec_.name;
  row.kind = spec_.kind;
  row.capacity = spec_.capacity;
  row.first = spec_.first;
  row.last = spec_.last;
  row.period_ms = spec_.period.count();
  std::vector<double> taken;
  waiting.describe(taken);
  row.taken = taken[0];
  for (std::size_t i = 0; i < spec_.weights.size(); ++i) {
    const auto& [owner, weight] = spec_.weights[i];
    row.weights.push_back({{owner}, weight, taken[i + 1]});
  }
  row.virtual_time = waiting.virtual_time();
  row.used = used_;
  if (window_ != nullptr) {
    row.slice = window_->slice();
    window_->describe(row.slices);
  }
  row.free.assign(free_.begin(), free_.end());
  row.granted = granted_total;
  row.expired = expired_total;
  row.is_lease = is_lease;
}

bool PermitPool::restore(const PoolRow& row, Timestamp now) {
  if (window_ != nullptr) {
    if (row.used != 0 || !window_->restore(row.slice, row.slices, UINT64_MAX / 256, now))
      return false;
  } else if (row.slice != 0 || !row.slices.empty() || row.used > UINT64_MAX / 256) {
    return false;
  }
  if (spec_.kind != PoolKind::number && !row.free.empty()) return false;
  used_ = row.used;
  free_.assign(row.free.begin(), row.free.end());
  granted_total = row.granted;
  expired_total = row.expired;
  is_lease = row.is_lease;
  return true;
}

void PermitTable::begin_export(ExportAside& aside) {
  pools_.cut.begin(pools_.end(), aside,
                   [this](Slot slot, RowBuffer& out) { return write_pool(slot, out); });
  permits_.cut.begin(permits_.end(), aside,
                     [this](Slot slot, RowBuffer& out) { return write_permit(slot, out); });
  waiters_.cut.begin(waiters_.end(), aside,
                     [this](Slot slot, RowBuffer& out) { return write_waiter(slot, out); });
}

void PermitTable::end_export() noexcept {
  pools_.cut.end();
  permits_.cut.end();
  waiters_.cut.end();
}

void PermitTable::add_to(RowCounts& counts, TotalsRow& totals) const {
  counts.pools = pool_index_.size();
  counts.permits = permits_.size();
  counts.waiters = waiters_.size();
  totals.last_fence = last_fence_;
  totals.last_waiter = last_number_;
  totals.granted = granted_total_;
  totals.permits_expired = expired_total_;
  totals.refused = refused_total_;
}

bool PermitTable::write_pool(Slot slot, RowBuffer& out) const {
  const PermitPool& pool = pools_[slot];
  if (pool.spec().name.empty()) return false;
  PoolRow row;
  pool.describe(row);
  append_framed(out, row);
  return true;
}

bool PermitTable::write_permit(Slot slot, RowBuffer& out) const {
  const PermitRecord& permit = permits_[slot];
  if (permit.fence == 0) return false;
  PermitRow row;
  row.fence = permit.fence;
  row.owner.text = permit.owner;
  for (const PermitShare& share : permit.shares) {
    row.shares.push_back(
        {{pools_[share.pool].spec().name}, share.amount, share.slice, share.numbers});
  }
  row.acquired_at = permit.acquired_at;
  row.expires_at = permit.expires_at;
  row.operation.text = permit.operation;
  row.of_attempt = permit.of_attempt;
  append_framed(out, row);
  return true;
}

bool PermitTable::write_waiter(Slot slot, RowBuffer& out) const {
  const PermitWaiter& waiter = waiters_[slot];
  if (waiter.number == 0) return false;
  WaiterRow row;
  row.number = waiter.number;
  row.line.text = pools_[waiter.line].spec().name;
  row.passed = static_cast<std::uint32_t>(waiter.passed);
  for (const PoolNeed& need : waiter.needs) {
    row.needs.push_back({{pools_[need.pool].spec().name}, need.amount});
  }
  row.priority = waiter.priority;
  if (waiter.queue == kNoSlot) {
    row.owner.text = waiter.owner;
    row.operation.text = waiter.operation;
    row.ttl_us = waiter.ttl_us;
    row.waits_until = std::min(deadlines_.when_at(waiter.place), kLastMoment);
  } else {
    const QueueKey& key = waker_->key_of(waiter.queue);
    QueueRow& queue = row.queue.emplace();
    for (const std::string& name : key.required) queue.required.push_back({name});
    queue.directed.text = key.directed;
    for (const std::string& name : key.excluded) queue.excluded.push_back({name});
    queue.since = waker_->waits_since(waiter.queue);
  }
  append_framed(out, row);
  return true;
}

}  // namespace controlplane
