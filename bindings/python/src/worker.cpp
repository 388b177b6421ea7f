// A native Worker whose handlers are Python's: its threads register, claim, renew and report, and
// wait while the reader of an inbox does the work.
//
// What happens in Python delays neither heartbeats nor renewals, which the library's loop makes.
//
// Thread safety: Job's methods from any thread; the bound classes with the GIL.
// Lifetime: a Job is shared by the native thread, which waits for its end, and Python. One that
// Python dropped without an end is released. A worker whose event loop was closed ends with its
// next job: it would go on to claim what nobody can handle.
#include "controlplane/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "bindings.hpp"
#include "convert.hpp"
#include "inbox.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "signals.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

// What a handler came to: its result, an error that says its fail kind, or, for a failure with a
// retry_after, all of that.
struct Outcome {
  Result<Json> result;
  std::optional<Failure> failure{};
  bool unheard = false;  // nobody reads the inbox any more
};

class Job {
 public:
  Job(const ClaimedTask& task, std::size_t max_depth) : task_(task), max_depth_(max_depth) {}

  const ClaimedTask& task() const { return task_; }
  std::size_t max_json_depth() const { return max_depth_; }

  void end(Outcome outcome) {
    std::lock_guard lock(mutex_);
    if (outcome_) return;
    outcome_ = std::move(outcome);
    ended_.notify_all();
  }
  Outcome wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return outcome_.has_value(); });
    return *outcome_;
  }

 private:
  const ClaimedTask task_;
  const std::size_t max_depth_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Outcome> outcome_;  // guarded
};

// Python's end of a job. The last one to let go of it releases a task that nobody ended.
class JobHandle {
 public:
  explicit JobHandle(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  ~JobHandle() {
    if (job_) job_->end({Error::cancelled("its handler is gone")});
  }
  JobHandle(JobHandle&&) noexcept = default;
  JobHandle& operator=(JobHandle&&) = delete;

  py::object task() const { return held(ClaimedTask(job_->task())); }
  void complete(py::handle result) {
    job_->end(
        {result.is_none() ? Json("null") : encode_json("result", result, job_->max_json_depth())});
  }
  // Codes as in aragora_cp.errors; the native worker maps them to fail kinds.
  void fail(py::handle message, bool fatal) {
    std::string why = text("error", message);
    job_->end(
        {fatal ? Error::failed_precondition(std::move(why)) : Error::internal(std::move(why))});
  }
  void rate_limited(py::handle message, py::handle retry_after) {
    Failure failure;
    failure.error = text("error", message);
    failure.kind = FailKind::rate_limited;
    failure.retry_after = duration("retry_after", retry_after);
    job_->end({Error::resource_exhausted(failure.error), std::move(failure)});
  }
  void release() { job_->end({Error::cancelled()}); }

 private:
  std::shared_ptr<Job> job_;
};

// To Python: there is a job, or a job is cancelled.
class JobCall final : public Delivery {
 public:
  JobCall(std::shared_ptr<Job> job, std::uint64_t number) : job_(std::move(job)), number_(number) {}
  void deliver(py::handle receiver) override { receiver(number_, JobHandle(std::move(job_))); }
  void discard() noexcept override {
    job_->end({Error::cancelled("its handlers are gone"), {}, true});
  }
  bool is_last() const override { return false; }

 private:
  std::shared_ptr<Job> job_;
  const std::uint64_t number_;
};

class CancelCall final : public Delivery {
 public:
  explicit CancelCall(std::uint64_t number) : number_(number) {}
  void deliver(py::handle receiver) override { receiver(number_, py::none()); }
  void discard() noexcept override {}
  bool is_last() const override { return false; }

 private:
  const std::uint64_t number_;
};

// One per worker, shared by its handlers.
class Desk {
 public:
  Desk(Coordinator& coordinator, std::string agent_id, std::shared_ptr<Queue> queue,
       std::uint64_t receiver)
      : scheduler_(coordinator),
        max_json_depth_(coordinator.config().limits.max_json_depth),
        agent_id_(std::move(agent_id)),
        queue_(std::move(queue)),
        receiver_(receiver) {}

  Result<Json> run(TaskContext& context) {
    const std::uint64_t number = ++numbers_;
    const auto job = std::make_shared<Job>(context.task(), max_json_depth_);
    if (!enter(number, job)) return Error::cancelled();
    Result<Json> result = run(context, number, job);
    leave(number);
    return result;
  }

  void keep(std::shared_ptr<Worker> worker) {
    std::lock_guard lock(mutex_);
    worker_ = std::move(worker);
  }
  // Null: it was taken, or let go.
  std::shared_ptr<Worker> worker() const {
    std::lock_guard lock(mutex_);
    return worker_;
  }
  std::shared_ptr<Worker> take_worker() {
    std::lock_guard lock(mutex_);
    return std::exchange(worker_, nullptr);
  }

  // No handler is waited for any more, and none is begun.
  void let_go() {
    std::map<std::uint64_t, std::shared_ptr<Job>> left;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      left = jobs_;
    }
    for (const auto& [number, job] : left) job->end({Error::cancelled("its worker let it go")});
  }

 private:
  bool enter(std::uint64_t number, const std::shared_ptr<Job>& job) {
    std::lock_guard lock(mutex_);
    if (!closed_) jobs_.emplace(number, job);
    return !closed_;
  }
  void leave(std::uint64_t number) {
    std::lock_guard lock(mutex_);
    jobs_.erase(number);
  }

  Result<Json> run(TaskContext& context, std::uint64_t number, const std::shared_ptr<Job>& job) {
    queue_->push(receiver_, std::make_shared<JobCall>(job, number));
    context.on_cancelled([queue = queue_, receiver = receiver_, number] {
      queue->push(receiver, std::make_shared<CancelCall>(number));
    });
    Outcome outcome = job->wait();
    context.on_cancelled({});
    if (outcome.unheard) end_with(context);
    if (outcome.failure) return report(context, *outcome.failure, outcome.result);
    return std::move(outcome.result);
  }

  // In its own handler the worker's end must not be waited for; a callback thread does that. Before
  // it begins, what is released here would be claimed here again.
  void end_with(TaskContext& context) {
    take_worker().reset();
    (void)context.wait_cancelled(std::chrono::seconds(60));
  }

  // The Worker's own report has no retry_after. If this one cannot be made, that one is.
  Result<Json> report(TaskContext& context, Failure& failure, const Result<Json>& otherwise) {
    failure.attempt = {context.id(), context.task().lease, agent_id_};
    if (scheduler_.fail_task(failure)) context.abandon();
    return otherwise;
  }

  TaskScheduler scheduler_;
  const std::size_t max_json_depth_;
  const std::string agent_id_;
  const std::shared_ptr<Queue> queue_;
  const std::uint64_t receiver_;
  std::atomic<std::uint64_t> numbers_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<Worker> worker_;                      // guarded; has this in its handler
  bool closed_ = false;                                 // guarded
  std::map<std::uint64_t, std::shared_ptr<Job>> jobs_;  // guarded
};

class NativeWorker {
 public:
  // `handler` gets (number, JobHandle) for a job and (number, None) when it is cancelled.
  NativeWorker(Plane& plane, py::object inbox, py::object handler, WorkerOptions options)
      : inbox_(std::move(inbox)), receiver_(inbox_.cast<Inbox&>().add(std::move(handler))) {
    Coordinator& coordinator = plane.use();
    desk_ = std::make_shared<Desk>(coordinator, options.agent_id, inbox_.cast<Inbox&>().queue(),
                                   receiver_);
    options.drain_timeout = std::chrono::milliseconds(0);  // of one that nobody stopped
    auto worker = std::make_shared<Worker>(coordinator, std::move(options));
    worker->on("*", [desk = desk_](TaskContext& context) { return desk->run(context); });
    desk_->keep(std::move(worker));
  }

  ~NativeWorker() {
    if (!home_.is_here()) {
      new std::shared_ptr<Desk>(desk_);
      return;
    }
    inbox_.cast<Inbox&>().remove(receiver_);
    const Unlocked unlocked;
    desk_->let_go();
    if (const auto worker = desk_->take_worker()) (void)worker->stop(std::chrono::milliseconds(0));
  }

  void start() {
    Result<void> started;
    {
      const Unlocked unlocked;
      const QuietThreads quiet;  // signals are for Python's threads
      if (const auto worker = desk_->worker()) started = worker->start();
    }
    value_or_raise(std::move(started));
  }

  // Blocks without the GIL until handlers have returned, and `seconds` at most before they are told
  // to.
  void stop(py::handle seconds) {
    const auto deadline = duration("timeout", seconds);
    Result<void> stopped;
    {
      const Unlocked unlocked;
      if (const auto worker = desk_->worker()) stopped = worker->stop(deadline);
    }
    value_or_raise(std::move(stopped));
  }

  void let_go() { desk_->let_go(); }

  bool running() const {
    const auto worker = desk_->worker();
    return worker && worker->running();
  }
  py::object why_stopped() const {
    const auto worker = desk_->worker();
    const Result<void> status =
        worker ? worker->status() : Error::failed_precondition("its event loop was closed");
    return status ? py::object(py::none()) : exception_of(status.error());
  }

 private:
  const Process home_;
  const py::object inbox_;
  const std::uint64_t receiver_;
  std::shared_ptr<Desk> desk_;
};

std::unique_ptr<NativeWorker> make_worker(Plane& plane, py::object inbox, py::object handler,
                                          py::handle agent_id, py::handle capabilities,
                                          py::handle concurrency, const py::dict& more) {
  WorkerOptions options;
  options.agent_id = text("agent_id", agent_id);
  options.capabilities = texts("capabilities", capabilities);
  options.concurrency = count("concurrency", concurrency);
  options.model = text("model", more["model"]);
  options.provider = text("provider", more["provider"]);
  options.endpoint = text("endpoint", more["endpoint"]);
  if (!more["metadata"].is_none()) {
    options.metadata = encode_json("metadata", more["metadata"], plane.max_json_depth());
  }
  options.labels = labels("labels", more["labels"]);
  options.lease_ttl = duration("lease_ttl", more["lease_ttl"]);
  options.heartbeat_interval = duration("heartbeat_interval", more["heartbeat_interval"]);
  return std::make_unique<NativeWorker>(plane, std::move(inbox), std::move(handler),
                                        std::move(options));
}

}  // namespace

void bind_worker(py::module_& module) {
  py::class_<JobHandle>(module, "Job", "One attempt of a worker. Private.")
      .def_property_readonly("task", &JobHandle::task)
      .def("complete", &JobHandle::complete)
      .def("fail", &JobHandle::fail)
      .def("rate_limited", &JobHandle::rate_limited)
      .def("release", &JobHandle::release);
  py::class_<NativeWorker>(module, "NativeWorker", "Private: use aragora_cp.Worker.")
      .def(py::init(&make_worker))
      .def("start", &NativeWorker::start)
      .def("stop", &NativeWorker::stop)
      .def("let_go", &NativeWorker::let_go)
      .def_property_readonly("running", &NativeWorker::running)
      .def("why_stopped", &NativeWorker::why_stopped);
}

}  // namespace controlplane::python
