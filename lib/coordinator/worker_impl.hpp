// The inside of a Worker.
// Thread safety: every method may be called from any thread, run_thread() is the handlers' threads.
// Lifetime: shared by the Worker, its threads and, weakly, by timers on the loop. Its threads end
// before stop() returns.
// Errors: as in worker.hpp.
//
// Each handler thread claims for itself, so that a task goes from whoever makes it ready straight
// to the thread that runs it. Heartbeats and renewals are timers on the loop with completions: a
// handler that is busy, or hangs, delays neither.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/worker.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/held_attempt.hpp"
#include "coordinator/worker_roster.hpp"

namespace controlplane {

class Worker::Impl final : public RosterMember, public std::enable_shared_from_this<Worker::Impl> {
 public:
  // `incarnation`: of its registration; 0 = the coordinator's.
  Impl(TaskScheduler scheduler, AgentRegistry registry, std::shared_ptr<CoordinatorCore> core,
       WorkerOptions options, std::uint64_t incarnation = 0);
  ~Impl() override;

  void on(std::string task_type, TaskHandler handler);
  Result<void> check() const;  // its options
  Result<void> start();
  Result<void> stop(std::chrono::milliseconds deadline);
  bool running() const;
  Result<void> status() const;
  void stop_finally();  // for destructors: from any thread, its own included

  void drain() override;
  std::size_t held() const override;
  bool at_rest() const override;
  void leave() override;
  void closing() override;
  void closed() override;

 private:
  enum class State : std::uint8_t { idle, running, draining, stopped };
  using Attempt = std::shared_ptr<HeldAttempt>;
  using Handler = std::shared_ptr<const TaskHandler>;  // may be replaced while it runs

  Result<void> enroll();
  Result<void> set_going();
  Error too_late() const;
  void start_threads();
  void run_thread();
  void handle(ClaimedTask task);
  void refused(Error error);  // a claim or heartbeat was
  void stop_by_itself(Error why, bool gone = true);  // gone: it is not our agent any more
  Handler handler_for(const std::string& task_type) const;

  void beat();   // on the loop
  void renew();  // on the loop
  void again(std::chrono::milliseconds after, void (Impl::*step)());
  std::vector<Attempt> attempts() const;
  bool runs_here() const noexcept;  // this is one of its threads
  void join_threads();              // all but this one
  void release_left();
  void rest();  // one less is active
  Result<void> stop_here(std::chrono::milliseconds deadline);
  void stop_in_callback();
  void stop_locked(std::chrono::milliseconds deadline);  // under changing_
  void release_after(std::chrono::milliseconds deadline);
  void retire();                                         // under changing_

  const std::shared_ptr<CoordinatorCore> core_;
  TaskScheduler scheduler_;
  AgentRegistry registry_;
  const WorkerOptions options_;
  const std::uint64_t incarnation_;
  const std::chrono::milliseconds lease_ttl_, renew_interval_, heartbeat_interval_;

  // One start() or stop() at a time, from its beginning to its end; taken before mutex_.
  std::mutex changing_;
  std::vector<std::thread> threads_;  // guarded by changing_
  bool listed_ = false;               // guarded by changing_: in the roster

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, Handler, std::less<>> handlers_;
  State state_ = State::idle;
  bool registered_ = false;
  bool let_go_ = false;  // a callback thread that waits for its threads must not
  std::uint32_t active_ = 0;  // threads that run, and start() and leave() on their way
  Result<void> status_;
  bool complained_ = false;  // of claims that are refused, since the last one that was not
  std::uint64_t beats_ = 0;  // answered heartbeats: claims that were refused try again
  std::uint64_t numbers_ = 0;
  std::map<std::uint64_t, Attempt> held_;
};

}  // namespace controlplane
