// Events as they come, as they were, and in sum.
#include "capi/defaults.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "capi/subscription.hpp"

namespace controlplane::capi {

namespace {

EventHandler handler_of(cp_event_callback callback, void* user_data) {
  return [callback, user_data](const EventBatch& batch) {
    const EventItems events(batch.events);
    const cp_event_batch shown{.struct_size = sizeof(cp_event_batch),
                               .items = events.items.data(),
                               .count = events.items.size(),
                               .missed = batch.missed,
                               .last_seq = batch.last_seq};
    callback(&shown, user_data);
  };
}

auto handler_of(cp_task_failure_callback callback, void* user_data) {
  return [callback, user_data](const TaskFailure& failure) {
    ShortText id;
    const cp_task_failure shown{.struct_size = sizeof(cp_task_failure),
                                .will_retry = failure.will_retry ? 1 : 0,
                                .task_id = id.set(failure.task_id),
                                .attempt = failure.attempt,
                                .agent_id = failure.agent_id.c_str(),
                                .error = failure.error.c_str()};
    callback(&shown, user_data);
  };
}

auto read_events(std::uint64_t after, std::uint64_t max_items, const cp_event_filter* filter) {
  return [=](Plane& plane, auto... done) {
    return plane.coordinator.read_events(after, max_items, filter_of(filter), std::move(done)...);
  };
}
const auto get_stats = [](Plane& plane, auto... done) {
  return plane.coordinator.get_stats(std::move(done)...);
};
const auto metrics_text = [](Plane& plane, auto... done) {
  return plane.coordinator.metrics_text(std::move(done)...);
};

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_event_subscribe(cp_subscription** out, cp_coordinator* coordinator,
                           const cp_subscribe_options* options, cp_event_callback callback,
                           void* user_data) {
  return give_subscription(
      out, coordinator, reinterpret_cast<const void*>(callback), [&](Coordinator& plane) {
        return plane.subscribe(options_of(options), handler_of(callback, user_data));
      });
}

int32_t cp_task_failure_subscribe(cp_subscription** out, cp_coordinator* coordinator,
                                  cp_task_failure_callback callback, void* user_data) {
  return give_subscription(
      out, coordinator, reinterpret_cast<const void*>(callback),
      [&](Coordinator& plane) { return plane.on_task_failure(handler_of(callback, user_data)); });
}

int32_t cp_agent_unhealthy_subscribe(cp_subscription** out, cp_coordinator* coordinator,
                                     cp_agent_unhealthy_callback callback, void* user_data) {
  return give_subscription(
      out, coordinator, reinterpret_cast<const void*>(callback), [&](Coordinator& plane) {
        return plane.on_agent_unhealthy([callback, user_data](const std::string& agent_id) {
          callback(agent_id.c_str(), user_data);
        });
      });
}

int32_t cp_subscription_close(cp_subscription* subscription) {
  return guard([&] {
    if (subscription == nullptr) return CP_OK;
    const Closing<SubscriptionHolder> closing(subscription);
    closing->subscription.reset();
    return CP_OK;
  });
}

int32_t cp_event_read(cp_event_batch** out, cp_coordinator* coordinator, uint64_t after,
                      uint64_t max_items, const cp_event_filter* filter) {
  return call_for(
      out, coordinator, read_events(after, max_items, filter),
      [=](std::vector<Event>&& events) { return new EventBatchView(std::move(events), after); });
}
int32_t cp_event_read_async(cp_coordinator* coordinator, uint64_t after, uint64_t max_items,
                            const cp_event_filter* filter, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_EVENT_READ,
               read_events(after, max_items, filter),
               [=](CompletionBox& box, std::vector<Event>&& events) {
                 box.events = box.keep(std::make_unique<EventBatchView>(std::move(events), after));
               });
}

int32_t cp_stats_get(cp_stats** out, cp_coordinator* coordinator) {
  return call_for(out, coordinator, get_stats, give<StatsView>);
}
int32_t cp_stats_get_async(cp_coordinator* coordinator, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_STATS_GET, get_stats,
               into<StatsView>(&cp_completion::stats));
}

int32_t cp_metrics_text(cp_text** out, cp_coordinator* coordinator) {
  return call_for(out, coordinator, metrics_text, give<TextView>);
}
int32_t cp_metrics_text_async(cp_coordinator* coordinator, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_METRICS_TEXT, metrics_text,
               into<TextView>(&cp_completion::text));
}
