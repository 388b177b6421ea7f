#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<LateStore> late_store(LateFaults faults = {}) {
  return std::make_shared<LateStore>(make_memory_store(system_clock(), 4), faults);
}

// Says at once that it is away; counts how often it was asked.
class AwayStore final : public Store {
 public:
  std::string_view name() const override { return "away"; }
  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view,
                                                   const NamespaceOptions&) override {
    return std::shared_ptr<TenantStore>(std::make_shared<Tenant>(*this));
  }
  int asked = 0;
  bool unknown = false;

 private:
  struct Tenant final : TenantStore {
    explicit Tenant(AwayStore& away) : store(away) {}
    bool apply(Operation&) override { return false; }
    void start(Operation& op, OperationDone& done) override {
      if (op.kind == OperationKind::submit) ++store.asked;
      op.failed = Error::unavailable("it is away", store.unknown);
      done.done(op);
    }
    void add_listener(StoreListener&) override {}
    void remove_listener(StoreListener&) override {}
    void listen_to_events(int) override {}
    Timestamp now() const override { return 1; }
    const NamespaceOptions& options() const override { return given; }
    AwayStore& store;
    const NamespaceOptions given;
  };
};

TEST_CASE("a store that is away is asked again with growing pauses, until operation_timeout") {
  Config config;
  config.operation_timeout = 2s;
  auto store = std::make_shared<AwayStore>();
  store->unknown = GENERATE(false, true);
  PumpedPlane p(config, store);
  Heard<TaskId> heard;
  p->submit_task(spec_of("t"), heard.done());
  CHECK(store->asked == 1);
  for (int i = 0; i < 2'000 && heard.times == 0; ++i) p.pass(1ms);
  REQUIRE(heard.times == 1);
  CHECK(code_of(*heard.answer) == ErrorCode::unavailable);
  CHECK(heard.answer->error().outcome_unknown == store->unknown);
  CHECK_THAT(heard.answer->error().message, Catch::Matchers::ContainsSubstring("it is away"));
  CHECK(store->asked >= 6);
  CHECK(store->asked <= 14);
}

TEST_CASE("a store that is away is asked again until it answers") {
  auto store = late_store({100, 0, 0});
  Gate gate;
  Result<TaskId> id = TaskId();
  Plane p(store);
  p->submit_task(spec_of("t"), [&](Result<TaskId> answer) {
    id = std::move(answer);
    gate.arrive();
  });
  store->set_faults({});
  REQUIRE(gate.wait_for());
  REQUIRE(id.ok());
  CHECK(p->get_task(*id).ok());
}

TEST_CASE("a store that stays away is unavailable, and says whether it may have been applied") {
  Config config;
  config.operation_timeout = 60ms;
  auto store = late_store();
  Plane p(store, config);
  SECTION("perhaps applied") {
    store->set_faults({0, 0, 100});
    const auto id = p->submit_task(spec_of("t"));
    CHECK(code_of(id) == ErrorCode::unavailable);
    CHECK(id.error().outcome_unknown);
    store->set_faults({});
    CHECK(p->get_stats()->scheduler.submitted_total == 1);  // repeated by its id
  }
  SECTION("no answer at all") {
    store->hold(true);
    const auto id = p->submit_task(spec_of("t"));
    CHECK(code_of(id) == ErrorCode::unavailable);
    CHECK(id.error().outcome_unknown);
    store->hold(false);
  }
}

TEST_CASE("a store that goes away and comes back is logged once each") {
  std::vector<std::string> messages;
  Gate gate;
  Config config;
  config.log_sink = [&](const LogRecord& record) {
    if (record.message.find("store") == std::string::npos) return;
    messages.push_back(record.message);
    gate.arrive();
  };
  auto store = late_store();
  Gate done;
  Plane p(store, config);
  store->set_faults({100, 0, 0});
  for (int i = 0; i < 3; ++i) {
    p->submit_task(spec_of("t"), [&](const Result<TaskId>&) { done.arrive(); });
  }
  REQUIRE(gate.wait_for(1));
  store->set_faults({});
  REQUIRE(done.wait_for(3));
  REQUIRE(gate.wait_for(2));
  CHECK(messages == std::vector<std::string>{"the store is away", "the store answers again"});
}

TEST_CASE("what was applied unseen is not applied twice when it is repeated") {
  auto store = late_store();
  Plane p(store);
  p->register_agent(agent_of("a", {}, 10)).value();
  store->set_faults({10, 20, 30});
  for (int i = 0; i < 20; ++i) REQUIRE(p->submit_task(spec_of("t")).ok());
  for (int i = 0; i < 20; ++i) {
    auto task = p->claim_task(claim_of("a"));
    REQUIRE(task.ok());
    REQUIRE(task->has_value());
    const AttemptRef attempt = attempt_of(**task);
    REQUIRE(p->start_task(attempt).ok());
    if (i % 2 == 0) {
      REQUIRE(p->complete_task({attempt, "1", {}}).ok());
    } else {
      REQUIRE(p->fail_task({attempt, "no", FailKind::fatal, 0ms, {}}).ok());
    }
  }
  CHECK(p->unregister_agent("a").ok());
  store->set_faults({});
  const SchedulerStats stats = p->get_stats()->scheduler;
  CHECK(stats.submitted_total == 20);
  CHECK(stats.claimed_total == 20);
  CHECK(stats.completed_total == 10);
  CHECK(stats.failed_total == 10);
}

TEST_CASE("tasks of a claim that its caller gave up on are given back") {
  Config config;
  config.operation_timeout = 60ms;
  auto store = late_store();
  Plane p(store, config);
  const TaskId id = p->submit_task(spec_of("t")).value();
  store->hold(true);
  CHECK(code_of(p->claim_task(claim_of("a"))) == ErrorCode::unavailable);
  store->hold(false);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  Task task = p->get_task(id).value();
  while (task.attempt == 0 || task.state != TaskState::pending) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    task = p->get_task(id).value();
  }
  CHECK(task.attempt == 1);
}

TEST_CASE("what the store has not answered at close is unknown, and late answers harm nobody") {
  auto store = late_store();
  Gate gate;
  Result<TaskId> id = TaskId();
  Result<TaskId> blocked = TaskId();
  auto p = std::make_unique<Plane>(store);
  store->hold(true);
  int times = 0;
  (*p)->submit_task(spec_of("t"), [&](Result<TaskId> answer) {
    id = std::move(answer);
    ++times;
    gate.arrive();
  });
  std::thread caller([&] { blocked = (*p)->submit_task(spec_of("u")); });
  REQUIRE(store->wait_for_waiting(2));
  CHECK((*p)->shutdown().ok());
  REQUIRE(gate.wait_for());
  caller.join();
  for (const auto& answer : {id, blocked}) {
    CHECK(code_of(answer) == ErrorCode::unavailable);
    CHECK(answer.error().outcome_unknown);
  }
  p.reset();
  store->hold(false);
  store.reset();  // answers the rest
  CHECK(times == 1);
}

TEST_CASE("a completion may destroy the coordinator and throw") {
  const bool nested = GENERATE(false, true);
  std::string logged;
  Config config;
  config.log_sink = [&](const LogRecord& record) { logged = record.message; };
  auto p = std::make_unique<Plane>(StoreKind::memory, config);
  (*p)->submit_task(spec_of("t"), [&](const Result<TaskId>& id) {
    if (!nested) p.reset();
    if (nested) {
      (*p)->cancel_task(*id, false, [&](const Result<TaskState>&) {
        p.reset();
        throw std::runtime_error("after it is gone");
      });
    }
    throw std::runtime_error("after it is gone");
  });
  CHECK(p == nullptr);
}

TEST_CASE("a registration that the store applies after its coordinator closed names that one") {
  const std::shared_ptr<Store> memory = make_memory_store(system_clock(), 4);
  auto late = std::make_shared<LateStore>(memory);
  Config config;
  config.coordinator_id = "the-one-that-closes-early";
  auto closing = std::make_unique<PumpedPlane>(config, late);
  late->hold(true);
  (*closing)->register_agent(agent_of("a"), {});
  REQUIRE(late->wait_for_waiting(1));
  closing.reset();
  config.coordinator_id = "one-that-opens-thereafter";
  PumpedPlane other(config, memory);  // perhaps where the first one was
  late.reset();                       // answers the rest
  CHECK(other->get_agent("a")->registered_by == "the-one-that-closes-early");
}

TEST_CASE("a closed coordinator answers cancelled in both forms") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  TaskScheduler scheduler = p.plane;
  CHECK(p->shutdown().ok());
  CHECK(p->shutdown().ok());
  CHECK(code_of(p->submit_task(spec_of("t"))) == ErrorCode::cancelled);
  CHECK(code_of(scheduler.claim_task(claim_of("a"))) == ErrorCode::cancelled);
  CHECK(code_of(p->register_agent(agent_of("a"))) == ErrorCode::cancelled);
  CHECK(code_of(p->get_stats()) == ErrorCode::cancelled);
  CHECK(code_of(p->check_health()) == ErrorCode::cancelled);
  CHECK(code_of(p->subscribe({}, [](const EventBatch&) {})) == ErrorCode::cancelled);
  Heard<TaskId> heard;
  p->submit_task(spec_of("t"), heard.done());
  REQUIRE(heard.times == 1);
  CHECK(code_of(*heard.answer) == ErrorCode::cancelled);
}

TEST_CASE("a blocking call on the loop thread is refused, a completion form is not") {
  Gate gate;
  Result<TaskId> blocking = TaskId(), completing = TaskId();
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  p.core().loop().post([&] {
    blocking = p->submit_task(spec_of("t"));
    p->submit_task(spec_of("t"), [&](Result<TaskId> answer) {
      completing = std::move(answer);
      gate.arrive();
    });
  });
  REQUIRE(gate.wait_for());
  CHECK(code_of(blocking) == ErrorCode::failed_precondition);
  CHECK(completing.ok());
}

TEST_CASE("inline completions nest at most 8 deep and go on through the loop") {
  int depth = 0, deepest = 0, calls = 0;
  PumpedPlane p;
  std::function<void()> next = [&] {
    p->submit_task(spec_of("t"), [&](Result<TaskId> id) {
      REQUIRE(id.ok());
      deepest = std::max(deepest, ++depth);
      if (++calls < 100) next();
      --depth;
    });
  };
  next();
  CHECK(deepest == 8);
  CHECK(calls < 100);
  p.pump();
  CHECK(calls == 100);
  CHECK(deepest == 8);
}

TEST_CASE("a completion that throws harms nobody and is logged") {
  std::vector<std::string> messages;
  Config config;
  config.log_sink = [&](const LogRecord& record) { messages.push_back(record.message); };
  PumpedPlane p(config);
  p->submit_task(spec_of("t"), [](const Result<TaskId>&) { throw std::runtime_error("mine"); });
  p.pump();
  CHECK(p->submit_task(spec_of("t")).ok());
  CHECK(std::count(messages.begin(), messages.end(), "a callback threw") == 1);
}

TEST_CASE("an empty completion is allowed: nobody wants to hear") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  p->submit_task(spec_of("t"), Done<TaskId>());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (p->get_stats()->scheduler.submitted_total == 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

TEST_CASE("what would wait in a pumped coordinator is refused") {
  PumpedPlane p;
  const TaskId id = p->submit_task(spec_of("t")).value();
  CHECK(code_of(p->wait_for_result(id, 1s)) == ErrorCode::failed_precondition);
  CHECK(p->claim_task(claim_of("a", {}, 1s)).ok());
  CHECK(code_of(p->claim_task(claim_of("a", {}, 1s))) == ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace controlplane
