// Logs: numbers without gaps, trims, what repeats, who is told of a loss and who is woken.
#include <algorithm>
#include <deque>
#include <map>

#include "base/entropy.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

LogBounds at_most(std::uint64_t entries, std::uint64_t bytes = 1'000'000, seconds age = {}) {
  return {entries, bytes, age};
}

LogTrim keeping(std::uint64_t entries) {
  LogTrim trim;
  trim.max_entries = entries;
  return trim;
}

LogTrim before(std::uint64_t seq) {
  LogTrim trim;
  trim.before = seq;
  return trim;
}

}  // namespace

CONFORMANCE_CASE("a log has its entries in order, numbered from 1 without gaps") {
  Plane plane(kind);
  CHECK(plane.append_to("a", R"({"x":1})") == "ok: 1");
  plane.pass(kSecond);
  CHECK(plane.append_to("a", "2") == "ok: 2");
  CHECK(plane.append_to("b", "3") == "ok: 1");
  CHECK(plane.read_log("a", 0) == R"(1:{"x":1} 2:2)");
  CHECK(plane.read_page.entries[0].time == plane.now() - kSecond);
  CHECK(plane.read_page.entries[1].time == plane.now());
  CHECK(plane.read_page.next_after == 2);
  CHECK(plane.read_log("a", 1) == "2:2");
  CHECK(plane.read_log("a", 2).empty());
  CHECK(plane.read_page.next_after == 2);
  CHECK(plane.read_log("a", 0, 1) == R"(1:{"x":1})");
  CHECK(plane.read_page.next_after == 1);
  CHECK(plane.read_page.last_seq == 2);
}

CONFORMANCE_CASE("the first append makes the log; an append leaves no other event") {
  Plane plane(kind);
  plane.append_to("a");
  plane.append_to("a");
  CHECK(plane.new_types() == "log.defined");
  const LogInfo info = plane.log_of("a");
  CHECK(info.name == "a");
  CHECK(info.bounds == LogBounds{});
  CHECK(info.first_seq == 1);
  CHECK(info.last_seq == 2);
  CHECK(info.entries == 2);
  CHECK(info.bytes == 2);
  CHECK(info.created_at == plane.now());
}

CONFORMANCE_CASE("a log that is not there is not_found, read or trimmed") {
  Plane plane(kind);
  CHECK(plane.read_log("a", 0) == "not_found: there is no log a");
  CHECK(plane.trim_log("a", keeping(0)) == "not_found: there is no log a");
  CHECK(plane.remove_log("a") == "absent");
  CHECK(plane.new_types().empty());
}

CONFORMANCE_CASE("a log that is defined is empty and keeps what its bounds say") {
  Plane plane(kind);
  CHECK(plane.define_log("a", at_most(3)) == "ok");
  CHECK(plane.read_log("a", 0).empty());
  for (int i = 1; i <= 5; ++i) plane.append_to("a", std::to_string(i));
  CHECK(plane.read_log("a", 2) == "3:3 4:4 5:5");
  CHECK(plane.define_log("a", at_most(3)) == "ok");  // nothing new
  CHECK(plane.new_types() == "log.defined");
  CHECK(plane.define_log("a", at_most(3, 2)) == "ok");
  CHECK(plane.new_types() == "log.defined");
  CHECK(plane.read_log("a", 3) == "4:4 5:5");
  CHECK(plane.stats().logs.trimmed_total == 3);
}

CONFORMANCE_CASE("an entry that is larger than all of its log may be is refused") {
  Plane plane(kind);
  plane.define_log("a", at_most(10, 5));
  CHECK(plane.append_to("a", "12345") == "ok: 1");
  CHECK(plane.append_to("a", "123456") ==
        "invalid_argument: entry has 6 bytes; log a holds at most 5");
  CHECK(plane.read_log("a", 0) == "1:12345");
}

CONFORMANCE_CASE("a reader that fell behind the trim is told so, with the first number there is") {
  Plane plane(kind);
  plane.define_log("a", at_most(2));
  for (int i = 1; i <= 5; ++i) plane.append_to("a", std::to_string(i));
  for (const std::uint64_t after : {0u, 1u, 2u}) {
    CHECK(plane.read_log("a", after) == "data_loss: entries of log a after " +
                                            std::to_string(after) +
                                            " have been trimmed; the first still there is 4");
  }
  CHECK(plane.read_log("a", 3) == "4:4 5:5");
  CHECK(plane.stats().logs.losses_total == 3);
}

CONFORMANCE_CASE("a reader that is ahead of the log is told so: the log has lost its end") {
  Plane plane(kind);
  plane.append_to("a");
  CHECK(plane.read_log("a", 1).empty());
  CHECK(plane.read_log("a", 2) ==
        "data_loss: log a has nothing after 2, not even that; its last is 1");
}

CONFORMANCE_CASE("a log that comes back goes on above the numbers of the one that was removed") {
  Plane plane(kind);
  for (int i = 1; i <= 3; ++i) plane.append_to("a", std::to_string(i));
  plane.new_events();
  CHECK(plane.remove_log("a") == "removed");
  CHECK(plane.remove_log("a") == "absent");
  CHECK(plane.read_log("a", 3) == "not_found: there is no log a");
  const auto events = plane.new_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "log.removed");
  CHECK(events[0].subject == "a");
  CHECK(events[0].data == R"({"last_seq":3})");
  CHECK(plane.append_to("a", "new") == "ok: 4");
  CHECK_THAT(plane.read_log("a", 2), ContainsSubstring("data_loss"));
  CHECK(plane.read_log("a", 3) == "4:new");  // it had read all of the old one
  CHECK(plane.read_log("a", 0) == "4:new");  // and this one had read nothing yet
  plane.trim_log("a", keeping(0));
  CHECK_THAT(plane.read_log("a", 0), ContainsSubstring("data_loss"));
  CHECK(plane.stats().logs.logs == 1);
}

CONFORMANCE_CASE("an append that names itself is done once, as long as its entry is there") {
  Plane plane(kind);
  plane.define_log("a", at_most(2));
  CHECK(plane.append_to("a", "1", "op1") == "ok: 1");
  CHECK(plane.append_to("a", "1", "op1") == "ok: 1");
  CHECK(plane.append_to("a", "2", "op1") ==
        "already_exists: operation op1 has appended another entry to log a");
  CHECK(plane.append_to("b", "1", "op1") == "ok: 1");
  CHECK(plane.append_to("a", "2") == "ok: 2");
  CHECK(plane.append_to("a", "1", "op1") == "ok: 1");
  CHECK(plane.append_to("a", "3", "op3") == "ok: 3");
  CHECK(plane.append_to("a", "1", "op1") == "ok: 4");  // the first one was trimmed
  CHECK(plane.stats().logs.appends_total == 5);
  plane.remove_log("a");
  CHECK(plane.append_to("a", "1", "op1") == "ok: 5");
}

CONFORMANCE_CASE("a trim drops what is beyond any of its bounds, and says how much") {
  Plane plane(kind);
  for (int i = 1; i <= 9; ++i) {
    plane.append_to("a", std::to_string(i));
    plane.pass(kSecond);
  }
  plane.new_events();
  CHECK(plane.trim_log("a", before(3)) == "ok: 2");
  CHECK(plane.trim_log("a", before(3)) == "ok: 0");
  CHECK(plane.trim_log("a", keeping(6)) == "ok: 1");
  LogTrim trim;
  trim.max_bytes = 5;
  CHECK(plane.trim_log("a", trim) == "ok: 1");
  trim.max_age = seconds(3);  // of entry 7, by now
  CHECK(plane.trim_log("a", trim) == "ok: 3");
  CHECK(plane.read_log("a", 7) == "8:8 9:9");
  const auto events = plane.new_events();
  REQUIRE(events.size() == 4);
  CHECK(events[0].type == "log.trimmed");
  CHECK(events[0].data == R"({"first_seq":3})");
  CHECK(plane.trim_log("a", before(99)) == "ok: 2");
  CHECK(plane.read_log("a", 9).empty());
  CHECK(plane.append_to("a", "10") == "ok: 10");
}

CONFORMANCE_CASE("what is too old goes when the timer comes, with the full second") {
  Plane plane(kind);
  plane.define_log("a", at_most(100, 1'000'000, seconds(10)));
  plane.append_to("a", "1", "op1");
  plane.pass(3 * kSecond);
  plane.append_to("a", "2");
  CHECK(plane.advance_all(7 * kSecond - 1) == 0);
  CHECK(plane.read_log("a", 0) == "1:1 2:2");
  CHECK(plane.advance_all(kSecond) == 1);
  CHECK_THAT(plane.read_log("a", 0), ContainsSubstring("data_loss"));
  CHECK(plane.read_log("a", 1) == "2:2");
  CHECK(plane.append_to("a", "1", "op1") == "ok: 3");
  CHECK(plane.advance_all(kMinute) == 2);
  CHECK(plane.advance_all(kHour) == 0);
  CHECK(plane.log_of("a").entries == 0);
  CHECK(plane.stats().logs.trimmed_total == 3);
  CHECK(plane.new_types() == "log.defined");
}

CONFORMANCE_CASE("another age sets another timer, and one step drops no more than it may") {
  Plane plane(kind);
  for (int i = 0; i < 300; ++i) plane.append_to("a");
  CHECK(plane.advance_all(kHour) == 0);
  plane.define_log("a", at_most(1'000, 1'000'000, seconds(60)));
  const Advance step = plane.advance();
  CHECK(step.applied == 256);
  CHECK(step.more_due);
  CHECK(plane.advance_all() == 44);
  plane.append_to("a");
  plane.define_log("a", at_most(1'000));
  CHECK(plane.advance_all(kHour) == 0);
}

CONFORMANCE_CASE("a read ends with the entry that reaches max_log_read_bytes") {
  NamespaceOptions options;
  options.limits.max_log_read_bytes = 4;
  Plane plane(kind, options);
  for (const char* entry : {"11", "222", "33", "444444", "5"}) plane.append_to("a", entry);
  CHECK(plane.read_log("a", 0) == "1:11 2:222");
  CHECK(plane.read_log("a", 2) == "3:33 4:444444");
  CHECK(plane.read_log("a", 3) == "4:444444");
  CHECK(plane.read_log("a", 4) == "5:5");
}

CONFORMANCE_CASE("who waits for an entry is told once, of an append or of the end of the log") {
  Plane plane(kind);
  plane.define_log("a");
  plane.append_to("a");
  CHECK(plane.signals().empty());
  CHECK(plane.read_log("a", 0, 10, true) == "1:1");  // nothing to wait for
  plane.append_to("a");
  CHECK(plane.signals().empty());
  CHECK(plane.read_log("a", 2, 10, true).empty());
  CHECK(plane.read_log("a", 2, 10, true).empty());
  plane.append_to("b");
  plane.trim_log("a", keeping(0));
  CHECK(plane.signals().empty());
  plane.append_to("a");
  plane.append_to("a");
  CHECK(plane.signals() == "log_changed a");
  CHECK(plane.read_log("a", 4, 10, true).empty());
  plane.remove_log("a");
  CHECK(plane.signals() == "log_changed a");
}

CONFORMANCE_CASE("logs are listed by name, a page at a time") {
  Plane plane(kind);
  for (const char* name : {"b/2", "a", "b/1", "c"}) plane.append_to(name);
  PageRequest request{"", 2};
  Page<LogInfo> page = plane.list_logs("", request);
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[0].name == "a");
  CHECK(page.items[1].name == "b/1");
  CHECK(page.next_cursor == "b/1");
  plane.remove_log("b/1");
  request.cursor = page.next_cursor;
  page = plane.list_logs("", request);
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[0].name == "b/2");
  CHECK(page.next_cursor.empty());
  CHECK(plane.list_logs("b/").items.size() == 1);
  CHECK(plane.list_logs("x").items.empty());
}

namespace {

// A log as plainly as can be.
struct Known {
  std::deque<std::pair<std::uint64_t, std::string>> entries;
  std::deque<Timestamp> times;
  std::map<std::string, std::uint64_t> operations;
  LogBounds bounds;
  std::uint64_t begins_after = 0, last = 0;

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& entry : entries) sum += entry.second.size();
    return sum;
  }
  void drop() {
    std::erase_if(operations, [&](const auto& o) { return o.second == entries.front().first; });
    entries.pop_front();
    times.pop_front();
  }
  void fit(std::uint64_t most_entries, std::uint64_t most_bytes) {
    while (!entries.empty() && (entries.size() > most_entries || bytes() > most_bytes)) drop();
  }
  void age(Timestamp now) {
    const std::int64_t age = bounds.max_age.count() * kMs;
    const Timestamp second = now / kSecond * kSecond;
    while (age > 0 && !times.empty() && times.front() + age <= second) drop();
  }
  std::string read(std::uint64_t after) const {
    if (after == 0) after = begins_after;
    const std::uint64_t first = entries.empty() ? last + 1 : entries.front().first;
    if (after + 1 < first || after > last) return "data_loss";
    std::string texts;
    for (const auto& [seq, text] : entries) {
      if (seq <= after) continue;
      texts += (texts.empty() ? "" : " ") + std::to_string(seq) + ":" + text;
    }
    return texts;
  }
};

}  // namespace

CONFORMANCE_CASE("logs answer as plain lists do, whatever happens in whatever order") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Plane plane(kind);
    SeededEntropy dice(seed);
    std::map<std::string, Known> model;
    std::uint64_t highest_gone = 0;
    for (int i = 0; i < 500; ++i) {
      const std::string name = "log" + std::to_string(dice.next() % 3);
      const bool is_there = model.count(name) != 0;
      const std::uint64_t roll = dice.next() % 20;
      const auto make = [&]() -> Known& {
        Known& log = model[name];
        if (!is_there) log.begins_after = log.last = highest_gone;
        return log;
      };
      if (roll < 9) {
        const std::string text(1 + dice.next() % 9, static_cast<char>('1' + i % 9));
        const std::string operation =
            dice.next() % 2 == 0 ? "" : "op" + std::to_string(dice.next() % 8);
        const std::string answer = plane.append_to(name, text, operation);
        Known& log = make();
        const auto again = log.operations.find(operation);
        if (again != log.operations.end()) {
          const std::uint64_t first = log.entries.front().first;
          const bool same = log.entries[again->second - first].second == text;
          CHECK(answer.substr(0, 14) ==
                (same ? "ok: " + std::to_string(again->second) : "already_exists"));
        } else if (text.size() > log.bounds.max_bytes) {
          CHECK_THAT(answer, ContainsSubstring("invalid_argument"));
        } else {
          CHECK(answer == "ok: " + std::to_string(++log.last));
          log.entries.emplace_back(log.last, text);
          log.times.push_back(plane.now());
          if (!operation.empty()) log.operations[operation] = log.last;
          log.fit(log.bounds.max_entries, log.bounds.max_bytes);
        }
      } else if (roll < 11) {
        const LogBounds bounds =
            at_most(1 + dice.next() % 12, 1 + dice.next() % 60, seconds(dice.next() % 4));
        CHECK(plane.define_log(name, bounds) == "ok");
        Known& log = make();
        log.bounds = bounds;
        log.fit(bounds.max_entries, bounds.max_bytes);
      } else if (roll < 12) {
        const LogTrim trim = dice.next() % 2 == 0 ? keeping(dice.next() % 8)
                                                  : before(highest_gone + dice.next() % 40);
        const std::string answer = plane.trim_log(name, trim);
        if (!is_there) {
          CHECK_THAT(answer, ContainsSubstring("not_found"));
          continue;
        }
        Known& log = model[name];
        const std::size_t size = log.entries.size();
        if (trim.max_entries) log.fit(*trim.max_entries, log.bytes());
        while (trim.before && !log.entries.empty() && log.entries.front().first < *trim.before) {
          log.drop();
        }
        CHECK(answer == "ok: " + std::to_string(size - log.entries.size()));
      } else if (roll < 13) {
        CHECK(plane.remove_log(name) == (is_there ? "removed" : "absent"));
        if (is_there) highest_gone = std::max(highest_gone, model[name].last);
        model.erase(name);
      } else if (roll < 15) {
        plane.advance_all(static_cast<std::int64_t>(dice.next() % 2'000) * kMs);
        for (auto& [known, log] : model) log.age(plane.now());
      } else {
        const std::uint64_t last = is_there ? model[name].last : 0;
        const std::uint64_t after = dice.next() % 3 == 0 ? 0 : last + 2 - dice.next() % (last + 3);
        const std::string answer = plane.read_log(name, after);
        const std::string expected = is_there ? model[name].read(after) : "not_found";
        CHECK(answer.substr(0, expected.size()) == expected);
        if (answer.find("_") == std::string::npos) CHECK(answer == expected);
      }
    }
    std::uint64_t entries = 0, bytes = 0;
    for (const auto& [name, log] : model) {
      CHECK(plane.log_of(name).last_seq == log.last);
      entries += log.entries.size();
      bytes += log.bytes();
    }
    const LogStats stats = plane.stats().logs;
    CHECK(stats.logs == model.size());
    CHECK(stats.entries == entries);
    CHECK(stats.bytes == bytes);
  }
}

}  // namespace controlplane::conformance
