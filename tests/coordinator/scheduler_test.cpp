#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Claimed = std::optional<ClaimedTask>;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

// Runs a completion form to its end.
template <class T, class Start>
Result<T> finished(Start&& start) {
  auto gate = std::make_shared<Gate>();
  auto answer = std::make_shared<std::optional<Result<T>>>();
  start([gate, answer](Result<T> result) {
    answer->emplace(std::move(result));
    gate->arrive();
  });
  REQUIRE(gate->wait_for());
  return std::move(**answer);
}

TEST_CASE("a latency that the caller reports wins, and does not make an end another one") {
  Plane p(any_store());
  p->register_agent(agent_of("a")).value();
  p->submit_task(spec_of("t", {"code"})).value();
  const ClaimedTask task = p->claim_task(claim_of("a", {"code"})).value().value();
  Completion completion{attempt_of(task), "1", {}, 1'500ms};
  CHECK(p->complete_task(completion).ok());
  completion.latency = 7ms;
  CHECK(p->complete_task(completion).ok());
  CHECK(p->get_agent("a")->avg_latency_ms == 1'500);
  completion.latency = -1ms;
  CHECK(code_of(p->complete_task(completion)) == ErrorCode::invalid_argument);
}

TEST_CASE("a task goes from submit to its result") {
  Plane p(any_store());
  TaskSpec spec = spec_of("review", {"code"});
  spec.payload = R"({"file":"main.py"})";
  spec.priority = TaskPriority::high;
  spec.trace = "trace-1";
  const TaskId id = p->submit_task(spec).value();
  CHECK(id.is_made());
  CHECK(p->get_status(id).value() == TaskState::pending);
  const ClaimedTask task = p->claim_task(claim_of("a", {"code", "x"})).value().value();
  CHECK(task.id == id);
  CHECK(task.payload == spec.payload);
  CHECK(task.task_type == "review");
  CHECK(task.attempt == 1);
  REQUIRE(task.details != nullptr);
  CHECK(task.details->trace == "trace-1");
  CHECK(p->start_task(attempt_of(task)).ok());
  CHECK(p->get_status(id).value() == TaskState::running);
  CHECK(p->progress({attempt_of(task), 0.5, "half", "{\"at\":1}"}).ok());
  CHECK(p->complete_task({attempt_of(task), "42", "{\"tokens\":7}"}).ok());
  CHECK(p->complete_task({attempt_of(task), "42", "{\"tokens\":7}"}).ok());
  CHECK(code_of(p->complete_task({attempt_of(task), "43", {}})) == ErrorCode::conflict);
  const Task done = p->get_task(id).value();
  CHECK(done.state == TaskState::completed);
  CHECK(done.result == "42");
  CHECK(done.usage == "{\"tokens\":7}");
  CHECK(done.progress == 0.5);
  CHECK(p->wait_for_result(id, 1s)->result == "42");
}

TEST_CASE("the completion forms do the same") {
  Plane p(any_store());
  Coordinator& c = p.plane;
  const TaskId id = finished<TaskId>([&](auto done) { c.submit_task(spec_of("t"), done); }).value();
  const ClaimedTask task =
      finished<Claimed>([&](auto done) { c.claim_task(claim_of("a"), done); }).value().value();
  CHECK(finished<LeaseStatus>([&](auto done) { c.start_task(attempt_of(task), done); }).ok());
  CHECK(finished<LeaseStatus>([&](auto done) { c.renew(attempt_of(task), done); }).ok());
  CHECK(finished<LeaseStatus>([&](auto done) {
          c.progress({attempt_of(task), 1, "", {}}, done);
        }).ok());
  CHECK(
      finished<void>([&](auto done) { c.complete_task({attempt_of(task), "1", {}}, done); }).ok());
  CHECK(finished<Task>([&](auto done) { c.get_task(id, done); })->state == TaskState::completed);
  CHECK(finished<Task>([&](auto done) { c.wait_for_result(id, 1s, done); })->result == "1");
  CHECK(finished<Page<Task>>([&](auto done) { c.list_tasks({}, {}, done); })->items.size() == 1);
  CHECK(finished<Explanation>([&](auto done) { c.explain(id, done); })->state ==
        TaskState::completed);
}

TEST_CASE("batches answer one by one") {
  Plane p(any_store());
  auto ids = p->submit_tasks({spec_of("t"), spec_of("t"), spec_of("t")}).value();
  ClaimRequest request = claim_of("a");
  request.max_tasks = 10;
  request.lease_ttl = 30s;
  const std::vector<ClaimedTask> tasks = p->claim_tasks(request).value();
  REQUIRE(tasks.size() == 3);
  auto renewed = p->renew_many({attempt_of(tasks[0]), {tasks[1].id, Lease(9, 9), ""}}).value();
  CHECK(renewed[0].ok());
  CHECK(code_of(renewed[1]) == ErrorCode::conflict);
  auto completed =
      p->complete_tasks({{attempt_of(tasks[0]), "1", {}}, {attempt_of(tasks[1]), "2", {}}}).value();
  CHECK(completed[0].ok());
  CHECK(completed[1].ok());
  auto failed = p->fail_tasks({{attempt_of(tasks[2]), "bad", FailKind::fatal, 0ms, {}}}).value();
  CHECK(failed[0].ok());
  CHECK(p->get_task(tasks[1].id)->result == "2");
  CHECK(p->get_task(tasks[2].id)->state == TaskState::failed);
}

TEST_CASE("failures retry or end, and dead letters are replayed") {
  Plane p(any_store());
  TaskSpec spec = spec_of("t");
  spec.retry.max_retries = 1;
  spec.retry.delay = spec.retry.max_delay = 0ms;
  const TaskId id = p->submit_task(spec).value();
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const ClaimedTask task = p->claim_task(claim_of("a", {}, 10s)).value().value();
    CHECK(task.attempt == static_cast<std::uint32_t>(attempt));
    CHECK(p->fail_task({attempt_of(task), "no", FailKind::retryable, 0ms, {}}).ok());
  }
  const Task dead = p->get_task(id).value();
  CHECK(dead.state == TaskState::failed);
  CHECK(dead.reason == TaskReason::exhausted);
  CHECK(dead.error == "no");
  REQUIRE(p->list_dead_letters()->items.size() == 1);
  const TaskId replayed = p->replay_dead_letter(id, {false, "op-1"}).value();
  CHECK(p->replay_dead_letter(id, {false, "op-1"}).value() == replayed);
  const Task fresh = p->get_task(replayed).value();
  REQUIRE(fresh.details != nullptr);
  CHECK(fresh.details->replayed_from == id);
}

TEST_CASE("an idempotency key answers the first task") {
  Plane p(any_store());
  TaskSpec spec = spec_of("t");
  spec.idempotency_key = "k";
  const TaskId first = p->submit_task(spec).value();
  CHECK(p->submit_task(spec).value() == first);
  spec.trace = "another trace does not matter";
  CHECK(p->submit_task(spec).value() == first);
  spec.payload = "1";
  CHECK(code_of(p->submit_task(spec)) == ErrorCode::already_exists);
  TaskSpec own = spec_of("t");
  own.task_id = "mine";
  CHECK(p->submit_task(own)->str() == "mine");
  CHECK(p->submit_task(own)->str() == "mine");
  own.delay = 1s;
  CHECK(code_of(p->submit_task(own)) == ErrorCode::already_exists);
}

TEST_CASE("cancel, assign, release and reassign") {
  Plane p(any_store());
  p->register_agent(agent_of("a", {}, 5)).value();
  const TaskId pending = p->submit_task(spec_of("t")).value();
  CHECK(p->assign_task(pending, "b").ok());
  CHECK_FALSE(p->claim_task(claim_of("a"))->has_value());
  CHECK(p->assign_task(pending, "").ok());
  const ClaimedTask task = p->claim_task(claim_of("a")).value().value();
  CHECK(p->release_task(attempt_of(task)).ok());
  CHECK(p->get_status(pending).value() == TaskState::pending);
  CHECK(p->claim_task(claim_of("a"))->has_value());
  CHECK(p->reassign_agent_tasks("a").ok());
  CHECK(p->get_status(pending).value() == TaskState::pending);
  CHECK(p->cancel_task(pending).value() == TaskState::cancelled);
  CHECK(p->cancel_task(pending).value() == TaskState::cancelled);
  const TaskId other = p->submit_task(spec_of("t")).value();
  const ClaimedTask held = p->claim_task(claim_of("a")).value().value();
  CHECK(p->cancel_task(other).value() == TaskState::claimed);
  CHECK(p->renew(attempt_of(held))->cancel_requested);
  CHECK(p->cancel_task(other, true).value() == TaskState::cancelled);
}

TEST_CASE("require_lease refuses ends that name only the agent") {
  Config config;
  config.require_lease = true;
  Plane p(any_store(), config);
  p->submit_task(spec_of("t")).value();
  const ClaimedTask task = p->claim_task(claim_of("a")).value().value();
  CHECK_FALSE(p->complete_task({{task.id, {}, "a"}, {}, {}}).ok());
  CHECK(p->complete_task({attempt_of(task), {}, {}}).ok());
}

TEST_CASE("require_registration refuses strangers") {
  Config config;
  config.require_registration = true;
  Plane p(any_store(), config);
  CHECK(code_of(p->claim_task(claim_of("a"))) == ErrorCode::failed_precondition);
  p->register_agent(agent_of("a")).value();
  CHECK(p->claim_task(claim_of("a")).ok());
}

TEST_CASE("the same claim id answers the same tasks") {
  Plane p(any_store());
  p->submit_task(spec_of("t")).value();
  p->submit_task(spec_of("t")).value();
  ClaimRequest request = claim_of("a");
  request.claim_id = "claim-1";
  const TaskId first = p->claim_task(request)->value().id;
  CHECK(p->claim_task(request)->value().id == first);
  request.claim_id = "claim-2";
  CHECK(p->claim_task(request)->value().id != first);
}

TEST_CASE("readers have completion forms too") {
  Plane p(any_store());
  TaskSpec spec = spec_of("t");
  spec.retry.max_retries = 0;
  const TaskId id = p->submit_task(spec).value();
  const ClaimedTask task = *p->claim_task(claim_of("a")).value();
  p->fail_task({.attempt = attempt_of(task), .error = "boom"}).value();
  Gate gate;
  TaskState state{};
  std::size_t dead = 0, events = 0;
  Stats stats;
  std::string text;
  ErrorCode refused{};
  p->get_status(id, [&](const Result<TaskState>& got) { state = got.value(), gate.arrive(); });
  p->list_dead_letters({}, [&](const Result<Page<Task>>& page) {
    dead = page.value().items.size(), gate.arrive();
  });
  p->get_stats([&](const Result<Stats>& got) { stats = got.value(), gate.arrive(); });
  p->metrics_text([&](const Result<std::string>& got) { text = got.value(), gate.arrive(); });
  p->read_events(0, 100, {}, [&](const Result<std::vector<Event>>& got) {
    events = got.value().size(), gate.arrive();
  });
  p->read_events(0, 0, {}, [&](const Result<std::vector<Event>>& got) {
    refused = code_of(got), gate.arrive();
  });
  REQUIRE(gate.wait_for(6));
  CHECK(state == TaskState::failed);
  CHECK(dead == 1);
  CHECK(stats.store == "memory");
  CHECK(text.find("aragora_cp_tasks_total") != std::string::npos);
  CHECK(events == 3);
  CHECK(refused == ErrorCode::invalid_argument);
}

TEST_CASE("pages go through all tasks") {
  Plane p(any_store());
  for (int i = 0; i < 7; ++i) p->submit_task(spec_of(i % 2 == 0 ? "even" : "odd")).value();
  TaskFilter even;
  even.task_type = "even";
  PageRequest page;
  page.max_items = 2;
  std::size_t seen = 0;
  do {
    const Page<Task> got = p->list_tasks(even, page).value();
    seen += got.items.size();
    page.cursor = got.next_cursor;
  } while (!page.cursor.empty());
  CHECK(seen == 4);
}

TEST_CASE("a waiter gets the result when the task ends") {
  std::atomic<int> right{0};
  Gate gate;
  Plane p(any_store());
  const TaskId id = p->submit_task(spec_of("t")).value();
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] {
      const auto task = p->wait_for_result(id, 20s);
      if (task && task->result == "1") ++right;
    });
    p->wait_for_result(id, 20s, [&](const Result<Task>& task) {
      if (task && task->result == "1") ++right;
      gate.arrive();
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (p.core().results().waiting() < 8 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  const ClaimedTask task = p->claim_task(claim_of("a")).value().value();
  CHECK(p->complete_task({attempt_of(task), "1", {}}).ok());
  CHECK(gate.wait_for(4));
  for (std::thread& waiter : waiters) waiter.join();
  CHECK(right == 8);
  CHECK(p.core().results().waiting() == 0);
}

TEST_CASE("a wait ends at its timeout") {
  PumpedPlane p;
  const TaskId id = p->submit_task(spec_of("t")).value();
  CHECK(code_of(p->wait_for_result(id, 0ms)) == ErrorCode::deadline_exceeded);
  Heard<Task> heard;
  p->wait_for_result(id, 2s, heard.done());
  p.pass(1999ms);
  CHECK(heard.times == 0);
  p.pass(1ms);
  REQUIRE(heard.times == 1);
  CHECK(code_of(*heard.answer) == ErrorCode::deadline_exceeded);
}

TEST_CASE("a wait answers every terminal state") {
  PumpedPlane p;
  TaskSpec spec = spec_of("t");
  spec.queue_timeout = 1s;
  Heard<Task> timed_out, cancelled;
  p->wait_for_result(p->submit_task(spec).value(), 60s, timed_out.done());
  const TaskId id = p->submit_task(spec_of("t")).value();
  p->wait_for_result(id, 60s, cancelled.done());
  CHECK(p->cancel_task(id).ok());
  p.pass(1001ms);
  REQUIRE(timed_out.times == 1);
  CHECK((*timed_out.answer)->state == TaskState::timeout);
  REQUIRE(cancelled.times == 1);
  CHECK((*cancelled.answer)->state == TaskState::cancelled);
}

TEST_CASE("max_waiting_results refuses the next one") {
  Config config;
  config.limits.max_waiting_results = 1;
  PumpedPlane p(config);
  const TaskId id = p->submit_task(spec_of("t")).value();
  Heard<Task> first, second;
  p->wait_for_result(id, 60s, first.done());
  p->wait_for_result(id, 60s, second.done());
  p.pump();
  CHECK(first.times == 0);
  REQUIRE(second.times == 1);
  CHECK(code_of(*second.answer) == ErrorCode::resource_exhausted);
}

TEST_CASE("leases and deadlines are enforced by the clock alone") {
  PumpedPlane p;
  TaskSpec spec = spec_of("t");
  spec.timeout = 10s;
  spec.retry.max_retries = 0;
  const TaskId id = p->submit_task(spec).value();
  CHECK(p->claim_task(claim_of("a"))->has_value());
  p.pass(9999ms);
  CHECK(p->get_status(id).value() == TaskState::claimed);
  p.pass(2ms);
  const Task task = p->get_task(id).value();
  CHECK(task.state == TaskState::timeout);
  CHECK(task.reason == TaskReason::exec);
}

TEST_CASE("10,000 leases that expire at once are all repaired") {
  PumpedPlane p;
  for (int i = 0; i < 10; ++i) {
    CHECK(p->submit_tasks(std::vector<TaskSpec>(1'000, spec_of("t"))).ok());
  }
  ClaimRequest request = claim_of("a");
  request.max_tasks = 1'000;
  request.lease_ttl = 5s;
  for (int i = 0; i < 10; ++i) CHECK(p->claim_tasks(request)->size() == 1'000);
  p.pass(5001ms);
  const SchedulerStats stats = p->get_stats()->scheduler;
  CHECK(stats.crashes_total == 10'000);
  CHECK(stats.ready_tasks == 10'000);
}

TEST_CASE("explain says why a task waits") {
  Plane p(any_store());
  const TaskId id = p->submit_task(spec_of("t", {"gpu"})).value();
  const Explanation why = p->explain(id).value();
  REQUIRE(why.obstacles.size() == 1);
  CHECK(why.obstacles[0].kind == ObstacleKind::no_agent_offers);
  CHECK(why.obstacles[0].subject == "gpu");
}

}  // namespace
}  // namespace controlplane
