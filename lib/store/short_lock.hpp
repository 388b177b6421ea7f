// A mutex for sections of a few microseconds: who finds it taken tries again for about as long as
// going to sleep and being woken would take (some 20 µs), and only then sleeps.
// Thread safety: it is one. Errors: none.
#pragma once

#include <mutex>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace controlplane {

class ShortLock {
 public:
  void lock() {
    for (int tries = 0; tries < kTries; ++tries) {
      if (mutex_.try_lock()) return;
      for (int i = 0; i < kPauses; ++i) pause();
    }
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

 private:
  static constexpr int kTries = 60;
  static constexpr int kPauses = 10;  // between two looks at the line that the other one works on
  static void pause() noexcept {
#if defined(__SSE2__)
    _mm_pause();
#endif
  }
  std::mutex mutex_;
};

}  // namespace controlplane
