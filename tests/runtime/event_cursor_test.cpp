#include "runtime/event_cursor.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "catch.hpp"

namespace controlplane {
namespace {

using Purpose = EventCursor::Purpose;

// A log whose entry `seq` matches if seq is a multiple of `every`.
struct Model {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::uint64_t every = 1;
  std::uint64_t max_visited = 1'000'000;
  std::vector<std::uint64_t> delivered{};
  std::vector<Purpose> purposes{};

  bool step(EventCursor& cursor) {
    const auto read = cursor.next();
    if (!read) return false;
    purposes.push_back(read->purpose);
    if (read->after + 1 < first) return cursor.trimmed(first);
    std::uint64_t at = read->after;
    std::vector<std::uint64_t> found;
    while (at < last && found.size() < read->max_items && at - read->after < max_visited) {
      if (++at % every == 0) found.push_back(at);
    }
    if (read->purpose == Purpose::deliver) {
      delivered.insert(delivered.end(), found.begin(), found.end());
    }
    cursor.answered(*read, {found.size(), at, last});
    return true;
  }
  void drain(EventCursor& cursor) {
    while (step(cursor)) {
    }
  }
};

TEST_CASE("a cursor reads until it knows of nothing more, and then rests") {
  Model log{.last = 600};
  EventCursor cursor(0, 600, 10);
  log.drain(cursor);
  CHECK(log.delivered.size() == 600);
  CHECK(log.purposes.size() == 3);
  CHECK(cursor.position() == 600);
  CHECK_FALSE(cursor.next());
  cursor.look(600);  // old news
  CHECK_FALSE(cursor.next());
  cursor.look(0);    // unknown news
  CHECK(cursor.next());
}

TEST_CASE("history is not skipped, however small the buffer") {
  Model log{.last = 5'000};
  EventCursor cursor(100, 5'000, 1);
  log.drain(cursor);
  CHECK(log.delivered.front() == 101);
  CHECK(log.delivered.size() == 4'900);
  CHECK(cursor.take_missed() == 0);
}

TEST_CASE("no more waiting positions than the buffer: nothing is counted") {
  Model log{.last = 10};
  EventCursor cursor(0, 0, 10);
  cursor.look(10);
  log.drain(cursor);
  CHECK(log.purposes == std::vector{Purpose::deliver});
  CHECK(log.delivered.size() == 10);
}

TEST_CASE("above the buffer the oldest are skipped and counted exactly") {
  Model log{.last = 1'000};
  EventCursor cursor(0, 0, 300);
  cursor.look(1'000);
  log.drain(cursor);
  CHECK(cursor.take_missed() == 700);
  CHECK(cursor.take_missed() == 0);
  REQUIRE(log.delivered.size() == 300);
  CHECK(log.delivered.front() == 701);
}

TEST_CASE("positions that do not match do not fill the buffer") {
  Model log{.last = 10'000, .every = 100};
  EventCursor cursor(0, 0, 100);
  cursor.look(10'000);
  log.drain(cursor);
  CHECK(cursor.take_missed() == 0);
  CHECK(log.delivered.size() == 100);
}

TEST_CASE("every waiting position is counted at most once") {
  Model log{.last = 20'000, .every = 200, .max_visited = 500};
  EventCursor cursor(0, 0, 100);
  cursor.look(20'000);
  while (log.step(cursor) && log.purposes.back() != Purpose::deliver) {
  }
  CHECK(log.purposes.size() == 41);  // 40 to count, 1 to deliver
  log.last = 20'100;
  cursor.look(log.last);
  log.purposes.clear();
  log.drain(cursor);
  CHECK(std::count(log.purposes.begin(), log.purposes.end(), Purpose::count) <= 1);
  CHECK(cursor.take_missed() == 0);
}

TEST_CASE("what the log trimmed counts in full") {
  Model log{.first = 501, .last = 600, .every = 10};
  EventCursor cursor(100, 600, 1'000);
  log.drain(cursor);
  CHECK(cursor.take_missed() == 400);
  CHECK(log.delivered.size() == 10);
}

TEST_CASE("a log that lost its tail is followed from where it is now") {
  Model log{.last = 100};
  EventCursor cursor(100, 100, 10);
  log.drain(cursor);
  log.last = 60;
  cursor.look(60);
  log.drain(cursor);
  CHECK(cursor.position() == 60);
  log.last = 63;
  cursor.look(63);
  log.drain(cursor);
  CHECK(log.delivered == std::vector<std::uint64_t>{61, 62, 63});
}

TEST_CASE("an end that was told but is not there does not keep a cursor busy") {
  Model log{.last = 5};
  EventCursor cursor(5, 5, 2);
  cursor.look(1'000);
  for (int steps = 0; steps < 10 && log.step(cursor); ++steps) {
  }
  CHECK_FALSE(cursor.next());
}

TEST_CASE("whatever happens, delivered and missed make up what matches") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    INFO("seed " << seed);
    Model log{.every = 1 + random() % 5, .max_visited = 10 + random() % 500};
    const std::size_t buffer = 1 + random() % 50;
    EventCursor cursor(0, 0, buffer, 1 + random() % 20);
    for (int step = 0; step < 200; ++step) {
      log.last += random() % 3 == 0 ? random() % 100 : 0;
      if (random() % 2 == 0) cursor.look(log.last);
      const std::size_t before = log.delivered.size();
      log.step(cursor);
      REQUIRE(log.delivered.size() - before <= 20);
    }
    cursor.look(0);
    log.drain(cursor);
    REQUIRE(log.delivered.size() + cursor.take_missed() == log.last / log.every);
    REQUIRE(std::is_sorted(log.delivered.begin(), log.delivered.end()));
  }
}

}  // namespace
}  // namespace controlplane
