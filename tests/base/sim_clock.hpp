// A clock that stands still until a test moves it; its wall can jump, its steady time cannot.
// Thread safety: every method may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace controlplane {

class SimClock final : public Clock {
 public:
  static constexpr std::int64_t kStart = 1'700'000'000'000'000;  // 2023-11-14

  std::int64_t wall_us() const override { return wall_.load(); }
  std::int64_t steady_us() const override { return steady_.load(); }

  void advance(std::int64_t us) {
    steady_ += us;
    wall_ += us;
  }
  void jump_wall(std::int64_t us) { wall_ += us; }

 private:
  std::atomic<std::int64_t> wall_{kStart};
  std::atomic<std::int64_t> steady_{1'000'000};
};

}  // namespace controlplane
