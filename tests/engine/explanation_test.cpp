#include "catch.hpp"
#include "controlplane/task.hpp"

using namespace controlplane;

namespace {

constexpr Timestamp kSecond = 1'000'000;
constexpr Timestamp kNow = 1'700'000'000 * kSecond;

Explanation pending(std::vector<std::string> required, std::uint32_t offering,
                    std::vector<Obstacle> obstacles) {
  Explanation e;
  e.required_capabilities = std::move(required);
  e.agents_offering = offering;
  e.obstacles = std::move(obstacles);
  e.now = kNow;
  return e;
}

std::string told(Obstacle obstacle) { return pending({}, 1, {std::move(obstacle)}).to_string(); }

const std::string kOne = "pending: needs no capability; 1 agent is registered";

}  // namespace

TEST_CASE("an explanation tells the need, who could, and why not") {
  const auto e = pending({"code", "gpu"}, 2,
                         {{ObstacleKind::agent_breaker_open, "a-7", kNow - 12 * kSecond, 0},
                          {ObstacleKind::agent_draining, "a-9", 0, 0}});
  CHECK(e.to_string() ==
        "pending: needs {code, gpu}; 2 agents offer it: a-7 has its circuit open for 12 s, a-9 is "
        "draining");
}

TEST_CASE("a need that nobody offers is told by capability") {
  CHECK(pending({"code", "gpu"}, 0, {{ObstacleKind::no_agent_offers, "gpu"}}).to_string() ==
        "pending: needs {code, gpu}; no agent offers gpu");
  CHECK(pending({"code", "gpu"}, 0, {}).to_string() ==
        "pending: needs {code, gpu}; no agent offers it");
}

TEST_CASE("times are what is left when the end is known, else how long it has been") {
  CHECK(told({ObstacleKind::agent_breaker_open, "a", kNow - kSecond, kNow + 48 * kSecond}) ==
        kOne + ": a has its circuit open for 48 s more");
  CHECK(told({ObstacleKind::agent_offline, "a", kNow - 600 * kSecond, 0}) ==
        kOne + ": a is offline for 10 min");
  CHECK(told({ObstacleKind::delayed, "", 0, kNow + kSecond / 2}) ==
        kOne + "; it is delayed for 500 ms more");
  CHECK(told({ObstacleKind::backing_off, "", 0, kNow + 7'200 * kSecond}) ==
        kOne + "; it backs off for 2 h more");
  CHECK(told({ObstacleKind::delayed, "", 0, kNow - kSecond}) == kOne + "; it is delayed");
}

TEST_CASE("every obstacle of a pending task has its sentence") {
  CHECK(told({ObstacleKind::agent_failed, "a"}) == kOne + ": a is failed");
  CHECK(told({ObstacleKind::agent_full, "a"}) == kOne + ": a has no free slot");
  CHECK(told({ObstacleKind::agent_excluded, "a"}) == kOne + ": a is excluded");
  CHECK(told({ObstacleKind::agent_not_registered, "a"}) ==
        kOne + "; it is directed to a, which is not registered");
  CHECK(told({ObstacleKind::blocked_by, "task-1"}) == kOne + "; it waits for task-1");
  CHECK(told({ObstacleKind::concurrency_key_full, "repo"}) ==
        kOne + "; concurrency key repo is full");
  CHECK(told({ObstacleKind::waiting_for_claim, "a"}) == kOne + "; a could claim it");
  CHECK(told({ObstacleKind::waiting_for_claim, ""}) == kOne + "; nobody has claimed it");
}

TEST_CASE("held and ended tasks are told without their needs") {
  Explanation e = pending({"code"}, 1, {{ObstacleKind::held, "a-7", kNow - 3 * kSecond, 0}});
  e.state = TaskState::running;
  CHECK(e.to_string() == "running: a-7 holds it for 3 s");
  e = pending({"code"}, 1, {{ObstacleKind::ended, "failed"}});
  e.state = TaskState::failed;
  e.reason = TaskReason::exhausted;
  CHECK(e.to_string() == "failed (exhausted): it has ended");
  e.obstacles.clear();
  CHECK(e.to_string() == "failed (exhausted)");
}

TEST_CASE("a task without any agent is told so") {
  CHECK(pending({}, 0, {}).to_string() == "pending: needs no capability; no agent is registered");
}
