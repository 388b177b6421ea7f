// Agents: registration, incarnations, statuses, liveness.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("an agent is registered, shown and unregistered") {
  Plane plane(kind);
  AgentSpec spec = agent("alice", {"gpu", "code", "gpu"}, 3);
  spec.model = "m";
  spec.labels = {{"k", "v"}};
  CHECK(plane.add(spec) == "ok");
  const Agent shown = plane.agent_of("alice");
  CHECK(shown.capabilities == std::vector<std::string>{"code", "gpu"});
  CHECK(shown.max_concurrency == 3);
  CHECK(shown.status == AgentStatus::ready);
  CHECK(shown.health == HealthStatus::healthy);
  CHECK(shown.available);
  CHECK(shown.registered_by == "host:1");
  CHECK(plane.remove("alice") == "ok");
  CHECK(plane.remove("alice") == "not_found: agent alice is not registered");
  CHECK(plane.shown("alice") == "not_found: agent alice is not registered");
  CHECK(plane.new_types() == "agent.registered agent.unregistered");
}

CONFORMANCE_CASE("the same incarnation registers again and keeps its leases") {
  Plane plane(kind);
  plane.add(agent("alice"), 5);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.add(agent("alice", {"code"}), 5) == "ok");
  CHECK(plane.agent_of("alice").capabilities == std::vector<std::string>{"code"});
  CHECK(plane.complete(held) == "ok");
}

CONFORMANCE_CASE("a newer incarnation ends the leases of the older one as crashes") {
  Plane plane(kind);
  plane.add(agent("alice"), 1);
  plane.submit("a");
  plane.submit("b");
  plane.claim("alice");
  plane.claim("alice");
  CHECK(plane.add(agent("alice"), 2) == "ok");
  CHECK(plane.get("a").crashes == 1);
  CHECK(plane.agent_of("alice").running == 0);
  CHECK(plane.agent_of("alice").tasks_crashed == 2);
  CHECK(plane.claims(many("bob", 9)).ids() == "a b");
}

CONFORMANCE_CASE("a newer incarnation drops metrics and waits of the older one") {
  Plane plane(kind);
  plane.add(agent("alice"), 1);
  HeartbeatReport report;
  report.metrics = R"({"load":1})";
  plane.heartbeat("alice", report);
  CHECK(plane.agent_of("alice").metrics == R"({"load":1})");
  plane.parks_until = plane.now() + kHour;
  plane.next("alice");
  plane.add(agent("alice"), 2);
  CHECK(plane.agent_of("alice").metrics.empty());
  plane.advance_all(30 * kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("who names an older incarnation is told who came after it") {
  Plane plane(kind);
  plane.add(agent("alice"), 1);
  plane.add(agent("alice"), 2);
  const std::string answer =
      "failed_precondition: agent alice was registered again by host:1 at 2023-11-14T22:13:20Z";
  HeartbeatReport old;
  old.incarnation = 1;
  CHECK(plane.heartbeat("alice", old) == answer);
  CHECK(plane.remove("alice", 1) == answer);
  CHECK(plane.add(agent("alice"), 1) == answer);
  ClaimRequest request = by("alice");
  request.incarnation = 1;
  CHECK(plane.claims(request).answer == answer);
  request.incarnation = 0;
  CHECK(plane.claims(request).answer == "ok");
}

CONFORMANCE_CASE("an agent that never registered may claim, unless registration is required") {
  Plane plane(kind);
  plane.submit("a");
  plane.require_registration = true;
  CHECK(plane.claims(by("alice")).answer ==
        "failed_precondition: agent alice is not registered and require_registration is on");
  plane.require_registration = false;
  CHECK(plane.next("alice") == "a");
}

CONFORMANCE_CASE("an agent that registers while it holds tasks is full by them") {
  Plane plane(kind);
  plane.submit("a");
  plane.submit("b");
  const ClaimedTask held = plane.claim("alice");
  plane.add(agent("alice", {}, 1));
  CHECK(plane.agent_of("alice").running == 1);
  CHECK(plane.claims(by("alice")).refused);
  CHECK(plane.complete(held) == "ok");
  CHECK(plane.next("alice") == "b");
}

CONFORMANCE_CASE("unregistering releases leases; directed tasks stay and say so") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  plane.claim("alice");
  TaskSpec spec = task("d");
  spec.agent_id = "alice";
  plane.submit(spec);
  CHECK(plane.remove("alice") == "ok");
  CHECK(plane.state("a") == "pending ready");
  CHECK(plane.get("a").crashes == 0);
  CHECK(plane.obstacles("d") == "agent_not_registered alice");
}

CONFORMANCE_CASE("reassigning releases an agent's leases and leaves it registered") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const char* id : {"a", "b"}) plane.submit(id);
  plane.claim("alice");
  plane.claim("alice");
  CHECK(plane.reassign("alice") == "ok: 2");
  CHECK(plane.reassign("alice") == "ok: 0");
  CHECK(plane.reassign("nobody") == "not_found: agent nobody is not registered");
  CHECK(plane.claims(many("bob", 9)).ids() == "a b");
  CHECK(plane.shown("alice") == "ready");
  CHECK(plane.stats().scheduler.releases_total == 2);
}

// --- statuses and liveness -----------------------------------------------------------------------

CONFORMANCE_CASE(
    "reported busy and starting hide an agent from selection, not from its own claim") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const AgentStatus status : {AgentStatus::busy, AgentStatus::starting}) {
    plane.heartbeat("alice", status);
    CHECK(plane.select({}) == "not_found: no agent is available");
    plane.submit(task(""));
    CHECK(plane.claims(by("alice")).tasks.size() == 1);
  }
  plane.heartbeat("alice", AgentStatus::ready);
  CHECK(plane.select({}) == "alice");
}

CONFORMANCE_CASE("a draining agent gets nothing new until it says otherwise or registers again") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  plane.submit("b");
  plane.submit("c");
  const ClaimedTask held = plane.claim("alice");
  plane.heartbeat("alice", AgentStatus::draining);
  CHECK(plane.shown("alice") == "draining");
  CHECK_THAT(plane.claims(by("alice")).answer,
             ContainsSubstring("failed_precondition: agent alice is draining"));
  CHECK(plane.complete(held) == "ok");
  plane.heartbeat("alice", AgentStatus::ready);
  CHECK(plane.next("alice") == "b");
  plane.heartbeat("alice", AgentStatus::draining);
  plane.add(agent("alice"));
  CHECK(plane.next("alice") == "c");
}

CONFORMANCE_CASE("a silent agent goes offline and any call brings it back") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.advance_all(29 * kSecond);
  plane.heartbeat("alice");
  plane.advance_all(30 * kSecond - 1);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(1);
  CHECK(plane.shown("alice") == "offline");
  CHECK(plane.health_of("alice").status == HealthStatus::unhealthy);
  plane.submit("a");
  CHECK(plane.next("alice") == "a");
  CHECK(plane.shown("alice") == "ready");
  CHECK(plane.new_types() ==
        "agent.registered agent.offline task.submitted agent.online task.claimed");
}

CONFORMANCE_CASE("every kind of call of a holder is a sign of life") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  const ClaimedTask held = plane.claim(renewing("alice", 600'000));
  for (int i = 0; i < 9; ++i) {
    plane.advance_all(20 * kSecond);
    switch (i % 3) {
      case 0:
        plane.renew(held);
        break;
      case 1:
        plane.progress(held);
        break;
      default:
        plane.next("alice");
    }
    CHECK(plane.shown("alice") == "ready");
  }
}

CONFORMANCE_CASE("the deadline of a lease that is not renewed counts as a sign of life") {
  Plane plane(kind);
  plane.add(agent("alice"));
  TaskSpec spec = task("a");
  spec.timeout = seconds(200);
  plane.submit(spec);
  plane.claim("alice");
  plane.advance_all(199 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(kSecond);
  CHECK(plane.state("a") == "pending ready");
  plane.advance_all(29 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a lease that is renewed does not hide the silence of its holder") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  plane.claim(renewing("alice", 200'000));
  plane.advance_all(30 * kSecond);
  CHECK(plane.shown("alice") == "offline");
  CHECK(plane.state("a") == "claimed");
}

CONFORMANCE_CASE("a parked claim keeps its agent alive until its end") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.parks_until = plane.now() + 100 * kSecond;
  CHECK(plane.next("alice").empty());
  plane.advance_all(129 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a registration that is refused ends no lease") {
  Plane plane(kind);
  plane.add(agent("alice"), 1);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  AgentSpec spec = agent("alice");
  spec.status = AgentStatus::failed;
  CHECK_THAT(plane.add(spec, 2), ContainsSubstring("invalid_argument"));
  CHECK(plane.agent_of("alice").incarnation == 1);
  CHECK(plane.complete(held) == "ok");
}

CONFORMANCE_CASE("a parked claim that ends early no longer counts") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.parks_until = plane.now() + kHour;
  plane.next("alice");
  plane.advance_all(kMinute);
  plane.parks_until = 0;
  plane.next("alice");
  plane.advance_all(30 * kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a parked claim that was served no longer keeps its agent alive") {
  Plane plane(kind);
  plane.add(agent("alice", {}, 2));
  plane.parks_until = plane.now() + kHour;
  CHECK(plane.next("alice").empty());
  plane.submit("a");
  plane.claim(renewing("alice", 300'000));
  plane.advance_all(30 * kSecond);
  CHECK(plane.shown("alice") == "offline");

  plane.submit("b");
  plane.heartbeat("alice");
  plane.parked_until = plane.now() + 40 * kSecond;  // another one still waits
  plane.claim(renewing("alice", 300'000));
  plane.advance_all(69 * kSecond);
  CHECK(plane.shown("alice") == "busy");
  plane.advance_all(kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("an end that comes twice or too late is a sign of life, too") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.complete(held);
  plane.advance_all(29 * kSecond);
  CHECK(plane.complete(held) == "duplicate");
  plane.advance_all(29 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.fail(held);
  plane.advance_all(29 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.release(Holder(held.id, "alice"));
  plane.advance_all(29 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.renew(Holder(held.id, "alice"));
  plane.advance_all(29 * kSecond);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a claim that names an incarnation needs a registration") {
  Plane plane(kind);
  plane.submit("a");
  ClaimRequest request = by("alice");
  request.incarnation = 7;
  CHECK(plane.claims(request).answer == "not_found: agent alice is not registered");
  plane.add(agent("alice"), 7);
  CHECK(plane.claims(request).ids() == "a");
}

CONFORMANCE_CASE("an agent offline without leases is removed after 24 h") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.add(agent("bob"));
  plane.submit("a");
  plane.claim(renewing("bob", 600'000));
  plane.advance_all(30 * kSecond);
  plane.advance_all(270 * kSecond);  // the execution timeout ends the lease of bob
  plane.advance_all(24 * kHour - 270 * kSecond);
  CHECK(plane.shown("alice") == "not_found: agent alice is not registered");
  CHECK(plane.shown("bob") == "offline");
  plane.advance_all(270 * kSecond);
  CHECK(plane.shown("bob") == "not_found: agent bob is not registered");
  CHECK(plane.stats().registry.total_agents == 0);
}

CONFORMANCE_CASE("three failed probes make an agent failed, two good ones bring it back") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.probe("alice", false);
  CHECK(plane.health_of("alice").status == HealthStatus::degraded);
  plane.probe("alice", false);
  CHECK(plane.shown("alice") == "ready");
  plane.probe("alice", false);
  CHECK(plane.shown("alice") == "failed");
  CHECK(plane.health_of("alice").probe_error == "no answer");
  CHECK_THAT(plane.claims(by("alice")).answer,
             ContainsSubstring("agent alice failed its health check"));
  plane.probe("alice", true);
  CHECK(plane.shown("alice") == "failed");
  plane.probe("alice", true);
  CHECK(plane.shown("alice") == "ready");
  CHECK(plane.new_types() == "agent.registered agent.degraded agent.unhealthy agent.healthy");
}

CONFORMANCE_CASE("a status that a probe changes is told, also when the health stays as it is") {
  Plane plane(kind);
  plane.add(agent("alice"));
  HeartbeatReport report;
  report.health = HealthStatus::unhealthy;
  plane.heartbeat("alice", report);
  CHECK(plane.new_types() == "agent.registered agent.unhealthy");
  for (int i = 0; i < 3; ++i) plane.probe("alice", false);
  std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "agent.status");
  CHECK(events[0].data == R"({"kind":"failed"})");
  SECTION("two good ones") {
    for (int i = 0; i < 2; ++i) plane.probe("alice", true);
  }
  SECTION("the probe is removed") {
    RecordProbe op;
    op.agent_id = "alice";
    op.clear = true;
    CHECK(plane.apply(op) == "ok");
  }
  events = plane.new_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "agent.status");
  CHECK(events[0].data == R"({"kind":"ready"})");
}

CONFORMANCE_CASE("a report of bad health makes an agent unavailable, not unable") {
  Plane plane(kind);
  plane.add(agent("alice"));
  HeartbeatReport report;
  report.health = HealthStatus::unhealthy;
  CHECK(plane.heartbeat("alice", report) == "ok");
  CHECK_FALSE(plane.agent_of("alice").available);
  plane.submit("a");
  CHECK(plane.next("alice") == "a");
  report.health = HealthStatus::unknown;
  CHECK_THAT(plane.heartbeat("alice", report), ContainsSubstring("invalid_argument"));
}

}  // namespace controlplane::conformance
