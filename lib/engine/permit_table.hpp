// Permits of one tenant: shares of pools, taken all or none, that end by release, settlement or by
// themselves; and who waits for one.
//
// Who waits stands in the line of one pool at a time, holding nothing, so that nobody can block
// anybody for ever: first in the line of the first pool needed, and from there in that of each
// further one that is short or has a line. Who has stood in all of them goes back only to one that
// is short again, with the place that its arrival gives it.
// A permit that is over is over for every operation that touches it, whether its timer came or not.
//
// Thread safety: none; lives under the lock of its namespace.
// Errors: written into the operation; an operation that failed changed nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/stats.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/effects.hpp"
#include "engine/export_cut.hpp"
#include "engine/key_index.hpp"
#include "engine/name_table.hpp"
#include "engine/operations.hpp"
#include "engine/permit_pool.hpp"
#include "engine/slab.hpp"
#include "engine/slot_index.hpp"

namespace controlplane {

struct PermitRecord {
  std::uint64_t fence = 0;
  std::string owner;
  std::vector<PermitShare> shares;
  Timestamp acquired_at = 0, expires_at = 0;
  std::string operation;
  std::uint32_t place = kNoSlot;  // in the heap of expiries
  bool of_attempt = false;        // ends with it, and has no time of its own
};

struct PoolNeed {
  Slot pool = kNoSlot;
  std::uint64_t amount = 0;
  friend bool operator==(const PoolNeed&, const PoolNeed&) = default;
};

struct PermitWaiter {
  std::uint64_t number = 0;        // of arrival
  std::string owner;
  std::vector<PoolNeed> needs;
  TaskPriority priority = TaskPriority::normal;
  std::int64_t ttl_us = 0;
  std::string operation;
  Slot line = kNoSlot;             // the pool whose line it stands in
  std::size_t passed = 0;          // needs in whose lines it need not stand any more
  std::uint32_t queue = kNoSlot;   // of tasks that stands here; then it has no operation
  std::uint32_t place = kNoSlot;   // in the heap of deadlines
};

// Hears that a queue of tasks which stood in line may be claimed from again.
class QueueWaker {
 public:
  virtual void may_claim(std::uint32_t queue, Effects& effects) = 0;
  virtual const QueueKey& key_of(std::uint32_t queue) const = 0;
  virtual Timestamp waits_since(std::uint32_t queue) const = 0;

 protected:
  ~QueueWaker() = default;
};

struct RowCounts;
struct TotalsRow;

class PermitTable {
 public:
  explicit PermitTable(const Limits& limits)
      : limits_(limits),
        expiries_(PlaceIn<Permits>{&permits_}),
        deadlines_(PlaceIn<Waiters>{&waiters_}),
        looks_(PlaceIn<Pools>{&pools_}) {}
  PermitTable(const PermitTable&) = delete;
  PermitTable& operator=(const PermitTable&) = delete;

  void define(DefinePool& op, Timestamp now, Effects& effects);
  void remove(RemovePool& op, Timestamp now, Effects& effects);
  void get(GetPool& op, Timestamp now);
  void list(ListPools& op, Timestamp now);

  void acquire(AcquirePermit& op, Timestamp now, Effects& effects);
  void withdraw(WithdrawAcquire& op, Timestamp now, Effects& effects);
  void renew(RenewPermit& op, Timestamp now, Effects& effects);
  void end(EndPermit& op, Timestamp now, Effects& effects);
  void list(ListPermits& op, Timestamp now);

  // --- for tasks that need permits: a claim asks line_for() and then takes or stands in line ---
  void set_waker(QueueWaker& waker) noexcept { waker_ = &waker; }
  Slot find_pool(std::string_view name) const { return pool_index_.find(name); }
  std::uint64_t bound(Slot pool) const noexcept { return pools_[pool].bound(); }
  const std::string& name(Slot pool) const noexcept { return pools_[pool].spec().name; }
  void count_task(Slot pool) { ++pools_[pool].tasks; }
  void forget_task(Slot pool) {
    --pools_[pool].tasks;
    drop_unused_lease(pool);
  }
  // The pool that is short, or whose line comes first for one that arrived as `number` (0: now);
  // kNoSlot: all may be taken.
  Slot line_for(const std::vector<PoolNeed>& needs, TaskPriority priority, std::uint64_t number,
                Timestamp now);
  Slot take_for_attempt(std::string_view owner, const std::vector<PoolNeed>& needs, Timestamp now);
  // `used`: what windows and budgets lost, by pool; not named: all. Unused: all comes back.
  void end_attempt(Slot permit, std::span<const PermitNeed> used, bool unused, Timestamp now,
                   Effects& effects);
  // Stands in the line of `pool` until the waker hears, or it leaves; `number` is set if it is 0.
  Slot stand_for_queue(std::uint32_t queue, const std::vector<PoolNeed>& needs,
                       TaskPriority priority, std::uint64_t& number, Slot pool);
  void leave_for_queue(Slot waiter, Timestamp now, Effects& effects);
  void serve(Timestamp now, Effects& effects) { serve_lines(now, effects); }

  Timestamp next_due() const noexcept;
  void advance_one(Timestamp now, Effects& effects);  // Precondition: next_due() <= now

  PermitStats stats() const noexcept;
  void add_to(FieldDigest& digest) const;

  // permit_rows.cpp: for an export
  void begin_export(ExportAside& aside);
  void end_export() noexcept;
  bool read_pools(RowBuffer& out, std::size_t bytes, int& visits) {
    return pools_.cut.read(out, bytes, visits);
  }
  bool read_permits(RowBuffer& out, std::size_t bytes, int& visits) {
    return permits_.cut.read(out, bytes, visits);
  }
  bool read_waiters(RowBuffer& out, std::size_t bytes, int& visits) {
    return waiters_.cut.read(out, bytes, visits);
  }
  void add_to(RowCounts& counts, TotalsRow& totals) const;
  std::uint64_t fence_of(Slot permit) const noexcept { return permits_[permit].fence; }

 private:
  friend struct EngineAudit;
  friend class PermitRestore;
  bool write_pool(Slot pool, RowBuffer& out) const;
  bool write_permit(Slot permit, RowBuffer& out) const;
  bool write_waiter(Slot waiter, RowBuffer& out) const;
  template <class Records>
  struct PlaceIn {
    Records* records;
    std::uint32_t& operator()(Slot slot) const { return (*records)[slot].place; }
  };
  // Heaps know the plain slabs: a place in them is no part of a row.
  using Pools = Slab<PermitPool, 6>;
  using Permits = Slab<PermitRecord>;
  using Waiters = Slab<PermitWaiter>;

  auto is_live() const {
    return [this](std::uint64_t fence, Slot permit) { return permits_[permit].fence == fence; };
  }

  // pools
  Slot add_pool(const PoolSpec& spec);
  void drop_pool(Slot pool);
  std::optional<Error> refuse_definition(Slot pool, const PoolSpec& spec) const;
  void redefine(Slot pool, const PoolSpec& spec, Effects& effects);
  void drop_unused_lease(Slot pool);
  void refuse_hopeless(Slot pool, Effects& effects);
  bool is_awaited(Slot pool) const noexcept { return pools_[pool].awaited > 0; }

  // acquiring
  bool resolve(AcquirePermit& op, std::vector<PoolNeed>& needs);
  bool answers_again(AcquirePermit& op, const std::vector<PoolNeed>& needs);
  Slot next_line(const std::vector<PoolNeed>& needs, std::string_view owner, TaskPriority priority,
                 std::uint64_t number, std::size_t& passed, Timestamp now);
  Slot first_short(const std::vector<PoolNeed>& needs, Timestamp now);
  Error shortage(const AcquirePermit& op, Slot pool, Timestamp now);
  void acquire_anew(AcquirePermit& op, Timestamp now, Effects& effects);
  std::optional<Error> no_room(bool waits) const;
  Slot make_permit(std::string_view owner, const std::vector<PoolNeed>& needs, Timestamp now);
  Slot grant(std::string_view owner, const std::vector<PoolNeed>& needs, std::int64_t ttl_us,
             std::string_view operation, Timestamp now, Effects& effects);
  void park(AcquirePermit& op, std::vector<PoolNeed> needs, Slot line, std::size_t passed);

  // waiting
  void stand(Slot waiter, Slot pool);
  void leave_line(Slot waiter);
  void drop_waiter(Slot waiter);
  void serve_lines(Timestamp now, Effects& effects);
  bool serve_first(Slot pool, Timestamp now, Effects& effects);

  // ending
  Slot require(std::uint64_t fence, std::string_view owner, std::optional<Error>& failed,
               Timestamp now, Effects& effects);
  void end_shares(PermitRecord& permit, std::span<const PermitNeed> used, bool unused,
                  Timestamp now);
  void expire(Slot permit, Timestamp now, Effects& effects);
  void expire_for(const AcquirePermit& op, Timestamp now, Effects& effects);
  void expire_due(Timestamp now, Effects& effects);
  void drop_permit(Slot permit);
  void tell(const PermitRecord& permit, EventType type, Timestamp now, Effects& effects) const;
  Permit view(const PermitRecord& permit) const;

  const Limits& limits_;
  CutSlab<PermitPool, 6> pools_;
  CutSlab<PermitRecord> permits_;
  CutSlab<PermitWaiter> waiters_;
  KeyIndex pool_index_;
  SlotIndex by_fence_;  // those of attempts are not asked for
  NameMap<Slot> permit_of_operation_, waiter_of_operation_;
  DeadlineHeap<PlaceIn<Permits>> expiries_;
  DeadlineHeap<PlaceIn<Waiters>> deadlines_;
  DeadlineHeap<PlaceIn<Pools>> looks_;  // when who waits for a pool may find enough
  std::vector<PoolNeed> needs_;                 // of the acquire in progress
  std::vector<std::vector<PermitShare>> spare_shares_;  // their memory, for the next permits
  std::vector<Slot> changed_;                   // pools whose lines have to be served
  QueueWaker* waker_ = nullptr;
  std::uint64_t last_fence_ = 0, last_number_ = 0;
  std::uint64_t granted_total_ = 0, expired_total_ = 0, refused_total_ = 0;
};

}  // namespace controlplane
