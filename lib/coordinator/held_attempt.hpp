// One attempt while a worker's handler runs: its cancellation token, its lease, its end.
// Thread safety: the handler's thread runs it; renewals and stop() tell it things from others.
// Lifetime: shared by the worker, its handler's thread and renewals on their way.
// Errors: of progress() they are returned; those of the end decide whether it is tried again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "controlplane/task_scheduler.hpp"
#include "controlplane/worker.hpp"

namespace controlplane {

class HeldAttempt final : public TaskContext {
 public:
  HeldAttempt(TaskScheduler scheduler, ClaimedTask task, std::string agent_id)
      : scheduler_(std::move(scheduler)), task_(std::move(task)), agent_id_(std::move(agent_id)) {}

  const ClaimedTask& task() const override { return task_; }
  bool cancelled() const override;
  bool wait_cancelled(std::chrono::milliseconds timeout) override;
  void on_cancelled(std::function<void()> callback) override;
  Result<void> progress(double fraction, std::string_view note, Json data) override;
  void abandon() override;

  AttemptRef ref() const { return {task_.id, task_.lease, agent_id_}; }
  bool ours() const;  // neither lost nor abandoned: renew it, end it
  void renewed(const Result<LeaseStatus>& status);
  void lose();    // its lease is over, or cannot be kept
  void cancel();  // the worker stops without waiting

  // Calls the handler (null: there is none) and ends the attempt as that says.
  void run(const TaskHandler* handler, const Limits& limits);

 private:
  void set_cancelled(bool lost);
  Result<Json> call(const TaskHandler* handler, const Limits& limits);
  Result<void> end(const Result<Json>& outcome, const Limits& limits);
  Result<void> fail(std::string_view error, FailKind kind, const Limits& limits);

  TaskScheduler scheduler_;
  const ClaimedTask task_;
  const std::string agent_id_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;  // guarded, as below
  bool lost_ = false;
  bool abandoned_ = false;
  std::function<void()> on_cancelled_;
};

}  // namespace controlplane
