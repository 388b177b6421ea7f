// Everything that carries a value, with encryption on, over every store; a second coordinator
// without keys shows what the store holds.
#include <atomic>
#include <future>
#include <thread>

#include "controlplane/shared_state.hpp"
#include "governance/encryption.hpp"
#include "governance/keys.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

// Two coordinators over one store: with keys, and without.
struct Encrypted {
  explicit Encrypted(StoreKind kind = StoreKind::memory, KeyRing keys = one_key(), Config config = {})
      : store(open_store(kind)),
        plane(open_encrypted(store, std::move(keys), config)),
        bare(Plane::open(store, {})) {}
  Coordinator* operator->() { return &plane; }

  std::shared_ptr<Store> store;
  Coordinator plane;
  Coordinator bare;
};

TaskSpec secret_task(std::string payload = R"({"name":"Ada"})") {
  TaskSpec spec = spec_of("work");
  spec.payload = payload;
  spec.retry.delay = 0ms;
  return spec;
}

ClaimedTask claim(Coordinator& plane, std::string agent = "a") {
  auto task = plane.claim_task(claim_of(std::move(agent))).value();
  REQUIRE(task.has_value());
  return *std::move(task);
}

bool is_sealed(const Json& value) { return value.text().starts_with(R"({"$sealed":{"v":1,)"); }

// A task as an attacker at the store leaves it: with a payload that was sealed elsewhere.
TaskId plant(Coordinator& bare, const Json& payload, TaskId id = "victim") {
  TaskSpec spec = spec_of("work");
  spec.task_id = std::move(id);
  spec.payload = payload;
  return bare.submit_task(spec).value();
}

}  // namespace

TEST_CASE("the store holds no value in the clear") {
  Encrypted p(any_store());
  SharedState(p.plane).put("doc", R"({"name":"Ada"})").value();
  const TaskId id = p->submit_task(secret_task()).value();
  const ClaimedTask task = claim(p.plane);
  p->progress({attempt_of(task), 0.5, "half", R"({"at":"Ada"})"}).value();
  REQUIRE(p->complete_task({attempt_of(task), R"({"found":"Ada"})"}).ok());

  const Task stored = p.bare.get_task(id).value();
  const Document document = SharedState(p.bare).get("doc").value();
  for (const Json& value : {stored.payload, stored.checkpoint, stored.result, document.value}) {
    CHECK(is_sealed(value));
    CHECK_THAT(value.str(), !ContainsSubstring("Ada"));
  }
  for (const Event& event : p.bare.read_events(0).value()) {
    CHECK_THAT(event.data.str(), !ContainsSubstring("Ada"));
  }
}

TEST_CASE("whoever has the key sees what was given, wherever it is shown") {
  Encrypted p(any_store());
  const TaskId id = p->submit_task(secret_task("[1]")).value();
  ClaimedTask task = claim(p.plane);
  CHECK(task.payload == "[1]");
  CHECK(task.checkpoint.empty());
  p->progress({attempt_of(task), 0.5, "", "[2]"}).value();
  REQUIRE(p->release_task(attempt_of(task)).ok());
  task = claim(p.plane);
  CHECK(task.checkpoint == "[2]");
  REQUIRE(p->complete_task({attempt_of(task), "[3]"}).ok());
  for (const Task& seen : {p->get_task(id).value(), p->wait_for_result(id, 5s).value(),
                           p->list_tasks().value().items.at(0)}) {
    CHECK(seen.payload == "[1]");
    CHECK(seen.checkpoint == "[2]");
    CHECK(seen.result == "[3]");
    CHECK(seen.unreadable.empty());
  }
}

TEST_CASE("batches are encrypted item by item") {
  Encrypted p(any_store());
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 5; ++i) specs.push_back(secret_task(std::to_string(i)));
  specs.push_back(secret_task("{"));
  const auto ids = p->submit_tasks(specs).value();
  CHECK_FALSE(ids.at(5).ok());
  ClaimRequest five = claim_of("a");
  five.max_tasks = 10;
  five.claim_id = "same";
  const auto tasks = p->claim_tasks(five).value();
  REQUIRE(tasks.size() == 5);
  CHECK(p->claim_tasks(five).value().at(4).payload == tasks.at(4).payload);
  std::vector<Completion> ends;
  for (const ClaimedTask& task : tasks) ends.push_back({attempt_of(task), task.payload});
  for (const auto& ended : p->complete_tasks(ends).value()) CHECK(ended.ok());
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(p->get_task(*ids[i]).value().result == std::to_string(i));
    CHECK(is_sealed(p.bare.get_task(*ids[i]).value().result));
  }
}

TEST_CASE("claims that wait get the plain payload, by completion or on their thread") {
  Encrypted p(any_store());
  std::promise<Json> heard;
  p->claim_task(claim_of("a", {}, 30s), [&](Result<std::optional<ClaimedTask>> task) {
    heard.set_value(task.value().value().payload);
  });
  auto waited = std::async(std::launch::async, [&] {
    return p->claim_task(claim_of("b", {}, 30s)).value().value().payload;
  });
  p->submit_task(secret_task("[1]")).value();
  p->submit_task(secret_task("[1]")).value();
  CHECK(heard.get_future().get() == "[1]");
  CHECK(waited.get() == "[1]");
}

TEST_CASE("a wait for a result gets it in the clear when it comes") {
  Encrypted p(any_store());
  const TaskId id = p->submit_task(secret_task()).value();
  auto waited = std::async(std::launch::async,
                           [&] { return p->wait_for_result(id, 30s).value().result; });
  std::promise<Json> heard;
  p->wait_for_result(id, 30s, [&](Result<Task> task) { heard.set_value(task.value().result); });
  const ClaimedTask task = claim(p.plane);
  CHECK(p->complete_task({attempt_of(task), "[9]"}).ok());
  CHECK(waited.get() == "[9]");
  CHECK(heard.get_future().get() == "[9]");
}

TEST_CASE("repetitions are recognised although nothing is encrypted the same way twice") {
  Encrypted p(any_store());
  TaskSpec spec = secret_task();
  spec.idempotency_key = "once";
  const TaskId id = p->submit_task(spec).value();
  CHECK(p->submit_task(spec).value() == id);
  spec.payload = "[]";
  CHECK(code_of(p->submit_task(spec)) == ErrorCode::already_exists);

  const AttemptRef attempt = attempt_of(claim(p.plane));
  REQUIRE(p->complete_task({attempt, "1"}).ok());
  CHECK(p->complete_task({attempt, "1"}).ok());
  CHECK(code_of(p->complete_task({attempt, "2"})) == ErrorCode::conflict);

  SharedState state(p.plane);
  PutOptions named;
  named.operation_id = "op";
  CHECK(state.put("doc", "1", named).value() == 1);
  CHECK(state.put("doc", "1", named).value() == 1);
  CHECK(code_of(state.put("doc", "2", named)) == ErrorCode::already_exists);
}

TEST_CASE("a repetition is recognised after encryption was turned on or off") {
  Encrypted p(any_store());
  Coordinator& first = GENERATE(true, false) ? p.plane : p.bare;
  Coordinator& again = &first == &p.plane ? p.bare : p.plane;
  PutOptions named;
  named.operation_id = "op";
  CHECK(SharedState(first).put("doc", "1", named).value() == 1);
  CHECK(SharedState(again).put("doc", "1", named).value() == 1);
  CHECK(code_of(SharedState(again).put("doc", "2", named)) == ErrorCode::already_exists);
  TaskSpec spec = secret_task();
  spec.idempotency_key = "once";
  const TaskId id = first.submit_task(spec).value();
  CHECK(again.submit_task(spec).value() == id);
  const AttemptRef attempt = attempt_of(claim(p.plane));
  REQUIRE(first.complete_task({attempt, "1"}).ok());
  CHECK(again.complete_task({attempt, "1"}).ok());
  CHECK(code_of(again.complete_task({attempt, "2"})) == ErrorCode::conflict);
}

// Counts what it seals.
class CountingCodec final : public PayloadCodec {
 public:
  Json encode(const ValuePlace&, const Json& plain) const override {
    ++sealed;
    return plain;
  }
  Result<Json> decode(const ValuePlace&, const Json& stored) const override { return stored; }
  mutable std::atomic<int> sealed{0};
};

TEST_CASE("a value is sealed once, at whatever time the store answers") {
  const auto codec = std::make_shared<CountingCodec>();
  CoordinatorParts parts;
  parts.store = open_store(GENERATE(StoreKind::memory, StoreKind::late));
  parts.codec = codec;
  Coordinator plane = open_coordinator({}, std::move(parts)).value();
  (void)plane.submit_task(secret_task()).value();
  CHECK(codec->sealed == 1);
  const AttemptRef attempt = attempt_of(claim(plane));
  (void)plane.progress({attempt, 0.5, "half", "[1]"}).value();
  CHECK(codec->sealed == 2);
  REQUIRE(plane.complete_task({attempt, "1"}).ok());
  CHECK(codec->sealed == 3);
  (void)SharedState(plane).put("doc", "1").value();
  CHECK(codec->sealed == 4);
}

TEST_CASE("replays carry their payload along, from the first to the last") {
  Encrypted p(any_store());
  TaskId id = p->submit_task(secret_task()).value();
  TaskSpec child = secret_task("[\"child\"]");
  child.depends_on = {id};
  p->submit_task(child).value();
  for (int i = 0; i < 3; ++i) {
    ClaimedTask task = claim(p.plane);
    CHECK(task.id == id);
    CHECK(task.payload == R"({"name":"Ada"})");
    p->progress({attempt_of(task), 0.1, "", "[4]"}).value();
    REQUIRE(p->fail_task({attempt_of(task), "no", FailKind::fatal}).ok());
    ReplayOptions options;
    options.with_dependents = true;
    id = p->replay_dead_letter(id, options).value();
    CHECK(p->get_task(id).value().payload == R"({"name":"Ada"})");
  }
  ClaimedTask task = claim(p.plane);
  REQUIRE(p->complete_task({attempt_of(task), "1"}).ok());
  // The child of the last replay is the third of its row.
  ClaimRequest wait = claim_of("a", {}, 30s);
  task = p->claim_task(wait).value().value();
  CHECK(task.payload == "[\"child\"]");
  CHECK(task.details->original != task.details->replayed_from);
}

TEST_CASE("a replay opens its own row's payload and no other") {
  Encrypted p;
  const TaskId mine = p->submit_task(secret_task("\"mine\"")).value();
  const Json sealed = p.bare.get_task(mine).value().payload;
  const TaskId planted = plant(p.bare, sealed);
  const ClaimedTask task = claim(p.bare);
  REQUIRE(p.bare.fail_task({attempt_of(task), "no", FailKind::fatal}).ok());
  const ClaimedTask other = claim(p.bare);
  REQUIRE(p.bare.fail_task({attempt_of(other), "no", FailKind::fatal}).ok());
  const TaskId mine_again = p->replay_dead_letter(mine).value();
  const TaskId planted_again = p->replay_dead_letter(planted).value();
  CHECK(p->get_task(mine_again).value().payload == "\"mine\"");
  CHECK(code_of(p->get_task(planted_again)) == ErrorCode::data_loss);
}

TEST_CASE("values that were swapped in the store do not open") {
  Encrypted p(any_store());
  SharedState state(p.plane), bare(p.bare);
  state.put("a", "\"of a\"").value();
  bare.put("b", bare.get("a").value().value).value();
  CHECK_THAT(state.get("b").error().message, StartsWith("value of document b cannot be decrypted"));
  CHECK(code_of(state.get("b")) == ErrorCode::data_loss);

  // As the payload of a task, as a result, and between two fields of one task.
  const Task stolen = p.bare.get_task(p->submit_task(secret_task()).value()).value();
  plant(p.bare, bare.get("a").value().value, "p1");
  plant(p.bare, stolen.payload, "p2");
  CHECK(code_of(p->get_task("p1")) == ErrorCode::data_loss);
  CHECK(code_of(p->get_task("p2")) == ErrorCode::data_loss);
  const ClaimedTask task = claim(p.bare);
  REQUIRE(task.id == stolen.id);
  REQUIRE(p.bare.complete_task({attempt_of(task), stolen.payload}).ok());
  const auto seen = p->wait_for_result(stolen.id, 5s);
  REQUIRE_FALSE(seen.ok());
  CHECK_THAT(seen.error().message, StartsWith("result of task " + stolen.id.str()));
}

TEST_CASE("a value of one tenant does not open in another") {
  const auto store = open_store(StoreKind::memory);
  Config config;
  config.tenant_id = "other";
  Coordinator mine = open_encrypted(store, one_key());
  Coordinator other = open_encrypted(store, one_key(), config);
  Coordinator bare = Plane::open(store, {}), other_bare = Plane::open(store, config);
  SharedState(mine).put("doc", "1").value();
  SharedState(other_bare).put("doc", SharedState(bare).get("doc").value().value).value();
  CHECK(SharedState(mine).get("doc").value().value == "1");
  CHECK(code_of(SharedState(other).get("doc")) == ErrorCode::data_loss);
}

TEST_CASE("what was stored before encryption was turned on is still read") {
  Encrypted p(any_store());
  SharedState(p.bare).put("old", "[1]").value();
  TaskSpec spec = secret_task("[2]");
  const TaskId id = p.bare.submit_task(spec).value();
  CHECK(SharedState(p.plane).get("old").value().value == "[1]");
  CHECK(claim(p.plane).payload == "[2]");
  // A put encrypts it, and so an update does.
  SharedState(p.plane)
      .update("old", [](const Document* now) -> Result<Json> { return now->value; })
      .value();
  CHECK(is_sealed(SharedState(p.bare).get("old").value().value));
  CHECK(SharedState(p.plane).get("old").value().value == "[1]");
}

TEST_CASE("with require_encryption what is stored in the clear is refused") {
  Config config;
  config.require_encryption = true;
  Encrypted p(any_store(), one_key(), config);
  SharedState(p.bare).put("old", "[1]").value();
  CHECK(code_of(SharedState(p.plane).get("old")) == ErrorCode::failed_precondition);
  SharedState(p.plane).put("old", "[2]").value();
  CHECK(SharedState(p.plane).get("old").value().value == "[2]");
  CHECK(p->submit_task(spec_of("work")).ok());  // without a payload
  CHECK(claim(p.plane).payload.empty());
}

TEST_CASE("updates see and store the plain value") {
  Encrypted p(any_store());
  SharedState state(p.plane);
  const auto one_more = [](const Document* now) -> Result<Json> {
    return Json(std::to_string(now == nullptr ? 1 : std::stoi(now->value.str()) + 1));
  };
  for (int i = 1; i <= 3; ++i) {
    CHECK(state.update("n", one_more).value().value == std::to_string(i));
  }
  CHECK(is_sealed(SharedState(p.bare).get("n").value().value));
}

TEST_CASE("limits are about the plain value") {
  Config config;
  config.limits.max_payload_bytes = config.limits.max_result_bytes = 20;
  config.limits.max_checkpoint_bytes = config.limits.max_document_bytes = 20;
  Encrypted p(any_store(), one_key(), config);
  const std::string fits(20, '7'), too_long(21, '7');
  SharedState state(p.plane);
  CHECK(state.put("doc", "\"" + std::string(18, 'x') + "\"").ok());
  CHECK(code_of(state.put("doc", "\"" + std::string(19, 'x') + "\"")) == ErrorCode::invalid_argument);
  CHECK(p->submit_task(secret_task("\"" + std::string(18, 'x') + "\"")).ok());
  CHECK(code_of(p->submit_task(secret_task("\"" + std::string(19, 'x') + "\""))) ==
        ErrorCode::invalid_argument);
  const ClaimedTask task = claim(p.plane);
  CHECK(p->progress({attempt_of(task), 0, "", "\"" + std::string(18, 'x') + "\""}).ok());
  CHECK(p->complete_task({attempt_of(task), "\"" + std::string(18, 'x') + "\""}).ok());
  CHECK(p->get_task(task.id).value().result.size() == 20);
}

TEST_CASE("a task whose key is missing here fails and leaves the next one to the claim") {
  Encrypted p(any_store());
  Coordinator stranger = open_encrypted(p.store, one_key("k9"));
  TaskSpec spec = secret_task();
  spec.retry.delay = 1h;
  spec.retry.max_delay = 1h;
  const TaskId id = p->submit_task(spec).value();
  const TaskId next = stranger.submit_task(secret_task("[1]")).value();

  const ClaimedTask got = claim(stranger, "b");
  CHECK(got.id == next);
  const Task left = p->get_task(id).value();
  CHECK(left.state == TaskState::pending);
  CHECK(left.reason == TaskReason::backoff);
  CHECK(left.failures == 1);
  CHECK(left.error ==
        "payload of task " + id.str() + " cannot be decrypted: key \"k1\" is not known here");
  CHECK(code_of(stranger.get_task(id)) == ErrorCode::failed_precondition);
  CHECK(stranger.get_status(id).value() == TaskState::pending);
}

TEST_CASE("a task that nobody here can read ends as a dead letter and can be replayed") {
  Encrypted p(any_store());
  Coordinator stranger = open_encrypted(p.store, one_key("k9"));
  const TaskId id = p->submit_task(secret_task()).value();
  CHECK_FALSE(stranger.claim_task(claim_of("b")).value().has_value());
  const Task dead = p->wait_for_result(id, 30s).value();
  CHECK(dead.reason == TaskReason::exhausted);
  const TaskId again = p->replay_dead_letter(id).value();
  const ClaimedTask task = claim(p.plane);
  CHECK(task.id == again);
  CHECK(task.payload == R"({"name":"Ada"})");
}

TEST_CASE("a damaged payload or checkpoint is a dead letter at once") {
  Encrypted p(any_store());
  plant(p.bare, R"({"$sealed":{"v":1,"key":"k1","data":"AAAA"}})", "bad");
  const TaskId good = p->submit_task(secret_task("[1]")).value();
  CHECK(claim(p.plane).id == good);
  const auto dead = p->list_dead_letters().value().items;
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].reason == TaskReason::fatal);
  CHECK_THAT(dead[0].error, StartsWith("payload of task bad cannot be decrypted with key k1"));
  CHECK(dead[0].unreadable == dead[0].error);
  CHECK(dead[0].payload.empty());

  TaskSpec spec = secret_task();
  spec.task_id = "checked";
  p->submit_task(spec).value();
  ClaimedTask task = claim(p.bare, "c");
  p.bare.progress({attempt_of(task), 0, "", task.payload}).value();
  REQUIRE(p.bare.release_task(attempt_of(task)).ok());
  CHECK_FALSE(p->claim_task(claim_of("d")).value().has_value());
  CHECK_THAT(p->list_dead_letters().value().items.at(1).error,
             StartsWith("checkpoint of task checked"));
}

TEST_CASE("a claim that waits is not lost on a task that cannot be read") {
  Encrypted p(any_store());
  std::atomic<int> got{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&, i] {
      const auto task = p->claim_task(claim_of("a" + std::to_string(i), {}, 60s)).value();
      if (task && task->payload == "[1]") ++got;
    });
  }
  for (int i = 0; i < 6; ++i) {
    plant(p.bare, R"({"$sealed":{"v":1,"key":"k1","data":"AAAA"}})", "bad" + std::to_string(i));
  }
  for (int i = 0; i < 3; ++i) p->submit_task(secret_task("[1]")).value();
  for (std::thread& waiter : waiters) waiter.join();
  CHECK(got == 3);
}

TEST_CASE("of a batch the readable tasks are handed out") {
  Encrypted p(any_store());
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) {
      plant(p.bare, R"({"$sealed":1})", "bad" + std::to_string(i));
    } else {
      p->submit_task(secret_task(std::to_string(i))).value();
    }
  }
  ClaimRequest all = claim_of("a");
  all.max_tasks = 6;
  const auto tasks = p->claim_tasks(all).value();
  REQUIRE(tasks.size() == 3);
  CHECK(tasks[0].payload == "1");
  CHECK(tasks[2].payload == "5");
  CHECK(p->list_dead_letters().value().items.size() == 3);
}

TEST_CASE("a claim that meets nothing but unreadable tasks is told why") {
  Encrypted p(GENERATE(StoreKind::memory, StoreKind::late));  // a faulty one begins anew in between
  for (int i = 0; i < 20; ++i) plant(p.bare, R"({"$sealed":1})", "bad" + std::to_string(i));
  const auto refused = p->claim_task(claim_of("a"));
  CHECK(code_of(refused) == ErrorCode::data_loss);
  CHECK_THAT(refused.error().message,
             StartsWith("16 claims in a row brought only tasks that cannot be read; the last: "));
  CHECK_FALSE(p->claim_task(claim_of("a")).value().has_value());
  CHECK(p->list_dead_letters().value().items.size() == 20);
}

TEST_CASE("the circuit of an agent without the key opens and leaves the tasks to others") {
  Encrypted p(any_store());
  Coordinator stranger = open_encrypted(p.store, one_key("k9"));
  stranger.register_agent(agent_of("lost", {}, 5)).value();
  for (int i = 0; i < 10; ++i) p->submit_task(secret_task()).value();
  CHECK_FALSE(stranger.claim_task(claim_of("lost")).value().has_value());
  CHECK(p->get_agent("lost").value().breaker == BreakerState::open);
  for (int i = 0; i < 10; ++i) claim(p.plane, "found");
}

TEST_CASE("a page shows what can be read and says what cannot") {
  Encrypted p(any_store());
  SharedState state(p.plane);
  state.put("a", "1").value();
  SharedState(p.bare).put("b", R"({"$sealed":1})").value();
  state.put("c", "3").value();
  const auto items = state.list().value().items;
  REQUIRE(items.size() == 3);
  CHECK(items[0].value == "1");
  CHECK(items[0].unreadable.empty());
  CHECK(items[1].value.empty());
  CHECK(items[1].unreadable == "value of document b cannot be decrypted: it is damaged");
  CHECK(items[2].value == "3");
  CHECK(state.remove("b").value());
}

TEST_CASE("a worker's handler sees and answers plain values") {
  Encrypted p(any_store());
  WorkerOptions options;
  options.agent_id = "w";
  Worker worker(p.plane, options);
  worker.on("work", [](TaskContext& task) -> Result<Json> {
    if (auto told = task.progress(0.5, "", "[2]"); !told) return told.error();
    return task.task().payload;
  });
  REQUIRE(worker.start().ok());
  const TaskId id = p->submit_task(secret_task("[5]")).value();
  CHECK(p->wait_for_result(id, 30s).value().result == "[5]");
  CHECK(is_sealed(p.bare.get_task(id).value().result));
}

TEST_CASE("keys rotate under load, and nothing becomes unreadable") {
  auto generation = std::make_shared<std::atomic<int>>(0);
  const auto source = [generation]() -> Result<std::vector<SecretKey>> {
    const int now = *generation;
    std::vector<SecretKey> keys{key_of("k" + std::to_string(now))};
    for (int old = 0; old < now; ++old) {
      keys.push_back(key_of("k" + std::to_string(old), KeyState::previous));
    }
    return keys;
  };
  KeyRing ring = KeyRing::open(source).value();
  Encrypted p(any_store(), ring);
  constexpr int kTasks = 200;
  std::atomic<bool> over{false};
  std::atomic<int> failures{0};
  std::thread rotation([&] {
    while (!over && *generation < 50) {
      ++*generation;
      if (!ring.reload().ok()) ++failures;
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> agents;
  std::atomic<int> done{0};
  for (int i = 0; i < 2; ++i) {
    agents.emplace_back([&, agent = "a" + std::to_string(i)] {
      while (done < kTasks) {
        const auto task = p->claim_task(claim_of(agent, {}, 100ms)).value();
        if (!task) continue;
        if (!p->complete_task({attempt_of(*task), task->payload}).ok()) ++failures;
        ++done;
      }
    });
  }
  std::vector<TaskId> ids;
  for (int i = 0; i < kTasks; ++i) {
    ids.push_back(p->submit_task(secret_task(std::to_string(i))).value());
  }
  for (std::thread& agent : agents) agent.join();
  over = true;
  rotation.join();
  CHECK(failures == 0);
  for (int i = 0; i < kTasks; ++i) {
    CHECK(p->get_task(ids[static_cast<std::size_t>(i)]).value().result == std::to_string(i));
  }
}

}  // namespace controlplane
