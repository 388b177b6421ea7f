#include "catch.hpp"
#include "controlplane/agent.hpp"
#include "controlplane/task.hpp"

using namespace controlplane;

TEST_CASE("priorities are read by name and by digit") {
  CHECK(*parse_task_priority("critical") == TaskPriority::critical);
  CHECK(*parse_task_priority("low") == TaskPriority::low);
  CHECK(*parse_task_priority("0") == TaskPriority::critical);
  CHECK(*parse_task_priority("3") == TaskPriority::low);
}

TEST_CASE("other priorities are invalid and shown") {
  const auto text = GENERATE(as<std::string>(), "", "4", "-1", "00", "1.0", "urgent", "High");
  const auto result = parse_task_priority(text);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().to_string() == "invalid_argument: priority \"" + text +
                                          "\" is not known; it is critical, high, normal, low or "
                                          "0 to 3");
}

TEST_CASE("names of states are read back") {
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    const auto state = static_cast<TaskState>(i);
    CHECK(*parse_task_state(to_string(state)) == state);
  }
  CHECK(parse_task_state("done").error().message ==
        "task state \"done\" is not known; it is one of pending, claimed, running, completed, "
        "failed, cancelled, timeout");
}

TEST_CASE("names of agent states are read back and idle is ready") {
  for (std::size_t i = 0; i < kAgentStatuses; ++i) {
    const auto status = static_cast<AgentStatus>(i);
    CHECK(*parse_agent_status(to_string(status)) == status);
  }
  CHECK(*parse_agent_status("idle") == AgentStatus::ready);
  CHECK_FALSE(parse_agent_status("Ready").ok());
  CHECK(*parse_health_status("degraded") == HealthStatus::degraded);
  CHECK_FALSE(parse_health_status("sick").ok());
  CHECK(*parse_selection_strategy("capability_match") == SelectionStrategy::capability_match);
  CHECK_FALSE(parse_selection_strategy("best").ok());
}

TEST_CASE("enumerators have their names") {
  CHECK(to_string(TaskReason::none).empty());
  CHECK(to_string(TaskReason::total) == "total");
  CHECK(to_string(FailKind::rate_limited) == "rate_limited");
  CHECK(to_string(BreakerState::half_open) == "half_open");
  CHECK(to_string(ObstacleKind::no_agent_offers) == "no_agent_offers");
  CHECK(to_string(ObstacleKind::blocked_by) == "blocked_by");
  CHECK(to_string(ObstacleKind::waiting_for_claim) == "waiting_for_claim");
  CHECK(to_string(static_cast<TaskState>(99)) == "unknown");
}

TEST_CASE("a lease survives its text") {
  const Lease lease(3, 0x9f86d081884c7d65);
  CHECK(lease.str() == "3-9f86d081884c7d65");
  CHECK(*Lease::parse(lease.str()) == lease);
  CHECK(Lease(1, 0).str() == "1-0000000000000000");
  CHECK(*Lease::parse("4294967295-ffffffffffffffff") == Lease(4'294'967'295u, ~0ULL));
  CHECK(Lease().str().empty());
}

TEST_CASE("text that no lease has is refused") {
  const auto text = GENERATE(as<std::string>(), "", "-", "3", "3-", "3-9f86", "-9f86d081884c7d65",
                             "0-9f86d081884c7d65", "03-9f86d081884c7d65", "+3-9f86d081884c7d65",
                             "3-9F86d081884c7d65", "3-9f86d081884c7d65a", "3-9f86d081884c7d6g",
                             "3 -9f86d081884c7d65", "4294967296-9f86d081884c7d65",
                             "3--9f86d081884c7d6", "3-0x86d081884c7d65");
  INFO(text);
  const auto result = Lease::parse(text);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::invalid_argument);
}
