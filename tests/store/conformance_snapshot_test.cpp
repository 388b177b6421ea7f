// Exports and imports: what is exported is the state at the beginning, whatever happens meanwhile,
// and what is imported goes on as the original would have.
#include "engine/engine_audit.hpp"
#include "store/snapshot_rows.hpp"
#include "store/walk.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;

NamespaceOptions options_of(std::uint64_t seed) {
  NamespaceOptions options;
  if (seed % 2 == 0) options.ageing_interval_us = 10 * kSecond;
  if (seed % 3 == 0) options.limits.max_events = 40;
  if (seed % 5 == 0) options.limits.max_queues = 3;
  if (seed % 4 == 0) {
    options.retention.max_age = std::chrono::minutes(2);
    options.retention.key_age = std::chrono::minutes(3);
  }
  return options;
}

// The first two rows have their place, the others any order.
std::string first_difference(Rows a, Rows b) {
  std::sort(a.begin() + 2, a.end());
  std::sort(b.begin() + 2, b.end());
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string one = i < a.size() ? a[i] : "nothing",
                      other = i < b.size() ? b[i] : "nothing";
    if (one != other) return one + "\n" + other;
  }
  return {};
}

// Everything of every kind.
void fill(Plane& plane) {
  plane.define({"count", PoolKind::count, 2});
  plane.define({"window", PoolKind::window, 9});
  PoolSpec number{"number", PoolKind::number};
  number.first = 1;
  number.last = 4;
  plane.define(number);
  plane.acquire("number", 2, "holder");
  AcquireRequest waiting;
  waiting.needs = {{"number", 4}};
  waiting.owner = "patient";
  waiting.operation_id = "wait";
  waiting.wait = std::chrono::seconds(100);
  plane.acquire(waiting);
  AgentSpec worker = agent("worker", {"code"}, 4);
  worker.metadata = R"({"a": [1, 2]})";
  worker.labels = {{"zone", "\"b\"\n"}};
  worker.model = "m\xc3\xb6";
  plane.add(worker, 5);
  plane.submit("parent");
  plane.submit(child("child", {TaskId("parent")}));
  TaskSpec needy = task("needy", {"code"});
  needy.needs = {{"count", 1}, {"window", 3}};
  needy.payload = "{\"multi\":\n\"line\"}";
  needy.labels = {{"k", "v"}};
  plane.submit(needy);
  TaskSpec keyed = task("");
  keyed.idempotency_key = "key";
  keyed.concurrency_key = "one";
  keyed.concurrency_limit = 1;
  plane.submit(keyed);
  plane.put("doc", " [1]\n");
  plane.put("doc2", R"("x")", PutOptions{{}, std::chrono::seconds(60), "op"});
}

}  // namespace

CONFORMANCE_CASE("an export tells the state at its beginning, whatever happens meanwhile") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    const NamespaceOptions options = options_of(seed);
    Walk walk(kind, options, seed, true);
    for (int i = 0; i < 250; ++i) walk.step();
    const Timestamp cut = walk.plane().now();
    const Rows still = export_rows(walk.plane());
    walk.be_brisk();
    const Rows moving = export_rows(walk.plane(), 1, [&] { walk.step(); });
    CHECK(first_difference(still, moving) == "");
    auto made = import_rows(moving, options, cut);
    INFO((made ? std::string() : made.error().to_string()));
    REQUIRE(made);
    for (const std::string& broken : EngineAudit::check(**made)) FAIL_CHECK(broken);
    Plane other(kind, options);
    other.pass(cut - other.now());
    REQUIRE(adopt(other, made->get()) == "ok");
    CHECK(first_difference(still, export_rows(other)) == "");
    other.advance_all(kMinute);
    other.advance_all(kHour);
  }
}

CONFORMANCE_CASE("what was imported goes on as the original does") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    const NamespaceOptions options = options_of(seed);
    Walk stays(kind, options, seed, true), moves(kind, options, seed, true);
    stays.be_punctual();
    moves.be_punctual();
    for (int i = 0; i < 250; ++i) {
      stays.step();
      moves.step();
    }
    const Rows rows = export_rows(stays.plane());
    REQUIRE(rows == export_rows(moves.plane()));
    auto made = import_rows(rows, options, moves.plane().now());
    INFO((made ? std::string() : made.error().to_string()));
    REQUIRE(made);
    REQUIRE(moves.plane().move_to(made->get()) == "ok");
    // Who stands in a line is looked at once, and those that were called get their head start anew.
    stays.plane().advance_all(kSecond);
    moves.plane().advance_all(kSecond);
    for (int i = 0; i < 100; ++i) {
      stays.step();
      moves.step();
    }
    stays.plane().list_pools("");  // windows move when somebody looks
    moves.plane().list_pools("");
    CHECK(first_difference(export_rows(stays.plane()), export_rows(moves.plane())) == "");
  }
}

CONFORMANCE_CASE("the order of rows does not matter") {
  Plane plane(kind);
  fill(plane);
  plane.claims(many("worker", 2));
  Rows rows = export_rows(plane);
  const auto events = std::stable_partition(rows.begin(), rows.end(),
                                            [](const std::string& row) {
                                              return !row.starts_with("{\"row\":\"event\"");
                                            }) -
                      rows.begin();  // these are a sequence
  SeededEntropy random(3);
  for (int round = 0; round < 20; ++round) {
    for (auto i = static_cast<std::uint64_t>(events) - 1; i > 2; --i) {
      std::swap(rows[i], rows[2 + random.next() % (i - 1)]);
    }
    auto made = import_rows(rows, {}, plane.now());
    INFO((made ? std::string() : made.error().to_string()));
    REQUIRE(made);
    for (const std::string& broken : EngineAudit::check(**made)) FAIL_CHECK(broken);
  }
}

CONFORMANCE_CASE("leases, claims, keys, permits and lines go on after an import") {
  Plane plane(kind);
  fill(plane);
  ClaimRequest request = many("worker", 2);
  request.claim_id = "claim";
  const Claimed held = plane.claims(request);
  REQUIRE(held.tasks.size() == 2);
  const Permit permit = plane.permit;
  auto made = import_rows(export_rows(plane), {}, plane.now());
  REQUIRE(made);
  Plane other(kind);
  REQUIRE(adopt(other, made->get()) == "ok");
  CHECK(other.claims(request).ids() == held.ids());
  CHECK(other.start(held.tasks[0]) == "ok");
  CHECK(other.complete(held.tasks[0]) == "ok");
  CHECK(other.complete(held.tasks[0]) == "duplicate");
  CHECK(other.fail(held.tasks[1]) == "ok");
  CHECK_THAT(other.complete(held.tasks[1]), ContainsSubstring("already failed"));
  CHECK(other.state("parent") == "completed");
  other.advance_all();
  CHECK(other.state("child") == "pending ready");
  TaskSpec keyed = task("");
  keyed.idempotency_key = "key";
  CHECK(other.try_submit(keyed).answer == "duplicate");
  CHECK(other.document("doc")->value == " [1]\n");
  CHECK(other.put("doc2", R"("x")", PutOptions{{}, {}, "op"}) == "ok: 1");
  CHECK(other.pool("number").waiting == 1);
  CHECK(other.release(permit) == "ok");
  CHECK(other.withdraw("wait") == "ok");
  CHECK(other.permit.owner == "patient");
  CHECK(other.permit.fence > permit.fence);
  CHECK(other.get("needy").payload == "{\"multi\":\n\"line\"}");
  CHECK(other.read_events(0, 1000).last_seq > plane.read_events(0, 1000).last_seq);
  const Agent worker = other.agent_of("worker");
  CHECK(worker.labels == Labels{{"zone", "\"b\"\n"}});
  CHECK(worker.model == "m\xc3\xb6");
  CHECK(worker.incarnation == 5);
}

CONFORMANCE_CASE("what holders could not do meanwhile they may still do; other deadlines stay") {
  Plane plane(kind);
  plane.add(agent("a"));
  TaskSpec waiting = task("waiting");
  waiting.queue_timeout = std::chrono::seconds(100);
  TaskSpec bounded = task("bounded");
  bounded.total_timeout = std::chrono::seconds(100);
  plane.submit("held");
  const ClaimedTask held = plane.claim(renewing("a", 10'000));
  plane.submit(bounded);
  plane.submit(waiting);
  plane.define({"p", PoolKind::count, 1});
  plane.acquire("p", 1, "o");
  const Permit permit = plane.permit;
  plane.put("d", "1", PutOptions{{}, std::chrono::seconds(50), {}});
  const Rows rows = export_rows(plane);
  Plane other(kind);
  other.pass(plane.now() - other.now() + kHour);
  auto made = import_rows(rows, {}, other.now());
  REQUIRE(made);
  REQUIRE(adopt(other, made->get()) == "ok");
  CHECK(other.document("d") == std::nullopt);
  other.advance_all();
  CHECK(other.state("held") == "claimed");
  CHECK(other.state("bounded") == "timeout total");
  CHECK(other.state("waiting") == "timeout queue");
  CHECK(other.shown("a") == "ready");
  CHECK(other.renew(held) == "ok");
  CHECK(other.renew_permit(permit, kMinute) == "ok");
  other.pass(29 * kSecond);
  other.advance_all();
  CHECK(other.state("held") == "claimed");
  other.pass(2 * kSecond);
  other.advance_all();
  CHECK(other.state("held") == "pending ready");
}

CONFORMANCE_CASE("an import that takes long gives holders their time when it is over") {
  Plane plane(kind);
  plane.add(agent("a"));
  plane.submit("held");
  const ClaimedTask held = plane.claim(renewing("a", 10'000));
  plane.define({"p", PoolKind::count, 1});
  plane.acquire("p", 1, "o");
  const Permit permit = plane.permit;
  const Rows rows = export_rows(plane);
  Plane other(kind);
  const Timestamp begun = plane.now();
  other.pass(begun - other.now() + kHour);
  for (const Timestamp clock : {begun, begun - kMinute}) {  // also one that was behind
    auto made = import_rows(rows, {}, clock, other.now());
    REQUIRE(made);
    Plane later(kind);
    later.pass(other.now() - later.now());
    REQUIRE(adopt(later, made->get()) == "ok");
    later.pass(29 * kSecond);
    later.advance_all();
    CHECK(later.state("held") == "claimed");
    CHECK(later.shown("a") == "ready");
    CHECK(later.renew_permit(permit, kMinute) == "ok");
    CHECK(later.renew(held) == "ok");
  }
  // The clock is behind: nobody knows how long it took.
  auto made = import_rows(rows, {}, begun - kMinute, begun - kMinute);
  REQUIRE(made);
  Plane behind(kind);
  REQUIRE(adopt(behind, made->get()) == "ok");
  behind.pass(begun - behind.now() + 29 * kSecond);
  behind.advance_all();
  CHECK(behind.state("held") == "claimed");
}

CONFORMANCE_CASE("a queue that was called and has not claimed keeps its place in line") {
  Plane plane(kind);
  plane.define({"p", PoolKind::count, 1});
  plane.acquire("p", 1, "o");
  const Permit permit = plane.permit;
  TaskSpec needy = task("needy", {"code"});
  needy.needs = {{"p", 1}};
  plane.submit(needy);
  CHECK(plane.claims(by("a", {"code"})).ids() == "");
  plane.release(permit);  // it may be claimed now, and is not
  plane.acquire("p", 1, "quick");
  const Permit quick = plane.permit;
  AcquireRequest late;
  late.needs = {{"p", 1}};
  late.owner = late.operation_id = "late";
  late.wait = std::chrono::seconds(100);
  CHECK(plane.acquire(late) == "waits");
  auto made = import_rows(export_rows(plane), {}, plane.now());
  INFO((made ? std::string() : made.error().to_string()));
  REQUIRE(made);
  for (const std::string& broken : EngineAudit::check(**made)) FAIL_CHECK(broken);
  REQUIRE(plane.move_to(made->get()) == "ok");
  CHECK(plane.claims(by("a", {"code"})).ids() == "");
  plane.release(quick);
  CHECK(plane.claims(by("a", {"code"})).ids() == "needy");
}

CONFORMANCE_CASE("permits of attempts are not counted as those of callers") {
  NamespaceOptions options;
  options.limits.max_permits = 1;
  Plane plane(kind, options);
  plane.define({"p", PoolKind::count, 9});
  for (const char* id : {"a", "b"}) {
    TaskSpec needy = task(id);
    needy.needs = {{"p", 1}};
    plane.submit(needy);
    plane.claim("worker");
  }
  CHECK(plane.acquire("p", 1, "caller") == "ok");
  auto made = import_rows(export_rows(plane), options, plane.now());
  INFO((made ? std::string() : made.error().to_string()));
  CHECK(made);
}

CONFORMANCE_CASE("who only reads puts nothing aside") {
  NamespaceOptions options;
  options.limits.max_export_aside_bytes = 8'192;
  Plane plane(kind, options);
  plane.add(agent("a"));
  for (int i = 0; i < 200; ++i) {
    plane.submit("t" + std::to_string(i));
    plane.put("d" + std::to_string(i));
  }
  Rows head;
  REQUIRE(begin_export(plane, "one", head) == "ok");
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i);
    plane.get("t" + number);
    plane.explain("t" + number);
    plane.document("d" + number);
    plane.put_at("d" + number, 7);
  }
  plane.agent_of("a");
  plane.health_of("a");
  CHECK(read_export(plane, "one", 1 << 20, [] {}).size() > 400);
  end_export(plane, "one");
}

CONFORMANCE_CASE("a log goes into an export as it was, trimmed, appended to or removed since") {
  Plane plane(kind);
  for (int i = 0; i < 50; ++i) {
    for (const char* log : {"kept", "trimmed", "removed"}) {
      plane.append_to(log, std::to_string(i), log + std::to_string(i));
    }
  }
  const Rows still = export_rows(plane);
  int chunk = 0;
  const Rows moving = export_rows(plane, 1, [&] {
    if (chunk == 3) plane.append_to("trimmed", "99");
    if (++chunk % 3 == 0) {
      LogTrim trim;
      trim.max_entries = 45 - static_cast<std::uint64_t>(std::min(chunk / 3, 45));
      plane.trim_log("trimmed", trim);
    }
    if (chunk == 20) plane.remove_log("removed");
    if (chunk == 25) plane.append_to("removed", "new", "again");
    if (chunk == 30) plane.append_to("other", "new");
  });
  CHECK(first_difference(still, moving) == "");
  auto made = import_rows(still, {}, plane.now());
  INFO((made ? std::string() : made.error().to_string()));
  REQUIRE(made);
  Plane other(kind);
  REQUIRE(adopt(other, made->get()) == "ok");
  CHECK(other.append_to("kept", "49", "kept49") == "ok: 50");
  CHECK(other.append_to("kept", "50") == "ok: 51");
  CHECK(other.stats().logs.entries == 151);
}

CONFORMANCE_CASE("the clock of an imported tenant does not go back") {
  Plane plane(kind);
  plane.pass(kHour);
  plane.submit("t");
  auto made = import_rows(export_rows(plane), {}, plane.now() - kHour);
  REQUIRE(made);
  Plane other(kind);
  REQUIRE(adopt(other, made->get()) == "ok");
  other.submit("later");
  CHECK(other.get("later").submitted_at == plane.now());
  CHECK_THAT(import_rows(export_rows(plane), {}, plane.now() - 25 * kHour).error().to_string(),
             ContainsSubstring("line 1: header: now is"));
}

CONFORMANCE_CASE("who waited for a task when a snapshot came is told") {
  Plane plane(kind);
  plane.add(agent("a", {"code"}));
  plane.submit("a");
  plane.submit("b");
  auto made = import_rows(export_rows(plane), {}, plane.now());
  Plane other(kind);
  other.watch();
  REQUIRE(adopt(other, made->get()) == "ok");
  CHECK(other.signals() == "agent_offers a, task_ready x2");
  other.submit("c");
  CHECK(other.signals() == "task_ready x1");
}

CONFORMANCE_CASE("tables are adopted once, and only by a tenant that was never used") {
  Plane plane(kind);
  plane.submit("t");
  const Rows rows = export_rows(plane);
  auto made = import_rows(rows, {}, plane.now());
  Plane other(kind);
  CHECK(adopt(other, nullptr) == "ok");
  CHECK(adopt(other, made->get(), "x") == "ok");
  CHECK(adopt(other, made->get(), "x") == "ok");  // its answer was lost
  auto again = import_rows(rows, {}, plane.now());
  CHECK_THAT(adopt(other, again->get(), "y"),
             ContainsSubstring("failed_precondition: tenant main is in use"));
  CHECK_THAT(adopt(other, nullptr, "y"), ContainsSubstring("in use"));
  CHECK(other.listed({}) == "t");
  Plane used(kind);
  used.put("d");
  used.remove_document("d");
  CHECK_THAT(adopt(used, again->get()), ContainsSubstring("in use"));
}

CONFORMANCE_CASE("a chunk that is asked for again is the same, and one at a time exports") {
  Plane plane(kind);
  fill(plane);
  Rows head, again;
  CHECK(begin_export(plane, "one", head) == "ok");
  CHECK_THAT(begin_export(plane, "two", again),
             ContainsSubstring("failed_precondition: export one is in progress"));
  plane.submit("new");
  CHECK(begin_export(plane, "one", again) == "ok");
  CHECK(head == again);
  ReadExport op;
  op.operation_id = "one";
  op.number = 1;
  op.max_bytes = 1;
  REQUIRE(plane.apply(op) == "ok");
  const std::string first = op.rows;
  REQUIRE(plane.apply(op) == "ok");
  CHECK(op.rows == first);
  op.number = 3;
  CHECK_THAT(plane.apply(op), ContainsSubstring("invalid_argument"));
  op.operation_id = "two";
  CHECK_THAT(plane.apply(op),
             ContainsSubstring("failed_precondition: export two is not in progress"));
  end_export(plane, "two");
  op.operation_id = "one";
  op.number = 2;
  CHECK(plane.apply(op) == "ok");
  plane.pass(kMinute);
  CHECK(begin_export(plane, "two", again) == "ok");  // nobody read the first one for a minute
  CHECK_THAT(plane.apply(op), ContainsSubstring("not in progress"));
  plane.pass(kMinute - 1);
  op.operation_id = "two";
  op.number = 1;
  CHECK(plane.apply(op) == "ok");
  plane.pass(kMinute - 1);
  plane.advance_all();
  op.number = 2;
  CHECK(plane.apply(op) == "ok");
  CHECK(plane.advance_all(kMinute) == 1);  // nor this one, and nobody asks for another
  op.number = 3;
  CHECK_THAT(plane.apply(op), ContainsSubstring("export two is not in progress"));
}

CONFORMANCE_CASE("an export fails when too much changes before it comes there, and work does not") {
  NamespaceOptions options;
  options.limits.max_export_aside_bytes = 2'000;
  Plane plane(kind, options);
  for (int i = 0; i < 100; ++i) plane.submit("t" + std::to_string(i));
  Rows head;
  REQUIRE(begin_export(plane, "one", head) == "ok");
  for (int i = 0; i < 100; ++i) plane.complete(plane.claim("a"));
  ReadExport op;
  op.operation_id = "one";
  op.number = 1;
  CHECK_THAT(plane.apply(op),
             ContainsSubstring("resource_exhausted: more than max_export_aside_bytes (2000)"));
  end_export(plane, "one");
  CHECK(plane.stats().scheduler.completed_total == 100);
  CHECK(export_rows(plane).size() > 100);
}

}  // namespace controlplane::conformance
