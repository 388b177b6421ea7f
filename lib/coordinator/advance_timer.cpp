#include "coordinator/advance_timer.hpp"

#include <algorithm>
#include <utility>

namespace controlplane {
namespace {

constexpr std::int64_t kPauseUs = 500'000;  // after a store was away

}  // namespace

void AdvanceTimer::start() { arm(calls_.now_us() + backstop_us_); }

void AdvanceTimer::on_due(Timestamp earliest) {
  arm(calls_.now_us() + std::max<std::int64_t>(0, earliest - calls_.store().now()));
}

void AdvanceTimer::arm(std::int64_t at_us) {
  std::lock_guard lock(mutex_);
  if (at_us >= at_us_) return;
  if (timer_ != 0) calls_.loop().cancel(timer_);
  at_us_ = at_us;
  timer_ = calls_.loop().schedule(at_us, [this] { run(); });
}

// What becomes due while one is on its way may be too late for that one: then another one follows.
void AdvanceTimer::run() {
  {
    std::lock_guard lock(mutex_);
    timer_ = 0;
    at_us_ = kNoDeadline;
    again_ = running_;
    if (again_) return;
    running_ = true;
  }
  calls_.perform(AdvanceCall{}, [this](Result<bool> more_due) { ran(more_due); });
}

void AdvanceTimer::ran(const Result<bool>& more_due) {
  bool again;
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    again = std::exchange(again_, false);
  }
  if (!more_due) {
    arm(calls_.now_us() + kPauseUs);
  } else if (*more_due || again) {
    calls_.loop().post([this] { run(); });
  } else {
    arm(calls_.now_us() + backstop_us_);
  }
}

}  // namespace controlplane
