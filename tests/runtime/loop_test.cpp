#include "runtime/loop.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "runtime/gate.hpp"
#include "runtime/manual_clock.hpp"

namespace controlplane {
namespace {

// Both drives promise the same; `let_run` is the difference.
template <class Body>
void in_both_drives(Body&& body) {
  SECTION("threaded") {
    Loop loop;
    REQUIRE(loop.start().ok());
    body(loop, [](Gate& gate, int count) { return gate.wait_for(count); });
  }
  SECTION("pumped") {
    Loop loop;
    body(loop, [&loop](Gate& gate, int count) {
      while (gate.arrived() < count) loop.pump();
      return true;
    });
  }
}

TEST_CASE("posted work runs in order, on the loop") {
  in_both_drives([](Loop& loop, auto let_run) {
    std::vector<int> ran;
    Gate gate;
    bool on_loop = false;
    for (int i = 0; i < 100; ++i) REQUIRE(loop.post([&ran, i] { ran.push_back(i); }));
    loop.post([&] {
      on_loop = loop.on_loop_thread();
      gate.arrive();
    });
    REQUIRE(let_run(gate, 1));
    CHECK(on_loop);
    CHECK_FALSE(loop.on_loop_thread());
    REQUIRE(ran.size() == 100);
    CHECK(std::is_sorted(ran.begin(), ran.end()));
  });
}

TEST_CASE("timers run by deadline, whatever the order of scheduling") {
  in_both_drives([](Loop& loop, auto let_run) {
    Gate gate;
    std::vector<int> ran;
    const std::int64_t now = loop.clock().steady_us();
    for (const int delay_ms : {20, 5, 10, 0}) {
      loop.schedule(now + delay_ms * 1'000, [&gate, &ran, delay_ms] {
        ran.push_back(delay_ms);
        gate.arrive();
      });
    }
    REQUIRE(let_run(gate, 4));
    CHECK(ran == std::vector{0, 5, 10, 20});
  });
}

TEST_CASE("work may post, schedule and cancel") {
  in_both_drives([](Loop& loop, auto let_run) {
    Gate gate;
    bool wrong = false;
    loop.post([&] {
      const TimerId never = loop.schedule(loop.clock().steady_us(), [&wrong] { wrong = true; });
      wrong = !loop.cancel(never);
      loop.post([&] { loop.schedule(0, [&gate] { gate.arrive(); }); });
    });
    REQUIRE(let_run(gate, 1));
    CHECK_FALSE(wrong);
  });
}

TEST_CASE("work that throws is reported and the loop goes on") {
  std::atomic<int> reports{0};
  Loop loop(system_clock(),
            [&reports](std::string_view what) { reports += what == "told" ? 1 : 100; });
  Gate gate;
  REQUIRE(loop.start().ok());
  loop.post([] { throw std::runtime_error("told"); });
  loop.schedule(0, [&gate] {
    gate.arrive();
    throw std::runtime_error("told");
  });
  REQUIRE(gate.wait_for(1));
  loop.stop();
  CHECK(reports == 2);
}

TEST_CASE("stop runs what was posted before, and drops the timers") {
  in_both_drives([](Loop& loop, auto) {
    std::atomic<int> ran{0};
    const auto owner = std::make_shared<int>(0);
    for (int i = 0; i < 10; ++i) loop.post([&ran] { ++ran; });
    loop.schedule(loop.clock().steady_us() + 3'600'000'000, [owner] {});
    loop.stop();
    CHECK(ran == 10);
    CHECK(owner.use_count() == 1);
  });
}

TEST_CASE("after stop everything is refused and destroyed") {
  in_both_drives([](Loop& loop, auto) {
    const Loop::Handle handle = loop.handle();
    loop.stop();
    loop.stop();
    const auto owner = std::make_shared<int>(0);
    CHECK_FALSE(loop.post([owner] {}));
    CHECK_FALSE(handle.post([owner] {}));
    CHECK(loop.schedule(0, [owner] {}) == 0);
    CHECK_FALSE(loop.cancel(1));
    CHECK(loop.pump() == 0);
    CHECK(owner.use_count() == 1);
    CHECK(loop.start().error().code == ErrorCode::failed_precondition);
  });
}

TEST_CASE("stop from within the loop's own work is complete when it returns") {
  in_both_drives([](Loop& loop, auto let_run) {
    Gate gate;
    int ran_before = 0;
    int ran = 0;
    loop.post([&] {
      loop.post([&ran] { ++ran; });
      loop.stop();
      ran_before = ran;
      gate.arrive();
    });
    REQUIRE(let_run(gate, 1));
    loop.stop();
    CHECK(ran_before == 1);
    CHECK(ran == 1);
  });
}

TEST_CASE("a handle outlives its loop") {
  auto loop = std::make_unique<Loop>();
  REQUIRE(loop->start().ok());
  const Loop::Handle handle = loop->handle();
  loop.reset();
  CHECK_FALSE(handle.post([] {}));
  CHECK(handle.schedule(0, [] {}) == 0);
  CHECK_FALSE(handle.on_loop_thread());
}

TEST_CASE("a loop may be destroyed by its own work") {
  Gate gate;
  std::shared_ptr<Loop> loop = std::make_shared<Loop>();
  REQUIRE(loop->start().ok());
  Loop& same = *loop;
  // The last owner is the work itself, and it is destroyed on the loop's thread.
  struct Destroyed {
    Gate* gate;
    std::shared_ptr<Loop> owner;
    Destroyed(Gate* g, std::shared_ptr<Loop> o) : gate(g), owner(std::move(o)) {}
    Destroyed(Destroyed&& o) noexcept
        : gate(std::exchange(o.gate, nullptr)), owner(std::move(o.owner)) {}
    ~Destroyed() {
      owner.reset();
      if (gate != nullptr) gate->arrive();
    }
  };
  const Loop::Handle handle = same.handle();
  same.post([last = Destroyed(&gate, std::move(loop))] {});
  REQUIRE(gate.wait_for(1));
  CHECK_FALSE(handle.post([] {}));
}

TEST_CASE("work posted before start runs after it") {
  Gate gate;
  Loop loop;
  loop.post([&gate] { gate.arrive(); });
  loop.schedule(0, [&gate] { gate.arrive(); });
  CHECK(gate.arrived() == 0);
  REQUIRE(loop.start().ok());
  REQUIRE(loop.start().ok());
  CHECK(gate.wait_for(2));
}

TEST_CASE("a timer that moves the earliest deadline forward wakes the loop") {
  Gate late, early;
  Loop loop;
  REQUIRE(loop.start().ok());
  const std::int64_t now = loop.clock().steady_us();
  const TimerId id = loop.schedule(now + 3'600'000'000, [&late] { late.arrive(); });
  loop.schedule(now + 1'000, [&early] { early.arrive(); });
  CHECK(early.wait_for(1));
  CHECK(loop.cancel(id));
  CHECK(late.arrived() == 0);
}

TEST_CASE("a pumped loop runs what is due at this instant and nothing more") {
  ManualClock clock;
  Loop loop(clock);
  std::vector<std::string> ran;
  loop.schedule(clock.steady_us() + 10, [&] {
    ran.push_back("due");
    loop.post([&ran] { ran.push_back("posted by due"); });
  });
  loop.schedule(clock.steady_us() + 20, [&ran] { ran.push_back("later"); });
  loop.post([&ran] { ran.push_back("posted"); });
  CHECK(loop.next_timer() == clock.steady_us() + 10);
  CHECK(loop.pump() == 1);
  clock.advance_by(10);
  CHECK(loop.pump() == 2);
  CHECK(loop.pump() == 0);
  CHECK(loop.next_timer() == clock.steady_us() + 10);
  clock.advance_to(loop.next_timer());
  CHECK(loop.pump() == 1);
  CHECK(loop.next_timer() == kNoDeadline);
  CHECK(ran == std::vector<std::string>{"posted", "due", "posted by due", "later"});
}

TEST_CASE("posts, timers and stops of many threads at once lose nothing") {
  for (int round = 0; round < 20; ++round) {
    Loop loop;
    std::atomic<int> ran{0};
    std::atomic<int> accepted{0};
    if (round % 2 == 0) REQUIRE(loop.start().ok());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          if (loop.post([&ran] { ++ran; })) ++accepted;
          const TimerId id = loop.schedule(loop.clock().steady_us() + i % 7, [&ran] { ++ran; });
          if (id != 0 && !loop.cancel(id)) ++accepted;
          if (t == 0 && i == 100) static_cast<void>(loop.start());
          if (t == 3 && i == 150) loop.stop();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    loop.stop();
    // A timer that stop() dropped counts as accepted, because cancel answered false.
    CHECK(ran <= accepted);
    CHECK(ran > 0);
  }
}

}  // namespace
}  // namespace controlplane
