// A clock that stands still until a test moves it.
// Thread safety: every method may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace controlplane {

class ManualClock final : public Clock {
 public:
  std::int64_t wall_us() const override { return now_.load(); }
  std::int64_t steady_us() const override { return now_.load(); }
  void advance_to(std::int64_t us) { now_.store(us); }
  void advance_by(std::int64_t us) { now_.fetch_add(us); }

 private:
  std::atomic<std::int64_t> now_{1'000'000};
};

}  // namespace controlplane
