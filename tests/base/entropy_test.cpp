#include "base/entropy.hpp"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"

using namespace controlplane;

TEST_CASE("a seed replays the same numbers") {
  SeededEntropy a(7);
  SeededEntropy b(7);
  SeededEntropy other(8);
  const auto first = a.next();
  CHECK(b.next() == first);
  CHECK(a.next() == b.next());
  CHECK(other.next() != first);
}

TEST_CASE("a seeded source is splitmix64") {
  SeededEntropy source(0);
  CHECK(source.next() == 0xe220a8397b1dcdafULL);
}

TEST_CASE("the system's numbers do not repeat over several pools") {
  SystemEntropy source;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 2'000; ++i) seen.insert(source.next());
  CHECK(seen.size() == 2'000);
}

TEST_CASE("threads get different numbers") {
  SystemEntropy source;
  std::vector<std::uint64_t> mine(100);
  std::vector<std::uint64_t> theirs(100);
  std::thread other([&] {
    for (auto& number : theirs) number = source.next();
  });
  for (auto& number : mine) number = source.next();
  other.join();
  std::set<std::uint64_t> seen(mine.begin(), mine.end());
  seen.insert(theirs.begin(), theirs.end());
  CHECK(seen.size() == 200);
}

TEST_CASE("a forked child does not repeat its parent's numbers") {
  SystemEntropy source;
  source.next();  // the pool is filled before the fork
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::uint64_t number = source.next();
    _exit(write(pipe_ends[1], &number, sizeof number) == sizeof number ? 0 : 1);
  }
  std::uint64_t childs = 0;
  REQUIRE(read(pipe_ends[0], &childs, sizeof childs) == sizeof childs);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  CHECK(status == 0);
  CHECK(childs != source.next());
}

TEST_CASE("a child that was forked while other threads drew numbers gets its own") {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      SystemEntropy source;
      while (!stop) source.next();
    });
  }
  int passed = 0;
  constexpr int kForks = 200;
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a lock that was inherited is never free again: killed, not waited for
      SystemEntropy().next();
      _exit(0);
    }
    int status = 1;
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) ++passed;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(passed == kForks);
}
