// Tasks: how work gets in, is held, and ends.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <string_view>
#include <tuple>

#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

using Claimed = std::optional<ClaimedTask>;
using Claims = std::vector<ClaimedTask>;

// What a claim took that nobody will hear of goes back; the task itself is not to blame.
struct GiveBack {
  TaskScheduler scheduler;
  std::string agent_id;
  std::shared_ptr<std::atomic<bool>> abandoned;  // known to the claim, if it waits

  GiveBack(const TaskScheduler& from, ClaimRequest& request)
      : scheduler(from), agent_id(request.agent_id) {
    if (request.wait.count() > 0) {
      request.given_up = abandoned = std::make_shared<std::atomic<bool>>(false);
    }
  }
  void given_up() const noexcept {
    if (abandoned) *abandoned = true;
  }

  void operator()(const ClaimedTask& task) const noexcept {
    auto back = scheduler;
    back.release_task({task.id, task.lease, agent_id}, [](const Result<void>&) {});
  }
  void operator()(const Claimed& task) const noexcept {
    if (task) (*this)(*task);
  }
  void operator()(const Claims& tasks) const noexcept {
    for (const ClaimedTask& task : tasks) (*this)(task);
  }
};

py::object claimed_to_python(Claimed task) {
  return task ? held(*std::move(task)) : py::object(py::none());
}

template <class T>
py::list list_of(std::vector<T> items) {
  py::list all(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) all[i] = held(std::move(items[i]));
  return all;
}

// Each item its own answer: a value or an exception, not raised.
template <class T, class Convert>
py::list outcomes(std::vector<Result<T>> items, Convert convert) {
  py::list all(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i]) {
      all[i] = exception_of(items[i].error());
    } else if constexpr (std::is_void_v<T>) {
      all[i] = py::none();
    } else {
      all[i] = convert(*std::move(items[i]));
    }
  }
  return all;
}

std::vector<std::string> names_or_none(std::string_view what, py::handle names) {
  return names.is_none() ? std::vector<std::string>() : texts(what, names);
}

// --- submit ---

struct SpecOption {
  std::string_view name;
  void (*set)(TaskSpec& spec, py::handle value, std::size_t max_depth);
};

constexpr SpecOption kSpecOptions[] = {
    {"max_retries",
     [](TaskSpec& spec, py::handle value, std::size_t) {
       spec.retry.max_retries =
           static_cast<int>(std::min(count("max_retries", value), 0x7FFFFFFFu));
     }},
    {"retry_delay", [](TaskSpec& spec, py::handle value,
                       std::size_t) { spec.retry.delay = duration("retry_delay", value); }},
    {"retry_backoff", [](TaskSpec& spec, py::handle value,
                         std::size_t) { spec.retry.backoff = real("retry_backoff", value); }},
    {"max_retry_delay",
     [](TaskSpec& spec, py::handle value, std::size_t) {
       spec.retry.max_delay = duration("max_retry_delay", value);
     }},
    {"queue_timeout", [](TaskSpec& spec, py::handle value,
                         std::size_t) { spec.queue_timeout = duration("queue_timeout", value); }},
    {"total_timeout", [](TaskSpec& spec, py::handle value,
                         std::size_t) { spec.total_timeout = duration("total_timeout", value); }},
    {"delay",
     [](TaskSpec& spec, py::handle value, std::size_t) { spec.delay = duration("delay", value); }},
    {"task_id", [](TaskSpec& spec, py::handle value,
                   std::size_t) { spec.task_id = TaskId(text_view("task_id", value)); }},
    {"idempotency_key", [](TaskSpec& spec, py::handle value,
                           std::size_t) { spec.idempotency_key = text("idempotency_key", value); }},
    {"agent_id", [](TaskSpec& spec, py::handle value,
                    std::size_t) { spec.agent_id = text("agent_id", value); }},
    {"exclude",
     [](TaskSpec& spec, py::handle value, std::size_t) { spec.exclude = texts("exclude", value); }},
    {"depends_on", [](TaskSpec& spec, py::handle value,
                      std::size_t) { spec.depends_on = task_ids("depends_on", value); }},
    {"allow_failed_parents",
     [](TaskSpec& spec, py::handle value, std::size_t) {
       spec.allow_failed_parents = truth("allow_failed_parents", value);
     }},
    {"concurrency_key", [](TaskSpec& spec, py::handle value,
                           std::size_t) { spec.concurrency_key = text("concurrency_key", value); }},
    {"concurrency_limit",
     [](TaskSpec& spec, py::handle value, std::size_t) {
       spec.concurrency_limit = count("concurrency_limit", value);
     }},
    {"needs", [](TaskSpec& spec, py::handle value,
                 std::size_t) { spec.needs = permit_needs("needs", value); }},
    {"metadata",
     [](TaskSpec& spec, py::handle value, std::size_t max_depth) {
       spec.metadata = encode_json("metadata", value, max_depth);
     }},
    {"labels",
     [](TaskSpec& spec, py::handle value, std::size_t) { spec.labels = labels("labels", value); }},
    {"trace",
     [](TaskSpec& spec, py::handle value, std::size_t) { spec.trace = text("trace", value); }},
};

void set_option(TaskSpec& spec, std::string_view name, py::handle value, std::size_t max_depth) {
  for (const SpecOption& option : kSpecOptions) {
    if (option.name == name) return option.set(spec, value, max_depth);
  }
  throw py::type_error("a task has no option " + std::string(name));
}

// The common part positional; `more` is a dict of what else differs from its default, or None.
TaskSpec spec_of(const Plane& plane, py::handle task_type, py::handle payload,
                 py::handle capabilities, py::handle priority, py::handle timeout,
                 py::handle more) {
  TaskSpec spec;
  spec.task_type = text("task_type", task_type);
  if (!payload.is_none()) spec.payload = encode_json("payload", payload, plane.max_json_depth());
  spec.required_capabilities = names_or_none("required_capabilities", capabilities);
  spec.priority = task_priority(priority);
  if (!timeout.is_none()) spec.timeout = duration("timeout_seconds", timeout);
  if (more.is_none()) return spec;
  for (const auto& [name, value] : py::reinterpret_borrow<py::dict>(more)) {
    if (!value.is_none()) {
      set_option(spec, name.cast<std::string_view>(), value, plane.max_json_depth());
    }
  }
  return spec;
}

py::object submit_task(Plane& plane, py::handle task_type, py::handle payload,
                       py::handle capabilities, py::handle priority, py::handle timeout,
                       py::handle more) {
  Coordinator& coordinator = plane.use();
  TaskSpec spec = spec_of(plane, task_type, payload, capabilities, priority, timeout, more);
  return answered<TaskId>(
      [&](Done<TaskId> done) { coordinator.submit_task(std::move(spec), std::move(done)); },
      [](const TaskId& id) { return to_python(id); });
}

// Tuples of what submit_task takes.
py::object submit_tasks(Plane& plane, const py::list& tasks) {
  Coordinator& coordinator = plane.use();
  std::vector<TaskSpec> specs;
  specs.reserve(tasks.size());
  for (const py::handle it : tasks) {
    specs.push_back(task_spec(plane, it));
  }
  using Ids = std::vector<Result<TaskId>>;
  return answered<Ids>(
      [&](Done<Ids> done) { coordinator.submit_tasks(std::move(specs), std::move(done)); },
      [](Ids ids) {
        return outcomes(std::move(ids), [](const TaskId& id) { return to_python(id); });
      });
}

// --- claim ---

ClaimRequest claim_request(py::handle agent_id, py::handle capabilities, py::handle wait,
                           py::handle lease_ttl, py::handle claim_id) {
  ClaimRequest request;
  request.agent_id = text("agent_id", agent_id);
  request.capabilities = names_or_none("capabilities", capabilities);
  request.wait = duration("wait", wait);
  request.lease_ttl = duration("lease_ttl", lease_ttl);
  if (!claim_id.is_none()) request.claim_id = text("claim_id", claim_id);
  return request;
}

py::object claim_task(Plane& plane, py::handle agent_id, py::handle capabilities, py::handle wait,
                      py::handle lease_ttl, py::handle claim_id) {
  Coordinator& coordinator = plane.use();
  ClaimRequest request = claim_request(agent_id, capabilities, wait, lease_ttl, claim_id);
  GiveBack undo(coordinator, request);
  return answered<Claimed>(
      [&](Done<Claimed> done) { coordinator.claim_task(std::move(request), std::move(done)); },
      claimed_to_python, std::move(undo));
}

py::object claim_tasks(Plane& plane, py::handle agent_id, py::handle capabilities,
                       py::handle max_tasks, py::handle wait, py::handle lease_ttl,
                       py::handle claim_id) {
  Coordinator& coordinator = plane.use();
  ClaimRequest request = claim_request(agent_id, capabilities, wait, lease_ttl, claim_id);
  request.max_tasks = count("max_tasks", max_tasks);
  GiveBack undo(coordinator, request);
  return answered<Claims>(
      [&](Done<Claims> done) { coordinator.claim_tasks(std::move(request), std::move(done)); },
      list_of<ClaimedTask>, std::move(undo));
}

// --- attempts ---

AttemptRef attempt_of(py::handle task_id, py::handle agent_id, py::handle lease_text) {
  AttemptRef attempt{TaskId(text_view("task_id", task_id)), lease(lease_text), {}};
  if (!agent_id.is_none()) attempt.agent_id = text("agent_id", agent_id);
  return attempt;
}

Json json_or_none(const Plane& plane, std::string_view what, py::handle value) {
  return value.is_none() ? Json() : encode_json(what, value, plane.max_json_depth());
}

template <class T>
auto as_held() {
  return [](T&& value) { return held(std::move(value)); };
}

py::object start_task(Plane& plane, py::handle task_id, py::handle agent_id, py::handle lease) {
  AttemptRef attempt = attempt_of(task_id, agent_id, lease);
  return answered<LeaseStatus>(
      [&](Done<LeaseStatus> done) { plane.use().start_task(std::move(attempt), std::move(done)); },
      as_held<LeaseStatus>());
}

py::object renew(Plane& plane, py::handle task_id, py::handle agent_id, py::handle lease) {
  AttemptRef attempt = attempt_of(task_id, agent_id, lease);
  return answered<LeaseStatus>(
      [&](Done<LeaseStatus> done) { plane.use().renew(std::move(attempt), std::move(done)); },
      as_held<LeaseStatus>());
}

py::object report_progress(Plane& plane, py::handle task_id, py::handle agent_id, py::handle lease,
                           py::handle fraction, py::handle note, py::handle data) {
  Progress progress{attempt_of(task_id, agent_id, lease), real("fraction", fraction),
                    text("note", note), json_or_none(plane, "data", data)};
  return answered<LeaseStatus>(
      [&](Done<LeaseStatus> done) { plane.use().progress(std::move(progress), std::move(done)); },
      as_held<LeaseStatus>());
}

std::chrono::microseconds latency_of(py::handle latency_ms) {
  if (latency_ms.is_none()) return std::chrono::microseconds(0);
  const double ms = real("latency_ms", latency_ms);
  constexpr double kMost = 4e12;  // beyond any limit, and still within int64 µs
  if (!(std::abs(ms) < kMost)) return std::chrono::microseconds(-1);
  return std::chrono::microseconds(static_cast<std::int64_t>(std::llround(ms * 1000)));
}

Completion completion_of(const Plane& plane, py::handle task_id, py::handle result,
                         py::handle agent_id, py::handle latency_ms, py::handle lease,
                         py::handle usage) {
  return {attempt_of(task_id, agent_id, lease), json_or_none(plane, "result", result),
          json_or_none(plane, "usage", usage), latency_of(latency_ms)};
}

py::object complete_task(Plane& plane, py::handle task_id, py::handle result, py::handle agent_id,
                         py::handle latency_ms, py::handle lease, py::handle usage) {
  Coordinator& coordinator = plane.use();
  Completion completion = completion_of(plane, task_id, result, agent_id, latency_ms, lease, usage);
  return answered_void(
      [&](Done<void> done) { coordinator.complete_task(std::move(completion), std::move(done)); });
}

FailKind fail_kind(std::string_view name) {
  for (const auto kind : {FailKind::retryable, FailKind::fatal, FailKind::rate_limited}) {
    if (to_string(kind) == name) return kind;
  }
  raise(Error::invalid_argument("fail kind " + std::string(name) +
                                " is not known; it is retryable, fatal or rate_limited"));
}

py::object fail_task(Plane& plane, py::handle task_id, py::handle error, py::handle agent_id,
                     py::handle lease, py::handle kind, py::handle retry_after, py::handle usage) {
  Coordinator& coordinator = plane.use();
  Failure failure{attempt_of(task_id, agent_id, lease), text("error", error),
                  fail_kind(text_view("kind", kind)), duration("retry_after", retry_after),
                  json_or_none(plane, "usage", usage)};
  return answered_void(
      [&](Done<void> done) { coordinator.fail_task(std::move(failure), std::move(done)); });
}

// Pairs of a ClaimedTask and its result.
py::object complete_tasks(Plane& plane, const py::list& ends) {
  std::vector<Completion> completions;
  completions.reserve(ends.size());
  for (const py::handle end : ends) {
    if (!PyTuple_Check(end.ptr()) || PyTuple_GET_SIZE(end.ptr()) != 2) {
      throw py::type_error("not a tuple of a ClaimedTask and its result");
    }
    const auto& task = value_of<ClaimedTask>(PyTuple_GET_ITEM(end.ptr(), 0));
    completions.push_back({{task.id, task.lease, {}},
                           json_or_none(plane, "result", PyTuple_GET_ITEM(end.ptr(), 1)),
                           {}});
  }
  using Ends = std::vector<Result<void>>;
  return answered<Ends>(
      [&](Done<Ends> done) { plane.use().complete_tasks(std::move(completions), std::move(done)); },
      [](Ends all) { return outcomes(std::move(all), NoUndo{}); });
}

py::object release_task(Plane& plane, py::handle task_id, py::handle agent_id, py::handle lease) {
  AttemptRef attempt = attempt_of(task_id, agent_id, lease);
  return answered_void(
      [&](Done<void> done) { plane.use().release_task(std::move(attempt), std::move(done)); });
}

// --- queries and the rest ---

TaskId id_of(py::handle task_id) { return TaskId(text_view("task_id", task_id)); }

auto as_status() {
  return [](TaskState state) { return to_python(state); };
}

py::object cancel_task(Plane& plane, py::handle task_id, py::handle force) {
  return answered<TaskState>(
      [&](Done<TaskState> done) {
        plane.use().cancel_task(id_of(task_id), truth("force", force), std::move(done));
      },
      as_status());
}

py::object assign_task(Plane& plane, py::handle task_id, py::handle agent_id) {
  return answered_void([&](Done<void> done) {
    plane.use().assign_task(id_of(task_id), text_view("agent_id", agent_id), std::move(done));
  });
}

py::object reassign_agent_tasks(Plane& plane, py::handle agent_id) {
  return answered<std::uint64_t>(
      [&](Done<std::uint64_t> done) {
        plane.use().reassign_agent_tasks(text_view("agent_id", agent_id), std::move(done));
      },
      [](std::uint64_t number) { return to_python(number); });
}

py::object get_task(Plane& plane, py::handle task_id) {
  return answered<Task>(
      [&](Done<Task> done) { plane.use().get_task(id_of(task_id), std::move(done)); },
      as_held<Task>());
}

py::object get_status(Plane& plane, py::handle task_id) {
  return answered<TaskState>(
      [&](Done<TaskState> done) { plane.use().get_status(id_of(task_id), std::move(done)); },
      as_status());
}

py::object wait_for_result(Plane& plane, py::handle task_id, py::handle timeout) {
  const auto within = timeout.is_none() ? plane.longest_wait() : duration("timeout", timeout);
  return answered<Task>(
      [&](Done<Task> done) {
        plane.use().wait_for_result(id_of(task_id), within, std::move(done));
      },
      as_held<Task>());
}

py::object explain(Plane& plane, py::handle task_id) {
  return answered<Explanation>(
      [&](Done<Explanation> done) { plane.use().explain(id_of(task_id), std::move(done)); },
      as_held<Explanation>());
}

void set_filter(TaskFilter& filter, std::string_view name, py::handle value) {
  if (name == "status") {
    filter.state = parsed(parse_task_state, "status", value);
  } else if (name == "reason") {
    filter.reason = enum_value<TaskReason>("reason", value);
  } else if (name == "task_type") {
    filter.task_type = text("task_type", value);
  } else if (name == "agent_id") {
    filter.agent_id = text("agent_id", value);
  } else if (name == "capability") {
    filter.required_capability = text("capability", value);
  } else if (name == "label") {
    std::tie(filter.label_key, filter.label_value) = label(value);
  } else if (name == "submitted_before") {
    filter.submitted_before = time("submitted_before", value);
  } else if (name == "submitted_after") {
    filter.submitted_after = time("submitted_after", value);
  } else if (name == "dead_letters") {
    filter.dead_letters = truth("dead_letters", value);
  }
}

// A page as a tuple: its tasks, and the cursor of the next one ("" = this was the last).
py::object list_tasks(Plane& plane, const py::dict& wanted, const std::string& cursor,
                      std::size_t max_items) {
  TaskFilter filter;
  for (const auto& [name, value] : wanted) {
    if (!value.is_none()) set_filter(filter, name.cast<std::string_view>(), value);
  }
  return answered<Page<Task>>(
      [&](Done<Page<Task>> done) {
        plane.use().list_tasks(filter, {cursor, max_items}, std::move(done));
      },
      [](Page<Task> page) {
        return py::make_tuple(list_of(std::move(page.items)), page.next_cursor);
      });
}

py::object replay_dead_letter(Plane& plane, py::handle task_id, py::handle with_dependents,
                              py::handle operation_id) {
  ReplayOptions options{truth("with_dependents", with_dependents), {}};
  if (!operation_id.is_none()) options.operation_id = text("operation_id", operation_id);
  return answered<TaskId>(
      [&](Done<TaskId> done) {
        plane.use().replay_dead_letter(id_of(task_id), options, std::move(done));
      },
      [](const TaskId& id) { return to_python(id); });
}

void set_strategy(Plane& plane, py::handle name) {
  plane.use().set_strategy(parsed(parse_selection_strategy, "strategy", name));
}

}  // namespace

TaskSpec task_spec(const Plane& plane, py::handle positional) {
  const auto task = py::reinterpret_borrow<py::tuple>(positional);
  return spec_of(plane, task[0], task[1], task[2], task[3], task[4], task[5]);
}

void bind_tasks(PlaneClass& cls) {
  add_fast<&submit_task>(cls, "submit_task");
  cls.def("submit_tasks", &submit_tasks);
  add_fast<&claim_task>(cls, "claim_task");
  add_fast<&claim_tasks>(cls, "claim_tasks");
  add_fast<&start_task>(cls, "start_task");
  add_fast<&renew>(cls, "renew");
  add_fast<&report_progress>(cls, "report_progress");
  add_fast<&complete_task>(cls, "complete_task");
  cls.def("complete_tasks", &complete_tasks);
  add_fast<&fail_task>(cls, "fail_task");
  add_fast<&release_task>(cls, "release_task");
  cls.def("cancel_task", &cancel_task);
  add_fast<&assign_task>(cls, "assign_task");
  add_fast<&reassign_agent_tasks>(cls, "reassign_agent_tasks");
  add_fast<&get_task>(cls, "get_task");
  add_fast<&get_status>(cls, "get_status");
  add_fast<&wait_for_result>(cls, "wait_for_result");
  add_fast<&explain>(cls, "explain");
  cls.def("list_tasks", &list_tasks);
  cls.def("replay_dead_letter", &replay_dead_letter);
  cls.def("set_strategy", &set_strategy);
}

}  // namespace controlplane::python
