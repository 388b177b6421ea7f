#include "coordinator/claim_lot.hpp"

#include <deque>

#include "catch.hpp"

namespace controlplane {
namespace {

using Names = std::vector<std::string>;

struct Lot {
  explicit Lot(SelectionStrategy strategy = SelectionStrategy::round_robin) : lot(strategy) {}
  ~Lot() {
    for (LotEntry& entry : entries) lot.remove(entry);
  }
  LotEntry& park(std::string agent, Names offer, std::int64_t deadline = 100, double load = 0,
                 std::uint64_t random = 0) {
    LotEntry& entry = entries.emplace_back();
    entry.agent = std::move(agent);
    entry.offer = std::move(offer);
    entry.deadline_us = deadline;
    entry.timed = true;
    entry.load = load;
    lot.add(entry, random);
    return entry;
  }
  LotEntry& park_mailbox(std::string party) {
    LotEntry& entry = entries.emplace_back();
    entry.agent = std::move(party);
    entry.mailbox = true;
    lot.add(entry, 0);
    return entry;
  }
  std::string pick(Names required, std::string directed = "", Names excluded = {}) {
    LotEntry* entry = lot.pick({std::move(required), std::move(directed), std::move(excluded)});
    return entry == nullptr ? "" : entry->agent;
  }
  ClaimLot lot;
  std::deque<LotEntry> entries;
};

std::shared_ptr<const QueueKey> queue(Names required) {
  return std::make_shared<const QueueKey>(QueueKey{std::move(required), "", {}});
}

TEST_CASE("the one who waits longest gets the task") {
  Lot l;
  l.park("b", {"code"});
  l.park("a", {"code", "gpu"});
  CHECK(l.pick({"code"}) == "b");
  CHECK(l.pick({"code"}) == "a");
  CHECK(l.pick({"code"}) == "");
}

TEST_CASE("only who offers all that is required is picked") {
  Lot l;
  l.park("a", {"code"});
  l.park("b", {"gpu"});
  CHECK(l.pick({"code", "gpu"}) == "");
  l.park("c", {"code", "gpu", "x"});
  CHECK(l.pick({"code", "gpu"}) == "c");
  CHECK(l.pick({"y"}) == "");
  CHECK(l.pick({}) == "a");
}

TEST_CASE("directed and excluded agents are respected") {
  Lot l;
  l.park("a", {"code"});
  l.park("a", {"code"});
  l.park("b", {"code"});
  l.park("c", {"gpu"});
  CHECK(l.pick({"code"}, "", {"a"}) == "b");
  CHECK(l.pick({"code"}, "c") == "");
  CHECK(l.pick({}, "c") == "c");
  CHECK(l.pick({"code"}, "a") == "a");
  CHECK(l.pick({"code"}, "nobody") == "");
}

TEST_CASE("an excluded agent at the head does not hide a longer waiting one of another group") {
  Lot l;
  l.park("a", {"code"});
  l.park("b", {"code", "gpu"});
  l.park("c", {"code"});
  CHECK(l.pick({"code"}, "", {"a"}) == "b");
  CHECK(l.pick({"code"}, "", {"a"}) == "c");
}

TEST_CASE("strategies order the waiting claims") {
  SECTION("least loaded") {
    Lot l(SelectionStrategy::least_loaded);
    l.park("full", {"code"}, 100, 0.9);
    l.park("idle", {"code"}, 100, 0.1);
    CHECK(l.pick({"code"}) == "idle");
  }
  SECTION("fewest surplus capabilities") {
    Lot l(SelectionStrategy::capability_match);
    l.park("wide", {"a", "b", "code"});
    l.park("narrow", {"code"});
    CHECK(l.pick({"code"}) == "narrow");
  }
  SECTION("random is what the dice say") {
    Lot l(SelectionStrategy::random);
    l.park("late", {"code"}, 100, 0, 9);
    l.park("early", {"code"}, 100, 0, 3);
    CHECK(l.pick({"code"}) == "early");
  }
  SECTION("a new strategy orders those that wait already") {
    Lot l;
    l.park("wide", {"a", "code"});
    l.park("narrow", {"code"});
    l.lot.set_strategy(SelectionStrategy::capability_match);
    CHECK(l.pick({"code"}) == "narrow");
    l.lot.set_strategy(SelectionStrategy::round_robin);
    CHECK(l.pick({"code"}) == "wide");
  }
}

TEST_CASE("who found nothing goes back to its old place") {
  Lot l;
  LotEntry& first = l.park("a", {"code"});
  l.park("b", {"code"});
  CHECK(l.pick({"code"}) == "a");
  l.lot.put_back(first);
  CHECK(l.pick({"code"}) == "a");
}

TEST_CASE("a refused agent rests with all its waiting claims until it is woken") {
  Lot l;
  LotEntry& first = l.park("a", {"code"});
  LotEntry& second = l.park("a", {"gpu"});
  l.park("b", {"code"});
  CHECK(l.pick({"code"}) == "a");
  l.lot.rest(first);
  CHECK(second.state == LotEntry::State::dormant);
  CHECK(l.pick({"code"}) == "b");
  CHECK(l.pick({"gpu"}) == "");
  CHECK(l.lot.wake_agent("a") == &first);
  CHECK(first.state == LotEntry::State::busy);
  CHECK(l.lot.take_dormant("a") == &second);
  CHECK(l.lot.take_dormant("a") == nullptr);
  CHECK(l.lot.wake_agent("nobody") == nullptr);
}

TEST_CASE("what only a busy claim could take is noted with it") {
  Lot l;
  LotEntry& entry = l.park("a", {"code"});
  const auto code = queue({"code"});
  CHECK(l.lot.pick(*code) == &entry);
  CHECK(l.lot.pick(*code) == nullptr);
  CHECK(l.lot.leave_note(code, 2));
  CHECK(l.lot.leave_note(code, 1));
  CHECK_FALSE(l.lot.leave_note(queue({"gpu"}), 1));
  CHECK(entry.again);
  REQUIRE(entry.notes.size() == 1);
  CHECK(entry.notes[0].second == 3);
}

TEST_CASE("a busy claim of a woken agent is told to claim again") {
  Lot l;
  LotEntry& entry = l.park("a", {"code"});
  CHECK(l.pick({"code"}) == "a");
  CHECK(l.lot.wake_agent("a") == nullptr);
  CHECK(entry.again);
}

TEST_CASE("another offer keeps the place in the order") {
  Lot l;
  LotEntry& first = l.park("a", {"code"});
  l.park("b", {"gpu"});
  l.lot.reoffer(first, {"gpu"});
  CHECK(l.pick({"code"}) == "");
  CHECK(l.pick({"gpu"}) == "a");
  l.lot.reoffer(first, {"code"});
  CHECK(first.state == LotEntry::State::busy);
  l.lot.put_back(first);
  CHECK(l.pick({"code"}) == "a");
}

TEST_CASE("deadlines come out in order and once") {
  Lot l;
  LotEntry& late = l.park("a", {}, 300);
  LotEntry& early = l.park("b", {}, 100);
  CHECK(l.lot.next_deadline() == 100);
  LotEntry& other = l.park("a", {}, 200);
  CHECK(l.lot.latest_deadline("a") == 300);
  CHECK(l.lot.latest_deadline("a", &other) == 300);
  CHECK(l.lot.latest_deadline("a", &late) == 200);
  CHECK(l.lot.latest_deadline("b", &early) == 0);
  l.lot.remove(other);
  CHECK(l.lot.take_expired(99).empty());
  CHECK(l.lot.take_expired(100) == std::vector<LotEntry*>{&early});
  CHECK(l.lot.take_expired(400) == std::vector<LotEntry*>{&late});
  CHECK(l.lot.take_expired(400).empty());
  CHECK(l.lot.size() == 2);
}

TEST_CASE("a removed claim leaves nothing behind") {
  Lot l;
  LotEntry& entry = l.park("a", {"code"});
  l.lot.remove(entry);
  l.lot.remove(entry);
  CHECK(l.lot.size() == 0);
  CHECK(l.lot.groups() == 0);
  CHECK(l.lot.latest_deadline("a") == 0);
  CHECK(l.lot.next_deadline() == std::numeric_limits<std::int64_t>::max());
  CHECK(l.pick({}) == "");
}

TEST_CASE("a mailbox is picked for what is directed to it and for nothing else") {
  Lot l;
  LotEntry& box = l.park_mailbox("mailbox#bob");
  CHECK(l.pick({}) == "");
  LotEntry& alice = l.park("alice", {});
  CHECK(l.pick({}) == "alice");
  l.lot.remove(alice);
  CHECK(l.pick({}, "mailbox#eve") == "");
  CHECK(l.pick({}, "mailbox#bob") == "mailbox#bob");
  CHECK_FALSE(l.lot.leave_note(queue({}), 1));
  CHECK(l.lot.leave_note(std::make_shared<const QueueKey>(QueueKey{{}, "mailbox#bob", {}}), 1));
  l.lot.set_strategy(SelectionStrategy::random);
  l.lot.put_back(box);
  CHECK(l.pick({}) == "");
  l.lot.remove(box);
  CHECK(l.lot.groups() == 0);
}

TEST_CASE("a pick among 10,000 distinct offers visits the one that fits") {
  Lot l;
  for (int i = 0; i < 10'000; ++i) {
    l.park("agent-" + std::to_string(i), {"all", "only-" + std::to_string(i)});
  }
  CHECK(l.lot.groups() == 10'000);
  for (int i = 0; i < 10'000; i += 7) {
    const std::string n = std::to_string(i);
    REQUIRE(l.pick({"all", "only-" + n}) == "agent-" + n);
  }
  CHECK(l.pick({"all"}) == "agent-1");
}

}  // namespace
}  // namespace controlplane
