#include "coordinator/event_callbacks.hpp"

#include <simdjson.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace controlplane {
namespace {

constexpr std::size_t kBuffer = 16'384;  // events a slow callback may fall behind

TaskFailure failure_of(const Event& event, simdjson::dom::parser& parser) {
  TaskFailure failure;
  failure.task_id = TaskId(event.subject);
  simdjson::dom::element data;
  const std::string_view text = event.data.text();
  if (parser.parse(text.data(), text.size()).get(data) != simdjson::SUCCESS) return failure;
  std::uint64_t attempt = 0;
  std::string_view agent, error, reason;
  if (data["attempt"].get(attempt) == simdjson::SUCCESS) {
    failure.attempt = static_cast<std::uint32_t>(attempt);
  }
  if (data["agent_id"].get(agent) == simdjson::SUCCESS) failure.agent_id = agent;
  if (data["error"].get(error) == simdjson::SUCCESS) {
    failure.error = error;
  } else if (data["reason"].get(reason) == simdjson::SUCCESS) {
    failure.error = reason;
  }
  bool will_retry = false;
  if (data["will_retry"].get(will_retry) == simdjson::SUCCESS) failure.will_retry = will_retry;
  return failure;
}

// Calls for every item; the first exception goes on to the pool, which reports it, once all are
// told.
template <class Call>
void for_each_event(const EventBatch& batch, Call&& call) {
  std::exception_ptr first;
  for (const Event& event : batch.events) {
    try {
      call(event);
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

SubscribeOptions events_of(std::vector<std::string> types, std::size_t max_buffer) {
  SubscribeOptions options;
  options.filter.types = std::move(types);
  options.buffer = std::min(kBuffer, max_buffer);
  return options;
}

}  // namespace

MissedHook missed_hook(std::shared_ptr<CoordinatorLog> log, std::string callback) {
  return [log = std::move(log), callback = std::move(callback)](std::uint64_t missed) {
    log->write(LogLevel::warning, "a callback was too slow and missed events",
               {{"callback", callback}, {"missed", std::to_string(missed)}});
  };
}

SubscribeOptions task_failure_events(std::size_t max_buffer) {
  return events_of({"task.retrying", "task.failed", "task.timeout"}, max_buffer);
}

EventHandler task_failure_handler(std::function<void(const TaskFailure&)> handler,
                                  MissedHook hook) {
  return [handler = std::move(handler), hook = std::move(hook)](const EventBatch& batch) {
    if (batch.missed > 0) hook(batch.missed);
    simdjson::dom::parser parser;
    for_each_event(batch, [&](const Event& event) { handler(failure_of(event, parser)); });
  };
}

SubscribeOptions agent_unhealthy_events(std::size_t max_buffer) {
  return events_of({"agent.unhealthy", "agent.offline"}, max_buffer);
}

EventHandler agent_unhealthy_handler(std::function<void(const std::string&)> handler,
                                     MissedHook hook) {
  return [handler = std::move(handler), hook = std::move(hook)](const EventBatch& batch) {
    if (batch.missed > 0) hook(batch.missed);
    for_each_event(batch, [&](const Event& event) { handler(event.subject); });
  };
}

}  // namespace controlplane
