// What is believed of messages that others put into the store.
#include <atomic>
#include <mutex>
#include <thread>

#include "base/digest.hpp"
#include "mesh/message_office.hpp"
#include "mesh/post.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

// A message from alice to bob that is signed and not sent.
struct Unsent {
  explicit Unsent(CoordinatorCore& core, std::string_view body = R"({"text":"hello"})") {
    SendOptions options;
    options.correlation_id = "order-7";
    prepare_letter(core, {"alice", "bob", "greet", body}, options, spec, draft);
  }
  ClaimedTask claimed(Timestamp now) const {
    ClaimedTask task;
    task.id = draft.id;
    task.task_type = SharedText(kMessageType);
    task.payload = spec.payload;
    task.submitted_at = now;
    task.attempt = 1;
    return task;
  }
  TaskSpec spec;
  TaskDraft draft;
};

// An envelope that anybody could make who has the keys of `signer`.
Json forge(CoordinatorCore& core, const std::string& id, const std::string& from,
           const std::string& signer, const SecretKey& key, Timestamp sent_at) {
  std::string context, fields;
  append_field(context, "aragora.message.key.v1");
  append_field(context, core.config().tenant_id);
  DerivedKeys keys(KeyRing::of({key}).value(), context);
  Envelope e;
  e.from = from;
  e.to = "bob";
  e.id = id;
  e.type = "greet";
  e.nonce = "00";
  e.key_id = key.id;
  e.sent_at = sent_at;
  e.body = "1";
  write_signed_fields(EnvelopeKind::message, e, core.config().tenant_id, fields);
  const HexMac hex = hex_of(keys.active(signer)->sign(fields));
  e.signature = {hex.data(), hex.size()};
  return write_envelope(e);
}

struct Ring {
  std::mutex mutex;
  std::vector<SecretKey> keys;
  KeyRing open() {
    return KeyRing::open([this]() -> Result<std::vector<SecretKey>> {
             const std::lock_guard lock(mutex);
             return keys;
           }).value();
  }
  void set(std::vector<SecretKey> now) {
    const std::lock_guard lock(mutex);
    keys = std::move(now);
  }
};

// What bob's receive finds wrong with it, after it became a dead letter.
std::string refusal(PumpedPlane& p) {
  CHECK(Mailbox(p.plane, "bob").receive(up_to(10)).value().empty());
  const std::vector<std::string> dead = dead_letters(p.plane);
  return dead.empty() ? "nothing" : dead.back();
}

}  // namespace

TEST_CASE("no bit of a message can be changed") {
  PumpedPlane p(signing());
  const Unsent unsent(p.core());
  const Timestamp now = p.core().calls().store().now();
  ClaimedTask task = unsent.claimed(now);
  REQUIRE(open_message(p.core(), "bob", task).ok());
  const std::string genuine = task.payload.str();
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = genuine;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      task.payload = changed;
      const auto opened = open_message(p.core(), "bob", task);
      if (opened.ok()) FAIL("bit " << bit << " of byte " << at << " of " << genuine);
    }
  }
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    task.payload = genuine.substr(0, size);
    if (open_message(p.core(), "bob", task).ok()) FAIL("the first " << size << " bytes");
  }
}

TEST_CASE("a message is for one receiver, tenant, task and kind") {
  PumpedPlane p(signing());
  const Unsent unsent(p.core());
  const Timestamp now = p.core().calls().store().now();
  ClaimedTask task = unsent.claimed(now);
  const auto why = [&](CoordinatorCore& core, const std::string& agent) {
    const auto opened = open_message(core, agent, task);
    CHECK(code_of(opened) == ErrorCode::unauthenticated);
    return opened.error().message;
  };
  CHECK_THAT(why(p.core(), "carol"), ContainsSubstring("it is to bob"));
  Config other = signing();
  other.tenant_id = "other";
  PumpedPlane elsewhere(other);
  CHECK_THAT(why(elsewhere.core(), "bob"), ContainsSubstring("not what alice signed"));
  const TaskId id = task.id;
  task.id = TaskId(p.core().make_id());
  CHECK_THAT(why(p.core(), "bob"), ContainsSubstring("copy of message " + id.str()));
  task.id = id;
  task.task_type = SharedText("work");
  CHECK_THAT(why(p.core(), "bob"), ContainsSubstring("no message"));
  Message request;
  request.id = id;
  request.from = "bob";
  request.to = "alice";
  request.type = "greet";
  task = unsent.claimed(now);
  task.payload = write_reply(p.core(), request, "1");  // alice signed it for bob, as a reply
  CHECK_THAT(why(p.core(), "bob"), ContainsSubstring("not what alice signed"));
}

TEST_CASE("what others put into a mailbox becomes a dead letter that says why") {
  PumpedPlane p(signing());
  CoordinatorCore& core = p.core();
  const auto make_id = [&] { return TaskId(core.make_id()); };
  const TaskId id = make_id();
  const Timestamp now = core.calls().store().now();
  const auto send = [&](Json payload) { plant(core, id, std::move(payload), "bob").value(); };
  SECTION("junk") {
    send(R"({"from":"alice"})");
    CHECK_THAT(refusal(p), ContainsSubstring("verification failed: it is no message"));
  }
  SECTION("another task type") {
    plant(core, id, forge(core, id.str(), "alice", "alice", key_of("k1", '1'), now), "bob", "work").value();
    CHECK_THAT(refusal(p), ContainsSubstring("no message"));
  }
  SECTION("unsigned") {
    PumpedPlane unsigned_plane;
    Envelope e;
    const std::string text = id.str();
    e.from = "alice", e.to = "bob", e.id = text, e.type = "greet", e.nonce = "00", e.body = "1";
    e.sent_at = now;
    send(write_envelope(e));
    CHECK_THAT(refusal(p), ContainsSubstring("says to be from alice and is not signed"));
  }
  SECTION("signed by another agent") {
    send(forge(core, id.str(), "alice", "eve", key_of("k1", '1'), now));
    CHECK_THAT(refusal(p), ContainsSubstring("not what alice signed with key k1"));
  }
  SECTION("signed with another secret") {
    send(forge(core, id.str(), "alice", "alice", key_of("k1", '2'), now));
    CHECK_THAT(refusal(p), ContainsSubstring("not what alice signed"));
  }
  SECTION("signed with a key that nobody knows") {
    send(forge(core, id.str(), "alice", "alice", key_of("k9", '1'), now));
    CHECK_THAT(refusal(p), ContainsSubstring("key k9 is unknown"));
  }
  SECTION("as old as to be a copy") {
    send(forge(core, id.str(), "alice", "alice", key_of("k1", '1'), now - 31'000'000));
    CHECK_THAT(refusal(p), ContainsSubstring("31 s after it was signed; message_window is 30 s"));
  }
  SECTION("from a clock that is ahead") {
    send(forge(core, id.str(), "alice", "alice", key_of("k1", '1'), now + 31'000'000));
    CHECK_THAT(refusal(p), ContainsSubstring("31 s before it was signed"));
  }
  SECTION("nothing is wrong with this one") {
    send(forge(core, id.str(), "alice", "alice", key_of("k1", '1'), now - 29'000'000));
    CHECK(Mailbox(p.plane, "bob").receive().value().size() == 1);
    CHECK(dead_letters(p.plane).empty());
  }
}

TEST_CASE("a message that waits for longer than the window is still genuine") {
  PumpedPlane p(signing());
  Mailbox(p.plane, "alice").send("bob", "greet", "1").value();
  p.pass(20h);
  CHECK(Mailbox(p.plane, "bob").receive().value().size() == 1);
}

TEST_CASE("a copy of a message is rejected, whatever has become of the first one") {
  Config config = signing();
  config.retention.min_age = 60s;
  config.retention.max_count = 0;
  PumpedPlane p(config);
  CoordinatorCore& core = p.core();
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  const TaskId id = alice.send("bob", "pay", "100").value();
  const Json envelope = p->get_task(id).value().payload;
  const Message message = bob.receive().value().at(0);
  SECTION("under its own id there is the first one") {
    CHECK(plant(core, id, envelope, "bob").value() == id);
    bob.acknowledge(message).value();
    CHECK(plant(core, id, envelope, "bob").value() == id);
    CHECK(bob.receive().value().empty());
  }
  SECTION("under another id") {
    bob.acknowledge(message).value();
    plant(core, TaskId(core.make_id()), envelope, "bob").value();
    CHECK_THAT(refusal(p), ContainsSubstring("copy of message " + id.str()));
  }
  SECTION("to somebody else") {
    bob.acknowledge(message).value();
    plant(core, TaskId(core.make_id()), envelope, "carol").value();
    CHECK(Mailbox(p.plane, "carol").receive().value().empty());
    CHECK_THAT(dead_letters(p.plane).at(0), ContainsSubstring("it is to bob"));
  }
  SECTION("once retention has removed the first one it is too old") {
    bob.acknowledge(message).value();
    while (p->get_task(id).ok()) p.pass(1s);
    plant(core, id, envelope, "bob").value();
    CHECK_THAT(refusal(p), ContainsSubstring("message_window"));
  }
}

TEST_CASE("a copy of a message from a clock that is ahead is too old when its id is free again") {
  Config config = signing();
  config.retention.max_count = 0;
  PumpedPlane p(config);
  CoordinatorCore& core = p.core();
  const TaskId id(core.make_id());
  const Timestamp ahead = core.calls().store().now() + 30'000'000;
  const Json envelope = forge(core, id.str(), "alice", "alice", key_of("k1", '1'), ahead);
  plant(core, id, envelope, "bob").value();
  Mailbox bob(p.plane, "bob");
  bob.acknowledge(bob.receive().value().at(0)).value();
  while (p->get_task(id).ok()) p.pass(100ms);
  plant(core, id, envelope, "bob").value();
  CHECK_THAT(refusal(p), ContainsSubstring("message_window"));
}

TEST_CASE("ids are remembered for twice the window at least") {
  Config config = signing();
  config.message_window = 31s;
  const auto refused = Coordinator::open(config);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, ContainsSubstring("message_window is 31 s") &&
                                          ContainsSubstring("half of retention.min_age"));
  config.signing_keys = {};
  CHECK(Coordinator::open(config).ok());
}

TEST_CASE("the window fits what the tenant's first opener said, whatever others say") {
  const auto store = open_store(GENERATE(StoreKind::memory, StoreKind::late));
  Config brief;
  brief.retention.min_age = 59s;
  const Coordinator first = Plane::open(store, brief);
  CoordinatorParts parts;
  parts.store = store;
  const auto refused = open_coordinator(signing(), std::move(parts));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("message_window is 30 s") && ContainsSubstring("59 s for tenant default"));
  Config fits = signing();
  fits.message_window = 29s;
  CHECK(Plane::open(store, fits).config().message_window == 29s);
}

TEST_CASE("forgeries keep nobody waiting that a genuine message could serve") {
  Plane p(GENERATE(StoreKind::memory, StoreKind::late), signing());
  CoordinatorCore& core = p.core();
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  for (int i = 0; i < 100; ++i) plant(core, TaskId(core.make_id()), "1", "bob").value();
  alice.send("bob", "greet", "1").value();
  CHECK(bodies(bob.receive(up_to(8, 60s)).value()) == std::vector<std::string>{"1"});
  Heard<std::vector<Message>> got;
  std::atomic<bool> answered{false};
  bob.receive(up_to(1, 60s), [&, done = got.done()](Result<std::vector<Message>> messages) {
    done(std::move(messages));
    answered = true;
    answered.notify_all();
  });
  for (int i = 0; i < 100; ++i) plant(core, TaskId(core.make_id()), "1", "bob").value();
  alice.send("bob", "greet", "2").value();
  answered.wait(false);
  CHECK(bodies(got.answer->value()) == std::vector<std::string>{"2"});
}

TEST_CASE("a reply that its receiver did not sign is none") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  Heard<Message> heard;
  alice.request("bob", "ask", "1", 60s, {}, heard.done());
  const Message asked = bob.receive().value().at(0);
  Json result;
  SECTION("something else") { result = R"({"paid":true})"; }
  SECTION("somebody else's") {
    Message taken = asked;
    taken.to = "eve";
    result = write_reply(p.core(), taken, "1");
  }
  SECTION("that to another request") {
    Message other = asked;
    other.id = TaskId(p.core().make_id());
    result = write_reply(p.core(), other, "1");
  }
  SECTION("the request itself") { result = p->get_task(asked.id).value().payload; }
  SECTION("an altered one") {
    std::string text = write_reply(p.core(), asked, R"("no")").str();
    result = text.replace(text.find("\"no\""), 4, "\"ok\"");
  }
  p->complete_task({.attempt = {asked.id, asked.lease, {}}, .result = result}).value();
  p.pump();
  CHECK(code_of(*heard.answer) == ErrorCode::unauthenticated);
  CHECK_THAT(heard.answer.value().error().message, ContainsSubstring(asked.id.str()));
}

TEST_CASE("keys are needed on both sides, or on none") {
  const auto store = open_store(StoreKind::memory);
  Plane with(store, signing()), without(store);
  Mailbox alice(with.plane, "alice");
  alice.send("bob", "greet", "1").value();
  CHECK(Mailbox(without.plane, "bob").receive().value().empty());
  CHECK_THAT(dead_letters(with.plane).at(0), ContainsSubstring("no signing_keys here"));
  Mailbox(without.plane, "bob").send("alice", "greet", "1").value();
  CHECK(alice.receive().value().empty());
  CHECK_THAT(dead_letters(with.plane).at(1), ContainsSubstring("is not signed"));
  const TaskId id(without.core().make_id());
  const std::string text = id.str();
  Envelope e;
  e.from = "eve", e.to = "bob", e.id = text, e.type = "greet", e.nonce = "00", e.body = "1},{";
  plant(without.core(), id, write_envelope(e), "bob").value();
  CHECK(Mailbox(without.plane, "bob").receive().value().empty());
  CHECK_THAT(dead_letters(with.plane).at(2), ContainsSubstring("body"));
}

TEST_CASE("a message signed with a retired key is rejected by its name") {
  Ring ring;
  ring.set({key_of("old", '1'), key_of("new", '2', KeyState::previous)});
  Config config;
  config.signing_keys = ring.open();
  KeyRing keys = config.signing_keys;
  PumpedPlane p(config);
  Mailbox alice(p.plane, "alice");
  alice.send("bob", "greet", "1").value();
  ring.set({{"old", "", KeyState::retired}, key_of("new", '2')});
  REQUIRE(keys.reload());
  alice.send("bob", "greet", "2").value();
  const auto messages = Mailbox(p.plane, "bob").receive(up_to(5)).value();
  CHECK(bodies(messages) == std::vector<std::string>{"2"});
  CHECK(messages.at(0).key_id == "new");
  CHECK_THAT(dead_letters(p.plane).at(0), ContainsSubstring("key old is retired"));
}

// Two processes, each with its own copy of the keys, which change there at different times.
TEST_CASE("keys change while messages fly, and no valid one is rejected") {
  constexpr int kKeys = 6, kEach = 50, kPerKey = kEach + 1;  // and one after the change
  const auto store = open_store(StoreKind::memory);
  Ring here, there;
  here.set({key_of("0", '0')});
  there.set({key_of("0", '0')});
  Config config;
  config.signing_keys = here.open();
  KeyRing ours = config.signing_keys;
  Plane sender(store, config);
  config.signing_keys = there.open();
  KeyRing theirs = config.signing_keys;
  Plane receiver(store, config);

  std::atomic<int> received{0};
  std::thread reading([&] {
    Mailbox bob(receiver.plane, "bob");
    while (received < kKeys * kPerKey - 1) {
      for (const Message& message : bob.receive(up_to(8, 60s)).value()) {
        bob.acknowledge(message).value();
        ++received;
        received.notify_all();
      }
    }
  });
  Mailbox alice(sender.plane, "alice");
  const auto change = [](Ring& ring, KeyRing& keys, std::vector<SecretKey> now) {
    ring.set(std::move(now));
    REQUIRE(keys.reload());
  };
  for (int k = 0; k < kKeys; ++k) {
    for (int i = 0; i < kEach; ++i) alice.send("bob", "count", std::to_string(i)).value();
    if (k + 1 == kKeys) break;
    const SecretKey now = key_of(std::to_string(k), static_cast<char>('0' + k));
    const SecretKey next = key_of(std::to_string(k + 1), static_cast<char>('1' + k));
    const auto in_state = [](SecretKey key, KeyState state) {
      key.state = state;
      if (state == KeyState::retired) key.secret.clear();
      return key;
    };
    // Known everywhere, then used everywhere; the old one goes when its last message came.
    change(there, theirs, {now, in_state(next, KeyState::previous)});
    change(here, ours, {now, in_state(next, KeyState::previous)});
    change(here, ours, {in_state(now, KeyState::previous), next});
    alice.send("bob", "count", "-1").value();
    change(there, theirs, {in_state(now, KeyState::previous), next});
    for (int seen = received; seen < (k + 1) * kPerKey; seen = received) received.wait(seen);
    change(there, theirs, {in_state(now, KeyState::retired), next});
    change(here, ours, {in_state(now, KeyState::retired), next});
  }
  reading.join();
  CHECK(dead_letters(sender.plane).empty());
  CHECK(sender.core().messages().of(MessageEvent::rejected) == 0);
  CHECK(receiver.core().messages().of(MessageEvent::rejected) == 0);
}

}  // namespace controlplane
