// How work gets in and out: submit and claim.
#include "coordinator/prepared_work.hpp"

namespace controlplane {
namespace {

using Claimed = std::optional<ClaimedTask>;
using TaskIds = std::vector<Result<TaskId>>;

SubmitCall submit_call(TaskSpec spec, TaskDraft draft) {
  SubmitCall call;
  call.add(std::move(spec), std::move(draft));
  return call;
}

Result<SubmitCall> submit_call(CoordinatorCore& core, std::vector<TaskSpec> specs) {
  Checks batch(core.limits());
  batch.count("specs", specs.size(), 0, core.limits().max_batch, "max_batch");
  if (!batch.ok()) return batch.take();
  SubmitCall call;
  call.specs.reserve(specs.size());
  call.drafts.reserve(specs.size());
  for (TaskSpec& spec : specs) {
    Checks checks(core.limits());
    check_spec(checks, spec);
    if (!checks.ok()) {
      call.refuse(checks.take());
      continue;
    }
    TaskDraft draft = draft_of(spec, core.make_id());
    call.add(std::move(spec), std::move(draft));
  }
  return call;
}

// What the claim of a caller on the stack needs besides its request.
void prepare_claim(CoordinatorCore& core, const ClaimRequest& request, ClaimTasks& op) {
  op.request = &request;
  op.require_registration = core.config().require_registration;
  op.parked_until = core.claims().parked_until(request.agent_id);
}

ClaimCall claim_call(CoordinatorCore& core, Argument<ClaimRequest> request) {
  ClaimCall call(std::move(request), core.config().require_registration);
  call.parked_until = core.claims().parked_until(call.request.get().agent_id);
  return call;
}

Result<Claimed> first_of(Result<ClaimedTasks> tasks) {
  if (!tasks) return std::move(tasks.error());
  if (tasks->empty()) return Claimed();
  return Claimed(std::move(tasks->front()));
}

bool has_time(const ClaimRequest& request) { return request.wait.count() > 0; }

// After a claim that could not be answered inline or found nothing.
Result<ClaimedTasks> claim_slowly(CoordinatorCore& core, const ClaimRequest& request) {
  Result<ClaimCall::Answer> answer = core.calls().block_in_store(claim_call(core, request));
  if (!answer) return std::move(answer.error());
  if (!answer->tasks.empty() || !has_time(request)) return std::move(answer->tasks);
  return core.claims().wait(request);
}

void claim_slowly(CoordinatorCore& core, ClaimRequest request, Done<ClaimedTasks> done) {
  ClaimCall call = claim_call(core, ClaimRequest(request));
  core.calls().start(std::move(call), [&core, request = std::move(request), done = std::move(done)](
                                          Result<ClaimCall::Answer> answer) mutable {
    using Answer = Result<ClaimedTasks>;
    if (!answer) return core.calls().deliver(std::move(done), Answer(std::move(answer.error())));
    if (answer->tasks.empty() && has_time(request)) {
      return core.claims().wait(std::move(request), std::move(done));
    }
    core.calls().deliver(std::move(done), Answer(std::move(answer->tasks)));
  });
}

// The completion of one claimed task as one of several.
Done<ClaimedTasks> first_only(Done<Claimed> done) {
  if (!done) return nullptr;
  return [done = std::move(done)](Result<ClaimedTasks> tasks) { done(first_of(std::move(tasks))); };
}

template <class T>
void refuse(CoordinatorCore& core, Done<T> done, Error error) {
  core.calls().deliver(std::move(done), Result<T>(std::move(error)));
}

}  // namespace

Result<TaskId> submit_prepared(CoordinatorCore& core, TaskSpec& spec, TaskDraft& draft) {
  SubmitTasks op;
  op.tasks = {&draft, 1};
  if (!core.calls().apply_now(op)) {
    return only(core.calls().block_in_store(submit_call(std::move(spec), std::move(draft))));
  }
  if (op.failed) return std::move(*op.failed);
  return submitted(draft);
}

void submit_prepared(CoordinatorCore& core, TaskSpec spec, TaskDraft draft, Done<TaskId> done) {
  draft.spec = &spec;
  SubmitTasks op;
  op.tasks = {&draft, 1};
  if (core.calls().apply_now(op)) {
    if (op.failed) return refuse(core, std::move(done), std::move(*op.failed));
    return core.calls().deliver(std::move(done), submitted(draft));
  }
  core.calls().start(submit_call(std::move(spec), std::move(draft)),
                     [&core, done = std::move(done)](Result<TaskIds> answers) mutable {
                       core.calls().deliver(std::move(done), only(std::move(answers)));
                     });
}

Result<TaskId> TaskScheduler::submit_task(TaskSpec spec) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  Checks checks(core.limits());
  check_spec(checks, spec);
  if (!checks.ok()) return checks.take();
  TaskDraft draft = draft_of(spec, core.make_id());
  return submit_prepared(core, spec, draft);
}

void TaskScheduler::submit_task(TaskSpec spec, Done<TaskId> done) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  Checks checks(core.limits());
  check_spec(checks, spec);
  if (!checks.ok()) return refuse(core, std::move(done), checks.take());
  TaskDraft draft = draft_of(spec, core.make_id());
  submit_prepared(core, std::move(spec), std::move(draft), std::move(done));
}

Result<std::vector<Result<TaskId>>> TaskScheduler::submit_tasks(std::vector<TaskSpec> specs) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  auto call = submit_call(core, std::move(specs));
  if (!call) return std::move(call.error());
  if (call->drafts.empty()) return call->answer();
  return core.calls().block(*std::move(call));
}

void TaskScheduler::submit_tasks(std::vector<TaskSpec> specs, Done<TaskIds> done) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  auto call = submit_call(core, std::move(specs));
  if (!call) return refuse(core, std::move(done), std::move(call.error()));
  if (call->drafts.empty()) {
    return core.calls().deliver(std::move(done), Result<TaskIds>(call->answer()));
  }
  core.calls().complete(*std::move(call), std::move(done));
}

Result<Claimed> TaskScheduler::claim_task(const ClaimRequest& request) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  Checks checks(core.limits());
  check_claim(checks, request);
  if (!checks.ok()) return checks.take();
  ClaimTasks op;
  prepare_claim(core, request, op);
  if (core.calls().apply_now(op)) {
    if (op.failed) return std::move(*op.failed);
    if (op.one || !has_time(request)) return std::move(op.one);
    ClaimRequest one = request;
    one.max_tasks = 1;
    return first_of(core.claims().wait(one));
  }
  ClaimRequest one = request;
  one.max_tasks = 1;
  return first_of(claim_slowly(core, one));
}

void TaskScheduler::claim_task(ClaimRequest request, Done<Claimed> done) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  Checks checks(core.limits());
  check_claim(checks, request);
  if (!checks.ok()) return refuse(core, std::move(done), checks.take());
  request.max_tasks = 1;
  ClaimTasks op;
  prepare_claim(core, request, op);
  if (!core.calls().apply_now(op)) {
    return claim_slowly(core, std::move(request), first_only(std::move(done)));
  }
  if (op.failed) return refuse(core, std::move(done), std::move(*op.failed));
  if (op.one || !has_time(request)) {
    return core.calls().deliver(std::move(done), Result<Claimed>(std::move(op.one)));
  }
  core.claims().wait(std::move(request), first_only(std::move(done)));
}

Result<ClaimedTasks> claim_prepared(CoordinatorCore& core, const ClaimRequest& request) {
  ClaimTasks op;
  ClaimedTasks tasks;
  prepare_claim(core, request, op);
  op.tasks = &tasks;
  if (!core.calls().apply_now(op)) return claim_slowly(core, request);
  if (op.failed) return std::move(*op.failed);
  if (!tasks.empty() || !has_time(request)) return tasks;
  return core.claims().wait(request);
}

void claim_prepared(CoordinatorCore& core, ClaimRequest request, Done<ClaimedTasks> done) {
  ClaimTasks op;
  ClaimedTasks tasks;
  prepare_claim(core, request, op);
  op.tasks = &tasks;
  if (!core.calls().apply_now(op)) return claim_slowly(core, std::move(request), std::move(done));
  if (op.failed) return refuse(core, std::move(done), std::move(*op.failed));
  if (!tasks.empty() || !has_time(request)) {
    return core.calls().deliver(std::move(done), Result<ClaimedTasks>(std::move(tasks)));
  }
  core.claims().wait(std::move(request), std::move(done));
}

Result<ClaimedTasks> TaskScheduler::claim_tasks(const ClaimRequest& request) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  Checks checks(core.limits());
  check_claim(checks, request);
  if (!checks.ok()) return checks.take();
  return claim_prepared(core, request);
}

void TaskScheduler::claim_tasks(ClaimRequest request, Done<ClaimedTasks> done) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  Checks checks(core.limits());
  check_claim(checks, request);
  if (!checks.ok()) return refuse(core, std::move(done), checks.take());
  claim_prepared(core, std::move(request), std::move(done));
}

void TaskScheduler::set_strategy(SelectionStrategy strategy) {
  core_->claims().set_strategy(strategy);
}

}  // namespace controlplane
