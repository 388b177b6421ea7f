#include <fmt/format.h>

#include "base/wording.hpp"
#include "engine/event.hpp"
#include "engine/event_wire.hpp"

namespace controlplane {
namespace {

using Types = std::bitset<kEventTypes>;

// "task.*" keeps its dot: it must not take "tasks.x".
bool pattern_matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with(".*")) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

Types types_of(std::string_view pattern) {
  Types types;
  for (std::size_t i = 0; i < kEventTypes; ++i) {
    types[i] = pattern_matches(pattern, to_string(static_cast<EventType>(i)));
  }
  return types;
}

Types types_of(const std::vector<std::string>& patterns) {
  Types types;
  for (const std::string& pattern : patterns) types |= types_of(pattern);
  return types;
}

Result<void> check_patterns(std::string_view what, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    if (types_of(pattern).any()) continue;
    return Error::invalid_argument(
        fmt::format("{} {}: no event has such a type", what, quote(pattern)));
  }
  return {};
}

}  // namespace

Result<void> check_event_filter(const EventFilter& filter) {
  if (auto types = check_patterns("types", filter.types); !types) return types;
  return check_patterns("exclude_types", filter.exclude_types);
}

EventMatcher::EventMatcher(const EventFilter& filter) : filter_(filter), subject_(filter.subject) {
  types_ = filter.types.empty() ? Types().set() : types_of(filter.types);
  types_ &= ~types_of(filter.exclude_types);
}

bool EventMatcher::matches(std::string_view bytes) const {
  const auto type = static_cast<std::size_t>(event_wire::Reader(bytes).number<std::uint8_t>());
  if (type >= kEventTypes || !types_[type]) return false;
  return subject_matches(bytes) && label_matches(bytes);
}

bool EventMatcher::subject_matches(std::string_view bytes) const {
  if (subject_.empty()) return true;
  if (filter_.subject.ends_with('*')) return subject_begins(bytes);
  const event_wire::Subject subject = event_wire::subject_of(bytes);
  if (subject.is_task != subject_.is_made()) return false;
  return subject.is_task ? subject.task == subject_.uuid() : subject.text == subject_.own_text();
}

bool EventMatcher::subject_begins(std::string_view bytes) const {
  const std::string_view prefix(filter_.subject.data(), filter_.subject.size() - 1);
  const event_wire::Subject subject = event_wire::subject_of(bytes);
  if (subject.is_task) return TaskId(subject.task).str().starts_with(prefix);
  return subject.text.starts_with(prefix);
}

bool EventMatcher::label_matches(std::string_view bytes) const {
  if (filter_.label_key.empty()) return true;
  bool found = false;
  event_wire::for_labels(event_wire::view(bytes).labels,
                         [&](std::string_view key, std::string_view value) {
                           if (key != filter_.label_key) return true;
                           found = filter_.label_value.empty() || value == filter_.label_value;
                           return false;
                         });
  return found;
}

}  // namespace controlplane
