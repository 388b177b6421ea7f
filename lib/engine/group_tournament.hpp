// The best of the groups that match a request, kept by a tournament that follows what changed since
// it was last asked. Peeking at every group instead would grow with the agents where each offers a
// set of its own.
// Thread safety: none.
//
// Invariant: after catch_up() every node is the merge of its two children, and leaf i tells of
// group i of the match as the ranking has it now.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/agent_groups.hpp"
#include "engine/agent_ranking.hpp"

namespace controlplane {

class GroupTournament {
 public:
  static constexpr std::uint32_t kRoot = 1;  // children of n: 2n and 2n + 1

  // The winners of the comparisons below; kNoGroup if nobody is available.
  struct Node {
    GroupId best = kNoGroup;
    GroupId best_fit = kNoGroup;   // fewest capabilities, then best
    std::uint32_t available = 0;   // agents
  };

  // `matched` is ascending and the same for every call until reset().
  void reset() noexcept { nodes_.clear(); }
  void catch_up(std::span<const GroupId> matched, const AgentRanking& ranking);

  const Node& operator[](std::uint32_t at) const noexcept { return nodes_[at]; }
  std::uint32_t first_leaf() const noexcept { return first_leaf_; }

 private:
  void rebuild(std::span<const GroupId> matched, const AgentRanking& ranking);
  void refresh(std::uint32_t leaf, GroupId group, const AgentRanking& ranking);

  std::vector<Node> nodes_;
  std::uint32_t first_leaf_ = 1;
  std::uint64_t seen_ = 0;  // changes of the ranking
};

// Index of `group` in `matched`, or matched.size().
std::uint32_t index_of(GroupId group, std::span<const GroupId> matched) noexcept;

}  // namespace controlplane
