// Agents by the set of capabilities they offer. All members of a group are equal to a request, so a
// choice compares the best of each group and never the agents.
// Thread safety: none.
//
// Invariant: a group exists exactly while it has members, available or not.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/agent.hpp"
#include "engine/name_table.hpp"

namespace controlplane {

using GroupId = std::uint32_t;
inline constexpr GroupId kNoGroup = 0xffff'ffff;

class AgentGroups {
 public:
  struct Group {
    SharedNames capabilities;               // sorted, unique
    std::uint64_t signature = 0;            // one bit per capability
    std::uint32_t members = 0;
  };

  // One more, one fewer member of the group with exactly these capabilities (sorted, unique).
  GroupId enter(const std::vector<std::string>& capabilities);
  void exit(GroupId group);

  const Group& operator[](GroupId group) const noexcept { return groups_[group]; }
  GroupId end() const noexcept { return static_cast<GroupId>(groups_.size()); }  // ids are below it
  std::uint64_t version() const noexcept { return version_; }        // groups came or went
  std::uint64_t population() const noexcept { return population_; }  // members came or went

  bool any_offers(std::string_view capability) const { return offered_.contains(capability); }
  // In ascending order. `required`: sorted, unique.
  void offering(const std::vector<std::string>& required, std::vector<GroupId>& out) const;

 private:
  struct SetHash {
    std::size_t operator()(const std::vector<std::string>& set) const noexcept;
  };
  GroupId create(const std::vector<std::string>& capabilities);

  std::deque<Group> groups_;  // addresses of capabilities are handed out
  std::vector<GroupId> free_;
  std::unordered_map<std::vector<std::string>, GroupId, SetHash> by_set_;
  NameMap<std::uint32_t> offered_;  // capability → groups
  std::uint64_t version_ = 0;
  std::uint64_t population_ = 0;
};

}  // namespace controlplane
