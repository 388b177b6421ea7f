#include "coordinator/store_calls.hpp"

#include <algorithm>
#include <vector>

namespace controlplane {
namespace {

constexpr std::int64_t kFirstPauseUs = 10'000;
constexpr std::int64_t kLongestPauseUs = 500'000;
constexpr int kDoublings = 6;  // 10 ms … 640 ms

}  // namespace

// Equal jitter: half of the pause is random, so that callers do not come back together.
std::int64_t StoreCalls::backoff_us(int tries) {
  const int doublings = std::clamp(tries - 1, 0, kDoublings);
  const std::int64_t pause = std::min(kFirstPauseUs << doublings, kLongestPauseUs);
  const auto jitter = entropy_.next() % static_cast<std::uint64_t>(pause / 2 + 1);
  return pause / 2 + static_cast<std::int64_t>(jitter);
}

bool StoreCalls::admit(const std::shared_ptr<StoreCall>& call) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  call->place_ = outstanding_.insert(outstanding_.end(), call);
  call->listed_ = true;
  if (!timer_set_) {
    timer_set_ = true;
    loop_.schedule(call->deadline_us(), [this] { expire_due(); });
  }
  return true;
}

void StoreCalls::retire(StoreCall& call) {
  std::shared_ptr<StoreCall> keep;  // its destructor must not run under the lock
  std::lock_guard lock(mutex_);
  if (!call.listed_) return;
  call.listed_ = false;
  keep = std::move(*call.place_);
  outstanding_.erase(call.place_);
}

// One timer for all: it is set for the first, and again only when it fires and others are left.
void StoreCalls::expire_due() {
  std::vector<std::shared_ptr<StoreCall>> due;
  {
    std::lock_guard lock(mutex_);
    const std::int64_t now = now_us();
    for (const auto& call : outstanding_) {
      if (call->deadline_us() > now) break;
      due.push_back(call);
    }
  }
  for (const auto& call : due) call->expire();
  std::lock_guard lock(mutex_);
  timer_set_ = !outstanding_.empty() && !closed_;
  if (!timer_set_) return;
  loop_.schedule(outstanding_.front()->deadline_us(), [this] { expire_due(); });
}

void StoreCalls::note(bool away, std::string_view why) {
  if (away_.load(std::memory_order_relaxed) == away) return;
  if (away_.exchange(away) != away && options_.on_away) options_.on_away(away, why);
}

void StoreCalls::close() {
  std::vector<std::shared_ptr<StoreCall>> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left.assign(outstanding_.begin(), outstanding_.end());
  }
  for (const auto& call : left) call->cancel();
}

std::size_t StoreCalls::outstanding() const {
  std::lock_guard lock(mutex_);
  return outstanding_.size();
}

}  // namespace controlplane
