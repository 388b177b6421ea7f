// The history, and functions that are called when something happens.
#include "convert.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "relay.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

EventFilter filter_of(py::handle types, py::handle exclude_types, py::handle subject,
                      py::handle pair) {
  EventFilter filter;
  filter.types = texts("types", types);
  filter.exclude_types = texts("exclude_types", exclude_types);
  if (!subject.is_none()) filter.subject = text("subject", subject);
  if (!pair.is_none()) std::tie(filter.label_key, filter.label_value) = label(pair);
  return filter;
}

py::object read_events(Plane& plane, std::uint64_t after, std::size_t max_items, py::handle types,
                       py::handle exclude_types, py::handle subject, py::handle pair) {
  using Events = std::vector<Event>;
  const EventFilter filter = filter_of(types, exclude_types, subject, pair);
  return answered<Events>(
      [&](Done<Events> done) {
        plane.use().read_events(after, max_items, filter, std::move(done));
      },
      [](Events events) {
        py::list all(events.size());
        for (std::size_t i = 0; i < events.size(); ++i) all[i] = held(std::move(events[i]));
        return all;
      });
}

// Subscribes with `begin`, which must not hold the GIL, and keeps what it answers.
template <class Begin>
std::unique_ptr<Relay> relay_of(std::unique_ptr<Relay> relay, Begin begin) {
  Result<Subscription> subscription = Error::internal("not begun");
  {
    const Unlocked unlocked;
    subscription = begin();
  }
  relay->keep(value_or_raise(std::move(subscription)));
  return relay;
}

// Calls `handler` with the number of the last event, when there are new ones. What they are is
// read from the history, at the reader's own pace.
std::unique_ptr<Relay> on_events(Plane& plane, const py::object& inbox, const py::object& handler,
                                 std::uint64_t after, py::handle types, py::handle exclude_types,
                                 py::handle subject, py::handle pair) {
  Coordinator& coordinator = plane.use();
  auto relay = std::make_unique<Relay>(inbox, handler);
  SubscribeOptions options{filter_of(types, exclude_types, subject, pair), after};
  options.buffer = 1;
  auto call =
      relay->handler<EventBatch>([](const EventBatch& batch) { return to_python(batch.last_seq); });
  return relay_of(std::move(relay),
                  [&] { return coordinator.subscribe(std::move(options), std::move(call)); });
}

std::unique_ptr<Relay> on_task_failure(Plane& plane, const py::object& inbox,
                                       const py::object& handler) {
  Coordinator& coordinator = plane.use();
  auto relay = std::make_unique<Relay>(inbox, handler);
  auto call = relay->handler<TaskFailure>(
      [](const TaskFailure& failure) { return held(TaskFailure(failure)); });
  return relay_of(std::move(relay), [&] { return coordinator.on_task_failure(std::move(call)); });
}

std::unique_ptr<Relay> on_agent_unhealthy(Plane& plane, const py::object& inbox,
                                          const py::object& handler) {
  Coordinator& coordinator = plane.use();
  auto relay = std::make_unique<Relay>(inbox, handler);
  auto call =
      relay->handler<std::string>([](const std::string& agent_id) { return to_python(agent_id); });
  return relay_of(std::move(relay),
                  [&] { return coordinator.on_agent_unhealthy(std::move(call)); });
}

}  // namespace

void bind_events(PlaneClass& cls) {
  cls.def("read_events", &read_events);
  cls.def("on_events", &on_events);
  cls.def("on_task_failure", &on_task_failure);
  cls.def("on_agent_unhealthy", &on_agent_unhealthy);
}

}  // namespace controlplane::python
