// The inside of a Distributor.
// Thread safety: every method may be called from any thread; forward() is called by the handler
// threads of its Worker.
// Lifetime: shared by the Distributor and, weakly, by what the coordinator calls back.
// Errors: as in distributor.hpp.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/distributor.hpp"
#include "controlplane/lease.hpp"
#include "controlplane/worker.hpp"
#include "coordinator/coordinator_core.hpp"
#include "mesh/worker_pool.hpp"

namespace controlplane {

class Distributor::Impl : public std::enable_shared_from_this<Distributor::Impl> {
 public:
  // Makes the worker that claims for it.
  using MakeWorker = std::function<std::unique_ptr<Worker>(std::uint64_t incarnation)>;
  Impl(const Coordinator& plane, std::shared_ptr<CoordinatorCore> core, DistributorOptions options,
       MakeWorker make_worker);

  Result<void> start(const Coordinator& plane);
  Result<void> stop(std::chrono::milliseconds deadline);
  void stop_elsewhere();  // from where it must not wait
  bool leads() const;
  std::vector<PoolWorker> workers() const;
  Result<TaskId> assign(TaskSpec task, std::string_view worker);
  Result<std::vector<Result<TaskId>>> assign(std::vector<TaskSpec> tasks, std::string_view worker);
  const DistributorOptions& options() const noexcept { return options_; }

 private:
  // One task that a handler has forwarded, or is about to.
  struct Flight {
    std::optional<Result<Task>> end;
    bool cancelled = false;
  };

  // Leading; one change at a time.
  void elected();
  void lost();
  bool is_to_lead() const;
  bool has_begun() const;
  void lead();
  Result<void> begin();
  Result<void> listen();
  void hear(const EventBatch& batch);
  void hear_tasks(const EventBatch& batch);
  void look_after_itself();
  void give_up();
  // `step` on the callback pool, once it is.
  void later(std::int64_t delay_us, void (Impl::*step)());
  void end_lead(std::chrono::milliseconds deadline);
  Result<void> adopt_all();
  void adopt_again();

  std::string lease_name() const { return "distributor/" + options_.agent_id; }

  // The pool, as events tell.
  void refresh();
  Result<void> read_pool();
  void rescue();
  bool rescue(const WorkerPool::Stray& stray);
  void report();

  // Forwarding.
  Result<Json> forward(TaskContext& context);
  TaskSpec copy_of(const Task& task, const ClaimedTask& claimed) const;
  TaskId id_of_copy(const Task& task) const;
  Result<void> send(TaskSpec copy, Flight& flight);
  template <class Ask>
  auto insist(Flight& flight, Ask ask);
  void adopt(const Task& copy);
  void withdraw(const Task& task, const TaskId& copy);

  Result<std::string> prepare(TaskSpec& task, std::string_view worker) const;
  void given(const TaskId& task, std::string_view worker, Wants wants);
  void watch(const TaskId& task);
  void watch_later(const TaskId& task);
  void ended(const TaskId& task, Result<Task> end);

  const std::shared_ptr<CoordinatorCore> core_;
  TaskScheduler scheduler_;
  AgentRegistry registry_;
  NamedLeases leases_;
  const DistributorOptions options_;
  const MakeWorker make_worker_;

  std::mutex changing_;  // taken before mutex_, as the next one; guards these
  std::optional<LeaderElection> election_;  // set once
  std::unique_ptr<Worker> worker_;
  Subscription events_, tasks_;
  std::mutex refreshing_;  // one refresh at a time, so that what is older never overwrites

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  WorkerPool pool_;
  std::unordered_map<TaskId, std::shared_ptr<Flight>> flights_;  // by copy
  std::uint64_t forwarded_ = 0;
  bool had_workers_ = false;
  std::uint64_t incarnation_ = 0;  // of its registration as the leader; another one each time
  bool elected_ = false;
  bool leads_ = false;  // begun
  bool stopped_ = false;
};

}  // namespace controlplane
