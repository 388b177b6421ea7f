#include "engine/ready_queues.hpp"

#include "catch.hpp"
#include "engine/queues_fixture.hpp"

namespace controlplane {

TEST_CASE("a queue serves who offers all that it requires") {
  QueuesFixture f;
  const Slot task = f.add({"code", "gpu"});
  CHECK(f.best("a", {"code"}) == kNoSlot);
  CHECK(f.best("a", {"gpu", "x", "code"}) == task);
  CHECK(f.best("a", {"code", "gpu", "code"}) == task);
}

TEST_CASE("heads are compared by priority, then by position") {
  QueuesFixture f;
  const Slot low = f.add({}, TaskPriority::low), second = f.add({"x"}), third = f.add({}),
             high = f.add({"x"}, TaskPriority::high);
  for (const Slot task : {high, second, third, low}) CHECK(f.take("a", {"x"}) == task);
  CHECK(f.take("a", {"x"}) == kNoSlot);
}

TEST_CASE("a returned task goes by its old position") {
  QueuesFixture f;
  const Slot a = f.add({}), b = f.add({}), c = f.add({});
  CHECK(f.take("x", {}) == a);
  CHECK(f.take("x", {}) == b);
  f.queues.push_returned(ref_of(f.tasks, b));
  f.queues.push_returned(ref_of(f.tasks, a));
  for (const Slot task : {a, b, c}) CHECK(f.take("x", {}) == task);
}

TEST_CASE("a task is taken out of the middle of its queue") {
  QueuesFixture f;
  const Slot a = f.add({}), b = f.add({}), c = f.add({});
  f.queues.remove(ref_of(f.tasks, b));
  CHECK(f.tasks[b].place == Place::nowhere);
  f.queues.remove(ref_of(f.tasks, c));
  const Slot d = f.add({});
  for (const Slot task : {a, d}) CHECK(f.take("x", {}) == task);
}

TEST_CASE("directed and excluded agents") {
  QueuesFixture f;
  const Slot directed = f.add({}, TaskPriority::low, "bob");
  const Slot excluding = f.add({}, TaskPriority::normal, "", {"alice", "carol"});
  CHECK(f.best("alice", {}) == kNoSlot);
  CHECK(f.best("bob", {}) == excluding);
  f.queues.remove(ref_of(f.tasks, excluding));
  CHECK(f.best("bob", {}) == directed);
}

TEST_CASE("ageing lifts a task by one level per interval") {
  QueuesFixture f(16, 100);
  const Slot low = f.add({}, TaskPriority::low, "", {}, 0);
  const Slot high = f.add({}, TaskPriority::high, "", {}, 150);
  CHECK(f.best("a", {}, 150) == high);
  CHECK(f.best("a", {}, 200) == low);   // level 1, as the other, and older
  CHECK(f.best("a", {}, 260) == high);  // 3 − 2 against 1 − 1
}

TEST_CASE("an offer made before a queue comes to know it, and forgets it with it") {
  QueuesFixture f(1);
  CHECK(f.best("a", {"x", "y"}) == kNoSlot);
  const Slot x = f.add({"x"});
  CHECK(f.best("a", {"x", "y"}) == x);
  f.end(x);
  const Slot y = f.add({"y"});  // takes the only place
  CHECK(f.queues.linked_undirected() == 1);
  CHECK(f.best("a", {"x", "y"}) == y);
}

TEST_CASE("a queue is refused beyond the limit and unknown afterwards") {
  QueuesFixture f(2);
  const Slot a = f.add({"a"});
  CHECK(f.add({"b"}) != kNoSlot);
  CHECK(f.add({"c"}) == kNoSlot);
  CHECK(f.queues.size() == 2);
  CHECK(f.add({"c"}, TaskPriority::normal, "bob") != kNoSlot);  // directed ones are not counted
  f.end(a);
  CHECK(f.add({"c"}) != kNoSlot);
}

TEST_CASE("a queue stays for a while after its last task, then makes room") {
  QueuesFixture f;
  for (int i = 0; i < 1'000; ++i) f.end(f.add({"need" + std::to_string(i)}));
  CHECK(f.queues.size() == 256);
  const Slot task = f.add({"need999"});
  CHECK(f.queues.size() == 256);
  CHECK(f.best("a", {"need999"}) == task);
}

TEST_CASE("an idle queue leads no party by the nose: its name goes with it") {
  QueuesFixture f;
  for (int i = 0; i < 1'000; ++i) {
    f.end(f.add({}, TaskPriority::normal, "agent" + std::to_string(i)));
  }
  CHECK(f.parties.size() == 256);
}

TEST_CASE("can_enter_all counts every new undirected queue once") {
  QueuesFixture f(3);
  f.add({"a"});
  const auto queue = [&](const char* need, const char* directed = "") {
    return f.queues.find_or_add({need}, directed, {});
  };
  CHECK(
      f.queues.can_enter_all({queue("a"), queue("b"), queue("b"), queue("c"), queue("d", "bob")}));
  CHECK_FALSE(f.queues.can_enter_all({queue("b"), queue("c"), queue("d")}));
}

TEST_CASE("more offers than are remembered still find their tasks") {
  QueuesFixture f;
  const Slot task = f.add({"x"});
  for (int i = 0; i < 3 * static_cast<int>(f.kOffers); ++i) CHECK(f.best("a", {"x", std::to_string(i)}) == task);
  CHECK(f.best("a", {"x", "0"}) == task);
}

}  // namespace controlplane
