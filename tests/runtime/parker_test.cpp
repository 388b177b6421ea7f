#include "runtime/parker.hpp"

#include <atomic>
#include <optional>
#include <thread>

#include "catch.hpp"

namespace controlplane {
namespace {

using std::chrono::steady_clock;

TEST_CASE("an unpark that comes first is not lost") {
  Parker parker;
  parker.unpark();
  parker.wait();
}

TEST_CASE("a wait ends at its deadline") {
  Parker parker;
  CHECK_FALSE(parker.wait_until(steady_clock::now()));
  CHECK_FALSE(parker.wait_until(steady_clock::now() + std::chrono::milliseconds(2)));
}

TEST_CASE("a waiter that gave up may wait again") {
  Parker parker;
  CHECK_FALSE(parker.wait_until(steady_clock::now()));
  parker.unpark();
  CHECK(parker.wait_until(steady_clock::now()));
}

TEST_CASE("an unpark at the deadline is either in time or found by the next wait") {
  for (int i = 0; i < 500; ++i) {
    Parker parker;
    const auto deadline = steady_clock::now() + std::chrono::microseconds(50);
    std::thread other([&parker, deadline] {
      while (steady_clock::now() < deadline) std::this_thread::yield();
      parker.unpark();
    });
    const bool in_time = parker.wait_until(deadline);
    const bool at_last = in_time || parker.wait_until(deadline + std::chrono::seconds(20));
    other.join();
    REQUIRE(at_last);
  }
}

TEST_CASE("an endless wait ends with the unpark") {
  Parker parker;
  std::thread other([&parker] { parker.unpark(); });
  CHECK(parker.wait_until(steady_clock::time_point::max()));
  other.join();
}

TEST_CASE("a wait takes the unparks before it, and the next one waits for others") {
  Parker parker;
  parker.unpark();
  parker.unpark();
  CHECK(parker.wait_until(steady_clock::now()));
  CHECK_FALSE(parker.wait_until(steady_clock::now()));
  std::thread other([&parker] { parker.unpark(); });
  CHECK(parker.wait_until(steady_clock::time_point::max()));
  other.join();
  CHECK_FALSE(parker.wait_until(steady_clock::now()));
}

TEST_CASE("a parker on the waiter's stack may die as soon as the wait returned") {
  std::atomic<Parker*> handed{nullptr};
  constexpr int kRounds = 3'000;
  std::thread other([&handed] {
    for (int i = 0; i < kRounds; ++i) {
      Parker* parker = nullptr;
      while ((parker = handed.exchange(nullptr)) == nullptr) std::this_thread::yield();
      parker->unpark();
    }
  });
  int woken = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::optional<Parker> parker(std::in_place);
    handed = &*parker;
    woken += parker->wait_until(steady_clock::now() + std::chrono::seconds(20)) ? 1 : 0;
  }
  other.join();
  CHECK(woken == kRounds);
}

}  // namespace
}  // namespace controlplane
