#include "simulation/ledger.hpp"

#include <algorithm>
#include <utility>

namespace controlplane::simulation {
namespace {

// Whether an attempt that ended so may have ended by this report …
bool may_be_by(const Report& report, const AttemptEndSeen& end) {
  if (report.kind == EndKind::complete) return end.type == "task.completed";
  if (end.type == "task.completed" || end.type == "task.timeout") return false;
  return report.kind == EndKind::release || end.type != "task.released";
}

// … and whether it ended by a report of this kind and by nothing else.
bool is_by(const Report& report, const AttemptEndSeen& end) {
  switch (report.kind) {
    case EndKind::complete: return end.type == "task.completed";
    case EndKind::release: return end.type == "task.released" && end.kind == "released";
    case EndKind::fail: return end.type != "task.cancelled" && end.kind == to_string(report.fail_kind);
  }
  return false;
}

}  // namespace

// The same claim id answers the same tasks while their leases live.
void Ledger::claimed(const std::string& agent, const std::string& claim_id, std::size_t known,
                     const std::vector<ClaimedTask>& tasks) {
  for (const ClaimedTask& task : tasks) handed_out(agent, claim_id, task);
  if (claim_id.empty()) return;
  std::vector<ClaimedTask>& earlier = by_claim_id_[claim_id];
  const auto is_in = [](const std::vector<ClaimedTask>& all, const ClaimedTask& task) {
    return std::any_of(all.begin(), all.end(),
                       [&](const ClaimedTask& one) { return one.lease == task.lease; });
  };
  for (std::size_t i = 0; i < known; ++i) {
    const ClaimedTask& held = earlier[i];
    const SeenTask* seen = history_.find(held.id.str());
    if (seen == nullptr || !seen->leased() || seen->nonce != held.lease.nonce()) continue;
    findings_.expect(is_in(tasks, held), "claim ", claim_id, " no longer answers task ", held.id);
    for (const ClaimedTask& task : tasks) {
      findings_.expect(is_in(earlier, task), "claim ", claim_id, " answered task ", held.id,
                       " and then task ", task.id);
    }
  }
  earlier.insert(earlier.end(), tasks.begin(), tasks.end());
}

void Ledger::check_leases(bool nothing_unknown) {
  for (const auto& [id, task] : history_.tasks()) {
    if (!task.leased() || task.own_claim || leases_.contains(task.nonce)) continue;
    findings_.expect(!nothing_unknown && unknown_claims_.contains(task.agent), "attempt ",
                     task.attempt, " of task ", id, " is leased to agent ", task.agent,
                     ", who was not told and need not be");
  }
}

void Ledger::handed_out(const std::string& agent, const std::string& claim_id,
                        const ClaimedTask& task) {
  const SeenTask* seen = history_.find(task.id.str());
  if (seen == nullptr || seen->attempt < task.attempt) {
    return findings_.add("agent ", agent, " was given attempt ", task.attempt, " of task ", task.id,
                         ", which no event tells of");
  }
  findings_.expect(seen->attempt > task.attempt || seen->generation > 1 || seen->agent == agent,
                   "agent ", agent, " was given attempt ", task.attempt, " of task ", task.id,
                   ", which is held by ", seen->agent);
  const auto [known, is_new] = leases_.try_emplace(task.lease.nonce(), Handing{agent, claim_id});
  if (is_new) return;
  findings_.expect(!claim_id.empty() && known->second.claim_id == claim_id, "attempt ",
                   task.attempt, " of task ", task.id, " was handed out twice: to ",
                   known->second.agent, " and to ", agent);
}

std::size_t Ledger::report(Report report) {
  const std::string id = report.attempt.task_id.str();
  const SeenTask* task = history_.find(id);
  reports_of_[id].push_back(reports_.size());
  reports_.push_back({std::move(report), task == nullptr ? 0 : task->generation});
  return reports_.size() - 1;
}

bool Ledger::only_report(const Entry& entry) const {
  const auto& all = reports_of_.at(entry.report.attempt.task_id.str());
  return std::all_of(all.begin(), all.end(), [&](std::size_t number) {
    const Report& other = reports_[number].report;
    const Lease& lease = other.attempt.lease;
    const bool same_attempt = lease.empty() || lease == entry.report.attempt.lease;
    return !same_attempt || (!lease.empty() && other.same_as(entry.report));
  });
}

void Ledger::answered(std::size_t number, const Result<void>& answer) {
  const Entry& entry = reports_[number];
  const AttemptRef& attempt = entry.report.attempt;
  const SeenTask* task = history_.find(attempt.task_id.str());
  if (task == nullptr || task->generation != entry.generation) return;
  if (!answer) return refused(entry, *task, answer.error());
  findings_.expect(!attempt.lease.empty() || !require_lease_, "task ", attempt.task_id,
                   ": an end without a lease was accepted");
  if (attempt.lease.empty()) return;
  accepted(entry, *task);
  const auto [known, is_new] = accepted_.try_emplace(attempt.lease.nonce(), number);
  findings_.expect(is_new || reports_[known->second].report.same_as(entry.report), "task ",
                   attempt.task_id, ": two different ends of attempt ", attempt.lease.attempt(),
                   " were accepted");
}

void Ledger::accepted(const Entry& entry, const SeenTask& task) {
  const Report& report = entry.report;
  const std::uint32_t attempt = report.attempt.lease.attempt();
  const auto end = task.ends.find(attempt);
  if (end == task.ends.end()) {
    return findings_.add("task ", report.attempt.task_id, ": an end of attempt ", attempt,
                         " was accepted, but it did not end");
  }
  findings_.expect(end->second.nonce == report.attempt.lease.nonce(), "task ",
                   report.attempt.task_id, ": an end of attempt ", attempt,
                   " was accepted with a lease that it never had");
  findings_.expect(may_be_by(report, end->second), "task ", report.attempt.task_id, ": an end (",
                   static_cast<int>(report.kind), ") of attempt ", attempt,
                   " was accepted, but it had ended by ", end->second.type, " ", end->second.kind);
}

void Ledger::refused(const Entry& entry, const SeenTask& task, const Error& error) {
  const AttemptRef& attempt = entry.report.attempt;
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::cancelled: return;
    case ErrorCode::not_found:
      return findings_.expect(forgetful_ && is_terminal(task.state), "an end was answered ", error);
    case ErrorCode::invalid_argument:
      return findings_.expect(attempt.lease.empty() && require_lease_, "an end was answered ", error);
    case ErrorCode::conflict: break;
    default: return findings_.add("an end was answered ", error);
  }
  if (attempt.lease.empty() || task.ends.empty()) return;
  const auto& [last, end] = *task.ends.rbegin();
  if (end.nonce != attempt.lease.nonce() || !is_by(entry.report, end)) return;
  findings_.expect(!only_report(entry), "attempt ", last, " ended by this very report (", end.type,
                   "), and it was answered ", error);
}

void Ledger::submitting(const Ask& ask) {
  if (ask.key.empty()) return;
  Key& key = keys_[ask.key];
  if (key.submits++ == 0) key.content = ask.content;
}

void Ledger::submitted(const Ask& ask, const Result<TaskId>& answer) {
  if (!answer) {
    const Error& error = answer.error();
    const bool surely_not = error.code == ErrorCode::unavailable && !error.outcome_unknown;
    if (!surely_not || ask.key.empty() || keys_[ask.key].submits > 1) return;
    return findings_.expect(history_.find(ask.key) == nullptr, "task ", ask.key,
                            " was submitted after all; it was answered ", error);
  }
  const SeenTask* task = history_.find(answer->str());
  if (task == nullptr) return findings_.add("task ", *answer, " was acknowledged and is not there");
  if (ask.key.empty()) return;
  Key& key = keys_[ask.key];
  const auto is_over = [&] {  // the key's first task may be gone, and the key with it
    const SeenTask* first = history_.find(key.id.str());
    return forgetful_ && (first == nullptr || is_terminal(first->state) || first->generation > 1);
  };
  findings_.expect(key.id.empty() || key.id == *answer || is_over(), "key ", ask.key,
                   " was answered ", key.id, " and then ", *answer);
  if (!key.id.empty()) {
    findings_.expect(key.content == ask.content || is_over(), "key ", ask.key,
                     " was accepted with other content");
  }
  key.id = *answer;
  key.content = ask.content;
}

void Ledger::check_results(const std::vector<Task>& all) {
  for (const Task& task : all) {
    if (task.state != TaskState::completed) continue;
    const auto known = reports_of_.find(task.id.str());
    const auto is_it = [&](std::size_t number) {
      const Report& report = reports_[number].report;
      const Lease& lease = report.attempt.lease;
      const bool holder = lease.empty() ? report.attempt.agent_id == task.agent_id
                                        : lease.attempt() == task.attempt;
      return holder && report.kind == EndKind::complete && task.result == report.content;
    };
    findings_.expect(known != reports_of_.end() &&
                         std::any_of(known->second.begin(), known->second.end(), is_it),
                     "task ", task.id, " completed with ", task.result, ", which nobody reported");
  }
}

}  // namespace controlplane::simulation
