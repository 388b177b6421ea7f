// The pools of the table: defined, changed, removed, listed.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "engine/permit_table.hpp"

namespace controlplane {
namespace {

Error no_pool(std::string_view name) {
  return Error::not_found(fmt::format("there is no pool {}", name));
}

void tell_of_pool(EventType type, std::string_view pool, Timestamp now, Effects& effects) {
  EventDraft event;
  event.type = type;
  event.time = now;
  event.subject = pool;
  effects.event(event);
}

bool same(const PoolSpec& a, const PoolSpec& b) {
  return a.capacity == b.capacity && a.first == b.first && a.last == b.last && a.weights == b.weights;
}

}  // namespace

void PermitTable::define(DefinePool& op, Timestamp now, Effects& effects) {
  const PoolSpec& spec = *op.spec;
  Slot slot = pool_index_.find(spec.name);
  if (auto refused = refuse_definition(slot, spec)) {
    op.failed = std::move(refused);
    return;
  }
  const bool is_news = slot == kNoSlot || pools_[slot].is_lease || !same(pools_[slot].spec(), spec);
  if (slot == kNoSlot) {
    slot = add_pool(spec);
  } else if (is_news) {
    redefine(slot, spec, effects);
  }
  if (is_news) tell_of_pool(EventType::pool_defined, spec.name, now, effects);
  serve_lines(now, effects);
  op.pool = pools_[slot].view(now);
}

std::optional<Error> PermitTable::refuse_definition(Slot slot, const PoolSpec& spec) const {
  if (slot == kNoSlot) {
    if (pool_index_.size() < limits_.max_pools) return std::nullopt;
    return Error::resource_exhausted(fmt::format(
        "pool {} would be one more; the limit max_pools is {}", spec.name, limits_.max_pools));
  }
  const PoolSpec& now = pools_[slot].spec();
  if (now.kind != spec.kind) {
    return Error::failed_precondition(fmt::format(
        "pool {} is of kind {}; remove it before you define it as {}", spec.name,
        to_string(now.kind), to_string(spec.kind)));
  }
  if (pools_[slot].is_lease && spec.capacity != 1) {
    return Error::failed_precondition(fmt::format(
        "pool {} is that of a lease, which somebody holds or awaits; its capacity is 1", spec.name));
  }
  if (spec.kind == PoolKind::window && now.period != spec.period) {
    return Error::failed_precondition(fmt::format(
        "pool {} has a period of {} ms; remove it before you give it another", spec.name,
        now.period.count()));
  }
  return std::nullopt;
}

// Who waits for more than there will ever be hears so; everybody else keeps his place.
void PermitTable::redefine(Slot slot, const PoolSpec& spec, Effects& effects) {
  PermitPool& pool = pools_[slot];
  std::vector<Slot> waiting;
  pool.waiting.each([&](Slot waiter) { waiting.push_back(waiter); });
  for (const Slot waiter : waiting) leave_line(waiter);
  std::set<std::uint32_t> held;
  pool.permits.scan(0, is_live(), [&](std::uint64_t, Slot permit) {
    for (const PermitShare& share : permits_[permit].shares) {
      if (share.pool == slot) held.insert(share.numbers.begin(), share.numbers.end());
    }
    return true;
  });
  pool.redefine(spec, held);
  pool.is_lease = false;
  for (const Slot waiter : waiting) stand(waiter, slot);
  refuse_hopeless(slot, effects);
  changed_.push_back(slot);
}

// Also those who stand in another pool's line just now.
void PermitTable::refuse_hopeless(Slot slot, Effects& effects) {
  const std::uint64_t bound = pools_[slot].bound();
  std::vector<Slot> hopeless;
  for (const auto& [operation, waiter] : waiter_of_operation_) {
    for (const PoolNeed& need : waiters_[waiter].needs) {
      if (need.pool == slot && need.amount > bound) hopeless.push_back(waiter);
    }
  }
  std::sort(hopeless.begin(), hopeless.end(), [&](Slot a, Slot b) {
    return waiters_[a].number < waiters_[b].number;
  });
  for (const Slot waiter : hopeless) {
    effects.refused(waiters_[waiter].operation,
                    Error::invalid_argument(fmt::format(
                        "pool {} has a capacity of {} now, which is less than was asked for",
                        pools_[slot].spec().name, bound)));
    drop_waiter(waiter);
  }
}

Slot PermitTable::add_pool(const PoolSpec& spec) {
  const Slot slot = pools_.take();
  pools_[slot] = PermitPool(spec);
  pool_index_.add(pools_[slot].spec().name, slot);
  return slot;
}

void PermitTable::drop_pool(Slot slot) {
  looks_.erase(slot);
  pool_index_.remove(pools_[slot].spec().name);
  pools_.give_back(slot);
}

void PermitTable::drop_unused_lease(Slot slot) {
  const PermitPool& pool = pools_[slot];
  if (!pool.is_lease || !pool.permits.empty() || is_awaited(slot) || pool.tasks > 0) return;
  drop_pool(slot);
}

void PermitTable::remove(RemovePool& op, Timestamp now, Effects& effects) {
  op.removed = false;
  Slot slot = pool_index_.find(op.name);
  while (slot != kNoSlot && !pools_[slot].permits.empty() && expiries_.next() <= now) {
    expire_due(now, effects);
    slot = pool_index_.find(op.name);
  }
  if (slot == kNoSlot) return;
  const PermitPool& pool = pools_[slot];
  if (!pool.permits.empty() || is_awaited(slot) || pool.tasks > 0) {
    op.failed = Error::failed_precondition(
        fmt::format("pool {} is in use: {} permits are out, {} wait in its line, {} tasks need it",
                    op.name, pool.permits.size(), pool.waiting.size(), pool.tasks));
    return;
  }
  drop_pool(slot);
  op.removed = true;
  tell_of_pool(EventType::pool_removed, op.name, now, effects);
}

void PermitTable::get(GetPool& op, Timestamp now) {
  const Slot slot = pool_index_.find(op.name);
  if (slot == kNoSlot) {
    op.failed = no_pool(op.name);
  } else {
    op.pool = pools_[slot].view(now);
  }
}

void PermitTable::list(ListPools& op, Timestamp now) {
  op.pools = {};
  std::vector<Pool>& items = op.pools.items;
  pool_index_.scan(op.prefix, op.page->cursor, [&](std::string_view, Slot slot) {
    if (items.size() == op.page->max_items) {
      op.pools.next_cursor = items.back().spec.name;
      return false;
    }
    items.push_back(pools_[slot].view(now));
    return true;
  });
}

void PermitTable::add_to(FieldDigest& digest) const {
  digest.add(last_fence_).add(last_number_);
  pool_index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    const PermitPool& pool = pools_[slot];
    pool.add_to(digest.add(name));
    pool.permits.scan(0, is_live(), [&](std::uint64_t fence, Slot permit) {
      const PermitRecord& record = permits_[permit];
      digest.add(fence).add(record.owner).add(record.operation);
      digest.add(static_cast<std::uint64_t>(record.expires_at));
      return true;
    });
    std::uint64_t waiting = 0;  // they come in no order
    pool.waiting.each([&](Slot waiter) {
      const PermitWaiter& one = waiters_[waiter];
      waiting += FieldDigest().add(one.number).add(one.operation).add(one.passed).finish();
    });
    digest.add(waiting);
    return true;
  });
}

}  // namespace controlplane
