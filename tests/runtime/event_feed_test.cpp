#include "runtime/event_feed.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

#include "catch.hpp"
#include "runtime/fake_log_store.hpp"
#include "runtime/manual_clock.hpp"

namespace controlplane {
namespace {

// Everything in one thread, under a clock that stands still.
struct Pumped {
  ManualClock clock;
  std::shared_ptr<FakeLogStore> store = std::make_shared<FakeLogStore>();
  Loop loop{clock};
  CallbackPool pool{pumped_pool()};
  EventFeed feed;
  std::vector<std::uint64_t> seen;
  std::uint64_t missed = 0;
  std::uint64_t resume_after = 0;
  int batches = 0;

  explicit Pumped(EventFeedOptions options = {}) : feed(store, loop, pool, options) {}

  static CallbackPoolOptions pumped_pool() {
    CallbackPoolOptions options;
    options.pumped = true;
    return options;
  }
  void pump() {
    while (loop.pump() + pool.pump() > 0) {
    }
  }
  void append(int count, const std::string& type = "task.submitted") {
    feed.notify(store->append(count, type));
  }
  EventHandler record() {
    return [this](const EventBatch& batch) {
      ++batches;
      missed += batch.missed;
      resume_after = batch.last_seq;
      for (const Event& event : batch.events) seen.push_back(event.seq);
    };
  }
  EventFeed::Id subscribe(SubscribeOptions options = {}) {
    return feed.subscribe(std::move(options), record()).value();
  }
};

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> made;
  for (; first <= last; ++first) made.push_back(first);
  return made;
}

TEST_CASE("a subscriber sees what comes after it subscribed") {
  Pumped world;
  world.append(3);
  world.subscribe();
  world.append(2);
  world.pump();
  CHECK(world.seen == numbers(4, 5));
  CHECK(world.batches == 1);
  CHECK(world.resume_after == 5);
  world.append(1);
  world.pump();
  CHECK(world.seen == numbers(4, 6));
}

TEST_CASE("a relaxed subscriber waits a little, unless somebody else does not") {
  Pumped world;
  world.feed.subscribe({}, world.record(), EventFeed::Urgency::relaxed).value();
  world.pump();
  world.append(1);
  world.pump();
  CHECK(world.seen.empty());
  world.append(1);
  world.clock.advance_by(20'000);
  world.pump();
  CHECK(world.seen == numbers(1, 2));
  CHECK(world.batches == 1);

  world.append(1);
  int prompt = 0;
  const auto id =
      world.feed.subscribe({}, [&](const EventBatch&) { ++prompt; }).value();
  world.append(1);
  world.pump();
  CHECK(prompt == 1);
  CHECK(world.seen == numbers(1, 4));

  world.feed.unsubscribe(id);
  world.append(1);
  world.pump();
  CHECK(world.seen == numbers(1, 4));
  world.clock.advance_by(20'000);
  world.pump();
  CHECK(world.seen == numbers(1, 5));
}

TEST_CASE("an event between subscribe and the first look is not lost") {
  Pumped world;
  world.subscribe();
  world.store->append(1, "task.submitted");  // its notification was sent to nobody
  world.pump();
  CHECK(world.seen == numbers(1, 1));
}

TEST_CASE("a subscriber may begin with all history, or after a number") {
  Pumped world;
  world.append(1'000);
  SubscribeOptions options;
  options.buffer = 1;
  SECTION("all") {
    options.from_start = true;
    world.subscribe(options);
    world.pump();
    CHECK(world.seen == numbers(1, 1'000));
    CHECK(world.batches == 4);
  }
  SECTION("all that the log still has") {
    world.store->trim_to(901);
    options.from_start = true;
    world.subscribe(options);
    world.pump();
    CHECK(world.seen == numbers(901, 1'000));
  }
  SECTION("after a number") {
    options.after = 990;
    world.subscribe(options);
    world.pump();
    CHECK(world.seen == numbers(991, 1'000));
  }
  SECTION("after a number that is gone") {
    world.store->trim_to(991);
    options.after = 500;
    world.subscribe(options);
    world.pump();
    CHECK(world.seen == numbers(991, 1'000));
    CHECK(world.missed == 490);
    return;
  }
  SECTION("after a number that is not there yet counts as now") {
    options.after = 5'000;
    world.subscribe(options);
    world.append(1);
    world.pump();
    CHECK(world.seen == numbers(1'001, 1'001));
  }
  CHECK(world.missed == 0);
}

TEST_CASE("the filter decides, and what does not match costs no delivery") {
  Pumped world;
  SubscribeOptions options;
  options.filter.types = {"agent.offline"};
  world.subscribe(options);
  world.append(10, "task.submitted");
  world.pump();
  CHECK(world.batches == 0);
  world.append(1, "agent.offline");
  world.pump();
  CHECK(world.seen == numbers(11, 11));
}

TEST_CASE("more than the buffer: the oldest are missed, and the next delivery tells how many") {
  Pumped world;
  SubscribeOptions options;
  options.buffer = 100;
  options.filter.types = {"task.failed"};
  world.subscribe(options);
  world.pump();
  for (int i = 0; i < 300; ++i) {
    world.append(1, "task.failed");
    world.append(2, "task.claimed");
  }
  world.pump();
  CHECK(world.missed == 200);
  REQUIRE(world.seen.size() == 100);
  CHECK(world.seen.front() == 601);
}

TEST_CASE("events trimmed before they were read are told even if none is left") {
  Pumped world;
  world.subscribe();
  world.pump();
  world.append(10);
  world.store->trim_to(11);
  world.pump();
  CHECK(world.seen.empty());
  CHECK(world.missed == 10);
  CHECK(world.resume_after == 10);
}

TEST_CASE("a handler that throws is reported, and its subscription goes on") {
  Pumped world;
  int calls = 0;
  const auto id = world.feed.subscribe({}, [&calls](const EventBatch&) {
    if (++calls == 1) throw std::runtime_error("handler");
  });
  REQUIRE(id.ok());
  world.append(1);
  world.pump();
  world.append(1);
  world.pump();
  CHECK(calls == 2);
}

TEST_CASE("a store that is away is asked again, with growing pauses") {
  Pumped world;
  world.subscribe();
  world.pump();
  world.store->fail_next(3, Error::unavailable("away"));
  world.append(1);
  world.pump();
  CHECK(world.seen.empty());
  std::int64_t last_pause = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::int64_t next = world.loop.next_timer();
    REQUIRE(next != kNoDeadline);
    CHECK(next - world.clock.steady_us() > last_pause);
    last_pause = next - world.clock.steady_us();
    world.clock.advance_to(next);
    world.pump();
  }
  CHECK(world.seen == numbers(1, 1));
  CHECK(world.loop.next_timer() == kNoDeadline);
}

TEST_CASE("a store that closed is not asked again") {
  Pumped world;
  world.subscribe();
  world.pump();
  world.store->fail_next(1, Error::cancelled());
  world.append(1);
  world.pump();
  CHECK(world.loop.next_timer() == kNoDeadline);
}

TEST_CASE("notifications are coalesced into one look") {
  Pumped world;
  world.subscribe();
  world.pump();
  const int before = world.store->reads();
  for (int i = 0; i < 200; ++i) world.append(1);
  world.pump();
  CHECK(world.seen.size() == 200);
  CHECK(world.store->reads() == before + 1);
}

TEST_CASE("after unsubscribe nothing is delivered and the handler is gone") {
  Pumped world;
  const auto owner = std::make_shared<int>(0);
  const auto id = world.feed.subscribe({}, [owner, &world](const EventBatch&) { ++world.batches; });
  CHECK(world.store->listeners() == 1);
  world.append(1);
  CHECK(world.feed.unsubscribe(*id));
  CHECK_FALSE(world.feed.unsubscribe(*id));
  CHECK(owner.use_count() == 1);
  world.pump();
  CHECK(world.batches == 0);
  CHECK(world.store->listeners() == 0);
  CHECK(world.feed.subscriptions() == 0);
}

TEST_CASE("a handler may end its own subscription") {
  Pumped world;
  EventFeed::Id id = 0;
  int calls = 0;
  SubscribeOptions all;
  all.from_start = true;
  world.append(1'000);
  id = world.feed.subscribe(all, [&](const EventBatch&) {
    ++calls;
    CHECK(world.feed.unsubscribe(id));
  }).value();
  world.pump();
  CHECK(calls == 1);
}

TEST_CASE("bounds are refused by name") {
  EventFeedOptions small;
  small.max_subscriptions = 1;
  small.max_buffer = 10;
  Pumped world(small);
  SubscribeOptions options;
  options.buffer = 0;
  CHECK(world.feed.subscribe(options, world.record()).error().code == ErrorCode::invalid_argument);
  options.buffer = 11;
  CHECK(world.feed.subscribe(options, world.record()).error().code == ErrorCode::invalid_argument);
  options.buffer = 10;
  CHECK(world.feed.subscribe(options, {}).error().code == ErrorCode::invalid_argument);
  const auto id = world.subscribe(options);
  const auto refused = world.feed.subscribe(options, world.record());
  CHECK(refused.error().code == ErrorCode::resource_exhausted);
  world.feed.unsubscribe(id);
  world.subscribe(options);
  world.feed.close();
  world.feed.close();
  CHECK(world.feed.subscribe(options, world.record()).error().code == ErrorCode::cancelled);
  CHECK(world.store->listeners() == 0);
}

TEST_CASE("a store that cannot answer inline is read through completions") {
  Pumped world;
  world.subscribe();
  world.pump();
  world.store->set_async(true);
  world.append(2);
  world.pump();
  CHECK(world.seen.empty());
  world.append(1);  // while the read is in flight
  world.pump();
  REQUIRE(world.store->answer_one());
  world.pump();
  while (world.store->answer_one()) world.pump();
  CHECK(world.seen == numbers(1, 3));
}

TEST_CASE("a read in flight may be answered after everything else is gone") {
  const auto owner = std::make_shared<int>(0);
  std::shared_ptr<FakeLogStore> store;
  {
    Pumped world;
    store = world.store;
    REQUIRE(world.feed.subscribe({}, [owner](const EventBatch&) {}).ok());
    world.store->set_async(true);
    world.append(1);
    world.pump();
  }
  CHECK(owner.use_count() == 1);
  CHECK(store.use_count() > 1);
  CHECK(store->answer_one());
  CHECK(store.use_count() == 1);
}

TEST_CASE("subscribe does not block the loop, and gives up on a store that does not answer") {
  EventFeedOptions impatient;
  impatient.open_timeout = std::chrono::milliseconds(1);
  Pumped world(impatient);
  world.store->set_async(true);
  ErrorCode on_loop = ErrorCode::internal;
  world.loop.post([&] { on_loop = world.feed.subscribe({}, world.record()).error().code; });
  world.pump();
  CHECK(on_loop == ErrorCode::failed_precondition);
  CHECK(world.feed.subscribe({}, world.record()).error().code == ErrorCode::unavailable);
  CHECK(world.store->listeners() == 0);
  CHECK(world.store->answer_one());  // late: nobody is there any more
}

}  // namespace
}  // namespace controlplane
