// Who may end an attempt, and what everybody else is told.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;

// How a lease of "alice" on task "t" ended, what its holder is told, and the state it left.
struct Ender {
  const char* name;
  void (*end)(Plane&, const ClaimedTask&);
  const char* how;
  const char* state;
  const char* duplicate = "";  // the operation that is this very end, repeated
};

const Ender kEnders[] = {
    {"complete", [](Plane& p, const ClaimedTask& t) { p.complete(t); }, "completed", "completed",
     "complete"},
    {"fail retryable", [](Plane& p, const ClaimedTask& t) { p.fail(t); }, "failed", "pending ready",
     "fail retryable"},
    {"fail fatal", [](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::fatal); }, "failed",
     "failed fatal", "fail fatal"},
    {"fail rate limited", [](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::rate_limited); },
     "failed", "pending ready", "fail rate limited"},
    {"release", [](Plane& p, const ClaimedTask& t) { p.release(t); }, "released", "pending ready",
     "release"},
    {"forced cancel", [](Plane& p, const ClaimedTask&) { p.cancel("t", true); }, "cancelled",
     "cancelled"},
    {"cancel grace",
     [](Plane& p, const ClaimedTask&) {
       p.cancel("t");
       p.advance_all(30 * kSecond);
     },
     "cancelled", "cancelled"},
    {"lease expiry", [](Plane& p, const ClaimedTask&) { p.advance_all(60 * kSecond); },
     "expired: its lease was not renewed", "pending ready"},
    {"exec timeout",
     [](Plane& p, const ClaimedTask& t) {
       p.pass(50 * kSecond);
       p.renew(t);
       p.advance_all(50 * kSecond);
     },
     "ended by its execution timeout", "pending ready"},
    {"total timeout", [](Plane& p, const ClaimedTask&) { p.advance_all(40 * kSecond); },
     "ended by the task's total timeout", "timeout total"},
    {"reassign", [](Plane& p, const ClaimedTask&) { p.reassign("alice"); },
     "released by reassign_agent_tasks", "pending ready"},
    {"unregister", [](Plane& p, const ClaimedTask&) { p.remove("alice"); },
     "released by unregister_agent", "pending ready"},
    {"new incarnation", [](Plane& p, const ClaimedTask&) { p.add(agent("alice"), 2); },
     "ended by a new registration of its agent", "pending ready"},
};

struct Late {
  const char* name;
  std::string (*call)(Plane&, const ClaimedTask&);
  const char* ended_as = "";  // an end of the attempt: its kind in the answer
};

const Late kLate[] = {
    {"complete", [](Plane& p, const ClaimedTask& t) { return p.complete(t); }, "completed"},
    {"fail retryable", [](Plane& p, const ClaimedTask& t) { return p.fail(t); }, "failed"},
    {"fail fatal", [](Plane& p, const ClaimedTask& t) { return p.fail(t, FailKind::fatal); },
     "failed"},
    {"fail rate limited",
     [](Plane& p, const ClaimedTask& t) { return p.fail(t, FailKind::rate_limited); }, "failed"},
    {"release", [](Plane& p, const ClaimedTask& t) { return p.release(t); }, "released"},
    {"start", [](Plane& p, const ClaimedTask& t) { return p.start(t); }},
    {"renew", [](Plane& p, const ClaimedTask& t) { return p.renew(t); }},
    {"progress", [](Plane& p, const ClaimedTask& t) { return p.progress(t); }},
};

std::string expected(const Ender& ender, const Late& late) {
  if (std::string_view(ender.duplicate) == late.name) return "duplicate";
  std::string text = std::string("conflict: task t: already ") + ender.how;
  if (late.ended_as[0] == 0) return text;
  text += " (attempt 1)";
  return text + (std::string_view(ender.how) == late.ended_as ? ", with other content" : "");
}

TaskSpec spec_for(const Ender& ender) {
  TaskSpec spec = task("t");
  spec.timeout = std::chrono::seconds(100);
  if (std::string_view(ender.name) == "total timeout")
    spec.total_timeout = std::chrono::seconds(40);
  return spec;
}

// Calls `check` with a plane on which the lease ended so; twice where the task can be claimed
// again.
template <class Check>
void for_each_end(const Kind& kind, Check&& check) {
  for (const Ender& ender : kEnders) {
    for (const bool again : {false, true}) {
      if (again && std::string_view(ender.state) != "pending ready") continue;
      Plane plane(kind);
      plane.add(agent("alice"));
      plane.submit(spec_for(ender));
      const ClaimedTask held = plane.claim(renewing("alice", 60'000));
      ender.end(plane, held);
      INFO("ended by " << ender.name << (again ? ", claimed again since" : ""));
      CHECK(plane.state("t") == ender.state);
      if (again) CHECK(plane.claim("bob").attempt == 2);
      check(plane, ender, held, again);
    }
  }
}

}  // namespace

CONFORMANCE_CASE(
    "whoever is late with an ended lease hears how it ended, or that it is a duplicate") {
  for (const Late& late : kLate) {
    for_each_end(kind, [&](Plane& plane, const Ender& ender, const ClaimedTask& held, bool again) {
      INFO("late: " << late.name);
      CHECK(late.call(plane, held) == expected(ender, late));
      CHECK(late.call(plane, held) == expected(ender, late));
      CHECK(plane.state("t") == (again ? "claimed" : ender.state));
    });
  }
}

CONFORMANCE_CASE("cancel, assign and replay see the state that the end of the lease left") {
  for_each_end(kind, [&](Plane& plane, const Ender& ender, const ClaimedTask&, bool again) {
    const std::string state = again ? "claimed" : ender.state;
    const std::string plain = state.substr(0, state.find(' '));
    const bool pending = plain == "pending", dead = plain == "failed" || plain == "timeout";
    const std::string it_is = "failed_precondition: task t: it is " + plain;
    CHECK(plane.assign("t", "carol") ==
          (pending ? "ok" : it_is + "; only a pending task can be assigned"));
    const std::string replayed = plane.replay("t", "op-1").answer;
    CHECK(replayed == (dead ? "ok" : it_is + "; only failed and timeout tasks can be replayed"));
    if (plain == "cancelled" || pending) {
      CHECK(plane.cancel("t") == "ok: cancelled");
    } else if (again) {
      CHECK(plane.cancel("t") == "ok: claimed");
    } else {
      CHECK(plane.cancel("t") == "conflict: task t: it ended as " + plain);
    }
  });
}

CONFORMANCE_CASE("a forced cancel sees the state that the end of the lease left") {
  for_each_end(kind, [&](Plane& plane, const Ender&, const ClaimedTask&, bool) {
    const std::string state = plane.state("t");
    const std::string plain = state.substr(0, state.find(' '));
    const bool ended = plain == "completed" || plain == "failed" || plain == "timeout";
    CHECK(plane.cancel("t", true) ==
          (ended ? "conflict: task t: it ended as " + plain : "ok: cancelled"));
  });
}

CONFORMANCE_CASE("a completion that is late but before advance is accepted") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim(renewing("alice", 1'000));
  plane.pass(10 * kSecond);
  CHECK(plane.complete(held) == "ok");
  CHECK(plane.state("a") == "completed");
}

CONFORMANCE_CASE("a due hard deadline ends the lease before any late call is heard") {
  Plane plane(kind);
  TaskSpec exec = task("exec"), total = task("total");
  exec.timeout = std::chrono::seconds(5);
  total.total_timeout = std::chrono::seconds(5);
  plane.submit(exec);
  plane.submit(total);
  plane.submit("grace");
  const ClaimedTask a = plane.claim("alice"), b = plane.claim("alice"), c = plane.claim("alice");
  plane.cancel("grace");
  plane.pass(30 * kSecond);  // and no advance
  CHECK_THAT(plane.complete(a), ContainsSubstring("already ended by its execution timeout"));
  CHECK_THAT(plane.complete(b), ContainsSubstring("already ended by the task's total timeout"));
  CHECK_THAT(plane.complete(c), ContainsSubstring("already cancelled"));
  CHECK(plane.state("exec") == "pending ready");
  CHECK(plane.state("total") == "timeout total");
  CHECK(plane.state("grace") == "cancelled");
}

CONFORMANCE_CASE("every operation applies due hard deadlines first") {
  struct Touch {
    const char* name;
    std::string (*call)(Plane&, const ClaimedTask&);
    const char* answer;
  };
  const char* const late = "already ended by its execution timeout";
  const Touch touches[] = {
      {"start", [](Plane& p, const ClaimedTask& t) { return p.start(t); }, late},
      {"renew", [](Plane& p, const ClaimedTask& t) { return p.renew(t); }, late},
      {"progress", [](Plane& p, const ClaimedTask& t) { return p.progress(t); }, late},
      {"fail", [](Plane& p, const ClaimedTask& t) { return p.fail(t); }, late},
      {"release", [](Plane& p, const ClaimedTask& t) { return p.release(t); }, late},
      {"cancel", [](Plane& p, const ClaimedTask& t) { return p.cancel(t.id); }, "ok: cancelled"},
      {"assign", [](Plane& p, const ClaimedTask& t) { return p.assign(t.id, "bob"); }, "ok"},
      {"reassign", [](Plane& p, const ClaimedTask&) { return p.reassign("alice"); }, "ok: 0"},
      {"unregister", [](Plane& p, const ClaimedTask&) { return p.remove("alice"); }, "ok"},
      {"register", [](Plane& p, const ClaimedTask&) { return p.add(agent("alice"), 2); }, "ok"},
  };
  for (const Touch& touch : touches) {
    DYNAMIC_SECTION(touch.name) {
      Plane plane(kind);
      plane.add(agent("alice"));
      TaskSpec spec = task("a");
      spec.timeout = std::chrono::seconds(5);
      plane.submit(spec);
      const ClaimedTask held = plane.claim("alice");
      plane.pass(5 * kSecond);  // and no advance
      CHECK_THAT(touch.call(plane, held), ContainsSubstring(touch.answer));
      CHECK(plane.get("a").failures == 1);
      CHECK(plane.get("a").crashes == 0);
      CHECK(plane.stats().scheduler.releases_total == 0);
    }
  }
}

CONFORMANCE_CASE("what comes too late is counted") {
  Plane plane(kind);
  plane.submit("a");
  const auto stale = [&] { return plane.stats().scheduler.stale_total; };
  const ClaimedTask first = plane.claim("alice");
  plane.release(first);
  CHECK(plane.release(first) == "duplicate");
  CHECK(stale() == 0);
  plane.complete(first);  // the last ended attempt, otherwise
  CHECK(stale() == 1);
  plane.renew(first);
  CHECK(stale() == 2);
  plane.release(plane.claim("bob"));
  plane.complete(first);  // an older one
  CHECK(stale() == 3);
  plane.complete(Holder("a", "carol"));  // who never had it
  CHECK(stale() == 4);
}

CONFORMANCE_CASE("a duplicate is known after the task was claimed again, an older token is stale") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask first = plane.claim("alice");
  CHECK(plane.fail(first) == "ok");
  const ClaimedTask second = plane.claim("bob");
  CHECK(plane.fail(first) == "duplicate");
  CHECK(plane.fail(first, FailKind::retryable, 0, "other") ==
        "conflict: task a: already failed (attempt 1), with other content");
  CHECK(plane.fail(second) == "ok");
  CHECK(plane.fail(first) ==
        "conflict: task a: stale lease: attempt 2 was the last, the task is pending; yours was "
        "attempt 1");
  const ClaimedTask third = plane.claim("carol");
  CHECK(plane.renew(first) ==
        "conflict: task a: stale lease: lease held by carol (attempt 3); yours was attempt 1");
  CHECK(plane.complete(third) == "ok");
  CHECK(plane.stats().scheduler.duplicates_total == 1);
}

CONFORMANCE_CASE("a made-up lease is refused") {
  Plane plane(kind);
  plane.submit("a");
  ClaimedTask fake;
  fake.id = "a";
  fake.lease = Lease(1, 99);
  CHECK(plane.complete(fake) ==
        "conflict: task a: stale lease: it was never claimed; yours was attempt 1");
  const ClaimedTask held = plane.claim("alice");
  fake.lease = Lease(1, held.lease.nonce() ^ 2);
  CHECK_THAT(plane.complete(fake), ContainsSubstring("lease held by alice (attempt 1)"));
  CHECK(plane.complete(held) == "ok");
}

CONFORMANCE_CASE("of many completions exactly one is accepted") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  CHECK(plane.complete(held, "1") == "ok");
  for (int i = 0; i < 5; ++i) CHECK(plane.complete(held, "1") == "duplicate");
  CHECK_THAT(plane.complete(held, "2"), ContainsSubstring("with other content"));
  CHECK(plane.get("a").result == "1");
  CHECK(plane.new_types() == "task.submitted task.claimed task.completed");
}

// --- calls that give no lease --------------------------------------------------------------------

CONFORMANCE_CASE("without a lease the agent's own current attempt counts") {
  Plane plane(kind);
  plane.submit("a");
  plane.claim("alice");
  const Holder alice("a", "alice");
  CHECK(plane.start(alice) == "ok");
  CHECK(plane.renew(alice) == "ok");
  CHECK(plane.complete(alice) == "ok");
  CHECK(plane.complete(alice) == "duplicate");
  CHECK_THAT(plane.complete(Holder("a", "bob")), ContainsSubstring("stale lease"));
}

CONFORMANCE_CASE("without a lease nobody ends another agent's attempt") {
  Plane plane(kind);
  plane.submit("a");
  plane.claim("alice");
  CHECK(plane.complete(Holder("a", "bob")) ==
        "conflict: task a: stale lease: lease held by alice (attempt 1)");
  CHECK(plane.state("a") == "claimed");
}

CONFORMANCE_CASE("without a lease a coordinator means the attempt that it handed out itself") {
  Plane plane(kind);
  plane.submit("a");
  plane.origin = 1;
  plane.claim(renewing("alice", 1'000));
  plane.advance_all(kSecond);  // it expires, and the agent claims the task at another coordinator
  plane.origin = 2;
  plane.claim(renewing("alice", 60'000));
  plane.origin = 1;
  CHECK_THAT(plane.complete(Holder("a", "alice")), ContainsSubstring("already expired"));
  CHECK(plane.state("a") == "claimed");
  plane.origin = 3;  // handed out nothing: the weaker check
  CHECK(plane.complete(Holder("a", "alice")) == "ok");
}

CONFORMANCE_CASE("require_lease forbids the weaker check") {
  Plane plane(kind);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.require_lease = true;
  const Holder alice("a", "alice");
  CHECK(plane.complete(alice) ==
        "invalid_argument: task a: require_lease is on: agent_id alone does not name the attempt");
  for (const std::string& answer : {plane.start(alice), plane.renew(alice), plane.progress(alice)}) {
    CHECK_THAT(answer, ContainsSubstring("require_lease is on"));
  }
  CHECK(plane.state("a") == "claimed");
  CHECK(plane.complete(held) == "ok");
}

CONFORMANCE_CASE("neither lease nor agent names no attempt") {
  Plane plane(kind);
  plane.submit("a");
  plane.claim("alice");
  const std::string answer =
      "invalid_argument: task a: neither lease nor agent_id names the attempt";
  CHECK(plane.complete(Holder("a", "")) == answer);
  CHECK(plane.fail(Holder("a", "")) == answer);
  CHECK(plane.start(Holder("a", "")) == answer);
  CHECK(plane.state("a") == "claimed");
}

CONFORMANCE_CASE("a pending task of nobody cannot be ended by an agent's name") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.complete(Holder("a", "alice")) ==
        "conflict: task a: stale lease: it was never claimed");
  CHECK(plane.state("a") == "pending ready");
}

}  // namespace controlplane::conformance
