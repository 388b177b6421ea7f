#include "simulation/log_history.hpp"

#include <set>

namespace controlplane::simulation {

void LogHistory::after(const Operation& op) {
  if (op.failed) return;
  switch (op.kind) {
    case OperationKind::append_log:
      return appended(static_cast<const AppendLog&>(op));
    case OperationKind::define_log: {
      const LogInfo& log = static_cast<const DefineLog&>(op).log;
      lasts_[log.name] = log.last_seq;
      return;
    }
    case OperationKind::remove_log:
      lasts_.erase(std::string(static_cast<const RemoveLog&>(op).name));
      return;
    default:
      return;
  }
}

void LogHistory::appended(const AppendLog& op) {
  if (has(op.name, op.seq, op.entry->text())) return;  // a repetition
  const std::string name(op.name);
  std::map<std::uint64_t, std::string>& known = entries_[name];
  const std::uint64_t before = known.empty() ? 0 : known.rbegin()->first;
  findings_.expect(op.seq > before, "log ", name, " gave number ", op.seq, " after ", before);
  if (exists(name)) {
    findings_.expect(op.seq == last(name) + 1, "log ", name, " gave number ", op.seq, " after ",
                     last(name));
  }
  lasts_[name] = op.seq;
  known[op.seq] = op.entry->str();
}

void LogHistory::compare(std::string_view log, const std::vector<LogEntry>& entries) {
  std::set<std::string> seen;
  std::uint64_t next = entries.empty() ? last(log) + 1 : entries.front().seq;
  for (const LogEntry& entry : entries) {
    findings_.expect(entry.seq == next, "log ", log, " has number ", entry.seq, ", not ", next);
    findings_.expect(has(log, entry.seq, entry.value), "entry ", entry.seq, " of log ", log,
                     " is not what was appended");
    findings_.expect(seen.insert(entry.value.str()).second, "log ", log, " has ", entry.value.str(),
                     " twice");
    next = entry.seq + 1;
  }
  findings_.expect(next == last(log) + 1, "log ", log, " ends before ", next, ", not at ",
                   last(log));
}

std::uint64_t LogHistory::last(std::string_view log) const {
  const auto found = lasts_.find(log);
  return found == lasts_.end() ? 0 : found->second;
}

bool LogHistory::has(std::string_view log, std::uint64_t seq, std::string_view entry) const {
  const auto known = entries_.find(log);
  if (known == entries_.end()) return false;
  const auto found = known->second.find(seq);
  return found != known->second.end() && found->second == entry;
}

}  // namespace controlplane::simulation
