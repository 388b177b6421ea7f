// Whether an agent that keeps failing gets work: closed → open → half open → closed or open.
// Pure: time is an argument and never goes back.
// Thread safety: none.
//
// Opens at kConsecutive failures in a row, or when more than half of at least kMinOutcomes outcomes
// of the last 60 s failed; only a failure opens it. The window counts by whole seconds: an outcome
// is in it during its own second and the 59 that follow.
// Half open it admits one task, and only the end of that one decides. Nothing is claimed during the
// cooldown: what was claimed since the breaker is half open is the trial, what was claimed earlier
// says nothing of the agent that came back.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "controlplane/agent.hpp"

namespace controlplane {

// What the end of an attempt says about its agent.
enum class Verdict : std::uint8_t {
  success,
  failure,
  answered,  // the task was at fault (a fatal failure): not counted, but it ends a trial well
  nothing    // released, cancelled, rate limited: a trial may be repeated
};

struct BreakerRow;

// Outcomes of the last 60 s.
class OutcomeWindow {
 public:
  void count(bool failed, Timestamp now) noexcept;
  std::uint64_t total() const noexcept { return total_; }    // as of the last count()
  std::uint64_t failed() const noexcept { return failed_; }
  void describe(BreakerRow& row) const;
  bool restore(const BreakerRow& row);

 private:
  static constexpr std::uint32_t kBuckets = 60;
  struct Bucket {
    std::uint32_t total = 0;
    std::uint32_t failed = 0;
  };
  void move_to(std::int64_t second) noexcept;

  std::int64_t second_ = 0;  // of buckets_[newest_]
  std::uint32_t newest_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t failed_ = 0;
  std::array<Bucket, kBuckets> buckets_{};
};

class CircuitBreaker {
 public:
  static constexpr std::uint32_t kConsecutive = 3;
  static constexpr std::uint64_t kMinOutcomes = 10;
  static constexpr std::int64_t kCooldown_us = 60'000'000;

  BreakerState state() const noexcept { return state_; }
  Timestamp since() const noexcept { return since_; }    // of the state; 0 = ever
  Timestamp until() const noexcept {  // the end of the cooldown; 0 unless open
    return state_ == BreakerState::open ? since_ + kCooldown_us : 0;
  }
  std::uint32_t consecutive_failures() const noexcept { return consecutive_; }
  bool admits() const noexcept {
    return state_ == BreakerState::closed || (state_ == BreakerState::half_open && !trial_);
  }

  // All that change the state answer whether they did.
  void claimed() noexcept { trial_ = state_ == BreakerState::half_open; }
  bool ended(Verdict verdict, Timestamp claimed_at, Timestamp now);
  bool cool_down(Timestamp now) noexcept;  // open and until() has come → half open
  bool reset(Timestamp now) noexcept;      // closed, and everything forgotten

  void describe(BreakerRow& row) const;    // agent_rows.cpp
  bool restore(const BreakerRow& row);     // false: that cannot be

 private:
  bool enter(BreakerState state, Timestamp now) noexcept;
  bool count(bool failed, Timestamp now);
  bool judge(Verdict verdict, Timestamp now);

  std::unique_ptr<OutcomeWindow> window_;  // made by the first outcome: idle agents are many
  Timestamp since_ = 0;
  std::uint32_t consecutive_ = 0;
  BreakerState state_ = BreakerState::closed;
  bool trial_ = false;
};

}  // namespace controlplane
