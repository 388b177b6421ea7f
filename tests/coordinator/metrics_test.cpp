#include <sstream>

#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("metrics carry the names dashboards know") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  p->register_agent(agent_of("a", {}, 5)).value();
  for (int i = 0; i < 3; ++i) p->submit_task(spec_of("t")).value();
  const ClaimedTask task = p->claim_task(claim_of("a")).value().value();
  CHECK(p->complete_task({attempt_of(task), {}, {}}).ok());
  CHECK(p->claim_task(claim_of("a"))->has_value());
  const std::string text = p->metrics_text().value();
  for (const char* line : {
           "aragora_cp_tasks_total{state=\"completed\"} 1\n",
           "aragora_cp_tasks_submitted_total 3\n",
           "aragora_cp_tasks_active 1\n",
           "aragora_cp_tasks_pending{priority=\"normal\"} 1\n",
           "aragora_cp_agents_total 1\n",
           "aragora_cp_agents_healthy 1\n",
           "aragora_cp_agents{status=\"ready\"}",
           "# TYPE aragora_cp_task_duration_seconds histogram\n",
           "aragora_cp_task_duration_seconds_count 1\n",
           "aragora_cp_task_wait_seconds_count 2\n",
           "aragora_cp_task_wait_seconds_bucket{le=\"+Inf\"} 2\n",
       }) {
    CHECK_THAT(text, ContainsSubstring(line));
  }
}

TEST_CASE("the number of series does not grow with what is in the tenant") {
  PumpedPlane p;
  const auto series = [&] {
    std::istringstream text(p->metrics_text().value());
    int lines = 0;
    for (std::string line; std::getline(text, line);) ++lines;
    return lines;
  };
  const int before = series();
  for (int i = 0; i < 50; ++i) {
    p->register_agent(agent_of("a" + std::to_string(i), {"c" + std::to_string(i)})).value();
    p->submit_task(spec_of("t" + std::to_string(i), {"c" + std::to_string(i)})).value();
  }
  CHECK(series() == before);
}

TEST_CASE("metrics can be turned off") {
  Config config;
  config.enable_metrics = false;
  PumpedPlane p(config);
  CHECK(p->metrics_text().value().empty());
}

TEST_CASE("stats are complete") {
  PumpedPlane p;
  p->register_agent(agent_of("a")).value();
  p->submit_task(spec_of("t")).value();
  Heard<std::optional<ClaimedTask>> heard;
  p->claim_task(claim_of("a", {"none"}, std::chrono::seconds(5)), heard.done());
  const Stats stats = p->get_stats().value();
  CHECK(stats.store == "memory");
  CHECK(stats.tenant == "default");
  CHECK(stats.now >= SimClock::kStart);
  CHECK(stats.registry.total_agents == 1);
  CHECK(stats.events.last_seq > 0);
}

}  // namespace
}  // namespace controlplane
