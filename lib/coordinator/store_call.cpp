#include "coordinator/store_call.hpp"

#include <fmt/format.h>

#include <utility>

#include "coordinator/store_calls.hpp"

namespace controlplane {

StoreCall::StoreCall(StoreCalls& office, std::int64_t deadline_us)
    : office_(office), store_(office.store()), deadline_us_(deadline_us) {}

void StoreCall::launch() {
  Operation* op = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (over_) return;
    op = &prepare();
    op->failed.reset();
    // Anew for each try: one that was applied without our knowing has used up its nonces.
    if (needs_random(*op)) op->random = office_.entropy().next();
    in_store_ = true;
    self_ = shared_from_this();
    ++tries_;
  }
  store_.start(*op, *this);
}

void StoreCall::done(Operation& op) {
  std::shared_ptr<StoreCall> keep;
  {
    std::lock_guard lock(mutex_);
    in_store_ = false;
    keep = std::move(self_);
    if (!over_) return answered(op);
  }
  if (!op.failed) too_late(store_);
}

void StoreCall::answered(Operation& op) {
  if (op.failed && outcome_unknown_ && applied_before(*op.failed)) op.failed.reset();
  const bool away = op.failed && op.failed->code == ErrorCode::unavailable;
  office_.note(away, away ? std::string_view(op.failed->message) : std::string_view());
  if (!away) return end(std::nullopt);
  outcome_unknown_ |= op.failed->outcome_unknown;
  last_error_ = op.failed->message;
  try_again_later();
}

void StoreCall::try_again_later() {
  const std::int64_t now = office_.now_us();
  const std::int64_t at = now + office_.backoff_us(tries_);
  if (at >= deadline_us_) return end(gave_up());
  const TimerId timer =
      office_.loop().schedule(at, [self = shared_from_this()] { self->launch(); });
  if (timer == 0) end(Error::cancelled("the coordinator is closed"));
}

void StoreCall::expire() {
  std::lock_guard lock(mutex_);
  if (over_) return;
  outcome_unknown_ |= in_store_;
  end(gave_up());
}

void StoreCall::cancel() {
  std::lock_guard lock(mutex_);
  if (over_) return;
  constexpr std::string_view why = "the coordinator closed before the store answered";
  const bool may_be_applied = in_store_ || outcome_unknown_;
  end(may_be_applied ? Error::unavailable(std::string(why), true) : Error::cancelled(std::string(why)));
}

// Off the office's list only after conclude(): whoever closes finds it there, waits for the lock,
// and stops the loop only when what conclude() posted is in its queue.
void StoreCall::end(std::optional<Error> failure) {
  failure_ = std::move(failure);
  over_ = true;
  conclude();
  office_.retire(*this);
}

Error StoreCall::gave_up() const {
  const std::string_view why = last_error_.empty() ? "no answer" : std::string_view(last_error_);
  return Error::unavailable(fmt::format("{} ({} tries within operation_timeout)", why, tries_),
                            outcome_unknown_);
}

}  // namespace controlplane
