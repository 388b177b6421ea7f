#include "engine/log_table.hpp"

#include <deque>
#include <random>
#include <string>

#include "catch.hpp"

using namespace controlplane;

namespace {

using Entries = std::vector<std::pair<std::uint64_t, std::string>>;

Entries read(const LogTable& log, std::uint64_t after, std::uint64_t max = 1'000'000) {
  Entries entries;
  const auto last = log.read(after, max, [&](const LogTable::Entry& entry) {
    entries.emplace_back(entry.seq, entry.bytes);
    return true;
  });
  REQUIRE(last.ok());
  CHECK(*last == (entries.empty() ? after : entries.back().first));
  return entries;
}

LogTable::Bounds entries_at_most(std::uint64_t count) {
  LogTable::Bounds bounds;
  bounds.max_entries = count;
  return bounds;
}

LogTable::Bounds bytes_at_most(std::uint64_t bytes) {
  LogTable::Bounds bounds;
  bounds.max_bytes = bytes;
  return bounds;
}

}  // namespace

TEST_CASE("numbers begin at 1 and have no gaps") {
  LogTable log;
  CHECK(log.last_seq() == 0);
  CHECK(log.first_seq() == 1);
  CHECK(log.append("a", 1) == 1);
  CHECK(log.append("", 1) == 2);
  CHECK(log.append("ccc", 1) == 3);
  CHECK(log.bytes() == 4);
  CHECK(read(log, 0) == Entries{{1, "a"}, {2, ""}, {3, "ccc"}});
}

TEST_CASE("an empty log answers nothing to readers from the start") {
  const LogTable log;
  CHECK(read(log, 0).empty());
  CHECK(read(log, 7).empty());
}

TEST_CASE("a reader goes on after its number, for as many as it wants") {
  LogTable log;
  for (int i = 1; i <= 10; ++i) log.append(std::to_string(i), 1);
  CHECK(read(log, 3, 2) == Entries{{4, "4"}, {5, "5"}});
  CHECK(read(log, 9) == Entries{{10, "10"}});
  CHECK(read(log, 10).empty());
  CHECK(read(log, 99).empty());
  CHECK(read(log, 3, 0).empty());
}

TEST_CASE("a reader that has enough stops and can go on from there") {
  LogTable log;
  for (int i = 1; i <= 10; ++i) log.append("x", 1);
  int left = 3;
  const auto last = log.read(2, 100, [&](const LogTable::Entry&) { return --left > 0; });
  CHECK(*last == 5);
}

TEST_CASE("a codec may write in place and give back what it did not use") {
  LogTable log;
  std::memcpy(log.append_space(1'000), "abc", 3);
  CHECK(log.commit(3, 1) == 1);
  CHECK(log.append("d", 1) == 2);
  CHECK(read(log, 0) == Entries{{1, "abc"}, {2, "d"}});
  CHECK(log.bytes() == 4);
}

TEST_CASE("older entries are trimmed when there are too many") {
  LogTable log(entries_at_most(3));
  for (int i = 1; i <= 5; ++i) log.append(std::to_string(i), 1);
  CHECK(log.first_seq() == 3);
  CHECK(log.size() == 3);
  CHECK(read(log, 2) == Entries{{3, "3"}, {4, "4"}, {5, "5"}});
}

TEST_CASE("older entries are trimmed when they take too many bytes") {
  LogTable log(bytes_at_most(10));
  for (int i = 0; i < 5; ++i) log.append("1234", 1);
  CHECK(log.bytes() == 8);
  CHECK(log.first_seq() == 4);
}

TEST_CASE("the newest entry stays however large it is") {
  LogTable log(bytes_at_most(10));
  log.append("small", 1);
  const std::string large(200'000, 'x');
  CHECK(log.append(large, 1) == 2);
  CHECK(read(log, 1) == Entries{{2, large}});
  log.append("small", 1);
  CHECK(read(log, 2) == Entries{{3, "small"}});
}

TEST_CASE("a reader that fell behind the trim is told the first number still there") {
  LogTable log(entries_at_most(3));
  for (int i = 1; i <= 10; ++i) log.append("x", 1);
  const auto behind = log.read(6, 10, [](const LogTable::Entry&) { return true; });
  REQUIRE_FALSE(behind.ok());
  CHECK(behind.error().to_string() ==
        "data_loss: entries after 6 have been trimmed; the first still there is 8");
  CHECK(log.has_lost(0));
  CHECK(log.has_lost(6));
  CHECK_FALSE(log.has_lost(7));
  CHECK(read(log, 7).size() == 3);
}

TEST_CASE("a log that was emptied keeps its numbers") {
  LogTable log;
  for (int i = 1; i <= 4; ++i) log.append("x", 1);
  log.trim(entries_at_most(0));
  CHECK(log.size() == 0);
  CHECK(log.bytes() == 0);
  CHECK(log.first_seq() == 5);
  CHECK(log.has_lost(3));
  CHECK(read(log, 4).empty());
  CHECK(log.append("y", 1) == 5);
  CHECK(read(log, 4) == Entries{{5, "y"}});
}

TEST_CASE("entries have the times they were appended at") {
  LogTable log;
  log.append("a", 5);
  log.append("b", 7);
  std::vector<Timestamp> times;
  (void)log.read(0, 9, [&](const LogTable::Entry& entry) {
    times.push_back(entry.time);
    return true;
  });
  CHECK(times == std::vector<Timestamp>{5, 7});
}

TEST_CASE("the oldest entry is due at the first full second after its age") {
  LogTable::Bounds bounds;
  bounds.max_age_us = 1'500'000;
  LogTable log(bounds);
  CHECK(log.next_due() == LogTable::kNeverDue);
  log.append("a", 10'400'000);
  log.append("b", 10'500'000);
  log.append("c", 10'500'001);
  CHECK(log.next_due() == 12'000'000);
  log.expire_one();
  CHECK(log.next_due() == 12'000'000);
  log.expire_one();
  CHECK(log.next_due() == 13'000'000);
  log.expire_one();
  CHECK(log.next_due() == LogTable::kNeverDue);
  CHECK(log.first_seq() == 4);
  log.append("d", 20'000'000);
  CHECK(log.next_due() == 22'000'000);
}

TEST_CASE("a trim by number or time drops what is below it, and moves the timer") {
  LogTable::Bounds bounds;
  bounds.max_age_us = 1'000'000;
  LogTable log(bounds);
  for (int i = 1; i <= 6; ++i) log.append("x", i * 1'000'000);
  log.trim_before(3);
  CHECK(log.first_seq() == 3);
  CHECK(log.next_due() == 4'000'000);
  log.trim_until(4'000'000);
  CHECK(log.first_seq() == 5);
  log.trim_until(4'000'000);
  log.trim_before(1);
  CHECK(log.size() == 2);
  log.trim_before(99);
  CHECK(log.size() == 0);
  CHECK(log.last_seq() == 6);
  CHECK(log.next_due() == LogTable::kNeverDue);
}

TEST_CASE("other bounds trim at once, and set another timer") {
  LogTable log;
  for (int i = 1; i <= 6; ++i) log.append("xx", 1'000'000);
  LogTable::Bounds bounds = entries_at_most(4);
  bounds.max_age_us = 5'000'000;
  log.set_bounds(bounds);
  CHECK(log.first_seq() == 3);
  CHECK(log.next_due() == 6'000'000);
  log.set_bounds(bytes_at_most(5));
  CHECK(log.size() == 2);
  CHECK(log.next_due() == LogTable::kNeverDue);
}

TEST_CASE("a log knows what an append would trim") {
  LogTable::Bounds bounds = bytes_at_most(10);
  bounds.max_entries = 3;
  LogTable log(bounds);
  CHECK(log.freed_by(99).entries == 0);
  for (const char* text : {"11", "22", "333"}) log.append(text, 1);
  CHECK(log.freed_by(1).entries == 1);
  CHECK(log.freed_by(1).bytes == 2);
  CHECK(log.freed_by(6).entries == 2);
  CHECK(log.freed_by(6).bytes == 4);
  CHECK(log.freed_by(99).entries == 3);
  CHECK(log.size() == 3);
}

TEST_CASE("a log may begin above 1") {
  LogTable log({}, 41);
  CHECK(log.last_seq() == 41);
  CHECK(log.append("a", 1) == 42);
  CHECK(log.has_lost(40));
  CHECK(read(log, 41) == Entries{{42, "a"}});
}

TEST_CASE("any mix of sizes and trims reads like a plain list") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  LogTable::Bounds bounds;
  bounds.max_entries = 20'000;
  bounds.max_bytes = 700'000;
  LogTable log(bounds);
  std::deque<std::string> model;
  std::uint64_t model_bytes = 0;
  const auto drop = [&] {
    model_bytes -= model.front().size();
    model.pop_front();
  };
  for (int i = 0; i < 30'000; ++i) {
    const std::size_t size = random() % 1'000 == 0 ? random() % 100'000 : random() % 80;
    model.emplace_back(size, static_cast<char>('a' + i % 26));
    model_bytes += size;
    log.append(model.back(), 1);
    while (model.size() > 1 && (model.size() > 20'000 || model_bytes > 700'000)) drop();
    if (random() % 10'000 == 0) {
      log.trim(entries_at_most(model.size() / 2));
      for (const std::size_t half = model.size() / 2; model.size() > half;) drop();
    }
    if (random() % 500 == 0 && !model.empty()) {
      const std::uint64_t skip = random() % model.size();
      const auto found = read(log, log.first_seq() - 1 + skip, 5);
      for (std::size_t k = 0; k < found.size(); ++k) REQUIRE(found[k].second == model[skip + k]);
    }
  }
  REQUIRE(log.size() == model.size());
  REQUIRE(log.bytes() == model_bytes);
  const auto all = read(log, log.first_seq() - 1);
  REQUIRE(all.size() == model.size());
  for (std::size_t k = 0; k < all.size(); ++k) REQUIRE(all[k].second == model[k]);
}
