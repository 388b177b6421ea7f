#include <atomic>
#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

WorkerOptions worker_of(std::string id, std::uint32_t concurrency = 1) {
  WorkerOptions options;
  options.agent_id = std::move(id);
  options.capabilities = {"code"};
  options.concurrency = concurrency;
  return options;
}

constexpr auto kForEver = std::chrono::milliseconds::max();

template <class Condition>
void wait_until(Condition&& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!holds()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
}

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

TaskSpec at_once(std::string type) {
  TaskSpec spec = spec_of(std::move(type), {"code"});
  spec.retry.delay = spec.retry.max_delay = 0ms;
  return spec;
}

TEST_CASE("a worker runs handlers by task type and reports their results") {
  Plane p(any_store());
  Worker worker(p.plane, worker_of("w", 2));
  worker.on("add", [](TaskContext& task) -> Result<Json> {
    CHECK(task.progress(0.5, "half").ok());
    return Json(std::string(task.payload()) + "0");
  });
  worker.on("*", [](TaskContext& task) -> Result<Json> {
    return Json('"' + std::string(task.type()) + '"');
  });
  REQUIRE(worker.start().ok());
  CHECK(worker.running());
  CHECK(code_of(worker.start()) == ErrorCode::failed_precondition);
  TaskSpec add = at_once("add");
  add.payload = "4";
  const TaskId first = p->submit_task(add).value();
  const TaskId second = p->submit_task(at_once("other")).value();
  CHECK(p->wait_for_result(first, 20s)->result == "40");
  CHECK(p->wait_for_result(second, 20s)->result == "\"other\"");
  CHECK(worker.stop(20s).ok());
  CHECK(worker.stop(20s).ok());
  CHECK_FALSE(worker.running());
  CHECK(worker.status().ok());
  CHECK(code_of(p->get_agent("w")) == ErrorCode::not_found);
}

TEST_CASE("a task is running while its handler does") {
  std::optional<TaskState> during;
  Plane p(any_store());
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    during = p->get_status(task.id()).value();
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const Task done = p->wait_for_result(p->submit_task(at_once("t")).value(), 20s).value();
  CHECK(during == TaskState::running);
  CHECK(done.started_at > 0);
}

TEST_CASE("a handler given to a running worker serves what it claims from then on") {
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [](TaskContext&) -> Result<Json> { return Json("1"); });
  REQUIRE(worker.start().ok());
  CHECK(p->wait_for_result(p->submit_task(at_once("t")).value(), 20s)->result == "1");
  worker.on("t", [](TaskContext&) -> Result<Json> { return Json("2"); });
  CHECK(p->wait_for_result(p->submit_task(at_once("t")).value(), 20s)->result == "2");
}

TEST_CASE("a handler's errors and exceptions map to fail kinds") {
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w"));
  worker.on("fatal", [](TaskContext&) -> Result<Json> { return Error::invalid_argument("bad"); });
  worker.on("throws", [](TaskContext& task) -> Result<Json> {
    if (task.attempt() == 1) throw std::runtime_error("oh \xff no");
    return Json("1");
  });
  worker.on("not-json", [](TaskContext&) -> Result<Json> { return Json("{"); });
  REQUIRE(worker.start().ok());
  const Task fatal = p->wait_for_result(p->submit_task(at_once("fatal")).value(), 20s).value();
  CHECK(fatal.state == TaskState::failed);
  CHECK(fatal.reason == TaskReason::fatal);
  CHECK(fatal.error == "bad");
  const Task thrown = p->wait_for_result(p->submit_task(at_once("throws")).value(), 20s).value();
  CHECK(thrown.state == TaskState::completed);
  CHECK(thrown.failures == 1);
  const Task unknown = p->wait_for_result(p->submit_task(at_once("what")).value(), 20s).value();
  CHECK(unknown.reason == TaskReason::fatal);
  CHECK_THAT(unknown.error, Catch::Matchers::ContainsSubstring("no handler for task_type what"));
  const Task garbage = p->wait_for_result(p->submit_task(at_once("not-json")).value(), 20s).value();
  CHECK(garbage.reason == TaskReason::fatal);
  CHECK_THAT(garbage.error, Catch::Matchers::ContainsSubstring("result"));
}

TEST_CASE("no more handlers run at once than concurrency") {
  Gate entered, leave;
  std::atomic<int> inside{0}, most{0};
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w", 3));
  worker.on("t", [&](TaskContext&) -> Result<Json> {
    const int now = ++inside;
    if (now > most) most = now;
    entered.arrive();
    leave.wait_for();
    --inside;
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  std::vector<TaskId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(p->submit_task(at_once("t")).value());
  REQUIRE(entered.wait_for(3));
  CHECK(p->get_stats()->scheduler.pending_tasks == 3);
  leave.arrive();
  for (const TaskId& id : ids) CHECK(p->wait_for_result(id, 20s)->state == TaskState::completed);
  CHECK(most == 3);
}

TEST_CASE("a busy handler does not delay the renewal of its lease") {
  Gate entered, leave;
  Plane p(any_store());
  WorkerOptions options = worker_of("w");
  options.lease_ttl = 60ms;
  Worker worker(p.plane, options);
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    leave.wait_for();
    return task.cancelled() ? Json("\"cancelled\"") : Json("1");
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  // Held far longer than the ttl: a task of another kind with a delay of 5 × ttl tells the time.
  TaskSpec later = spec_of("later", {"other"});
  later.delay = 300ms;
  p->submit_task(later).value();
  CHECK(p->claim_task(claim_of("b", {"other"}, 20s))->has_value());
  leave.arrive();
  const Task done = p->wait_for_result(id, 20s).value();
  CHECK(done.state == TaskState::completed);
  CHECK(done.result == "1");
  CHECK(done.crashes == 0);
}

TEST_CASE("a cancel request reaches the handler through the renewals") {
  Gate entered;
  Plane p(any_store());
  WorkerOptions options = worker_of("w");
  options.lease_ttl = 100ms;
  Worker worker(p.plane, options);
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    if (!task.wait_cancelled(kForEver)) return Json("\"not cancelled\"");
    return Error::cancelled();
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  CHECK(p->cancel_task(id).ok());
  CHECK(p->wait_for_result(id, 20s)->state == TaskState::cancelled);
}

TEST_CASE("a host hears of a cancel request by a callback, once, or at once if it was before") {
  Gate entered;
  Plane p(any_store());
  WorkerOptions options = worker_of("w");
  options.lease_ttl = 100ms;
  Worker worker(p.plane, options);
  std::atomic<int> calls{0};
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    task.on_cancelled([&] { calls += 100; });  // replaced
    task.on_cancelled([&] { ++calls; });
    entered.arrive();
    task.wait_cancelled(kForEver);
    wait_until([&] { return calls == 1; });
    task.on_cancelled([&] { calls += 10; });
    return Error::cancelled();
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  CHECK(p->cancel_task(id).ok());
  CHECK(p->wait_for_result(id, 20s)->state == TaskState::cancelled);
  CHECK(calls == 11);
}

TEST_CASE("a handler that gives up its lease by itself releases the task") {
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    if (task.attempt() == 1) return Error::cancelled("not now");
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const Task done = p->wait_for_result(p->submit_task(at_once("t")).value(), 20s).value();
  CHECK(done.attempt == 2);
  CHECK(done.failures == 0);
}

TEST_CASE("a lost lease turns cancelled() true, and its end is not reported") {
  Gate entered;
  std::atomic<bool> lost{false};
  Plane p(StoreKind::memory);
  WorkerOptions options = worker_of("w");
  options.lease_ttl = 60ms;
  Worker worker(p.plane, options);
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    if (task.attempt() > 1) return Json("2");
    lost = task.wait_cancelled(20s);
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  CHECK(p->reassign_agent_tasks("w").value() == 1);
  CHECK(p->wait_for_result(id, 20s)->result == "2");
  CHECK(lost);
}

TEST_CASE("an abandoned attempt is neither renewed nor ended: another attempt repairs it") {
  Plane p(StoreKind::memory);
  WorkerOptions options = worker_of("w");
  options.lease_ttl = 60ms;
  Worker worker(p.plane, options);
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    if (task.attempt() == 1) task.abandon();
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const Task done = p->wait_for_result(p->submit_task(at_once("t")).value(), 20s).value();
  CHECK(done.state == TaskState::completed);
  CHECK(done.crashes == 1);
  CHECK(done.attempt == 2);
}

TEST_CASE("a worker that was registered again elsewhere stops and does not fight") {
  Plane p(StoreKind::memory);
  WorkerOptions options = worker_of("w");
  options.heartbeat_interval = 20ms;
  Worker worker(p.plane, options);
  worker.on("t", [](TaskContext&) -> Result<Json> { return Json("1"); });
  REQUIRE(worker.start().ok());
  AgentSpec other = agent_of("w", {"code"});
  other.incarnation = 4711;
  p->register_agent(other).value();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (worker.running()) REQUIRE(std::chrono::steady_clock::now() < deadline);
  CHECK(code_of(worker.status()) == ErrorCode::failed_precondition);
  CHECK(worker.stop(20s).ok());
  CHECK(p->get_agent("w")->incarnation == 4711);
}

TEST_CASE("claims that are refused are logged once, and go on when they are not") {
  std::atomic<int> complaints{0};
  Config config;
  config.log_sink = [&](const LogRecord& record) {
    complaints += record.message == "worker: its claims are refused";
  };
  Plane p(StoreKind::memory, config);
  WorkerOptions options = worker_of("w");
  options.heartbeat_interval = 1ms;  // refused claims are tried again after each
  Worker worker(p.plane, options);
  worker.on("t", [](TaskContext&) -> Result<Json> { return Json("1"); });
  REQUIRE(worker.start().ok());
  HeartbeatReport report;
  report.status = AgentStatus::draining;
  CHECK(p->heartbeat("w", report).ok());
  wait_until([&] { return complaints > 0; });
  const TaskId id = p->submit_task(at_once("t")).value();
  CHECK(code_of(p->wait_for_result(id, 50ms)) == ErrorCode::deadline_exceeded);
  report.status = AgentStatus::ready;
  CHECK(p->heartbeat("w", report).ok());
  CHECK(p->wait_for_result(id, 20s)->state == TaskState::completed);
  CHECK(complaints == 1);
}

TEST_CASE("stop with a deadline releases what is left, and waits for the handler to return") {
  Gate entered;
  Plane p(StoreKind::memory);
  auto worker = std::make_unique<Worker>(p.plane, worker_of("w"));
  worker->on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    task.wait_cancelled(20s);
    return Json("1");
  });
  REQUIRE(worker->start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  CHECK(worker->stop(1ms).ok());
  CHECK(p->get_status(id).value() == TaskState::pending);
  CHECK(p->get_task(id)->crashes == 0);
}

TEST_CASE("stop releases all it holds in one call") {
  Gate entered;
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w", 3));
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    task.wait_cancelled(20s);
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  std::vector<TaskId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(p->submit_task(at_once("t")).value());
  REQUIRE(entered.wait_for(3));
  CHECK(worker.stop(0ms).ok());
  for (const TaskId& id : ids) CHECK(p->get_status(id).value() == TaskState::pending);
}

TEST_CASE("a handler cannot stop its own worker, but may destroy it") {
  Gate destroyed;
  std::optional<ErrorCode> stopped;
  Plane p(StoreKind::memory);
  auto worker = std::make_unique<Worker>(p.plane, worker_of("w", 2));
  worker->on("t", [&](TaskContext&) -> Result<Json> {
    stopped = worker->stop(20s).error().code;
    worker.reset();
    destroyed.arrive();
    return Json("1");
  });
  REQUIRE(worker->start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(destroyed.wait_for());
  CHECK(stopped == ErrorCode::failed_precondition);
  CHECK(p->wait_for_result(id, 20s)->state == TaskState::completed);
  wait_until([&] { return !p->get_agent("w").ok(); });
}

TEST_CASE("a drained worker finishes what it holds") {
  Gate entered, leave;
  Plane p(any_store());
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [&](TaskContext&) -> Result<Json> {
    entered.arrive();
    leave.wait_for();
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const TaskId held = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  const TaskId later = p->submit_task(at_once("t")).value();
  std::thread stopper([&] { CHECK(worker.stop(kForEver).ok()); });
  wait_until([&] { return p->get_agent("w")->status == AgentStatus::draining; });
  leave.arrive();
  stopper.join();
  CHECK(p->get_status(held).value() == TaskState::completed);
  CHECK(p->get_status(later).value() != TaskState::claimed);
}

TEST_CASE("shutdown waits for the attempts of its workers, and says what was left") {
  Gate entered, leave;
  auto p = std::make_unique<Plane>(StoreKind::memory);
  Worker worker(p->plane, worker_of("w"));
  worker.on("t", [&](TaskContext& task) -> Result<Json> {
    entered.arrive();
    task.wait_cancelled(20s);
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  (*p)->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  const auto closed = (*p)->shutdown(20ms);
  CHECK(code_of(closed) == ErrorCode::deadline_exceeded);
  CHECK_THAT(closed.error().message, Catch::Matchers::ContainsSubstring("1 attempts"));
  CHECK_FALSE(worker.running());
  CHECK(code_of(worker.status()) == ErrorCode::cancelled);
}

TEST_CASE("a shutdown unregisters workers that hold nothing, and is no failure of theirs") {
  const auto store = open_store(GENERATE(StoreKind::memory, StoreKind::late));
  Plane other(store), p(store);
  Worker worker(p.plane, worker_of("w", 4));
  REQUIRE(worker.start().ok());
  CHECK(p->shutdown(20s).ok());
  CHECK(code_of(other->get_agent("w")) == ErrorCode::not_found);
  CHECK_FALSE(worker.running());
  CHECK(worker.status().ok());
  CHECK(worker.stop().ok());
}

TEST_CASE("a worker drains while its coordinator does, and leaves with its last attempt") {
  Gate entered, leave;
  const auto store = open_store(GENERATE(StoreKind::memory, StoreKind::late));
  Plane other(store), p(store);
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [&](TaskContext&) -> Result<Json> {
    entered.arrive();
    leave.wait_for();
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  std::thread closer([&] { CHECK(p->shutdown(kForEver).ok()); });
  wait_until([&] { return other->get_agent("w")->status == AgentStatus::draining; });
  leave.arrive();
  closer.join();
  CHECK(other->get_status(id).value() == TaskState::completed);
  CHECK(code_of(other->get_agent("w")) == ErrorCode::not_found);
  CHECK(worker.status().ok());
}

TEST_CASE("shutdown with time lets handlers finish") {
  Gate entered, leave;
  std::atomic<bool> finished{false};
  Plane p(StoreKind::memory);
  Worker worker(p.plane, worker_of("w"));
  worker.on("t", [&](TaskContext&) -> Result<Json> {
    entered.arrive();
    leave.wait_for();
    finished = true;
    return Json("1");
  });
  REQUIRE(worker.start().ok());
  p->submit_task(at_once("t")).value();
  REQUIRE(entered.wait_for());
  std::thread leaver([&] {
    wait_until([&] { return !p->submit_task(at_once("t")).ok(); });  // it is draining
    leave.arrive();
  });
  CHECK(p->shutdown(kForEver).ok());
  leaver.join();
  CHECK(finished);
}

TEST_CASE("a stop that meets a start on its way comes after it") {
  auto store = std::make_shared<LateStore>(make_memory_store(system_clock(), 16));
  Plane p(store);
  Worker worker(p.plane, worker_of("w", 2));
  Gate stopping;
  store->hold(true);
  std::thread starter([&] { (void)worker.start(); });
  REQUIRE(store->wait_for_waiting(1));
  std::thread stopper([&] {
    stopping.arrive();
    CHECK(worker.stop(0ms).ok());
  });
  REQUIRE(stopping.wait_for());
  store->hold(false);
  starter.join();
  stopper.join();
  CHECK_FALSE(worker.running());
  CHECK(code_of(p->get_agent("w")) == ErrorCode::not_found);
}

TEST_CASE("a start whose outcome is unknown leaves no agent behind once it is stopped") {
  LateFaults unknown;
  unknown.unknown_applied = 100;
  auto memory = make_memory_store(system_clock(), 16);
  auto store = std::make_shared<LateStore>(std::move(memory), unknown);
  Config config;
  config.operation_timeout = 500ms;
  Plane p(store, config);
  Worker worker(p.plane, worker_of("w"));
  CHECK(code_of(worker.start()) == ErrorCode::unavailable);
  store->set_faults({});
  config.operation_timeout = 20s;
  Plane other(store, config);
  CHECK(other->get_agent("w").ok());
  CHECK(worker.stop().ok());
  wait_until([&] { return !other->get_agent("w").ok(); });
}

TEST_CASE("a worker is checked before it starts and may be stopped before") {
  Config config;
  config.limits.max_worker_concurrency = 2;
  Plane p(StoreKind::memory, config);
  Worker greedy(p.plane, worker_of("w", 3));
  CHECK(code_of(greedy.start()) == ErrorCode::invalid_argument);
  Worker lazy(p.plane, worker_of("w", 0));
  CHECK(code_of(lazy.start()) == ErrorCode::invalid_argument);
  Worker nameless(p.plane, worker_of(""));
  CHECK(code_of(nameless.start()) == ErrorCode::invalid_argument);
  Worker unborn(p.plane, worker_of("w"));
  CHECK(unborn.stop(1s).ok());
  CHECK(code_of(unborn.start()) == ErrorCode::failed_precondition);
  for (auto wrong : {kForEver, 30'000ms, -1ms}) {  // heartbeat_timeout is 30 s
    WorkerOptions options = worker_of("w");
    options.heartbeat_interval = wrong;
    CHECK(code_of(Worker(p.plane, options).start()) == ErrorCode::invalid_argument);
  }
  WorkerOptions holder = worker_of("w");
  holder.lease_ttl = std::chrono::hours(24 * 400);
  CHECK(code_of(Worker(p.plane, holder).start()) == ErrorCode::invalid_argument);
  PumpedPlane pumped;
  Worker threaded(pumped.plane, worker_of("w"));
  CHECK(code_of(threaded.start()) == ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace controlplane
