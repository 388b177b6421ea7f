// One pool: what is left of it, by kind, and who waits for it.
// Pure: time is an argument and never goes back.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "controlplane/permit.hpp"
#include "engine/slab.hpp"
#include "engine/slice_window.hpp"
#include "engine/wait_lines.hpp"

namespace controlplane {

// What one permit has of one pool.
struct PermitShare {
  Slot pool = kNoSlot;
  std::uint64_t amount = 0;
  std::int64_t slice = 0;               // of a window: in which it was taken
  std::vector<std::uint32_t> numbers{};  // of a number pool
};

// The permits of one pool, oldest first. One that ended stays until there are as many of those as
// of the others, so that an end costs nothing here; is_live(fence, slot) tells them apart.
class GrantList {
 public:
  void add(std::uint64_t fence, Slot permit) {
    entries_.emplace_back(fence, permit);
    ++live_;
  }
  // One that was live is not any more.
  template <class IsLive>
  void ended(IsLive&& is_live) {
    --live_;
    if (entries_.size() < 2 * live_ + 16) return;
    std::erase_if(entries_, [&](const auto& entry) { return !is_live(entry.first, entry.second); });
  }
  std::size_t size() const noexcept { return live_; }
  bool empty() const noexcept { return live_ == 0; }

  // Visits (fence, slot) of the live ones after `after` until `visit` answers false.
  template <class IsLive, class Visit>
  void scan(std::uint64_t after, IsLive&& is_live, Visit&& visit) const {
    auto at = std::upper_bound(entries_.begin(), entries_.end(), std::pair(after, kNoSlot));
    for (; at != entries_.end(); ++at) {
      if (is_live(at->first, at->second) && !visit(at->first, at->second)) return;
    }
  }

 private:
  std::vector<std::pair<std::uint64_t, Slot>> entries_;  // fences only grow
  std::size_t live_ = 0;
};

struct PoolRow;

enum class ShareEnd : std::uint8_t {
  unused,  // all comes back
  expired  // all comes back, but of a window: what was used cannot be known
};

class PermitPool {
 public:
  PermitPool() = default;
  explicit PermitPool(const PoolSpec& spec);

  const PoolSpec& spec() const noexcept { return spec_; }
  bool is_unlimited() const noexcept { return bound() == kUnlimited; }
  bool fits_a_lease() const noexcept { return spec_.kind == PoolKind::count && bound() == 1; }
  std::uint64_t bound() const noexcept;      // more than this at once is never granted
  std::uint64_t used(Timestamp now) noexcept;
  std::uint64_t available(Timestamp now) noexcept;
  // When `amount` will be there if nothing comes back before; kNever: not by itself.
  Timestamp when_available(std::uint64_t amount, Timestamp now) noexcept;

  PermitShare take(Slot self, std::uint64_t amount, Timestamp now);  // Precondition: available
  void give_back(PermitShare& share, ShareEnd how, Timestamp now);
  // Ends a share of which `used` was spent: it stays spent in a window or a budget, even beyond
  // what was reserved.
  void settle(PermitShare& share, std::uint64_t used, Timestamp now);

  // Another capacity, range or weights; the kind and the period stay. `held`: numbers of permits
  // that are out. Precondition: nobody waits.
  void redefine(const PoolSpec& spec, const std::set<std::uint32_t>& held);
  Pool view(Timestamp now);
  void add_to(FieldDigest& digest) const;
  void describe(PoolRow& row) const;
  // As it was described; false: that cannot be. Precondition: made with the same spec.
  bool restore(const PoolRow& row, Timestamp now);

  WaitLines waiting;
  GrantList permits;
  std::uint64_t granted_total = 0, expired_total = 0;
  std::size_t tasks = 0;           // that need it and have not ended
  std::size_t awaited = 0;         // waiters that need it, in whatever line they stand
  std::uint32_t place = kNoSlot;   // in the heap of pools that have to look at who waits
  bool is_lease = false;           // made by who asked for it, gone with its last use

 private:
  friend struct EngineAudit;
  friend class PermitRestore;
  void return_numbers(std::vector<std::uint32_t>& numbers);

  PoolSpec spec_;
  std::uint64_t used_ = 0;              // of a count, number or budget pool
  std::unique_ptr<SliceWindow> window_;  // of a window pool
  std::deque<std::uint32_t> free_;      // numbers, the one that is free the longest first
};

}  // namespace controlplane
