// Whole-task operations: cancel, assign, look, wait, dead letters.
#include <utility>

#include "controlplane/task_scheduler.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/event_callbacks.hpp"
#include "coordinator/task_calls.hpp"

namespace controlplane {
namespace {

Checks checked_call(CoordinatorCore& core, const TaskId& id) {
  Checks checks(core.limits());
  checks.task_id("task_id", id);
  return checks;
}

Checks checked_call(CoordinatorCore& core, std::string_view agent_id) {
  Checks checks(core.limits());
  checks.name("agent_id", agent_id);
  return checks;
}

Checks checked_call(CoordinatorCore& core, const TaskId& id, std::string_view agent_id) {
  Checks checks(core.limits());
  checks.task_id("task_id", id).optional_name("agent_id", agent_id);
  return checks;
}

Checks checked_call(CoordinatorCore& core, const TaskFilter& filter, const PageRequest& page) {
  Checks checks(core.limits());
  check_task_filter(checks, filter);
  check_page(checks, page);
  return checks;
}

Checks checked_call(CoordinatorCore& core, const TaskId& id, const ReplayOptions& options) {
  Checks checks(core.limits());
  check_replay(checks, id, options);
  return checks;
}

Checks checked_call(CoordinatorCore& core, const TaskId& id, std::chrono::milliseconds timeout) {
  Checks checks(core.limits());
  checks.task_id("task_id", id);
  checks.within("timeout", timeout, std::chrono::milliseconds(0), core.limits().max_delay,
                "max_delay");
  return checks;
}

TaskFilter dead_letters() {
  TaskFilter filter;
  filter.dead_letters = true;
  return filter;
}

}  // namespace

Result<TaskState> TaskScheduler::cancel_task(const TaskId& id, bool force) {
  Checks checks = checked_call(*core_, id);
  return core_->block(checks, CancelCall(id, force));
}
void TaskScheduler::cancel_task(const TaskId& id, bool force, Done<TaskState> done) {
  Checks checks = checked_call(*core_, id);
  core_->complete(checks, CancelCall(id, force), std::move(done));
}

Result<void> TaskScheduler::assign_task(const TaskId& id, std::string_view agent_id) {
  Checks checks = checked_call(*core_, id, agent_id);
  return core_->block(checks, AssignCall(id, agent_id));
}
void TaskScheduler::assign_task(const TaskId& id, std::string_view agent_id, Done<void> done) {
  Checks checks = checked_call(*core_, id, agent_id);
  core_->complete(checks, AssignCall(id, agent_id), std::move(done));
}

Result<std::uint64_t> TaskScheduler::reassign_agent_tasks(std::string_view agent_id) {
  Checks checks = checked_call(*core_, agent_id);
  return core_->block(checks, ReassignCall(agent_id));
}
void TaskScheduler::reassign_agent_tasks(std::string_view agent_id, Done<std::uint64_t> done) {
  Checks checks = checked_call(*core_, agent_id);
  core_->complete(checks, ReassignCall(agent_id), std::move(done));
}

Result<Task> TaskScheduler::get_task(const TaskId& id) const {
  Checks checks = checked_call(*core_, id);
  return core_->block(checks, GetTaskCall(id));
}
void TaskScheduler::get_task(const TaskId& id, Done<Task> done) const {
  Checks checks = checked_call(*core_, id);
  core_->complete(checks, GetTaskCall(id), std::move(done));
}

Result<TaskState> TaskScheduler::get_status(const TaskId& id) const {
  Checks checks = checked_call(*core_, id);
  return core_->block(checks, GetStateCall(id));
}

void TaskScheduler::get_status(const TaskId& id, Done<TaskState> done) const {
  Checks checks = checked_call(*core_, id);
  core_->complete(checks, GetStateCall(id), std::move(done));
}

Result<Page<Task>> TaskScheduler::list_tasks(const TaskFilter& filter,
                                             const PageRequest& page) const {
  Checks checks = checked_call(*core_, filter, page);
  return core_->block(checks, ListTasksCall(filter, page));
}
void TaskScheduler::list_tasks(const TaskFilter& filter, const PageRequest& page,
                               Done<Page<Task>> done) const {
  Checks checks = checked_call(*core_, filter, page);
  core_->complete(checks, ListTasksCall(filter, page), std::move(done));
}

Result<Task> TaskScheduler::wait_for_result(const TaskId& id,
                                            std::chrono::milliseconds timeout) const {
  Checks checks = checked_call(*core_, id, timeout);
  if (auto refused = core_->refuse_block(Entry::any)) return std::move(*refused);
  if (!checks.ok()) return checks.take();
  return core_->results().wait(id, timeout);
}
void TaskScheduler::wait_for_result(const TaskId& id, std::chrono::milliseconds timeout,
                                    Done<Task> done) const {
  Checks checks = checked_call(*core_, id, timeout);
  if (auto refused = core_->refuse(Entry::any)) {
    return core_->calls().deliver(std::move(done), Result<Task>(std::move(*refused)));
  }
  if (!checks.ok()) return core_->calls().deliver(std::move(done), Result<Task>(checks.take()));
  core_->results().wait(id, timeout, std::move(done));
}

Result<Explanation> TaskScheduler::explain(const TaskId& id) const {
  Checks checks = checked_call(*core_, id);
  return core_->block(checks, ExplainCall(id));
}
void TaskScheduler::explain(const TaskId& id, Done<Explanation> done) const {
  Checks checks = checked_call(*core_, id);
  core_->complete(checks, ExplainCall(id), std::move(done));
}

Result<Page<Task>> TaskScheduler::list_dead_letters(const PageRequest& page) const {
  return list_tasks(dead_letters(), page);
}
void TaskScheduler::list_dead_letters(const PageRequest& page, Done<Page<Task>> done) const {
  list_tasks(dead_letters(), page, std::move(done));
}

Result<TaskId> TaskScheduler::replay_dead_letter(const TaskId& id, const ReplayOptions& options) {
  Checks checks = checked_call(*core_, id, options);
  return core_->block(checks, ReplayCall(id, options, core_->make_id()), Entry::new_work);
}
void TaskScheduler::replay_dead_letter(const TaskId& id, const ReplayOptions& options,
                                       Done<TaskId> done) {
  Checks checks = checked_call(*core_, id, options);
  core_->complete(checks, ReplayCall(id, options, core_->make_id()), std::move(done),
                  Entry::new_work);
}

Result<Subscription> TaskScheduler::on_task_failure(
    std::function<void(const TaskFailure&)> handler) {
  if (!handler) return Error::invalid_argument("on_task_failure: the handler is empty");
  return core_->subscribe(
      task_failure_events(core_->limits().max_subscription_buffer),
      task_failure_handler(std::move(handler), missed_hook(core_->shared_log(), "on_task_failure")));
}

}  // namespace controlplane
