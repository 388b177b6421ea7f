// The earliest deadline of many slots: a 4-ary heap that tells each slot where it stands, so that an
// entry can be moved or removed. Ties go to the lower slot, for determinism.
// Thread safety: none.
#pragma once

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
  Timestamp when(Slot slot) { return items_[place_(slot)].when; }

  void set(Slot slot, Timestamp when) {
    std::uint32_t at = place_(slot);
    if (at == kNoSlot) {
      at = static_cast<std::uint32_t>(items_.size());
      items_.push_back({when, slot});
    }
    items_[at].when = when;
    down(up(at));
  }

  void erase(Slot slot) {
    const std::uint32_t at = place_(slot);
    if (at == kNoSlot) return;
    place_(slot) = kNoSlot;
    const Item last = items_.back();
    items_.pop_back();
    if (at == items_.size()) return;
    items_[at] = last;
    down(up(at));
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
  std::uint32_t up(std::uint32_t at) {
    const Item item = items_[at];
    while (at > 0 && before(item, items_[(at - 1) / 4])) {
      put(at, items_[(at - 1) / 4]);
      at = (at - 1) / 4;
    }
    put(at, item);
    return at;
  }
  void down(std::uint32_t at) {
    const Item item = items_[at];
    for (;;) {
      std::uint32_t best = kNoSlot;
      for (std::uint32_t child = 4 * at + 1; child <= 4 * at + 4 && child < items_.size(); ++child) {
        if (best == kNoSlot || before(items_[child], items_[best])) best = child;
      }
      if (best == kNoSlot || !before(items_[best], item)) break;
      put(at, items_[best]);
      at = best;
    }
    put(at, item);
  }

  PlaceOf place_;
  std::vector<Item> items_;
};

}  // namespace controlplane
