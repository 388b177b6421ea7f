#include "engine/serial_index.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

std::vector<Slot> all(const SerialIndex& index, std::uint64_t from = 0) {
  std::vector<Slot> slots;
  index.scan(
      from, [](const auto&) { return true; },
      [&](std::uint64_t, Slot slot) {
        slots.push_back(slot);
        return true;
      });
  return slots;
}

}  // namespace

TEST_CASE("serial numbers grow from 1 and are visited in order") {
  SerialIndex index;
  CHECK(index.add(30, TaskState::pending) == 1);
  CHECK(index.add(10, TaskState::pending) == 2);
  CHECK(index.add(20, TaskState::pending) == 3);
  CHECK(all(index) == std::vector<Slot>{30, 10, 20});
  CHECK(all(index, 2) == std::vector<Slot>{10, 20});
  CHECK(all(index, 99).empty());
}

TEST_CASE("a scan that stops answers where to go on, and 0 at the end") {
  SerialIndex index;
  for (Slot slot = 0; slot < 5; ++slot) index.add(slot, TaskState::pending);
  int left = 2;
  const auto take = [&](std::uint64_t, Slot) { return left-- > 0; };
  const auto any = [](const auto&) { return true; };
  const std::uint64_t next = index.scan(0, any, take);
  CHECK(next == 3);
  left = 9;
  CHECK(index.scan(next, any, take) == 0);
}

TEST_CASE("chunks without a wanted state are skipped") {
  SerialIndex index;
  for (Slot slot = 0; slot < 20'000; ++slot) index.add(slot, TaskState::pending);
  index.moved(9'001, TaskState::pending, TaskState::failed);
  std::size_t visited = 0;
  const auto failed = [](const auto& states) {
    return states[static_cast<std::size_t>(TaskState::failed)] > 0;
  };
  index.scan(0, failed, [&](std::uint64_t, Slot) { return ++visited > 0; });
  CHECK(visited == 4'096);
}

TEST_CASE("old tasks that stay keep their numbers while all around them goes") {
  SerialIndex index;
  std::vector<std::uint64_t> serials;
  for (Slot slot = 0; slot < 20'000; ++slot) serials.push_back(index.add(slot, TaskState::pending));
  for (Slot slot = 0; slot < 20'000; ++slot) {
    if (slot != 5'000) index.remove(serials[slot], TaskState::pending);
  }
  CHECK(all(index) == std::vector<Slot>{5'000});
  index.remove(serials[5'000], TaskState::pending);
  CHECK(all(index).empty());
  CHECK(index.add(1, TaskState::pending) == 20'001);
  CHECK(all(index) == std::vector<Slot>{1});
  for (Slot slot = 2; slot < 9'000; ++slot) index.add(slot, TaskState::pending);
  CHECK(all(index).size() == 8'999);
}

}  // namespace controlplane
