#include <atomic>
#include <map>
#include <thread>

#include "mesh/post.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }
Config any_config() { return GENERATE(true, false) ? signing() : Config(); }

Message only(const Result<std::vector<Message>>& messages) {
  REQUIRE(messages.value().size() == 1);
  return messages->front();
}

}  // namespace

TEST_CASE("a message is sent, received and acknowledged") {
  Plane p(any_store(), any_config());
  const bool is_signed = !p->config().signing_keys.empty();
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  CHECK(bob.receive().value().empty());
  SendOptions options;
  options.correlation_id = "order-7";
  const TaskId id = alice.send("bob", "greet", R"({"text":"hello"})", options).value();
  const Message message = only(bob.receive(up_to(10)));
  CHECK(message.id == id);
  CHECK(message.from == "alice");
  CHECK(message.to == "bob");
  CHECK(message.type == "greet");
  CHECK(message.body == R"({"text":"hello"})");
  CHECK(message.correlation_id == "order-7");
  CHECK(message.key_id == (is_signed ? "k1" : ""));
  CHECK(message.sent_at > 0);
  CHECK(message.visible_at > message.sent_at);
  CHECK(bob.receive().value().empty());  // not visible to others meanwhile
  bob.acknowledge(message).value();
  bob.acknowledge(message).value();
  CHECK(p->get_task(id).value().state == TaskState::completed);
  CHECK(p->get_task(id).value().details->trace == "order-7");
  alice.send("bob", "empty", Json()).value();
  CHECK(only(bob.receive()).body == "null");
}

TEST_CASE("the completion forms do the same") {
  Plane p(StoreKind::memory, signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  Heard<TaskId> sent;
  alice.send("bob", "greet", "1", {}, sent.done());
  CHECK(sent.answer.value().ok());
  Heard<std::vector<Message>> got;
  bob.receive(up_to(2), got.done());
  const Message message = only(got.answer.value());
  Heard<Timestamp> extended;
  bob.extend(message, extended.done());
  CHECK(extended.answer.value().value() >= message.visible_at);
  Heard<void> rejected, acknowledged, replied;
  bob.reject(message, "no", {.redeliver = false}, rejected.done());
  CHECK(rejected.answer.value().ok());
  bob.acknowledge(message, acknowledged.done());
  CHECK(code_of(*acknowledged.answer) == ErrorCode::conflict);
  bob.reply(message, "1", replied.done());
  CHECK(code_of(*replied.answer) == ErrorCode::conflict);
  bob.receive(up_to(0), got.done());
  CHECK(code_of(*got.answer) == ErrorCode::invalid_argument);
  alice.send("b b", "greet", "1", {}, sent.done());
  CHECK(code_of(*sent.answer) == ErrorCode::invalid_argument);
}

TEST_CASE("messages and tasks of an agent do not meet") {
  Config config = signing();
  config.require_registration = config.require_lease = true;
  Plane p(StoreKind::memory, config);
  p->register_agent(agent_of("bob", {"code"}, 1)).value();
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  p->submit_task(spec_of("work")).value();
  TaskSpec directed = spec_of("work");
  directed.agent_id = "bob";
  p->submit_task(directed).value();
  CHECK(bob.receive(up_to(10)).value().empty());
  alice.send("bob", "greet", "1").value();
  ClaimRequest all = claim_of("bob");
  all.max_tasks = 10;
  CHECK(p->claim_tasks(all).value().size() == 1);  // its only slot
  const Message message = only(bob.receive(up_to(10)));
  CHECK(p->get_agent("bob").value().running == 1);
  bob.reject(message, "boom", {.redeliver = false}).value();
  CHECK(p->get_agent("bob").value().tasks_failed == 0);
  CHECK(p->claim_tasks(all).value().empty());
}

TEST_CASE("a waiting receive is woken by a message and by nothing else") {
  Plane p(any_store(), any_config());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  Heard<std::vector<Message>> got, other;
  std::atomic<bool> answered{false};
  bob.receive(up_to(1, 60s), [&, done = got.done()](Result<std::vector<Message>> messages) {
    done(std::move(messages));
    answered = true;
    answered.notify_all();
  });
  const TaskId work = p->submit_task(spec_of("work")).value();
  alice.send("carol", "greet", "1").value();
  CHECK(p->get_task(work).value().state == TaskState::pending);
  CHECK_FALSE(answered);
  alice.send("bob", "greet", "2").value();
  answered.wait(false);
  CHECK(only(*got.answer).body == "2");
  CHECK(p->get_task(work).value().state == TaskState::pending);
  std::thread sender([&] { alice.send("bob", "greet", "3").value(); });
  CHECK(only(bob.receive(up_to(1, 60s))).body == "3");
  sender.join();
  CHECK(bob.receive(up_to(1, 1ms)).value().empty());
}

TEST_CASE("a message that is not acknowledged is delivered again") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "greet", "1").value();
  alice.send("bob", "greet", "2").value();
  const Message first = only(bob.receive(up_to(1, 0ms, 10s)));
  CHECK(first.delivery == 1);
  p.pass(8s);
  CHECK(bob.extend(first).value() == first.visible_at + 8'000'000);
  p.pass(9s);
  CHECK(bodies(bob.receive(up_to(1, 0ms, 1h)).value()) == std::vector<std::string>{"2"});
  p.pass(2s);
  const Message second = only(bob.receive(up_to(5, 0ms, 10s)));
  CHECK(second.id == first.id);
  CHECK(second.delivery == 2);
  CHECK(code_of(bob.acknowledge(first)) == ErrorCode::conflict);
  CHECK(code_of(bob.extend(first)) == ErrorCode::conflict);
  bob.acknowledge(second).value();
  p.pass(20s);
  CHECK(bob.receive().value().empty());
  CHECK(dead_letters(p.plane).empty());
}

TEST_CASE("what nobody acknowledges in the end is a dead letter") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  SECTION("nobody ends its deliveries") {
    alice.send("bob", "greet", "1").value();
    for (int i = 0; i < 3; ++i) {
      CHECK(only(bob.receive(up_to(1, 0ms, 10s))).delivery == static_cast<std::uint32_t>(i + 1));
      p.pass(11s);
    }
  }
  SECTION("it is rejected too often") {
    SendOptions twice;
    twice.max_deliveries = 2;
    alice.send("bob", "greet", "1", twice).value();
    bob.reject(only(bob.receive()), "not now").value();
    CHECK(bob.receive().value().empty());  // not at once
    p.pass(2s);
    bob.reject(only(bob.receive()), "lease: never").value();
  }
  SECTION("it is rejected for good") {
    alice.send("bob", "greet", "1").value();
    bob.reject(only(bob.receive()), "lease: never", {.redeliver = false}).value();
  }
  SECTION("its time to live is over") {
    SendOptions brief;
    brief.ttl = 10s;
    alice.send("bob", "greet", "1", brief).value();
    p.pass(11s);
  }
  p.pass(2s);
  CHECK(bob.receive().value().empty());
  const std::vector<std::string> dead = dead_letters(p.plane);
  REQUIRE(dead.size() == 1);
  CHECK_THAT(dead[0], ContainsSubstring("lease") || ContainsSubstring("total timeout"));
}

TEST_CASE("a rejected message comes again when it was asked to") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "greet", "1").value();
  bob.reject(only(bob.receive()), "later", {.retry_after = 60s}).value();
  p.pass(59s);
  CHECK(bob.receive().value().empty());
  p.pass(2s);
  CHECK(only(bob.receive()).delivery == 2);
}

TEST_CASE("a message that is given back comes again at once") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "greet", "1").value();
  bob.release(only(bob.receive())).value();
  const Message again = only(bob.receive());
  CHECK(again.delivery == 2);
  Heard<void> released;
  bob.release(again, released.done());
  CHECK(released.answer.value().ok());
  bob.acknowledge(only(bob.receive())).value();
}

TEST_CASE("first deliveries keep the order of their sender") {
  constexpr int kSenders = 8, kEach = 100;
  Plane p(any_store(), signing());
  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      Mailbox mine(p.plane, "sender-" + std::to_string(s));
      for (int i = 0; i < kEach; ++i) mine.send("bob", "count", std::to_string(i)).value();
    });
  }
  Mailbox bob(p.plane, "bob");
  std::map<std::string, int> next;
  for (int got = 0; got < kSenders * kEach;) {
    const auto messages = bob.receive(up_to(16, 60s, 1h)).value();
    REQUIRE_FALSE(messages.empty());
    for (const Message& message : messages) {
      CHECK(message.body == std::to_string(next[message.from]++));
      bob.acknowledge(message).value();
      ++got;
    }
  }
  for (std::thread& sender : senders) sender.join();
  CHECK(bob.receive().value().empty());
}

TEST_CASE("a mailbox is bounded") {
  Config config = signing();
  config.limits.max_mailbox_messages = 2;
  Plane p(StoreKind::memory, config);
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "greet", "1").value();
  alice.send("bob", "greet", "2").value();
  const Message held = only(bob.receive());
  const auto refused = alice.send("bob", "greet", "3");
  CHECK(code_of(refused) == ErrorCode::resource_exhausted);
  CHECK_THAT(refused.error().message, ContainsSubstring("mailbox of bob") &&
                                          ContainsSubstring("max_mailbox_messages is 2"));
  alice.send("carol", "greet", "1").value();
  bob.acknowledge(held).value();
  alice.send("bob", "greet", "3").value();
}

TEST_CASE("a send that is repeated with its operation id is one message") {
  Plane p(any_store(), signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob"), carol(p.plane, "carol");
  SendOptions named;
  named.operation_id = "op-1";
  const TaskId id = alice.send("bob", "greet", "1", named).value();
  CHECK(alice.send("bob", "greet", "1", named).value() == id);
  CHECK(code_of(alice.send("bob", "greet", "2", named)) == ErrorCode::already_exists);
  CHECK(alice.send("carol", "greet", "1", named).value() != id);
  CHECK(carol.send("bob", "greet", "2", named).value() != id);
  CHECK(bob.receive(up_to(10)).value().size() == 2);
}

TEST_CASE("a request is answered by the reply to it") {
  Plane p(any_store(), any_config());
  std::thread server([&] {
    Mailbox bob(p.plane, "bob");
    for (int i = 0; i < 2; ++i) {
      const Message asked = only(bob.receive(up_to(1, 60s)));
      bob.reply(asked, "[" + asked.body.str() + "]").value();
    }
  });
  Mailbox alice(p.plane, "alice");
  SendOptions options;
  options.correlation_id = "order-7";
  const Message reply = alice.request("bob", "ask", "1", 60s, options).value();
  CHECK(reply.body == "[1]");
  CHECK(reply.from == "bob");
  CHECK(reply.to == "alice");
  CHECK(reply.type == "ask");
  CHECK(reply.correlation_id == "order-7");
  std::atomic<int> answers{0};
  alice.request("bob", "ask", "2", 60s, {}, [&](const Result<Message>& answer) {
    CHECK(answer.value().body == "[2]");
    ++answers;
    answers.notify_all();
  });
  answers.wait(0);
  CHECK(answers == 1);
  server.join();
}

TEST_CASE("a reply that is repeated is the same reply, however it is signed") {
  Plane p(any_store(), any_config());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "ask", "1").value();
  const Message asked = only(bob.receive());
  bob.reply(asked, "[42]").value();
  bob.reply(asked, "[42]").value();
  CHECK(code_of(bob.reply(asked, "[43]")) == ErrorCode::conflict);
  CHECK(code_of(bob.acknowledge(asked)) == ErrorCode::conflict);
  CHECK_THAT(p->get_task(asked.id).value().result.str(), ContainsSubstring("[42]"));
}

TEST_CASE("the limits of results are about the body of a reply") {
  Config config = any_config();
  config.limits.max_result_bytes = 64;
  config.limits.max_json_depth = 3;
  Plane p(any_store(), config);
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  const Json largest(GENERATE(as<std::string>{}, '"' + std::string(62, 'x') + '"', "[[[1]]]"));
  std::thread server([&] { bob.reply(only(bob.receive(up_to(1, 60s))), largest).value(); });
  CHECK(alice.request("bob", "ask", "1", 60s).value().body == largest);
  server.join();
  alice.send("bob", "ask", "2").value();
  const Message asked = only(bob.receive());
  CHECK_THAT(bob.reply(asked, '"' + std::string(63, 'x') + '"').error().message,
             ContainsSubstring("max_result_bytes"));
  CHECK_THAT(bob.reply(asked, "[[[[1]]]]").error().message, ContainsSubstring("max_json_depth"));
}

TEST_CASE("a request says why there is no reply") {
  Plane p(StoreKind::memory, any_config());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  CHECK(code_of(alice.request("nobody", "ask", "1", 1ms)) == ErrorCode::deadline_exceeded);
  CHECK(code_of(alice.request("nobody", "ask", "1", 0ms)) == ErrorCode::invalid_argument);
  Heard<Message> answer;
  std::atomic<bool> answered{false};
  const auto ask = [&] {
    answered = false;
    alice.request("bob", "ask", "1", 60s, {}, [&, done = answer.done()](Result<Message> reply) {
      done(std::move(reply));
      answered = true;
      answered.notify_all();
    });
    Message asked = only(bob.receive());
    return asked;
  };
  bob.acknowledge(ask()).value();
  answered.wait(false);
  CHECK(code_of(*answer.answer) == ErrorCode::failed_precondition);
  CHECK_THAT(answer.answer.value().error().message, ContainsSubstring("without a reply"));
  bob.reject(ask(), "do not know", {.redeliver = false}).value();
  answered.wait(false);
  CHECK(code_of(*answer.answer) == ErrorCode::failed_precondition);
  CHECK_THAT(answer.answer.value().error().message, ContainsSubstring("do not know"));
  const Message asked = ask();
  p->cancel_task(asked.id, true).value();
  answered.wait(false);
  CHECK(code_of(*answer.answer) == ErrorCode::cancelled);
  CHECK(code_of(bob.reply(asked, "1")) == ErrorCode::conflict);
}

TEST_CASE("a lost reply is asked for again by the request's operation id") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  SendOptions named;
  named.operation_id = "ask-1";
  Heard<Message> first, second, third;
  alice.request("bob", "ask", "1", 10s, named, first.done());
  const Message asked = only(bob.receive());
  bob.reply(asked, "42").value();
  p.pump();
  CHECK(first.answer.value().value().body == "42");
  p.pass(60s);
  alice.request("bob", "ask", "1", 10s, named, second.done());
  p.pump();
  CHECK(second.answer.value().value().body == "42");
  alice.request("bob", "ask", "1", 10s, {}, third.done());
  p.pass(11s);
  CHECK(code_of(*third.answer) == ErrorCode::deadline_exceeded);
  CHECK(bob.receive().value().empty());  // too late for this one
}

TEST_CASE("a broadcast goes to all that offer the capability, and tells of each") {
  Config config = signing();
  config.limits.max_mailbox_messages = 1;
  config.limits.max_broadcast = 5;
  config.limits.max_page = config.limits.max_batch = 2;
  Plane p(any_store(), config);
  for (const char* id : {"a", "b", "c", "d", "e", "me"}) {
    p->register_agent(agent_of(id, {"code"})).value();
  }
  p->register_agent(agent_of("other", {"cook"})).value();
  Mailbox me(p.plane, "me");
  me.send("c", "fill", "0").value();
  Heard<std::vector<Sent>> heard;
  std::atomic<bool> answered{false};
  std::vector<Sent> sent;
  if (GENERATE(true, false)) {
    sent = me.broadcast("code", "news", "1").value();
  } else {
    me.broadcast("code", "news", "1", {}, [&, done = heard.done()](Result<std::vector<Sent>> all) {
      done(std::move(all));
      answered = true;
      answered.notify_all();
    });
    answered.wait(false);
    sent = heard.answer.value().value();
  }
  REQUIRE(sent.size() == 5);
  for (const Sent& one : sent) {
    if (one.to == "c") {
      CHECK(code_of(one.id) == ErrorCode::resource_exhausted);
      continue;
    }
    Mailbox theirs(p.plane, one.to);
    const Message message = only(theirs.receive());
    CHECK(message.id == one.id.value());
    CHECK(message.body == "1");
    theirs.acknowledge(message).value();
  }
  CHECK(Mailbox(p.plane, "me").receive().value().empty());
  CHECK(Mailbox(p.plane, "other").receive().value().empty());
  p->register_agent(agent_of("f", {"code"})).value();
  const auto refused = me.broadcast("code", "news", "1");
  CHECK(code_of(refused) == ErrorCode::resource_exhausted);
  CHECK_THAT(refused.error().message, ContainsSubstring("max_broadcast is 5"));
  CHECK(Mailbox(p.plane, "f").receive().value().empty());
  CHECK(me.broadcast("nobody", "news", "1").value().empty());
}

TEST_CASE("nobody comes to a mailbox but by a Mailbox") {
  Plane p(StoreKind::memory, signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  const std::string party = mailbox_of("bob");
  const TaskId id = alice.send("bob", "greet", "1").value();
  CHECK(code_of(p->register_agent(agent_of(party))) == ErrorCode::invalid_argument);
  CHECK(code_of(p->claim_task(claim_of(party))) == ErrorCode::invalid_argument);
  CHECK(code_of(p->reassign_agent_tasks(party)) == ErrorCode::invalid_argument);
  TaskSpec spec = spec_of("work");
  spec.agent_id = party;
  CHECK(code_of(p->submit_task(spec)) == ErrorCode::invalid_argument);
  const auto reserved = p->submit_task(spec_of(std::string(kMessageType)));
  CHECK(code_of(reserved) == ErrorCode::invalid_argument);
  CHECK_THAT(reserved.error().message, ContainsSubstring("reserved"));
  const TaskId other = p->submit_task(spec_of("work")).value();
  CHECK(code_of(p->assign_task(other, party)) == ErrorCode::invalid_argument);
  CHECK(code_of(p->assign_task(id, "eve")) == ErrorCode::failed_precondition);
  CHECK(code_of(p->assign_task(id, "")) == ErrorCode::failed_precondition);
  const Message message = only(bob.receive());
  bob.reject(message, "no", {.redeliver = false}).value();
  const auto replayed = p->replay_dead_letter(id);
  CHECK(code_of(replayed) == ErrorCode::failed_precondition);
  CHECK_THAT(replayed.error().message, ContainsSubstring("its sender may send it again"));
}

TEST_CASE("a message is seen as the task it is") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  std::vector<TaskFailure> failures;
  const Subscription told =
      p->on_task_failure([&](const TaskFailure& failure) { failures.push_back(failure); }).value();
  const TaskId id = alice.send("bob", "greet", "1").value();
  CHECK_THAT(p->explain(id).value().to_string(), ContainsSubstring("mailbox#bob"));
  CHECK(p->explain(id).value().obstacles.front().kind == ObstacleKind::waiting_for_claim);
  TaskFilter messages;
  messages.task_type = kMessageType;
  CHECK(p->list_tasks(messages).value().items.size() == 1);
  CHECK(p->get_stats().value().scheduler.pending_tasks == 1);
  bob.reject(only(bob.receive()), "no", {.redeliver = false}).value();
  p.pump();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].agent_id == "mailbox#bob");
  CHECK(failures[0].error == "no");
  CHECK(p->get_stats().value().scheduler.dead_letters == 1);
}

TEST_CASE("messages are counted") {
  PumpedPlane p(signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  alice.send("bob", "greet", "1").value();
  alice.send("bob", "greet", "2").value();
  p.pass(1s);
  for (const Message& message : bob.receive(up_to(2, 0ms, 1s)).value()) {
    if (message.body == "1") bob.acknowledge(message).value();
  }
  p.pass(2s);
  bob.reject(only(bob.receive()), "no", {.redeliver = false}).value();
  plant(p.core(), TaskId(p.core().make_id()), "1", "bob").value();
  CHECK(bob.receive().value().empty());
  const ClaimedTask work = [&] {
    p->submit_task(spec_of("work")).value();
    return *p->claim_task(claim_of("worker")).value();
  }();
  p->fail_task({.attempt = attempt_of(work), .error = "boom"}).value();
  const std::string text = p->metrics_text().value();
  for (const char* line :
       {R"(agent_messages_total{direction="sent",outcome="accepted"} 2)",
        R"(agent_messages_total{direction="sent",outcome="refused"} 0)",
        R"(agent_messages_total{direction="received",outcome="delivered"} 2)",
        R"(agent_messages_total{direction="received",outcome="redelivered"} 1)",
        R"(agent_messages_total{direction="received",outcome="rejected"} 1)",
        R"(agent_message_ends_total{outcome="acknowledged"} 1)",
        R"(agent_message_ends_total{outcome="failed"} 1)",
        "agent_message_latency_seconds_count 2", "agent_message_latency_seconds_sum 2",
        "\nagent_failures_total 1"}) {
    CHECK_THAT(text, ContainsSubstring(line));
  }
}

TEST_CASE("what is accepted is counted once, whatever becomes of its answers") {
  auto late = std::make_shared<LateStore>(open_store(StoreKind::memory));
  Config config = signing();
  config.operation_timeout = 100ms;
  Plane p(late, config);
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  const auto counted = [&](const char* line) {
    CHECK_THAT(p->metrics_text().value(), ContainsSubstring(line));
  };
  SendOptions named;
  named.operation_id = "op-1";
  alice.send("bob", "greet", "1", named).value();
  alice.send("bob", "greet", "1", named).value();
  const Message message = only(bob.receive());
  bob.acknowledge(message).value();
  bob.acknowledge(message).value();
  alice.send("bob", "greet", "2").value();
  bob.reject(only(bob.receive()), "no").value();
  counted(R"(agent_messages_total{direction="sent",outcome="accepted"} 2)");
  counted(R"(agent_message_ends_total{outcome="acknowledged"} 1)");
  counted(R"(agent_message_ends_total{outcome="failed"} 1)");
  alice.send("bob", "greet", "3").value();
  const Message last = only(bob.receive());
  late->hold(true);  // what becomes of these nobody says in time
  CHECK(alice.send("bob", "greet", "4").error().outcome_unknown);
  CHECK(bob.acknowledge(last).error().outcome_unknown);
  late->hold(false);
  counted(R"(agent_messages_total{direction="sent",outcome="accepted"} 3)");
  counted(R"(agent_messages_total{direction="sent",outcome="refused"} 0)");
  counted(R"(agent_messages_total{direction="sent",outcome="unknown"} 1)");
  counted(R"(agent_message_ends_total{outcome="acknowledged"} 1)");
  counted(R"(agent_message_ends_total{outcome="unknown"} 1)");
}

TEST_CASE("an end is counted once although its first answers were lost") {
  Plane p(std::make_shared<LateStore>(open_store(StoreKind::memory), LateFaults{0, 0, 50}));
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  for (int i = 0; i < 20; ++i) alice.send("bob", "greet", std::to_string(i)).value();
  for (int left = 20; left > 0;) {
    for (const Message& message : bob.receive(up_to(10, 60s)).value()) {
      bob.acknowledge(message).value();
      --left;
    }
  }
  CHECK_THAT(p->metrics_text().value(),
             ContainsSubstring(R"(agent_messages_total{direction="sent",outcome="accepted"} 20)") &&
                 ContainsSubstring(R"(agent_message_ends_total{outcome="acknowledged"} 20)"));
}

TEST_CASE("a store that is away is told, and waiting ends with the coordinator") {
  auto late = std::make_shared<LateStore>(open_store(StoreKind::memory));
  Config config = signing();
  config.operation_timeout = 10ms;
  Plane p(late, config);
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  late->set_faults({100, 0, 0});
  CHECK(code_of(alice.send("bob", "greet", "1")) == ErrorCode::unavailable);
  CHECK(code_of(bob.receive(up_to(1, 60s))) == ErrorCode::unavailable);
  CHECK(code_of(alice.request("bob", "ask", "1", 60s)) == ErrorCode::unavailable);
  CHECK(code_of(alice.broadcast("code", "news", "1")) == ErrorCode::unavailable);
  late->set_faults({});
  alice.send("bob", "greet", "1").value();
  CHECK(only(bob.receive(up_to(1, 60s))).body == "1");
}

TEST_CASE("closing ends what waits") {
  Plane p(StoreKind::memory, signing());
  Mailbox alice(p.plane, "alice"), bob(p.plane, "bob");
  Heard<std::vector<Message>> got;
  bob.receive(up_to(1, 60s), got.done());
  Heard<Message> answered;
  alice.request("carol", "ask", "1", 60s, {}, answered.done());
  std::thread receiver([&] { CHECK(code_of(bob.receive(up_to(1, 60s))) == ErrorCode::cancelled); });
  std::thread asker(
      [&] { CHECK(code_of(alice.request("carol", "ask", "2", 60s)) == ErrorCode::cancelled); });
  while (p.core().claims().waiting() < 2 || p.core().results().waiting() < 2) std::this_thread::yield();
  REQUIRE(p->shutdown());
  receiver.join();
  asker.join();
  CHECK(code_of(*got.answer) == ErrorCode::cancelled);
  CHECK(got.times == 1);
  CHECK(code_of(*answered.answer) == ErrorCode::cancelled);
  CHECK(code_of(alice.send("bob", "greet", "1")) == ErrorCode::cancelled);
  CHECK(code_of(bob.receive()) == ErrorCode::cancelled);
  CHECK(code_of(alice.broadcast("code", "news", "1")) == ErrorCode::cancelled);
}

TEST_CASE("what breaks a rule of messages is refused and named") {
  Plane p(StoreKind::memory, signing());
  Mailbox alice(p.plane, "alice");
  const auto message = [](const auto& result) {
    CHECK(code_of(result) == ErrorCode::invalid_argument);
    return result.error().message;
  };
  CHECK_THAT(message(alice.send("b b", "t", "1")), ContainsSubstring("to"));
  CHECK_THAT(message(alice.send("bob", "t t", "1")), ContainsSubstring("type"));
  CHECK_THAT(message(alice.send("bob", "t", "{")), ContainsSubstring("body"));
  CHECK_THAT(message(alice.send("bob", "t", "\"" + std::string(1'048'575, 'x') + "\"")),
             ContainsSubstring("max_payload_bytes"));
  CHECK_THAT(message(Mailbox(p.plane, "").send("bob", "t", "1")), ContainsSubstring("agent_id"));
  CHECK_THAT(message(Mailbox(p.plane, "a#b").receive()), ContainsSubstring("a#b"));
  SendOptions options;
  options.ttl = -1ms;
  CHECK_THAT(message(alice.send("bob", "t", "1", options)), ContainsSubstring("ttl"));
  options = {.correlation_id = "a b"};
  CHECK_THAT(message(alice.send("bob", "t", "1", options)), ContainsSubstring("correlation_id"));
  options = {.operation_id = "a b"};
  CHECK_THAT(message(alice.send("bob", "t", "1", options)), ContainsSubstring("operation_id"));
  options = {.max_deliveries = 1'002};
  CHECK_THAT(message(alice.send("bob", "t", "1", options)), ContainsSubstring("max_deliveries"));
  CHECK_THAT(message(alice.receive(up_to(1, 0ms, 0ms))), ContainsSubstring("visibility"));
  CHECK_THAT(message(alice.broadcast("", "t", "1")), ContainsSubstring("capability"));
  Message asked;
  asked.from = "bob";
  asked.to = "alice";
  asked.type = "ask";
  CHECK_THAT(message(alice.reply(asked, "{")), ContainsSubstring("body"));
  asked.to = "carol";
  CHECK_THAT(message(alice.reply(asked, "1")), ContainsSubstring("\"carol\""));
  CHECK_THAT(message(alice.reply({}, "1")), ContainsSubstring("from"));
  CHECK(code_of(alice.acknowledge({})) == ErrorCode::invalid_argument);
}

}  // namespace controlplane
