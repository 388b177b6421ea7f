#include <ctime>
#include <deque>
#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Claimed = std::optional<ClaimedTask>;

// Counts the claims that reach the store.
class CountingStore final : public Store {
 public:
  std::string_view name() const override { return "memory"; }
  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override {
    auto inner = memory_->open_tenant(tenant, options).value();
    return std::shared_ptr<TenantStore>(std::make_shared<Tenant>(*this, std::move(inner)));
  }
  std::atomic<int> claims{0};

 private:
  class Tenant final : public TenantStore {
   public:
    Tenant(CountingStore& store, std::shared_ptr<TenantStore> inner)
        : store_(store), inner_(std::move(inner)) {}
    bool apply(Operation& op) override {
      if (op.kind == OperationKind::claim) ++store_.claims;
      return inner_->apply(op);
    }
    void start(Operation& op, OperationDone& done) override { inner_->start(op, done); }
    void add_listener(StoreListener& listener) override { inner_->add_listener(listener); }
    void remove_listener(StoreListener& listener) override { inner_->remove_listener(listener); }
    void listen_to_events(int change) override { inner_->listen_to_events(change); }
    Timestamp now() const override { return inner_->now(); }
    const NamespaceOptions& options() const override { return inner_->options(); }

   private:
    CountingStore& store_;
    std::shared_ptr<TenantStore> inner_;
  };
  std::shared_ptr<Store> memory_ = make_memory_store(system_clock(), 4);
};

// Keeps what it should tell its one coordinator until the test says so, in whatever order.
class HeldSignals final : public Store {
 public:
  explicit HeldSignals(std::shared_ptr<Store> inner) : inner_(std::move(inner)) {}
  std::string_view name() const override { return "memory"; }
  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override {
    tenant_ = std::make_shared<Tenant>(inner_->open_tenant(tenant, options).value());
    return std::shared_ptr<TenantStore>(tenant_);
  }
  void hold() { tenant_->held = true; }
  void tell_oldest() { tenant_->tell(0); }
  void tell_newest() { tenant_->tell(tenant_->kept.size() - 1); }

 private:
  struct Tenant final : TenantStore, StoreListener {
    explicit Tenant(std::shared_ptr<TenantStore> of) : inner(std::move(of)) {}
    bool apply(Operation& op) override { return inner->apply(op); }
    void start(Operation& op, OperationDone& done) override { inner->start(op, done); }
    void add_listener(StoreListener& to) override {
      listener = &to;
      inner->add_listener(*this);
    }
    void remove_listener(StoreListener&) override { inner->remove_listener(*this); }
    void listen_to_events(int change) override { inner->listen_to_events(change); }
    Timestamp now() const override { return inner->now(); }
    const NamespaceOptions& options() const override { return inner->options(); }

    void on_signals(std::span<const Signal> signals) override {
      if (!held) return listener->on_signals(signals);
      kept.emplace_back(signals.begin(), signals.end());
    }
    void on_events(std::uint64_t last_seq) override { listener->on_events(last_seq); }
    void on_due(Timestamp earliest) override { listener->on_due(earliest); }

    void tell(std::size_t which) {
      const std::vector<Signal> signals = std::move(kept.at(which));
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(which));
      listener->on_signals(signals);
    }

    const std::shared_ptr<TenantStore> inner;
    StoreListener* listener = nullptr;
    bool held = false;
    std::deque<std::vector<Signal>> kept;
  };
  const std::shared_ptr<Store> inner_;
  std::shared_ptr<Tenant> tenant_;
};

bool wait_until_parked(Coordinator& plane, std::uint64_t count) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (plane.get_stats().value().scheduler.waiting_claims != count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("a parked claim gets the task that is submitted later") {
  Result<Claimed> got = Claimed();
  Plane p(GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty));
  std::thread claimer([&] { got = p->claim_task(claim_of("a", {"code"}, 20s)); });
  CHECK(wait_until_parked(p.plane, 1));
  const TaskId id = p->submit_task(spec_of("t", {"code"})).value();
  claimer.join();
  REQUIRE(got.ok());
  REQUIRE(got->has_value());
  CHECK((*got)->id == id);
  CHECK(p->complete_task({attempt_of(**got), "1", {}}).ok());
  CHECK(p->get_stats()->scheduler.waiting_claims == 0);
}

TEST_CASE("a parked claim with a completion gets it on the loop thread") {
  Gate gate;
  std::thread::id on;
  Result<Claimed> got = Claimed();
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  p->claim_task(claim_of("a", {"code"}, 20s), [&](Result<Claimed> answer) {
    got = std::move(answer);
    on = std::this_thread::get_id();
    gate.arrive();
  });
  CHECK(wait_until_parked(p.plane, 1));
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  REQUIRE(gate.wait_for());
  REQUIRE(got.ok());
  CHECK(got->has_value());
  CHECK(on != std::this_thread::get_id());
}

TEST_CASE("a claim that was given up takes no task, and the next one gets it") {
  Plane p(StoreKind::memory);  // elsewhere one may be on its way to the store at that moment
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  ClaimRequest request = claim_of("a", {"code"}, 20s);
  request.given_up = given_up;
  for (int i = 0; i < 50; ++i) {
    p->claim_task(request, [](const Result<Claimed>& answer) { CHECK_FALSE((answer && *answer)); });
  }
  Gate gate;
  p->claim_task(claim_of("b", {"code"}, 20s), [&](const Result<Claimed>& answer) {
    if (answer && *answer) gate.arrive();
  });
  CHECK(wait_until_parked(p.plane, 51));
  *given_up = true;
  const TaskId id = p->submit_task(spec_of("t", {"code"})).value();
  REQUIRE(gate.wait_for());
  const Task task = p->get_task(id).value();
  CHECK(task.agent_id == "b");
  CHECK(task.attempt == 1);
  CHECK(p->get_stats()->scheduler.releases_total == 0);
  CHECK(p->get_stats()->scheduler.claimed_total == 1);
}

TEST_CASE("10,000 parked claims and one task: one wake-up, one claim") {
  auto store = std::make_shared<CountingStore>();
  std::atomic<int> answered{0}, served{0};
  Gate gate;
  Plane p(store);
  for (int i = 0; i < 10'000; ++i) {
    p->claim_task(claim_of("agent-" + std::to_string(i), {"code"}, 1h), [&](Result<Claimed> got) {
      ++answered;
      if (got && *got) ++served;
      gate.arrive();
    });
  }
  REQUIRE(wait_until_parked(p.plane, 10'000));
  store->claims = 0;
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  REQUIRE(gate.wait_for());
  CHECK(store->claims == 1);
  CHECK(answered == 1);
  CHECK(served == 1);
  CHECK(p->get_stats()->scheduler.waiting_claims == 9'999);

  std::vector<TaskSpec> batch(5, spec_of("t", {"code"}));
  CHECK(p->submit_tasks(batch).ok());
  REQUIRE(gate.wait_for(6));
  CHECK(served == 6);
  CHECK(store->claims <= 6);
}

TEST_CASE("idle with 10,000 parked claims uses no CPU") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < 10'000; ++i) {
    p->claim_task(claim_of("agent-" + std::to_string(i), {"cap-" + std::to_string(i)}, 1h),
                  [](Result<Claimed>) {});
  }
  REQUIRE(wait_until_parked(p.plane, 10'000));
  const std::clock_t before = std::clock();
  CHECK(code_of(p->claim_task(claim_of("b", {"none"}, 300ms)).ok()
                    ? Result<void>(Error::deadline_exceeded("nothing came"))
                    : Result<void>()) == ErrorCode::deadline_exceeded);
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  CHECK(used < 0.05);
}

TEST_CASE("a claim that waits in vain answers with no task at its deadline") {
  PumpedPlane p;
  Heard<Claimed> heard;
  p->claim_task(claim_of("a", {"code"}, 500ms), heard.done());
  p.pass(499ms);
  CHECK(heard.times == 0);
  p.pass(1ms);
  REQUIRE(heard.times == 1);
  REQUIRE(heard.answer->ok());
  CHECK_FALSE((*heard.answer)->has_value());
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  p.pump();
  CHECK(heard.times == 1);
}

TEST_CASE("the store's timers serve parked claims too") {
  PumpedPlane p;
  Heard<Claimed> heard;
  TaskSpec spec = spec_of("t", {"code"});
  spec.delay = 2s;
  CHECK(p->submit_task(spec).ok());
  p->claim_task(claim_of("a", {"code"}, 10s), heard.done());
  p.pass(1999ms);
  CHECK(heard.times == 0);
  p.pass(1ms);
  REQUIRE(heard.times == 1);
  CHECK((*heard.answer)->has_value());
}

TEST_CASE("a crash hands the task to the next parked claim") {
  PumpedPlane p;
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  ClaimRequest renewing = claim_of("dead", {"code"});
  renewing.lease_ttl = 5s;
  CHECK(p->claim_task(renewing)->has_value());
  Heard<Claimed> heard;
  p->claim_task(claim_of("alive", {"code"}, 60s), heard.done());
  p.pass(5001ms);
  REQUIRE(heard.times == 1);
  REQUIRE((*heard.answer)->has_value());
  CHECK((**heard.answer)->attempt == 2);
}

TEST_CASE("an agent without a free slot rests until one is free") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"})).ok());
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  const ClaimedTask first = p->claim_task(claim_of("a")).value().value();
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  Heard<Claimed> heard;
  p->claim_task(claim_of("a", {}, 60s), heard.done());
  p.pump();
  CHECK(heard.times == 0);
  CHECK(p->complete_task({attempt_of(first), {}, {}}).ok());
  p.pump();
  REQUIRE(heard.times == 1);
  CHECK((*heard.answer)->has_value());
}

TEST_CASE("a refused waiter leaves the task to the next one") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"})).ok());
  Heard<Claimed> of_a, of_b;
  p->claim_task(claim_of("a", {}, 60s), of_a.done());
  p->claim_task(claim_of("b", {"code"}, 60s), of_b.done());
  TaskSpec directed = spec_of("t");
  directed.agent_id = "a";
  CHECK(p->submit_task(directed).ok());
  p.pump();
  REQUIRE(of_a.times == 1);
  Heard<Claimed> again;
  p->claim_task(claim_of("a", {}, 60s), again.done());  // its slot is taken
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  p.pump();
  CHECK(again.times == 0);
  REQUIRE(of_b.times == 1);
  CHECK((*of_b.answer)->has_value());
}

TEST_CASE("several parked claims of one agent go on one after the other as its slots free") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"}, 2)).ok());
  std::vector<ClaimedTask> held;
  for (int i = 0; i < 2; ++i) {
    CHECK(p->submit_task(spec_of("t", {"code"})).ok());
    held.push_back(p->claim_task(claim_of("a")).value().value());
  }
  Heard<Claimed> first, second;
  p->claim_task(claim_of("a", {}, 60s), first.done());
  p->claim_task(claim_of("a", {}, 60s), second.done());
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  p.pump();
  CHECK(first.times + second.times == 0);
  for (const ClaimedTask& task : held) CHECK(p->complete_task({attempt_of(task), {}, {}}).ok());
  p.pump();
  CHECK(first.times == 1);
  CHECK(second.times == 1);
}

TEST_CASE("the end of an agent ends its parked claims at once") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"})).ok());
  Heard<Claimed> heard;
  p->claim_task(claim_of("a", {}, 60s), heard.done());
  SECTION("draining") {
    HeartbeatReport report;
    report.status = AgentStatus::draining;
    CHECK(p->heartbeat("a", report).ok());
  }
  SECTION("unregistered") { CHECK(p->unregister_agent("a").ok()); }
  SECTION("registered again by another incarnation") {
    AgentSpec other = agent_of("a", {"code"});
    other.incarnation = 12345;
    CHECK(p->register_agent(other).ok());
  }
  p.pump();
  REQUIRE(heard.times == 1);
  CHECK(code_of(*heard.answer) == ErrorCode::failed_precondition);
}

TEST_CASE("a parked claim keeps its agent online") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"})).ok());
  Heard<Claimed> heard;
  p->claim_task(claim_of("a", {}, 300s), heard.done());
  p.pass(200s);
  CHECK(p->get_agent("a")->status == AgentStatus::ready);
  p.pass(100s);
  CHECK(heard.times == 1);
  p.pass(31s);
  CHECK(p->get_agent("a")->status == AgentStatus::offline);
}

TEST_CASE("parked claims that use the registered capabilities follow a new registration") {
  PumpedPlane p;
  CHECK(p->register_agent(agent_of("a", {"code"})).ok());
  Heard<Claimed> heard;
  p->claim_task(claim_of("a", {}, 60s), heard.done());
  CHECK(p->submit_task(spec_of("t", {"gpu"})).ok());
  p.pump();
  CHECK(heard.times == 0);
  CHECK(p->register_agent(agent_of("a", {"gpu"})).ok());
  p.pump();
  REQUIRE(heard.times == 1);
  CHECK((*heard.answer)->has_value());
}

TEST_CASE(
    "a waiter that was picked for one queue and took from another does not strand the first") {
  PumpedPlane p;
  Heard<Claimed> both, only_a, only_b;
  p->claim_task(claim_of("both", {"a", "b"}, 60s), both.done());
  p->claim_task(claim_of("only-b", {"b"}, 60s), only_b.done());
  p->claim_task(claim_of("only-a", {"a"}, 60s), only_a.done());
  TaskSpec low = spec_of("t", {"a"}), high = spec_of("t", {"b"});
  low.priority = TaskPriority::low;
  high.priority = TaskPriority::critical;
  // One operation makes both ready: whoever is picked for the first takes the second.
  CHECK(p->submit_tasks({low, high}).ok());
  p.pump();
  CHECK(both.times == 1);
  CHECK(only_a.times + only_b.times == 1);
  CHECK(p->get_stats()->scheduler.pending_tasks == 0);
}

TEST_CASE("a waiter that took a task of which nobody was told yet does not strand its own") {
  auto store = std::make_shared<HeldSignals>(make_memory_store(system_clock(), 4));
  PumpedPlane p({}, store);
  Heard<Claimed> both, only_a, only_b;
  p->claim_task(claim_of("both", {"a", "b"}, 60s), both.done());
  p->claim_task(claim_of("only-b", {"b"}, 60s), only_b.done());
  p->claim_task(claim_of("only-a", {"a"}, 60s), only_a.done());
  store->hold();
  TaskSpec low = spec_of("t", {"a"}), high = spec_of("t", {"b"});
  low.priority = TaskPriority::low;
  high.priority = TaskPriority::critical;
  const TaskId first = p->submit_task(low).value();
  const TaskId second = p->submit_task(high).value();
  store->tell_oldest();
  store->tell_oldest();
  p.pump();
  REQUIRE(both.times == 1);
  CHECK((**both.answer)->id == second);
  REQUIRE(only_a.times == 1);
  CHECK((**only_a.answer)->id == first);
  CHECK(only_b.times == 0);
}

TEST_CASE("parked claims follow a registration by another coordinator") {
  const std::shared_ptr<Store> store = make_memory_store(system_clock(), 4);
  PumpedPlane here({}, store), there({}, store);
  Heard<Claimed> of_a, of_b;
  here->claim_task(claim_of("a", {}, 60s), of_a.done());  // not registered: it offers nothing
  here->claim_task(claim_of("b", {}, 60s), of_b.done());
  const TaskId first = there->submit_task(spec_of("t", {"code"})).value();
  here.pump();
  CHECK(of_a.times == 0);
  SECTION("for the first time") { CHECK(there->register_agent(agent_of("a", {"code"})).ok()); }
  SECTION("with other capabilities") {
    AgentSpec agent = agent_of("a", {"gpu"});
    agent.incarnation = 12345;
    CHECK(there->register_agent(agent).ok());
    here.pump();
    CHECK(of_a.times == 0);
    agent.capabilities = {"code", "gpu"};
    CHECK(there->register_agent(agent).ok());
  }
  here.pump();
  REQUIRE(of_a.times == 1);
  REQUIRE(of_a.answer->ok());
  CHECK((**of_a.answer)->id == first);
  const TaskId second = there->submit_task(spec_of("t")).value();
  here.pump();
  REQUIRE(of_b.times == 1);
  CHECK((**of_b.answer)->id == second);
}

TEST_CASE("a waiter that offers less than is known of it leaves the task to the next") {
  const std::shared_ptr<Store> memory = make_memory_store(system_clock(), 4);
  auto store = std::make_shared<HeldSignals>(memory);
  PumpedPlane here({}, store), there({}, memory);
  AgentSpec agent = agent_of("a", {"code"});
  agent.incarnation = 12345;
  CHECK(there->register_agent(agent).ok());
  Heard<Claimed> of_a, of_b;
  here->claim_task(claim_of("a", {}, 60s), of_a.done());
  here->claim_task(claim_of("b", {"code"}, 60s), of_b.done());
  store->hold();
  agent.capabilities = {"gpu"};
  CHECK(there->register_agent(agent).ok());
  CHECK(there->submit_task(spec_of("t", {"code"})).ok());
  store->tell_newest();
  here.pump();
  CHECK(of_a.times == 0);
  CHECK(of_b.times == 1);
  CHECK(there->submit_task(spec_of("t", {"gpu"})).ok());
  store->tell_newest();
  here.pump();
  CHECK(of_a.times == 1);
}

TEST_CASE("a batch claim takes what is there and does not wait for more") {
  PumpedPlane p;
  Heard<std::vector<ClaimedTask>> heard;
  ClaimRequest request = claim_of("a", {"code"}, 60s);
  request.max_tasks = 3;
  p->claim_tasks(request, heard.done());
  CHECK(heard.times == 0);
  CHECK(p->submit_tasks({spec_of("t", {"code"}), spec_of("t", {"code"})}).ok());
  p.pump();
  REQUIRE(heard.times == 1);
  CHECK((*heard.answer)->size() == 2);
}

TEST_CASE("the coordinator's strategy orders its parked claims") {
  Config config;
  config.strategy = SelectionStrategy::capability_match;
  PumpedPlane p(config);
  Heard<Claimed> wide, narrow;
  p->claim_task(claim_of("wide", {"code", "x"}, 60s), wide.done());
  p->claim_task(claim_of("narrow", {"code"}, 60s), narrow.done());
  SECTION("as configured") {
    CHECK(p->submit_task(spec_of("t", {"code"})).ok());
    p.pump();
    CHECK(narrow.times == 1);
  }
  SECTION("as set later") {
    p->set_strategy(SelectionStrategy::round_robin);
    CHECK(p->submit_task(spec_of("t", {"code"})).ok());
    p.pump();
    CHECK(wide.times == 1);
  }
}

TEST_CASE("least_loaded prefers the agent with more free slots") {
  Config config;
  config.strategy = SelectionStrategy::least_loaded;
  PumpedPlane p(config);
  p->register_agent(agent_of("loaded", {"code"}, 2)).value();
  p->register_agent(agent_of("idle", {"code"}, 2)).value();
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  CHECK(p->claim_task(claim_of("loaded"))->has_value());
  Heard<Claimed> loaded, idle;
  p->claim_task(claim_of("loaded", {}, 60s), loaded.done());
  p->claim_task(claim_of("idle", {}, 60s), idle.done());
  CHECK(p->submit_task(spec_of("t", {"code"})).ok());
  p.pump();
  CHECK(loaded.times == 0);
  CHECK(idle.times == 1);
}

TEST_CASE("a parked claim that repeats another one leaves the task to the next") {
  std::vector<std::string> got;
  PumpedPlane p;
  const auto park = [&](std::string agent, std::string claim_id) {
    ClaimRequest request = claim_of(agent, {"code"}, 1h);
    request.claim_id = std::move(claim_id);
    p->claim_task(request, [&got, agent](Result<Claimed> task) {
      got.push_back(agent + " " + (task && *task ? (*task)->id.str() : "nothing"));
    });
  };
  park("a", "same");
  park("a", "same");
  park("b", "");
  const auto submit = [&](std::string_view id) {
    TaskSpec spec = spec_of("t", {"code"});
    spec.task_id = id;
    p->submit_task(spec).value();
    p.pump();
  };
  submit("first");
  submit("second");
  CHECK(got == std::vector<std::string>{"a first", "a first", "b second"});
}

TEST_CASE("max_waiting_claims refuses the next one") {
  Config config;
  config.limits.max_waiting_claims = 2;
  PumpedPlane p(config);
  Heard<Claimed> a, b, c;
  p->claim_task(claim_of("a", {}, 60s), a.done());
  p->claim_task(claim_of("b", {}, 60s), b.done());
  p->claim_task(claim_of("c", {}, 60s), c.done());
  p.pump();
  CHECK(a.times + b.times == 0);
  REQUIRE(c.times == 1);
  CHECK(code_of(*c.answer) == ErrorCode::resource_exhausted);
  CHECK_THAT(c.answer->error().message, Catch::Matchers::ContainsSubstring("max_waiting_claims"));
}

TEST_CASE("closing ends parked claims with cancelled") {
  Gate gate;
  Result<Claimed> by_done = Claimed(), by_thread = Claimed();
  auto p = std::make_unique<Plane>(GENERATE(StoreKind::memory, StoreKind::late));
  (*p)->claim_task(claim_of("a", {}, 1h), [&](Result<Claimed> got) {
    by_done = std::move(got);
    gate.arrive();
  });
  std::thread blocked([&] { by_thread = (*p)->claim_task(claim_of("b", {}, 1h)); });
  CHECK(wait_until_parked(p->plane, 2));
  CHECK((*p)->shutdown().ok());
  REQUIRE(gate.wait_for());
  blocked.join();
  CHECK(code_of(by_done) == ErrorCode::cancelled);
  CHECK(code_of(by_thread) == ErrorCode::cancelled);
}

TEST_CASE("many claimers and submitters lose nothing") {
  const StoreKind kind = GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty);
  std::atomic<int> completed{0};
  Plane p(kind);
  const int tasks = kind == StoreKind::memory ? 2'000 : 200;
  std::vector<std::thread> threads;
  for (int w = 0; w < 4; ++w) {
    threads.emplace_back([&, w] {
      using Names = std::vector<std::string>;
      const Names caps = w % 2 == 0 ? Names{"even", "any"} : Names{"odd", "any"};
      while (completed < tasks) {
        auto got = p->claim_task(claim_of("w" + std::to_string(w), caps, 50ms));
        if (!got || !*got) continue;
        if (p->complete_task({attempt_of(**got), {}, {}})) ++completed;
      }
    });
  }
  for (int s = 0; s < 2; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < tasks / 2; ++i) {
        const std::string cap = i % 3 == 0 ? "any" : s == 0 ? "even" : "odd";
        while (!p->submit_task(spec_of("t", {cap}))) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(completed == tasks);
  CHECK(p->get_stats()->scheduler.pending_tasks == 0);
}

}  // namespace
}  // namespace controlplane
