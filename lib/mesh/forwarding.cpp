// How a distributor's handler forwards one task and brings back its end.
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "mesh/distributor_impl.hpp"

namespace controlplane {
namespace {

constexpr std::chrono::milliseconds kPause{1'000};  // before a store that is away is asked again

// What a handler answers decides how its own task goes on; see TaskHandler.
Result<Json> outcome_of(const Task& copy) {
  const std::string id = copy.id.str();
  switch (copy.state) {
    case TaskState::completed: return copy.result;
    case TaskState::cancelled:
      return Error::failed_precondition("its copy " + id + " was cancelled");
    case TaskState::timeout: return Error::deadline_exceeded("its copy " + id + " timed out");
    default: break;
  }
  const bool is_final = copy.reason == TaskReason::fatal || copy.reason == TaskReason::poison;
  return {is_final ? Error::failed_precondition(copy.error) : Error::internal(copy.error)};
}

Error left_alone(const TaskId& copy) {
  return Error::cancelled("the distributor stops; " + copy.str() + " goes on without it");
}

}  // namespace

// A store that is away is no end of anything: all that is asked here may be repeated.
template <class Ask>
auto Distributor::Impl::insist(Flight& flight, Ask ask) {
  for (;;) {
    auto answer = ask();
    if (answer || answer.error().code != ErrorCode::unavailable) return answer;
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kPause, [&] { return flight.cancelled; })) return answer;
  }
}

Result<Json> Distributor::Impl::forward(TaskContext& context) {
  const auto flight = std::make_shared<Flight>();
  context.on_cancelled([weak = weak_from_this(), flight] {
    const auto self = weak.lock();
    if (!self) return;
    const std::lock_guard lock(self->mutex_);
    flight->cancelled = true;
    self->changed_.notify_all();
  });
  const auto task = insist(*flight, [&] { return scheduler_.get_task(context.id()); });
  if (!task) return task.error();
  TaskSpec copy = copy_of(*task, context.task());
  const TaskId id = copy.task_id;
  {
    const std::lock_guard lock(mutex_);
    flights_[id] = flight;
    ++forwarded_;
  }
  const auto sent = send(std::move(copy), *flight);
  std::unique_lock lock(mutex_);
  if (sent) changed_.wait(lock, [&] { return flight->end || flight->cancelled; });
  const auto mine = flights_.find(id);  // or, once its attempt is lost, that of the next one
  if (mine != flights_.end() && mine->second == flight) flights_.erase(mine);
  lock.unlock();
  if (!sent) {
    if (sent.error().outcome_unknown) withdraw(*task, id);
    return sent.error();
  }
  if (flight->end) {
    if (*flight->end) return outcome_of(**flight->end);
    return flight->end->error();
  }
  withdraw(*task, id);
  return left_alone(id);
}

// Named by the task and its failures: a successor finds it, a retry is a new one.
TaskId Distributor::Impl::id_of_copy(const Task& task) const {
  const std::string id = task.id.str();
  const std::string name = fmt::format("{}/forwarded/{}", id, task.failures);
  if (name.size() <= core_->limits().max_name_bytes) return name;
  return fmt::format("{:016x}{:016x}/forwarded/{}", digest64(id), digest64(id + "'"), task.failures);
}

TaskSpec Distributor::Impl::copy_of(const Task& task, const ClaimedTask& claimed) const {
  TaskSpec copy;
  copy.task_id = id_of_copy(task);
  copy.task_type = task.task_type;
  copy.payload = claimed.payload;
  copy.required_capabilities = task.required_capabilities;
  copy.exclude = task.exclude;
  copy.priority = task.priority;
  copy.retry.max_retries = 0;  // its own task is retried
  copy.timeout = std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::microseconds(claimed.deadline - claimed.claimed_at));
  copy.labels = {{"distributor", options_.agent_id}};
  if (claimed.details == nullptr) return copy;
  copy.metadata = claimed.details->metadata;
  copy.trace = claimed.details->trace;
  return copy;
}

// Waits for a worker that has room for it.
Result<void> Distributor::Impl::send(TaskSpec copy, Flight& flight) {
  const TaskId id = copy.task_id;
  const auto known = insist(flight, [&] { return scheduler_.get_task(id); });
  if (known) return adopt(*known), Result<void>();
  if (known.error().code != ErrorCode::not_found) return known.error();
  const Wants wants{copy.required_capabilities, copy.exclude};
  std::string worker;
  {
    std::unique_lock lock(mutex_);
    const auto chosen = [&] {
      const std::string* const best =
          pool_.choose(wants, WorkerPool::Room::needed);
      if (best != nullptr) worker = *best;
      return best != nullptr || flight.cancelled;
    };
    changed_.wait(lock, chosen);
    if (worker.empty()) return left_alone(id);
    pool_.give(id, worker, wants);  // now, so that the next one is chosen right
  }
  copy.agent_id = worker;
  const auto submitted = insist(flight, [&] { return scheduler_.submit_task(copy); });
  if (submitted) return given(id, worker, wants), Result<void>();
  if (submitted.error().outcome_unknown) {  // it may be there: the watch says when it is not
    given(id, worker, wants);
    return submitted.error();
  }
  const std::lock_guard lock(mutex_);
  pool_.end(id);
  changed_.notify_all();
  return submitted.error();
}

// Whether the copy goes on: for a successor, that takes the same attempt up again, it does. A task
// that was cancelled, or whose attempt is over, needs it no more.
void Distributor::Impl::withdraw(const Task& task, const TaskId& copy) {
  const auto now = scheduler_.get_task(task.id);
  if (!now) return;
  const bool needed = !is_terminal(now->state) && !now->cancel_requested && now->failures == task.failures;
  if (!needed) (void)scheduler_.cancel_task(copy);
}

}  // namespace controlplane
