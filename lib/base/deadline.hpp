// When a wait ends that begins now and lasts as long as a caller says: sums that do not overflow,
// because "for ever" is written as milliseconds::max() and must not come out as "at once".
// Thread safety: pure, but for the clock that steady_deadline() reads.
// Errors: none. A duration below 0 counts as 0.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace controlplane {

inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

// On the timeline of `now_us`, which is not below 0; kNoDeadline if that ends first.
std::int64_t deadline_after(std::int64_t now_us, std::chrono::milliseconds duration) noexcept;

// At most 100 years ahead: the last moment of the steady clock would overflow where a condition
// variable converts it to another clock.
std::chrono::steady_clock::time_point steady_deadline(std::chrono::milliseconds duration) noexcept;

}  // namespace controlplane
