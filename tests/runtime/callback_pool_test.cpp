#include "runtime/callback_pool.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

CallbackPoolOptions options(std::size_t threads, std::size_t queued = 1'000) {
  CallbackPoolOptions made;
  made.max_threads = threads;
  made.max_queued = queued;
  return made;
}

TEST_CASE("a callback that hangs delays nobody") {
  Gate hanging, release, done;
  CallbackPool pool(options(4));
  for (int i = 0; i < 3; ++i) {
    pool.submit([&] {
      hanging.arrive();
      release.wait_for(1);
    });
  }
  REQUIRE(hanging.wait_for(3));
  for (int i = 0; i < 100; ++i) REQUIRE(pool.submit([&done] { done.arrive(); }));
  CHECK(done.wait_for(100));
  release.arrive();
}

TEST_CASE("threads are made on demand, up to the limit, and end when idle") {
  Gate running, release;
  CallbackPoolOptions few = options(3);
  few.idle_time = milliseconds(1);
  CallbackPool pool(few);
  CHECK(pool.threads() == 0);
  for (int i = 0; i < 10; ++i) {
    pool.submit([&] {
      running.arrive();
      release.wait_for(1);
    });
  }
  REQUIRE(running.wait_for(3));
  CHECK(pool.threads() == 3);
  CHECK(pool.queued() == 7);
  release.arrive();
  REQUIRE(running.wait_for(10));
  const auto deadline = steady_clock::now() + seconds(20);
  while (pool.threads() > 0 && steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(pool.threads() == 0);
  REQUIRE(pool.submit([&running] { running.arrive(); }));
  CHECK(running.wait_for(11));
}

TEST_CASE("at its bound a pool refuses and destroys the callback") {
  Gate running, release;
  CallbackPool pool(options(1, 2));
  pool.submit([&] {
    running.arrive();
    release.wait_for(1);
  });
  REQUIRE(running.wait_for(1));
  CHECK(pool.submit([] {}));
  CHECK(pool.submit([] {}));
  const auto owner = std::make_shared<int>(0);
  CHECK_FALSE(pool.submit([owner] {}));
  CHECK(owner.use_count() == 1);
  release.arrive();
}

TEST_CASE("a callback that throws is reported and the thread goes on") {
  std::atomic<int> reports{0};
  Gate done;
  CallbackPoolOptions one = options(1);
  one.on_failure = [&reports](std::string_view what) { reports += what == "told" ? 1 : 100; };
  CallbackPool pool(one);
  pool.submit([] { throw std::runtime_error("told"); });
  pool.submit([] { throw 42; });
  pool.submit([&done] { done.arrive(); });
  REQUIRE(done.wait_for(1));
  CHECK(reports == 101);
}

TEST_CASE("stop begins nothing more and waits for what runs") {
  Gate running, release;
  std::atomic<bool> returned{false};
  std::atomic<int> begun{0};
  const auto owner = std::make_shared<int>(0);
  CallbackPool pool(options(1));
  pool.submit([&] {
    running.arrive();
    release.wait_for(1);
    returned = true;
  });
  for (int i = 0; i < 5; ++i) pool.submit([&begun, owner] { ++begun; });
  REQUIRE(running.wait_for(1));
  std::thread other([&] {
    while (pool.queued() != 0) std::this_thread::yield();
    release.arrive();
  });
  CHECK(pool.stop(steady_clock::now() + seconds(20)) == 0);
  other.join();
  CHECK(returned);
  CHECK(begun == 0);
  CHECK(owner.use_count() == 1);
  CHECK_FALSE(pool.submit([] {}));
  CHECK(pool.stop(steady_clock::now()) == 0);
}

TEST_CASE("a callback that hangs past the deadline is abandoned, and touches nothing later") {
  Gate running, release, ended;
  std::atomic<int> reports{0};
  {
    CallbackPoolOptions two = options(2);
    two.on_failure = [&reports](std::string_view) { ++reports; };
    CallbackPool pool(two);
    struct AtEnd {
      Gate* gate;
      explicit AtEnd(Gate* g) : gate(g) {}
      AtEnd(AtEnd&& o) noexcept : gate(std::exchange(o.gate, nullptr)) {}
      ~AtEnd() {
        if (gate != nullptr) gate->arrive();
      }
    };
    pool.submit([&, end = AtEnd(&ended)] {
      running.arrive();
      release.wait_for(1);
      throw std::runtime_error("too late to be told");
    });
    REQUIRE(running.wait_for(1));
    CHECK(pool.stop(steady_clock::now() + milliseconds(1)) == 1);
    CHECK(pool.threads() == 0);
  }
  release.arrive();
  REQUIRE(ended.wait_for(1));
  CHECK(reports == 0);
}

TEST_CASE("a pool may be stopped and destroyed by its own callback") {
  Gate done;
  auto pool = std::make_unique<CallbackPool>(options(2));
  CallbackPool& same = *pool;
  std::size_t abandoned = 99;
  same.submit([&, last = std::move(pool)]() mutable {
    abandoned = last->stop(steady_clock::now() + seconds(20));
    last.reset();
    done.arrive();
  });
  REQUIRE(done.wait_for(1));
  CHECK(abandoned == 0);
}

TEST_CASE("a callback may stop the pool while another one hangs") {
  Gate running, release, stopped, may_end, ended;
  std::size_t abandoned = 99;
  {
    CallbackPool pool(options(2));
    pool.submit([&] {
      running.arrive();
      release.wait_for();
      ended.arrive();
    });
    REQUIRE(running.wait_for());
    pool.submit([&] {
      abandoned = pool.stop(steady_clock::now());
      stopped.arrive();
      may_end.wait_for();
      ended.arrive();
    });
    REQUIRE(stopped.wait_for());
    CHECK(abandoned == 1);
    CHECK(pool.threads() == 0);
  }
  may_end.arrive();
  release.arrive();
  REQUIRE(ended.wait_for(2));
}

TEST_CASE("a pumped pool has no threads and runs inline, in order") {
  CallbackPoolOptions pumped = options(4);
  pumped.pumped = true;
  CallbackPool pool(pumped);
  std::vector<int> ran;
  pool.submit([&] {
    ran.push_back(1);
    pool.submit([&ran] { ran.push_back(3); });
  });
  pool.submit([&ran] { ran.push_back(2); });
  CHECK(ran.empty());
  CHECK(pool.threads() == 0);
  CHECK(pool.pump() == 3);
  CHECK(pool.pump() == 0);
  CHECK(ran == std::vector{1, 2, 3});
}

}  // namespace
}  // namespace controlplane
