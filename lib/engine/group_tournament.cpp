#include "engine/group_tournament.hpp"

#include <algorithm>
#include <bit>

namespace controlplane {
namespace {

using Node = GroupTournament::Node;

bool fits_better(GroupId a, GroupId b, const AgentRanking& ranking) {
  const std::uint32_t of_a = ranking.size(a), of_b = ranking.size(b);
  return of_a != of_b ? of_a < of_b : ranking.best(a).before(ranking.best(b));
}

Node merge(const Node& a, const Node& b, const AgentRanking& ranking) {
  if (a.available == 0) return b;
  if (b.available == 0) return a;
  return {ranking.best(b.best).before(ranking.best(a.best)) ? b.best : a.best,
          fits_better(b.best_fit, a.best_fit, ranking) ? b.best_fit : a.best_fit,
          a.available + b.available};
}

Node leaf_for(GroupId group, const AgentRanking& ranking) {
  const std::uint32_t available = ranking.available(group);
  return available == 0 ? Node{} : Node{group, group, available};
}

}  // namespace

std::uint32_t index_of(GroupId group, std::span<const GroupId> matched) noexcept {
  const auto found = std::ranges::lower_bound(matched, group);
  const bool there = found != matched.end() && *found == group;
  return static_cast<std::uint32_t>(there ? found - matched.begin() : std::ssize(matched));
}

void GroupTournament::rebuild(std::span<const GroupId> matched, const AgentRanking& ranking) {
  const auto leaves = static_cast<std::uint32_t>(std::max<std::size_t>(1, matched.size()));
  first_leaf_ = std::bit_ceil(leaves);
  nodes_.assign(std::size_t{2} * first_leaf_, Node{});
  for (std::uint32_t i = 0; i < matched.size(); ++i) {
    nodes_[first_leaf_ + i] = leaf_for(matched[i], ranking);
  }
  for (std::uint32_t at = first_leaf_ - 1; at >= kRoot; --at) {
    nodes_[at] = merge(nodes_[2 * at], nodes_[2 * at + 1], ranking);
  }
  seen_ = ranking.changes().count();
}

void GroupTournament::refresh(std::uint32_t leaf, GroupId group, const AgentRanking& ranking) {
  nodes_[leaf] = leaf_for(group, ranking);
  for (std::uint32_t at = leaf / 2; at >= kRoot; at /= 2) {
    nodes_[at] = merge(nodes_[2 * at], nodes_[2 * at + 1], ranking);
  }
}

// Rebuilding costs one step per group and never more than the changes that it stands for.
void GroupTournament::catch_up(std::span<const GroupId> matched, const AgentRanking& ranking) {
  const GroupChanges& changes = ranking.changes();
  const std::uint64_t missed = changes.count() - seen_;
  if (nodes_.empty() || missed > matched.size() || !changes.has(seen_)) {
    return rebuild(matched, ranking);
  }
  for (; seen_ < changes.count(); ++seen_) {
    const std::uint32_t index = index_of(changes[seen_], matched);
    if (index < matched.size()) {
      refresh(first_leaf_ + index, matched[index], ranking);
    }
  }
}

}  // namespace controlplane
