#include "engine/permit_restore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/namespace.hpp"

namespace controlplane {

std::string PermitRestore::refuse(const PoolRow& row) const {
  const Limits& limits = table_.limits_;
  if (table_.pool_index_.find(row.name.text) != kNoSlot)
    return fmt::format("pool {} is there twice", row.name.text);
  if (table_.pool_index_.size() >= limits.max_pools) {
    return fmt::format("there are more pools than max_pools ({})", limits.max_pools);
  }
  if (row.capacity > limits.max_amount && row.capacity != kUnlimited)
    return "capacity is out of range";
  const std::uint64_t period = static_cast<std::uint64_t>(row.period_ms);
  if (row.kind == PoolKind::window &&
      (period == 0 ||
       period > static_cast<std::uint64_t>(std::chrono::milliseconds(limits.max_delay).count()))) {
    return "period_ms is out of range";
  }
  if (row.kind == PoolKind::number &&
      (row.first > row.last || std::uint64_t{row.last} - row.first >= limits.max_pool_numbers)) {
    return "first and last are no range of at most max_pool_numbers";
  }
  std::set<std::string_view> owners;
  for (const WeightRow& weight : row.weights) {
    if (weight.weight == 0 || !owners.insert(weight.owner.text).second) {
      return "weights: a weight is 0, or an owner is there twice";
    }
  }
  if (row.weights.size() > limits.max_weights) return "weights: there are more than max_weights";
  if (row.is_lease && (row.kind != PoolKind::count || row.capacity != 1))
    return "is_lease: it is no count of 1";
  return {};
}

Result<void> PermitRestore::add(const PoolRow& row, std::uint64_t line, Timestamp now) {
  if (std::string why = refuse(row); !why.empty()) return Error::invalid_argument(std::move(why));
  PoolSpec spec;
  spec.name = row.name.text;
  spec.kind = row.kind;
  spec.capacity = row.capacity;
  spec.first = row.first;
  spec.last = row.last;
  spec.period = std::chrono::milliseconds(row.period_ms);
  std::vector<double> taken{row.taken};
  for (const WeightRow& weight : row.weights) {
    spec.weights.emplace_back(weight.owner.text, weight.weight);
    taken.push_back(weight.taken);
  }
  const Slot slot = table_.add_pool(spec);
  if (!table_.pools_[slot].restore(row, now)) {
    return Error::invalid_argument(
        "used, slice, slices or free do not go with its kind, or are out of range");
  }
  items_.push_back({slot, line, std::move(taken), row.virtual_time});
  return {};
}

Result<void> PermitRestore::add_share(const ShareRow& row, std::vector<PermitShare>& shares) const {
  const Slot slot = table_.pool_index_.find(row.pool.text);
  if (slot == kNoSlot)
    return Error::invalid_argument(fmt::format("shares: there is no pool {}", row.pool.text));
  const PermitPool& pool = std::as_const(table_.pools_)[slot];
  const bool numbered = pool.spec().kind == PoolKind::number;
  const bool twice =
      std::any_of(shares.begin(), shares.end(), [&](const auto& s) { return s.pool == slot; });
  if (twice || row.amount == 0 || row.amount > table_.limits_.max_amount ||
      row.numbers.size() != (numbered ? row.amount : 0) ||
      (pool.spec().kind != PoolKind::window && row.slice != 0)) {
    return Error::invalid_argument(fmt::format("shares: that of pool {} cannot be", row.pool.text));
  }
  shares.push_back({slot, row.amount, row.slice, row.numbers});
  return {};
}

Result<void> PermitRestore::add(const PermitRow& row, std::uint64_t line, const Downtime& time) {
  if (table_.by_fence_.size() >= table_.limits_.max_permits && !row.of_attempt) {
    return Error::resource_exhausted(
        fmt::format("there are more permits than max_permits ({})", table_.limits_.max_permits));
  }
  if (row.fence == 0 || row.shares.empty() || row.shares.size() > table_.limits_.max_needs) {
    return Error::invalid_argument("fence is 0, or shares are none or more than max_needs");
  }
  if (row.of_attempt ? row.expires_at != 0 || !row.operation.text.empty() : row.expires_at == 0) {
    return Error::invalid_argument("expires_at or operation do not go with of_attempt");
  }
  const std::string operation(row.operation.text);
  if (table_.permit_of_operation_.count(operation) > 0) {
    return Error::invalid_argument(fmt::format("operation {} is there twice", operation));
  }
  std::vector<PermitShare> shares;
  for (const ShareRow& share : row.shares) {
    if (auto added = add_share(share, shares); !added) return added;
  }
  const Slot slot = table_.permits_.take();
  PermitRecord& permit = table_.permits_[slot];
  permit.fence = row.fence;
  permit.owner = row.owner.text;
  permit.shares = std::move(shares);
  permit.acquired_at = row.acquired_at;
  permit.expires_at = time.moved(row.expires_at);
  permit.operation = operation;
  permit.of_attempt = row.of_attempt;
  permits_.emplace_back(slot, line);
  if (row.of_attempt) return {};
  table_.by_fence_.insert(static_cast<std::uint32_t>(permit.fence), slot);
  if (!operation.empty()) table_.permit_of_operation_.emplace(operation, slot);
  table_.expiries_.set(slot, permit.expires_at);
  return {};
}

MaybeFault PermitRestore::finish_permits(const TotalsRow& totals, AttemptPermits& of_attempts) {
  table_.last_fence_ = totals.last_fence;
  table_.last_number_ = totals.last_waiter;
  table_.granted_total_ = totals.granted;
  table_.expired_total_ = totals.permits_expired;
  table_.refused_total_ = totals.refused;
  std::sort(permits_.begin(), permits_.end(), [&](const auto& a, const auto& b) {
    return table_.permits_[a.first].fence < table_.permits_[b.first].fence;
  });
  std::uint64_t before = 0;
  for (const auto& [slot, line] : permits_) {
    const PermitRecord& permit = table_.permits_[slot];
    if (permit.fence == before || permit.fence > totals.last_fence) {
      return RowFault{line,
                      fmt::format("permit {} is there twice, or beyond last_fence", permit.fence)};
    }
    before = permit.fence;
    for (const PermitShare& share : permit.shares) {
      table_.pools_[share.pool].permits.add(permit.fence, slot);
    }
    if (permit.of_attempt) of_attempts.emplace(permit.fence, AttemptPermit{slot, line});
  }
  for (const Item& item : items_) {
    std::string why = check(table_.pools_[item.pool], item.pool);
    if (!why.empty()) return RowFault{item.line, std::move(why)};
  }
  return std::nullopt;
}

// What is wrong with what a pool says of its permits.
std::string PermitRestore::check(const PermitPool& pool, Slot slot) const {
  constexpr std::uint64_t kEnough = kUnlimited / 4;  // more than a pool can say
  std::uint64_t amount = 0;
  std::map<std::int64_t, std::uint64_t> in_slice;
  pool.permits.scan(0, table_.is_live(), [&](std::uint64_t, Slot permit) {
    for (const PermitShare& share : table_.permits_[permit].shares) {
      if (share.pool != slot) continue;
      amount = std::min(kEnough, amount + share.amount);
      std::uint64_t& taken = in_slice[share.slice];
      taken = std::min(kEnough, taken + share.amount);
    }
    return true;
  });
  switch (pool.spec().kind) {
    case PoolKind::count:
    case PoolKind::number:
      if (amount != pool.used_) return "used is not what its permits have";
      return pool.spec().kind == PoolKind::number ? check_numbers(pool, slot) : std::string();
    case PoolKind::budget:
      return amount > pool.used_ ? "used is less than what its permits have" : std::string();
    case PoolKind::window:
      break;
  }
  for (const auto& [slice, taken] : in_slice) {
    const bool ahead = slice > pool.window_->slice();
    if (ahead || (pool.window_->counts(slice) && taken > pool.window_->used_in(slice))) {
      return "slices are less than what its permits have";
    }
  }
  return {};
}

// Each number of the range is free or out, and none is out twice.
std::string PermitRestore::check_numbers(const PermitPool& pool, Slot slot) const {
  const auto in_range = [&](std::uint32_t number) {
    return number >= pool.spec().first && number <= pool.spec().last;
  };
  std::set<std::uint32_t> seen;
  std::size_t inside = 0;
  bool twice = false;
  const auto see = [&](std::uint32_t number) {
    twice = twice || !seen.insert(number).second;
    inside += in_range(number) ? 1 : 0;
  };
  for (const std::uint32_t number : pool.free_) {
    if (!in_range(number)) return "free: a number is out of its range";
    see(number);
  }
  pool.permits.scan(0, table_.is_live(), [&](std::uint64_t, Slot permit) {
    for (const PermitShare& share : table_.permits_[permit].shares) {
      if (share.pool == slot) std::for_each(share.numbers.begin(), share.numbers.end(), see);
    }
    return true;
  });
  if (twice) return "a number is free or out twice";
  return inside == pool.bound() ? std::string() : "a number is neither free nor out";
}

Result<void> PermitRestore::add_needs(const std::vector<NeedRow>& rows,
                                      std::vector<PoolNeed>& needs) const {
  for (const NeedRow& row : rows) {
    const Slot pool = table_.pool_index_.find(row.pool.text);
    const bool twice =
        std::any_of(needs.begin(), needs.end(), [&](const auto& n) { return n.pool == pool; });
    if (pool == kNoSlot || twice || row.amount == 0) {
      return Error::invalid_argument(fmt::format(
          "needs: there is no pool {}, or it is there twice, or for nothing", row.pool.text));
    }
    needs.push_back({pool, row.amount});
  }
  if (needs.empty() || needs.size() > table_.limits_.max_needs) {
    return Error::invalid_argument("needs: there are none, or more than max_needs");
  }
  return {};
}

Result<void> PermitRestore::add(const WaiterRow& row, const TotalsRow& totals,
                                const QueueOf& queue_of) {
  std::vector<PoolNeed> needs;
  if (auto added = add_needs(row.needs, needs); !added) return added;
  const Slot line = table_.pool_index_.find(row.line.text);
  const bool stands =
      std::any_of(needs.begin(), needs.end(), [&](const auto& n) { return n.pool == line; });
  if (line == kNoSlot || !stands || row.passed > needs.size()) {
    return Error::invalid_argument("line is none of its needs, or passed are more than these");
  }
  if (auto numbered = take_number(row.number, totals); !numbered) return numbered;
  const std::string operation(row.operation.text);
  const bool is_caller =
      !operation.empty() && !row.owner.text.empty() && row.waits_until != 0 && row.ttl_us != 0;
  if (row.queue ? !operation.empty() || !row.owner.text.empty() : !is_caller) {
    return Error::invalid_argument(
        "it is neither a caller with owner, operation, ttl_us and waits_until nor a queue");
  }
  if (table_.waiter_of_operation_.count(operation) + table_.permit_of_operation_.count(operation) >
      0) {
    return Error::invalid_argument(fmt::format("operation {} is there twice", operation));
  }
  const Slot slot = table_.waiters_.take();
  PermitWaiter& waiter = table_.waiters_[slot];
  waiter.number = row.number;
  waiter.owner = row.owner.text;
  waiter.needs = std::move(needs);
  waiter.priority = row.priority;
  waiter.ttl_us = row.ttl_us;
  waiter.operation = operation;
  waiter.passed = row.passed;
  if (row.queue) {
    waiter.queue = queue_of(row, slot);
    if (waiter.queue == kNoSlot)
      return Error::invalid_argument("queue: it has no tasks, or stands in line already");
  } else {
    if (table_.waiter_of_operation_.size() >= table_.limits_.max_permit_waiters) {
      return Error::resource_exhausted("there are more waiters than max_permit_waiters");
    }
    table_.waiter_of_operation_.emplace(operation, slot);
    table_.deadlines_.set(slot, row.waits_until);
  }
  for (const PoolNeed& need : waiter.needs) ++table_.pools_[need.pool].awaited;
  table_.stand(slot, line);
  return {};
}

Result<void> PermitRestore::take_number(std::uint64_t number, const TotalsRow& totals) {
  if (number != 0 && number <= totals.last_waiter && numbers_.insert(number).second) return {};
  return Error::invalid_argument(
      fmt::format("number {} is 0, there twice, or beyond last_waiter", number));
}

// Standing in line changed what owners have taken; and whose turn it is by now is for advance to
// see.
void PermitRestore::finish(Timestamp now) {
  for (const Item& item : items_) {
    PermitPool& pool = table_.pools_[item.pool];
    pool.waiting.restore(item.taken, item.virtual_time);
    if (pool.waiting.size() > 0) table_.looks_.set(item.pool, now);
  }
}

}  // namespace controlplane
