#include <cmath>
#include <functional>
#include <limits>

#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;

Config small_limits() {
  Config config;
  Limits& l = config.limits;
  l.max_payload_bytes = l.max_result_bytes = l.max_metadata_bytes = 10;
  l.max_checkpoint_bytes = l.max_usage_bytes = l.max_metrics_bytes = 10;
  l.max_error_bytes = l.max_note_bytes = l.max_text_bytes = 10;
  l.max_json_depth = 3;
  l.max_name_bytes = 20;
  l.max_labels = 2;
  l.max_label_key_bytes = l.max_label_value_bytes = 10;
  l.max_capabilities = l.max_excluded_agents = 2;
  l.max_parents = 2;
  l.max_batch = 3;
  l.max_page = 5;
  l.max_retries = 7;
  l.max_delay = std::chrono::hours(1);
  l.max_retry_after = std::chrono::hours(1);
  l.max_worker_concurrency = 2;
  return config;
}

std::string text(std::size_t n) { return std::string(n, 'x'); }
std::string json(std::size_t n) { return '"' + text(n - 2) + '"'; }
std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < n; ++i) made.push_back("n" + std::to_string(i));
  return made;
}

// One limit: what n gives, n = its value, and the name in the message at n + 1.
struct Case {
  const char* limit;
  std::size_t n;
  std::function<Result<void>(Coordinator&, std::size_t)> with;
};

Result<void> outcome(const auto& result) {
  if (result.ok()) return {};
  return result.error();
}

Result<void> submit(Coordinator& plane, const std::function<void(TaskSpec&)>& change) {
  TaskSpec spec = spec_of("t");
  change(spec);
  return outcome(plane.submit_task(spec));
}

ClaimedTask held(Coordinator& plane) {
  plane.submit_task(spec_of("t")).value();
  return plane.claim_task(claim_of("holder")).value().value();
}

const Case kCases[] = {
    {"max_payload_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.payload = json(n); });
     }},
    {"max_metadata_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.metadata = json(n); });
     }},
    {"max_json_depth", 3,
     [](Coordinator& p, std::size_t n) {
       return submit(
           p, [&](TaskSpec& s) { s.payload = std::string(n, '[') + '1' + std::string(n, ']'); });
     }},
    {"max_name_bytes", 20,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.task_type = text(n); });
     }},
    {"max_name_bytes", 20,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.task_id = TaskId(text(n)); });
     }},
    {"max_text_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.trace = text(n); });
     }},
    {"max_labels", 2,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) {
         for (const std::string& name : names(n)) s.labels.emplace_back(name, "v");
       });
     }},
    {"max_label_key_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.labels = {{text(n), "v"}}; });
     }},
    {"max_label_value_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.labels = {{"k", text(n)}}; });
     }},
    {"max_capabilities", 2,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.required_capabilities = names(n); });
     }},
    {"max_excluded_agents", 2,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.exclude = names(n); });
     }},
    {"max_parents", 2,
     [](Coordinator& p, std::size_t n) {
       const TaskId parent = p.submit_task(spec_of("t")).value();
       return submit(p, [&](TaskSpec& s) { s.depends_on.assign(n, parent); });
     }},
    {"max_retries", 7,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.retry.max_retries = static_cast<int>(n); });
     }},
    {"max_delay", 3'600'000,
     [](Coordinator& p, std::size_t n) {
       return submit(p, [&](TaskSpec& s) { s.timeout = std::chrono::milliseconds(n); });
     }},
    {"max_batch", 3,
     [](Coordinator& p, std::size_t n) {
       return outcome(p.submit_tasks(std::vector<TaskSpec>(n, spec_of("t"))));
     }},
    {"max_batch", 3,
     [](Coordinator& p, std::size_t n) {
       ClaimRequest request = claim_of("a");
       request.max_tasks = static_cast<std::uint32_t>(n);
       return outcome(p.claim_tasks(request));
     }},
    {"max_batch", 3,
     [](Coordinator& p, std::size_t n) {
       return outcome(p.renew_many(std::vector<AttemptRef>(n, {TaskId("x"), {}, "a"})));
     }},
    {"max_page", 5,
     [](Coordinator& p, std::size_t n) { return outcome(p.list_tasks({}, {"", n})); }},
    {"max_page", 5,
     [](Coordinator& p, std::size_t n) { return outcome(p.list_agents({}, {"", n})); }},
    {"max_result_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return p.complete_task({attempt_of(held(p)), json(n), {}});
     }},
    {"max_usage_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return p.complete_task({attempt_of(held(p)), {}, json(n)});
     }},
    {"max_error_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return p.fail_task({attempt_of(held(p)), text(n), FailKind::fatal, 0ms, {}});
     }},
    {"max_retry_after", 3'600'000,
     [](Coordinator& p, std::size_t n) {
       return p.fail_task(
           {attempt_of(held(p)), "", FailKind::retryable, std::chrono::milliseconds(n), {}});
     }},
    {"max_note_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return outcome(p.progress({attempt_of(held(p)), 0.5, text(n), {}}));
     }},
    {"max_checkpoint_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       return outcome(p.progress({attempt_of(held(p)), 0.5, "", json(n)}));
     }},
    {"max_metrics_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       p.register_agent(agent_of("a")).value();
       HeartbeatReport report;
       report.metrics = json(n);
       return p.heartbeat("a", report);
     }},
    {"max_capabilities", 2,
     [](Coordinator& p, std::size_t n) {
       return outcome(p.register_agent(agent_of("a", names(n))));
     }},
    {"max_text_bytes", 10,
     [](Coordinator& p, std::size_t n) {
       AgentSpec spec = agent_of("a");
       spec.endpoint = text(n);
       return outcome(p.register_agent(spec));
     }},
    {"max_page", 5, [](Coordinator& p, std::size_t n) { return outcome(p.read_events(0, n)); }},
};

TEST_CASE("every limit of one input lets n in and names itself at n + 1") {
  for (const Case& each : kCases) {
    CAPTURE(each.limit, &each - kCases);
    PumpedPlane p(small_limits());
    const Result<void> at = each.with(p.plane, each.n);
    CHECK((at.ok() ? std::string() : at.error().to_string()) == "");
    const Result<void> above = each.with(p.plane, each.n + 1);
    REQUIRE_FALSE(above.ok());
    CHECK(above.error().code == ErrorCode::invalid_argument);
    CHECK_THAT(above.error().message, ContainsSubstring(each.limit));
  }
}

TEST_CASE("a spec that breaks a rule is refused with the field's name") {
  struct Bad {
    const char* says;
    std::function<void(TaskSpec&)> change;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Bad bad[] = {
      {"task_type is empty", [](TaskSpec& s) { s.task_type.clear(); }},
      {"task_type", [](TaskSpec& s) { s.task_type = "a b"; }},
      {"task_type", [](TaskSpec& s) { s.task_type = std::string("a\0b", 3); }},
      {"payload", [](TaskSpec& s) { s.payload = "{"; }},
      {"payload", [](TaskSpec& s) { s.payload = "\"\xff\""; }},
      {"payload", [](TaskSpec& s) { s.payload = "1e999"; }},
      {"payload", [](TaskSpec& s) { s.payload = "123456789012345678901234567890"; }},
      {"required_capabilities", [](TaskSpec& s) { s.required_capabilities = {"ok", "not ok"}; }},
      {"priority", [](TaskSpec& s) { s.priority = static_cast<TaskPriority>(9); }},
      {"retry.max_retries is -1", [](TaskSpec& s) { s.retry.max_retries = -1; }},
      {"retry.delay", [](TaskSpec& s) { s.retry.delay = -1ms; }},
      {"retry.max_delay", [](TaskSpec& s) { s.retry.max_delay = 1s; }},
      {"retry.backoff", [](TaskSpec& s) { s.retry.backoff = 0.5; }},
      {"retry.backoff", [nan](TaskSpec& s) { s.retry.backoff = nan; }},
      {"timeout", [](TaskSpec& s) { s.timeout = 0ms; }},
      {"timeout", [](TaskSpec& s) { s.timeout = std::chrono::milliseconds::max(); }},
      {"queue_timeout", [](TaskSpec& s) { s.queue_timeout = -1ms; }},
      {"total_timeout", [](TaskSpec& s) { s.total_timeout = std::chrono::milliseconds::min(); }},
      {"delay", [](TaskSpec& s) { s.delay = -5ms; }},
      {"idempotency_key", [](TaskSpec& s) { s.idempotency_key = "a\nb"; }},
      {"agent_id", [](TaskSpec& s) { s.agent_id = "{}"; }},
      {"exclude", [](TaskSpec& s) { s.exclude = {""}; }},
      {"depends_on", [](TaskSpec& s) { s.depends_on = {TaskId()}; }},
      {"concurrency_limit", [](TaskSpec& s) { s.concurrency_key = "k"; }},
      {"concurrency_limit", [](TaskSpec& s) { s.concurrency_limit = 1; }},
      {"metadata", [](TaskSpec& s) { s.metadata = "nope"; }},
      {"label", [](TaskSpec& s) { s.labels = {{"k", "\xff"}}; }},
      {"trace", [](TaskSpec& s) { s.trace = std::string("a\0b", 3); }},
  };
  PumpedPlane p;
  for (const Bad& each : bad) {
    CAPTURE(each.says);
    const Result<void> answer = submit(p.plane, each.change);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == ErrorCode::invalid_argument);
    CHECK_THAT(answer.error().message, ContainsSubstring(each.says));
  }
  CHECK(p->get_stats()->scheduler.submitted_total == 0);
}

TEST_CASE("a bad item of a batch is refused alone") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  auto ids = p->submit_tasks({spec_of("good"), spec_of("not good"), spec_of("good")}).value();
  REQUIRE(ids.size() == 3);
  CHECK(ids[0].ok());
  CHECK(code_of(ids[1]) == ErrorCode::invalid_argument);
  CHECK(ids[2].ok());
  CHECK(p->submit_tasks({}).value().empty());
  CHECK(p->submit_tasks({spec_of("")}).value().size() == 1);

  auto ends =
      p->complete_tasks({{{*ids[0], {}, "a"}, {}, {}}, {{*ids[2], {}, ""}, {}, {}}}).value();
  REQUIRE(ends.size() == 2);
  CHECK(code_of(ends[0]) == ErrorCode::conflict);
  CHECK(code_of(ends[1]) == ErrorCode::invalid_argument);
}

TEST_CASE("an attempt is named by lease or agent") {
  PumpedPlane p;
  const ClaimedTask task = held(p.plane);
  CHECK(code_of(p->complete_task({{task.id, {}, ""}, {}, {}})) == ErrorCode::invalid_argument);
  CHECK(code_of(p->renew({TaskId(), task.lease, ""})) == ErrorCode::invalid_argument);
  CHECK(p->complete_task({{task.id, {}, "holder"}, {}, {}}).ok());
}

TEST_CASE("claims, reports and selections are checked") {
  PumpedPlane p;
  ClaimRequest none = claim_of("a");
  none.max_tasks = 0;
  CHECK(code_of(p->claim_tasks(none)) == ErrorCode::invalid_argument);
  CHECK(code_of(p->claim_task(claim_of(""))) == ErrorCode::invalid_argument);
  CHECK(code_of(p->claim_task(claim_of("a", {}, -1ms))) == ErrorCode::invalid_argument);
  p->register_agent(agent_of("a")).value();
  HeartbeatReport report;
  report.status = AgentStatus::offline;
  CHECK(code_of(p->heartbeat("a", report)) == ErrorCode::invalid_argument);
  report.status.reset();
  report.health = HealthStatus::unknown;
  CHECK(code_of(p->heartbeat("a", report)) == ErrorCode::invalid_argument);
  const ClaimedTask task = held(p.plane);
  for (const double fraction : {-0.1, 1.1, std::nan("")}) {
    CHECK(code_of(p->progress({attempt_of(task), fraction, "", {}})) ==
          ErrorCode::invalid_argument);
  }
  SelectRequest select;
  select.strategy = static_cast<SelectionStrategy>(77);
  CHECK(code_of(p->select_agent(select)) == ErrorCode::invalid_argument);
}

TEST_CASE("an enumerator that there is not is refused in a filter") {
  PumpedPlane p;
  const auto said = [](const auto& result) { return result.error().message; };
  CHECK(said(p->list_tasks({.state = static_cast<TaskState>(7)})) ==
        "state is 7; it must be 0 to 6");
  CHECK(said(p->list_tasks({.reason = static_cast<TaskReason>(99)})) ==
        "reason is 99; it must be 0 to 10");
  CHECK(said(p->list_agents({.status = static_cast<AgentStatus>(6)})) ==
        "status is 6; it must be 0 to 5");
}

TEST_CASE("unknown ids are not_found") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  const TaskId id("nope");
  CHECK(code_of(p->get_task(id)) == ErrorCode::not_found);
  CHECK(code_of(p->get_status(id)) == ErrorCode::not_found);
  CHECK(code_of(p->cancel_task(id)) == ErrorCode::not_found);
  CHECK(code_of(p->assign_task(id, "a")) == ErrorCode::not_found);
  CHECK(code_of(p->explain(id)) == ErrorCode::not_found);
  CHECK(code_of(p->wait_for_result(id, 1s)) == ErrorCode::not_found);
  CHECK(code_of(p->replay_dead_letter(id)) == ErrorCode::not_found);
  CHECK(code_of(p->complete_task({{id, {}, "a"}, {}, {}})) == ErrorCode::not_found);
  CHECK(code_of(p->renew({id, Lease(1, 2), ""})) == ErrorCode::not_found);
  CHECK(code_of(p->get_agent("nope")) == ErrorCode::not_found);
  CHECK(code_of(p->heartbeat("nope")) == ErrorCode::not_found);
  CHECK(code_of(p->unregister_agent("nope")) == ErrorCode::not_found);
  CHECK(code_of(p->reassign_agent_tasks("nope")) == ErrorCode::not_found);
  CHECK(code_of(p->select_agent({})) == ErrorCode::not_found);
  CHECK(code_of(p->unregister_probe("nope")) == ErrorCode::not_found);
}

}  // namespace
}  // namespace controlplane
