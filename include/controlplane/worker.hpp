// An agent: registers, claims tasks, runs a handler per task type on its own threads, reports.
// Built from the public operations; a host with its own loop can do without it.
// Thread safety: every method from any thread.
// Lifetime: uses the Coordinator's state, which it keeps alive; a closed coordinator stops it.
// Errors: returned. An exception of a handler fails its attempt (retryable) with its text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/coordinator.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct WorkerOptions {
  std::string agent_id{};                            // required
  std::vector<std::string> capabilities{};
  std::uint32_t concurrency = 1;                     // handlers at once; also the agent's slots
  std::string model{}, provider{}, endpoint{};
  Json metadata{};
  Labels labels{};
  std::chrono::milliseconds lease_ttl{0};            // renewed at a third of it, at least every ms;
                                                     // 0 = Config::lease_ttl; at most max_delay
  std::chrono::milliseconds heartbeat_interval{0};   // below Config::heartbeat_timeout;
                                                     // 0 = Config::heartbeat_interval
  std::chrono::milliseconds drain_timeout{30'000};   // of the destructor's stop(); 0 = at once
};

// One attempt, as its handler sees it. Valid during the handler's call.
class TaskContext {
 public:
  virtual ~TaskContext() = default;
  virtual const ClaimedTask& task() const = 0;
  TaskId id() const { return task().id; }
  std::string_view type() const { return task().task_type.text(); }
  const Json& payload() const { return task().payload; }
  std::uint32_t attempt() const { return task().attempt; }
  // True once: a cancel was requested, the lease was lost, or the worker stops without waiting.
  virtual bool cancelled() const = 0;
  // Blocks up to `timeout` or until cancelled(); answers cancelled(). Use instead of sleeping.
  virtual bool wait_cancelled(std::chrono::milliseconds timeout) = 0;
  // Calls `callback` once when cancelled() turns true, or now if it is: on the thread that learned of
  // it, so it must not block. The last one given counts. For hosts with a loop of their own.
  virtual void on_cancelled(std::function<void()> callback) = 0;
  virtual Result<void> progress(double fraction, std::string_view note = {}, Json data = {}) = 0;
  // The attempt is left alone from now on: no renewal, no end. Only for hosts that end it otherwise.
  virtual void abandon() = 0;
};

// A handler's error maps to a fail kind: invalid_argument, failed_precondition, permission_denied,
// unauthenticated and not_found are fatal; resource_exhausted is rate_limited; cancelled releases the
// task (or ends it, if its cancel was requested); all others are retryable.
using TaskHandler = std::function<Result<Json>(TaskContext&)>;

class Worker {
 public:
  Worker(Coordinator& coordinator, WorkerOptions options);
  // stop(options.drain_timeout). On the loop thread and in a handler of this worker, where it must not
  // wait, a callback thread does that afterwards; if none is to be had (closed, or limits met) the
  // handlers are told to cancel, and the worker ends when they return.
  ~Worker();
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) noexcept;

  // "*" handles every type without a handler of its own; a task without any fails (fatal). Once
  // started it holds for what is claimed from then on.
  Worker& on(std::string task_type, TaskHandler handler);

  // Registers the agent and begins to claim; ready or an error. failed_precondition if started;
  // invalid_argument names the option.
  Result<void> start();
  // Drains: claims no more, waits for its handlers, unregisters. When `deadline` ends first their
  // leases are released (within Config::operation_timeout) and cancelled() turns true; the call still
  // waits for handlers to return, and for a start() on its way. Idempotent and safe before start.
  // failed_precondition on the loop thread and in a handler of this worker: it would wait for itself.
  Result<void> stop(std::chrono::milliseconds deadline = std::chrono::milliseconds(30'000));

  bool running() const;        // false too after another process registered the same agent
  // Why it stopped by itself; OK while it runs, after stop(), and when the coordinator shut down while
  // it held nothing.
  Result<void> status() const;

 private:
  friend class Distributor;
  class Impl;
  explicit Worker(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace controlplane
