// What the parts of an import have in common.
// Thread safety: plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controlplane/task.hpp"
#include "engine/rows.hpp"
#include "engine/slab.hpp"

namespace controlplane {

// What is counted up (serials, fences, versions, …) never comes so far by itself, and goes on from
// there for ever.
inline constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 60;
inline constexpr std::uint32_t kMaxAttempts = std::uint32_t{1} << 30;
inline constexpr std::uint16_t kMaxInRow = 60'000;

// What is wrong with the row of a line.
struct RowFault {
  std::uint64_t line = 0;
  std::string what;
};
using MaybeFault = std::optional<RowFault>;

// A permit that an attempt has to have.
struct AttemptPermit {
  Slot slot = kNoSlot;
  std::uint64_t line = 0;
};
using AttemptPermits = std::unordered_map<std::uint64_t, AttemptPermit>;  // by fence

// When the rows were written, and when they come back. What a holder had to do in between moves by
// the time that it could not; how long that was a clock that is behind does not tell.
struct Downtime {
  static constexpr std::int64_t kGraceUs = 30'000'000;
  Timestamp was = 0, now = 0;
  bool none = true;  // they come back at the same moment

  Timestamp moved(Timestamp deadline) const noexcept {
    if (deadline == 0 || none) return deadline;
    return std::max(deadline + (now - was), now + kGraceUs);
  }
};

inline std::vector<std::string> strings_of(const std::vector<NameText>& names) {
  std::vector<std::string> strings;
  strings.reserve(names.size());
  for (const NameText& name : names) strings.emplace_back(name.text);
  return strings;
}

inline Labels labels_of(const std::vector<LabelRow>& rows) {
  Labels labels;
  for (const LabelRow& row : rows) labels.emplace_back(row.key.text, row.value.text);
  return labels;
}

// Ascending, without repetitions, at most `max`.
inline bool is_set(const std::vector<NameText>& names, std::size_t max) noexcept {
  const auto after = [](const NameText& a, const NameText& b) { return a.text >= b.text; };
  return names.size() <= max &&
         std::adjacent_find(names.begin(), names.end(), after) == names.end();
}

}  // namespace controlplane
