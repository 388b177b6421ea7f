// Agents in the order of their first registration, to be paged through while they come and go.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/slab.hpp"

namespace controlplane {

class AgentRoster {
 public:
  struct Entry {
    std::uint64_t serial;
    Slot slot;             // kNoSlot: it left
  };

  std::uint64_t append(Slot slot) {
    entries_.push_back({++last_serial_, slot});
    return last_serial_;
  }
  // One that had this serial, higher than those before, and the last one given out.
  void restore(std::uint64_t serial, Slot slot) { entries_.push_back({serial, slot}); }
  void restore(std::uint64_t last_serial) noexcept { last_serial_ = last_serial; }
  std::uint64_t last_serial() const noexcept { return last_serial_; }
  void erase(std::uint64_t serial) {
    const std::size_t at = after(serial - 1);
    assert(at < entries_.size() && entries_[at].serial == serial);
    entries_[at].slot = kNoSlot;
    ++gaps_;
    while (!entries_.empty() && entries_.back().slot == kNoSlot) pop_gap();
    // At most half are gaps, so that visiting n agents costs O(n).
    if (gaps_ * 2 > entries_.size()) close_gaps();
  }

  // Index of the first entry behind `serial`; may be a gap, or size().
  std::size_t after(std::uint64_t serial) const noexcept {
    const auto found = std::ranges::upper_bound(entries_, serial, {}, &Entry::serial);
    return static_cast<std::size_t>(found - entries_.begin());
  }
  // Whether an agent stands at `at` or behind it.
  bool any_from(std::size_t at) const noexcept { return at < entries_.size(); }
  std::size_t size() const noexcept { return entries_.size(); }
  const Entry& operator[](std::size_t at) const noexcept { return entries_[at]; }

 private:
  void pop_gap() {
    entries_.pop_back();
    --gaps_;
  }
  void close_gaps() {
    std::erase_if(entries_, [](const Entry& entry) { return entry.slot == kNoSlot; });
    gaps_ = 0;
  }
  std::vector<Entry> entries_;  // ascending serials; the last one is never a gap
  std::size_t gaps_ = 0;
  std::uint64_t last_serial_ = 0;
};

}  // namespace controlplane
