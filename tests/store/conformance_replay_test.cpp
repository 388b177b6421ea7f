// Dead letters, and their replay as new tasks.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using std::chrono::seconds;

}  // namespace

CONFORMANCE_CASE("a dead letter is replayed as a new task with the same content") {
  Plane plane(kind);
  TaskSpec spec = task("a", {"code"});
  spec.payload = "[1]";
  spec.labels = {{"k", "v"}};
  spec.priority = TaskPriority::low;
  spec.retry.max_retries = 0;
  spec.queue_timeout = seconds(77);
  plane.submit(spec);
  plane.fail(plane.claim(by("alice", {"code"})));
  const Submitted again = plane.replay("a", "op-1");
  REQUIRE(again.answer == "ok");
  const Task got = plane.get(again.id);
  CHECK(plane.state(again.id) == "pending ready");
  CHECK(got.payload == "[1]");
  CHECK(got.required_capabilities == std::vector<std::string>{"code"});
  CHECK(got.priority == TaskPriority::low);
  CHECK(got.max_retries == 0);
  CHECK(got.details->replayed_from == TaskId("a"));
  CHECK(got.details->labels == Labels{{"k", "v"}});
  CHECK(plane.state("a") == "failed exhausted");
  plane.advance_all(77 * kSecond);
  CHECK(plane.state(again.id) == "timeout queue");
}

CONFORMANCE_CASE("a replay of a replay remembers whose payload it has") {
  Plane plane(kind);
  plane.submit("a");
  TaskId id = "a";
  for (int i = 0; i < 3; ++i) {
    const TaskId before = id;
    plane.fail(plane.claim("alice"), FailKind::fatal);
    id = plane.replay(before, "op-" + std::to_string(i)).id;
    CHECK(plane.get(id).details->replayed_from == before);
    CHECK(plane.get(id).details->original == TaskId("a"));
  }
}

CONFORMANCE_CASE("the same operation id replays once, another one again") {
  Plane plane(kind);
  plane.submit("a");
  plane.fail(plane.claim("alice"), FailKind::fatal);
  const Submitted first = plane.replay("a", "op-1");
  CHECK(plane.replay("a", "op-1").id == first.id);
  CHECK(plane.complete(plane.claim("alice")) == "ok");
  CHECK(plane.replay("a", "op-1").id == first.id);
  CHECK(plane.replay("a", "op-2").id != first.id);
  CHECK(plane.stats().scheduler.submitted_total == 3);
}

CONFORMANCE_CASE("a replay remembers its operation after retention removed both tasks") {
  Plane plane(kind);
  plane.submit("a");
  plane.fail(plane.claim("alice"), FailKind::fatal);
  const Submitted first = plane.replay("a", "op-1");
  plane.complete(plane.claim("alice"));
  plane.advance_all(24 * kHour - 1);
  CHECK(plane.replay("a", "op-1").id == first.id);
}

CONFORMANCE_CASE("a replay is remembered as long as the task that it made") {
  NamespaceOptions options;
  SECTION("also when the dead letter is gone") {}
  SECTION("also when the dead letter is kept for longer") {
    options.retention.max_age = std::chrono::hours(72);
  }
  Plane plane(kind, options);
  plane.submit("a");
  plane.fail(plane.claim("alice"), FailKind::fatal);
  const TaskId first = plane.replay("a", "op").id;
  plane.advance_all(25 * kHour);
  CHECK(plane.state(first) == "pending ready");
  const Submitted again = plane.replay("a", "op");
  CHECK(again.answer == "ok");
  CHECK(again.id == first);
  plane.cancel(first);
  plane.advance_all(options.retention.max_age.count() * kMs - kHour);
  CHECK(plane.replay("a", "op").id == first);
  plane.advance_all(2 * kHour);
  CHECK(plane.replay("a", "op").id != first);
}

CONFORMANCE_CASE("one operation id is one replay: other content is refused") {
  Plane plane(kind);
  for (const char* id : {"a", "b"}) {
    plane.submit(id);
    plane.fail(plane.claim("alice"), FailKind::fatal);
  }
  const TaskId first = plane.replay("a", "op").id;
  const std::string refused = "already_exists: operation_id op was used for task " + first.str() +
                              " with other content";
  CHECK(plane.replay("b", "op").answer == refused);
  CHECK(plane.replay("a", "op", true).answer == refused);
  CHECK(plane.replay("a", "op").id == first);
  CHECK(plane.stats().scheduler.submitted_total == 3);
}

CONFORMANCE_CASE("a replay keeps who may take it, and how often at once") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.exclude = {"bob"};
  spec.concurrency_key = "k";
  spec.concurrency_limit = 2;
  plane.submit(spec);
  plane.fail(plane.claim("alice"), FailKind::fatal);
  for (const char* operation : {"op-1", "op-2", "op-3"}) {
    CHECK(plane.get(plane.replay("a", operation).id).concurrency_key == "k");
  }
  CHECK(plane.next("bob").empty());
  CHECK(plane.claims(many("alice", 9)).tasks.size() == 2);

  spec = task("b");
  spec.agent_id = "carol";
  plane.submit(spec);
  plane.fail(plane.claim("carol"), FailKind::fatal);
  const TaskId directed = plane.replay("b", "op-4").id;
  CHECK(plane.get(directed).directed_to == "carol");
  CHECK(plane.next("alice").empty());
  CHECK(plane.next("carol") == directed.str());
}

CONFORMANCE_CASE("a replay keeps metadata, trace, timeouts and retries") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.metadata = "{\"by\":\"me\"}";
  spec.trace = "t-1";
  spec.timeout = seconds(50);
  spec.total_timeout = seconds(200);
  spec.retry = {2, seconds(2), 100.0, seconds(12)};
  plane.submit(spec);
  plane.fail(plane.claim("alice"), FailKind::fatal);
  const TaskId again = plane.replay("a", "op").id;
  const Timestamp replayed = plane.now();
  ClaimedTask held = plane.claim("alice");
  CHECK(held.details->metadata == "{\"by\":\"me\"}");
  CHECK(held.details->trace == "t-1");
  CHECK(held.deadline == held.claimed_at + 50 * kSecond);
  for (const auto& [least, most] : {std::pair{1, 2}, {6, 12}}) {  // half of it is random
    CHECK(plane.fail(held) == "ok");
    const Timestamp ready = plane.get(again).ready_at;
    CHECK(ready >= plane.now() + least * kSecond);
    CHECK(ready <= plane.now() + most * kSecond);
    plane.advance_all(ready - plane.now());
    held = plane.claim("alice");
  }
  plane.advance_all(replayed + 200 * kSecond - 1 - plane.now());
  CHECK(plane.get(again).failures == 3);  // the execution timeout: out of retries
  CHECK(plane.state(again) == "timeout exec");

  const TaskId unclaimed = plane.replay("a", "op-2").id;
  plane.advance_all(200 * kSecond - 1);
  CHECK(plane.state(unclaimed) == "pending ready");
  plane.advance_all(1);
  CHECK(plane.state(unclaimed) == "timeout total");
}

CONFORMANCE_CASE("a timeout is a dead letter, too, and those that are not cannot be replayed") {
  Plane plane(kind);
  TaskSpec spec = task("late");
  spec.queue_timeout = seconds(1);
  plane.submit(spec);
  plane.advance_all(kSecond);
  CHECK(plane.replay("late", "op-1").answer == "ok");
  plane.cancel("late");
  plane.submit("a");
  CHECK(
      plane.replay("a", "op-2").answer ==
      "failed_precondition: task a: it is pending; only failed and timeout tasks can be replayed");
  plane.cancel("a");
  CHECK(plane.replay("a", "op-3").answer ==
        "failed_precondition: task a: it is cancelled; only failed and timeout tasks can be "
        "replayed");
}

CONFORMANCE_CASE("dead letters are listed by their own filter") {
  Plane plane(kind);
  for (const char* id : {"a", "b", "c", "d"}) plane.submit(id);
  plane.fail(plane.claim("alice"), FailKind::fatal);
  plane.complete(plane.claim("alice"));
  plane.cancel("d");
  TaskFilter dead;
  dead.dead_letters = true;
  CHECK(plane.listed(dead) == "a");
}

}  // namespace controlplane::conformance
