// Totals and latency histograms, kept as part of each transition so that a scrape reads them once.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "controlplane/stats.hpp"
#include "engine/operations.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

inline void observe(Histogram& histogram, std::int64_t microseconds) noexcept {
  static constexpr auto kBoundsUs = [] {
    std::array<std::int64_t, kHistogramBounds.size()> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      bounds[i] = static_cast<std::int64_t>(kHistogramBounds[i] * 1e6 + 0.5);
    }
    return bounds;
  }();
  std::size_t bucket = 0;
  while (bucket < kBoundsUs.size() && microseconds > kBoundsUs[bucket]) ++bucket;
  ++histogram.counts[bucket];
  histogram.sum_seconds += static_cast<double>(microseconds) * 1e-6;
}

struct TaskCounters {
  std::array<std::uint64_t, kTaskStates> by_state{};
  std::array<std::uint64_t, 5> pending_by_reason{};  // by TaskReason, none … blocked
  std::array<std::uint64_t, kTaskPriorities> pending_by_priority{};
  std::array<std::uint64_t, kTaskStates> ended_total{};  // terminal states
  std::uint64_t submitted = 0, claimed = 0, retries = 0, crashes = 0, releases = 0, duplicates = 0,
                stale = 0, unservable = 0, failed_attempts = 0;
  Histogram wait, duration;

  void enter(TaskState state, TaskReason reason, TaskPriority priority) noexcept {
    count(state, reason, priority, 1);
  }
  void leave(TaskState state, TaskReason reason, TaskPriority priority) noexcept {
    count(state, reason, priority, std::uint64_t(-1));
  }

 private:
  void count(TaskState state, TaskReason reason, TaskPriority priority, std::uint64_t by) noexcept {
    by_state[static_cast<std::size_t>(state)] += by;
    if (state != TaskState::pending) return;
    pending_by_reason[static_cast<std::size_t>(reason)] += by;
    pending_by_priority[static_cast<std::size_t>(priority)] += by;
  }
};

}  // namespace controlplane
