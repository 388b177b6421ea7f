// What happened to logs, told by the operations that the store applied.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/operations.hpp"
#include "simulation/findings.hpp"

namespace controlplane::simulation {

class LogHistory {
 public:
  explicit LogHistory(Findings& findings) : findings_(findings) {}

  void after(const Operation& op);
  // All there is of a log, as the store has it: no number is missing, nothing is there twice.
  void compare(std::string_view log, const std::vector<LogEntry>& entries);

  bool exists(std::string_view log) const { return lasts_.count(log) > 0; }
  std::uint64_t last(std::string_view log) const;  // 0 = there is no such log
  bool has(std::string_view log, std::uint64_t seq, std::string_view entry) const;  // had it, ever

 private:
  void appended(const AppendLog& op);

  Findings& findings_;
  std::map<std::string, std::uint64_t, std::less<>> lasts_;  // of the logs there are
  // Everything ever appended, by number: no number is used twice for a name.
  std::map<std::string, std::map<std::uint64_t, std::string>, std::less<>> entries_;
};

}  // namespace controlplane::simulation
