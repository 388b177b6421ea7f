// Claims, and what their holders say of them.
#include "capi/answers.hpp"
#include "capi/defaults.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {
namespace {

// A request for the length of one call. Its texts and lists are those of a request before, if one
// is to be had: a claim is asked again and again, and would allocate each time what it frees.
class LentRequest {
 public:
  LentRequest(Plane& plane, const cp_claim_request* given)
      : plane_(plane), request_(plane.spare_request.exchange(nullptr, std::memory_order_acquire)) {
    if (request_ == nullptr) request_ = std::make_unique<ClaimRequest>();
    fill(*request_, given, plane.limits());
  }
  ~LentRequest() {
    request_.reset(plane_.spare_request.exchange(request_.release(), std::memory_order_acq_rel));
  }
  LentRequest(const LentRequest&) = delete;
  LentRequest& operator=(const LentRequest&) = delete;
  const ClaimRequest& operator*() const { return *request_; }

 private:
  Plane& plane_;
  std::unique_ptr<ClaimRequest> request_;
};

auto claim(const cp_claim_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.claim_task(*LentRequest(plane, request), std::move(done)...);
  };
}
auto claim_many(const cp_claim_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.claim_tasks(*LentRequest(plane, request), std::move(done)...);
  };
}
auto start_task(const cp_attempt* attempt) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.start_task(attempt_of(attempt), std::move(done)...);
  };
}
auto renew(const cp_attempt* attempt) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.renew(attempt_of(attempt), std::move(done)...);
  };
}
auto progress(const cp_progress_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.progress(progress_of(request, plane.limits()), std::move(done)...);
  };
}
auto complete(const cp_complete_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.complete_task(completion_of(request, plane.limits()),
                                           std::move(done)...);
  };
}
auto fail_task(const cp_fail_request* request) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.fail_task(failure_of(request, plane.limits()), std::move(done)...);
  };
}
auto release_task(const cp_attempt* attempt) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.release_task(attempt_of(attempt), std::move(done)...);
  };
}

const auto renew_all = [](Plane& plane, auto... arguments) {
  return plane.coordinator.renew_many(std::move(arguments)...);
};
const auto complete_all = [](Plane& plane, auto... arguments) {
  return plane.coordinator.complete_tasks(std::move(arguments)...);
};
const auto fail_all = [](Plane& plane, auto... arguments) {
  return plane.coordinator.fail_tasks(std::move(arguments)...);
};
auto attempts(const cp_attempt* given, std::size_t count) {
  return [=](const Limits& limits) { return attempts_of(given, count, limits); };
}
auto completions(const cp_complete_request* given, std::size_t count) {
  return [=](const Limits& limits) { return completions_of(given, count, limits); };
}
auto failures(const cp_fail_request* given, std::size_t count) {
  return [=](const Limits& limits) { return failures_of(given, count, limits); };
}

auto copy_lease(cp_lease_status* out) {
  return [out](const LeaseStatus& status) {
    if (out != nullptr) *out = view_of(status);
  };
}
const auto into_lease = [](CompletionBox& box, const LeaseStatus& status) {
  box.lease_status = view_of(status);
  box.lease = &box.lease_status;
};

}  // namespace

void hand_back(cp_coordinator* handle, const ClaimedTask& task) noexcept {
  guard([&] {
    const Held<Plane> plane(handle);
    plane->coordinator.release_task({.task_id = task.id, .lease = task.lease}, Done<void>());
    return CP_OK;
  });
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_task_claim(cp_claimed_task** out, cp_coordinator* coordinator,
                      const cp_claim_request* request) {
  return call_for(out, coordinator, claim(request), [](std::optional<ClaimedTask>&& task) {
    return task ? new ClaimedTaskView(*std::move(task)) : nullptr;
  });
}
int32_t cp_task_claim_async(cp_coordinator* coordinator, const cp_claim_request* request,
                            cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_CLAIM, claim(request),
               [](CompletionBox& box, std::optional<ClaimedTask>&& task) {
                 if (task)
                   into<ClaimedTaskView> (&cp_completion::claimed_task)(box, *std::move(task));
               });
}

int32_t cp_task_claim_many(cp_claimed_tasks** out, cp_coordinator* coordinator,
                           const cp_claim_request* request) {
  return call_for(out, coordinator, claim_many(request), give<ClaimedTasksView>);
}
int32_t cp_task_claim_many_async(cp_coordinator* coordinator, const cp_claim_request* request,
                                 cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_CLAIM_MANY, claim_many(request),
               into<ClaimedTasksView>(&cp_completion::claimed_tasks));
}

int32_t cp_task_start(cp_lease_status* out, cp_coordinator* coordinator,
                      const cp_attempt* attempt) {
  return call(coordinator, start_task(attempt), copy_lease(out));
}
int32_t cp_task_start_async(cp_coordinator* coordinator, const cp_attempt* attempt, cp_queue* queue,
                            void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_START, start_task(attempt), into_lease);
}

int32_t cp_task_renew(cp_lease_status* out, cp_coordinator* coordinator,
                      const cp_attempt* attempt) {
  return call(coordinator, renew(attempt), copy_lease(out));
}
int32_t cp_task_renew_async(cp_coordinator* coordinator, const cp_attempt* attempt, cp_queue* queue,
                            void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_RENEW, renew(attempt), into_lease);
}

int32_t cp_task_renew_many(cp_answers** out, cp_coordinator* coordinator, const cp_attempt* given,
                           size_t count) {
  return call_batch(out, coordinator, attempts(given, count), renew_all);
}
int32_t cp_task_renew_many_async(cp_coordinator* coordinator, const cp_attempt* given, size_t count,
                                 cp_queue* queue, void* user_data) {
  return start_batch(coordinator, queue, user_data, CP_CALL_TASK_RENEW_MANY, attempts(given, count),
                     renew_all);
}

int32_t cp_task_progress(cp_lease_status* out, cp_coordinator* coordinator,
                         const cp_progress_request* request) {
  return call(coordinator, progress(request), copy_lease(out));
}
int32_t cp_task_progress_async(cp_coordinator* coordinator, const cp_progress_request* request,
                               cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_PROGRESS, progress(request), into_lease);
}

int32_t cp_task_complete(cp_coordinator* coordinator, const cp_complete_request* request) {
  return call(coordinator, complete(request));
}
int32_t cp_task_complete_async(cp_coordinator* coordinator, const cp_complete_request* request,
                               cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_COMPLETE, complete(request));
}

int32_t cp_task_complete_many(cp_answers** out, cp_coordinator* coordinator,
                              const cp_complete_request* requests, size_t count) {
  return call_batch(out, coordinator, completions(requests, count), complete_all);
}
int32_t cp_task_complete_many_async(cp_coordinator* coordinator,
                                    const cp_complete_request* requests, size_t count,
                                    cp_queue* queue, void* user_data) {
  return start_batch(coordinator, queue, user_data, CP_CALL_TASK_COMPLETE_MANY,
                     completions(requests, count), complete_all);
}

int32_t cp_task_fail(cp_coordinator* coordinator, const cp_fail_request* request) {
  return call(coordinator, fail_task(request));
}
int32_t cp_task_fail_async(cp_coordinator* coordinator, const cp_fail_request* request,
                           cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_FAIL, fail_task(request));
}

int32_t cp_task_fail_many(cp_answers** out, cp_coordinator* coordinator,
                          const cp_fail_request* requests, size_t count) {
  return call_batch(out, coordinator, failures(requests, count), fail_all);
}
int32_t cp_task_fail_many_async(cp_coordinator* coordinator, const cp_fail_request* requests,
                                size_t count, cp_queue* queue, void* user_data) {
  return start_batch(coordinator, queue, user_data, CP_CALL_TASK_FAIL_MANY,
                     failures(requests, count), fail_all);
}

int32_t cp_task_release(cp_coordinator* coordinator, const cp_attempt* attempt) {
  return call(coordinator, release_task(attempt));
}
int32_t cp_task_release_async(cp_coordinator* coordinator, const cp_attempt* attempt,
                              cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_TASK_RELEASE, release_task(attempt));
}
