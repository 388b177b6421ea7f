#include "base/deadline.hpp"

#include <algorithm>

namespace controlplane {
namespace {

constexpr std::chrono::milliseconds kFarAhead = std::chrono::hours(24 * 365 * 100);

}  // namespace

std::int64_t deadline_after(std::int64_t now_us, std::chrono::milliseconds duration) noexcept {
  if (duration.count() <= 0) return now_us;
  if (duration.count() > (kNoDeadline - now_us) / 1'000) return kNoDeadline;
  return now_us + duration.count() * 1'000;
}

std::chrono::steady_clock::time_point steady_deadline(std::chrono::milliseconds duration) noexcept {
  const auto bounded = std::clamp(duration, std::chrono::milliseconds(0), kFarAhead);
  return std::chrono::steady_clock::now() + bounded;
}

}  // namespace controlplane
