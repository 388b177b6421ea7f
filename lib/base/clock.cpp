#include "base/clock.hpp"

#include <chrono>

namespace controlplane {
namespace {

template <class SomeClock>
std::int64_t read_us() {
  const auto since = SomeClock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

class SystemClock final : public Clock {
 public:
  std::int64_t wall_us() const override { return read_us<std::chrono::system_clock>(); }
  std::int64_t steady_us() const override { return read_us<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace controlplane
