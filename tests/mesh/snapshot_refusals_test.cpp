// Files and rows that are no snapshot: each is refused whole, with the line and the rule.
#include "controlplane/logs.hpp"
#include "mesh/snapshot_text.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

}  // namespace

TEST_CASE("whatever is wrong with a file, it is refused whole, and the line is named") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> good = lines_of(text);
  for (std::size_t at = 0; at < good.size(); ++at) {
    INFO("line " << at + 1);
    const std::string here = "line " + std::to_string(at + 1) + ":";
    const std::string next = "line " + std::to_string(at + 2) + ":";
    for (std::size_t byte = 0; byte < good[at].size(); byte += 1 + good[at].size() / 9) {
      auto lines = good;
      lines[at][byte] = static_cast<char>(lines[at][byte] ^ 1);
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring("invalid_argument: line "));
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    }
    auto lines = good;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    lines = good;
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(next));
    if (at + 1 < good.size()) {
      lines = good;
      std::swap(lines[at], lines[at + 1]);
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    }
    lines.assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    const std::string cut = joined(lines) + good[at].substr(0, good[at].size() / 2);
    CHECK_THAT(refusal_of(cut), ContainsSubstring(here));
  }
  CHECK_THAT(refusal_of(text + "x"), ContainsSubstring("it has no end"));
  CHECK_THAT(refusal_of(text + "\n"), ContainsSubstring("behind the trailer"));
  CHECK_THAT(refusal_of(text.substr(0, text.size() - 1)), ContainsSubstring("it has no end"));
  CHECK_THAT(refusal_of(text + text), ContainsSubstring("behind the trailer"));
  CHECK_THAT(refusal_of(""), ContainsSubstring("line 1: the file ends"));
  CHECK_THAT(refusal_of("\n"), ContainsSubstring("line 1: it has no sum"));
}

TEST_CASE("rows that contradict each other are refused, however well they are sealed") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  REQUIRE(claim(p.plane, "worker"));
  TaskSpec child = work("child");
  child.depends_on = {TaskId("b")};
  REQUIRE(p->submit_task(child));
  AcquireRequest acquire;
  acquire.needs = {{"pool", 1}};
  acquire.owner = "me";
  REQUIRE(Resources(p.plane).acquire(acquire));
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> good = lines_of(text);
  {
    Plane other(StoreKind::memory);
    REQUIRE(import_text(other.plane, resealed(good)));
  }
  // Replaces `from` by `to` in the first line that begins with `kind` and has it.
  const auto with = [&](std::string_view kind, std::string_view from, std::string_view to) {
    auto lines = good;
    for (std::string& line : lines) {
      const std::size_t at = line.find(from);
      if (!line.starts_with("{\"row\":\"" + std::string(kind) + "\"") || at == line.npos) continue;
      line.replace(at, from.size(), to);
      return refusal_of(resealed(lines));
    }
    return std::string("no such row");
  };
  // Another number for a field, in the last row of `kind` that has it.
  const auto with_number = [&](std::string_view kind, std::string_view field, const std::string& number) {
    auto lines = good;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      const std::string name = "\"" + std::string(field) + "\":";
      const std::size_t at = line->find(name);
      if (!line->starts_with("{\"row\":\"" + std::string(kind) + "\"") || at == line->npos) continue;
      const std::size_t begin = at + name.size() - 1, end = line->find_first_of(",}", begin);
      line->replace(begin, end - begin, number);
      return refusal_of(resealed(lines));
    }
    return std::string("no such row");
  };
  const auto doubled = [&](std::string_view kind) {
    auto lines = good;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!lines[i].starts_with("{\"row\":\"" + std::string(kind) + "\"")) continue;
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
      break;
    }
    return refusal_of(resealed(lines));
  };
  CHECK_THAT(with("header", "\"version\":1", "\"version\":2"),
             ContainsSubstring("line 1: header: version is 2"));
  CHECK_THAT(with("header", "aragora-snapshot", "something"),
             ContainsSubstring("line 1: header: format"));
  CHECK_THAT(with("totals", "\"last_event\":", "\"last_event\":1"), ContainsSubstring("the events end before"));
  CHECK_THAT(with("header", "\"tasks\":4", "\"tasks\":5"),
             ContainsSubstring("5 tasks were promised, 4 came"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":4"),
             ContainsSubstring("serial 4 is not below"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":18446744073709551615"),
             ContainsSubstring("is beyond 1152921504606846976"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":1152921504606846976"),
             ContainsSubstring("too far"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":18446744073709551616"),
             ContainsSubstring("line 2: totals: next_serial is no whole number"));
  CHECK_THAT(with("totals", "\"last_position\":3", "\"last_position\":2"),
             ContainsSubstring("beyond last_position"));
  // No number goes so far that the next ones would begin anew.
  const std::string highest = ":18446744073709551615";
  for (const char* number :
       {"next_serial", "last_position", "last_agent", "agents_joined", "assignments", "last_dropped",
        "last_fence", "last_waiter", "last_dropped_entry", "last_event"}) {
    INFO(number);
    CHECK_THAT(with_number("totals", number, highest), ContainsSubstring("line 2: totals: 18446744073709551615 is beyond"));
  }
  CHECK_THAT(with_number("document", "version", highest), ContainsSubstring("version is too high"));
  CHECK_THAT(with("task", "\"attempt\":{\"number\":1", "\"attempt\":{\"number\":4294967295"),
             ContainsSubstring("attempt: number, failures"));
  // Nor do moments: what has happened has happened, and what is to come is near.
  const std::string far = ":253402300799999999";
  for (const char* moment : {"submitted_at", "since", "first_ready", "claimed_at"}) {
    INFO(moment);
    CHECK_THAT(with_number("task", moment, far), ContainsSubstring("is later than the header's now"));
  }
  CHECK_THAT(with_number("task", "deadline", far), ContainsSubstring("further ahead than max_delay"));
  CHECK_THAT(with_number("agent", "last_seen", far), ContainsSubstring("later than the header's now"));
  CHECK_THAT(with_number("permit", "expires_at", far), ContainsSubstring("further ahead than max_delay"));
  CHECK_THAT(with_number("event", "time", ":1"), ContainsSubstring("time is before the last one's"));
  CHECK_THAT(with("task", "\"named\":true", "\"named\":false"), ContainsSubstring("does not go with"));
  CHECK_THAT(with("task", "\"serial\":2", "\"serial\":1"),
             ContainsSubstring("serial 1 is there twice"));
  CHECK_THAT(with("task", "\"position\":2", "\"position\":1"),
             ContainsSubstring("position 1 is there twice"));
  CHECK_THAT(with("task", "\"position\":2", "\"position\":-2"),
             ContainsSubstring("position is no whole number"));
  CHECK_THAT(with("task", "\"serial\":2", "\"serial\":\"2\""),
             ContainsSubstring("serial is no whole number"));
  CHECK_THAT(with("task", "\"serial\":2,", ""), ContainsSubstring("task: serial is missing"));
  CHECK_THAT(with("task", "\"serial\":2,", "\"serial\":2,\"more\":1,"),
             ContainsSubstring("task: type is missing"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 1},\"more\":1"),
             ContainsSubstring("more is unknown"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 1e999}"), ContainsSubstring("payload"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 01}"), ContainsSubstring("payload"));
  CHECK_THAT(with("task", "\"state\":\"pending\"", "\"state\":\"asleep\""),
             ContainsSubstring("state is \"asleep\", which is not known"));
  CHECK_THAT(with("task", "\"state\":\"pending\"", "\"state\":\"completed\""),
             ContainsSubstring("reason does not go with state"));
  CHECK_THAT(with("task", "\"id\":\"b\"", "\"id\":\"a\""),
             ContainsSubstring("task a is there twice"));
  CHECK_THAT(with("task", "\"id\":\"b\"", "\"id\":\"a b\""), ContainsSubstring("id is no name"));
  CHECK_THAT(with("task", "[\"b\"]", "[\"gone\"]"),
             ContainsSubstring("blocked, but no parent is awaited"));
  CHECK_THAT(with("task", "[\"b\"]", "[\"child\"]"), ContainsSubstring("submitted later"));
  CHECK_THAT(with("task", "\"since\":", "\"since\":9999999999999999999, \"since\":"),
             ContainsSubstring("since is no whole number"));
  CHECK_THAT(with("task", "\"timeout_us\":300000000", "\"timeout_us\":0"),
             ContainsSubstring("timeout_us is 0"));
  CHECK_THAT(with("task", "\"backoff\":2", "\"backoff\":-2"),
             ContainsSubstring("backoff is below 1"));
  CHECK_THAT(with("task", "\"attempt\":{\"number\":1", "\"attempt\":{\"number\":0"),
             ContainsSubstring("agent does not go with number"));
  CHECK_THAT(with("pool", "\"used\":1", "\"used\":2"),
             ContainsSubstring("used is not what its permits have"));
  CHECK_THAT(with("permit", "\"pool\":\"pool\"", "\"pool\":\"none\""),
             ContainsSubstring("there is no pool none"));
  CHECK_THAT(with("permit", "\"amount\":1", "\"amount\":0"),
             ContainsSubstring("shares: that of pool pool cannot be"));
  CHECK_THAT(with("totals", "\"last_fence\":1", "\"last_fence\":0"),
             ContainsSubstring("permit 1 is there twice, or beyond"));
  std::string labels = "\"labels\":[";
  for (int i = 0; i < 17; ++i) {
    labels += std::string(i > 0 ? "," : "") + R"({"key":"k)" + std::to_string(i) + R"(","value":"v"})";
  }
  CHECK_THAT(with("agent", "\"max_concurrency\":", labels + "],\"max_concurrency\":"),
             ContainsSubstring("labels: there are too many"));
  CHECK_THAT(with("agent", "[\"code\"]", "[\"code\",\"code\"]"),
             ContainsSubstring("capabilities is no sorted set"));
  CHECK_THAT(with("agent", "\"order\":4611686018427387905", "\"order\":9"),
             ContainsSubstring("was not given out"));
  CHECK_THAT(with("document", "\"version\":1", "\"version\":0"), ContainsSubstring("version is 0"));
  CHECK_THAT(with("event", "\"seq\":3", "\"seq\":4"),
             ContainsSubstring("event: seq is 4; the next one is 3"));
  CHECK_THAT(doubled("task"), ContainsSubstring("is there twice"));
  CHECK_THAT(doubled("agent"), ContainsSubstring("agent worker is there twice"));
  CHECK_THAT(doubled("document"), ContainsSubstring("document doc is there twice"));
  CHECK_THAT(doubled("pool"), ContainsSubstring("pool pool is there twice"));
  CHECK_THAT(doubled("event"), ContainsSubstring("the next one is 2"));
  CHECK_THAT(doubled("header"), ContainsSubstring("line 2: header: the header is the first row"));
  CHECK_THAT(doubled("totals"), ContainsSubstring("line 3: totals: the totals are the second row"));
}

TEST_CASE("what limits allow comes through a snapshot, and nothing beyond them") {
  Config config;
  Limits& limits = config.limits;
  limits.max_name_bytes = 40;
  limits.max_label_key_bytes = 200;
  limits.max_payload_bytes = limits.max_result_bytes = limits.max_document_bytes = 4'000;
  limits.max_log_entry_bytes = 8'388'608;
  Plane p(StoreKind::memory, config);
  TaskSpec labelled = work("labelled");
  labelled.labels = {{std::string(150, 'k'), "v"}};
  labelled.payload = Json('"' + std::string(3'998, 'x') + '"');
  REQUIRE(p->submit_task(labelled));
  REQUIRE(Logs(p.plane).append("log", Json("[\n" + std::string(8'000'000, ' ') + "1]")));
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const auto refusal_with = [&](const Config& other) {
    Plane fresh(StoreKind::memory, other);
    const auto read = import_text(fresh.plane, text);
    return read ? std::string() : read.error().message;
  };
  CHECK(refusal_with(config) == "");
  Config smaller = config;
  smaller.limits.max_payload_bytes = 500;  // what encryption and envelopes add is allowed for
  CHECK(refusal_with(smaller) == "line 3: task: payload is longer than the limits allow");
  smaller = config;
  smaller.limits.max_label_key_bytes = 100;
  CHECK_THAT(refusal_with(smaller), ContainsSubstring("key is no name of 1 to max_label_key_bytes"));
  smaller = config;
  smaller.limits.max_log_entry_bytes = 1'000;
  CHECK_THAT(refusal_with(smaller), ContainsSubstring("longer than"));
}

TEST_CASE("a trailer that is not written as one is no way around its sum") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  std::string text, planted;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> lines = lines_of(text);
  const Snapshots::Sink sink = [&](std::string_view bytes) -> Result<void> {
    planted += bytes;
    return {};
  };
  SnapshotWriter writer(sink);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    REQUIRE(writer.add(lines[i].substr(0, lines[i].size() - kSumBytes) + "}\n"));
  }
  REQUIRE(writer.add("{ \"row\":\"trailer\",\"lines\":" + std::to_string(lines.size() - 1) +
                     ",\"sha256\":\"" + std::string(64, '0') + "\"}\n"));
  REQUIRE(writer.finish());
  planted.resize(planted.rfind('\n', planted.size() - 2) + 1);  // without the true one
  CHECK_THAT(refusal_of(planted), ContainsSubstring("a trailer is not written like this"));
}

}  // namespace controlplane
