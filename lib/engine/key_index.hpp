// Records by their text key: found at once, listed in order.
// Thread safety: none.
// Lifetime: keys are views of what the records hold, which must stay put while they are here.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "engine/slab.hpp"
#include "engine/slot_index.hpp"

namespace controlplane {

class KeyIndex {
 public:
  Slot find(std::string_view key) const {
    return by_hash_.find(hash_of(key), [&](Slot slot) { return keys_[slot] == key; });
  }
  void add(std::string_view key, Slot slot) {
    if (slot >= keys_.size()) keys_.resize(slot + slot / 2 + 64);
    keys_[slot] = key;
    by_hash_.insert(hash_of(key), slot);
    in_order_.emplace(key, slot);
  }
  void remove(std::string_view key) {
    by_hash_.erase(find(key));
    in_order_.erase(key);
  }
  std::size_t size() const noexcept { return by_hash_.size(); }

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
  static std::uint32_t hash_of(std::string_view key) noexcept {
    return static_cast<std::uint32_t>(hash_name(key));
  }
  SlotIndex by_hash_;
  std::vector<std::string_view> keys_;  // by slot
  std::map<std::string_view, Slot> in_order_;
};

}  // namespace controlplane
