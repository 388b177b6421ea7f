// Shared state: each operation once, called in two ways; changes as they come.
#include "capi/defaults.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "capi/subscription.hpp"
#include "controlplane/shared_state.hpp"

namespace controlplane::capi {
namespace {

Json value_of(const char* value, std::size_t length, const Limits& limits) {
  return json("value", value, length, limits.max_document_bytes, "max_document_bytes");
}

auto get(const char* key) {
  return [=](Plane& plane, auto... done) {
    return SharedState(plane.coordinator).get(view(key), std::move(done)...);
  };
}
auto put(const char* key, const char* value, std::size_t length, const cp_put_options* options) {
  return [=](Plane& plane, auto... done) {
    return SharedState(plane.coordinator)
        .put(view(key), value_of(value, length, plane.limits()), options_of(options),
             std::move(done)...);
  };
}
auto remove(const char* key, std::uint64_t expected_version) {
  return [=](Plane& plane, auto... done) {
    return SharedState(plane.coordinator)
        .remove(view(key), version_of(expected_version), std::move(done)...);
  };
}
auto list(const char* prefix, const cp_page_request* page) {
  return [=](Plane& plane, auto... done) {
    return SharedState(plane.coordinator).list(view(prefix), page_of(page), std::move(done)...);
  };
}

// What the callback makes of a document.
Result<Json> changed(const Document* current, cp_state_change change, void* user_data,
                     const Limits& limits) try {
  cp_document shown;
  if (current != nullptr) shown = view_of(*current);
  const char* value = nullptr;
  std::size_t length = 0;
  const std::int32_t status =
      change(&value, &length, current == nullptr ? nullptr : &shown, user_data);
  if (status == CP_OK) return value_of(value, length, limits);
  if (status < CP_OK || status > CP_INTERNAL) {
    return Error::internal("the change answered " + std::to_string(status) +
                           ", which is no status");
  }
  return Error{static_cast<ErrorCode>(status - 1), "the change gave up"};
} catch (Refusal& refusal) {  // its value is too long
  return std::move(refusal.error);
}

auto update(const char* key, const cp_update_options* options, cp_state_change change,
            void* user_data) {
  return [=](Plane& plane) {
    if (change == nullptr) refuse("change is NULL");
    return SharedState(plane.coordinator)
        .update(
            view(key),
            [&](const Document* current) {
              return changed(current, change, user_data, plane.limits());
            },
            options_of(options));
  };
}

auto handler_of(cp_document_callback callback, void* user_data) {
  return [callback, user_data](const std::vector<DocumentChange>& changes, std::uint64_t missed) {
    const ChangeItems shown_changes(changes);
    const cp_document_changes shown{.struct_size = sizeof(cp_document_changes),
                                    .items = shown_changes.items.data(),
                                    .count = shown_changes.items.size(),
                                    .missed = missed};
    callback(&shown, user_data);
  };
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_state_get(cp_document** out, cp_coordinator* coordinator, const char* key) {
  return call_for(out, coordinator, get(key), give<DocumentView>);
}
int32_t cp_state_get_async(cp_coordinator* coordinator, const char* key, cp_queue* queue,
                           void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_STATE_GET, get(key),
               into<DocumentView>(&cp_completion::document));
}

int32_t cp_state_put(uint64_t* out, cp_coordinator* coordinator, const char* key, const char* value,
                     size_t value_length, const cp_put_options* options) {
  uint64_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator,
                  put(key, value, value_length, options),
                  [](std::uint64_t version) { return version; });
}
int32_t cp_state_put_async(cp_coordinator* coordinator, const char* key, const char* value,
                           size_t value_length, const cp_put_options* options, cp_queue* queue,
                           void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_STATE_PUT,
               put(key, value, value_length, options),
               [](CompletionBox& box, std::uint64_t version) { box.version = version; });
}

int32_t cp_state_remove(int32_t* out, cp_coordinator* coordinator, const char* key,
                        uint64_t expected_version) {
  int32_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, remove(key, expected_version),
                  [](bool existed) { return existed ? 1 : 0; });
}
int32_t cp_state_remove_async(cp_coordinator* coordinator, const char* key,
                              uint64_t expected_version, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_STATE_REMOVE, remove(key, expected_version),
               [](CompletionBox& box, bool existed) { box.count = existed ? 1 : 0; });
}

int32_t cp_state_list(cp_document_page** out, cp_coordinator* coordinator, const char* prefix,
                      const cp_page_request* page) {
  return call_for(out, coordinator, list(prefix, page), give<DocumentPageView>);
}
int32_t cp_state_list_async(cp_coordinator* coordinator, const char* prefix,
                            const cp_page_request* page, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_STATE_LIST, list(prefix, page),
               into<DocumentPageView>(&cp_completion::documents));
}

int32_t cp_state_update(cp_document** out, cp_coordinator* coordinator, const char* key,
                        const cp_update_options* options, cp_state_change change, void* user_data) {
  if (out != nullptr) *out = nullptr;
  return call(coordinator, update(key, options, change, user_data), [out](Document&& document) {
    if (out != nullptr) *out = new DocumentView(std::move(document));
  });
}

int32_t cp_state_watch(cp_subscription** out, cp_coordinator* coordinator, const char* prefix,
                       uint64_t after, cp_document_callback callback, void* user_data) {
  return give_subscription(
      out, coordinator, reinterpret_cast<const void*>(callback), [&](Coordinator& plane) {
        return SharedState(plane).watch(view(prefix), handler_of(callback, user_data), after);
      });
}
