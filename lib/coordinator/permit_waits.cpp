#include "coordinator/permit_waits.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/deadline.hpp"
#include "base/wording.hpp"

namespace controlplane {

Result<Permit> PermitWaits::acquire(const AcquireRequest& request, bool is_lease) {
  if (request.wait.count() <= 0) {
    auto got = calls_.block(AcquireCall(request, is_lease, 0));
    if (!got) return std::move(got.error());
    return **std::move(got);
  }
  if (calls_.pumped()) {
    return Error::failed_precondition(
        "would block: this coordinator is pumped, wait with a completion");
  }
  const Wait wait = make(request);
  wait->blocking = true;
  if (auto refused = add(wait)) return std::move(*refused);
  const std::string& id = wait->request.operation_id;
  auto got = calls_.block(call_of(*wait, is_lease));
  if (!got) {
    take(id);
    return std::move(got.error());
  }
  if (*got) {
    take(id);
    return **std::move(got);
  }
  const auto deadline =
      std::chrono::steady_clock::time_point(std::chrono::microseconds(wait->deadline_us));
  if (!wait->parker.wait_until(deadline) && take(id) == nullptr) wait->parker.wait();
  return outcome(*wait, calls_.block(WithdrawCall(id)));
}

void PermitWaits::acquire(AcquireRequest request, bool is_lease, Done<Permit> done) {
  if (request.wait.count() <= 0) {
    return calls_.complete(
        AcquireCall(std::move(request), is_lease, 0),
        mapped<std::optional<Permit>>(std::move(done), [](std::optional<Permit> permit) {
          return *std::move(permit);
        }));
  }
  const Wait wait = make(std::move(request));
  wait->done = std::move(done);
  if (auto refused = add(wait)) {
    return calls_.deliver(std::move(wait->done), Result<Permit>(std::move(*refused)));
  }
  calls_.perform(call_of(*wait, is_lease), [this, wait](Result<std::optional<Permit>> got) {
    if (!answered(wait, got)) return withdraw(wait);
    if (got && !*got) return;  // it waits
    calls_.deliver(std::move(wait->done), got ? Result<Permit>(**std::move(got))
                                              : Result<Permit>(std::move(got.error())));
  });
}

PermitWaits::Wait PermitWaits::make(AcquireRequest request) const {
  auto wait = std::make_shared<PermitWait>();
  wait->deadline_us = deadline_after(calls_.now_us(), request.wait);
  wait->request = std::move(request);
  std::string& id = wait->request.operation_id;
  if (id.empty()) id = make_operation_id(calls_.entropy(), calls_.store().now());
  return wait;
}

// The store lets it wait a little longer than its caller does: the caller withdraws.
AcquireCall PermitWaits::call_of(const PermitWait& wait, bool is_lease) const {
  constexpr std::chrono::milliseconds kGrace{5'000};
  return {wait.request, is_lease,
          deadline_after(calls_.store().now(), wait.request.wait + kGrace)};
}

std::optional<Error> PermitWaits::add(const Wait& wait) {
  const std::lock_guard lock(mutex_);
  if (closed_) return StoreCalls::closed_error();
  if (waits_.emplace(wait->request.operation_id, wait).second) return std::nullopt;
  return Error::already_exists("operation " + wait->request.operation_id + " waits already");
}

// False: it was ended meanwhile, and the withdrawal was left to the answer.
bool PermitWaits::answered(const Wait& wait, const Result<std::optional<Permit>>& got) {
  const std::lock_guard lock(mutex_);
  wait->answered = true;
  if (wait->over) {
    if (!got && !wait->refused) wait->refused = got.error();
    return false;
  }
  const std::string& id = wait->request.operation_id;
  if (got && !*got) {
    wait->timer =
        calls_.loop().schedule(wait->deadline_us, [this, id] { end(id, std::nullopt); });
  } else {
    wait->over = true;
    waits_.erase(id);
  }
  return true;
}

PermitWaits::Wait PermitWaits::take(const std::string& operation_id, std::optional<Error> why) {
  const std::lock_guard lock(mutex_);
  const auto found = waits_.find(operation_id);
  if (found == waits_.end()) return nullptr;
  Wait wait = std::move(found->second);
  waits_.erase(found);
  wait->over = true;
  wait->refused = std::move(why);
  wait->left_to_answer = !wait->blocking && !wait->answered;
  if (wait->timer != 0) calls_.loop().cancel(wait->timer);
  return wait;
}

void PermitWaits::on_granted(const std::string& operation_id) { end(operation_id, std::nullopt); }

void PermitWaits::on_refused(const std::string& operation_id, Error error) {
  end(operation_id, std::move(error));
}

bool PermitWaits::cancel(std::string_view operation_id) {
  const Wait wait =
      take(std::string(operation_id), Error::cancelled("the wait for a permit was given up"));
  if (wait == nullptr) return false;
  hand_over(wait);
  return true;
}

void PermitWaits::end(const std::string& operation_id, std::optional<Error> why) {
  if (const Wait wait = take(operation_id, std::move(why))) hand_over(wait);
}

// A store may apply in any order what it was not asked one after the other: a withdrawal that came
// before its acquire would find nothing, and leave a permit that nobody hears of.
void PermitWaits::hand_over(const Wait& wait) {
  if (wait->blocking) return wait->parker.unpark();
  if (wait->left_to_answer) return;
  if (!calls_.loop().post([this, wait] { withdraw(wait); })) withdraw(wait);
}

void PermitWaits::withdraw(const Wait& wait) {
  calls_.perform(WithdrawCall(wait->request.operation_id),
                 [this, wait](Result<std::optional<Permit>> withdrawn) {
                   calls_.deliver(std::move(wait->done), outcome(*wait, std::move(withdrawn)));
                 });
}

Result<Permit> PermitWaits::outcome(const PermitWait& wait,
                                    Result<std::optional<Permit>> withdrawn) {
  const bool is_unwanted = wait.refused && wait.refused->code == ErrorCode::cancelled;
  if (withdrawn && *withdrawn) {
    if (!is_unwanted) return **std::move(withdrawn);
    give_back(**std::move(withdrawn));
  }
  if (wait.refused) return *wait.refused;
  if (!withdrawn) return std::move(withdrawn.error());
  return Error::deadline_exceeded(fmt::format("{} was granted no permit within {}",
                                              wait.request.owner, seconds(wait.request.wait)));
}

void PermitWaits::give_back(Permit permit) {
  EndPermitCall release(permit);
  CallNames names{calls_.entropy(), 0};
  release.keep(names);
  calls_.perform(std::move(release), [](Result<void>) {});
}

std::size_t PermitWaits::waiting() const {
  const std::lock_guard lock(mutex_);
  return waits_.size();
}

void PermitWaits::close() {
  std::vector<std::string> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [id, wait] : waits_) left.push_back(id);
  }
  for (const std::string& id : left) {
    end(id, Error::cancelled("the coordinator closed while a permit was awaited"));
  }
}

}  // namespace controlplane
