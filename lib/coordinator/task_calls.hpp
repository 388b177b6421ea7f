// The calls about tasks; store_calls.hpp says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation; items of a batch carry their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "controlplane/task.hpp"
#include "controlplane/task_scheduler.hpp"
#include "coordinator/call_argument.hpp"
#include "coordinator/orphan.hpp"
#include "coordinator/validation.hpp"
#include "engine/operations.hpp"

namespace controlplane {

// The answer of a batch of one.
template <class T>
Result<T> only(Result<std::vector<Result<T>>> answers) {
  if (!answers) return std::move(answers.error());
  return std::move(answers->front());
}

// Without a key or an own id the made id is what a repetition is known by.
inline TaskDraft draft_of(TaskSpec& spec, const TaskId::Uuid& made) {
  TaskDraft draft;
  draft.spec = &spec;
  draft.own_id = !spec.task_id.empty();
  draft.id = draft.own_id ? spec.task_id : TaskId(made);
  draft.has_fingerprint = draft.own_id || !spec.idempotency_key.empty();
  draft.is_new = !draft.own_id;
  if (draft.has_fingerprint) draft.fingerprint = fingerprint_of(spec);
  return draft;
}

inline Result<TaskId> submitted(TaskDraft& draft) {
  if (draft.error) return std::move(*draft.error);
  return std::move(draft.id);
}

// Once it is off its caller's stack it submits copies: what was given must be there for a
// repetition.
struct SubmitCall {
  using Answer = std::vector<Result<TaskId>>;
  std::vector<TaskSpec> specs;
  std::vector<TaskDraft> drafts;        // of the valid ones
  std::vector<Result<TaskId>> answers;  // one per spec; those of the valid ones follow
  std::vector<std::size_t> valid;       // which spec a draft is of
  std::vector<TaskSpec> copies;
  bool kept = false;
  SubmitTasks op;

  void add(TaskSpec spec, TaskDraft draft) {
    valid.push_back(answers.size());
    answers.emplace_back(TaskId());
    specs.push_back(std::move(spec));
    drafts.push_back(std::move(draft));
  }
  void refuse(Error error) { answers.emplace_back(std::move(error)); }
  Operation& bind() {
    if (kept) copies = specs;
    std::vector<TaskSpec>& given = kept ? copies : specs;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      drafts[i].spec = &given[i];
      drafts[i].error.reset();
      if (kept) drafts[i].is_new = false;
    }
    op.tasks = drafts;
    return op;
  }
  void keep(CallNames&) { kept = true; }
  Answer answer() {
    for (std::size_t i = 0; i < drafts.size(); ++i) answers[valid[i]] = submitted(drafts[i]);
    return std::move(answers);
  }
};

struct ClaimCall {
  struct Answer {
    std::vector<ClaimedTask> tasks;
    bool refused = false;     // see ClaimTasks
    bool got_sought = false;
    std::optional<std::vector<std::string>> offered;
  };
  ClaimCall(Argument<ClaimRequest> r, bool registered_only)
      : request(std::move(r)), require_registration(registered_only) {}
  Argument<ClaimRequest> request;
  bool require_registration;
  Timestamp parked_until = 0;  // see ClaimTasks
  Timestamp parks_until = 0;
  std::shared_ptr<const QueueKey> sought;
  bool made_id = false;  // nobody else can repeat it
  std::vector<ClaimedTask> tasks;
  ClaimTasks op;

  Operation& bind() {
    tasks.clear();
    op.request = &request.get();
    op.require_registration = require_registration;
    op.parked_until = parked_until;
    op.parks_until = parks_until;
    op.sought = sought.get();
    op.tasks = &tasks;
    return op;
  }
  void keep(CallNames& names) {
    ClaimRequest& mine = request.keep();
    if (!mine.claim_id.empty()) return;
    mine.claim_id = make_operation_id(names.entropy, names.now_us);
    made_id = true;
  }
  Answer answer() {
    return {std::move(tasks), op.refused, op.got_sought, std::move(op.offered)};
  }
  void undo(TenantStore& store) {
    if (made_id) give_back(store, request.get().agent_id, tasks);
  }
};

// Inputs of a batch with an answer for each. What is refused has its answer beforehand and no item.
template <class Input, class Item, class Reply>
struct Batch {
  using Answer = std::vector<Result<Reply>>;
  std::vector<Input> inputs;
  std::vector<Item> items;  // of the others, in order
  Answer answers;
  std::size_t refused = 0;

  void take(std::vector<Input> given) {
    inputs = std::move(given);
    if constexpr (std::is_void_v<Reply>) {
      answers.resize(inputs.size());
    } else {
      answers.assign(inputs.size(), Result<Reply>(Reply{}));
    }
  }
  void refuse(std::size_t index, Error error) {
    answers[index] = std::move(error);
    ++refused;
  }
  bool none_left() const noexcept { return refused == inputs.size(); }

  // make(input, item) for each item, made anew.
  template <class Make>
  std::span<Item> make_items(Make&& make) {
    items.clear();
    items.reserve(inputs.size() - refused);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (answers[i].ok()) make(inputs[i], items.emplace_back());
    }
    return items;
  }
  // reply(item, answer) for each item that did not fail.
  template <class Make>
  Answer take_answers(Make&& reply) {
    auto item = items.begin();
    for (Result<Reply>& answer : answers) {
      if (!answer.ok()) continue;
      if (item->failure) {
        answer = std::move(*item->failure);
      } else {
        reply(*item, answer);
      }
      ++item;
    }
    return std::move(answers);
  }
};

// A completion whose result was checked, and sealed in a form that differs each time: a repetition
// is known by the digest of what it was sealed from.
struct SealedCompletion : Completion {
  std::uint64_t digest = 0;
};

// What an end says, for the engine. Result and usage are lent: lend() and take_back() move them.
inline void lend_values(Completion& input, AttemptEnd& end) {
  end.attempt = &input.attempt;
  end.latency_us = input.latency.count();
  end.result = std::move(input.result);
  if (!input.usage.empty()) end.used = used_of(input.usage);
  end.usage = std::move(input.usage);
}
inline void lend(Completion& input, AttemptEnd& end) {
  end.digest = digest_of(input);
  lend_values(input, end);
}
inline void lend(SealedCompletion& input, AttemptEnd& end) {
  end.digest = input.digest;
  lend_values(input, end);
}
inline void lend(Failure& input, AttemptEnd& end) {
  end.attempt = &input.attempt;
  end.error = input.error;
  end.fail_kind = input.kind;
  end.retry_after_us = std::chrono::microseconds(input.retry_after).count();
  end.digest = digest_of(input);
  if (!input.usage.empty()) end.used = used_of(input.usage);
  end.usage = std::move(input.usage);
}
inline void lend(AttemptRef& input, AttemptEnd& end) {
  end.attempt = &input;
  end.digest = release_digest();
}
inline void take_back(Completion& input, AttemptEnd& end) {
  input.result = std::move(end.result);
  input.usage = std::move(end.usage);
}
inline void take_back(Failure& input, AttemptEnd& end) { input.usage = std::move(end.usage); }
inline void take_back(AttemptRef&, AttemptEnd&) {}

// `Input` is Completion, SealedCompletion, Failure or AttemptRef (release).
template <class Input>
inline constexpr EndKind kEndKind = std::is_base_of_v<Completion, Input> ? EndKind::complete
                                    : std::is_same_v<Input, Failure>     ? EndKind::fail
                                                                         : EndKind::release;

// One end. Answers whether it ended the attempt, be it after several tries; false: the attempt had
// ended just so before. Once it is off its caller's stack it lends copies, for a repetition.
template <class Input>
struct EndOneCall {
  using Answer = bool;
  EndOneCall(Input& given, bool lease_required) : input(&given), require_lease(lease_required) {}
  Input* input;  // of the caller, until it is kept
  bool require_lease;
  bool unsure = false;  // an earlier try of this call may have ended it
  std::optional<Input> kept, copy;
  AttemptEnd item;
  EndAttempts op{kEndKind<Input>};

  Operation& bind() {
    unsure |= op.failed && op.failed->outcome_unknown;
    item = {};
    lend(kept ? copy.emplace(*kept) : *input, item);
    op.require_lease = require_lease;
    op.items = {&item, 1};
    return op;
  }
  void keep(CallNames&) {
    take_back(*input, item);
    kept = std::move(*input);
  }
  Result<bool> answer() {
    if (item.failure) return std::move(*item.failure);
    return !item.duplicate || unsure;
  }
};

// One kind of end of any number of attempts. Once it is off its caller's stack it lends copies, for
// a repetition.
template <class Input>
struct EndCall : Batch<Input, AttemptEnd, void> {
  explicit EndCall(bool lease_required) : require_lease(lease_required) {}
  bool require_lease;
  bool kept = false;
  std::vector<Input> copies;
  EndAttempts op{kEndKind<Input>};

  Operation& bind() {
    op.require_lease = require_lease;
    if (kept) copies = this->inputs;
    op.items = this->make_items([this](Input& input, AttemptEnd& end) {
      lend(kept ? copies[static_cast<std::size_t>(&input - this->inputs.data())] : input, end);
    });
    return op;
  }
  void keep(CallNames&) {
    auto item = this->items.begin();
    for (std::size_t i = 0; i < this->inputs.size() && item != this->items.end(); ++i) {
      if (this->answers[i].ok()) take_back(this->inputs[i], *item++);
    }
    kept = true;
  }
  std::vector<Result<void>> answer() {
    return this->take_answers([](const AttemptEnd&, Result<void>&) {});
  }
};

struct HoldCall : Batch<AttemptRef, AttemptHold, LeaseStatus> {
  HoldCall(HoldKind kind, bool lease_required) : require_lease(lease_required), op(kind) {}
  std::optional<Progress> progress;  // then of this one attempt
  bool require_lease;
  HoldAttempts op;

  Operation& bind() {
    op.items = make_items([](AttemptRef& input, AttemptHold& item) { item.attempt = &input; });
    op.progress = progress ? &*progress : nullptr;
    op.require_lease = require_lease;
    return op;
  }
  Answer answer() {
    return take_answers([](const AttemptHold& item, Result<LeaseStatus>& answer) {
      answer = item.status;
    });
  }
};

struct CancelCall {
  using Answer = TaskState;
  CancelCall(const TaskId& task, bool at_once) : id(task), force(at_once) {}
  Argument<TaskId> id;
  bool force;
  CancelTask op;
  Operation& bind() {
    op.id = &id.get();
    op.force = force;
    return op;
  }
  void keep(CallNames&) { id.keep(); }
  TaskState answer() const { return op.state; }
};

struct AssignCall {
  using Answer = void;
  AssignCall(const TaskId& task, std::string_view agent) : id(task), agent_id(agent) {}
  Argument<TaskId> id;
  NameArgument agent_id;
  AssignTask op;
  Operation& bind() {
    op.id = &id.get();
    op.agent_id = agent_id.get();
    return op;
  }
  void keep(CallNames&) {
    id.keep();
    agent_id.keep();
  }
};

struct ReassignCall {
  using Answer = std::uint64_t;
  explicit ReassignCall(std::string_view agent) : agent_id(agent) {}
  NameArgument agent_id;
  ReassignTasks op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    return op;
  }
  void keep(CallNames&) { agent_id.keep(); }
  std::uint64_t answer() const { return op.released; }
};

struct ReplayCall {
  using Answer = TaskId;
  ReplayCall(const TaskId& task, const ReplayOptions& o, const TaskId::Uuid& made)
      : id(task), options(o), new_id(made) {}
  Argument<TaskId> id;
  Argument<ReplayOptions> options;
  TaskId::Uuid new_id;
  ReplayTask op;
  Operation& bind() {
    op.id = &id.get();
    op.with_dependents = options.get().with_dependents;
    op.operation_id = options.get().operation_id;
    op.new_id = new_id;
    return op;
  }
  void keep(CallNames& names) {
    id.keep();
    std::string& operation_id = options.keep().operation_id;
    if (operation_id.empty()) operation_id = make_operation_id(names.entropy, names.now_us);
  }
  TaskId answer() { return std::move(op.created); }
};

struct GetTaskCall {
  using Answer = Task;
  explicit GetTaskCall(const TaskId& task) : id(task) {}
  Argument<TaskId> id;
  GetTask op;
  Operation& bind() {
    op.id = &id.get();
    op.task.reset();
    return op;
  }
  void keep(CallNames&) { id.keep(); }
  Task answer() { return std::move(*op.task); }
};

struct GetStateCall {
  using Answer = TaskState;
  explicit GetStateCall(const TaskId& task) : id(task) {}
  Argument<TaskId> id;
  GetTask op;
  Operation& bind() {
    op.id = &id.get();
    op.only_terminal = true;  // the snapshot is not needed; a terminal one costs little
    return op;
  }
  void keep(CallNames&) { id.keep(); }
  TaskState answer() const { return op.state; }
};

// For a waiter: the task if it is terminal; else the store tells when it is.
struct WatchTaskCall {
  using Answer = std::optional<Task>;
  explicit WatchTaskCall(const TaskId& task) : id(task) {}
  Argument<TaskId> id;
  GetTask op;
  Operation& bind() {
    op.id = &id.get();
    op.watch = op.only_terminal = true;
    op.task.reset();
    return op;
  }
  void keep(CallNames&) { id.keep(); }
  Answer answer() { return std::move(op.task); }
};

struct ListTasksCall {
  using Answer = Page<Task>;
  ListTasksCall(const TaskFilter& f, const PageRequest& p) : filter(f), page(p) {}
  Argument<TaskFilter> filter;
  Argument<PageRequest> page;
  ListTasks op;
  Operation& bind() {
    op.filter = &filter.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    filter.keep();
    page.keep();
  }
  Page<Task> answer() { return std::move(op.tasks); }
};

struct ExplainCall {
  using Answer = Explanation;
  explicit ExplainCall(const TaskId& task) : id(task) {}
  Argument<TaskId> id;
  ExplainTask op;
  Operation& bind() {
    op.id = &id.get();
    return op;
  }
  void keep(CallNames&) { id.keep(); }
  Explanation answer() { return std::move(op.explanation); }
};

}  // namespace controlplane
