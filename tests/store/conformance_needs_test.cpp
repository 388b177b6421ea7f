// Tasks that need permits: taken by the claim, ended with the attempt.
#include "base/entropy.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

PoolSpec pool_of(std::string name, std::uint64_t capacity, PoolKind kind = PoolKind::count) {
  PoolSpec spec;
  spec.name = std::move(name);
  spec.kind = kind;
  spec.capacity = capacity;
  return spec;
}

TaskSpec needing(std::string_view id, std::vector<PermitNeed> needs,
                 TaskPriority priority = TaskPriority::normal) {
  TaskSpec spec = task(id);
  spec.needs = std::move(needs);
  spec.priority = priority;
  return spec;
}

}  // namespace

CONFORMANCE_CASE("a claim takes what the task needs, and every end gives it back") {
  Plane plane(kind);
  plane.define(pool_of("calls", 2));
  plane.submit(needing("a", {{"calls", 2}}));
  CHECK(plane.pool("calls").available == 2);
  const ClaimedTask a = plane.claim("alice");
  CHECK(a.details->needs == std::vector<PermitNeed>{{"calls", 2}});
  CHECK(plane.pool("calls").available == 0);
  CHECK(plane.permits_of("calls").at(0).owner == "alice");
  CHECK(plane.permits_of("calls").at(0).expires_at == 0);
  SECTION("complete") { CHECK(plane.complete(a) == "ok"); }
  SECTION("fail") { CHECK(plane.fail(a, FailKind::fatal) == "ok"); }
  SECTION("release") { CHECK(plane.release(a) == "ok"); }
  SECTION("forced cancel") { plane.cancel("a", true); }
  SECTION("execution timeout") { plane.advance_all(301 * kSecond); }
  SECTION("reassign") { plane.reassign("alice"); }
  CHECK(plane.pool("calls").available == 2);
  CHECK(plane.permits_of("calls").empty());
}

CONFORMANCE_CASE("usage settles windows and budgets, no word keeps them, a release gives them back") {
  Plane plane(kind);
  plane.define(pool_of("tokens", 10'000, PoolKind::budget));
  plane.define(pool_of("rate", 10'000, PoolKind::window));
  const std::vector<PermitNeed> needs = {{"tokens", 4'000}, {"rate", 4'000}};
  plane.submit(needing("a", needs));
  plane.submit(needing("b", needs));
  ClaimedTask a = plane.claim("alice");
  CHECK(plane.pool("tokens").available == 6'000);
  plane.used = {{"tokens", 1'000}, {"unknown", 7}};
  CHECK(plane.complete(a) == "ok");
  plane.used.clear();
  CHECK(plane.pool("tokens").available == 9'000);
  CHECK(plane.pool("rate").available == 6'000);  // not named: all of it
  const ClaimedTask b = plane.claim("alice");
  CHECK(plane.release(b) == "ok");
  CHECK(plane.pool("tokens").available == 9'000);
  plane.claims(renewing("alice", 1'000));
  plane.advance_all(2 * kSecond);  // a crash
  CHECK(plane.state("b") == "pending ready");
  CHECK(plane.pool("tokens").available == 5'000);
}

CONFORMANCE_CASE("a task whose pool is short waits, its queue with it, and others go on") {
  Plane plane(kind);
  plane.define(pool_of("calls", 3));
  plane.submit(needing("big", {{"calls", 3}}));
  plane.submit(needing("small", {{"calls", 1}}));
  plane.submit(task("free"));
  plane.acquire("calls", 1, "x");
  const Permit held = plane.permit;
  CHECK(plane.next("alice") == "free");
  CHECK(plane.next("alice").empty());  // small may not overtake big
  CHECK_THAT(plane.obstacles("big"), ContainsSubstring("pool_short calls"));
  CHECK(plane.pool("calls").waiting == 1);
  CHECK(plane.acquire("calls", 1, "y") == "resource_exhausted: pool calls: 1 others wait for it");
  plane.release(held);
  CHECK_THAT(plane.obstacles("big"), !ContainsSubstring("pool_short"));
  const ClaimedTask big = plane.claim("alice");
  CHECK(big.id.str() == "big");
  CHECK(plane.next("alice").empty());
  plane.complete(big);
  CHECK(plane.next("alice") == "small");
}

CONFORMANCE_CASE("who parks hears when a pool has enough, one after the other") {
  Plane plane(kind);
  plane.watch();
  plane.define(pool_of("calls", 2));
  for (const char* id : {"a", "b", "c"}) plane.submit(needing(id, {{"calls", 1}}));
  plane.acquire("calls", 2, "x");
  const Permit held = plane.permit;
  CHECK(plane.next("alice").empty());
  plane.signals();
  plane.submit(needing("d", {{"calls", 1}}));
  CHECK(plane.signals().empty());  // its queue stands in line
  plane.release(held);
  CHECK(plane.signals() == "task_ready x1");
  const ClaimedTask a = plane.claim("alice");
  CHECK(plane.signals() == "task_ready x1");  // there is another one, and room
  const ClaimedTask b = plane.claim("alice");
  CHECK(plane.signals() == "task_ready x1");
  CHECK(plane.next("alice").empty());
  plane.complete(a);
  CHECK(plane.signals() == "task_ready x1");
}

CONFORMANCE_CASE("a window lets tasks through as it slides") {
  Plane plane(kind);
  plane.watch();
  plane.define(pool_of("rate", 100, PoolKind::window));
  plane.submit(needing("a", {{"rate", 100}}));
  plane.submit(needing("b", {{"rate", 50}}));
  plane.complete(plane.claim("alice"));
  CHECK(plane.next("alice").empty());
  plane.signals();
  plane.advance_all(59 * kSecond);
  CHECK(plane.signals().empty());
  plane.advance_all(2 * kSecond);
  CHECK(plane.signals() == "task_ready x1");
  CHECK(plane.next("alice") == "b");
}

CONFORMANCE_CASE("when the first of a queue that stands in line goes or is overtaken, the queue moves") {
  Plane plane(kind);
  plane.define(pool_of("calls", 3));
  plane.acquire("calls", 2, "x");
  plane.submit(needing("big", {{"calls", 3}}));
  plane.submit(needing("small", {{"calls", 1}}));
  CHECK(plane.next("alice").empty());
  SECTION("cancelled") { plane.cancel("big"); }
  SECTION("assigned to somebody else") { plane.assign("big", "bob"); }
  SECTION("a more urgent one") {
    plane.submit(needing("urgent", {{"calls", 1}}, TaskPriority::critical));
    CHECK(plane.next("alice") == "urgent");
    return;
  }
  CHECK(plane.next("alice") == "small");
}

CONFORMANCE_CASE("callers and tasks stand in one line, first come") {
  Plane plane(kind);
  plane.define(pool_of("calls", 1));
  plane.acquire("calls", 1, "x");
  const Permit held = plane.permit;
  plane.submit(needing("a", {{"calls", 1}}));
  CHECK(plane.next("alice").empty());  // the queue stands in line now
  AcquireRequest request;
  request.needs = {{"calls", 1}};
  request.owner = "y";
  request.operation_id = "y1";
  request.wait = seconds(100);
  CHECK(plane.acquire(request) == "waits");
  plane.release(held);
  CHECK(plane.signals().empty());
  SECTION("somebody claims") {
    const ClaimedTask a = plane.claim("alice");
    CHECK(plane.advance_all(kSecond) == 1);
    CHECK(plane.signals().empty());
    plane.complete(a);
    CHECK(plane.signals() == "permit_granted y1");
  }
  SECTION("nobody claims in time") {
    CHECK(plane.advance_all(10 * kMs) == 1);
    CHECK(plane.signals() == "permit_granted y1");
    CHECK(plane.next("alice").empty());
    plane.withdraw("y1");
    plane.release(plane.permit);
    CHECK(plane.next("alice") == "a");
  }
}

CONFORMANCE_CASE("several pools are taken all or none by a claim") {
  Plane plane(kind);
  plane.define(pool_of("a", 1));
  plane.define(pool_of("b", 1));
  plane.submit(needing("both", {{"b", 1}, {"a", 1}}));
  plane.acquire("b", 1, "x");
  const Permit held = plane.permit;
  CHECK(plane.next("alice").empty());
  CHECK(plane.pool("a").available == 1);
  plane.release(held);
  CHECK(plane.next("alice") == "both");
  CHECK(plane.pool("a").available == 0);
  CHECK(plane.pool("b").available == 0);
}

CONFORMANCE_CASE("a batch of claims takes as much as there is") {
  Plane plane(kind);
  plane.define(pool_of("calls", 3));
  for (int i = 0; i < 5; ++i) plane.submit(needing("t" + std::to_string(i), {{"calls", 1}}));
  CHECK(plane.claims(many("alice", 10)).ids() == "t0 t1 t2");
}

CONFORMANCE_CASE("needs are checked at submit, and pools stay while tasks need them") {
  Plane plane(kind);
  CHECK(plane.try_submit(needing("a", {{"none", 1}})).answer ==
        "not_found: needs: there is no pool none");
  plane.define(pool_of("calls", 3));
  CHECK(plane.try_submit(needing("a", {{"calls", 4}})).answer ==
        "invalid_argument: needs: pool calls never has 4 at once; its capacity is 3");
  plane.submit(needing("a", {{"calls", 3}}));
  CHECK_THAT(plane.remove_pool("calls"), ContainsSubstring("1 tasks need it"));
  plane.fail(plane.claim("alice"), FailKind::fatal);
  CHECK(plane.remove_pool("calls") == "removed");
  CHECK_THAT(plane.replay("a", "op").answer, ContainsSubstring("there is no pool calls"));
  plane.define(pool_of("calls", 3));
  CHECK(plane.replay("a", "op").answer == "ok");
  CHECK(plane.get(plane.replay("a", "op").id).details->needs.size() == 1);
}

CONFORMANCE_CASE("a permit of an attempt ends with it and with nothing else") {
  Plane plane(kind);
  plane.define(pool_of("calls", 1));
  plane.submit(needing("a", {{"calls", 1}}));
  const ClaimedTask a = plane.claim("alice");
  const Permit permit = plane.permits_of("calls").at(0);
  CHECK_THAT(plane.release(permit), ContainsSubstring("not_found"));
  plane.advance_all(100 * kSecond);
  CHECK(plane.permits_of("calls").size() == 1);
  CHECK(plane.complete(a) == "ok");
}

CONFORMANCE_CASE("tasks, permits and pools in whatever order: nothing is lost, every task ends") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    Plane plane(kind);
    if (seed % 2 == 0) plane.watch();
    SeededEntropy dice(seed);
    const auto below = [&](std::uint64_t n) { return dice.next() % n; };
    plane.define(pool_of("c", 3));
    plane.define(pool_of("w", 20, PoolKind::window));
    plane.define(pool_of("b", 100'000, PoolKind::budget));
    std::vector<ClaimedTask> held;
    std::vector<Permit> permits;
    int made = 0;
    for (int i = 0; i < 300; ++i) {
      const std::string any = "t" + std::to_string(below(static_cast<std::uint64_t>(made) + 1));
      switch (below(12)) {
        case 0: case 1: case 2: {
          TaskSpec spec = needing("t" + std::to_string(made), {},
                                  static_cast<TaskPriority>(below(4)));
          if (below(4) != 0) spec.needs.push_back({"c", 1 + below(3)});
          if (below(2) != 0) spec.needs.push_back({"w", 1 + below(10)});
          if (below(2) != 0) spec.needs.push_back({"b", 1 + below(10)});
          if (below(5) == 0) spec.agent_id = "a1";
          if (below(6) == 0) spec.queue_timeout = seconds(1 + below(30));
          if (below(4) == 0) {
            spec.concurrency_key = "k";
            spec.concurrency_limit = 1;
          }
          if (plane.try_submit(spec).answer == "ok") ++made;
          break;
        }
        case 3: case 4: case 5: {
          ClaimRequest request = by("a" + std::to_string(1 + below(2)));
          request.max_tasks = static_cast<std::uint32_t>(1 + below(3));
          if (below(2) == 0) request.lease_ttl = seconds(1 + below(30));
          for (ClaimedTask& one : plane.claims(request).tasks) held.push_back(std::move(one));
          break;
        }
        case 6: case 7:
          if (held.empty()) break;
          if (below(3) == 0) plane.used = {{"w", below(12)}, {"b", below(12)}};
          switch (below(4)) {
            case 0: plane.fail(held.back()); break;
            case 1: plane.release(held.back()); break;
            default: plane.complete(held.back()); break;
          }
          plane.used.clear();
          held.pop_back();
          break;
        case 8:
          if (plane.acquire("c", 1, "x") == "ok") permits.push_back(plane.permit);
          break;
        case 9:
          if (permits.empty()) break;
          plane.release(permits.back());
          permits.pop_back();
          break;
        case 10:
          below(2) == 0 ? plane.cancel(TaskId(any), below(2) == 0)
                        : plane.assign(TaskId(any), below(2) == 0 ? "" : "a1");
          break;
        default:
          if (below(3) == 0) plane.define(pool_of("c", 3 + below(2)));
          plane.pass(static_cast<std::int64_t>(below(10)) * kSecond);
          plane.advance();
          break;
      }
    }
    for (int round = 0; round < 400; ++round) {
      const SchedulerStats stats = plane.stats().scheduler;
      if (stats.pending_tasks + stats.claimed_tasks + stats.running_tasks == 0) break;
      plane.advance_all(40 * kSecond);
      for (const ClaimedTask& one : plane.claims(many("a1", 50)).tasks) plane.complete(one);
    }
    TaskFilter filter;
    filter.state = TaskState::pending;
    for (const Task& left : plane.list(filter).items) {
      FAIL_CHECK(left.id << " is left: " << plane.explain(left.id).to_string());
    }
    plane.advance_all(kHour);
    CHECK(plane.pool("c").available == plane.pool("c").spec.capacity);
    CHECK(plane.pool("w").available == 20);
  }
}

CONFORMANCE_CASE("a task that is next by weight is claimed, whoever came before it") {
  Plane plane(kind);
  PoolSpec calls = pool_of("calls", 2);
  calls.weights = {{"gold", 1}};
  plane.define(calls);
  plane.acquire("calls", 2, "gold");
  const Permit held = plane.permit;
  AcquireRequest more;
  more.needs = {{"calls", 1}};
  more.owner = "gold";
  more.wait = seconds(600);
  more.operation_id = "more";
  CHECK(plane.acquire(more) == "waits");
  plane.submit(needing("a", {{"calls", 1}}));
  CHECK(plane.next("alice").empty());
  plane.release(held);
  CHECK(plane.next("alice") == "a");
  plane.advance_all(kSecond);
  CHECK(plane.withdraw("more") == "ok");
}

CONFORMANCE_CASE("a task that needs more than a lowered window sleeps until it is raised") {
  Plane plane(kind);
  plane.define(pool_of("rate", 10, PoolKind::window));
  plane.submit(needing("a", {{"rate", 8}}));
  plane.acquire("rate", 10, "x");
  CHECK(plane.next("alice").empty());
  plane.define(pool_of("rate", 5, PoolKind::window));
  std::uint32_t acted = 0;
  for (int i = 0; i < 100; ++i) acted += plane.advance_all(kMs);
  CHECK(acted <= 1);
  plane.advance_all(100 * kSecond);
  CHECK(plane.next("alice").empty());
  plane.define(pool_of("rate", 10, PoolKind::window));
  CHECK(plane.next("alice") == "a");
}

CONFORMANCE_CASE("a lease that a task needed goes with the last that needs it") {
  Plane plane(kind);
  AcquireRequest lease;
  lease.needs = {{"db", 1}};
  lease.owner = "x";
  CHECK(plane.acquire(lease, true) == "ok");
  const Permit held = plane.permit;
  plane.submit(needing("a", {{"db", 1}}));
  SECTION("claimed") {
    plane.release(held);
    plane.complete(plane.claim("alice"));
  }
  SECTION("cancelled in line") {
    CHECK(plane.next("alice").empty());
    plane.release(held);
    plane.cancel("a");
  }
  SECTION("cancelled before it was") {
    plane.release(held);
    plane.cancel("a");
  }
  CHECK(plane.list_pools("").items.empty());
}

}  // namespace controlplane::conformance
