// What is to run when, by deadline; equal deadlines in the order they were added.
// Pure: no clock, no threads. A binary heap of small keys over a slab, so that add, cancel and pop
// cost O(log n) and moving an entry never moves its work.
// Thread safety: none; lives under the lock of its loop.
// Lifetime: owns the work. What cancel and pop_due hand out is destroyed by the caller, outside of
// the lock, because destroying work may run anything.
//
// Invariants:
//  1. heap_[i] is not before heap_[(i − 1) / 2].
//  2. slots_[heap_[i].slot].place == i; free slots are chained by `place`.
//  3. A slot's generation changes whenever it is freed, so that an old id cancels nothing: an id
//     that matches is in the heap. It would repeat after 2^32 uses of one slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/deadline.hpp"
#include "runtime/work.hpp"

namespace controlplane {

using TimerId = std::uint64_t;                     // 0 = none

class TimerQueue {
 public:
  TimerId add(std::int64_t deadline_us, Work work);
  // The work of `id`, or an empty one if it ran, was cancelled or never was.
  Work cancel(TimerId id);
  // The first work whose deadline is not after `now_us`, or an empty one.
  Work pop_due(std::int64_t now_us);

  std::int64_t earliest() const noexcept { return heap_.empty() ? kNoDeadline : heap_[0].deadline; }
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  struct Key {
    std::int64_t deadline;
    std::uint64_t order;                           // of adding
    std::uint32_t slot;
    bool before(const Key& o) const noexcept {
      return deadline != o.deadline ? deadline < o.deadline : order < o.order;
    }
  };
  struct Slot {
    Work work;
    std::uint32_t generation = 1;
    std::uint32_t place = 0;
  };
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  void grow();
  Work remove(std::uint32_t place);
  void put(std::uint32_t place, const Key& key) noexcept;
  void sift_up(std::uint32_t place, Key key) noexcept;
  void sift_down(std::uint32_t place, Key key) noexcept;

  std::vector<Key> heap_;
  std::vector<Slot> slots_;
  std::uint32_t free_ = kNone;
  std::uint64_t added_ = 0;
};

}  // namespace controlplane
