#include "engine/group_match.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace controlplane {

GroupMatch::GroupMatch(const std::vector<std::string>& asked, const AgentGroups& groups)
    : asked_(asked), required_(asked) {
  std::ranges::sort(required_);
  const auto repeated = std::ranges::unique(required_);
  required_.erase(repeated.begin(), repeated.end());
  follow(groups);
}

void GroupMatch::follow(const AgentGroups& groups) {
  groups_.clear();
  groups.offering(required_, groups_);
  for (GroupTournament& tournament : tournaments) tournament.reset();
  version_ = groups.version();
}

std::uint64_t GroupMatch::members(const AgentGroups& groups) {
  if (population_ != groups.population()) {
    population_ = groups.population();
    members_ = 0;
    for (const GroupId group : groups_) members_ += groups[group].members;
  }
  return members_;
}

GroupMatch& MatchCache::find(const std::vector<std::string>& asked, const AgentGroups& groups) {
  if (last_ == nullptr || last_->asked() != asked) {
    FieldDigest digest;
    for (const std::string& name : asked) digest.add(name);
    std::unique_ptr<GroupMatch>& match = matches_[digest.finish()];
    const bool known = match && match->asked() == asked;
    if (!known) match = std::make_unique<GroupMatch>(asked, groups);
    last_ = match.get();
    last_->last_used_ = ++uses_;
    if (!known) make_room();
  }
  if (last_->version_ != groups.version()) {
    last_->follow(groups);
    make_room();
  }
  return *last_;
}

// When a match is new or may have grown. Scans, which costs no more than the making of the match
// that it makes room for. The last one asked for is the most recently used and stays.
void MatchCache::make_room() {
  while (matches_.size() > 1 && (matches_.size() > kMaxMatches || total_groups() > kMaxGroups)) {
    matches_.erase(std::ranges::min_element(matches_, {}, [](const Matches::value_type& entry) {
      return entry.second->last_used_;
    }));
  }
}

std::size_t MatchCache::total_groups() const noexcept {
  std::size_t sum = 0;
  for (const auto& [digest, match] : matches_) sum += match->groups().size();
  return sum;
}

}  // namespace controlplane
