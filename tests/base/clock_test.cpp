#include "base/clock.hpp"

#include "catch.hpp"

using namespace controlplane;

namespace {

struct FakeClock final : Clock {
  std::int64_t wall = 1'000'000;
  std::int64_t steady = 50;
  std::int64_t wall_us() const override { return wall; }
  std::int64_t steady_us() const override { return steady; }
};

}  // namespace

TEST_CASE("a timeline starts at the wall clock") {
  FakeClock clock;
  CHECK(Timeline(clock).now_us() == 1'000'000);
}

TEST_CASE("a timeline follows steady time and no jump of the wall clock") {
  FakeClock clock;
  const Timeline timeline(clock);
  clock.wall = 5;
  clock.steady += 700;
  CHECK(timeline.now_us() == 1'000'700);
}

TEST_CASE("the system's clocks tell this century and do not go back") {
  const Clock& clock = system_clock();
  CHECK(clock.wall_us() > 1'600'000'000'000'000);
  const auto first = clock.steady_us();
  CHECK(clock.steady_us() >= first);
}
