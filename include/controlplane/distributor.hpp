// A distributor: an agent that owns a pool of workers and forwards its tasks to them.
// It claims like any agent. What it claimed it submits again, directed to the least loaded worker of
// its pool that offers what the task requires; the end of that task is the end of the one it claimed.
// Its pool are the agents registered with the label `distributor` = its id. When one of them goes
// offline, fails or leaves, its tasks go to others.
// Several processes may start a distributor of one id: one of them leads, by a named lease, and the
// others stand by. What a dead one had forwarded its successor finds by its id: no task is lost, and
// none is forwarded twice.
// One whose agent another host registers stops by itself, as a Worker does.
// Whom a task excludes from claiming it does not get it here either.
// Thread safety: every method may be called from any thread.
// Lifetime: keeps the coordinator's state alive; a closed coordinator ends it.
// Errors: returned, never thrown.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct DistributorOptions {
  std::string agent_id{};                       // required; also the label of its workers
  std::vector<std::string> capabilities{};      // of the tasks that it takes; usually its workers'
  std::uint32_t concurrency = 16;               // tasks forwarded at once
  Labels labels{};                              // its own
  std::string candidate{};                      // this one among those of its id; empty = made
  std::chrono::milliseconds leader_ttl{30'000}; // silent this long, another one takes over
  std::chrono::milliseconds lease_ttl{0};       // of its claims; 0 = Config::lease_ttl
  std::chrono::milliseconds drain_timeout{30'000};  // of the destructor's stop()
};

struct PoolWorker {
  std::string agent_id;
  SharedNames capabilities;
  std::uint32_t slots = 1;                      // 0 = unlimited
  bool usable = false;                          // ready or busy, and not unhealthy
  std::vector<TaskId> pending_tasks;            // given to it here, and not ended
};

class Distributor {
 public:
  // Stands for the lead, and forwards from when it has it. invalid_argument names the option.
  static Result<Distributor> start(const Coordinator& plane, DistributorOptions options);
  Distributor(Distributor&&) noexcept = default;
  Distributor& operator=(Distributor&& other) noexcept;
  ~Distributor();  // stop(options.drain_timeout)

  bool leads() const noexcept;  // false also once its lease is over or its coordinator closed
  // Of the pool, in the order of their ids, as the last event left them; empty unless it leads.
  std::vector<PoolWorker> workers() const;

  // Submits a task directed to a worker of the pool, or with "" to the least loaded one that offers what
  // it requires. It goes to another worker if that one goes. failed_precondition: this one does not lead,
  // or the worker takes no tasks. not_found: no such worker in the pool, or none that offers it.
  // A task with an idempotency key or an id of its own must name its worker.
  Result<TaskId> assign_task_to_worker(TaskSpec task, std::string_view worker_id);
  // One answer per item, in order; at most Limits::max_batch.
  Result<std::vector<Result<TaskId>>> batch_assign_tasks(std::vector<TaskSpec> tasks,
                                                         std::string_view worker_id);

  // Claims no more, waits for what it forwarded, and gives the lead to the next. What has not ended at
  // the deadline stays with the workers, and is found again by the successor. Idempotent.
  Result<void> stop(std::chrono::milliseconds deadline = std::chrono::milliseconds(30'000));

 private:
  class Impl;
  void finish() noexcept;
  explicit Distributor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace controlplane
