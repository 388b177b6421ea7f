#include "engine/circuit_breaker.hpp"

#include <algorithm>

namespace controlplane {
namespace {

constexpr std::int64_t kSecond_us = 1'000'000;

}  // namespace

void OutcomeWindow::move_to(std::int64_t second) noexcept {
  const std::int64_t steps = std::min<std::int64_t>(second - second_, kBuckets);
  for (std::int64_t i = 0; i < steps; ++i) {
    newest_ = newest_ + 1 == kBuckets ? 0 : newest_ + 1;
    total_ -= buckets_[newest_].total;
    failed_ -= buckets_[newest_].failed;
    buckets_[newest_] = {};
  }
  second_ = second;
}

void OutcomeWindow::count(bool failed, Timestamp now) noexcept {
  const std::int64_t second = now / kSecond_us;
  if (second > second_) move_to(second);
  Bucket& bucket = buckets_[newest_];
  ++bucket.total;
  ++total_;
  if (failed) {
    ++bucket.failed;
    ++failed_;
  }
}

bool CircuitBreaker::enter(BreakerState state, Timestamp now) noexcept {
  state_ = state;
  since_ = now;
  trial_ = false;
  return true;
}

// Closed: nothing but a failure can open it.
bool CircuitBreaker::count(bool failed, Timestamp now) {
  if (!window_) window_ = std::make_unique<OutcomeWindow>();
  window_->count(failed, now);
  consecutive_ = failed ? consecutive_ + 1 : 0;
  if (!failed) return false;
  const bool mostly = window_->total() >= kMinOutcomes && window_->failed() * 2 > window_->total();
  return (consecutive_ >= kConsecutive || mostly) && enter(BreakerState::open, now);
}

// Half open. What happened before it opened says nothing of the agent that came back.
bool CircuitBreaker::judge(Verdict verdict, Timestamp now) {
  if (verdict == Verdict::failure) {
    ++consecutive_;
    return enter(BreakerState::open, now);
  }
  consecutive_ = 0;
  window_.reset();
  return enter(BreakerState::closed, now);
}

bool CircuitBreaker::ended(Verdict verdict, Timestamp claimed_at, Timestamp now) {
  switch (state_) {
    case BreakerState::closed:
      if (verdict == Verdict::answered || verdict == Verdict::nothing) return false;
      return count(verdict == Verdict::failure, now);
    case BreakerState::open:
      return false;  // of a task claimed before: the cooldown neither grows nor ends by it
    case BreakerState::half_open:
      if (claimed_at < since_) return false;  // not the trial
      if (verdict != Verdict::nothing) return judge(verdict, now);
      trial_ = false;
      return false;
  }
  return false;
}

bool CircuitBreaker::cool_down(Timestamp now) noexcept {
  return state_ == BreakerState::open && now >= until() && enter(BreakerState::half_open, now);
}

bool CircuitBreaker::reset(Timestamp now) noexcept {
  const bool changed = state_ != BreakerState::closed;
  consecutive_ = 0;
  window_.reset();
  trial_ = false;
  if (changed) enter(BreakerState::closed, now);
  return changed;
}

}  // namespace controlplane
