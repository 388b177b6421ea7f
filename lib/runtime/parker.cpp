#include "runtime/parker.hpp"

#include <cerrno>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace controlplane {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
              std::atomic<std::uint32_t>::is_always_lock_free);

// steady_clock is CLOCK_MONOTONIC, which is what FUTEX_WAIT_BITSET counts by.
timespec to_timespec(Parker::Deadline deadline) {
  using std::chrono::nanoseconds;
  const auto since = nanoseconds(deadline.time_since_epoch());
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  return {static_cast<std::time_t>(whole.count()), static_cast<long>((since - whole).count())};
}

// False: timed out. True: woken, perhaps for nothing, or `seen` was outdated.
bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen, const timespec* until) noexcept {
  const long slept = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, seen, until, nullptr,
                             FUTEX_BITSET_MATCH_ANY);
  return slept == 0 || errno != ETIMEDOUT;
}

}  // namespace

// The waiter may be gone after the exchange: the wake-up uses the address, never the memory. If
// that holds another futex by now, its owner wakes for nothing, as every futex's may.
void Parker::unpark() noexcept {
  std::atomic<std::uint32_t>* const word = &state_;
  if (word->exchange(ready, std::memory_order_acq_rel) == waiting) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
}

bool Parker::wait_until(Deadline deadline) noexcept {
  std::uint32_t seen = empty;
  if (!state_.compare_exchange_strong(seen, waiting, std::memory_order_acquire)) return take();
  const timespec until = to_timespec(deadline < Deadline() ? Deadline() : deadline);
  bool in_time = true;
  while (in_time && state_.load(std::memory_order_acquire) == waiting) {
    in_time = sleep(state_, waiting, deadline == Deadline::max() ? nullptr : &until);
  }
  seen = waiting;  // may be ready after all
  return !state_.compare_exchange_strong(seen, empty, std::memory_order_acquire) && take();
}

// The next wait is for the next unpark().
bool Parker::take() noexcept {
  state_.exchange(empty, std::memory_order_acq_rel);
  return true;
}

}  // namespace controlplane
