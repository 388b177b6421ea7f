#include "engine/concurrency_keys.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

constexpr Timestamp kNow = 1'000;
constexpr std::int64_t kAgeing = 100;

struct Fixture {
  Slab<TaskRecord> tasks;
  ConcurrencyKeys keys{tasks, kAgeing};
  std::uint32_t key = keys.find_or_add("k", 10);

  Slot add(std::uint32_t queue, std::uint32_t limit, TaskPriority priority = TaskPriority::normal) {
    const Slot task = tasks.take();
    tasks[task].key = key;
    tasks[task].key_limit = limit;
    tasks[task].queue = queue;
    tasks[task].priority = priority;
    tasks[task].position = task + 1;
    tasks[task].first_ready = kNow;
    keys.use(key);
    return task;
  }
  Slot waiting(std::uint32_t queue, std::uint32_t limit,
               TaskPriority priority = TaskPriority::normal) {
    const Slot task = add(queue, limit, priority);
    keys.wait(ref_of(tasks, task));
    return task;
  }
};

using Slots = std::vector<Slot>;

}  // namespace

TEST_CASE("a task fits while its key has fewer leases than the task allows") {
  Fixture f;
  const Slot strict = f.add(0, 1), loose = f.add(0, 2);
  CHECK(f.keys.fits(f.tasks[strict]));
  f.keys.leased(f.key);
  CHECK_FALSE(f.keys.fits(f.tasks[strict]));
  CHECK(f.keys.fits(f.tasks[loose]));
  TaskRecord keyless;
  CHECK(f.keys.fits(keyless));
}

TEST_CASE("a freed slot brings back the first of every group that fits") {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.keys.leased(f.key);
  const Slot a = f.waiting(0, 3), b = f.waiting(0, 3), other = f.waiting(1, 3);
  f.waiting(0, 1);
  CHECK(f.keys.freed(f.key, kNow) == Slots{a, other});
  CHECK(f.tasks[a].place == Place::nowhere);
  CHECK(f.tasks[b].place == Place::key_waiting);
  CHECK(f.keys.freed(f.key, kNow) == Slots{b});
}

TEST_CASE("within a group priority goes before position") {
  Fixture f;
  f.keys.leased(f.key);
  const Slot low = f.waiting(0, 1, TaskPriority::low), high = f.waiting(0, 1, TaskPriority::high);
  CHECK(f.keys.freed(f.key, kNow) == Slots{high});
  f.keys.leased(f.key);
  CHECK(f.keys.freed(f.key, kNow) == Slots{low});
}

TEST_CASE("within a group ageing goes before priority") {
  Fixture f;
  f.keys.leased(f.key);
  const Slot low = f.waiting(0, 1, TaskPriority::low), high = f.waiting(0, 1, TaskPriority::high);
  f.tasks[low].first_ready = kNow - 2 * kAgeing;  // two levels, and its position is earlier
  CHECK(f.keys.freed(f.key, kNow) == Slots{low});
  f.keys.leased(f.key);
  CHECK(f.keys.freed(f.key, kNow) == Slots{high});
}

TEST_CASE("who leaves its queue without a lease hands its turn to the next of its group") {
  Fixture f;
  f.keys.leased(f.key);
  const Slot first = f.waiting(0, 1), next = f.waiting(0, 1);
  f.waiting(1, 1);
  CHECK(f.keys.next_after(f.tasks[first], kNow) == kNoSlot);  // the key is full
  CHECK(f.keys.freed(f.key, kNow).size() == 2);
  CHECK(f.keys.next_after(f.tasks[first], kNow) == next);
  CHECK(f.keys.next_after(f.tasks[first], kNow) == kNoSlot);
}

TEST_CASE("a waiting task can be taken out") {
  Fixture f;
  f.keys.leased(f.key);
  const Slot a = f.waiting(0, 1), b = f.waiting(0, 1);
  f.keys.remove(ref_of(f.tasks, a));
  CHECK(f.tasks[a].place == Place::nowhere);
  CHECK(f.keys.freed(f.key, kNow) == Slots{b});
}

TEST_CASE("a key goes with its last user, and there are at most so many") {
  Fixture f;
  const Slot task = f.add(0, 1);
  CHECK(f.keys.find_or_add("k", 1) == f.key);
  CHECK(f.keys.find_or_add("l", 1) == kNoSlot);
  f.keys.drop(f.tasks[task].key);
  CHECK(f.keys.size() == 0);
  CHECK(f.keys.find_or_add("l", 1) != kNoSlot);
}

}  // namespace controlplane
