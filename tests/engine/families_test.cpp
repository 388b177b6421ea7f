#include "engine/families.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

struct Fixture {
  Slab<TaskRecord> tasks;
  Families families{tasks};
  std::uint64_t serial = 0;

  Slot task() {
    const Slot slot = tasks.take();
    tasks[slot].serial = ++serial;
    return slot;
  }
};

}  // namespace

TEST_CASE("a parent tells its dependents in their order, then leaves the list") {
  Fixture f;
  const Slot parent = f.task(), a = f.task(), b = f.task();
  f.families.add(parent, a);
  f.families.add(parent, b);
  CHECK(f.families.find(a)->awaited == 1);
  CHECK(f.families.dependents(parent) == 2);
  CHECK_FALSE(f.families.any_ended());
  f.families.parent_ended(parent);
  CHECK(f.families.first_ended() == parent);
  CHECK(f.families.take_dependent().task == a);
  CHECK(f.families.resolving(parent));
  CHECK(f.families.take_dependent().task == b);
  CHECK_FALSE(f.families.resolving(parent));
  CHECK_FALSE(f.families.any_ended());
}

TEST_CASE("a task without dependents has nobody to tell") {
  Fixture f;
  const Slot task = f.task();
  f.families.parent_ended(task);
  CHECK_FALSE(f.families.any_ended());
  CHECK(f.families.find(task) == nullptr);
}

TEST_CASE("a dependent of a parent that had ended is settled at once") {
  Fixture f;
  const Slot parent = f.task(), late = f.task();
  f.families.add(parent, late);
  f.families.settled(parent, late);
  CHECK(f.families.find(late)->awaited == 0);
  CHECK_FALSE(f.families.resolving(parent));
}

TEST_CASE("dependents that are gone can be forgotten, but not while they are told") {
  Fixture f;
  const Slot parent = f.task(), gone = f.task(), stays = f.task();
  f.families.add(parent, gone);
  f.families.add(parent, stays);
  f.families.forget(gone);
  f.tasks.give_back(gone);
  f.families.parent_ended(parent);
  CHECK(f.families.drop_gone(parent) == 0);
  f.families.take_dependent();
  f.families.take_dependent();
  CHECK(f.families.drop_gone(parent) == 1);
  CHECK(f.families.find(parent)->dependents[0].task == stays);
  CHECK(f.families.find(parent)->resolved == 1);
  CHECK(f.families.drop_gone(parent) == 0);
  CHECK(f.families.drop_gone(stays) == 0);
}

TEST_CASE("a child knows the serial number of who it was, not only its slot") {
  Fixture f;
  const Slot parent = f.task(), child = f.task();
  f.families.add(parent, child);
  f.families.forget(child);
  f.tasks.give_back(child);
  const Slot other = f.task();
  CHECK(other == child);
  f.families.parent_ended(parent);
  CHECK(f.families.take_dependent().serial != f.tasks[other].serial);
}

}  // namespace controlplane
