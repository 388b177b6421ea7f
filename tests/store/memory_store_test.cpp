#include "store/memory/memory_store.hpp"

#include <atomic>
#include <thread>

#include "base/sim_clock.hpp"
#include "catch.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

struct Recorder final : StoreListener {
  void on_signals(std::span<const Signal> given) override { signals += given.size(); }
  void on_events(std::uint64_t seq) override { last_event = seq; }
  void on_due(Timestamp when) override {
    due = when;
    ++due_calls;
  }
  std::atomic<std::size_t> signals = 0;
  std::atomic<std::uint64_t> last_event = 0;
  std::atomic<Timestamp> due = 0;
  std::atomic<int> due_calls = 0;
};

struct Answered final : OperationDone {
  void done(Operation&) override { ++times; }
  int times = 0;
};

struct Fixture {
  SimClock clock;
  std::unique_ptr<Store> store = make_memory_store(clock, 2);
  std::shared_ptr<TenantStore> tenant = store->open_tenant("a", {}).value();

  void submit(const char* id, std::int64_t delay_s = 0) {
    TaskSpec spec;
    spec.task_type = "work";
    spec.delay = std::chrono::seconds(delay_s);
    TaskDraft draft;
    draft.spec = &spec;
    draft.id = TaskId(id);
    draft.own_id = draft.has_fingerprint = true;
    SubmitTasks op;
    op.tasks = std::span(&draft, 1);
    CHECK(tenant->apply(op));
    CHECK_FALSE(draft.error);
  }
};

}  // namespace

TEST_CASE("a tenant that is opened again is the same one, and there are at most max_tenants") {
  Fixture f;
  CHECK(f.store->name() == "memory");
  CHECK(f.store->open_tenant("a", {}).value() == f.tenant);
  CHECK(f.store->open_tenant("b", {}).value() != f.tenant);
  const auto refused = f.store->open_tenant("c", {});
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().to_string(), ContainsSubstring("the limit max_tenants is 2"));
  CHECK(f.store->open_tenant("b", {}).ok());
}

TEST_CASE("start answers once, before it returns") {
  Fixture f;
  ReadStats op;
  Answered answered;
  f.tenant->start(op, answered);
  CHECK(answered.times == 1);
  CHECK(op.now == f.tenant->now());
}

TEST_CASE("a listener hears when something is due earlier than it knows, and after each advance") {
  Fixture f;
  Recorder listener;
  f.tenant->add_listener(listener);
  CHECK(listener.due_calls == 0);
  f.submit("later", 20);
  CHECK(listener.due == f.tenant->now() + 20'000'000);
  f.submit("last", 30);
  CHECK(listener.due_calls == 1);
  f.submit("soon", 10);
  CHECK(listener.due == f.tenant->now() + 10'000'000);
  f.clock.advance(10'000'000);
  Advance advance;
  f.tenant->apply(advance);
  CHECK(listener.due == f.tenant->now() + 10'000'000);
  f.tenant->remove_listener(listener);
}

TEST_CASE("a listener that comes late is told what is due") {
  Fixture f;
  f.submit("later", 20);
  Recorder listener;
  f.tenant->add_listener(listener);
  CHECK(listener.due == f.tenant->now() + 20'000'000);
  f.tenant->remove_listener(listener);
}

TEST_CASE("events are told only while somebody listens to them") {
  Fixture f;
  Recorder listener;
  f.tenant->add_listener(listener);
  f.submit("a");
  CHECK(listener.last_event == 0);
  f.tenant->listen_to_events(1);
  f.submit("b");
  CHECK(listener.last_event == 2);
  f.tenant->listen_to_events(-1);
  f.submit("c");
  CHECK(listener.last_event == 2);
  f.tenant->remove_listener(listener);
}

TEST_CASE("a removed listener is not called again") {
  Fixture f;
  Recorder listener;
  f.tenant->add_listener(listener);
  f.tenant->remove_listener(listener);
  f.tenant->remove_listener(listener);
  f.submit("later", 20);
  CHECK(listener.due_calls == 0);
}

TEST_CASE("signals reach every listener") {
  Fixture f;
  Recorder one, two;
  f.tenant->add_listener(one);
  f.tenant->add_listener(two);
  Watch watch;
  watch.claims = 1;
  f.tenant->apply(watch);
  f.submit("a");
  CHECK(one.signals == 1);
  CHECK(two.signals == 1);
  f.tenant->remove_listener(one);
  f.tenant->remove_listener(two);
}

TEST_CASE("operations of many threads are applied one after the other") {
  Fixture f;
  Recorder listener;
  f.tenant->add_listener(listener);
  f.tenant->listen_to_events(1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&f, t] {
      for (int i = 0; i < 200; ++i) {
        TaskSpec spec;
        spec.task_type = "work";
        TaskDraft draft;
        draft.spec = &spec;
        draft.id = TaskId(std::to_string(t) + "-" + std::to_string(i));
        draft.own_id = draft.has_fingerprint = true;
        SubmitTasks op;
        op.tasks = std::span(&draft, 1);
        f.tenant->apply(op);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ReadStats op;
  f.tenant->apply(op);
  CHECK(op.stats.scheduler.submitted_total == 800);
  CHECK(op.stats.events.last_seq == 800);
  f.tenant->remove_listener(listener);
}

}  // namespace controlplane
