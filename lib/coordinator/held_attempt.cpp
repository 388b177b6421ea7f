#include "coordinator/held_attempt.hpp"

#include <exception>
#include <utility>

#include "base/deadline.hpp"
#include "coordinator/clean_text.hpp"

namespace controlplane {
namespace {

constexpr std::chrono::milliseconds kPause{500};  // between two tries of an end

FailKind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::failed_precondition:
    case ErrorCode::permission_denied:
    case ErrorCode::unauthenticated:
    case ErrorCode::not_found:
      return FailKind::fatal;
    case ErrorCode::resource_exhausted:
      return FailKind::rate_limited;
    default:
      return FailKind::retryable;
  }
}

}  // namespace

bool HeldAttempt::cancelled() const {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

bool HeldAttempt::wait_cancelled(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, steady_deadline(timeout), [this] { return cancelled_; });
}

Result<void> HeldAttempt::progress(double fraction, std::string_view note, Json data) {
  Result<LeaseStatus> status =
      scheduler_.progress({ref(), fraction, std::string(note), std::move(data)});
  renewed(status);
  if (!status) return std::move(status.error());
  return {};
}

void HeldAttempt::abandon() {
  std::lock_guard lock(mutex_);
  abandoned_ = true;
}

bool HeldAttempt::ours() const {
  std::lock_guard lock(mutex_);
  return !lost_ && !abandoned_;
}

void HeldAttempt::renewed(const Result<LeaseStatus>& status) {
  if (status) {
    if (status->cancel_requested) cancel();
    return;
  }
  const ErrorCode code = status.error().code;
  if (code == ErrorCode::conflict || code == ErrorCode::not_found) lose();
}

void HeldAttempt::lose() { set_cancelled(true); }
void HeldAttempt::cancel() { set_cancelled(false); }

void HeldAttempt::set_cancelled(bool lost) {
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    lost_ = lost_ || lost;
    cancelled_ = true;
    callback.swap(on_cancelled_);
    changed_.notify_all();
  }
  if (callback) callback();  // it is the host's: not under the lock
}

void HeldAttempt::on_cancelled(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!cancelled_) {
      on_cancelled_.swap(callback);
      return;  // the old one is destroyed after the lock
    }
  }
  if (callback) callback();
}

// The end names its lease, so that repeating it is safe; as long as the lease may be ours, trying
// again loses less than doing the work again.
void HeldAttempt::run(const TaskHandler* handler, const Limits& limits) {
  if (handler != nullptr) renewed(scheduler_.start_task(ref()));
  if (!ours()) return;  // lost between its claim and now
  const Result<Json> outcome = call(handler, limits);
  while (ours()) {
    const Result<void> ended = end(outcome, limits);
    if (ended || ended.error().code != ErrorCode::unavailable) return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPause, [this] { return lost_; });
  }
}

Result<Json> HeldAttempt::call(const TaskHandler* handler, const Limits& limits) {
  if (handler == nullptr) {
    return Error::failed_precondition("no handler for task_type " + std::string(type()));
  }
  try {
    return (*handler)(*this);
  } catch (const std::exception& e) {
    return Error::internal(clean_text(e.what(), limits.max_error_bytes));
  } catch (...) {
    return Error::internal("the handler threw something that is no std::exception");
  }
}

Result<void> HeldAttempt::end(const Result<Json>& outcome, const Limits& limits) {
  if (outcome) {
    Result<void> completed = scheduler_.complete_task({ref(), *outcome, {}});
    if (completed || completed.error().code != ErrorCode::invalid_argument) return completed;
    return fail(completed.error().message, FailKind::fatal, limits);
  }
  const Error& error = outcome.error();
  if (error.code == ErrorCode::cancelled) return scheduler_.release_task(ref());
  return fail(error.message, kind_of(error.code), limits);
}

Result<void> HeldAttempt::fail(std::string_view error, FailKind kind, const Limits& limits) {
  return scheduler_.fail_task(
      {ref(), clean_text(error, limits.max_error_bytes), kind, std::chrono::milliseconds(0), {}});
}

}  // namespace controlplane
