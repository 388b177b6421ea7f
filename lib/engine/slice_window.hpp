// How much was taken in the last period, so that no period, wherever it begins, sees more than a
// bound: time is cut into slices of a 64th of the period, and the current slice with the 64 before
// it covers every period that ends now. At full demand 64/65 of the bound are reached.
// What is taken may later be corrected in the slice that it was taken in, so that the sum is exact.
// Pure: time is an argument and never goes back.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "controlplane/task.hpp"

namespace controlplane {

class SliceWindow {
 public:
  explicit SliceWindow(std::int64_t period_us = 60'000'000)
      : slice_us_(std::max<std::int64_t>(1, (period_us + kSlices - 1) / kSlices)) {}

  void advance(Timestamp now) noexcept {
    const std::int64_t current = now / slice_us_;
    if (current - current_ >= kKept) {
      used_.fill(0);
      total_ = 0;
    } else {
      for (std::int64_t i = current_ + 1; i <= current; ++i) {
        total_ -= used_[index(i)];
        used_[index(i)] = 0;
      }
    }
    current_ = current;
  }
  // Of the slices that still count.
  std::uint64_t total() const noexcept { return total_; }
  std::int64_t slice() const noexcept { return current_; }

  // Of the slices that count, oldest first, without those before the first that is not 0.
  void describe(std::vector<std::uint64_t>& used) const {
    for (std::int64_t slice = std::max<std::int64_t>(0, current_ - kKept + 1); slice <= current_; ++slice) {
      if (!used.empty() || used_[index(slice)] > 0) used.push_back(used_[index(slice)]);
    }
  }
  // False: that cannot be. `bound` keeps the sum from overflowing.
  bool restore(std::int64_t current, const std::vector<std::uint64_t>& used, std::uint64_t bound,
               Timestamp now) noexcept {
    if (current > now / slice_us_ || used.size() > std::size_t{kKept} ||
        static_cast<std::int64_t>(used.size()) > current + 1) {
      return false;
    }
    current_ = current;
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i] > bound || total_ > bound) return false;
      add(current - static_cast<std::int64_t>(used.size() - 1 - i), used[i]);
    }
    return true;
  }
  std::uint64_t used_in(std::int64_t slice) const noexcept {
    return slice > current_ - kKept && slice <= current_ ? used_[index(slice)] : 0;
  }
  bool counts(std::int64_t slice) const noexcept { return slice > current_ - kKept; }

  void take(std::uint64_t amount) noexcept { add(current_, amount); }
  // Gives back what was taken in `slice`; what is too old to count is nothing.
  void give_back(std::int64_t slice, std::uint64_t amount) noexcept {
    if (slice <= current_ - kKept) return;
    used_[index(slice)] -= amount;
    total_ -= amount;
  }
  // When the total will be at most `bound` if nothing more is taken.
  Timestamp when_at_most(std::uint64_t bound) const noexcept {
    std::uint64_t left = total_;
    std::int64_t slice = current_ - kKept + 1;
    while (left > bound && slice <= current_) left -= used_[index(slice++)];
    return (slice - 1 + kKept) * slice_us_;
  }

 private:
  friend struct EngineAudit;
  static constexpr std::int64_t kSlices = 64;
  static constexpr std::int64_t kKept = kSlices + 1;
  static std::size_t index(std::int64_t slice) noexcept {
    return static_cast<std::size_t>(slice % kKept);
  }
  void add(std::int64_t slice, std::uint64_t amount) noexcept {
    used_[index(slice)] += amount;
    total_ += amount;
  }

  std::int64_t slice_us_;
  std::int64_t current_ = 0;
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, kKept> used_{};
};

}  // namespace controlplane
