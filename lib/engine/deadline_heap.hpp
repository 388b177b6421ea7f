// The earliest deadline of many slots: a 4-ary heap that tells each slot where it stands, so that an
// entry can be moved or removed. Ties go to the lower slot, for determinism.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "controlplane/task.hpp"
#include "engine/slab.hpp"

namespace controlplane {

// Place: a callable `std::uint32_t& place(Slot)`, kNoSlot when the slot has no entry.
template <class PlaceOf>
class DeadlineHeap {
 public:
  explicit DeadlineHeap(PlaceOf place) : place_(std::move(place)) {}

  bool empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size(); }
  Timestamp next() const noexcept {
    return items_.empty() ? std::numeric_limits<Timestamp>::max() : items_[0].when;
  }
  Slot top() const noexcept { return items_[0].slot; }
  Timestamp when_at(std::uint32_t place) const noexcept { return items_[place].when; }

  void set(Slot slot, Timestamp when) {
    const std::uint32_t at = place_(slot);
    if (at == kNoSlot) {
      items_.push_back({when, slot});
      up(static_cast<std::uint32_t>(items_.size() - 1));
    } else {
      move(at, {when, slot});
    }
  }

  void erase(Slot slot) {
    const std::uint32_t at = place_(slot);
    if (at == kNoSlot) return;
    place_(slot) = kNoSlot;
    const Item last = items_.back();
    items_.pop_back();
    if (at == items_.size()) return;
    move(at, last);
  }

 private:
  friend struct EngineAudit;
  struct Item {
    Timestamp when;
    Slot slot;
  };
  static bool before(const Item& a, const Item& b) noexcept {
    return a.when != b.when ? a.when < b.when : a.slot < b.slot;
  }
  void put(std::uint32_t at, const Item& item) {
    items_[at] = item;
    place_(item.slot) = at;
  }
  // `item` takes the place of another one.
  void move(std::uint32_t at, const Item& item) {
    const bool rises = before(item, items_[at]);
    items_[at] = item;
    rises ? up(at) : down(at);
  }
  void up(std::uint32_t at) {
    const Item item = items_[at];
    while (at > 0 && before(item, items_[(at - 1) / 4])) {
      put(at, items_[(at - 1) / 4]);
      at = (at - 1) / 4;
    }
    put(at, item);
  }
  void down(std::uint32_t at) {
    const Item item = items_[at];
    const auto size = static_cast<std::uint32_t>(items_.size());
    for (std::uint32_t first; (first = 4 * at + 1) < size;) {
      std::uint32_t best = first;
      const std::uint32_t end = std::min(first + 4, size);
      for (std::uint32_t child = first + 1; child < end; ++child) {
        if (before(items_[child], items_[best])) best = child;
      }
      if (!before(items_[best], item)) break;
      put(at, items_[best]);
      at = best;
    }
    put(at, item);
  }

  PlaceOf place_;
  std::vector<Item> items_;
};

}  // namespace controlplane
