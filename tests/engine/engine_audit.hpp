// Compares everything that the tables of one tenant maintain with a full scan. The tables name it
// as their friend; it changes nothing.
// Thread safety: none; nobody may use the namespace meanwhile.
// Cost: linear in records, queues, names and agents.
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/namespace.hpp"
#include "engine/slab.hpp"
#include "engine/task_counters.hpp"

namespace controlplane {

class TaskTable;
class AgentTable;
class DocumentTable;
class NamedLogs;
class PermitTable;

struct EngineAudit {
  // One sentence per broken invariant; empty if all hold.
  static std::vector<std::string> check(const Namespace& tables);

 private:
  using Count = std::map<std::uint64_t, std::uint64_t>;  // by slot

  explicit EngineAudit(const Namespace& tables);

  void scan_tasks();
  void scan_task(Slot task, std::uint64_t serial);
  void scan_attempt(Slot task);
  void check_place(Slot task);
  void check_timer(Slot task);
  void check_timers();
  void check_counters();
  void check_serials();
  void check_queues();
  void check_queue(std::uint32_t queue);
  void check_offers();
  void check_parties();
  void check_leases(Slot party);
  void check_keys();
  void check_waiting(std::uint32_t key);
  void check_families();
  void check_claims();
  void check_names();
  void check_retention();
  void check_idempotency();
  void check_limits();
  void check_documents();
  void check_logs();
  void check_log(std::uint32_t log);
  void check_permits();
  void check_pool(std::uint32_t pool);
  void check_waiters();
  void check_agents();
  void check_agent(std::uint32_t agent);

  template <class... Parts>
  void expect(bool holds, const Parts&... parts) {
    if (holds) return;
    std::ostringstream text;
    (text << ... << parts);
    violations_.push_back(text.str());
  }

  const NamespaceOptions& options_;
  const TaskTable& tasks_;
  const AgentTable& agents_;
  const DocumentTable& documents_;
  const PermitTable& permits_;
  const NamedLogs& logs_;
  std::vector<std::string> violations_;

  // What the scan found.
  TaskCounters counters_;
  std::vector<std::uint64_t> serials_;  // by slot; 0 = no record
  std::uint64_t records_ = 0, attempts_ = 0, timed_ = 0, families_ = 0;
  std::uint64_t terminal_ = 0, terminal_bytes_ = 0, keyed_ = 0;
  Count at_place_;  // records, by Place
  Count types_, policies_, queue_users_, queue_live_, party_uses_, party_leases_;
  Count key_users_, key_leases_, key_bound_, claims_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> ready_of_key_;  // queue, limit
};

}  // namespace controlplane
