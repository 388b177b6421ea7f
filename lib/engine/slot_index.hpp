// From the hash of a name to a slot: tasks by id, permits by fence. Chained, because ids made one after the other hash to neighbouring
// buckets: a run of tasks touches the table in order, and at a million tasks time is cache misses.
// (Probing would pile up where two runs overlap; chains only get one longer.)
// Thread safety: none.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/slab.hpp"

namespace controlplane {

class SlotIndex {
 public:
  SlotIndex() : buckets_(kFirstBuckets, kNoSlot) {}

  void insert(std::uint32_t hash, Slot slot) {
    if (size_ >= buckets_.size()) grow();
    if (slot >= nodes_.size()) nodes_.resize(slot + slot / 2 + 1024);
    Slot& head = buckets_[hash & mask()];
    nodes_[slot] = {hash, head};
    head = slot;
    ++size_;
  }

  void erase(Slot slot) {
    Slot* link = &buckets_[nodes_[slot].hash & mask()];
    while (*link != slot) link = &nodes_[*link].next;
    *link = nodes_[slot].next;
    --size_;
  }

  template <class IsIt>
  Slot find(std::uint32_t hash, IsIt&& is_it) const {
    Slot slot = buckets_[hash & mask()];
    while (slot != kNoSlot && !(nodes_[slot].hash == hash && is_it(slot))) slot = nodes_[slot].next;
    return slot;
  }

  std::size_t size() const noexcept { return size_; }

 private:
  struct Node {
    std::uint32_t hash = 0;
    Slot next = kNoSlot;
  };
  static constexpr std::size_t kFirstBuckets = 1024;
  std::uint32_t mask() const noexcept { return static_cast<std::uint32_t>(buckets_.size() - 1); }

  // Reads only the two dense arrays, in order: about 10 ns per task.
  void grow() {
    std::vector<Slot> old(buckets_.size() * 2, kNoSlot);
    old.swap(buckets_);
    for (Slot head : old) {
      while (head != kNoSlot) {
        const Slot next = nodes_[head].next;
        Slot& bucket = buckets_[nodes_[head].hash & mask()];
        nodes_[head].next = bucket;
        bucket = head;
        head = next;
      }
    }
  }

  std::vector<Slot> buckets_;  // a power of two
  std::vector<Node> nodes_;    // by slot
  std::size_t size_ = 0;
};

}  // namespace controlplane
