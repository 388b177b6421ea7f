// Available agents of one group, best first: a 4-ary heap that knows where each agent stands.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/slab.hpp"

namespace controlplane {

// An agent as selection compares it. The keys live in the heaps themselves: comparing records would
// be a cache miss each.
struct Candidate {
  std::uint64_t order = 0;  // of its last assignment; unique, so ties do not exist
  std::uint32_t load = 0;   // running ÷ slots in units of 2^-32; 0 where only the order counts
  Slot slot = kNoSlot;

  bool before(const Candidate& other) const noexcept {
    return load != other.load ? load < other.load : order < other.order;
  }
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// `places` is indexed by slot and shared by the heaps of all groups, because an agent is in at
// most one group; kNoSlot = in none.
class AgentHeap {
 public:
  static constexpr std::uint32_t kChildren = 4;

  explicit AgentHeap(std::vector<std::uint32_t>& places) : places_(&places) {}

  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(items_.size()); }
  const Candidate& operator[](std::uint32_t at) const noexcept { return items_[at]; }

  // Adds or moves it; false: it stands there with the same keys already.
  bool set(const Candidate& candidate) {
    std::uint32_t at = (*places_)[candidate.slot];
    if (at == kNoSlot) {
      at = size();
      items_.push_back(candidate);
    } else if (items_[at] == candidate) {
      return false;
    }
    move_to(at, candidate);
    return true;
  }

  void erase(Slot slot) {
    const std::uint32_t at = (*places_)[slot];
    if (at == kNoSlot) return;
    (*places_)[slot] = kNoSlot;
    const Candidate last = items_.back();
    items_.pop_back();
    if (at != size()) move_to(at, last);
  }

 private:
  void put(std::uint32_t at, const Candidate& candidate) noexcept {
    items_[at] = candidate;
    (*places_)[candidate.slot] = at;
  }

  // Moves the hole at `at` to where `candidate` belongs and fills it.
  void move_to(std::uint32_t at, const Candidate& candidate) noexcept {
    const std::uint32_t up = rise(at, candidate);
    put(up == at ? sink(at, candidate) : up, candidate);
  }
  std::uint32_t rise(std::uint32_t at, const Candidate& candidate) noexcept {
    while (at > 0) {
      const std::uint32_t parent = (at - 1) / kChildren;
      if (!candidate.before(items_[parent])) break;
      put(at, items_[parent]);
      at = parent;
    }
    return at;
  }
  std::uint32_t sink(std::uint32_t at, const Candidate& candidate) noexcept {
    for (;;) {
      const std::uint32_t first = kChildren * at + 1;
      if (first >= size()) return at;
      const std::uint32_t end = first + kChildren < size() ? first + kChildren : size();
      std::uint32_t best = first;
      for (std::uint32_t child = first + 1; child < end; ++child) {
        if (items_[child].before(items_[best])) best = child;
      }
      if (!items_[best].before(candidate)) return at;
      put(at, items_[best]);
      at = best;
    }
  }

  std::vector<Candidate> items_;
  std::vector<std::uint32_t>* places_;
};

}  // namespace controlplane
