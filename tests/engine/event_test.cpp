#include "engine/event.hpp"

#include <string>

#include "base/json_check.hpp"
#include "catch.hpp"

using namespace controlplane;

namespace {

constexpr const char* kTask = "task_018bcfe5-687b-7abc-9def-0123456789ab";
const TaskId kTaskId(kTask);

// As the seventh of a log.
template <class Visit>
void append_and_read(const EventDraft& draft, Visit&& visit) {
  LogTable log({}, 6);
  append_event(log, draft);
  const auto last = log.read(6, 1, [&](const LogTable::Entry& entry) {
    visit(entry);
    return true;
  });
  REQUIRE(last.ok());
}

std::string encoded(const EventDraft& draft) {
  std::string bytes;
  append_and_read(draft, [&](const LogTable::Entry& entry) { bytes = entry.bytes; });
  return bytes;
}

Event round_trip(const EventDraft& draft) {
  Event event;
  append_and_read(draft,
                  [&](const LogTable::Entry& entry) { event = decode_event(entry, "default"); });
  CHECK(check_json("data", event.data.text(), 1 << 20, "max", 2).ok());
  return event;
}

EventDraft claimed() {
  EventDraft draft;
  draft.type = EventType::task_claimed;
  draft.time = 1'700'000'000'000'000;
  draft.task = &kTaskId.uuid();
  draft.attempt = 2;
  draft.agent = "agent-1";
  return draft;
}

EventFilter types(std::vector<std::string> include, std::vector<std::string> exclude = {}) {
  EventFilter filter;
  filter.types = std::move(include);
  filter.exclude_types = std::move(exclude);
  return filter;
}

}  // namespace

TEST_CASE("the common event survives encoding and is small") {
  const Event event = round_trip(claimed());
  CHECK(event.seq == 7);
  CHECK(event.tenant == "default");
  CHECK(event.type == "task.claimed");
  CHECK(event.time == 1'700'000'000'000'000);
  CHECK(event.subject == kTask);
  CHECK(event.data == R"({"attempt":2,"agent_id":"agent-1"})");
  CHECK(event.labels.empty());
  CHECK(event.trace.empty());
  CHECK(encoded(claimed()).size() == 32);
}

TEST_CASE("every field survives encoding") {
  const Labels labels = {{"team", "blue"}, {"empty", ""}};
  EventDraft draft = claimed();
  draft.type = EventType::task_retrying;
  draft.reason = TaskReason::backoff;
  draft.kind = "retryable";
  draft.text = "connection \"reset\"\n";
  draft.will_retry = false;
  draft.until = -5;
  draft.fraction = 0.25;
  draft.other = "task-9";
  draft.count = 18'446'744'073'709'551'615ULL;
  draft.labels = &labels;
  draft.trace = "trace-1";
  const Event event = round_trip(draft);
  CHECK(event.data ==
        R"({"attempt":2,"agent_id":"agent-1","reason":"backoff","kind":"retryable",)"
        R"("error":"connection \"reset\"\n","will_retry":false,"until":-5,"fraction":0.25,)"
        R"("ref":"task-9","count":18446744073709551615})");
  CHECK(event.labels == labels);
  CHECK(event.trace == "trace-1");
}

TEST_CASE("an event with nothing in it has an empty object as data") {
  EventDraft draft;
  draft.type = EventType::agent_online;
  draft.subject = "agent-1";
  const Event event = round_trip(draft);
  CHECK(event.data == "{}");
  CHECK(event.subject == "agent-1");
}

TEST_CASE("texts of every length survive encoding") {
  for (const std::size_t size : {1u, 7u, 8u, 9u, 15u, 16u, 17u, 127u, 128u, 16'383u, 16'384u}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
    EventDraft draft;
    draft.type = EventType::task_progress;
    draft.subject = text;
    draft.text = text;
    draft.trace = text;
    const Event event = round_trip(draft);
    CHECK(event.subject == text);
    CHECK(event.data == "{\"note\":\"" + text + "\"}");
    CHECK(event.trace == text);
  }
}

TEST_CASE("text that is not UTF-8 still gives valid JSON") {
  EventDraft draft = claimed();
  draft.type = EventType::task_failed;
  draft.text = "bad \xff byte";
  CHECK_THAT(round_trip(draft).data.str(),
             Catch::Matchers::ContainsSubstring("\"error\":\"bad \xef\xbf\xbd byte\""));
}

TEST_CASE("every type has a dotted name that is read back") {
  for (std::size_t i = 0; i < kEventTypes; ++i) {
    const auto type = static_cast<EventType>(i);
    CHECK(parse_event_type(to_string(type)) == type);
    CHECK(to_string(type).find('.') != std::string_view::npos);
  }
  CHECK(to_string(EventType::task_cancel_requested) == "task.cancel_requested");
  CHECK(to_string(EventType::agent_breaker_closed) == "agent.breaker_closed");
  CHECK_FALSE(parse_event_type("task"));
  CHECK_FALSE(parse_event_type(""));
}

TEST_CASE("an empty filter takes every event") {
  CHECK(matches(EventFilter{}, encoded(claimed())));
}

TEST_CASE("a filter takes and leaves types, exact or by prefix") {
  const std::string event = encoded(claimed());
  CHECK(matches(types({"task.claimed"}), event));
  CHECK(matches(types({"agent.*", "task.*"}), event));
  CHECK_FALSE(matches(types({"task.completed"}), event));
  CHECK_FALSE(matches(types({"agent.*"}), event));
  CHECK_FALSE(matches(types({}, {"task.claimed"}), event));
  CHECK_FALSE(matches(types({"task.*"}, {"task.*"}), event));
  CHECK(matches(types({"task.*"}, {"task.completed"}), event));
}

TEST_CASE("a filter with a type that cannot be is told so") {
  CHECK(check_event_filter(types({"task.*", "agent.offline"}, {"task.progress"})).ok());
  CHECK(check_event_filter(types({"task.claimd"})).error().message ==
        "types \"task.claimd\": no event has such a type");
  CHECK(check_event_filter(types({}, {"tasks.*"})).error().message ==
        "exclude_types \"tasks.*\": no event has such a type");
  CHECK_FALSE(check_event_filter(types({"task*"})).ok());
  CHECK_FALSE(check_event_filter(types({""})).ok());
}

TEST_CASE("a filter takes one subject, made or own") {
  EventFilter filter;
  filter.subject = kTask;
  EventDraft own = claimed();
  own.task = nullptr;
  own.subject = "task-1";
  CHECK(matches(filter, encoded(claimed())));
  CHECK_FALSE(matches(filter, encoded(own)));
  filter.subject = "task-1";
  CHECK_FALSE(matches(filter, encoded(claimed())));
  CHECK(matches(filter, encoded(own)));
}

TEST_CASE("a filter takes a label with one value or any") {
  const Labels labels = {{"team", "blue"}, {"env", "prod"}};
  EventDraft draft = claimed();
  draft.labels = &labels;
  EventFilter filter;
  filter.label_key = "env";
  CHECK(matches(filter, encoded(draft)));
  CHECK_FALSE(matches(filter, encoded(claimed())));
  filter.label_value = "prod";
  CHECK(matches(filter, encoded(draft)));
  filter.label_value = "test";
  CHECK_FALSE(matches(filter, encoded(draft)));
}
