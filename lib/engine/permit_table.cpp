// Permits and their ends; permit_waiting.cpp has who waits, permit_pools.cpp the pools.
#include "engine/permit_table.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::uint64_t kNewcomer = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kSpareShares = 1'024;
constexpr int kExpiredAtOnce = 16;  // by one operation; the rest is left to advance

Error no_permit(std::uint64_t fence) {
  return Error::not_found(
      fmt::format("there is no permit {}: it was released, or it has expired", fence));
}

const PermitNeed* find_need(std::span<const PermitNeed> needs, std::string_view pool) {
  for (const PermitNeed& need : needs) {
    if (need.pool == pool) return &need;
  }
  return nullptr;
}

}  // namespace

void PermitTable::acquire(AcquirePermit& op, Timestamp now, Effects& effects) {
  op.permit.reset();
  expire_for(op, now, effects);
  needs_.clear();
  if (!resolve(op, needs_)) return;
  const Slot first = needs_.front().pool;
  if (!answers_again(op, needs_)) acquire_anew(op, now, effects);
  if (op.is_lease) drop_unused_lease(first);
}

void PermitTable::acquire_anew(AcquirePermit& op, Timestamp now, Effects& effects) {
  std::size_t passed = 0;
  const Slot line = next_line(needs_, op.owner, op.priority, kNewcomer, passed, now);
  if (line != kNoSlot && op.waits_until <= now) {
    ++refused_total_;
    op.failed = shortage(op, line, now);
  } else if (auto refused = no_room(line != kNoSlot)) {
    op.failed = std::move(refused);
  } else if (line == kNoSlot) {
    op.permit = view(permits_[grant(op.owner, needs_, op.ttl_us, op.operation_id, now, effects)]);
  } else {
    park(op, needs_, line, passed);
    serve_lines(now, effects);
  }
}

// There is always room for the permits of those who wait.
std::optional<Error> PermitTable::no_room(bool waits) const {
  if (by_fence_.size() + waiter_of_operation_.size() >= limits_.max_permits) {
    return Error::resource_exhausted(
        fmt::format("{} permits are out or waited for; the limit max_permits is {}",
                    by_fence_.size() + waiter_of_operation_.size(), limits_.max_permits));
  }
  if (waits && waiter_of_operation_.size() >= limits_.max_permit_waiters) {
    return Error::resource_exhausted(
        fmt::format("{} callers wait for permits; the limit max_permit_waiters is {}",
                    waiter_of_operation_.size(), limits_.max_permit_waiters));
  }
  return std::nullopt;
}

// Names pools, and makes that of a lease; what fails leaves none behind.
bool PermitTable::resolve(AcquirePermit& op, std::vector<PoolNeed>& needs) {
  for (const PermitNeed& need : op.needs) {
    Slot pool = pool_index_.find(need.pool);
    if (pool == kNoSlot && op.is_lease) {
      if (pool_index_.size() >= limits_.max_pools) {
        op.failed = Error::resource_exhausted(
            fmt::format("lease {} would be one more; the limit max_pools is {}", need.pool,
                        limits_.max_pools));
        return false;
      }
      PoolSpec spec;
      spec.name = need.pool;
      pool = add_pool(spec);
      pools_[pool].is_lease = true;
    }
    if (pool == kNoSlot) {
      op.failed = Error::not_found(fmt::format("there is no pool {}", need.pool));
      return false;
    }
    if (op.is_lease && !pools_[pool].fits_a_lease()) {
      op.failed = Error::failed_precondition(
          fmt::format("pool {} is none of a lease: it is not a count of 1", need.pool));
      return false;
    }
    if (need.amount > pools_[pool].bound()) {
      op.failed = Error::invalid_argument(fmt::format("pool {} never has {} at once; its capacity is {}",
                                                      need.pool, need.amount, pools_[pool].bound()));
      return false;
    }
    needs.push_back({pool, need.amount});
  }
  return true;
}

bool PermitTable::answers_again(AcquirePermit& op, const std::vector<PoolNeed>& needs) {
  if (op.operation_id.empty()) return false;
  const auto other = [&] {
    op.failed = Error::already_exists(
        fmt::format("operation {} has acquired another permit", op.operation_id));
  };
  if (const auto at = permit_of_operation_.find(op.operation_id); at != permit_of_operation_.end()) {
    const PermitRecord& permit = permits_[at->second];
    const bool same = permit.owner == op.owner &&
                      std::equal(needs.begin(), needs.end(), permit.shares.begin(),
                                 permit.shares.end(), [](const PoolNeed& a, const PermitShare& b) {
                                   return a.pool == b.pool && a.amount == b.amount;
                                 });
    if (same) {
      op.permit = view(permit);
    } else {
      other();
    }
    return true;
  }
  const auto at = waiter_of_operation_.find(op.operation_id);
  if (at == waiter_of_operation_.end()) return false;
  const PermitWaiter& waiter = waiters_[at->second];
  if (waiter.owner != op.owner || waiter.needs != needs) other();
  return true;
}

Slot PermitTable::make_permit(std::string_view owner, const std::vector<PoolNeed>& needs,
                              Timestamp now) {
  const Slot slot = permits_.take();
  PermitRecord& permit = permits_[slot];
  permit.fence = ++last_fence_;
  permit.owner = owner;
  permit.acquired_at = now;
  if (!spare_shares_.empty()) {
    permit.shares = std::move(spare_shares_.back());
    spare_shares_.pop_back();
  }
  for (const PoolNeed& need : needs) {
    PermitPool& pool = pools_[need.pool];
    permit.shares.push_back(pool.take(need.pool, need.amount, now));
    pool.permits.add(permit.fence, slot);
    pool.waiting.took(owner, need.amount);
    ++pool.granted_total;
  }
  ++granted_total_;
  return slot;
}

Slot PermitTable::grant(std::string_view owner, const std::vector<PoolNeed>& needs,
                        std::int64_t ttl_us, std::string_view operation, Timestamp now,
                        Effects& effects) {
  const Slot slot = make_permit(owner, needs, now);
  PermitRecord& permit = permits_[slot];
  permit.expires_at = now + ttl_us;
  permit.operation = operation;
  by_fence_.insert(static_cast<std::uint32_t>(permit.fence), slot);
  if (!operation.empty()) permit_of_operation_.emplace(operation, slot);
  expiries_.set(slot, permit.expires_at);
  tell(permit, EventType::permit_acquired, now, effects);
  return slot;
}

// No event: the claim of its task is one.
Slot PermitTable::take_for_attempt(std::string_view owner, const std::vector<PoolNeed>& needs,
                                   Timestamp now) {
  const Slot slot = make_permit(owner, needs, now);
  permits_[slot].of_attempt = true;
  return slot;
}

void PermitTable::end_attempt(Slot slot, std::span<const PermitNeed> used, bool unused,
                              Timestamp now, Effects& effects) {
  end_shares(permits_[slot], used, unused, now);
  drop_permit(slot);
  serve_lines(now, effects);
}

void PermitTable::end_shares(PermitRecord& permit, std::span<const PermitNeed> used, bool unused,
                             Timestamp now) {
  for (PermitShare& share : permit.shares) {
    PermitPool& pool = pools_[share.pool];
    if (unused) {
      pool.give_back(share, ShareEnd::unused, now);
      continue;
    }
    const PermitNeed* const told = find_need(used, pool.spec().name);
    pool.settle(share, told == nullptr ? share.amount : told->amount, now);
  }
}

// The permit, or kNoSlot and why not.
Slot PermitTable::require(std::uint64_t fence, std::string_view owner, std::optional<Error>& failed,
                          Timestamp now, Effects& effects) {
  const Slot slot = by_fence_.find(static_cast<std::uint32_t>(fence), [&](Slot permit) {
    return permits_[permit].fence == fence;
  });
  if (slot == kNoSlot) {
    failed = no_permit(fence);
    return kNoSlot;
  }
  if (permits_[slot].expires_at <= now) {
    expire(slot, now, effects);
    serve_lines(now, effects);
    failed = no_permit(fence);
    return kNoSlot;
  }
  if (permits_[slot].owner != owner) {
    failed = Error::conflict(
        fmt::format("permit {} belongs to {}, not to {}", fence, permits_[slot].owner, owner));
    return kNoSlot;
  }
  return slot;
}

void PermitTable::renew(RenewPermit& op, Timestamp now, Effects& effects) {
  const Slot slot = require(op.fence, op.owner, op.failed, now, effects);
  if (slot == kNoSlot) return;
  PermitRecord& permit = permits_[slot];
  permit.expires_at = std::max(permit.expires_at, now + op.ttl_us);
  expiries_.set(slot, permit.expires_at);
  op.expires_at = permit.expires_at;
}

void PermitTable::end(EndPermit& op, Timestamp now, Effects& effects) {
  const Slot slot = require(op.fence, op.owner, op.failed, now, effects);
  if (slot == kNoSlot) return;
  PermitRecord& permit = permits_[slot];
  for (const PermitNeed& used : op.used) {
    const bool held = std::any_of(permit.shares.begin(), permit.shares.end(), [&](const auto& share) {
      return pools_[share.pool].spec().name == used.pool;
    });
    if (held) continue;
    op.failed = Error::invalid_argument(
        fmt::format("permit {} has nothing of pool {}", op.fence, used.pool));
    return;
  }
  end_shares(permit, op.used, !op.settles, now);
  tell(permit, op.settles ? EventType::permit_settled : EventType::permit_released, now, effects);
  drop_permit(slot);
  serve_lines(now, effects);
}

void PermitTable::expire(Slot slot, Timestamp now, Effects& effects) {
  PermitRecord& permit = permits_[slot];
  for (PermitShare& share : permit.shares) {
    pools_[share.pool].give_back(share, ShareEnd::expired, now);
    ++pools_[share.pool].expired_total;
  }
  ++expired_total_;
  tell(permit, EventType::permit_expired, now, effects);
  drop_permit(slot);
}

// What is due, so far as the answer depends on it. Before the pools are resolved: that of a lease
// may go with its permit.
void PermitTable::expire_for(const AcquirePermit& op, Timestamp now, Effects& effects) {
  const auto same = permit_of_operation_.find(op.operation_id);
  if (same != permit_of_operation_.end() && permits_[same->second].expires_at <= now) {
    expire(same->second, now, effects);
  }
  const auto is_short = [&](const PermitNeed& need) {
    const Slot pool = pool_index_.find(need.pool);
    return pool != kNoSlot && pools_[pool].available(now) < need.amount;
  };
  do {
    expire_due(now, effects);
  } while (expiries_.next() <= now && std::any_of(op.needs.begin(), op.needs.end(), is_short));
  serve_lines(now, effects);
}

void PermitTable::expire_due(Timestamp now, Effects& effects) {
  if (expiries_.next() > now) return;
  for (int i = 0; i < kExpiredAtOnce && expiries_.next() <= now; ++i) {
    expire(expiries_.top(), now, effects);
  }
  serve_lines(now, effects);
}

void PermitTable::drop_permit(Slot slot) {
  PermitRecord& permit = permits_[slot];
  if (!permit.of_attempt) {
    expiries_.erase(slot);
    by_fence_.erase(slot);
  }
  if (!permit.operation.empty()) permit_of_operation_.erase(permit_of_operation_.find(permit.operation));
  std::vector<PermitShare> shares = std::move(permit.shares);
  permits_.give_back(slot);
  for (const PermitShare& share : shares) {
    pools_[share.pool].permits.ended(is_live());
    changed_.push_back(share.pool);
  }
  if (spare_shares_.size() == kSpareShares) return;
  shares.clear();
  spare_shares_.push_back(std::move(shares));
}

// One event per pool: who filters for a pool sees all of it.
void PermitTable::tell(const PermitRecord& permit, EventType type, Timestamp now,
                       Effects& effects) const {
  for (const PermitShare& share : permit.shares) {
    EventDraft event;
    event.type = type;
    event.time = now;
    event.subject = pools_[share.pool].spec().name;
    event.agent = permit.owner;
    event.count = share.amount;
    event.fence = permit.fence;
    effects.event(event);
  }
}

Permit PermitTable::view(const PermitRecord& record) const {
  Permit permit;
  permit.fence = record.fence;
  permit.owner = record.owner;
  permit.acquired_at = record.acquired_at;
  permit.expires_at = record.expires_at;
  permit.parts.reserve(record.shares.size());
  for (const PermitShare& share : record.shares) {
    permit.parts.push_back({pools_[share.pool].spec().name, share.amount, share.numbers});
  }
  return permit;
}

void PermitTable::list(ListPermits& op, Timestamp now) {
  op.permits = {};
  const Slot pool = pool_index_.find(op.pool);
  if (pool == kNoSlot) {
    op.failed = Error::not_found(fmt::format("there is no pool {}", op.pool));
    return;
  }
  std::uint64_t after = 0;
  const std::string& cursor = op.page->cursor;
  const auto parsed = std::from_chars(cursor.data(), cursor.data() + cursor.size(), after);
  if (!cursor.empty() && (parsed.ec != std::errc() || parsed.ptr != cursor.data() + cursor.size())) {
    op.failed = Error::invalid_argument(fmt::format("cursor {} is none of this list", quote(cursor)));
    return;
  }
  std::vector<Permit>& items = op.permits.items;
  pools_[pool].permits.scan(after, is_live(), [&](std::uint64_t, Slot slot) {
    const PermitRecord& permit = permits_[slot];
    if (!permit.of_attempt && permit.expires_at <= now) return true;
    if (items.size() == op.page->max_items) {
      op.permits.next_cursor = std::to_string(items.back().fence);
      return false;
    }
    items.push_back(view(permit));
    return true;
  });
}

PermitStats PermitTable::stats() const noexcept {
  PermitStats stats;
  stats.pools = pool_index_.size();
  stats.permits = permits_.size();
  stats.waiting = waiter_of_operation_.size();
  stats.granted_total = granted_total_;
  stats.expired_total = expired_total_;
  stats.refused_total = refused_total_;
  return stats;
}

}  // namespace controlplane
