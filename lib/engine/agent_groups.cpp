#include "engine/agent_groups.hpp"

#include <algorithm>
#include <cassert>

#include "base/digest.hpp"

namespace controlplane {
namespace {

std::uint64_t signature_of(const std::vector<std::string>& capabilities) noexcept {
  std::uint64_t bits = 0;
  for (const std::string& name : capabilities) bits |= std::uint64_t{1} << (hash_name(name) & 63);
  return bits;
}

}  // namespace

std::size_t AgentGroups::SetHash::operator()(const std::vector<std::string>& set) const noexcept {
  FieldDigest digest;
  for (const std::string& name : set) digest.add(name);
  return digest.finish();
}

GroupId AgentGroups::create(const std::vector<std::string>& capabilities) {
  GroupId id = end();
  if (free_.empty()) {
    groups_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  groups_[id] = {SharedNames(capabilities), signature_of(capabilities), 0};
  by_set_.emplace(capabilities, id);
  for (const std::string& name : capabilities) ++offered_[name];
  ++version_;
  return id;
}

GroupId AgentGroups::enter(const std::vector<std::string>& capabilities) {
  const auto found = by_set_.find(capabilities);
  const GroupId id = found != by_set_.end() ? found->second : create(capabilities);
  ++groups_[id].members;
  ++population_;
  return id;
}

void AgentGroups::exit(GroupId id) {
  Group& group = groups_[id];
  assert(group.members > 0);
  ++population_;
  if (--group.members > 0) return;
  for (const std::string& name : group.capabilities) {
    const auto offered = offered_.find(name);
    if (--offered->second == 0) offered_.erase(offered);
  }
  by_set_.erase(group.capabilities);
  free_.push_back(id);
  ++version_;
}

void AgentGroups::offering(const std::vector<std::string>& required,
                           std::vector<GroupId>& out) const {
  const std::uint64_t signature = signature_of(required);
  for (GroupId id = 0; id < end(); ++id) {
    const Group& group = groups_[id];
    if (group.members == 0 || (signature & ~group.signature) != 0) continue;
    if (std::ranges::includes(group.capabilities, required)) out.push_back(id);
  }
}

}  // namespace controlplane
