// The two clocks an operation may be given, and the timeline that one store keeps.
// Thread safety: every method may be called from any thread.
// Lifetime: a Timeline must not outlive its clock.
// Errors: none.
#pragma once

#include <cstdint>

namespace controlplane {

// Abstract so that simulations own time.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t wall_us() const = 0;    // since the Unix epoch; may jump
  virtual std::int64_t steady_us() const = 0;  // since anything; never goes back
};

const Clock& system_clock() noexcept;

// Wall time that does not jump: the wall clock at construction plus steady time since.
// `now = max(high-water mark, now_us())` is the namespace's part, under its own lock: a mark kept
// here would need one of its own on every operation.
class Timeline {
 public:
  explicit Timeline(const Clock& clock)
      : clock_(clock), offset_us_(clock.wall_us() - clock.steady_us()) {}
  std::int64_t now_us() const { return offset_us_ + clock_.steady_us(); }

 private:
  const Clock& clock_;
  const std::int64_t offset_us_;
};

}  // namespace controlplane
