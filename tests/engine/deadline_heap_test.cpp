#include "engine/deadline_heap.hpp"

#include <map>

#include "base/entropy.hpp"
#include "catch.hpp"

namespace controlplane {
namespace {

struct Places {
  std::vector<std::uint32_t>* places;
  std::uint32_t& operator()(Slot slot) const { return (*places)[slot]; }
};

struct Heap {
  explicit Heap(std::size_t slots) : places(slots, kNoSlot), heap(Places{&places}) {}
  std::vector<std::uint32_t> places;
  DeadlineHeap<Places> heap;
  std::vector<Slot> drain() {
    std::vector<Slot> order;
    while (!heap.empty()) {
      order.push_back(heap.top());
      heap.erase(heap.top());
    }
    return order;
  }
};

}  // namespace

TEST_CASE("an empty heap is never due") {
  Heap h(1);
  CHECK(h.heap.next() == INT64_MAX);
  h.heap.erase(0);
  CHECK(h.heap.size() == 0);
}

TEST_CASE("the earliest deadline comes first, equal ones by slot") {
  Heap h(6);
  const Timestamp times[] = {30, 10, 20, 10, 5, 30};
  for (Slot slot = 0; slot < 6; ++slot) h.heap.set(slot, times[slot]);
  CHECK(h.heap.next() == 5);
  CHECK(h.heap.when_at(h.places[2]) == 20);
  CHECK(h.drain() == std::vector<Slot>{4, 1, 3, 2, 0, 5});
}

TEST_CASE("an entry can be moved both ways and taken out anywhere") {
  Heap h(5);
  for (Slot slot = 0; slot < 5; ++slot) h.heap.set(slot, 10 * (slot + 1));
  h.heap.set(4, 1);
  h.heap.set(0, 99);
  h.heap.erase(2);
  CHECK(h.places[2] == kNoSlot);
  CHECK(h.drain() == std::vector<Slot>{4, 1, 3, 0});
}

TEST_CASE("a heap agrees with a sorted map over many random changes") {
  constexpr Slot kSlots = 200;
  Heap h(kSlots);
  std::map<Slot, Timestamp> model;
  SeededEntropy random(7);
  for (int step = 0; step < 5'000; ++step) {
    const auto slot = static_cast<Slot>(random.next() % kSlots);
    if (random.next() % 3 == 0) {
      h.heap.erase(slot);
      model.erase(slot);
    } else {
      const auto when = static_cast<Timestamp>(random.next() % 500);
      h.heap.set(slot, when);
      model[slot] = when;
    }
    Timestamp earliest = INT64_MAX;
    for (const auto& [ignored, when] : model) earliest = std::min(earliest, when);
    if (h.heap.next() != earliest || h.heap.size() != model.size()) FAIL("at step " << step);
  }
}

}  // namespace controlplane
