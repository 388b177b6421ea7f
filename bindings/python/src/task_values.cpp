// Tasks and what belongs to them, as Python classes.
#include "bindings.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

// The rarely used part of a spec, which tasks share: a field of it as a field of the task.
template <class T, auto member>
Field<T> detail(const char* name, const char* doc) {
  using V = decltype(type_of(member));
  return {name, doc,
          [](const T& it) -> py::object {
            static const TaskDetails none{};
            const V& value = (it.details ? *it.details : none).*member;
            if constexpr (requires { value.empty(); }) {
              if (value.empty() && !std::is_same_v<V, Labels> &&
                  !std::is_same_v<V, std::vector<TaskId>> &&
                  !std::is_same_v<V, std::vector<PermitNeed>>) {
                return py::none();
              }
            }
            return to_python(value);
          },
          [](T& it, const char* what, py::handle from) {
            if (from.is_none()) return;
            auto details = std::make_shared<TaskDetails>(it.details ? *it.details : TaskDetails{});
            assign((*details).*member, what, from);
            it.details = std::move(details);
          },
          std::is_same_v<V, Json>};
}

template <class T>
void add_details(std::vector<Field<T>>& fields) {
  using D = TaskDetails;
  fields.push_back(
      detail<T, &D::metadata>("metadata", "The submitter's own notes; None if unset."));
  fields.push_back(detail<T, &D::labels>("labels", "Short names and values."));
  fields.push_back(detail<T, &D::depends_on>("depends_on", "Ids of the tasks it waits for."));
  fields.push_back(
      detail<T, &D::idempotency_key>("idempotency_key", "The submitter's key; None if unset."));
  fields.push_back(detail<T, &D::trace>("trace", "Correlation id; None if unset."));
  fields.push_back(detail<T, &D::needs>("needs", "Amounts by pool that its attempts need."));
  fields.push_back(
      detail<T, &D::replayed_from>("replayed_from", "The dead letter it repeats; None if none."));
}

}  // namespace

template <>
const std::vector<Field<ClaimedTask>>& fields_of<ClaimedTask>() {
  using T = ClaimedTask;
  static const auto* const fields = [] {
    auto* all = new std::vector<Field<T>>{
        field<&T::id>("id", "Its id."),
        field<&T::lease>("lease", "Proof of this attempt, a str; ends of the attempt name it."),
        field<&T::task_type>("task_type", "What kind of work it is."),
        field<&T::payload>("payload", "What was submitted."),
        field<&T::priority>("priority", "A TaskPriority."),
        field<&T::attempt>("attempt", "1 is the first."),
        time_field<&T::claimed_at>("claimed_at", "When this attempt began."),
        time_field<&T::deadline>("deadline", "When this attempt times out."),
        time_field<&T::lease_until>("lease_until",
                                    "Renew before; None: it holds until the deadline."),
        field<&T::checkpoint>("checkpoint", "Last progress data of an earlier attempt, or None."),
    };
    add_details(*all);
    return all;
  }();
  return *fields;
}

template <>
const std::vector<Field<Task>>& fields_of<Task>() {
  using T = Task;
  static const auto* const fields = [] {
    auto* all = new std::vector<Field<T>>{
        field<&T::id>("id", "Its id."),
        field<&T::task_type>("task_type", "What kind of work it is."),
        field<&T::payload>("payload", "What was submitted."),
        field<&T::required_capabilities>("required_capabilities",
                                         "All of them must be offered by its agent."),
        field<&T::priority>("priority", "A TaskPriority."),
        field<&T::state>("status", "A TaskStatus."),
        field<&T::reason>("reason", "A TaskReason: why it is in that status."),
        field<&T::attempt>("attempt", "Attempts begun so far."),
        field<&T::failures>("failures", "Counted failures."),
        field<&T::crashes>("crashes", "Lost leases."),
        field<&T::max_retries>("max_retries", "Failures allowed beyond the first attempt."),
        optional_field<&T::agent_id>("agent_id", "Who holds it, or held it last; None if nobody."),
        optional_field<&T::directed_to>("directed_to", "Only this agent may claim it; None: all."),
        field<&T::exclude>("exclude", "Agents that may not claim it."),
        time_field<&T::submitted_at>("submitted_at", "When it was submitted."),
        time_field<&T::ready_at>("ready_at", "When it became ready, or when its delay ends."),
        time_field<&T::claimed_at>("claimed_at", "When its last attempt was claimed."),
        time_field<&T::started_at>("started_at", "When its last attempt started running."),
        time_field<&T::finished_at>("finished_at", "When it ended."),
        field<&T::cancel_requested>("cancel_requested", "Its holder was asked to stop."),
        field<&T::progress>("progress", "0 to 1, of the last attempt that reported any."),
        optional_field<&T::progress_note>("progress_note", "What was said with it, or None."),
        field<&T::checkpoint>("checkpoint", "The last progress data, or None."),
        field<&T::result>("result", "What it was completed with, or None."),
        optional_field<&T::error>("error", "The text of its last failure, or None."),
        field<&T::usage>("usage", "What its last attempt consumed, or None."),
        field<&T::blocked_by>("blocked_by", "How many parents it still waits for."),
        optional_field<&T::concurrency_key>("concurrency_key", "None if unset."),
        optional_field<&T::unreadable>("unreadable",
                                       "In a list: why a value could not be decrypted and is None."),
    };
    add_details(*all);
    return all;
  }();
  return *fields;
}

template <>
const std::vector<Field<LeaseStatus>>& fields_of<LeaseStatus>() {
  using T = LeaseStatus;
  static const auto* const fields = new std::vector<Field<T>>{
      time_field<&T::lease_until>("lease_until",
                                  "Renew before; None: it holds until the deadline."),
      time_field<&T::deadline>("deadline", "When this attempt times out."),
      field<&T::cancel_requested>("cancel_requested", "True: stop, and release the task."),
  };
  return *fields;
}

template <>
const std::vector<Field<TaskFailure>>& fields_of<TaskFailure>() {
  using T = TaskFailure;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::task_id>("task_id", "The task."),
      field<&T::attempt>("attempt", "Which attempt failed; 0: it ended without one."),
      optional_field<&T::agent_id>("agent_id", "Who held it, or None."),
      field<&T::error>("error", "Text for people."),
      field<&T::will_retry>("will_retry", "There will be another attempt."),
  };
  return *fields;
}

template <>
const std::vector<Field<Obstacle>>& fields_of<Obstacle>() {
  using T = Obstacle;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::kind>("kind", "An ObstacleKind."),
      field<&T::subject>("subject", "The agent, capability, task, key or pool it is about."),
      time_field<&T::since>("since", "None: not known."),
      time_field<&T::until>("until", "None: not known."),
  };
  return *fields;
}

template <>
const std::vector<Field<Explanation>>& fields_of<Explanation>() {
  using T = Explanation;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::id>("id", "The task."),
      field<&T::state>("status", "A TaskStatus."),
      field<&T::reason>("reason", "A TaskReason."),
      field<&T::required_capabilities>("required_capabilities", "What it needs."),
      field<&T::agents_offering>("agents_offering", "Registered agents that offer all of them."),
      Field<T>{"obstacles", "Why no agent runs it: a list of Obstacle.",
               [](const T& it) -> py::object {
                 py::list all;
                 for (const Obstacle& obstacle : it.obstacles) all.append(held(Obstacle(obstacle)));
                 return all;
               },
               [](T& it, const char*, py::handle from) {
                 for (const py::handle obstacle : from) {
                   it.obstacles.push_back(value_of<Obstacle>(obstacle));
                 }
               }},
      time_field<&T::now>("now", "When it was asked."),
  };
  return *fields;
}

void bind_task_values(py::module_& module) {
  bind_value<ClaimedTask>(module, "aragora_cp.ClaimedTask", "What the holder of a lease gets.");
  bind_value<Task>(module, "aragora_cp.Task", "A snapshot of one task.");
  bind_value<LeaseStatus>(module, "aragora_cp.LeaseStatus", "What a renewal answers.");
  bind_value<TaskFailure>(module, "aragora_cp.TaskFailure",
                          "A failed attempt, or a task that ended without one.");
  bind_value<Obstacle>(module, "aragora_cp.Obstacle", "One reason why a task is not running.");
  bind_value<Explanation>(module, "aragora_cp.Explanation",
                          "Why a task is not running; str() tells it.", [](PyObject* self) {
                            return guarded([&] {
                              const std::string text = value_of<Explanation>(self).to_string();
                              return to_python(text).release().ptr();
                            });
                          });
}

}  // namespace controlplane::python
