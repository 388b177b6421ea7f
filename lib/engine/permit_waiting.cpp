// Who waits for permits, and how the lines move on.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/namespace.hpp"
#include "engine/permit_table.hpp"

namespace controlplane {
namespace {

// A queue of tasks that may be claimed from takes nothing before somebody claims: callers behind it
// wait that long.
constexpr std::int64_t kHeadStartUs = 10'000;
constexpr int kServedAtOnce = 64;  // by one operation; the rest is left to advance

}  // namespace

// The pool whose line is the next to stand in; kNoSlot: nothing is short.
Slot PermitTable::next_line(const std::vector<PoolNeed>& needs, std::string_view owner,
                            TaskPriority priority, std::uint64_t number, std::size_t& passed,
                            Timestamp now) {
  const bool sees_all = passed == 0;
  for (; passed < needs.size(); ++passed) {
    PermitPool& pool = pools_[needs[passed].pool];
    if (pool.waiting.before(owner, priority, number) || pool.available(now) < needs[passed].amount) {
      return needs[passed].pool;
    }
  }
  return sees_all ? kNoSlot : first_short(needs, now);
}

Slot PermitTable::first_short(const std::vector<PoolNeed>& needs, Timestamp now) {
  for (const PoolNeed& need : needs) {
    if (pools_[need.pool].available(now) < need.amount) return need.pool;
  }
  return kNoSlot;
}

Error PermitTable::shortage(const AcquirePermit& op, Slot slot, Timestamp now) {
  PermitPool& pool = pools_[slot];
  const std::string& name = pool.spec().name;
  const auto need = std::find_if(op.needs.begin(), op.needs.end(),
                                 [&](const PermitNeed& one) { return one.pool == name; });
  const std::uint64_t available = pool.available(now);
  if (available >= need->amount) {
    return Error::resource_exhausted(
        fmt::format("pool {}: {} others wait for it", name, pool.waiting.size()));
  }
  return Error::resource_exhausted(fmt::format("pool {} has {} of {} left; {} were asked for", name,
                                               available, pool.bound(), need->amount));
}

void PermitTable::park(AcquirePermit& op, std::vector<PoolNeed> needs, Slot line,
                       std::size_t passed) {
  const Slot slot = waiters_.take();
  PermitWaiter& waiter = waiters_[slot];
  waiter.number = ++last_number_;
  waiter.owner = op.owner;
  waiter.needs = std::move(needs);
  waiter.priority = op.priority;
  waiter.ttl_us = op.ttl_us;
  waiter.operation = op.operation_id;
  waiter.passed = passed;
  for (const PoolNeed& need : waiter.needs) ++pools_[need.pool].awaited;
  waiter_of_operation_.emplace(op.operation_id, slot);
  deadlines_.set(slot, op.waits_until);
  stand(slot, line);
  changed_.push_back(line);
}

void PermitTable::stand(Slot slot, Slot pool) {
  PermitWaiter& waiter = waiters_[slot];
  waiter.line = pool;
  pools_[pool].waiting.add(waiter.owner, waiter.priority, waiter.number, slot);
}

void PermitTable::leave_line(Slot slot) {
  const PermitWaiter& waiter = waiters_[slot];
  pools_[waiter.line].waiting.remove(waiter.owner, waiter.priority, waiter.number, slot);
}

void PermitTable::drop_waiter(Slot slot) {
  PermitWaiter& waiter = waiters_[slot];
  leave_line(slot);
  for (const PoolNeed& need : waiter.needs) {
    --pools_[need.pool].awaited;
    if (pools_[need.pool].is_lease) changed_.push_back(need.pool);  // it may be the last use
  }
  changed_.push_back(waiter.line);
  if (waiter.queue == kNoSlot) {
    deadlines_.erase(slot);
    waiter_of_operation_.erase(waiter_of_operation_.find(waiter.operation));
  }
  waiters_.give_back(slot);
}

void PermitTable::withdraw(WithdrawAcquire& op, Timestamp now, Effects& effects) {
  op.permit.reset();
  if (const auto at = permit_of_operation_.find(op.operation_id); at != permit_of_operation_.end()) {
    if (permits_[at->second].expires_at > now) op.permit = view(permits_[at->second]);
    return;
  }
  const auto at = waiter_of_operation_.find(op.operation_id);
  if (at == waiter_of_operation_.end()) return;
  drop_waiter(at->second);
  serve_lines(now, effects);
}

// Serves the lines of the pools that changed, until nobody who is first may have what he waits for.
void PermitTable::serve_lines(Timestamp now, Effects& effects) {
  int served = 0;
  while (!changed_.empty()) {
    const Slot pool = changed_.back();
    changed_.pop_back();
    while (served < kServedAtOnce && serve_first(pool, now, effects)) ++served;
    if (served < kServedAtOnce) continue;
    if (pools_[pool].waiting.size() > 0) {
      looks_.set(pool, now);
    } else {
      drop_unused_lease(pool);
    }
  }
}

// True: the first in line went on, so that there may be another one. False: nobody is first, or he
// has to wait here.
bool PermitTable::serve_first(Slot slot, Timestamp now, Effects& effects) {
  PermitPool& pool = pools_[slot];
  const Slot first = pool.waiting.first();
  if (first == kNoSlot) {
    looks_.erase(slot);
    drop_unused_lease(slot);
    return false;
  }
  PermitWaiter& waiter = waiters_[first];
  if (waiter.queue == kNoSlot && deadlines_.when_at(waiter.place) <= now) {  // its timer is late; nobody takes the permit
    drop_waiter(first);
    return true;
  }
  const auto here = std::find_if(waiter.needs.begin(), waiter.needs.end(),
                                 [&](const PoolNeed& need) { return need.pool == slot; });
  if (pool.available(now) < here->amount) {
    const Timestamp when = pool.when_available(here->amount, now);
    if (when == kNever) {
      looks_.erase(slot);
    } else {
      looks_.set(slot, std::max(when, now + 1));
    }
    return false;
  }
  const auto position = static_cast<std::size_t>(here - waiter.needs.begin());
  waiter.passed = std::max(waiter.passed, position + 1);
  const Slot line = next_line(waiter.needs, waiter.owner, waiter.priority, waiter.number,
                              waiter.passed, now);
  if (line != kNoSlot) {
    leave_line(first);
    stand(first, line);
    changed_.push_back(line);
    return true;
  }
  if (waiter.queue != kNoSlot) {
    const std::uint32_t queue = waiter.queue;
    drop_waiter(first);
    waker_->may_claim(queue, effects);
    const Slot next = pool.waiting.first();
    if (next == kNoSlot || waiters_[next].queue != kNoSlot) return true;
    std::erase(changed_, slot);
    looks_.set(slot, now + kHeadStartUs);
    return false;
  }
  const PermitWaiter granted = waiter;
  drop_waiter(first);
  grant(granted.owner, granted.needs, granted.ttl_us, granted.operation, now, effects);
  effects.granted(granted.operation);
  return true;
}

Slot PermitTable::line_for(const std::vector<PoolNeed>& needs, TaskPriority priority,
                           std::uint64_t number, Timestamp now) {
  std::size_t passed = 0;
  return next_line(needs, {}, priority, number == 0 ? last_number_ + 1 : number, passed, now);
}

Slot PermitTable::stand_for_queue(std::uint32_t queue, const std::vector<PoolNeed>& needs,
                                  TaskPriority priority, std::uint64_t& number, Slot pool) {
  if (number == 0) number = ++last_number_;
  const Slot slot = waiters_.take();
  PermitWaiter& waiter = waiters_[slot];
  waiter.number = number;
  waiter.needs = needs;
  waiter.priority = priority;
  waiter.queue = queue;
  for (const PoolNeed& need : waiter.needs) ++pools_[need.pool].awaited;
  stand(slot, pool);
  changed_.push_back(pool);
  return slot;
}

void PermitTable::leave_for_queue(Slot waiter, Timestamp now, Effects& effects) {
  drop_waiter(waiter);
  serve_lines(now, effects);
}

Timestamp PermitTable::next_due() const noexcept {
  return std::min({expiries_.next(), deadlines_.next(), looks_.next()});
}

void PermitTable::advance_one(Timestamp now, Effects& effects) {
  if (expiries_.next() <= now) {
    expire(expiries_.top(), now, effects);
  } else if (deadlines_.next() <= now) {
    drop_waiter(deadlines_.top());
  } else {
    const Slot pool = looks_.top();
    looks_.erase(pool);
    changed_.push_back(pool);
  }
  serve_lines(now, effects);
}

}  // namespace controlplane
