// One pool: what is left of it, by kind, and who waits for it.
// Pure: time is an argument and never goes back.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <deque>
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

  WaitLines waiting;
  std::set<std::pair<std::uint64_t, Slot>> permits;  // by fence
  std::uint64_t granted_total = 0, expired_total = 0;
  std::size_t tasks = 0;           // that need it and have not ended
  std::size_t awaited = 0;         // waiters that need it, in whatever line they stand
  std::uint32_t place = kNoSlot;   // in the heap of pools that have to look at who waits
  bool is_lease = false;           // made by who asked for it, gone with its last use

 private:
  friend struct EngineAudit;
  void return_numbers(std::vector<std::uint32_t>& numbers);

  PoolSpec spec_;
  std::uint64_t used_ = 0;              // of a count, number or budget pool
  SliceWindow window_;
  std::deque<std::uint32_t> free_;      // numbers, the one that is free the longest first
};

}  // namespace controlplane
