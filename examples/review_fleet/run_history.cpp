#include "run_history.hpp"

#include "record.hpp"

namespace review {
namespace {

// What has to be remembered of a task between two of its events.
struct Progress {
  cp::Timestamp ready = 0;
  cp::Timestamp claimed = 0;
};

std::string kind_of(const cp::Event& event) {
  for (const auto& [key, value] : event.labels) {
    if (key == "kind") return value;
  }
  return {};
}

cp::TaskState end_of(const std::string& type) {
  const auto state = cp::parse_task_state(type.substr(type.find('.') + 1));
  return state && cp::is_terminal(*state) ? *state : cp::TaskState::pending;
}

void count(const cp::Event& event, KindHistory& kind, Progress& task) {
  const Record data = Record::parse(event.data);
  if (event.type == "task.submitted") ++kind.submitted;
  if (event.type == "task.retrying") ++kind.retries;
  if (event.type == "task.retrying" && data.text("kind") == "crash") ++kind.crashes;
  if (event.type == "task.claimed") {
    kind.waits.push_back(event.time - task.ready);
    task.claimed = event.time;
  } else if (event.type != "task.started" && event.type != "task.progress") {
    task.ready =
        event.time;  // a later task.ready moves it: after a delay, or when its parents ended
  }
  const cp::TaskState end = end_of(event.type);
  if (end == cp::TaskState::pending) return;
  ++kind.ended[static_cast<std::size_t>(end)];
  if (end == cp::TaskState::completed) kind.durations.push_back(event.time - task.claimed);
}

void append(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

cp::Result<RunHistory> RunHistory::read(const cp::Coordinator& plane) {
  RunHistory history;
  std::map<std::string, Progress> tasks;
  for (std::uint64_t after = 0;;) {
    auto events = plane.read_events(after, 1'000);
    if (!events) return std::move(events).error();
    if (events->empty()) return history;
    after = events->back().seq;
    history.events += events->size();
    for (cp::Event& event : *events) {
      if (history.started == 0) history.started = event.time;
      history.ended = event.time;
      if (event.type.starts_with("task.")) {
        count(event, history.kinds[kind_of(event)], tasks[event.subject]);
      }
      auto& of_subject = history.by_subject[event.subject];
      of_subject.push_back(std::move(event));
    }
  }
}

KindHistory RunHistory::all() const {
  KindHistory all;
  for (const auto& [name, kind] : kinds) {
    for (std::size_t i = 0; i < kind.ended.size(); ++i) all.ended[i] += kind.ended[i];
    all.submitted += kind.submitted;
    all.retries += kind.retries;
    all.crashes += kind.crashes;
    append(all.waits, kind.waits);
    append(all.durations, kind.durations);
  }
  return all;
}

}  // namespace review
