// Tasks that are directed to a mailbox: only its claims get them, and it gets nothing else.
#include "engine/mailbox_name.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TaskSpec message(std::string_view id, std::string_view to) {
  TaskSpec spec = task(id);
  spec.agent_id = mailbox_of(to);
  return spec;
}

const std::string kBob = mailbox_of("bob");

}  // namespace

CONFORMANCE_CASE("a mailbox gets what is directed to it, in order, and nothing else") {
  Plane plane(kind);
  plane.submit("free");
  TaskSpec to_bob = task("to-bob");
  to_bob.agent_id = "bob";
  plane.submit(to_bob);
  plane.submit(message("m1", "bob"));
  plane.submit(message("m2", "bob"));
  plane.submit(message("c1", "carol"));
  CHECK(plane.claims(many(kBob, 10)).ids() == "m1 m2");
  CHECK(plane.next(kBob).empty());
  CHECK(plane.claims(many("bob", 10)).ids() == "free to-bob");
  CHECK(plane.next(mailbox_of("nobody")).empty());
}

CONFORMANCE_CASE("a mailbox needs no registration and takes no slot") {
  Plane plane(kind);
  plane.require_registration = plane.require_lease = true;
  plane.add(agent("bob", {}, 1));
  plane.submit("a");
  plane.submit(message("m1", "bob"));
  const ClaimedTask a = plane.claim("bob");
  const ClaimedTask m1 = plane.claim(kBob);
  CHECK(m1.submitted_at == plane.now());
  CHECK(plane.agent_of("bob").running == 1);
  CHECK(plane.fail(m1, FailKind::fatal) == "ok");
  CHECK(plane.agent_of("bob").tasks_failed == 0);
  CHECK_THAT(plane.claims(by("alice")).answer, StartsWith("failed_precondition"));
}

CONFORMANCE_CASE("a message is redelivered in its place, and poison in the end") {
  Plane plane(kind);
  plane.submit(message("m1", "bob"));
  plane.submit(message("m2", "bob"));
  for (int i = 0; i < 3; ++i) {
    CHECK(plane.claim(renewing(kBob, 1'000)).id.str() == "m1");
    plane.advance_all(2 * kSecond);
  }
  CHECK(plane.state("m1") == "failed poison");
  CHECK(plane.next(kBob) == "m2");
}

CONFORMANCE_CASE("a mailbox holds max_mailbox_messages until they end") {
  NamespaceOptions options;
  options.limits.max_mailbox_messages = 2;
  Plane plane(kind, options);
  plane.submit(message("m1", "bob"));
  plane.submit(message("m2", "bob"));
  const std::string full =
      "resource_exhausted: the mailbox of bob holds 2 messages that are not acknowledged; the limit "
      "max_mailbox_messages is 2";
  const auto batch = plane.submit_batch({message("m3", "bob"), message("c1", "carol")});
  CHECK(batch[0].answer == full);
  CHECK(batch[1].answer == "ok");
  const ClaimedTask m1 = plane.claim(kBob);
  CHECK(plane.try_submit(message("m3", "bob")).answer == full);
  plane.complete(m1);
  CHECK(plane.try_submit(message("m3", "bob")).answer == "ok");
  CHECK(plane.try_submit(message("m3", "bob")).answer == "duplicate");
  plane.cancel("m2");
  CHECK(plane.try_submit(message("m4", "bob")).answer == "ok");
  CHECK(plane.try_submit(message("m5", "bob")).answer == full);
  for (int i = 0; i < 10; ++i) plane.submit(task(""));  // others are not bounded by it
}

CONFORMANCE_CASE("a message is for its receiver alone, and for one task") {
  Plane plane(kind);
  plane.submit(message("m1", "bob"));
  const std::string refused = "failed_precondition: task m1: it is a message to bob and for nobody else";
  CHECK(plane.assign("m1", "eve") == refused);
  CHECK(plane.assign("m1", "") == refused);
  CHECK(plane.obstacles("m1") == "waiting_for_claim mailbox#bob");
  plane.fail(plane.claim(kBob), FailKind::fatal);
  CHECK(plane.state("m1") == "failed fatal");
  CHECK(plane.replay("m1", "op").answer ==
        "failed_precondition: task m1: it is a message, good for one task only; its sender may send "
        "it again");
}

CONFORMANCE_CASE("failed attempts of agents are counted, those of mailboxes are not") {
  Plane plane(kind);
  const auto failed = [&] {
    ReadStats op;
    plane.apply(op);
    return op.failed_attempts;
  };
  plane.submit("a");
  plane.submit(message("m1", "bob"));
  plane.fail(plane.claim("alice"));
  CHECK(failed() == 1);
  plane.fail(plane.claim(kBob));
  CHECK(failed() == 1);
  plane.claim(renewing("alice", 1'000));
  plane.advance_all(2 * kSecond);
  CHECK(failed() == 2);
  plane.release(plane.claim("alice"));
  CHECK(failed() == 2);
  plane.complete(plane.claim("alice"));
  CHECK(failed() == 2);
}

}  // namespace controlplane::conformance
