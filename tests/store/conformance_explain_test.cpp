// Why a task is not running, as data.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("explain names the capability that no agent offers") {
  Plane plane(kind);
  plane.add(agent("alice", {"code"}));
  plane.submit(task("a", {"code", "gpu"}));
  CHECK(plane.obstacles("a") == "no_agent_offers gpu");
  CHECK(plane.explain("a").agents_offering == 0);
  CHECK(plane.explain("a").required_capabilities == std::vector<std::string>{"code", "gpu"});
  CHECK_THAT(plane.explain("a").to_string(), ContainsSubstring("no agent offers gpu"));
}

CONFORMANCE_CASE("explain says when capabilities are offered, but not together") {
  Plane plane(kind);
  plane.add(agent("alice", {"code"}));
  plane.add(agent("bob", {"gpu"}));
  plane.submit(task("a", {"code", "gpu"}));
  CHECK(plane.obstacles("a") == "no_agent_offers code and gpu");
}

CONFORMANCE_CASE("explain of a task that needs nothing, without any agent") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.obstacles("a") == "waiting_for_claim");
}

CONFORMANCE_CASE("explain tells what keeps each agent from claiming, and since when") {
  Plane plane(kind);
  const Timestamp registered = plane.now();
  for (const char* id : {"away", "drains", "ill", "tripped", "full", "unwanted", "free"}) {
    plane.add(agent(id, {"code"}, std::string_view(id) == "full" ? 1 : 0));
  }
  plane.submit("work");
  plane.claim("full");
  plane.submit("bad");
  for (int i = 0; i < 3; ++i) plane.fail(plane.claim("tripped"));
  plane.cancel("bad");
  plane.heartbeat("drains", AgentStatus::draining);
  for (int i = 0; i < 3; ++i) plane.probe("ill", false);
  plane.pass(20 * kSecond);
  for (const char* id : {"drains", "ill", "tripped", "full", "unwanted", "free"})
    plane.heartbeat(id);
  plane.advance_all(10 * kSecond);
  TaskSpec spec = task("a", {"code"});
  spec.exclude = {"unwanted"};
  plane.submit(spec);
  CHECK(plane.obstacles("a") ==
        "agent_offline away, agent_draining drains, agent_failed ill, agent_breaker_open tripped, "
        "agent_full full, agent_excluded unwanted, waiting_for_claim free");
  const Explanation told = plane.explain("a");
  CHECK(told.agents_offering == 7);
  CHECK(told.now == plane.now());
  CHECK(told.obstacles[0].since == plane.now());
  CHECK(told.obstacles[1].since == registered);
  CHECK(told.obstacles[3].until == registered + 60 * kSecond);
}

CONFORMANCE_CASE("explain follows a direction to its agent") {
  Plane plane(kind);
  TaskSpec spec = task("a", {"gpu"});
  spec.agent_id = "bob";
  plane.submit(spec);
  plane.add(agent("alice", {"gpu"}));
  CHECK(plane.obstacles("a") == "agent_not_registered bob");
  plane.add(agent("bob", {"code"}));
  CHECK(plane.obstacles("a") == "no_agent_offers gpu, waiting_for_claim bob");
  plane.add(agent("bob", {"gpu"}));
  plane.heartbeat("bob", AgentStatus::draining);
  CHECK(plane.obstacles("a") == "agent_draining bob");
}

CONFORMANCE_CASE("explain names the parents that are awaited") {
  Plane plane(kind);
  for (const char* id : {"p", "q", "r"}) plane.submit(id);
  plane.submit(child("a", {"p", "q", "r"}));
  plane.complete(plane.claim("alice"));
  CHECK(plane.obstacles("a") == "blocked_by q, blocked_by r");
  CHECK_THAT(plane.explain("a").to_string(), ContainsSubstring("it waits for q"));
}

CONFORMANCE_CASE("explain tells until when a task is delayed or backs off") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.delay = seconds(5);
  plane.submit(spec);
  CHECK(plane.obstacles("a") == "delayed");
  CHECK(plane.explain("a").obstacles[0].until == plane.now() + 5 * kSecond);
  plane.advance_all(5 * kSecond);
  plane.fail(plane.claim("alice"), FailKind::retryable, 7 * kSecond);
  CHECK(plane.obstacles("a") == "backing_off");
  CHECK(plane.explain("a").obstacles[0].until == plane.now() + 7 * kSecond);
}

CONFORMANCE_CASE("explain names a full key and still the agents") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const char* id : {"a", "b"}) {
    TaskSpec spec = task(id);
    spec.concurrency_key = "k";
    spec.concurrency_limit = 1;
    plane.submit(spec);
  }
  plane.claim("alice");
  CHECK(plane.obstacles("b") == "concurrency_key_full k, waiting_for_claim alice");
}

CONFORMANCE_CASE("explain of a held or ended task names the holder or the end") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.obstacles("a") == "held alice");
  CHECK(plane.explain("a").obstacles[0].since == plane.now());
  CHECK(plane.explain("a").obstacles[0].until == held.deadline);
  plane.complete(held);
  CHECK(plane.obstacles("a") == "ended completed");
  CHECK(plane.explain("a").state == TaskState::completed);
}

CONFORMANCE_CASE("explain lists a bounded number of obstacles") {
  NamespaceOptions options;
  options.limits.explain_obstacles = 5;
  Plane plane(kind, options);
  for (int i = 0; i < 20; ++i) plane.add(agent("a" + std::to_string(i)));
  plane.submit("t");
  CHECK(plane.explain("t").obstacles.size() == 5);
  CHECK(plane.explain("t").agents_offering == 20);
}

CONFORMANCE_CASE("explain applies due deadlines first") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.total_timeout = seconds(1);
  plane.submit(spec);
  plane.pass(kSecond);
  CHECK(plane.obstacles("a") == "ended timeout");
}

CONFORMANCE_CASE("a submit that nobody could serve is counted, unless it names its agent") {
  Plane plane(kind);
  plane.add(agent("alice", {"code"}));
  const auto unservable = [&] { return plane.stats().scheduler.unservable_submits_total; };
  plane.submit(task("a", {"code"}));
  CHECK(unservable() == 0);
  TaskSpec directed = task("b", {"gpu"});
  directed.agent_id = "zoe";
  plane.submit(directed);
  CHECK(unservable() == 0);
  plane.submit(task("c", {"gpu"}));
  CHECK(unservable() == 1);
}

}  // namespace controlplane::conformance
