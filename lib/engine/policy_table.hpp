// Interned retry and timeout settings: a fleet uses a handful, so a task keeps only a number.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/digest.hpp"
#include "engine/slab.hpp"

namespace controlplane {

struct TaskPolicy {
  std::int64_t timeout_us = 0;         // of one attempt
  std::int64_t queue_timeout_us = 0;   // 0 = unlimited
  std::int64_t total_timeout_us = 0;   // 0 = unlimited
  std::int64_t delay_us = 0;
  std::int64_t max_delay_us = 0;
  double backoff = 1;
  std::uint32_t max_retries = 0;
  std::uint32_t allow_failed_parents = 0;

  // All members are plain and the struct has no padding: its bytes are its value.
  std::string_view bytes() const noexcept {
    return {reinterpret_cast<const char*>(this), sizeof(*this)};
  }
};
static_assert(sizeof(TaskPolicy) == 56);

// Delay before the next attempt after `failures` ≥ 1 failures; half of it is random (equal jitter:
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
std::int64_t retry_delay_us(const TaskPolicy& policy, std::uint32_t failures,
                            std::uint64_t random) noexcept;

class PolicyTable {
 public:
  // kNoSlot when there are `max` policies and this is a new one. No use is counted yet.
  std::uint32_t find_or_add(const TaskPolicy& policy, std::size_t max) {
    if (last_ != kNoSlot && entries_[last_].policy.bytes() == policy.bytes()) return last_;
    const auto found = by_hash_.find(digest64(policy.bytes()));
    if (found != by_hash_.end()) {  // 64 bits of a few thousand entries: equal hash, equal policy
      return last_ = found->second;
    }
    if (by_hash_.size() >= max) return kNoSlot;
    const Slot slot = entries_.take();
    entries_[slot].policy = policy;
    by_hash_.emplace(digest64(policy.bytes()), slot);
    return last_ = slot;
  }
  void use(std::uint32_t slot) { ++entries_[slot].uses; }
  void drop(std::uint32_t slot) {
    if (entries_[slot].uses > 0 && --entries_[slot].uses > 0) return;
    by_hash_.erase(digest64(entries_[slot].policy.bytes()));
    entries_.give_back(slot);
    if (last_ == slot) last_ = kNoSlot;
  }
  const TaskPolicy& operator[](std::uint32_t slot) const { return entries_[slot].policy; }
  std::size_t size() const noexcept { return by_hash_.size(); }

 private:
  friend struct EngineAudit;
  struct Entry {
    TaskPolicy policy;
    std::uint64_t uses = 0;
  };
  Slab<Entry, 6> entries_;
  std::unordered_map<std::uint64_t, Slot> by_hash_;
  Slot last_ = kNoSlot;  // most submits repeat the last policy
};

}  // namespace controlplane
