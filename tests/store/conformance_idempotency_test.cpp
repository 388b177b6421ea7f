// Submits that are repeated, and what retention keeps and removes.
#include <functional>

#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TaskSpec with_key(std::string_view key, const char* payload = "1") {
  TaskSpec spec = task("");
  spec.idempotency_key = key;
  spec.payload = payload;
  return spec;
}

void end_one(Plane& plane) { plane.complete(plane.claim("alice")); }

}  // namespace

CONFORMANCE_CASE("the same key with the same content answers the first id") {
  Plane plane(kind);
  const TaskId first = plane.submit(with_key("k"));
  const Submitted again = plane.try_submit(with_key("k"));
  CHECK(again.answer == "duplicate");
  CHECK(again.id == first);
  CHECK(plane.stats().scheduler.submitted_total == 1);
  CHECK(plane.stats().scheduler.duplicates_total == 1);
  CHECK(plane.new_types() == "task.submitted");
}

CONFORMANCE_CASE("a submit that is repeated after a lost answer finds its own task") {
  Plane plane(kind);
  for (const char* key : {"", "k"}) {
    TaskDraft draft;
    draft.id = TaskId(key[0] == 0 ? "task_01890a5d-ac96-774b-bcce-b302099a8057"
                                  : "task_01890a5d-ac96-774b-bcce-b302099a8058");
    draft.has_fingerprint = key[0] != 0;
    for (const bool repeated : {false, true}) {
      TaskSpec spec = with_key(key);
      draft.spec = &spec;
      SubmitTasks op;
      op.tasks = std::span(&draft, 1);
      CHECK(plane.apply(op) == "ok");
      CHECK_FALSE(draft.error);
      CHECK(draft.duplicate == repeated);
    }
  }
  CHECK(plane.stats().scheduler.submitted_total == 2);
}

CONFORMANCE_CASE("the same key with other content is refused and names the task") {
  Plane plane(kind);
  const TaskId first = plane.submit(with_key("k"));
  CHECK(plane.try_submit(with_key("k", "2")).answer ==
        "already_exists: idempotency_key k was used for task " + first.str() +
            " with other content");
}

CONFORMANCE_CASE("an own id is a key of its own kind") {
  Plane plane(kind);
  plane.submit("a");
  CHECK(plane.try_submit(task("a")).answer == "duplicate");
  TaskSpec other = task("a");
  other.payload = "2";
  CHECK(plane.try_submit(other).answer ==
        "already_exists: task_id a was used for task a with other content");
  CHECK(plane.submit(with_key("a")) != TaskId("a"));
}

CONFORMANCE_CASE("an own id and a key may come together") {
  Plane plane(kind);
  TaskSpec spec = task("a");
  spec.idempotency_key = "k";
  plane.submit(spec);
  CHECK(plane.try_submit(spec).answer == "duplicate");
  CHECK_THAT(plane.try_submit(with_key("k")).answer, ContainsSubstring("already_exists"));
  plane.advance_all(25 * kHour);
  end_one(plane);
  plane.advance_all(25 * kHour);
  CHECK(plane.try_submit(spec).answer == "ok");
}

CONFORMANCE_CASE("a repeated submit is answered whatever became of the task") {
  Plane plane(kind);
  const TaskId id = plane.submit(with_key("k"));
  end_one(plane);
  CHECK(plane.try_submit(with_key("k")).id == id);
}

CONFORMANCE_CASE("a repeated key is answered before any limit") {
  NamespaceOptions options;
  options.limits.max_tasks = 1;
  Plane plane(kind, options);
  const TaskId id = plane.submit(with_key("k"));
  CHECK_THAT(plane.try_submit(with_key("other")).answer, ContainsSubstring("max_tasks"));
  CHECK(plane.try_submit(with_key("k")).id == id);
}

CONFORMANCE_CASE("a key outlives its task until 24 h after the submit") {
  NamespaceOptions options;
  options.retention.max_age = hours(1);
  Plane plane(kind, options);
  const TaskId id = plane.submit(with_key("k"));
  plane.submit("own");
  end_one(plane);
  end_one(plane);
  plane.advance_all(2 * kHour);
  CHECK_THAT(plane.state(id), ContainsSubstring("does not exist"));
  CHECK(plane.state("own") == "not_found: task own was removed by retention");
  CHECK(plane.try_submit(with_key("k")).answer == "duplicate");
  CHECK(plane.try_submit(with_key("k")).id == id);
  CHECK_THAT(plane.try_submit(with_key("k", "2")).answer, ContainsSubstring("already_exists"));
  CHECK(plane.try_submit(task("own")).answer == "duplicate");
  plane.advance_all(22 * kHour - 1);
  CHECK(plane.try_submit(with_key("k")).answer == "duplicate");
  plane.advance_all(1);
  CHECK(plane.try_submit(with_key("k", "2")).answer == "ok");
  CHECK(plane.try_submit(task("own")).answer == "ok");
}

CONFORMANCE_CASE("a key lives as long as its task") {
  Plane plane(kind);
  const TaskId id = plane.submit(with_key("k"));
  plane.advance_all(100 * kHour);
  CHECK(plane.try_submit(with_key("k")).id == id);
}

CONFORMANCE_CASE("in one batch the second of two equal submits is a duplicate") {
  Plane plane(kind);
  const std::vector<Submitted> answers =
      plane.submit_batch({with_key("k"), with_key("k"), with_key("k", "2")});
  CHECK(answers[0].answer == "ok");
  CHECK(answers[1].answer == "duplicate");
  CHECK(answers[1].id == answers[0].id);
  CHECK_THAT(answers[2].answer, ContainsSubstring("already_exists"));
}

// --- retention -----------------------------------------------------------------------------------

CONFORMANCE_CASE("an ended task is kept for 24 h") {
  Plane plane(kind);
  plane.submit("a");
  plane.submit("waiting");
  end_one(plane);
  plane.advance_all(24 * kHour - 1);
  CHECK(plane.state("a") == "completed");
  plane.advance_all(kSecond);
  CHECK(plane.state("a") == "not_found: task a does not exist");
  CHECK(plane.state("waiting") == "pending ready");
  CHECK(plane.stats().scheduler.completed_total == 1);
  CHECK(plane.stats().scheduler.by_state[static_cast<std::size_t>(TaskState::completed)] == 0);
}

CONFORMANCE_CASE("beyond max_count the oldest go earlier, but none before min_age") {
  NamespaceOptions options;
  options.retention.max_count = 3;
  Plane plane(kind, options);
  for (int i = 0; i < 5; ++i) {
    plane.submit("t" + std::to_string(i));
    end_one(plane);
    plane.pass(kSecond);
  }
  plane.advance_all();
  CHECK(plane.list().items.size() == 5);
  plane.advance_all(60 * kSecond);
  CHECK(plane.listed({}) == "t2 t3 t4");
}

CONFORMANCE_CASE("beyond max_bytes the oldest go earlier") {
  NamespaceOptions options;
  options.retention.max_bytes = 5'000;
  Plane plane(kind, options);
  for (int i = 0; i < 5; ++i) {
    TaskSpec spec = task("t" + std::to_string(i));
    spec.payload = "\"" + std::string(1'500, 'x') + "\"";
    plane.submit(spec);
    end_one(plane);
  }
  plane.advance_all(61 * kSecond);
  CHECK(plane.listed({}) == "t3 t4");
}

CONFORMANCE_CASE("max_bytes counts all that a task keeps") {
  const std::string large(10'000, 'x');
  const Json json('"' + large + '"');
  struct Part {
    const char* name;
    std::function<void(TaskSpec&, const std::string& number)> give;
    std::function<void(Plane&, const ClaimedTask&)> end;
  };
  const auto nothing = [](TaskSpec&, const std::string&) {};
  const auto complete = [](Plane& p, const ClaimedTask& t) { p.complete(t); };
  const Part parts[] = {
      {"metadata", [&](TaskSpec& s, auto&) { s.metadata = json; }, complete},
      {"labels", [&](TaskSpec& s, auto&) { s.labels = {{"k", large}}; }, complete},
      {"trace", [&](TaskSpec& s, auto&) { s.trace = large; }, complete},
      {"key", [&](TaskSpec& s, auto& n) { s.idempotency_key = large + n; }, complete},
      {"own id", [&](TaskSpec& s, auto& n) { s.task_id = TaskId(large + n); }, complete},
      {"result", nothing, [&](Plane& p, const ClaimedTask& t) { p.complete(t, json); }},
      {"usage", nothing, [&](Plane& p, const ClaimedTask& t) { p.complete(t, "1", json); }},
      {"error", nothing,
       [&](Plane& p, const ClaimedTask& t) { p.fail(t, FailKind::fatal, 0, large); }},
      {"note", nothing,
       [&](Plane& p, const ClaimedTask& t) {
         p.progress(t, 0.5, large);
         p.complete(t);
       }},
      {"checkpoint", nothing,
       [&](Plane& p, const ClaimedTask& t) {
         p.progress(t, 0.5, "", json);
         p.complete(t);
       }}};
  for (const Part& part : parts) {
    INFO(part.name);
    NamespaceOptions options;
    options.retention.max_bytes = 25'000;
    Plane plane(kind, options);
    for (int i = 0; i < 5; ++i) {
      TaskSpec spec = task("");
      part.give(spec, std::to_string(i));
      plane.submit(spec);
      part.end(plane, plane.claim("alice"));
    }
    plane.advance_all(61 * kSecond);
    CHECK(plane.list().items.size() == 2);
  }
}

CONFORMANCE_CASE("max_bytes counts parents and dependents") {
  NamespaceOptions options;
  options.retention.max_bytes = 25'000;
  Plane plane(kind, options);
  std::vector<TaskId> many;
  TaskFilter cancelled;
  cancelled.state = TaskState::cancelled;
  SECTION("of a child") {
    for (int i = 0; i < 300; ++i) many.push_back(plane.submit(task("")));
    for (int i = 0; i < 5; ++i) plane.submit(child("t" + std::to_string(i), many));
  }
  SECTION("of a parent") {
    for (int i = 0; i < 5; ++i) {
      const TaskId parent = plane.submit("t" + std::to_string(i));
      TaskSpec spec = child("", {parent});
      spec.allow_failed_parents = true;
      for (int j = 0; j < 700; ++j) plane.submit(spec);
    }
  }
  SECTION("of a parent that ended before") {
    for (int i = 0; i < 5; ++i) {
      const TaskId parent = plane.submit("t" + std::to_string(i));
      plane.cancel(parent);
      TaskSpec spec = child("", {parent});
      spec.allow_failed_parents = true;
      for (int j = 0; j < 700; ++j) plane.submit(spec);
    }
  }
  for (int i = 0; i < 5; ++i) plane.cancel("t" + std::to_string(i));
  plane.advance_all(61 * kSecond);
  CHECK(plane.listed(cancelled) == "t3 t4");
}

CONFORMANCE_CASE("a removed task leaves no name, key or queue behind") {
  NamespaceOptions options;
  options.limits.max_task_types = options.limits.max_policies = options.limits.max_queues = 1;
  options.limits.max_tasks = 1;
  Plane plane(kind, options);
  for (int i = 0; i < 3; ++i) {
    TaskSpec spec = task("", {"need" + std::to_string(i)});
    spec.task_type = "type" + std::to_string(i);
    spec.timeout = seconds(i + 1);
    plane.submit(spec);
    plane.complete(plane.claim(by("alice", spec.required_capabilities)));
    plane.advance_all(25 * kHour);
  }
  CHECK(plane.stats().scheduler.completed_total == 3);
}

CONFORMANCE_CASE("a late end of a removed task finds nothing") {
  NamespaceOptions options;
  options.retention.max_age = hours(1);
  Plane plane(kind, options);
  plane.submit("a");
  const ClaimedTask held = plane.claim("alice");
  plane.complete(held);
  plane.advance_all(2 * kHour);
  CHECK(plane.complete(held) == "not_found: task a was removed by retention");
}

}  // namespace controlplane::conformance
