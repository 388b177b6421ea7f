// Records by their text key: found at once, listed in order.
// Thread safety: none.
// Lifetime: keys are views of what the records hold, which must stay put while they are here.
#pragma once

#include <map>
#include <string_view>
#include <unordered_map>

#include "engine/name_table.hpp"
#include "engine/slab.hpp"

namespace controlplane {

class KeyIndex {
 public:
  Slot find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? kNoSlot : found->second;
  }
  void add(std::string_view key, Slot slot) {
    by_key_.emplace(key, slot);
    in_order_.emplace(key, slot);
  }
  void remove(std::string_view key) {
    in_order_.erase(key);
    by_key_.erase(key);
  }
  std::size_t size() const noexcept { return by_key_.size(); }

  // Visits (key, slot) of the keys that begin with `prefix`, in order, those after `after` only
  // unless that is empty, until `visit` answers false.
  template <class Visit>
  void scan(std::string_view prefix, std::string_view after, Visit&& visit) const {
    auto at = after.empty() ? in_order_.lower_bound(prefix) : in_order_.upper_bound(after);
    for (; at != in_order_.end() && at->first.starts_with(prefix); ++at) {
      if (!visit(at->first, at->second)) return;
    }
  }

 private:
  std::unordered_map<std::string_view, Slot, NameHash> by_key_;
  std::map<std::string_view, Slot> in_order_;
};

}  // namespace controlplane
