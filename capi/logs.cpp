// Logs: each operation once, called in two ways.
#include "controlplane/logs.hpp"

#include "capi/defaults.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {
namespace {

auto append(const char* name, const char* entry, std::size_t length, const char* operation_id) {
  return [=](Plane& plane, auto... done) {
    const Limits& limits = plane.limits();
    return Logs(plane.coordinator)
        .append(view(name),
                json("entry", entry, length, limits.max_log_entry_bytes, "max_log_entry_bytes"),
                view(operation_id), std::move(done)...);
  };
}
auto read_log(const char* name, std::uint64_t after, std::uint64_t max_items,
              std::uint64_t wait_ms) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator)
        .read(view(name), after, max_items, wait_time(wait_ms, plane.limits()), std::move(done)...);
  };
}
auto define(const char* name, const cp_log_bounds* bounds) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator).define(view(name), bounds_of(bounds), std::move(done)...);
  };
}
auto trim(const char* name, const cp_log_trim_request* request) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator).trim(view(name), trim_of(request), std::move(done)...);
  };
}
auto remove_log(const char* name) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator).remove(view(name), std::move(done)...);
  };
}
auto get(const char* name) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator).get(view(name), std::move(done)...);
  };
}
auto list(const char* prefix, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return Logs(plane.coordinator).list(view(prefix), page_of(page), std::move(done)...);
  };
}

}  // namespace
}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_log_append(uint64_t* out, cp_coordinator* coordinator, const char* name,
                      const char* entry, size_t entry_length, const char* operation_id) {
  uint64_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator,
                  append(name, entry, entry_length, operation_id),
                  [](std::uint64_t seq) { return seq; });
}
int32_t cp_log_append_async(cp_coordinator* coordinator, const char* name, const char* entry,
                            size_t entry_length, const char* operation_id, cp_queue* queue,
                            void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_APPEND,
               append(name, entry, entry_length, operation_id),
               [](CompletionBox& box, std::uint64_t seq) { box.seq = seq; });
}

int32_t cp_log_read(cp_log_page** out, cp_coordinator* coordinator, const char* name,
                    uint64_t after, uint64_t max_items, uint64_t wait_ms) {
  return call_for(out, coordinator, read_log(name, after, max_items, wait_ms), give<LogPageView>);
}
int32_t cp_log_read_async(cp_coordinator* coordinator, const char* name, uint64_t after,
                          uint64_t max_items, uint64_t wait_ms, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_READ,
               read_log(name, after, max_items, wait_ms),
               into<LogPageView>(&cp_completion::log_page));
}

int32_t cp_log_define(cp_log_info** out, cp_coordinator* coordinator, const char* name,
                      const cp_log_bounds* bounds) {
  if (out != nullptr) *out = nullptr;
  return call(coordinator, define(name, bounds), [out](LogInfo&& log) {
    if (out != nullptr) *out = new LogInfoView(std::move(log));
  });
}
int32_t cp_log_define_async(cp_coordinator* coordinator, const char* name,
                            const cp_log_bounds* bounds, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_DEFINE, define(name, bounds),
               into<LogInfoView>(&cp_completion::log));
}

int32_t cp_log_trim(uint64_t* out, cp_coordinator* coordinator, const char* name,
                    const cp_log_trim_request* request) {
  uint64_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, trim(name, request),
                  [](std::uint64_t dropped) { return dropped; });
}
int32_t cp_log_trim_async(cp_coordinator* coordinator, const char* name,
                          const cp_log_trim_request* request, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_TRIM, trim(name, request),
               [](CompletionBox& box, std::uint64_t dropped) { box.count = dropped; });
}

int32_t cp_log_remove(int32_t* out, cp_coordinator* coordinator, const char* name) {
  int32_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, remove_log(name),
                  [](bool existed) { return existed ? 1 : 0; });
}
int32_t cp_log_remove_async(cp_coordinator* coordinator, const char* name, cp_queue* queue,
                            void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_REMOVE, remove_log(name),
               [](CompletionBox& box, bool existed) { box.count = existed ? 1 : 0; });
}

int32_t cp_log_get(cp_log_info** out, cp_coordinator* coordinator, const char* name) {
  return call_for(out, coordinator, get(name), give<LogInfoView>);
}
int32_t cp_log_get_async(cp_coordinator* coordinator, const char* name, cp_queue* queue,
                         void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_GET, get(name),
               into<LogInfoView>(&cp_completion::log));
}

int32_t cp_log_list(cp_log_info_page** out, cp_coordinator* coordinator, const char* prefix,
                    const cp_page_request* page) {
  return call_for(out, coordinator, list(prefix, page), give<LogInfoPageView>);
}
int32_t cp_log_list_async(cp_coordinator* coordinator, const char* prefix,
                          const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LOG_LIST, list(prefix, page),
               into<LogInfoPageView>(&cp_completion::logs));
}
