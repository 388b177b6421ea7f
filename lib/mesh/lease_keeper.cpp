#include "mesh/lease_keeper.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/deadline.hpp"
#include "base/wording.hpp"
#include "coordinator/permit_calls.hpp"

namespace controlplane {
namespace {

std::int64_t micros(std::chrono::milliseconds time) {
  return std::chrono::microseconds(time).count();
}

bool says_lost(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::conflict;
}

}  // namespace

NamedLease::Keeper::Keeper(std::shared_ptr<CoordinatorCore> core, std::string name, LeaseOptions options,
                      Permit permit)
    : core_(std::move(core)),
      name_(std::move(name)),
      options_(std::move(options)),
      permit_(std::move(permit)),
      hold_until_us_(options_.max_hold.count() <= 0
                         ? kNoDeadline
                         : deadline_after(core_->calls().now_us(), options_.max_hold)),
      strand_(core_->pool().make_strand()),
      ends_us_(local_end(permit_.expires_at)) {}

// What is left of it by the store's clock, on the local steady one.
std::int64_t NamedLease::Keeper::local_end(Timestamp expires_at) const {
  return core_->calls().now_us() + (expires_at - core_->calls().store().now());
}

void NamedLease::Keeper::begin() { schedule(); }

bool NamedLease::Keeper::held() const noexcept {
  return state_.load(std::memory_order_acquire) == State::held &&
         core_->calls().now_us() < ends_us_.load(std::memory_order_acquire);
}

bool NamedLease::Keeper::may_renew(std::int64_t now_us) const {
  return options_.auto_renew && now_us < hold_until_us_;
}

// The next look: to renew, or to say that its time is over.
void NamedLease::Keeper::schedule() {
  const std::int64_t now = core_->calls().now_us();
  const std::int64_t end = ends_us_.load(std::memory_order_acquire);
  std::int64_t next = end;
  const std::lock_guard lock(mutex_);
  if (may_renew(now) && !renewing_) {
    next = std::min({end, now + std::max<std::int64_t>(1'000, micros(options_.ttl) / 3),
                     std::max(hold_until_us_, now + 1)});
  }
  if (state_.load(std::memory_order_acquire) != State::held) return;
  if (timer_ != 0) core_->loop().cancel(timer_);
  timer_ = core_->loop().schedule(next, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

// False: it is not to be renewed, or is just being renewed.
bool NamedLease::Keeper::begin_renewal(std::int64_t now_us) {
  const std::lock_guard lock(mutex_);
  return may_renew(now_us) && !std::exchange(renewing_, true);
}

void NamedLease::Keeper::tick() {
  const std::int64_t now = core_->calls().now_us();
  if (now >= ends_us_.load(std::memory_order_acquire)) {
    std::string reason = "it was not renewed";
    {
      const std::lock_guard lock(mutex_);
      if (now >= hold_until_us_) {
        reason = "it was held for max_hold, " + seconds(options_.max_hold);
      } else if (last_error_) {
        reason = last_error_->to_string();
      }
    }
    return lose(Error::deadline_exceeded(fmt::format("lease {} is over: {}", name_, reason)));
  }
  if (!begin_renewal(now)) return schedule();
  schedule();  // its end may come before the answer
  RenewPermitCall call(permit_, micros(options_.ttl));
  core_->calls().perform(std::move(call), [weak = weak_from_this()](const Result<Timestamp>& answer) {
    if (const auto self = weak.lock()) self->renewed(answer);
  });
}

void NamedLease::Keeper::renewed(const Result<Timestamp>& answer) {
  if (!answer && says_lost(answer.error())) return lose(answer.error());
  if (answer) ends_us_.store(local_end(*answer), std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);
    renewing_ = false;
    if (!answer) last_error_ = answer.error();
  }
  schedule();
}

bool NamedLease::Keeper::leave(State to) {
  State held = State::held;
  if (!state_.compare_exchange_strong(held, to, std::memory_order_acq_rel)) return false;
  const std::lock_guard lock(mutex_);
  if (timer_ != 0) core_->loop().cancel(timer_);
  return true;
}

void NamedLease::Keeper::lose(Error why) {
  if (!leave(State::lost) || !options_.on_lost) return;
  strand_->submit([tell = options_.on_lost, why = std::move(why)] { tell(why); });
}

Error NamedLease::Keeper::lost_before() const {
  return Error::not_found("lease " + name_ + " was lost before");
}

// One that was told to be lost stays so, even if the store still knows it.
Result<void> NamedLease::Keeper::renew() {
  if (state_.load(std::memory_order_acquire) == State::released) {
    return Error::failed_precondition("lease " + name_ + " was released");
  }
  if (state_.load(std::memory_order_acquire) == State::lost) return lost_before();
  Checks checks(core_->limits());
  const auto answer = core_->block(checks, RenewPermitCall(permit_, micros(options_.ttl)));
  if (!answer) {
    if (says_lost(answer.error())) lose(answer.error());
    return answer.error();
  }
  ends_us_.store(local_end(*answer), std::memory_order_release);
  if (state_.load(std::memory_order_acquire) == State::lost) return lost_before();
  return {};
}

Result<void> NamedLease::Keeper::release() {
  const bool was_released = state_.load(std::memory_order_acquire) == State::released;
  const bool was_held = leave(State::released);
  strand_->close_and_wait();
  if (was_released) return {};
  if (!was_held) return lost_before();
  Checks checks(core_->limits());
  return core_->block(checks, EndPermitCall(permit_));
}

void NamedLease::Keeper::abandon() {
  if (!leave(State::released)) return;
  Checks checks(core_->limits());
  core_->complete(checks, EndPermitCall(permit_), Done<void>([](Result<void>) {}));
}

}  // namespace controlplane
