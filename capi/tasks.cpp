// Tasks: into the queue, and looking at and steering what is there.
#include "capi/answers.hpp"
#include "capi/defaults.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {
namespace {

auto submit(const cp_task_spec* spec) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.submit_task(spec_of(spec, plane.limits()), std::move(done)...);
  };
}
auto batch_of(const cp_task_spec* given, std::size_t count) {
  return [=](const Limits& limits) { return specs_of(given, count, limits); };
}
const auto submit_all = [](Plane& plane, auto... arguments) {
  return plane.coordinator.submit_tasks(std::move(arguments)...);
};
auto cancel(const char* task_id, std::int32_t force) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.cancel_task(view(task_id), flag("force", force), std::move(done)...);
  };
}
auto assign(const char* task_id, const char* agent_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.assign_task(view(task_id), view(agent_id), std::move(done)...);
  };
}
auto get_task(const char* task_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.get_task(view(task_id), std::move(done)...);
  };
}
auto get_status(const char* task_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.get_status(view(task_id), std::move(done)...);
  };
}
auto list_tasks(const cp_task_filter* filter, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.list_tasks(filter_of(filter), page_of(page), std::move(done)...);
  };
}
auto wait_for(const char* task_id, std::uint64_t timeout_ms) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.wait_for_result(view(task_id), wait_time(timeout_ms, plane.limits()),
                                             std::move(done)...);
  };
}
auto explain(const char* task_id) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.explain(view(task_id), std::move(done)...);
  };
}
auto list_dead_letters(const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.list_dead_letters(page_of(page), std::move(done)...);
  };
}
auto replay(const char* task_id, const cp_replay_options* options) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.replay_dead_letter(view(task_id), replay_of(options),
                                                std::move(done)...);
  };
}

auto copy_id(cp_task_id* out) {
  if (out != nullptr) out->text[0] = '\0';
  return [out](const TaskId& id) {
    // It has room: config_of() sees to that.
    if (out != nullptr) write_id(out->text, sizeof(out->text), id);
  };
}

const auto into_id = [](CompletionBox& box, const TaskId& id) { box.task_id = box.id.set(id); };
const auto into_task = into<TaskView>(&cp_completion::task);
const auto into_tasks = into<TaskPageView>(&cp_completion::tasks);
const auto into_state = [](CompletionBox& box, TaskState state) {
  box.task_state = static_cast<std::int32_t>(state);
};
const auto state_code = [](TaskState state) { return static_cast<std::int32_t>(state); };

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_task_submit(cp_task_id* out, cp_coordinator* coordinator, const cp_task_spec* spec) {
  return call(coordinator, submit(spec), copy_id(out));
}
int32_t cp_task_submit_async(cp_coordinator* coordinator, const cp_task_spec* spec, cp_queue* queue,
                             void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_SUBMIT, submit(spec), into_id);
}

int32_t cp_task_submit_many(cp_answers** out, cp_coordinator* coordinator,
                            const cp_task_spec* specs, size_t count) {
  return call_batch(out, coordinator, batch_of(specs, count), submit_all);
}
int32_t cp_task_submit_many_async(cp_coordinator* coordinator, const cp_task_spec* specs,
                                  size_t count, cp_queue* queue, void* user_data) {
  return start_batch(coordinator, queue, user_data, CP_CALL_TASK_SUBMIT_MANY,
                     batch_of(specs, count), submit_all);
}

int32_t cp_task_cancel(int32_t* out, cp_coordinator* coordinator, const char* task_id,
                       int32_t force) {
  int32_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, cancel(task_id, force), state_code);
}
int32_t cp_task_cancel_async(cp_coordinator* coordinator, const char* task_id, int32_t force,
                             cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_CANCEL, cancel(task_id, force),
               into_state);
}

int32_t cp_task_assign(cp_coordinator* coordinator, const char* task_id, const char* agent_id) {
  return call(coordinator, assign(task_id, agent_id));
}
int32_t cp_task_assign_async(cp_coordinator* coordinator, const char* task_id, const char* agent_id,
                             cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_ASSIGN, assign(task_id, agent_id));
}

int32_t cp_task_get(cp_task** out, cp_coordinator* coordinator, const char* task_id) {
  return call_for(out, coordinator, get_task(task_id), give<TaskView>);
}
int32_t cp_task_get_async(cp_coordinator* coordinator, const char* task_id, cp_queue* queue,
                          void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_GET, get_task(task_id), into_task);
}

int32_t cp_task_status(int32_t* out, cp_coordinator* coordinator, const char* task_id) {
  return call_for(out, coordinator, get_status(task_id), state_code);
}
int32_t cp_task_status_async(cp_coordinator* coordinator, const char* task_id, cp_queue* queue,
                             void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_STATUS, get_status(task_id), into_state);
}

int32_t cp_task_list(cp_task_page** out, cp_coordinator* coordinator, const cp_task_filter* filter,
                     const cp_page_request* page) {
  return call_for(out, coordinator, list_tasks(filter, page), give<TaskPageView>);
}
int32_t cp_task_list_async(cp_coordinator* coordinator, const cp_task_filter* filter,
                           const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_LIST, list_tasks(filter, page),
               into_tasks);
}

int32_t cp_task_wait(cp_task** out, cp_coordinator* coordinator, const char* task_id,
                     uint64_t timeout_ms) {
  return call_for(out, coordinator, wait_for(task_id, timeout_ms), give<TaskView>);
}
int32_t cp_task_wait_async(cp_coordinator* coordinator, const char* task_id, uint64_t timeout_ms,
                           cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_WAIT, wait_for(task_id, timeout_ms),
               into_task);
}

int32_t cp_task_explain(cp_explanation** out, cp_coordinator* coordinator, const char* task_id) {
  return call_for(out, coordinator, explain(task_id), give<ExplanationView>);
}
int32_t cp_task_explain_async(cp_coordinator* coordinator, const char* task_id, cp_queue* queue,
                              void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_EXPLAIN, explain(task_id),
               into<ExplanationView>(&cp_completion::explanation));
}

int32_t cp_dead_letter_list(cp_task_page** out, cp_coordinator* coordinator,
                            const cp_page_request* page) {
  return call_for(out, coordinator, list_dead_letters(page), give<TaskPageView>);
}
int32_t cp_dead_letter_list_async(cp_coordinator* coordinator, const cp_page_request* page,
                                  cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_DEAD_LETTER_LIST, list_dead_letters(page),
               into_tasks);
}

int32_t cp_dead_letter_replay(cp_task_id* out, cp_coordinator* coordinator, const char* task_id,
                              const cp_replay_options* options) {
  return call(coordinator, replay(task_id, options), copy_id(out));
}
int32_t cp_dead_letter_replay_async(cp_coordinator* coordinator, const char* task_id,
                                    const cp_replay_options* options, cp_queue* queue,
                                    void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_DEAD_LETTER_REPLAY, replay(task_id, options),
               into_id);
}
