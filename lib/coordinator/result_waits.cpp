#include "coordinator/result_waits.hpp"

#include <fmt/format.h>

#include "base/deadline.hpp"
#include "base/wording.hpp"

namespace controlplane {

Result<Task> ResultWaits::wait(const TaskId& id, std::chrono::milliseconds timeout) {
  Result<std::optional<Task>> found = calls_.block(WatchTaskCall(id));
  if (!found) return std::move(found.error());
  if (*found) return std::move(**found);
  const Wait wait = make(id, timeout);
  if (timeout.count() <= 0) return too_late(*wait);
  if (calls_.pumped()) {
    return Error::failed_precondition(
        "would block: this coordinator is pumped, wait with a "
        "completion");
  }
  wait->seen = wait->blocking = true;
  enroll(wait);
  const auto deadline =
      std::chrono::steady_clock::time_point(std::chrono::microseconds(wait->deadline_us));
  if (!wait->parker.wait_until(deadline)) {
    finish(wait, Result<Task>(too_late(*wait)));
    wait->parker.wait();
  }
  return wait->answer ? std::move(*wait->answer) : fetch(*wait);
}

Result<Task> ResultWaits::fetch(const ResultWait& wait) {
  Result<Task> task = calls_.block(GetTaskCall(wait.id));
  if (!task) return explained(wait, std::move(task.error()));
  return task;
}

void ResultWaits::wait(const TaskId& id, std::chrono::milliseconds timeout, Done<Task> done) {
  const Wait wait = make(id, timeout);
  WatchTaskCall call(wait->id);
  if (!calls_.apply_now(call.bind())) {
    wait->done = std::move(done);
    return enroll(wait);
  }
  if (call.op.failed)
    return calls_.deliver(std::move(done), Result<Task>(std::move(*call.op.failed)));
  if (call.op.task) return calls_.deliver(std::move(done), Result<Task>(std::move(*call.op.task)));
  if (timeout.count() <= 0) return calls_.deliver(std::move(done), Result<Task>(too_late(*wait)));
  wait->done = std::move(done);
  wait->seen = true;
  enroll(wait);
}

ResultWaits::Wait ResultWaits::make(const TaskId& id, std::chrono::milliseconds timeout) const {
  auto wait = std::make_shared<ResultWait>();
  wait->id = id;
  wait->timeout = timeout;
  wait->deadline_us = deadline_after(calls_.now_us(), timeout);
  return wait;
}

void ResultWaits::enroll(const Wait& wait) {
  if (auto refused = add(wait)) return hand_over(wait, Result<Task>(std::move(*refused)));
  look(wait);
}

std::optional<Error> ResultWaits::add(const Wait& wait) {
  std::lock_guard lock(mutex_);
  if (closed_) {
    wait->over = true;
    return StoreCalls::closed_error();
  }
  if (size_ >= max_waiting_) {
    wait->over = true;
    return Error::resource_exhausted(
        fmt::format("{} callers wait for results; the limit max_waiting_results is {}",
                    grouped(size_), grouped(max_waiting_)));
  }
  wait->number = ++numbers_;
  by_task_[wait->id].emplace(wait->number, wait);
  ++size_;
  if (wait->blocking) return std::nullopt;  // its thread minds its own deadline
  timed_.emplace(std::pair(wait->deadline_us, wait->number), wait);
  arm_timer();
  return std::nullopt;
}

void ResultWaits::look(const Wait& wait) {
  calls_.perform(WatchTaskCall(wait->id), [this, wait](Result<std::optional<Task>>&& found) {
    looked(wait, std::move(found));
  });
}

void ResultWaits::looked(const Wait& wait, Result<std::optional<Task>>&& found) {
  if (!found) return finish(wait, Result<Task>(explained(*wait, std::move(found.error()))));
  if (*found) return finish(wait, Result<Task>(std::move(**found)));
}

// Each waiter takes a snapshot of its own, on its own thread or on the loop: whoever ended the task
// only wakes.
void ResultWaits::on_done(const std::vector<TaskId>& ids) {
  std::vector<Wait> woken;
  {
    std::lock_guard lock(mutex_);
    for (const TaskId& id : ids) {
      const auto place = by_task_.find(id);
      if (place == by_task_.end()) continue;
      for (const auto& [number, wait] : place->second) woken.push_back(wait);
    }
  }
  std::vector<Wait> on_loop;
  for (Wait& wait : woken) {
    if (wait->blocking) {
      finish(wait, std::nullopt);
    } else {
      on_loop.push_back(std::move(wait));
    }
  }
  if (on_loop.empty()) return;
  calls_.loop().post([this, on_loop = std::move(on_loop)] {  // once for a whole batch of ends
    for (const Wait& wait : on_loop) look(wait);
  });
}

void ResultWaits::finish(const Wait& wait, std::optional<Result<Task>>&& answer) {
  {
    std::lock_guard lock(mutex_);
    if (!leave(*wait)) return;
  }
  hand_over(wait, std::move(answer));
}

bool ResultWaits::leave(ResultWait& wait) {
  if (wait.over) return false;
  wait.over = true;
  timed_.erase({wait.deadline_us, wait.number});
  const auto place = by_task_.find(wait.id);
  place->second.erase(wait.number);
  if (place->second.empty()) by_task_.erase(place);
  --size_;
  return true;
}

void ResultWaits::hand_over(const Wait& wait, std::optional<Result<Task>>&& answer) {
  if (!wait->blocking) {
    if (!calls_.loop().on_loop_thread()) {
      return calls_.deliver_on_loop(std::move(wait->done), std::move(*answer));
    }
    return calls_.deliver(std::move(wait->done), std::move(*answer));
  }
  wait->answer = std::move(answer);
  wait->parker.unpark();
}

Error ResultWaits::explained(const ResultWait& wait, Error error) {
  if (wait.seen && error.code == ErrorCode::not_found) {
    error.message += "; it was there when the wait began: retention removed it meanwhile";
  }
  return error;
}

Error ResultWaits::too_late(const ResultWait& wait) const {
  return Error::deadline_exceeded(
      fmt::format("task {} did not end within {}", wait.id.str(), seconds(wait.timeout)));
}

void ResultWaits::arm_timer() {
  const std::int64_t next = timed_.empty() ? kNoDeadline : timed_.begin()->first.first;
  if (closed_ || next >= timer_at_) return;
  if (timer_ != 0) calls_.loop().cancel(timer_);
  timer_at_ = next;
  timer_ = calls_.loop().schedule(next, [this] { on_timer(); });
}

void ResultWaits::on_timer() {
  std::vector<Wait> late;
  {
    std::lock_guard lock(mutex_);
    timer_at_ = kNoDeadline;
    timer_ = 0;
    for (const auto& [due, wait] : timed_) {
      if (due.first > calls_.now_us()) break;
      late.push_back(wait);
    }
  }
  for (const Wait& wait : late) finish(wait, Result<Task>(too_late(*wait)));
  std::lock_guard lock(mutex_);
  arm_timer();
}

std::size_t ResultWaits::waiting() const {
  std::lock_guard lock(mutex_);
  return size_;
}

void ResultWaits::close() {
  std::vector<Wait> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [id, waits] : by_task_) {
      for (const auto& [number, wait] : waits) left.push_back(wait);
    }
  }
  for (const Wait& wait : left) {
    finish(wait,
           Result<Task>(Error::cancelled("the coordinator closed while the result was awaited")));
  }
}

}  // namespace controlplane
