// What callers were told, held against the history: who got which lease, which end of an attempt was
// reported and how that was answered, what was submitted under which key.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controlplane/task_scheduler.hpp"
#include "engine/operations.hpp"
#include "simulation/history.hpp"

namespace controlplane::simulation {

// One end of an attempt as a caller reports it; repeated reports are the same one.
struct Report {
  AttemptRef attempt;
  EndKind kind = EndKind::complete;
  FailKind fail_kind = FailKind::retryable;
  std::string content;  // the result, or the error

  bool same_as(const Report& other) const {
    return kind == other.kind && fail_kind == other.fail_kind && content == other.content;
  }
};

struct Ask {
  std::string key;      // own id or idempotency key; empty = none
  std::string content;  // tells specs apart
};

class Ledger {
 public:
  Ledger(Findings& findings, const History& history, bool forgetful, bool require_lease)
      : findings_(findings), history_(history), forgetful_(forgetful), require_lease_(require_lease) {}

  // Before a claim: how many leases its claim id is known to have brought; claimed() is told.
  std::size_t claiming(const std::string& claim_id) { return by_claim_id_[claim_id].size(); }
  // The answer to a claim: who holds what from now on.
  void claimed(const std::string& agent, const std::string& claim_id, std::size_t known,
               const std::vector<ClaimedTask>& tasks);
  void claim_unknown(const std::string& agent) { unknown_claims_.insert(agent); }
  // Nothing is on its way: every lease is somebody's who was told of it, or was given back.
  void check_leases(bool nothing_unknown);

  std::size_t report(Report report);  // before the call; the number names it to answered()
  void answered(std::size_t number, const Result<void>& answer);
  const Report& report_of(std::size_t number) const { return reports_[number].report; }

  void submitting(const Ask& ask);
  void submitted(const Ask& ask, const Result<TaskId>& answer);

  // Every result of these tasks is one that a holder of that attempt reported.
  void check_results(const std::vector<Task>& all);

 private:
  struct Entry {
    Report report;
    std::uint32_t generation;
  };
  struct Handing {
    std::string agent, claim_id;
  };
  struct Key {
    std::string content;
    TaskId id;
    int submits = 0;
  };
  void handed_out(const std::string& agent, const std::string& claim_id, const ClaimedTask& task);
  void accepted(const Entry& entry, const SeenTask& task);
  void refused(const Entry& entry, const SeenTask& task, const Error& error);
  bool only_report(const Entry& entry) const;

  Findings& findings_;
  const History& history_;
  const bool forgetful_, require_lease_;
  std::map<std::uint64_t, Handing> leases_;                         // by nonce
  std::map<std::string, std::vector<ClaimedTask>> by_claim_id_;
  std::set<std::string> unknown_claims_;  // agents with a claim that may have been applied
  std::vector<Entry> reports_;
  std::map<std::uint64_t, std::size_t> accepted_;                   // by nonce
  std::map<std::string, std::vector<std::size_t>> reports_of_;      // by task
  std::map<std::string, Key> keys_;
};

}  // namespace controlplane::simulation
