// Interned names with a count of uses: task types. A name goes when nobody uses it.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/digest.hpp"
#include "controlplane/json.hpp"
#include "engine/slab.hpp"

namespace controlplane {

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept { return hash_name(name); }
};
template <class Value>
using NameMap = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

class NameTable {
 public:
  // kNoSlot when there are `max` names and this is a new one. No use is counted yet.
  std::uint32_t find_or_add(std::string_view name, std::size_t max) {
    if (last_ != kNoSlot && names_[last_].text == name) return last_;
    auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      if (by_name_.size() >= max) return kNoSlot;
      const Slot slot = names_.take();
      names_[slot].text = SharedText(name);
      found = by_name_.emplace(std::string(name), slot).first;
    }
    return last_ = found->second;
  }
  void use(std::uint32_t slot) { ++names_[slot].uses; }
  // Also for a name that was added and then not used.
  void drop(std::uint32_t slot) {
    if (names_[slot].uses > 0 && --names_[slot].uses > 0) return;
    by_name_.erase(by_name_.find(names_[slot].text.text()));
    names_.give_back(slot);
    if (last_ == slot) last_ = kNoSlot;
  }
  const SharedText& text(std::uint32_t slot) const { return names_[slot].text; }
  std::size_t size() const noexcept { return by_name_.size(); }

 private:
  friend struct EngineAudit;
  struct Name {
    SharedText text;
    std::uint64_t uses = 0;
  };
  Slab<Name, 6> names_;
  NameMap<Slot> by_name_;
  Slot last_ = kNoSlot;  // most submits repeat the last type
};

}  // namespace controlplane
