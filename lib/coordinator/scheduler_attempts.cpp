// What the holder of an attempt does with it: start, renew, progress, and the ends.
#include <span>

#include "coordinator/prepared_work.hpp"

namespace controlplane {
namespace {

void check(Checks& checks, const Completion& input) { check_completion(checks, input); }
void check(Checks& checks, const SealedCompletion& input) { check_attempt(checks, input.attempt); }
void check(Checks& checks, const Failure& input) { check_failure(checks, input); }
void check(Checks& checks, const AttemptRef& input) { check_attempt(checks, input); }

template <class Input>
EndOneCall<Input> end_call(CoordinatorCore& core, Input& input) {
  return EndOneCall<Input>(input, core.config().require_lease);
}

template <class Input>
Result<bool> end_one(CoordinatorCore& core, Input& input) {
  if (auto refused = core.refuse_block(Entry::any)) return std::move(*refused);
  Checks checks(core.limits());
  check(checks, input);
  if (!checks.ok()) return checks.take();
  return core.calls().block(end_call(core, input));
}

Result<void> without_value(Result<bool> answer) {
  if (!answer) return std::move(answer.error());
  return {};
}

// Done<void> is for those whom it does not concern whether it had ended before.
template <class Input, class T>
void end_one(CoordinatorCore& core, Input& input, Done<T> done) {
  auto tell = [&core, done = std::move(done)](Result<bool> answer) mutable {
    if constexpr (std::is_void_v<T>) {
      core.calls().deliver(std::move(done), without_value(std::move(answer)));
    } else {
      core.calls().deliver(std::move(done), std::move(answer));
    }
  };
  if (auto refused = core.refuse(Entry::any)) return tell(std::move(*refused));
  Checks checks(core.limits());
  check(checks, input);
  if (!checks.ok()) return tell(checks.take());
  core.calls().perform(end_call(core, input), std::move(tell));
}

// Fills `call`; not valid as a whole: an error.
template <class Call, class Input>
Result<void> fill(CoordinatorCore& core, Call& call, std::vector<Input>& inputs,
                  std::string_view what) {
  Checks batch(core.limits());
  batch.count(what, inputs.size(), 0, core.limits().max_batch, "max_batch");
  if (!batch.ok()) return batch.take();
  call.take(std::move(inputs));
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    Checks checks(core.limits());
    check(checks, call.inputs[i]);
    if (!checks.ok()) call.refuse(i, checks.take());
  }
  return {};
}

template <class Call, class Input>
Result<typename Call::Answer> run_batch(CoordinatorCore& core, Call call, std::vector<Input> inputs,
                                        std::string_view what) {
  if (auto refused = core.refuse_block(Entry::any)) return std::move(*refused);
  if (auto filled = fill(core, call, inputs, what); !filled) return std::move(filled.error());
  if (call.none_left()) return std::move(call.answers);
  return core.calls().block(std::move(call));
}

template <class Call, class Input>
void run_batch(CoordinatorCore& core, Call call, std::vector<Input> inputs, std::string_view what,
               Done<typename Call::Answer> done) {
  using Answer = Result<typename Call::Answer>;
  if (auto refused = core.refuse(Entry::any)) {
    return core.calls().deliver(std::move(done), Answer(std::move(*refused)));
  }
  if (auto filled = fill(core, call, inputs, what); !filled) {
    return core.calls().deliver(std::move(done), Answer(std::move(filled.error())));
  }
  if (call.none_left()) {
    return core.calls().deliver(std::move(done), Answer(std::move(call.answers)));
  }
  core.calls().complete(std::move(call), std::move(done));
}

HoldCall hold_call(CoordinatorCore& core, HoldKind kind) {
  return HoldCall(kind, core.config().require_lease);
}

bool hold_now(CoordinatorCore& core, HoldKind kind, const AttemptRef& attempt,
              const Progress* progress, Result<LeaseStatus>& answer) {
  AttemptHold item;
  item.attempt = &attempt;
  HoldAttempts op(kind);
  op.items = {&item, 1};
  op.progress = progress;
  op.require_lease = core.config().require_lease;
  if (!core.calls().apply_now(op)) return false;
  if (op.failed) {
    answer = std::move(*op.failed);
  } else if (item.failure) {
    answer = std::move(*item.failure);
  } else {
    answer = item.status;
  }
  return true;
}

HoldCall hold_call(CoordinatorCore& core, HoldKind kind, const AttemptRef& attempt,
                   const Progress* progress) {
  HoldCall call = hold_call(core, kind);
  call.take({attempt});
  if (progress != nullptr) call.progress = *progress;
  return call;
}

Result<LeaseStatus> hold_one(CoordinatorCore& core, Checks& checks, HoldKind kind,
                             const AttemptRef& attempt, const Progress* progress = nullptr) {
  if (auto refused = core.refuse_block(Entry::any)) return std::move(*refused);
  if (!checks.ok()) return checks.take();
  Result<LeaseStatus> answer = LeaseStatus{};
  if (hold_now(core, kind, attempt, progress, answer)) return answer;
  return only(core.calls().block_in_store(hold_call(core, kind, attempt, progress)));
}

void hold_one(CoordinatorCore& core, Checks& checks, HoldKind kind, const AttemptRef& attempt,
              const Progress* progress, Done<LeaseStatus> done) {
  Result<LeaseStatus> answer = LeaseStatus{};
  if (auto refused = core.refuse(Entry::any)) {
    answer = std::move(*refused);
  } else if (!checks.ok()) {
    answer = checks.take();
  } else if (!hold_now(core, kind, attempt, progress, answer)) {
    return core.calls().start(
        hold_call(core, kind, attempt, progress),
        [&core, done = std::move(done)](Result<HoldCall::Answer> answers) mutable {
          core.calls().deliver(std::move(done), only(std::move(answers)));
        });
  }
  core.calls().deliver(std::move(done), std::move(answer));
}

Checks checked_attempt(CoordinatorCore& core, const AttemptRef& attempt) {
  Checks checks(core.limits());
  check_attempt(checks, attempt);
  return checks;
}

Checks checked_attempt(CoordinatorCore& core, const Progress& progress) {
  Checks checks(core.limits());
  check_progress(checks, progress);
  return checks;
}

}  // namespace

Result<bool> end_prepared(CoordinatorCore& core, SealedCompletion completion) {
  return end_one(core, completion);
}
void end_prepared(CoordinatorCore& core, SealedCompletion completion, Done<bool> done) {
  end_one(core, completion, std::move(done));
}
Result<bool> end_prepared(CoordinatorCore& core, Failure failure) { return end_one(core, failure); }
void end_prepared(CoordinatorCore& core, Failure failure, Done<bool> done) {
  end_one(core, failure, std::move(done));
}

Result<LeaseStatus> TaskScheduler::start_task(const AttemptRef& attempt) {
  Checks checks = checked_attempt(*core_, attempt);
  return hold_one(*core_, checks, HoldKind::start, attempt);
}
void TaskScheduler::start_task(AttemptRef attempt, Done<LeaseStatus> done) {
  Checks checks = checked_attempt(*core_, attempt);
  hold_one(*core_, checks, HoldKind::start, attempt, nullptr, std::move(done));
}

Result<LeaseStatus> TaskScheduler::renew(const AttemptRef& attempt) {
  Checks checks = checked_attempt(*core_, attempt);
  return hold_one(*core_, checks, HoldKind::renew, attempt);
}
void TaskScheduler::renew(AttemptRef attempt, Done<LeaseStatus> done) {
  Checks checks = checked_attempt(*core_, attempt);
  hold_one(*core_, checks, HoldKind::renew, attempt, nullptr, std::move(done));
}

Result<HoldCall::Answer> TaskScheduler::renew_many(std::vector<AttemptRef> attempts) {
  return run_batch(*core_, hold_call(*core_, HoldKind::renew), std::move(attempts), "attempts");
}
void TaskScheduler::renew_many(std::vector<AttemptRef> attempts, Done<HoldCall::Answer> done) {
  run_batch(*core_, hold_call(*core_, HoldKind::renew), std::move(attempts), "attempts",
            std::move(done));
}

Result<LeaseStatus> TaskScheduler::progress(Progress progress) {
  Checks checks = checked_attempt(*core_, progress);
  return hold_one(*core_, checks, HoldKind::progress, progress.attempt, &progress);
}
void TaskScheduler::progress(Progress progress, Done<LeaseStatus> done) {
  Checks checks = checked_attempt(*core_, progress);
  hold_one(*core_, checks, HoldKind::progress, progress.attempt, &progress, std::move(done));
}

Result<void> TaskScheduler::complete_task(Completion completion) {
  return without_value(end_one(*core_, completion));
}
void TaskScheduler::complete_task(Completion completion, Done<void> done) {
  end_one(*core_, completion, std::move(done));
}
Result<std::vector<Result<void>>> TaskScheduler::complete_tasks(
    std::vector<Completion> completions) {
  return run_batch(*core_, EndCall<Completion>(core_->config().require_lease),
                   std::move(completions), "completions");
}
void TaskScheduler::complete_tasks(std::vector<Completion> completions,
                                   Done<std::vector<Result<void>>> done) {
  run_batch(*core_, EndCall<Completion>(core_->config().require_lease), std::move(completions),
            "completions", std::move(done));
}

Result<void> TaskScheduler::fail_task(Failure failure) {
  return without_value(end_one(*core_, failure));
}
void TaskScheduler::fail_task(Failure failure, Done<void> done) {
  end_one(*core_, failure, std::move(done));
}
Result<std::vector<Result<void>>> TaskScheduler::fail_tasks(std::vector<Failure> failures) {
  return run_batch(*core_, EndCall<Failure>(core_->config().require_lease), std::move(failures),
                   "failures");
}
void TaskScheduler::fail_tasks(std::vector<Failure> failures,
                               Done<std::vector<Result<void>>> done) {
  run_batch(*core_, EndCall<Failure>(core_->config().require_lease), std::move(failures),
            "failures", std::move(done));
}

Result<void> TaskScheduler::release_task(const AttemptRef& attempt) {
  AttemptRef mine = attempt;
  return without_value(end_one(*core_, mine));
}
void TaskScheduler::release_task(AttemptRef attempt, Done<void> done) {
  end_one(*core_, attempt, std::move(done));
}

}  // namespace controlplane
