// Made ids: UUIDv7 (RFC 9562) with a counter where others put random bits.
//
//   48 bits  Unix time in ms         4 bits  version 7
//   12 bits  counter, high part      2 bits  variant
//   20 bits  counter, low part      42 bits  random constant of the maker
//
// Ids of one maker carry consecutive counters. An index that places an id by counter_of() next to
// its neighbour therefore touches memory in order of submission, and that is what a million tasks
// cost: cache misses.
// Thread safety: IdMaker from any thread; the rest is pure.
// Errors: none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/entropy.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

class IdMaker {
 public:
  // Only reads from `entropy` here; keeps no reference to it.
  explicit IdMaker(Entropy& entropy);
  TaskId::Uuid next(std::int64_t now_us) noexcept;

 private:
  const std::uint64_t node_;            // 42 bits
  std::atomic<std::uint32_t> counter_;  // starts in the lower half: two billion ids before it wraps
};

inline constexpr int kNodeBits = 42;
inline constexpr std::uint64_t kNodeMask = (std::uint64_t{1} << kNodeBits) - 1;

inline std::uint32_t counter_of(const TaskId::Uuid& uuid) noexcept {
  const auto high = static_cast<std::uint32_t>(load_be64(uuid.data()) & 0xfff);
  const auto low = static_cast<std::uint32_t>((load_be64(uuid.data() + 8) >> kNodeBits) & 0xfffff);
  return high << 20 | low;
}

// Equal for ids of one maker within 65 s; random otherwise.
inline std::uint64_t origin_of(const TaskId::Uuid& uuid) noexcept {
  const std::uint64_t epoch = load_be64(uuid.data()) >> 32;
  return mix64((load_be64(uuid.data() + 8) & kNodeMask) ^ epoch << kNodeBits);
}

// Lower-case text of 36 characters.
inline constexpr std::size_t kUuidText = 36;
void write_uuid(char* out, const TaskId::Uuid& uuid) noexcept;  // kUuidText characters
bool parse_uuid(const char* text, TaskId::Uuid& uuid) noexcept;  // of kUuidText characters

// "op_" + UUIDv7, wholly random behind its time: names one mutation.
std::string make_operation_id(Entropy& entropy, std::int64_t now_us);

}  // namespace controlplane
