#include "engine/agent_ranking.hpp"

namespace controlplane {

void AgentRanking::prepare(Slot slot, GroupId group, std::size_t size) {
  if (slot >= places_.size()) places_.resize(slot + 1, kNoSlot);
  while (heaps_.size() <= group) heaps_.emplace_back(places_);
  if (group >= briefs_.size()) briefs_.resize(group + 1);
  briefs_[group].size = static_cast<std::uint32_t>(size);
}

void AgentRanking::refresh(GroupId group) {
  const AgentHeap& heap = heaps_[group];
  Brief& brief = briefs_[group];
  const Candidate best = heap.size() == 0 ? Candidate{} : heap[0];
  if (brief.available == heap.size() && brief.best == best) return;
  brief.best = best;
  brief.available = heap.size();
  changes_.add(group);
}

}  // namespace controlplane
