// Which groups offer what a request asks for, remembered per request.
// Thread safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/agent_groups.hpp"
#include "engine/group_tournament.hpp"

namespace controlplane {

class GroupMatch {
 public:
  GroupMatch(const std::vector<std::string>& asked, const AgentGroups& groups);

  const std::vector<std::string>& asked() const noexcept { return asked_; }
  const std::vector<GroupId>& groups() const noexcept { return groups_; }  // ascending
  bool has(GroupId group) const noexcept { return index_of(group, groups_) < groups_.size(); }
  std::uint64_t members(const AgentGroups& groups);      // registered, available or not

  static constexpr std::size_t kTournaments = 2;
  std::array<GroupTournament, kTournaments> tournaments;  // one per ranking; catch up before use

 private:
  friend class MatchCache;
  void follow(const AgentGroups& groups);

  std::vector<std::string> asked_;     // as the request spells it
  std::vector<std::string> required_;  // sorted, unique
  std::vector<GroupId> groups_;
  std::uint64_t version_ = 0;          // of the groups
  std::uint64_t population_ = 0;       // when members_ was counted; 0 = never
  std::uint64_t members_ = 0;
  std::uint64_t last_used_ = 0;
};

// Bounded; the least recently used match makes room.
class MatchCache {
 public:
  static constexpr std::size_t kMaxMatches = 256;
  static constexpr std::size_t kMaxGroups = 262'144;  // summed over the matches

  // Valid until the next call. Spellings of one set are kept apart: sorting names on every
  // request would cost more than it saves.
  GroupMatch& find(const std::vector<std::string>& asked, const AgentGroups& groups);
  std::size_t size() const noexcept { return matches_.size(); }

 private:
  using Matches = std::unordered_map<std::uint64_t, std::unique_ptr<GroupMatch>>;
  void make_room();
  std::size_t total_groups() const noexcept;

  Matches matches_;  // by the digest of what was asked
  GroupMatch* last_ = nullptr;  // requests come in runs
  std::uint64_t uses_ = 0;
};

}  // namespace controlplane
