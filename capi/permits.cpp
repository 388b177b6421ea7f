// Pools and their permits: each operation once, called in two ways.
#include "capi/defaults.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "controlplane/resources.hpp"

namespace controlplane::capi {
namespace {

auto define_pool(const cp_pool_spec* spec) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator)
        .define_pool(spec_of(spec, plane.limits()), std::move(done)...);
  };
}
auto remove_pool(const char* name) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator).remove_pool(view(name), std::move(done)...);
  };
}
auto get_pool(const char* name) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator).get_pool(view(name), std::move(done)...);
  };
}
auto list_pools(const char* prefix, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator).list_pools(view(prefix), page_of(page), std::move(done)...);
  };
}
auto acquire(const cp_acquire_request* request) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator)
        .acquire(request_of(request, plane.limits()), std::move(done)...);
  };
}
auto renew(const cp_permit_ref* permit, std::uint64_t ttl_ms) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator)
        .renew(permit_of(permit), duration(ttl_ms), std::move(done)...);
  };
}
auto release(const cp_permit_ref* permit) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator).release(permit_of(permit), std::move(done)...);
  };
}
auto settle(const cp_permit_ref* permit, const cp_permit_need* used, std::size_t count) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator)
        .settle(permit_of(permit), needs_of("used", used, count, plane.limits()),
                std::move(done)...);
  };
}
auto list_permits(const char* pool, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return Resources(plane.coordinator).list_permits(view(pool), page_of(page), std::move(done)...);
  };
}

}  // namespace

void hand_back(cp_coordinator* handle, const PermitRef& permit) noexcept {
  guard([&] {
    const Held<Plane> plane(handle);
    Resources(plane->coordinator).release(permit, Done<void>());
    return CP_OK;
  });
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_pool_define(cp_pool** out, cp_coordinator* coordinator, const cp_pool_spec* spec) {
  if (out != nullptr) *out = nullptr;
  return call(coordinator, define_pool(spec), [out](Pool&& pool) {
    if (out != nullptr) *out = new PoolView(std::move(pool));
  });
}
int32_t cp_pool_define_async(cp_coordinator* coordinator, const cp_pool_spec* spec, cp_queue* queue,
                             void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_POOL_DEFINE, define_pool(spec),
               into<PoolView>(&cp_completion::pool));
}

int32_t cp_pool_remove(int32_t* out, cp_coordinator* coordinator, const char* name) {
  int32_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, remove_pool(name),
                  [](bool existed) { return existed ? 1 : 0; });
}
int32_t cp_pool_remove_async(cp_coordinator* coordinator, const char* name, cp_queue* queue,
                             void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_POOL_REMOVE, remove_pool(name),
               [](CompletionBox& box, bool existed) { box.count = existed ? 1 : 0; });
}

int32_t cp_pool_get(cp_pool** out, cp_coordinator* coordinator, const char* name) {
  return call_for(out, coordinator, get_pool(name), give<PoolView>);
}
int32_t cp_pool_get_async(cp_coordinator* coordinator, const char* name, cp_queue* queue,
                          void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_POOL_GET, get_pool(name),
               into<PoolView>(&cp_completion::pool));
}

int32_t cp_pool_list(cp_pool_page** out, cp_coordinator* coordinator, const char* prefix,
                     const cp_page_request* page) {
  return call_for(out, coordinator, list_pools(prefix, page), give<PoolPageView>);
}
int32_t cp_pool_list_async(cp_coordinator* coordinator, const char* prefix,
                           const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_POOL_LIST, list_pools(prefix, page),
               into<PoolPageView>(&cp_completion::pools));
}

int32_t cp_permit_acquire(cp_permit** out, cp_coordinator* coordinator,
                          const cp_acquire_request* request) {
  return call_for(out, coordinator, acquire(request), give<PermitView>);
}
int32_t cp_permit_acquire_async(cp_coordinator* coordinator, const cp_acquire_request* request,
                                cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_PERMIT_ACQUIRE, acquire(request),
               into<PermitView>(&cp_completion::permit));
}

int32_t cp_permit_cancel_acquire(int32_t* out, cp_coordinator* coordinator,
                                 const char* operation_id) {
  int32_t ignored = 0;
  return call_for(
      out == nullptr ? &ignored : out, coordinator,
      [&](Plane& plane) {
        return Result<bool>(Resources(plane.coordinator).cancel_acquire(view(operation_id)));
      },
      [](bool waited) { return waited ? 1 : 0; });
}

int32_t cp_permit_renew(int64_t* out, cp_coordinator* coordinator, const cp_permit_ref* permit,
                        uint64_t ttl_ms) {
  int64_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, renew(permit, ttl_ms),
                  [](Timestamp expires_at) { return expires_at; });
}
int32_t cp_permit_renew_async(cp_coordinator* coordinator, const cp_permit_ref* permit,
                              uint64_t ttl_ms, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_PERMIT_RENEW, renew(permit, ttl_ms),
               [](CompletionBox& box, Timestamp expires_at) { box.expires_at_us = expires_at; });
}

int32_t cp_permit_release(cp_coordinator* coordinator, const cp_permit_ref* permit) {
  return call(coordinator, release(permit));
}
int32_t cp_permit_release_async(cp_coordinator* coordinator, const cp_permit_ref* permit,
                                cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_PERMIT_RELEASE, release(permit));
}

int32_t cp_permit_settle(cp_coordinator* coordinator, const cp_permit_ref* permit,
                         const cp_permit_need* used, size_t used_count) {
  return call(coordinator, settle(permit, used, used_count));
}
int32_t cp_permit_settle_async(cp_coordinator* coordinator, const cp_permit_ref* permit,
                               const cp_permit_need* used, size_t used_count, cp_queue* queue,
                               void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_PERMIT_SETTLE,
               settle(permit, used, used_count));
}

int32_t cp_permit_list(cp_permit_page** out, cp_coordinator* coordinator, const char* pool,
                       const cp_page_request* page) {
  return call_for(out, coordinator, list_permits(pool, page), give<PermitPageView>);
}
int32_t cp_permit_list_async(cp_coordinator* coordinator, const char* pool,
                             const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_PERMIT_LIST, list_permits(pool, page),
               into<PermitPageView>(&cp_completion::permits));
}
