// What happened to documents, logs and permits, told by the event log and by the definitions of pools.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "controlplane/event.hpp"
#include "engine/operations.hpp"
#include "simulation/findings.hpp"
#include "simulation/log_history.hpp"

namespace controlplane::simulation {

class SharedHistory {
 public:
  explicit SharedHistory(Findings& findings) : logs(findings), findings_(findings) {}

  LogHistory logs;

  void after(const Operation& op);
  void document_event(const Event& event, std::string_view what);
  void permit_event(const Event& event, std::string_view what);

  std::uint64_t version(const std::string& key) const;  // the highest so far
  bool was_granted(std::uint64_t fence) const { return fences_.count(fence) > 0; }
  std::uint64_t held() const;  // by permits with a time of their own, of all pools

 private:
  Findings& findings_;
  std::map<std::string, std::uint64_t> versions_;   // highest ever, by key
  std::map<std::string, std::uint64_t> capacity_, held_;  // by pool
  std::map<std::string, PoolKind> kinds_;
  std::set<std::uint64_t> fences_;
};

}  // namespace controlplane::simulation
