// A mutex for sections of a few microseconds: who finds it taken tries again for about as long as
// going to sleep and being woken would take (some 20 µs), and only then sleeps.
// Thread safety: it is one. Errors: none.
#pragma once

#include <atomic>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace controlplane {

class ShortLock {
 public:
  void lock() {
    if (!try_lock()) [[unlikely]]
      lock_slowly();
  }
  bool try_lock() {
    int seen = kFree;
    return state_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) [[unlikely]]
      state_.notify_one();
  }

 private:
  static constexpr int kFree = 0, kHeld = 1, kAwaited = 2;
  // Looks at the line that the other one works on: a few close to each other, because most sections
  // are over at once, …
  static constexpr int kQuickTries = 30;
  static constexpr int kTries = 60;
  static constexpr int kPauses = 10;  // … then with this between two
  static void pause() noexcept {
#if defined(__SSE2__)
    _mm_pause();
#endif
  }
  // Who sleeps marks the lock, and takes it marked: others may still sleep.
  void lock_slowly() {
    for (int tries = 0; tries < kTries; ++tries) {
      for (int i = 0; i < (tries < kQuickTries ? 1 : kPauses); ++i) pause();
      if (state_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
    }
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) state_.wait(kAwaited);
  }
  std::atomic<int> state_{kFree};
};

}  // namespace controlplane
