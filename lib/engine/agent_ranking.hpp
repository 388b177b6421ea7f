// The available agents of every group, best first, by one of two measures: load or time since the
// last assignment.
// Thread safety: none.
//
// Invariants:
//  1. best(g) and available(g) are what the heap of g says.
//  2. Every change of one of them is in changes().
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/agent_groups.hpp"
#include "engine/agent_heap.hpp"

namespace controlplane {

// The last groups whose best or number changed, numbered from 0; older ones are forgotten.
class GroupChanges {
 public:
  void add(GroupId group) noexcept { last_[count_++ % kKept] = group; }
  std::uint64_t count() const noexcept { return count_; }
  bool has(std::uint64_t number) const noexcept { return count_ - number <= kKept; }
  GroupId operator[](std::uint64_t number) const noexcept { return last_[number % kKept]; }

 private:
  static constexpr std::uint64_t kKept = 1024;
  std::array<GroupId, kKept> last_{};
  std::uint64_t count_ = 0;
};

class AgentRanking {
 public:
  AgentRanking() = default;
  AgentRanking(const AgentRanking&) = delete;
  AgentRanking& operator=(const AgentRanking&) = delete;

  // Before an agent first enters a group. `size`: of the group's set of capabilities.
  void prepare(Slot slot, GroupId group, std::size_t size);

  void put(GroupId group, const Candidate& candidate) {  // available, with these keys
    if (heaps_[group].set(candidate)) refresh(group);
  }
  void take(GroupId group, Slot slot) {                  // not available
    heaps_[group].erase(slot);
    refresh(group);
  }

  const AgentHeap& heap(GroupId group) const noexcept { return heaps_[group]; }
  const Candidate& best(GroupId group) const noexcept { return briefs_[group].best; }
  std::uint32_t available(GroupId group) const noexcept { return briefs_[group].available; }
  std::uint32_t size(GroupId group) const noexcept { return briefs_[group].size; }
  std::uint32_t place(Slot slot) const noexcept { return places_[slot]; }  // in its heap
  const GroupChanges& changes() const noexcept { return changes_; }

 private:
  // What a comparison of groups needs, side by side for all groups.
  struct Brief {
    Candidate best;               // means nothing if none is available
    std::uint32_t available = 0;
    std::uint32_t size = 0;
  };
  void refresh(GroupId group);

  std::deque<AgentHeap> heaps_;
  std::vector<Brief> briefs_;
  std::vector<std::uint32_t> places_;
  GroupChanges changes_;
};

}  // namespace controlplane
