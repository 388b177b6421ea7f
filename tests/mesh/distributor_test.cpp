#include <atomic>
#include <set>
#include <thread>

#include "controlplane/distributor.hpp"
#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

Config quick() {
  Config config;
  config.heartbeat_interval = 100ms;
  config.heartbeat_timeout = 1s;
  config.lease_ttl = 1s;
  return config;
}

DistributorOptions named(std::string id, std::string candidate = "first") {
  DistributorOptions options;
  options.agent_id = std::move(id);
  options.capabilities = {"code"};
  options.candidate = std::move(candidate);
  options.leader_ttl = 1s;
  options.drain_timeout = 0ms;
  return options;
}

WorkerOptions worker_of(std::string id, std::string distributor, std::uint32_t slots = 1) {
  WorkerOptions options;
  options.agent_id = std::move(id);
  options.capabilities = {"code"};
  options.concurrency = slots;
  options.labels = {{"distributor", std::move(distributor)}};
  return options;
}

// Answers its own name, so that a test sees who did it.
TaskHandler signs() {
  return [](TaskContext& context) -> Result<Json> { return context.payload(); };
}

Worker started(Coordinator& plane, WorkerOptions options, TaskHandler handler = signs()) {
  Worker worker(plane, std::move(options));
  worker.on("*", std::move(handler));
  REQUIRE(worker.start().ok());
  return worker;
}

template <class Condition>
void until(Condition&& holds) {
  while (!holds()) std::this_thread::yield();
}

void until_usable(const Distributor& distributor, std::size_t count) {
  until([&] {
    std::size_t usable = 0;
    for (const PoolWorker& worker : distributor.workers()) usable += worker.usable;
    return usable == count;
  });
}

TaskSpec for_distributor(std::string id, int number) {
  TaskSpec spec = spec_of("review", {"code"});
  spec.agent_id = std::move(id);
  spec.payload = Json(std::to_string(number));
  return spec;
}

Task ended(Coordinator& plane, const TaskId& id) { return plane.wait_for_result(id, 60s).value(); }

}  // namespace

TEST_CASE("what a distributor takes its workers do, and its submitter gets the result") {
  Plane p(any_store());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  Worker one = started(p.plane, worker_of("w1", "d1", 2));
  Worker two = started(p.plane, worker_of("w2", "d1", 2));
  until_usable(distributor, 2);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(p->submit_task(for_distributor("d1", i)).value());
  for (int i = 0; i < 20; ++i) {
    const Task task = ended(p.plane, tasks[static_cast<std::size_t>(i)]);
    CHECK(task.state == TaskState::completed);
    CHECK(task.result == Json(std::to_string(i)));
    CHECK(task.agent_id == "d1");
  }
  std::set<std::string> holders;
  for (const Task& task : p->list_tasks().value().items) holders.insert(task.agent_id);
  CHECK(holders == std::set<std::string>{"d1", "w1", "w2"});
  until([&] {
    for (const PoolWorker& worker : distributor.workers()) {
      if (!worker.pending_tasks.empty()) return false;
    }
    return true;
  });
}

TEST_CASE("an end that is no success comes back as what it was") {
  Plane p(StoreKind::memory);
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  int attempts = 0;
  Worker worker = started(p.plane, worker_of("w1", "d1"), [&](TaskContext& context) -> Result<Json> {
    if (context.payload() == Json("1")) return Error::invalid_argument("no such file");
    if (++attempts < 3) return Error::unavailable("busy");
    return Json("\"at last\"");
  });
  const TaskId fatal = p->submit_task(for_distributor("d1", 1)).value();
  CHECK(ended(p.plane, fatal).state == TaskState::failed);
  CHECK(ended(p.plane, fatal).reason == TaskReason::fatal);
  CHECK(ended(p.plane, fatal).error == "no such file");
  TaskSpec retried = for_distributor("d1", 2);
  retried.retry.delay = 0ms;
  const Task task = ended(p.plane, p->submit_task(retried).value());
  CHECK(task.result == Json("\"at last\""));
  CHECK(task.failures == 2);
}

TEST_CASE("the cancel of a task reaches the worker that has its copy") {
  Plane p(StoreKind::memory, quick());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  std::atomic<bool> began{false}, told{false};
  Worker worker = started(p.plane, worker_of("w1", "d1"), [&](TaskContext& context) -> Result<Json> {
    began = true;
    told = context.wait_cancelled(60s);
    return Error::cancelled("as asked");
  });
  const TaskId task = p->submit_task(for_distributor("d1", 1)).value();
  until([&] { return began.load(); });
  CHECK(p->cancel_task(task).ok());
  CHECK(ended(p.plane, task).state == TaskState::cancelled);
  until([&] { return told.load(); });
}

TEST_CASE("the tasks of a worker that died go to the others") {
  Plane p(StoreKind::memory, quick());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  std::atomic<int> held{0};
  auto doomed = p->open_beside(quick()).value();
  Worker dies = started(doomed, worker_of("dies", "d1", 2), [&](TaskContext& context) -> Result<Json> {
    ++held;
    context.wait_cancelled(60s);
    return Error::cancelled("cut off");
  });
  until_usable(distributor, 1);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(p->submit_task(for_distributor("d1", i)).value());
  until([&] { return held == 2; });
  Worker lives = started(p.plane, worker_of("lives", "d1", 2));
  (void)doomed.shutdown(0ms);  // nothing is released, nobody is told
  for (const TaskId& task : tasks) CHECK(ended(p.plane, task).state == TaskState::completed);
}

TEST_CASE("a distributor that died is replaced, and nothing is forwarded twice") {
  Plane p(StoreKind::memory, quick());
  auto doomed = p->open_beside(quick()).value();
  auto first = std::make_unique<Distributor>(Distributor::start(doomed, named("d1", "first")).value());
  until([&] { return first->leads(); });
  Distributor second = Distributor::start(p.plane, named("d1", "second")).value();
  std::atomic<bool> go{false};
  std::atomic<int> runs{0};
  Worker worker = started(p.plane, worker_of("w1", "d1", 4), [&](TaskContext&) -> Result<Json> {
    ++runs;
    while (!go) std::this_thread::yield();
    return Json("\"done\"");
  });
  until_usable(*first, 1);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(p->submit_task(for_distributor("d1", i)).value());
  until([&] { return runs == 4; });
  (void)doomed.shutdown(0ms);
  first.reset();
  until([&] { return second.leads(); });
  go = true;
  for (const TaskId& task : tasks) CHECK(ended(p.plane, task).result == Json("\"done\""));
  CHECK(runs == 8);
}

TEST_CASE("a distributor that stops hands over to the one that stands by") {
  Plane p(any_store(), quick());
  Distributor first = Distributor::start(p.plane, named("d1", "first")).value();
  until([&] { return first.leads(); });
  Distributor second = Distributor::start(p.plane, named("d1", "second")).value();
  Worker worker = started(p.plane, worker_of("w1", "d1"));
  CHECK(ended(p.plane, p->submit_task(for_distributor("d1", 1)).value()).state == TaskState::completed);
  CHECK_FALSE(second.leads());
  CHECK(first.stop(10s).ok());
  CHECK(first.stop().ok());
  CHECK_FALSE(first.leads());
  CHECK(ended(p.plane, p->submit_task(for_distributor("d1", 2)).value()).state == TaskState::completed);
  CHECK(second.leads());
}

TEST_CASE("a distributor that was unregistered registers again, one that was superseded stops") {
  Plane p(StoreKind::memory, quick());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  Worker worker = started(p.plane, worker_of("w1", "d1"));
  until_usable(distributor, 1);
  until([&] { return p->get_agent("d1").ok(); });
  CHECK(p->unregister_agent("d1").ok());
  CHECK(ended(p.plane, p->submit_task(for_distributor("d1", 1)).value()).state == TaskState::completed);
  auto other = p->open_beside(quick()).value();
  CHECK(other.register_agent(agent_of("d1")).ok());
  until([&] { return !distributor.leads(); });
}

TEST_CASE("who led and lost the lead may lead again") {
  Plane p(StoreKind::memory, quick());
  auto beside = p->open_beside(quick()).value();
  Distributor first = Distributor::start(p.plane, named("d1", "first")).value();
  until([&] { return first.leads(); });
  Distributor second = Distributor::start(beside, named("d1", "second")).value();
  Worker worker = started(p.plane, worker_of("w1", "d1"));
  const auto take_the_lead_away = [&] {
    const Page<Permit> held = Resources(p.plane).list_permits("distributor/d1").value();
    REQUIRE(held.items.size() == 1);
    CHECK(Resources(p.plane).release({held.items[0].fence, held.items[0].owner}).ok());
  };
  take_the_lead_away();
  until([&] { return second.leads() && !first.leads(); });
  CHECK(ended(p.plane, p->submit_task(for_distributor("d1", 1)).value()).state == TaskState::completed);
  take_the_lead_away();
  until([&] { return first.leads() && !second.leads(); });
  CHECK(ended(p.plane, p->submit_task(for_distributor("d1", 2)).value()).state == TaskState::completed);
}

TEST_CASE("a worker that goes to another pool keeps what it holds and gets nothing more") {
  Plane p(StoreKind::memory, quick());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  std::atomic<bool> go{false};
  std::atomic<int> began{0};
  Worker worker = started(p.plane, worker_of("w1", "d1"), [&](TaskContext&) -> Result<Json> {
    ++began;
    while (!go) std::this_thread::yield();
    return Json("1");
  });
  until_usable(distributor, 1);
  const TaskId task = p->submit_task(for_distributor("d1", 1)).value();
  until([&] { return began == 1; });
  AgentSpec moved = agent_of("w1", {"code"});
  moved.labels = {{"distributor", "d2"}};
  CHECK(p->register_agent(moved).ok());
  until([&] { return distributor.workers().empty(); });
  go = true;
  CHECK(ended(p.plane, task).state == TaskState::completed);
  CHECK(began == 1);
}

TEST_CASE("tasks are given to a worker by name, or to the least loaded one") {
  Plane p(StoreKind::memory);
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  std::atomic<bool> go{false};
  const auto waits = [&](TaskContext& context) -> Result<Json> {
    while (!go) std::this_thread::yield();
    return context.payload();
  };
  CHECK_THAT(distributor.assign_task_to_worker(spec_of("review"), "w1").error().message,
             ContainsSubstring("w1") || ContainsSubstring("lead"));
  Worker one = started(p.plane, worker_of("w1", "d1"), waits);
  Worker two = started(p.plane, worker_of("w2", "d1"), waits);
  Worker other = started(p.plane, worker_of("w3", "d2"), waits);
  until_usable(distributor, 2);
  std::vector<TaskSpec> specs(3, spec_of("review", {"code"}));
  const auto given = distributor.batch_assign_tasks(specs, "w2").value();
  REQUIRE(given.size() == 3);
  CHECK(p->get_task(given[2].value()).value().directed_to == "w2");
  CHECK(p->get_task(distributor.assign_task_to_worker(spec_of("review"), "").value()).value().directed_to ==
        "w1");
  CHECK(distributor.workers()[1].pending_tasks.size() == 3);
  CHECK(code_of(distributor.assign_task_to_worker(spec_of("review"), "w3")) == ErrorCode::not_found);
  CHECK(code_of(distributor.assign_task_to_worker(spec_of("review", {"gpu"}), "")) == ErrorCode::not_found);
  TaskSpec directed = spec_of("review");
  directed.agent_id = "w1";
  CHECK(code_of(distributor.assign_task_to_worker(directed, "w2")) == ErrorCode::invalid_argument);
  TaskSpec keyed = spec_of("review");
  keyed.idempotency_key = "key";
  CHECK(code_of(distributor.assign_task_to_worker(keyed, "")) == ErrorCode::invalid_argument);
  std::vector<TaskSpec> many(1'025, spec_of("review"));
  CHECK(code_of(distributor.batch_assign_tasks(many, "w2")) == ErrorCode::invalid_argument);
  // One that drains keeps what it runs and loses what it only holds in its queue.
  HeartbeatReport drains;
  drains.status = AgentStatus::draining;
  CHECK(p->heartbeat("w2", drains).ok());
  until([&] { return distributor.workers()[0].pending_tasks.size() == 3; });
  CHECK(code_of(distributor.assign_task_to_worker(spec_of("review"), "w2")) ==
        ErrorCode::failed_precondition);
  go = true;
  for (const auto& id : given) CHECK(ended(p.plane, id.value()).state == TaskState::completed);
}

TEST_CASE("a distributor's health is that of its workers") {
  Plane p(StoreKind::memory);
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  const auto shown = [&](HealthStatus health) {
    until([&] {
      const auto agent = p->get_agent("d1");
      return agent.ok() && agent->health == health;
    });
  };
  shown(HealthStatus::degraded);  // nobody has come yet
  Worker one = started(p.plane, worker_of("w1", "d1"));
  shown(HealthStatus::healthy);
  CHECK(p->register_agent([] {
           AgentSpec spec = agent_of("w2");
           spec.labels = {{"distributor", "d1"}};
           spec.status = AgentStatus::draining;
           return spec;
         }()).ok());
  shown(HealthStatus::degraded);
  CHECK_THAT(std::string(p->get_agent("d1").value().metrics.text()), ContainsSubstring("\"workers\":2,\"usable\":1"));
  CHECK(p->unregister_agent("w2").ok());
  shown(HealthStatus::healthy);
  CHECK(one.stop().ok());
  shown(HealthStatus::unhealthy);
}

TEST_CASE("a distributor whose pool is still empty is no reason for alarm") {
  Plane p(StoreKind::memory);
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  until([&] { return p->get_agent("d1").ok() && !p->get_agent("d1").value().metrics.empty(); });
  for (const Event& event : p->read_events(0).value()) CHECK(event.type != "agent.unhealthy");
}

TEST_CASE("whom a task excludes does not get it from a distributor either") {
  Plane p(any_store());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  Worker one = started(p.plane, worker_of("w1", "d1", 4));
  Worker two = started(p.plane, worker_of("w2", "d1", 1));
  until_usable(distributor, 2);
  TaskSpec spec = for_distributor("d1", 1);
  spec.exclude = {"w1"};
  const TaskId id = p->submit_task(spec).value();
  CHECK(ended(p.plane, id).state == TaskState::completed);
  const Task copy = p->get_task(id.str() + "/forwarded/0").value();
  CHECK(copy.agent_id == "w2");
  CHECK(copy.exclude == std::vector<std::string>{"w1"});
  spec.agent_id.clear();
  const TaskId given = distributor.assign_task_to_worker(spec, "").value();
  CHECK(ended(p.plane, given).agent_id == "w2");
  CHECK_THAT(distributor.assign_task_to_worker(spec, "w1").error().message,
             ContainsSubstring("exclude names \"w1\""));
}

// As a leader does that has just lost the lead and does not know it.
TEST_CASE("what a former leader still gives to a worker is looked after, too") {
  Plane p(any_store());
  Distributor distributor = Distributor::start(p.plane, named("d1")).value();
  CHECK(p->register_agent([] {
           AgentSpec spec = agent_of("w1", {"code"});
           spec.labels = {{"distributor", "d1"}};
           return spec;
         }()).ok());
  Worker two = started(p.plane, worker_of("w2", "d1"));
  until_usable(distributor, 2);
  TaskSpec late = spec_of("review", {"code"});
  late.agent_id = "w1";
  late.labels = {{"distributor", "d1"}};
  const TaskId id = p->submit_task(late).value();
  until([&] { return distributor.workers().at(0).pending_tasks.size() == 1; });
  CHECK(p->unregister_agent("w1").ok());
  const Task task = ended(p.plane, id);
  CHECK(task.state == TaskState::completed);
  CHECK(task.agent_id == "w2");
}

TEST_CASE("a distributor whose coordinator closed leads no more") {
  Plane p(StoreKind::memory);
  Coordinator other = Plane::open(p.store, {});
  Distributor distributor = Distributor::start(other, named("d1")).value();
  until([&] { return distributor.leads(); });
  (void)other.shutdown();
  CHECK_FALSE(distributor.leads());
  CHECK(distributor.workers().empty());
}

TEST_CASE("options of a distributor that break a rule are refused by name") {
  Plane p(StoreKind::memory);
  CHECK_THAT(Distributor::start(p.plane, named("")).error().message, ContainsSubstring("agent_id"));
  CHECK_THAT(Distributor::start(p.plane, named("a b")).error().message, ContainsSubstring("\"a b\""));
  CHECK_THAT(Distributor::start(p.plane, named(std::string(120, 'x'))).error().message,
             ContainsSubstring("max_name_bytes"));
  DistributorOptions options = named("d1");
  options.leader_ttl = 0ms;
  CHECK_THAT(Distributor::start(p.plane, options).error().message, ContainsSubstring("ttl"));
}

TEST_CASE("a distributor outlives its coordinator, and then does nothing") {
  auto plane = Coordinator::open().value();
  Distributor distributor = Distributor::start(plane, named("d1")).value();
  (void)plane.shutdown();
  CHECK(distributor.stop().ok());
  CHECK_FALSE(distributor.leads());
  CHECK_FALSE(distributor.assign_task_to_worker(spec_of("review"), "").ok());
  CHECK_FALSE(Distributor::start(plane, named("d2")).ok());
}

TEST_CASE("coordinators beside each other share their store, tenant by tenant") {
  auto first = Coordinator::open().value();
  auto second = first.open_beside().value();
  Config other;
  other.tenant_id = "other";
  auto third = first.open_beside(other).value();
  const TaskId task = first.submit_task(spec_of("review")).value();
  CHECK(second.get_task(task).ok());
  CHECK(code_of(third.get_task(task)) == ErrorCode::not_found);
  (void)first.shutdown();
  CHECK(second.claim_task(claim_of("a")).value().has_value());
  CHECK(code_of(first.open_beside()) == ErrorCode::cancelled);
}

}  // namespace controlplane
