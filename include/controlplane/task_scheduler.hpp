// Hands queued tasks to agents that offer the required capabilities.
// Thread safety: every method may be called from any thread.
// Lifetime: obtained from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. Losing a race is conflict, not a failure. A task of another tenant
// is not_found.
// Blocking and completion forms: see agent_registry.hpp. What was parked completes on the loop thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

// A failed attempt, or a task that ended failed or timed out without one (attempt 0).
struct TaskFailure {
  TaskId task_id;
  std::uint32_t attempt = 0;
  std::string agent_id;
  std::string error;
  bool will_retry = false;
};

struct ReplayOptions {
  bool with_dependents = false;   // also those that failed because of it
  std::string operation_id{};     // the same id answers the same new task; empty = made
};

// Keeps a subscription alive; destroying or reset() ends it and waits for a call in progress
// (not when called from inside that call, nor on the loop thread: then no further call begins).
// Thread safety: one thread at a time. Lifetime: may outlive its coordinator.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  Subscription(Subscription&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    reset();
    cancel_ = std::exchange(other.cancel_, nullptr);
    return *this;
  }
  ~Subscription() { reset(); }
  void reset() {
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }

 private:
  std::function<void()> cancel_;
};

class TaskScheduler {
 public:
  // Answers after the store holds the task. The same idempotency key (or own task id) with the same
  // content answers the first task's id; with other content already_exists. What nobody can do is
  // accepted; explain says so.
  Result<TaskId> submit_task(TaskSpec spec);
  void submit_task(TaskSpec spec, Done<TaskId> done);
  // One answer per item, in order; items fail one by one. At most Limits::max_batch.
  Result<std::vector<Result<TaskId>>> submit_tasks(std::vector<TaskSpec> specs);
  void submit_tasks(std::vector<TaskSpec> specs, Done<std::vector<Result<TaskId>>> done);
  // The guide's name for submit_task.
  Result<TaskId> schedule(TaskSpec spec) { return submit_task(std::move(spec)); }

  // Takes the best task that the agent may have, waiting up to request.wait. No task: an empty
  // optional. failed_precondition: the agent is draining, failed, offline or superseded (a parked
  // claim ends so at once, too).
  Result<std::optional<ClaimedTask>> claim_task(const ClaimRequest& request);
  void claim_task(ClaimRequest request, Done<std::optional<ClaimedTask>> done);
  // Up to request.max_tasks; waits only while there is none at all.
  Result<std::vector<ClaimedTask>> claim_tasks(const ClaimRequest& request);
  void claim_tasks(ClaimRequest request, Done<std::vector<ClaimedTask>> done);

  // claimed → running; on a running task of the same lease nothing happens.
  Result<LeaseStatus> start_task(const AttemptRef& attempt);
  void start_task(AttemptRef attempt, Done<LeaseStatus> done);
  // lease_until = max(old, now + ttl).
  Result<LeaseStatus> renew(const AttemptRef& attempt);
  void renew(AttemptRef attempt, Done<LeaseStatus> done);
  Result<std::vector<Result<LeaseStatus>>> renew_many(std::vector<AttemptRef> attempts);
  void renew_many(std::vector<AttemptRef> attempts, Done<std::vector<Result<LeaseStatus>>> done);
  // Stored, seen by everyone, renews. Its data goes to the next attempt if this one does not end well.
  Result<LeaseStatus> progress(Progress progress);
  void progress(Progress progress, Done<LeaseStatus> done);

  // Exactly one end of an attempt is accepted. Repeating the accepted one is OK; anything else is
  // conflict: already completed | failed | released, or stale lease.
  Result<void> complete_task(Completion completion);
  void complete_task(Completion completion, Done<void> done);
  Result<std::vector<Result<void>>> complete_tasks(std::vector<Completion> completions);
  void complete_tasks(std::vector<Completion> completions, Done<std::vector<Result<void>>> done);
  // The guide's requeue=False is FailKind::fatal.
  Result<void> fail_task(Failure failure);
  void fail_task(Failure failure, Done<void> done);
  Result<std::vector<Result<void>>> fail_tasks(std::vector<Failure> failures);
  void fail_tasks(std::vector<Failure> failures, Done<std::vector<Result<void>>> done);
  // Back to pending, nothing counted (more than Limits::max_releases in a row is a crash).
  Result<void> release_task(const AttemptRef& attempt);
  void release_task(AttemptRef attempt, Done<void> done);

  // Pending: cancelled. Held: its holder is asked and has Config::cancel_grace; force: at once.
  // Answers the state after it. Idempotent; a task that ended otherwise is conflict.
  Result<TaskState> cancel_task(const TaskId& id, bool force = false);
  void cancel_task(const TaskId& id, bool force, Done<TaskState> done);
  // Pending only: directs the task to one agent, or with "" to all again.
  Result<void> assign_task(const TaskId& id, std::string_view agent_id);
  void assign_task(const TaskId& id, std::string_view agent_id, Done<void> done);
  // Releases all leases of the agent; answers how many.
  Result<std::uint64_t> reassign_agent_tasks(std::string_view agent_id);
  void reassign_agent_tasks(std::string_view agent_id, Done<std::uint64_t> done);

  Result<Task> get_task(const TaskId& id) const;
  void get_task(const TaskId& id, Done<Task> done) const;
  // The guide's get_status.
  Result<TaskState> get_status(const TaskId& id) const;
  void get_status(const TaskId& id, Done<TaskState> done) const;
  // In the order of submission.
  Result<Page<Task>> list_tasks(const TaskFilter& filter = {}, const PageRequest& page = {}) const;
  void list_tasks(const TaskFilter& filter, const PageRequest& page, Done<Page<Task>> done) const;
  // The task in whatever terminal state. deadline_exceeded when `timeout` ended first.
  Result<Task> wait_for_result(const TaskId& id, std::chrono::milliseconds timeout) const;
  void wait_for_result(const TaskId& id, std::chrono::milliseconds timeout, Done<Task> done) const;
  Result<Explanation> explain(const TaskId& id) const;
  void explain(const TaskId& id, Done<Explanation> done) const;

  // failed and timeout tasks, until retention removes them.
  Result<Page<Task>> list_dead_letters(const PageRequest& page = {}) const;
  void list_dead_letters(const PageRequest& page, Done<Page<Task>> done) const;
  // A new task with the same content and replayed_from; failed_precondition unless it is one.
  Result<TaskId> replay_dead_letter(const TaskId& id, const ReplayOptions& options = {});
  void replay_dead_letter(const TaskId& id, const ReplayOptions& options, Done<TaskId> done);

  // Called on the callback pool after the failure is durable, at most once per failure, in each
  // process that asked. One that is too slow for the history's buffer misses some; the log warns.
  Result<Subscription> on_task_failure(std::function<void(const TaskFailure&)> handler);

  // The order of this coordinator's waiting claims; see Config::strategy.
  void set_strategy(SelectionStrategy strategy);

 protected:
  explicit TaskScheduler(std::shared_ptr<CoordinatorCore> core) : core_(std::move(core)) {}
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
