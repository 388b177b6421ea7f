#include "runtime/strand.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST_CASE("a strand runs one callback at a time, in order") {
  Gate done;
  CallbackPool pool;
  const auto strand = pool.make_strand();
  std::vector<int> ran;  // unguarded on purpose: the strand is the guard
  for (int i = 0; i < 500; ++i) {
    REQUIRE(strand->submit([&ran, i] { ran.push_back(i); }));
    REQUIRE(pool.submit([] {}));
  }
  strand->submit([&done] { done.arrive(); });
  REQUIRE(done.wait_for(1));
  REQUIRE(ran.size() == 500);
  CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE("a strand that hangs holds up only itself") {
  Gate hanging, release, done;
  std::atomic<bool> overtook{false};
  CallbackPool pool;
  const auto stuck = pool.make_strand();
  const auto other = pool.make_strand();
  stuck->submit([&] {
    hanging.arrive();
    release.wait_for(1);
  });
  REQUIRE(hanging.wait_for(1));
  stuck->submit([&overtook] { overtook = true; });
  other->submit([&done] { done.arrive(); });
  CHECK(done.wait_for(1));
  CHECK_FALSE(overtook);
  release.arrive();
}

TEST_CASE("strands take turns") {
  CallbackPoolOptions pumped;
  pumped.pumped = true;
  CallbackPool pool(pumped);
  const auto a = pool.make_strand();
  const auto b = pool.make_strand();
  std::vector<char> ran;
  for (int i = 0; i < 2; ++i) a->submit([&ran] { ran.push_back('a'); });
  for (int i = 0; i < 2; ++i) b->submit([&ran] { ran.push_back('b'); });
  CHECK(pool.pump() == 4);
  CHECK(ran == std::vector{'a', 'b', 'a', 'b'});
}

TEST_CASE("close destroys what waits and waits for what runs") {
  Gate running, release;
  std::atomic<bool> returned{false};
  CallbackPool pool;
  const auto strand = pool.make_strand();
  const auto owner = std::make_shared<int>(0);
  strand->submit([&] {
    running.arrive();
    release.wait_for(1);
    returned = true;
  });
  strand->submit([owner] { std::abort(); });
  REQUIRE(running.wait_for(1));
  strand->close();
  CHECK(owner.use_count() == 1);
  CHECK_FALSE(strand->submit([owner] {}));
  CHECK_FALSE(returned);
  std::thread other([&release] { release.arrive(); });
  CHECK(strand->close_and_wait());
  CHECK(returned);
  other.join();
}

TEST_CASE("a strand that closes itself does not wait for itself") {
  Gate done;
  std::atomic<bool> waited{true};
  CallbackPool pool;
  const auto strand = pool.make_strand();
  strand->submit([&] {
    waited = strand->close_and_wait();
    done.arrive();
  });
  CHECK(done.wait_for(1));
  CHECK_FALSE(waited);
}

TEST_CASE("two strands that close each other do not wait for ever") {
  for (int round = 0; round < 50; ++round) {
    CallbackPool pool;
    const auto a = pool.make_strand();
    const auto b = pool.make_strand();
    Gate both, done;
    const auto close = [&](Strand& other) {
      both.arrive();
      both.wait_for(2);
      static_cast<void>(other.close_and_wait());
      done.arrive();
    };
    a->submit([&] { close(*b); });
    b->submit([&] { close(*a); });
    REQUIRE(done.wait_for(2));
  }
}

TEST_CASE("closing does not wait for a callback that the pool abandoned") {
  Gate running, release, ended;
  CallbackPool pool;
  const auto strand = pool.make_strand();
  strand->submit([&] {
    running.arrive();
    release.wait_for(1);
    ended.arrive();
  });
  REQUIRE(running.wait_for(1));
  CHECK(pool.stop(steady_clock::now()) == 1);
  CHECK_FALSE(strand->close_and_wait());
  release.arrive();
  REQUIRE(ended.wait_for(1));
}

TEST_CASE("a strand outlives its pool and refuses") {
  auto pool = std::make_unique<CallbackPool>();
  const auto strand = pool->make_strand();
  pool.reset();
  CHECK_FALSE(strand->submit([] {}));
  CHECK(strand->close_and_wait());
}

TEST_CASE("many strands, submitters and closers at once lose and double nothing") {
  std::atomic<int> ran{0}, accepted{0};
  CallbackPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto strand = pool.make_strand();
        int inside = 0;
        Gate drained;
        for (int i = 0; i < 20; ++i) {
          accepted += strand->submit([&] {
            if (++inside != 1) ran += 1'000'000;
            ++ran;
            --inside;
          });
        }
        strand->submit([&drained] { drained.arrive(); });
        drained.wait_for(1);
        strand->submit([&inside] { ++inside; });
        strand->close_and_wait();  // `inside` dies after it
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(accepted == 4 * 50 * 20);
  CHECK(ran == accepted);
  CHECK(pool.stop(steady_clock::now() + seconds(20)) == 0);
}

}  // namespace
}  // namespace controlplane
