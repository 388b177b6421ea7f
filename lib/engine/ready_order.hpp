// Whose turn it is among ready tasks: by level less ageing, then by position.
// Thread safety: plain values, pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <utility>

#include "engine/slab.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

// Tasks of one priority. Position first: within a level the older goes first.
using PositionSet = std::set<std::pair<std::uint64_t, Slot>>;

struct Turn {
  TaskRef task{kNoSlot, nullptr};  // kNoSlot: after all others
  std::int64_t level = 0;
  std::uint64_t position = 0;

  bool before(const Turn& other) const noexcept {
    return other.task == kNoSlot || level < other.level ||
           (level == other.level && position < other.position);
  }
};

// A level per `ageing_us` since the task was first ready; 0 = no ageing.
inline Turn turn_of(TaskRef task, std::int64_t ageing_us, Timestamp now) noexcept {
  const std::int64_t aged = ageing_us > 0 ? (now - task->first_ready) / ageing_us : 0;
  return {task, static_cast<std::int64_t>(task->priority) - aged, task->position};
}

}  // namespace controlplane
