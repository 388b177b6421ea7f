// Callers that wait for a task to end. The store is asked once when a wait begins, once after it
// was registered (the task may have ended in between), and once more when it told that the task
// is done.
// Thread safety: every method may be called from any thread.
// Lifetime: the calls outlive it. close() before destruction.
// Errors: given to the waiters: deadline_exceeded, not_found, cancelled by close().
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/task.hpp"
#include "coordinator/store_calls.hpp"
#include "coordinator/task_calls.hpp"
#include "runtime/parker.hpp"

namespace controlplane {

struct ResultWait {
  TaskId id;
  std::int64_t deadline_us = 0;  // steady
  std::chrono::milliseconds timeout{0};
  bool seen = false;      // the task was there when the wait began
  bool blocking = false;  // its thread waits on the parker
  Parker parker;
  Done<Task> done;  // otherwise
  // Written before unpark(). None: the task is done, and the waiter's own thread fetches it.
  std::optional<Result<Task>> answer;

  // Guarded by the lock of the waits.
  bool over = false;
  std::uint64_t number = 0;  // of registration; 0 = not registered
};

class ResultWaits {
 public:
  ResultWaits(StoreCalls& calls, std::size_t max_waiting)
      : calls_(calls), max_waiting_(max_waiting) {}
  ResultWaits(const ResultWaits&) = delete;
  ResultWaits& operator=(const ResultWaits&) = delete;

  Result<Task> wait(const TaskId& id, std::chrono::milliseconds timeout);
  void wait(const TaskId& id, std::chrono::milliseconds timeout, Done<Task> done);

  void on_done(const std::vector<TaskId>& ids);  // from the store
  std::size_t waiting() const;
  void close();  // ends all with cancelled; idempotent

 private:
  using Wait = std::shared_ptr<ResultWait>;

  Wait make(const TaskId& id, std::chrono::milliseconds timeout) const;
  void enroll(const Wait& wait);
  std::optional<Error> add(const Wait& wait);
  void look(const Wait& wait);  // asks the store
  void looked(const Wait& wait, Result<std::optional<Task>>&& found);
  Result<Task> fetch(const ResultWait& wait);
  void finish(const Wait& wait, std::optional<Result<Task>>&& answer);
  bool leave(ResultWait& wait);  // under the lock; false: it was over
  void hand_over(const Wait& wait, std::optional<Result<Task>>&& answer);
  static Error explained(const ResultWait& wait, Error error);
  Error too_late(const ResultWait& wait) const;
  void arm_timer();  // under the lock
  void on_timer();

  StoreCalls& calls_;
  const std::size_t max_waiting_;

  mutable std::mutex mutex_;  // guards all below
  bool closed_ = false;
  std::uint64_t numbers_ = 0;
  std::size_t size_ = 0;
  std::unordered_map<TaskId, std::map<std::uint64_t, Wait>> by_task_;  // by number
  std::map<std::pair<std::int64_t, std::uint64_t>, Wait> timed_;       // by deadline, number
  TimerId timer_ = 0;
  std::int64_t timer_at_ = kNoDeadline;
};

}  // namespace controlplane
