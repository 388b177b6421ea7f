#include "runtime/timer_queue.hpp"

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace controlplane {
namespace {

std::vector<int> run_due(TimerQueue& queue, std::vector<int>& ran, std::int64_t now) {
  ran.clear();
  while (Work work = queue.pop_due(now)) work();
  return ran;
}

TEST_CASE("timers come out by deadline, equal ones in the order of adding") {
  TimerQueue queue;
  std::vector<int> ran;
  for (const auto& [deadline, name] : {std::pair{30, 1}, {10, 2}, {20, 3}, {10, 4}, {30, 5}}) {
    queue.add(deadline, [&ran, n = name] { ran.push_back(n); });
  }
  CHECK(queue.earliest() == 10);
  CHECK(run_due(queue, ran, 9).empty());
  CHECK(run_due(queue, ran, 10) == std::vector{2, 4});
  CHECK(run_due(queue, ran, 100) == std::vector{3, 1, 5});
  CHECK(queue.earliest() == kNoDeadline);
}

TEST_CASE("a cancelled timer does not run, and its id is good once") {
  TimerQueue queue;
  std::vector<int> ran;
  const TimerId first = queue.add(10, [&ran] { ran.push_back(1); });
  const TimerId second = queue.add(20, [&ran] { ran.push_back(2); });
  CHECK(queue.cancel(first));
  CHECK_FALSE(queue.cancel(first));
  CHECK(queue.earliest() == 20);
  CHECK(run_due(queue, ran, 20) == std::vector{2});
  CHECK_FALSE(queue.cancel(second));
  CHECK_FALSE(queue.cancel(0));
  CHECK_FALSE(queue.cancel(TimerId{99} << 32 | 99));
}

TEST_CASE("an old id does not cancel the timer that took its place") {
  TimerQueue queue;
  const TimerId old_id = queue.add(10, [] {});
  static_cast<void>(queue.cancel(old_id));
  const TimerId new_id = queue.add(10, [] {});
  CHECK(old_id != new_id);
  CHECK_FALSE(queue.cancel(old_id));
  CHECK(queue.size() == 1);
}

TEST_CASE("a long random history agrees with an ordered map") {
  std::mt19937 random(20'261'120);
  TimerQueue queue;
  std::map<std::pair<std::int64_t, int>, TimerId> model;  // (deadline, order)
  std::vector<int> ran;
  std::int64_t now = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % 10;
    if (choice < 5) {
      const std::int64_t deadline = now + static_cast<std::int64_t>(random() % 100);
      model[{deadline, step}] = queue.add(deadline, [&ran, step] { ran.push_back(step); });
    } else if (choice < 8 && !model.empty()) {
      auto victim = model.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random() % model.size()));
      REQUIRE(queue.cancel(victim->second));
      model.erase(victim);
    } else {
      now += static_cast<std::int64_t>(random() % 20);
      std::vector<int> expected;
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first.second);
        model.erase(model.begin());
      }
      REQUIRE(run_due(queue, ran, now) == expected);
    }
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.earliest() == (model.empty() ? kNoDeadline : model.begin()->first.first));
  }
}

}  // namespace
}  // namespace controlplane
