// An agent with threads of its own.
#include "controlplane/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "base/deadline.hpp"
#include "capi/defaults.hpp"
#include "capi/held.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {

struct WorkerHolder {
  Worker worker;
  std::chrono::milliseconds drain_timeout;
  Limits limits;
};
template <>
struct KindOf<WorkerHolder> {
  static constexpr Kind value = Kind::worker;
};

// Those who wait for a cancel: until it comes, or the handler has returned. Shared with the
// attempt, which may tell of a cancel while the handler returns.
class CancelWaits : public std::enable_shared_from_this<CancelWaits> {
 public:
  // Whether it was cancelled; nothing if the handler returned before.
  std::optional<bool> wait(TaskContext& context, std::chrono::milliseconds timeout) {
    listen(context);
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, steady_deadline(timeout), [this] { return cancelled_ || over_; });
    return over_ ? std::nullopt : std::optional(cancelled_ || context.cancelled());
  }
  void end() { tell(over_); }

 private:
  // Two that begin at once ask twice; the attempt keeps the last to ask, which is as good.
  void listen(TaskContext& context) {
    if (listening_.load()) return;
    context.on_cancelled([self = shared_from_this()] { self->tell(self->cancelled_); });
    listening_.store(true);
  }
  void tell(bool& what) {
    const std::lock_guard lock(mutex_);
    what = true;
    changed_.notify_all();
  }

  std::atomic<bool> listening_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;  // guarded by mutex_
  bool over_ = false;       // guarded by mutex_
};

// What a handler sees of its attempt, and what it says.
struct HandlerContext {
  HandlerContext(TaskContext& its_context, const Limits& its_limits)
      : context(its_context), limits(its_limits), task(ClaimedTask(its_context.task())) {}
  TaskContext& context;
  const Limits& limits;
  const ClaimedTaskView task;
  const std::shared_ptr<CancelWaits> waits = std::make_shared<CancelWaits>();
  std::mutex mutex;
  Json result;        // guarded by mutex
  std::string error;  // guarded by mutex
};
template <>
struct KindOf<HandlerContext> {
  static constexpr Kind value = Kind::context;
};

namespace {

// The handler's handle, refused from when the handler returned; the object is on this stack, so
// calls of other threads in it are waited for, and those that wait end.
class ContextHandle {
 public:
  explicit ContextHandle(HandlerContext& context)
      : waits_(*context.waits),
        handle_(handles::add(Kind::context, &context, [](void*) noexcept {})) {}
  ~ContextHandle() {
    handles::Slot& slot = handles::enter(Kind::context, handle_, handles::kClosed);
    waits_.end();
    handles::leave_alone(slot);
  }
  ContextHandle(const ContextHandle&) = delete;
  ContextHandle& operator=(const ContextHandle&) = delete;
  cp_task_context* get() const { return static_cast<cp_task_context*>(handle_); }

 private:
  CancelWaits& waits_;
  void* handle_;
};

Result<Json> answer_of(std::int32_t status, HandlerContext& context) {
  const std::lock_guard lock(context.mutex);
  if (status == CP_OK) return std::move(context.result);
  if (status < CP_OK || status > CP_INTERNAL) {
    return Error::internal("the handler answered " + std::to_string(status) +
                           ", which is no status");
  }
  return Error{static_cast<ErrorCode>(status - 1), std::move(context.error)};
}

Result<Json> run(cp_task_handler handler, void* user_data, TaskContext& task,
                 const Limits& limits) try {
  HandlerContext context(task, limits);
  std::int32_t status = CP_OK;
  {
    const ContextHandle handle(context);
    status = handler(handle.get(), user_data);
  }
  return answer_of(status, context);
} catch (Refusal& refusal) {  // it got no handle: not begun
  return std::move(refusal.error);
}

TaskHandler handler_of(cp_task_handler handler, void* user_data, const Limits& limits) {
  return [handler, user_data, limits](TaskContext& task) {
    return run(handler, user_data, task, limits);
  };
}

// body(context) within a handler's call.
template <class Body>
std::int32_t in_context(cp_task_context* handle, Body&& body) noexcept {
  return guard([&]() -> std::int32_t {
    const Held<HandlerContext> context(handle);
    return body(*context);
  });
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_worker_open(cp_worker** out, cp_coordinator* coordinator,
                       const cp_worker_options* options) {
  return call_for(
      out, coordinator,
      [&](Plane& plane) {
        WorkerOptions in = options_of(options, plane.limits());
        const auto drain_timeout = in.drain_timeout;
        return Result<WorkerHolder*>(new WorkerHolder{Worker(plane.coordinator, std::move(in)),
                                                      drain_timeout, plane.limits()});
      },
      [](WorkerHolder* holder) { return give_out<cp_worker>(holder); });
}

int32_t cp_worker_on(cp_worker* worker, const char* task_type, cp_task_handler handler,
                     void* user_data) {
  return with<WorkerHolder>(worker, [&](WorkerHolder& held) {
    if (view(task_type).empty()) refuse("task_type is empty; it must be a name or *");
    if (handler == nullptr) refuse("handler is NULL");
    held.worker.on(task_type, handler_of(handler, user_data, held.limits));
    return Result<void>();
  });
}

int32_t cp_worker_start(cp_worker* worker) {
  return with<WorkerHolder>(worker, [](WorkerHolder& held) { return held.worker.start(); });
}

int32_t cp_worker_stop(cp_worker* worker, uint64_t deadline_ms) {
  return with<WorkerHolder>(
      worker, [&](WorkerHolder& held) { return held.worker.stop(duration(deadline_ms)); });
}

int32_t cp_worker_running(int32_t* out, cp_worker* worker) {
  return ask<WorkerHolder>(out, worker,
                           [](const WorkerHolder& held) { return held.worker.running() ? 1 : 0; });
}

int32_t cp_worker_status(cp_worker* worker) {
  return with<WorkerHolder>(worker, [](WorkerHolder& held) { return held.worker.status(); });
}

// Stopped here, not by the last call that leaves. In a handler of its own it cannot be waited for;
// there the destructor sees to it.
int32_t cp_worker_close(cp_worker* worker) {
  return guard([&] {
    if (worker == nullptr) return CP_OK;
    const Closing<WorkerHolder> closing(worker);
    (void)closing->worker.stop(closing->drain_timeout);
    return CP_OK;
  });
}

int32_t cp_context_task(const cp_claimed_task** out, cp_task_context* context) {
  return in_context(context, [&](HandlerContext& held) {
    require(out, "out");
    *out = &held.task;
    return CP_OK;
  });
}

int32_t cp_context_cancelled(int32_t* out, cp_task_context* context) {
  return in_context(context, [&](HandlerContext& held) {
    require(out, "out");
    *out = held.context.cancelled() ? 1 : 0;
    return CP_OK;
  });
}

int32_t cp_context_wait_cancelled(int32_t* out, cp_task_context* context, uint64_t timeout_ms) {
  return in_context(context, [&](HandlerContext& held) {
    require(out, "out");
    const auto cancelled = held.waits->wait(held.context, duration(timeout_ms));
    if (!cancelled) refuse(ErrorCode::failed_precondition, "task context is closed");
    *out = *cancelled ? 1 : 0;
    return CP_OK;
  });
}

int32_t cp_context_progress(cp_task_context* context, double fraction, const char* note,
                            const char* data, size_t data_length) {
  return in_context(context, [&](HandlerContext& held) {
    const auto done = held.context.progress(
        fraction, view(note),
        json("data", data, data_length, held.limits.max_checkpoint_bytes, "max_checkpoint_bytes"));
    return done ? CP_OK : fail(done.error());
  });
}

int32_t cp_context_set_result(cp_task_context* context, const char* result, size_t length) {
  return in_context(context, [&](HandlerContext& held) {
    Json made = json("result", result, length, held.limits.max_result_bytes, "max_result_bytes");
    const std::lock_guard lock(held.mutex);
    held.result = std::move(made);
    return CP_OK;
  });
}

int32_t cp_context_set_error(cp_task_context* context, const char* error) {
  return in_context(context, [&](HandlerContext& held) {
    std::string made = text(error);
    const std::lock_guard lock(held.mutex);
    held.error = std::move(made);
    return CP_OK;
  });
}

int32_t cp_context_abandon(cp_task_context* context) {
  return in_context(context, [](HandlerContext& held) {
    held.context.abandon();
    return CP_OK;
  });
}
