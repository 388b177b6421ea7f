// Request traces, CSV with the columns TIMESTAMP,ContextTokens,GeneratedTokens, and the clock that
// replays them in virtual time.
#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.hpp"

struct TraceEntry {
  std::int64_t at_us = 0;  // since the trace began
  std::int64_t context_tokens = 0, generated_tokens = 0;
};

class VirtualClock final : public controlplane::Clock {
 public:
  std::int64_t wall_us() const override { return 1'700'000'000'000'000 + now; }
  std::int64_t steady_us() const override { return now; }
  std::int64_t now = 0;
};

// "2023-11-16 18:15:46.6805900": microseconds within the month; a trace spans an hour.
inline std::int64_t parse_time(const std::string& text) {
  int day = 0, hour = 0, minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%*d-%*d-%d %d:%d:%lf", &day, &hour, &minute, &second) != 4) {
    throw std::runtime_error("not a timestamp: " + text);
  }
  return ((day * 24 + hour) * 60 + minute) * 60'000'000LL + static_cast<std::int64_t>(second * 1e6);
}

inline std::vector<TraceEntry> read_trace(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error("cannot read " + path);
  std::vector<TraceEntry> entries;
  while (std::getline(file, line)) {
    const std::size_t first = line.find(','), second = line.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    entries.push_back({parse_time(line.substr(0, first)), std::stoll(line.substr(first + 1)),
                       std::stoll(line.substr(second + 1))});
  }
  const std::int64_t begin = entries.at(0).at_us;
  for (TraceEntry& entry : entries) entry.at_us -= begin;
  return entries;
}
