#include "engine/slot_index.hpp"

#include "catch.hpp"

namespace controlplane {

TEST_CASE("a slot is found by its hash among others with the same hash") {
  SlotIndex index;
  for (Slot slot = 0; slot < 5; ++slot) index.insert(42, slot);
  index.insert(42 + 1024, 5);  // the same bucket
  for (Slot wanted = 0; wanted < 5; ++wanted) {
    CHECK(index.find(42, [&](Slot slot) { return slot == wanted; }) == wanted);
  }
  CHECK(index.find(42, [](Slot slot) { return slot == 5; }) == kNoSlot);
  CHECK(index.find(42 + 1024, [](Slot) { return true; }) == 5);
}

TEST_CASE("an erased slot is not found and its neighbours are") {
  SlotIndex index;
  for (Slot slot = 0; slot < 3; ++slot) index.insert(7, slot);
  index.erase(1);
  CHECK(index.size() == 2);
  CHECK(index.find(7, [](Slot slot) { return slot == 1; }) == kNoSlot);
  CHECK(index.find(7, [](Slot slot) { return slot == 0; }) == 0);
  CHECK(index.find(7, [](Slot slot) { return slot == 2; }) == 2);
  index.insert(9, 1);
  CHECK(index.find(9, [](Slot) { return true; }) == 1);
}

TEST_CASE("an index keeps everything while it grows") {
  SlotIndex index;
  constexpr Slot kMany = 50'000;
  const auto hash = [](Slot slot) { return slot * 2'654'435'761U; };
  for (Slot slot = 0; slot < kMany; ++slot) index.insert(hash(slot), slot);
  for (Slot slot = 0; slot < kMany; slot += 3) index.erase(slot);
  bool right = true;
  for (Slot slot = 0; slot < kMany; ++slot) {
    const Slot found = index.find(hash(slot), [&](Slot one) { return one == slot; });
    right = right && found == (slot % 3 == 0 ? kNoSlot : slot);
  }
  CHECK(right);
}

}  // namespace controlplane
