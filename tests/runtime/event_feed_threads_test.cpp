#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "runtime/event_feed.hpp"
#include "runtime/fake_log_store.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

struct Threaded {
  std::shared_ptr<FakeLogStore> store = std::make_shared<FakeLogStore>();
  Loop loop;
  CallbackPool pool;
  EventFeed feed{store, loop, pool};
  Threaded() { REQUIRE(loop.start().ok()); }
};

TEST_CASE("appenders, subscribers and leavers at once: every event arrives once and in order") {
  constexpr int kAppenders = 3;
  constexpr int kEach = 400;
  Gate complete;
  Threaded world;
  SubscribeOptions options;
  options.buffer = kAppenders * kEach;
  struct Reader {
    std::uint64_t last = 0;
    bool in_order = true;
  };
  std::vector<Reader> readers(4);
  for (Reader& reader : readers) {
    const auto id = world.feed.subscribe(options, [&reader, &complete](const EventBatch& batch) {
      for (const Event& event : batch.events) {
        reader.in_order = reader.in_order && event.seq == reader.last + 1 && batch.missed == 0;
        reader.last = event.seq;
      }
      if (reader.last == kAppenders * kEach) complete.arrive();
    });
    REQUIRE(id.ok());
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < kAppenders; ++t) {
    threads.emplace_back([&world] {
      for (int i = 0; i < kEach; ++i) world.feed.notify(world.store->append("task.submitted"));
    });
  }
  threads.emplace_back([&world, &options] {
    for (int i = 0; i < 100; ++i) {
      auto count = std::make_unique<int>(0);  // dies right after unsubscribe
      const auto id = world.feed.subscribe(options, [c = count.get()](const EventBatch&) { ++*c; });
      if (id.ok()) world.feed.unsubscribe(*id);
    }
  });
  for (auto& thread : threads) thread.join();
  CHECK(complete.wait_for(static_cast<int>(readers.size())));
  world.feed.close();
  for (const Reader& reader : readers) {
    CHECK(reader.in_order);
    CHECK(reader.last == kAppenders * kEach);
  }
}

TEST_CASE("an event appended while a subscription comes to rest wakes it again") {
  std::atomic<std::uint64_t> last{0};
  Gate arrived;
  Threaded world;
  REQUIRE(world.feed.subscribe({}, [&](const EventBatch& batch) {
    last = batch.last_seq;
    for (std::size_t i = 0; i < batch.events.size(); ++i) arrived.arrive();
  }).ok());
  for (int i = 1; i <= 2'000; ++i) {
    world.feed.notify(world.store->append("task.submitted"));
    REQUIRE(arrived.wait_for(i));
  }
  CHECK(last == 2'000);
}

TEST_CASE("a handler that hangs delays no other subscriber") {
  Gate hanging, release, seen;
  Threaded world;
  REQUIRE(world.feed.subscribe({}, [&](const EventBatch&) {
    hanging.arrive();
    release.wait_for(1);
  }).ok());
  REQUIRE(world.feed.subscribe({}, [&](const EventBatch&) { seen.arrive(); }).ok());
  world.feed.notify(world.store->append("task.submitted"));
  REQUIRE(hanging.wait_for(1));
  world.feed.notify(world.store->append("task.submitted"));
  CHECK(seen.wait_for(1));
  release.arrive();
}

TEST_CASE("unsubscribe waits for the call in progress") {
  Gate running, release;
  std::atomic<bool> returned{false};
  Threaded world;
  const auto id = world.feed.subscribe({}, [&](const EventBatch&) {
    running.arrive();
    release.wait_for(1);
    returned = true;
  });
  REQUIRE(id.ok());
  world.feed.notify(world.store->append("task.submitted"));
  REQUIRE(running.wait_for(1));
  std::thread other([&release] { release.arrive(); });
  CHECK(world.feed.unsubscribe(*id));
  CHECK(returned);
  other.join();
}

}  // namespace
}  // namespace controlplane
