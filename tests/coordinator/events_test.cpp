#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> types_of(const std::vector<Event>& events) {
  std::vector<std::string> types;
  for (const Event& event : events) types.push_back(event.type);
  return types;
}

bool has(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST_CASE("a subscriber hears of what it filters for, in order") {
  std::vector<Event> heard;
  PumpedPlane p;
  SubscribeOptions options;
  options.filter.types = {"task.*"};
  options.filter.exclude_types = {"task.ready"};
  auto subscription = p->subscribe(options, [&](const EventBatch& batch) {
    heard.insert(heard.end(), batch.events.begin(), batch.events.end());
  });
  REQUIRE(subscription.ok());
  p->register_agent(agent_of("a")).value();
  TaskSpec spec = spec_of("t");
  spec.trace = "trace-1";
  spec.labels = {{"team", "x"}};
  p->submit_task(spec).value();
  const ClaimedTask task = p->claim_task(claim_of("a")).value().value();
  CHECK(p->complete_task({attempt_of(task), {}, {}}).ok());
  p.pump();
  CHECK(types_of(heard) ==
        std::vector<std::string>{"task.submitted", "task.claimed", "task.completed"});
  for (std::size_t i = 0; i < heard.size(); ++i) {
    CHECK(heard[i].subject == task.id.str());
    CHECK(heard[i].trace == "trace-1");
    CHECK((i == 0 || heard[i].seq > heard[i - 1].seq));
  }
  subscription->reset();
  p->submit_task(spec_of("t")).value();
  p.pump();
  CHECK(heard.size() == 3);
}

TEST_CASE("a bad filter is refused") {
  PumpedPlane p;
  SubscribeOptions options;
  options.filter.types = {"task.nonsense"};
  CHECK(code_of(p->subscribe(options, [](const EventBatch&) {})) == ErrorCode::invalid_argument);
  CHECK(code_of(p->read_events(0, 10, options.filter)) == ErrorCode::invalid_argument);
  CHECK(code_of(p->on_task_failure(nullptr)) == ErrorCode::invalid_argument);
  CHECK(code_of(p->on_agent_unhealthy(nullptr)) == ErrorCode::invalid_argument);
}

TEST_CASE("events are read from a number on, and a trimmed history says so") {
  Config config;
  config.limits.max_events = 10;
  PumpedPlane p(config);
  p->submit_task(spec_of("t")).value();
  const auto first = p->read_events(0, 100).value();
  REQUIRE_FALSE(first.empty());
  CHECK(first.front().seq == 1);
  CHECK(p->read_events(first.back().seq, 100)->empty());
  for (int i = 0; i < 20; ++i) p->submit_task(spec_of("t")).value();
  const auto trimmed = p->read_events(1, 100);
  REQUIRE(code_of(trimmed) == ErrorCode::data_loss);
  EventFilter filter;
  filter.types = {"task.submitted"};
  const Stats stats = p->get_stats().value();
  CHECK(p->read_events(stats.events.first_seq - 1, 3, filter)->size() <= 3);
}

TEST_CASE("a subscription resumes after a number") {
  std::vector<std::uint64_t> seqs;
  std::uint64_t last = 0;
  PumpedPlane p;
  p->submit_task(spec_of("t")).value();
  p->submit_task(spec_of("t")).value();
  SubscribeOptions options;
  options.filter.types = {"task.submitted"};
  options.from_start = true;
  auto first = p->subscribe(options, [&](const EventBatch& batch) {
    for (const Event& event : batch.events) seqs.push_back(event.seq);
    last = batch.last_seq;
  });
  p.pump();
  CHECK(seqs.size() == 2);
  first->reset();
  p->submit_task(spec_of("t")).value();
  options.after = last;
  auto second = p->subscribe(options, [&](const EventBatch& batch) {
    for (const Event& event : batch.events) seqs.push_back(event.seq);
  });
  p.pump();
  CHECK(seqs.size() == 3);
}

TEST_CASE("on_task_failure hears of every failed attempt, and whether it is repeated") {
  std::vector<TaskFailure> heard;
  PumpedPlane p;
  auto subscription =
      p->on_task_failure([&](const TaskFailure& failure) { heard.push_back(failure); }).value();
  TaskSpec spec = spec_of("t");
  spec.retry.max_retries = 1;
  spec.retry.delay = 0ms;
  spec.timeout = 10s;
  const TaskId id = p->submit_task(spec).value();
  const ClaimedTask first = p->claim_task(claim_of("a")).value().value();
  CHECK(p->fail_task({attempt_of(first), "out of \"luck\"", FailKind::retryable, 0ms, {}}).ok());
  CHECK(p->claim_task(claim_of("b"))->has_value());
  p.pass(10'001ms);
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].task_id == id);
  CHECK(heard[0].attempt == 1);
  CHECK(heard[0].agent_id == "a");
  CHECK(heard[0].error == "out of \"luck\"");
  CHECK(heard[0].will_retry);
  CHECK(heard[1].attempt == 2);
  CHECK(heard[1].agent_id == "b");
  CHECK_FALSE(heard[1].will_retry);
}

TEST_CASE("the callbacks make do with the buffer that subscriptions may have") {
  Config config;
  config.limits.max_subscription_buffer = 1;
  PumpedPlane p(config);
  CHECK(p->on_task_failure([](const TaskFailure&) {}).ok());
  CHECK(p->on_agent_unhealthy([](const std::string&) {}).ok());
}

TEST_CASE("a callback that missed events is warned of in the log") {
  std::vector<std::string> missed;
  int heard = 0;
  Config config;
  config.limits.max_subscription_buffer = 2;
  config.log_level = LogLevel::error;
  config.log_sink = [&](const LogRecord& record) {
    for (const auto& [key, value] : record.fields) {
      if (key == "missed") missed.push_back(value);
    }
  };
  config.log_level = LogLevel::warning;
  PumpedPlane p(config);
  auto subscription = p->on_task_failure([&](const TaskFailure&) { ++heard; }).value();
  p.pump();
  TaskSpec spec = spec_of("t");
  spec.retry.max_retries = 0;
  for (int i = 0; i < 20; ++i) {
    p->submit_task(spec).value();
    const ClaimedTask task = *p->claim_task(claim_of("a")).value();
    p->fail_task({.attempt = attempt_of(task), .error = "boom"}).value();
  }
  p.pump();
  REQUIRE(missed.size() == 1);
  CHECK(heard + std::stoi(missed.front()) == 20);
}

TEST_CASE("a crash and a task nobody claimed are failures too") {
  std::vector<TaskFailure> heard;
  PumpedPlane p;
  auto subscription =
      p->on_task_failure([&](const TaskFailure& failure) { heard.push_back(failure); }).value();
  TaskSpec spec = spec_of("t");
  spec.queue_timeout = 30s;
  p->submit_task(spec).value();
  ClaimRequest request = claim_of("a");
  request.lease_ttl = 1s;
  CHECK(p->claim_task(request)->has_value());
  p.pass(1001ms);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].will_retry);
  p.pass(30s);
  REQUIRE(heard.size() == 2);
  CHECK_FALSE(heard[1].will_retry);
}

TEST_CASE("every transition is logged at debug level, with the trace") {
  std::vector<LogRecord> records;
  Config config;
  config.log_level = LogLevel::debug;
  config.log_sink = [&](const LogRecord& record) { records.push_back(record); };
  PumpedPlane p(config);
  TaskSpec spec = spec_of("t");
  spec.trace = "trace-9";
  const TaskId id = p->submit_task(spec).value();
  CHECK(p->cancel_task(id).ok());
  p.pump();
  std::vector<std::string> messages;
  for (const LogRecord& record : records) {
    messages.push_back(record.message);
    if (record.message == "task.cancelled") {
      CHECK(record.level == LogLevel::debug);
      CHECK(record.correlation_id == "trace-9");
    }
  }
  CHECK(has(messages, "coordinator opened"));
  CHECK(has(messages, "task.submitted"));
  CHECK(has(messages, "task.cancelled"));
}

TEST_CASE("notable transitions are logged at warning level, the rest is not") {
  std::vector<std::string> messages;
  Config config;
  config.log_level = LogLevel::warning;
  config.log_sink = [&](const LogRecord& record) { messages.push_back(record.message); };
  PumpedPlane p(config);
  p->register_agent(agent_of("a")).value();
  p->submit_task(spec_of("t")).value();
  p.pass(31s);
  CHECK(messages == std::vector<std::string>{"agent.offline"});
}

TEST_CASE("a log sink that throws harms nobody") {
  Config config;
  config.log_level = LogLevel::debug;
  config.log_sink = [](const LogRecord&) { throw std::runtime_error("sink"); };
  PumpedPlane p(config);
  p->submit_task(spec_of("t")).value();
  p.pump();
  CHECK(p->get_stats().ok());
}

TEST_CASE("events of a late store arrive") {
  Gate gate;
  Plane p(StoreKind::late);
  SubscribeOptions options;
  options.filter.types = {"task.submitted"};
  auto subscription = p->subscribe(options, [&](const EventBatch& batch) {
    for (std::size_t i = 0; i < batch.events.size(); ++i) gate.arrive();
  });
  REQUIRE(subscription.ok());
  for (int i = 0; i < 5; ++i) p->submit_task(spec_of("t")).value();
  CHECK(gate.wait_for(5));
}

TEST_CASE("on the loop thread a subscription ends without waiting for its handler") {
  Gate entered, leave, reset;
  Plane p(StoreKind::memory);
  Subscription subscription = p->subscribe({}, [&](const EventBatch&) {
                                 entered.arrive();
                                 leave.wait_for();
                               }).value();
  p->claim_task(claim_of("a", {}, 20s), [&](Result<std::optional<ClaimedTask>>) {
    entered.wait_for();
    subscription.reset();
    reset.arrive();
  });
  p->submit_task(spec_of("t")).value();
  CHECK(reset.wait_for());
  leave.arrive();
}

TEST_CASE("the log's own subscription takes nobody's place") {
  Config config;
  config.limits.max_subscriptions = 1;
  config.log_sink = [](const LogRecord&) {};
  Plane p(StoreKind::memory, config);
  auto first = p->subscribe({}, [](const EventBatch&) {});
  CHECK(first.ok());
  CHECK(code_of(p->subscribe({}, [](const EventBatch&) {})) == ErrorCode::resource_exhausted);
}

TEST_CASE("a second shutdown returns when the first one is done") {
  Gate entered, second, leave;
  std::atomic<bool> ended{false};
  Plane p(StoreKind::memory);
  auto subscription = p->subscribe({}, [&](const EventBatch&) {
                         entered.arrive();
                         leave.wait_for();
                         CHECK(p->shutdown().ok());  // within the first: does not wait for it
                         ended = true;
                       }).value();
  p->submit_task(spec_of("t")).value();
  REQUIRE(entered.wait_for());
  std::thread first([&] { CHECK(p->shutdown().ok()); });
  while (p->get_stats().ok()) std::this_thread::yield();  // closed, and waits for the handler
  std::thread other([&] {
    second.arrive();
    CHECK(p->shutdown().ok());
    CHECK(ended);
  });
  REQUIRE(second.wait_for());
  leave.arrive();
  first.join();
  other.join();
}

TEST_CASE("a subscription may outlive its coordinator") {
  auto p = std::make_unique<PumpedPlane>();
  auto subscription = (*p)->subscribe({}, [](const EventBatch&) {}).value();
  p.reset();
  subscription.reset();
}

}  // namespace
}  // namespace controlplane
