// What mailboxes, logs and encryption keep goes through a snapshot, and goes on behind it.
#include "controlplane/logs.hpp"
#include "controlplane/shared_state.hpp"
#include "controlplane/snapshot.hpp"
#include "governance/keys.hpp"
#include "mesh/post.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

std::string export_of(Coordinator& plane) {
  std::string text;
  const auto written = Snapshots(plane).export_snapshot([&](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  });
  INFO((written ? std::string() : written.error().to_string()));
  REQUIRE(written);
  return text;
}

Result<SnapshotSummary> try_import(Coordinator& plane, std::string_view text) {
  return Snapshots(plane).import_snapshot([&](char* to, std::size_t size) -> Result<std::size_t> {
    const std::size_t part = text.copy(to, size);
    text.remove_prefix(part);
    return part;
  });
}

void import_into(Coordinator& plane, std::string_view text) {
  const auto read = try_import(plane, text);
  INFO((read ? std::string() : read.error().to_string()));
  REQUIRE(read);
}

SendOptions named(std::string operation_id) {
  SendOptions options;
  options.operation_id = std::move(operation_id);
  return options;
}

// Keys by which everything was sealed so far, and by which it is from now on.
KeyRing old_key() { return one_key("k1"); }
KeyRing both_keys() { return ring_of({key_of("k1", KeyState::previous), key_of("k2")}); }

ClaimedTask claim(Coordinator& plane) {
  auto task = plane.claim_task(claim_of("a")).value();
  REQUIRE(task.has_value());
  return *std::move(task);
}

TaskSpec secret(std::string payload) {
  TaskSpec spec = spec_of("work");
  spec.payload = Json(payload);
  return spec;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("messages and replies as large and as deep as may be go through a snapshot") {
  Config config = GENERATE(false, true) ? signing() : Config();
  const bool is_encrypted = GENERATE(false, true);
  config.limits.max_payload_bytes = config.limits.max_result_bytes = 64;
  config.limits.max_json_depth = 3;
  const auto open = [&](const Plane& over) {
    return open_encrypted(over.store, is_encrypted ? old_key() : KeyRing(), config);
  };
  Plane p(StoreKind::memory, config), other(StoreKind::memory, config);
  Coordinator plane = open(p);
  Mailbox alice(plane, std::string(120, 'a')), bob(plane, std::string(120, 'b'));
  for (const std::string& body : {'"' + std::string(62, 'x') + '"', std::string("[[[1]]]")}) {
    alice.send(bob.agent_id(), std::string(120, 't'), Json(body)).value();
    REQUIRE(bob.reply(bob.receive().value().front(), Json(body)));
    alice.send(bob.agent_id(), std::string(120, 't'), Json(body)).value();
  }
  Coordinator fresh = open(other);
  import_into(fresh, export_of(plane));
}

TEST_CASE("messages are delivered, answered and recognised behind a snapshot as before it") {
  Plane p(any_store(), signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  const TaskId asked = alice.send("bob", "ask", "1", named("ask")).value();
  const TaskId done = alice.send("bob", "tell", "2", named("tell")).value();
  alice.send("bob", "tell", "3").value();
  alice.send("bob", "tell", "4").value();
  alice.send("carol", "tell", "5").value();
  const auto held = bob.receive(up_to(4)).value();
  REQUIRE(bodies(held) == std::vector<std::string>{"1", "2", "3", "4"});
  REQUIRE(bob.acknowledge(held[1]));
  REQUIRE(bob.reject(held[2], "bad", RejectOptions{false, 0ms}));
  REQUIRE(bob.release(held[3]));

  Plane other(any_store(), signing());
  import_into(other.plane, export_of(p.plane));
  Mailbox new_alice(other.plane, "alice"), new_bob(other.plane, "bob");
  CHECK(dead_letters(other.plane) == std::vector<std::string>{"bad"});
  // What was sent under a name is known by it, also what was done with long ago.
  CHECK(new_alice.send("bob", "ask", "1", named("ask")).value() == asked);
  CHECK(new_alice.send("bob", "tell", "2", named("tell")).value() == done);
  CHECK(code_of(new_alice.send("bob", "tell", "0", named("tell"))) == ErrorCode::already_exists);
  CHECK(new_alice.send("carol", "tell", "2", named("tell")).value() != done);
  // Who held one holds it still.
  CHECK(new_bob.extend(held[0]));
  CHECK(new_bob.acknowledge(held[1]));
  CHECK(code_of(new_bob.acknowledge(held[2])) == ErrorCode::conflict);
  CHECK(new_bob.reply(held[0], "\"yes\""));
  CHECK(new_alice.request("bob", "ask", "1", 5s, named("ask")).value().body == "\"yes\"");
  // What was not done with comes again, signed as it was; order and number of deliveries go on.
  new_alice.send("bob", "tell", "6").value();
  const auto left = new_bob.receive(up_to(9)).value();
  REQUIRE(bodies(left) == std::vector<std::string>{"4", "6"});
  CHECK(left[0].delivery == 2);
  CHECK(left[0].key_id == "k1");
  CHECK(left[0].sent_at == held[3].sent_at);
  CHECK(left[1].delivery == 1);
  CHECK(bodies(Mailbox(other.plane, "carol").receive(up_to(9)).value()) ==
        std::vector<std::string>{"5", "2"});
}

TEST_CASE("logs are read on, appended to and bounded behind a snapshot as before it") {
  Plane p(any_store());
  Logs logs(p.plane);
  LogBounds four;
  four.max_entries = 4;
  logs.define("audit", four).value();
  for (int i = 1; i <= 6; ++i) {
    const std::string number = std::to_string(i);
    logs.append("audit", Json(number), "op" + number).value();
  }
  logs.append("empty", "1").value();
  LogTrim all;
  all.max_entries = 0;
  logs.trim("empty", all).value();
  for (int i = 1; i <= 9; ++i) logs.append("gone", "1").value();
  logs.remove("gone").value();

  Plane other(any_store());
  import_into(other.plane, export_of(p.plane));
  Logs again(other.plane);
  CHECK(again.list().value().items.size() == 2);
  CHECK(again.get("audit").value().bounds == four);
  CHECK(again.get("audit").value().created_at == logs.get("audit").value().created_at);
  const LogPage was = logs.read("audit", 3).value(), is = again.read("audit", 3).value();
  REQUIRE(is.entries.size() == was.entries.size());
  for (std::size_t i = 0; i < is.entries.size(); ++i) {
    CHECK(is.entries[i].seq == was.entries[i].seq);
    CHECK(is.entries[i].time == was.entries[i].time);
    CHECK(is.entries[i].value == was.entries[i].value);
  }
  for (const std::uint64_t after : {0U, 1U, 7U}) {
    CHECK(again.read("audit", after).error().to_string() ==
          logs.read("audit", after).error().to_string());
  }
  CHECK(again.append("audit", "6", "op6").value() == 6);
  CHECK(code_of(again.append("audit", "7", "op6")) == ErrorCode::already_exists);
  CHECK(again.append("audit", "1", "op1").value() == 7);  // that entry is gone, before and behind
  CHECK(again.get("audit").value().first_seq == 4);
  CHECK(again.append("empty", "2").value() == 2);
  CHECK(again.append("gone", "1").value() == 10);
}

TEST_CASE("what is encrypted stays sealed in a snapshot, each value by its own key") {
  const std::shared_ptr<Store> store = open_store(any_store());
  {
    Coordinator before = open_encrypted(store, old_key());
    SharedState(before).put("old", R"({"name":"Ada"})").value();
    before.submit_task(secret(R"({"payload":"Ada"})")).value();
  }
  Coordinator plane = open_encrypted(store, both_keys());
  Coordinator bare = Plane::open(store, {});
  PutOptions put;
  put.operation_id = "put";
  SharedState(plane).put("new", "\"Ada\"", put).value();
  Mailbox(plane, "alice").send("bob", "tell", R"("to bob, Ada")", named("tell")).value();
  const ClaimedTask task = claim(plane);
  plane.progress({attempt_of(task), 0.5, "half", R"(["checkpoint","Ada"])"}).value();
  const TaskId ended = plane.submit_task(secret("\"Ada\"")).value();
  const ClaimedTask second = claim(plane);
  REQUIRE(second.id == ended);
  REQUIRE(plane.complete_task({attempt_of(second), R"({"result":"Ada"})"}));

  const std::string text = export_of(plane);
  CHECK(occurrences(text, "Ada") == 0);
  CHECK(occurrences(text, R"({"$sealed":{"v":1,"key":"k1",)") == 2);
  CHECK(occurrences(text, R"({"$sealed":{"v":1,"key":"k2",)") == 5);

  const std::shared_ptr<Store> fresh = open_store(any_store());
  Coordinator other = open_encrypted(fresh, both_keys());
  Coordinator other_bare = Plane::open(fresh, {});
  import_into(other, text);
  for (const char* key : {"old", "new"}) {
    CHECK(SharedState(other_bare).get(key).value().value == SharedState(bare).get(key).value().value);
  }
  for (const TaskId& id : {task.id, ended}) {
    const Task was = bare.get_task(id).value(), is = other_bare.get_task(id).value();
    CHECK(is.payload == was.payload);
    CHECK(is.checkpoint == was.checkpoint);
    CHECK(is.result == was.result);
  }
  CHECK(SharedState(other).get("old").value().value == R"({"name":"Ada"})");
  CHECK(SharedState(other).get("new").value().value == "\"Ada\"");
  CHECK(other.get_task(task.id).value().payload == R"({"payload":"Ada"})");
  CHECK(other.get_task(task.id).value().checkpoint == R"(["checkpoint","Ada"])");
  CHECK(other.get_task(ended).value().result == R"({"result":"Ada"})");
  CHECK(bodies(Mailbox(other, "bob").receive().value()) ==
        std::vector<std::string>{R"("to bob, Ada")"});
  // Repetitions are recognised although nothing is sealed the same way twice.
  CHECK(SharedState(other).put("new", "\"Ada\"", put).value() == 1);
  CHECK(code_of(SharedState(other).put("new", "\"Eve\"", put)) == ErrorCode::already_exists);
  CHECK(other.complete_task({attempt_of(second), R"({"result":"Ada"})"}).ok());
  CHECK(code_of(other.complete_task({attempt_of(second), "1"})) == ErrorCode::conflict);
  CHECK(other.complete_task({attempt_of(task), "1"}).ok());
}

TEST_CASE("what is sealed opens to who has its keys") {
  Plane p(StoreKind::memory);
  Coordinator plane = open_encrypted(p.store, old_key());
  SharedState(plane).put("doc", "\"Ada\"").value();
  const std::string text = export_of(plane);
  const auto read_with = [&](KeyRing keys) {
    Coordinator other = open_encrypted(open_store(StoreKind::memory), std::move(keys));
    import_into(other, text);
    const auto document = SharedState(other).get("doc");
    return document ? document->value.str() : document.error().to_string();
  };
  CHECK(read_with(old_key()) == "\"Ada\"");
  CHECK_THAT(read_with(one_key("k2")), ContainsSubstring("k1"));
}

TEST_CASE("a tenant of another name takes a snapshot, but nothing that is sealed") {
  const auto import_elsewhere = [](Coordinator& from) {
    Config config;
    config.tenant_id = "elsewhere";
    Coordinator other = open_encrypted(open_store(StoreKind::memory), old_key(), config);
    const auto read = try_import(other, export_of(from));
    CHECK(other.get_stats().value().events.last_seq == (read ? read->events : 0));
    return read ? std::string("ok") : read.error().to_string();
  };
  const std::string refused =
      ": it has a value that is encrypted for tenant default, which does not open in tenant elsewhere";
  Plane clear(StoreKind::memory);
  SharedState(clear.plane).put("doc", "1").value();
  CHECK(import_elsewhere(clear.plane) == "ok");
  const auto with = [&](auto&& change) {
    Coordinator plane = open_encrypted(open_store(StoreKind::memory), old_key());
    change(plane);
    return import_elsewhere(plane);
  };
  CHECK(with([](Coordinator& plane) { SharedState(plane).put("doc", "1").value(); }) ==
        "failed_precondition: line 3: document" + refused);
  CHECK(with([](Coordinator& plane) { plane.submit_task(secret("1")).value(); }) ==
        "failed_precondition: line 3: task" + refused);
  CHECK(with([](Coordinator& plane) {
          plane.submit_task(spec_of("work")).value();
          plane.complete_task({attempt_of(claim(plane)), "1"}).value();
        }) == "failed_precondition: line 3: task" + refused);
  CHECK(with([](Coordinator& plane) {
          plane.submit_task(spec_of("work")).value();
          plane.progress({attempt_of(claim(plane)), 0.5, "", "1"}).value();
        }) == "failed_precondition: line 3: task" + refused);
}

}  // namespace controlplane
