// What the logs of a tenant are made of: append-only streams of JSON entries. Plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/json.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct LogEntry {
  std::uint64_t seq = 0;  // gapless in its log, and never used twice for that name
  Timestamp time = 0;     // when it was appended
  Json value;
};

// What a log keeps. The oldest entries go when there are more.
struct LogBounds {
  std::uint64_t max_entries = 100'000;     // at least 1
  std::uint64_t max_bytes = 67'108'864;    // of the values; at least 1. A larger entry is refused
  std::chrono::milliseconds max_age{0};    // gone at the next full second after it; 0 = never
  friend bool operator==(const LogBounds&, const LogBounds&) = default;
};

struct LogInfo {
  std::string name;
  LogBounds bounds;
  std::uint64_t first_seq = 0;             // of those there are; last_seq + 1 = there is none
  std::uint64_t last_seq = 0;              // that was given out
  std::uint64_t entries = 0, bytes = 0;    // now
  Timestamp created_at = 0;
};

// Entries as they follow each other, without a gap.
struct LogPage {
  std::vector<LogEntry> entries;
  std::uint64_t next_after = 0;            // go on after this
  std::uint64_t first_seq = 0, last_seq = 0;  // of the log, as in LogInfo
};

// What goes: whatever is beyond any of these. Unset: it does not count.
struct LogTrim {
  std::optional<std::uint64_t> before{};   // entries with a lower number
  std::optional<std::uint64_t> max_entries{};  // older ones than the newest so many; 0 = all
  std::optional<std::uint64_t> max_bytes{};    // as many of the oldest as are too much
  std::optional<std::chrono::milliseconds> max_age{};
};

}  // namespace controlplane
