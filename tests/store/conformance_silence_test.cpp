// What counts as a sign of life of an agent, and what does not.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("who loses a lease that it need not renew is silent only from then on") {
  Plane plane(kind);
  plane.add(agent("alice"));
  TaskSpec spec = task("a");
  SECTION("cancelled by force") {
    plane.submit(spec);
    plane.claim("alice");
    plane.advance_all(100 * kSecond);
    plane.cancel("a", true);
  }
  SECTION("at the end of the cancel grace") {
    plane.submit(spec);
    plane.claim("alice");
    plane.advance_all(70 * kSecond);
    plane.cancel("a");
    plane.advance_all(30 * kSecond);
  }
  SECTION("by the total timeout") {
    spec.total_timeout = seconds(100);
    plane.submit(spec);
    plane.claim("alice");
    plane.advance_all(100 * kSecond);
  }
  SECTION("by reassign_agent_tasks") {
    plane.submit(spec);
    plane.claim("alice");
    plane.advance_all(100 * kSecond);
    plane.reassign("alice");
  }
  plane.advance_all(30 * kSecond - 1);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(1);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a claim at one coordinator does not end the waiting at another") {
  Plane plane(kind);
  plane.add(agent("alice"));
  plane.parks_until = plane.now() + 100 * kSecond;
  plane.next("alice");
  plane.origin = 8;
  SECTION("a claim that waits for less long") { plane.parks_until = plane.now() + 10 * kSecond; }
  SECTION("a claim that does not wait") { plane.parks_until = 0; }
  plane.next("alice");
  plane.advance_all(130 * kSecond - 1);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(1);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("a process that was superseded keeps its successor not alive") {
  Plane plane(kind);
  plane.add(agent("alice"), 1);
  plane.submit("a");
  const ClaimedTask held = plane.claim(renewing("alice"));
  plane.add(agent("alice"), 2);
  for (int i = 0; i < 2; ++i) {
    plane.advance_all(14 * kSecond);
    CHECK(plane.renew(held) ==
          "conflict: task a: already ended by a new registration of its agent");
    CHECK(plane.complete(held) != "ok");
  }
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(2 * kSecond);
  CHECK(plane.shown("alice") == "offline");
}

CONFORMANCE_CASE("the latest deadline of several leases that are not renewed counts") {
  Plane plane(kind);
  plane.add(agent("alice"));
  for (const auto& [id, timeout] : {std::pair{"short", 50}, {"long", 200}, {"middle", 100}}) {
    TaskSpec spec = task(id);
    spec.timeout = seconds(timeout);
    spec.retry.max_retries = 0;
    plane.submit(spec);
    plane.claim("alice");
  }
  for (int i = 0; i < 20; ++i) plane.advance_all(10 * kSecond);
  CHECK(plane.state("long") == "timeout exec");
  plane.advance_all(30 * kSecond - 1);
  CHECK(plane.shown("alice") == "ready");
  plane.advance_all(1);
  CHECK(plane.shown("alice") == "offline");
}

}  // namespace controlplane::conformance
