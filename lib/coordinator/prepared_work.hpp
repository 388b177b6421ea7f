// Submits, claims and ends that their caller has checked and prepared: TaskScheduler and Mailbox.
// Thread safety: from any thread, after the door was passed.
// Errors: as TaskScheduler::submit_task, submit_tasks, claim_tasks, complete_task, fail_task.
#pragma once

#include <vector>

#include "coordinator/coordinator_core.hpp"
#include "coordinator/task_calls.hpp"

namespace controlplane {

// `spec` is what the draft names; consumed.
Result<TaskId> submit_prepared(CoordinatorCore& core, TaskSpec& spec, TaskDraft& draft);
void submit_prepared(CoordinatorCore& core, TaskSpec spec, TaskDraft draft, Done<TaskId> done);

// At once, or parked up to the request's wait.
Result<ClaimedTasks> claim_prepared(CoordinatorCore& core, const ClaimRequest& request);
void claim_prepared(CoordinatorCore& core, ClaimRequest request, Done<ClaimedTasks> done);

// Checks the attempt, and not the result. False: it had ended just so before.
Result<bool> end_prepared(CoordinatorCore& core, SealedCompletion completion);
void end_prepared(CoordinatorCore& core, SealedCompletion completion, Done<bool> done);
// Checks all of it.
Result<bool> end_prepared(CoordinatorCore& core, Failure failure);
void end_prepared(CoordinatorCore& core, Failure failure, Done<bool> done);

}  // namespace controlplane
