#include "engine/circuit_breaker.hpp"

#include <deque>
#include <random>

#include "catch.hpp"

namespace controlplane {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr Timestamp kStart = 1'000'000 * kSecond;
constexpr Timestamp kBack = kStart + CircuitBreaker::kCooldown_us;  // half open since then

void fail(CircuitBreaker& breaker, int times, Timestamp now = kStart) {
  for (int i = 0; i < times; ++i) breaker.ended(Verdict::failure, kStart, now);
}

CircuitBreaker half_open() {
  CircuitBreaker breaker;
  fail(breaker, 3);
  breaker.cool_down(kBack);
  return breaker;
}

TEST_CASE("two failures in a row leave a breaker closed and the third opens it") {
  CircuitBreaker breaker;
  fail(breaker, 2);
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.admits());
  CHECK(breaker.ended(Verdict::failure, kStart, kStart + 5));
  CHECK(breaker.state() == BreakerState::open);
  CHECK_FALSE(breaker.admits());
  CHECK(breaker.since() == kStart + 5);
  CHECK(breaker.until() == kStart + 5 + 60 * kSecond);
}

TEST_CASE("a success between failures starts the count in a row anew") {
  CircuitBreaker breaker;
  fail(breaker, 2);
  CHECK_FALSE(breaker.ended(Verdict::success, kStart, kStart));
  CHECK(breaker.consecutive_failures() == 0);
  fail(breaker, 2);
  CHECK(breaker.state() == BreakerState::closed);
}

TEST_CASE("what says nothing of the agent neither counts nor interrupts a row") {
  for (const Verdict neutral : {Verdict::answered, Verdict::nothing}) {
    CircuitBreaker breaker;
    fail(breaker, 2);
    CHECK_FALSE(breaker.ended(neutral, kStart, kStart));
    CHECK(breaker.consecutive_failures() == 2);
    fail(breaker, 1);
    CHECK(breaker.state() == BreakerState::open);
  }
}

// Pairs keep the row short: F F S, F F S, …
void pairs(CircuitBreaker& breaker, int count, Timestamp now) {
  for (int i = 0; i < count; ++i) {
    fail(breaker, 2, now);
    breaker.ended(Verdict::success, kStart, now);
  }
}

TEST_CASE("more than half of ten outcomes opens, nine do not") {
  CircuitBreaker breaker;
  pairs(breaker, 3, kStart);  // 6 of 9
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.ended(Verdict::failure, kStart, kStart));  // 7 of 10
  CHECK(breaker.state() == BreakerState::open);
}

TEST_CASE("exactly half does not open") {
  CircuitBreaker breaker;
  for (int i = 0; i < 5; ++i) {
    breaker.ended(Verdict::success, kStart, kStart);
    breaker.ended(Verdict::failure, kStart, kStart);
  }
  CHECK(breaker.state() == BreakerState::closed);  // 5 of 10
  CHECK(breaker.ended(Verdict::failure, kStart, kStart));  // 6 of 11
}

TEST_CASE("only a failure opens") {
  CircuitBreaker breaker;
  pairs(breaker, 3, kStart);
  CHECK_FALSE(breaker.ended(Verdict::success, kStart, kStart));  // 6 of 10
  CHECK(breaker.state() == BreakerState::closed);
}

TEST_CASE("outcomes count for 60 seconds") {
  for (const auto& [age, opens] : {std::pair{59 * kSecond, true}, {60 * kSecond, false}}) {
    CircuitBreaker breaker;
    pairs(breaker, 3, kStart);
    CHECK(breaker.ended(Verdict::failure, kStart, kStart + age) == opens);
  }
}

TEST_CASE("a long silence empties the window") {
  CircuitBreaker breaker;
  pairs(breaker, 3, kStart);
  CHECK_FALSE(breaker.ended(Verdict::failure, kStart, kStart + 100'000 * kSecond));
}

TEST_CASE("an open breaker waits out its cooldown and ignores what still ends") {
  CircuitBreaker breaker;
  fail(breaker, 3);
  for (const Verdict verdict :
       {Verdict::success, Verdict::failure, Verdict::answered, Verdict::nothing}) {
    CHECK_FALSE(breaker.ended(verdict, kStart, kStart + kSecond));
  }
  CHECK(breaker.until() == kStart + 60 * kSecond);
  CHECK_FALSE(breaker.cool_down(kStart + 60 * kSecond - 1));
  CHECK(breaker.cool_down(kStart + 60 * kSecond));
  CHECK(breaker.state() == BreakerState::half_open);
  CHECK(breaker.until() == 0);
  CHECK_FALSE(breaker.cool_down(kStart + 61 * kSecond));
}

TEST_CASE("a half open breaker admits one task") {
  CircuitBreaker breaker = half_open();
  CHECK(breaker.admits());
  breaker.claimed();
  CHECK_FALSE(breaker.admits());
}

TEST_CASE("the end of the trial closes or opens") {
  const Timestamp now = kStart + 70 * kSecond;
  for (const Verdict good : {Verdict::success, Verdict::answered}) {
    CircuitBreaker breaker = half_open();
    breaker.claimed();
    CHECK(breaker.ended(good, kBack, now));
    CHECK(breaker.state() == BreakerState::closed);
    CHECK(breaker.consecutive_failures() == 0);
    CHECK(breaker.since() == now);
  }
  CircuitBreaker breaker = half_open();
  breaker.claimed();
  CHECK(breaker.ended(Verdict::failure, kBack, now));
  CHECK(breaker.state() == BreakerState::open);
  CHECK(breaker.until() == now + 60 * kSecond);
}

TEST_CASE("a trial that says nothing may be repeated") {
  CircuitBreaker breaker = half_open();
  breaker.claimed();
  CHECK_FALSE(breaker.ended(Verdict::nothing, kBack, kStart + 70 * kSecond));
  CHECK(breaker.state() == BreakerState::half_open);
  CHECK(breaker.admits());
}

TEST_CASE("a task claimed before the cooldown ended decides nothing") {
  for (const Verdict verdict :
       {Verdict::success, Verdict::failure, Verdict::answered, Verdict::nothing}) {
    CircuitBreaker breaker = half_open();
    breaker.claimed();
    CHECK_FALSE(breaker.ended(verdict, kStart, kStart + 70 * kSecond));
    CHECK_FALSE(breaker.ended(verdict, kBack - 1, kStart + 70 * kSecond));
    CHECK(breaker.state() == BreakerState::half_open);
    CHECK_FALSE(breaker.admits());
  }
}

TEST_CASE("a closed breaker starts anew") {
  CircuitBreaker breaker = half_open();
  breaker.ended(Verdict::success, kBack, kStart + 61 * kSecond);
  fail(breaker, 2, kStart + 61 * kSecond);
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.ended(Verdict::failure, kStart, kStart + 61 * kSecond));
}

TEST_CASE("a reset closes and forgets, and says whether it was open") {
  CircuitBreaker breaker;
  fail(breaker, 2);
  CHECK_FALSE(breaker.reset(kStart));
  CHECK(breaker.consecutive_failures() == 0);
  fail(breaker, 3);
  CHECK(breaker.reset(kStart + 9));
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.since() == kStart + 9);
}

TEST_CASE("the window agrees with a list of outcomes") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  OutcomeWindow window;
  std::deque<std::pair<std::int64_t, bool>> kept;
  Timestamp now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<Timestamp>(random() % (i % 50 == 0 ? 90 * kSecond : 3 * kSecond));
    const bool failed = random() % 3 == 0;
    window.count(failed, now);
    kept.emplace_back(now / kSecond, failed);
    while (kept.front().first <= now / kSecond - 60) kept.pop_front();
    std::uint64_t failures = 0;
    for (const auto& entry : kept) failures += entry.second ? 1 : 0;
    REQUIRE(window.total() == kept.size());
    REQUIRE(window.failed() == failures);
  }
}

}  // namespace
}  // namespace controlplane
