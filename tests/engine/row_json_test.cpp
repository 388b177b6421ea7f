// Rows as lines of JSON, and back: nothing is lost, and nothing else is read.
#include "engine/row_json.hpp"

#include <limits>

#include "catch.hpp"
#include "engine/message_key.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

template <class Row>
std::string line_of(Row row) {
  RowBuffer out;
  append_row(out, row);
  return std::string(out.text());
}

// What is wrong with it; "" if nothing is.
template <class Row>
std::string read(const std::string& line, Row& row, RowParser& parser, std::string& padded) {
  padded = line + std::string(RowParser::kPadding, ' ');
  const auto kind = parser.begin(std::string_view(padded).substr(0, line.size()));
  if (!kind) return kind.error().message;
  if (*kind != Row::kKind) return "another kind";
  const auto done = parser.read(row);
  return done ? std::string() : done.error().message;
}

template <class Row>
std::string again(const std::string& line) {
  const Limits limits;
  RowParser parser(limits);
  std::string padded;
  Row row;
  const std::string wrong = read(line, row, parser, padded);
  return wrong.empty() ? line_of(row) : wrong;
}

TaskRow full_task() {
  TaskRow row;
  row.id = TaskId("own/id");
  row.named = true;
  row.serial = std::numeric_limits<std::uint64_t>::max();
  row.type.text = "work";
  row.state = TaskState::running;
  row.submitted_at = row.since = row.until = row.first_ready = kLastMoment;
  row.position = 7;
  row.required = {{"a"}, {"b"}};
  row.directed.text = "agent";
  row.excluded = {{"x"}};
  row.needs = {{{"pool"}, 3}};
  row.timeout_us = row.queue_timeout_us = row.total_timeout_us = row.delay_us = row.max_delay_us =
      1;
  row.backoff = 1.1;
  row.max_retries = 2;
  row.allow_failed_parents = row.telling = row.cancel_requested = true;
  row.concurrency_key.text = "key";
  row.concurrency_limit = 4'294'967'295U;
  row.depends_on = {TaskId("p"), TaskId(TaskId::Uuid{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80})};
  row.told_to = 5;
  row.idempotency_key.text = "i";
  row.operation_id.text = "o";
  row.fingerprint = Fingerprint{0, 1, 255};
  row.replayed_from = TaskId("r");
  row.labels = {{{"k"}, {"\"\\\n\x01 \xc3\xa4 \xf0\x9f\x98\x80"}}};
  row.trace.text = "t";
  row.metadata.text = "[ ]";
  row.payload.text = " {\"a\":\n1}";
  AttemptRow& attempt = row.attempt.emplace();
  attempt.number = 2;
  attempt.nonce.value = 0xfedcba9876543210U;
  attempt.agent.text = "agent";
  attempt.how = Ended::exec_timeout;
  attempt.fraction = 0.1;
  attempt.error.text = "boom";
  attempt.result.text = "-0.5e-7";
  attempt.checkpoint.text = "\"a\\u0000\\\"\"";
  attempt.usage.text = "null";
  return row;
}

}  // namespace

TEST_CASE("a row comes back as it was, byte for byte") {
  const std::string task = line_of(full_task());
  CHECK(again<TaskRow>(task) == task);
  CHECK_THAT(task, ContainsSubstring(R"("payload_text":" {\"a\":\n1}")"));
  CHECK_THAT(task, ContainsSubstring(R"("nonce":"fedcba9876543210")"));
  CHECK_THAT(task, ContainsSubstring(R"("result":-0.5e-7}})"));
  CHECK(task.find('\n') == task.npos);
  TaskRow small;
  small.id = TaskId("t");
  small.type.text = "w";
  CHECK(line_of(small) ==
        R"({"row":"task","id":"t","serial":0,"type":"w","state":"pending","priority":"normal",)"
        R"("submitted_at":0,"since":0,"timeout_us":0,"backoff":1})");
  CHECK(again<TaskRow>(line_of(small)) == line_of(small));
  EventRow event;
  event.seq = 1;
  event.type = EventType::permit_expired;
  event.will_retry = false;
  event.fraction = 1e300;
  CHECK(again<EventRow>(line_of(event)) == line_of(event));
  PoolRow pool;
  pool.name.text = "p";
  pool.kind = PoolKind::number;
  pool.capacity = kUnlimited;
  pool.taken = 1.0 / 3;
  pool.free = {3, 1, 2};
  CHECK(again<PoolRow>(line_of(pool)) == line_of(pool));
  WaiterRow waiter;
  waiter.number = 1;
  waiter.line.text = "p";
  waiter.queue.emplace();
  CHECK(again<WaiterRow>(line_of(waiter)) == line_of(waiter));
}

TEST_CASE("a row that is cut anywhere is refused") {
  const std::string line = line_of(full_task());
  for (std::size_t size = 0; size < line.size(); ++size) {
    CHECK(again<TaskRow>(line.substr(0, size)) != line);
  }
}

TEST_CASE("a key is a name, or what a message is known by") {
  const Limits limits;
  RowParser parser(limits);
  std::string padded;
  const auto wrong_with = [&](std::string_view text) {
    KeyRow row, back;
    row.of = KeyOf::idempotency_key;
    row.key.text = text;
    row.task = TaskId("t");
    const std::string wrong = read(line_of(row), back, parser, padded);
    if (wrong.empty()) CHECK(back.key.text == text);
    return wrong;
  };
  const std::string name(limits.max_name_bytes, 'n');
  for (const std::string& good : {std::string("key"), name, message_key("alice", "bob", "op"),
                                  message_key(name, name, name)}) {
    CHECK(wrong_with(good) == "");
  }
  for (const std::string& bad :
       {std::string(), name + "n", std::string("a#b"), std::string("mailbox#"),
        std::string("mailbox#alice#bob"), std::string("mailbox#alice##op"),
        std::string("mailbox#alice#bob#op#more"), std::string("mailbox#alice#bob#o p"),
        std::string("other#alice#bob#op"), message_key(name + "n", "bob", "op")}) {
    CHECK_THAT(wrong_with(bad), ContainsSubstring("key is no name, and no key of a message"));
  }
}

TEST_CASE("a row is read strictly: the field and the rule are named") {
  DocumentRow row;
  row.key.text = "doc";
  row.version = 1;
  row.value.text = "[1]";
  const std::string line = line_of(row);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = line;
    changed.replace(changed.find(from), from.size(), to);
    return again<DocumentRow>(changed);
  };
  CHECK(again<DocumentRow>(line) == line);
  CHECK(with("\"version\":1,", "") == "version is missing");
  CHECK(with("\"version\":1,", "\"version\":1,\"version\":1,") == "created_at is missing");
  CHECK(with("[1]}", "[1],\"more\":2}") == "more is unknown, or not in its place");
  CHECK(with("\"version\":1", "\"version\":1.5") ==
        "version is no whole number from 0 to 18446744073709551615");
  CHECK(with("\"version\":1", "\"version\":18446744073709551616") ==
        "version is no whole number from 0 to 18446744073709551615");
  CHECK_THAT(with("\"version\":1", "\"version\":null"),
             ContainsSubstring("version is no whole number"));
  CHECK_THAT(with("\"created_at\":0", "\"created_at\":-1"),
             ContainsSubstring("created_at is no whole number"));
  CHECK_THAT(with("\"created_at\":0", "\"created_at\":253402300800000000"),
             ContainsSubstring("created_at is no whole number from 0 to 253402300799999999"));
  CHECK_THAT(with("\"doc\"", "\"d c\""), ContainsSubstring("key is no name"));
  CHECK_THAT(with("\"doc\"", "\"\""), ContainsSubstring("key is no name"));
  CHECK_THAT(with("\"doc\"", "[]"), ContainsSubstring("key is no name"));
  CHECK_THAT(with("[1]", "[1,]"), ContainsSubstring("value"));
  CHECK_THAT(with("[1]", "tru"), ContainsSubstring("value"));
  CHECK(with("\"value\":[1]", "\"value_text\":\"\"") == "value is empty");
  CHECK_THAT(with("\"value\":[1]", "\"value_text\":\"{\""), ContainsSubstring("value"));
  CHECK(with("\"row\":\"document\",", "") == "row is missing, or of a kind that is not known");
  CHECK(with("\"document\"", "\"book\"") == "row is missing, or of a kind that is not known");
  CHECK(with("\"document\"", "\"pool\"") == "another kind");
  CHECK(again<DocumentRow>(line + "}") != line);
  CHECK(again<DocumentRow>(line + "1") != line);
  CHECK(again<DocumentRow>("[" + line + "]") == "the row is no JSON object");
  CHECK_THAT(again<DocumentRow>(""), ContainsSubstring("no JSON object"));
  std::string deep = "[1]";
  for (int i = 0; i < 70; ++i) deep = "[" + deep + "]";
  CHECK_THAT(with("[1]", deep), ContainsSubstring("nested too deep"));
}

}  // namespace controlplane
