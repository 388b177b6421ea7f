// The logs of one tenant, by name: LogTable says what one log does; here is what they share.
// What is too old goes when the timer comes, not when somebody looks.
// Numbers: a log that comes back begins above every number that any removed one ever had, so that a
// reader of the old one is told data_loss and never gets the new one's for its own.
// Thread safety: none; lives under the lock of its namespace.
// Errors: written into the operation; an operation that failed changed nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/limits.hpp"
#include "controlplane/log_entry.hpp"
#include "controlplane/stats.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/effects.hpp"
#include "engine/export_cut.hpp"
#include "engine/key_index.hpp"
#include "engine/log_table.hpp"
#include "engine/operation_index.hpp"
#include "engine/operations.hpp"
#include "engine/slab.hpp"

namespace controlplane {

struct EntryRow;
struct LogRow;
struct RowCounts;
struct TotalsRow;

struct NamedLog {
  std::string name;
  LogBounds bounds;
  LogTable entries;
  OperationIndex operations;
  std::uint64_t begins_after = 0;  // the number before its first
  Timestamp created_at = 0;
  bool awaited = false;           // somebody waits for an entry
  std::uint32_t place = kNoSlot;  // in the heap of ages
};

class NamedLogs {
 public:
  explicit NamedLogs(const Limits& limits) : limits_(limits), ages_(PlaceOf{&logs_}) {}
  NamedLogs(const NamedLogs&) = delete;
  NamedLogs& operator=(const NamedLogs&) = delete;

  void append(AppendLog& op, Timestamp now, Effects& effects);
  void read(ReadLog& op);
  void define(DefineLog& op, Timestamp now, Effects& effects);
  void trim(TrimLog& op, Timestamp now, Effects& effects);
  void remove(RemoveLog& op, Timestamp now, Effects& effects);
  void get(GetLog& op) const;
  void list(ListLogs& op) const;

  Timestamp next_due() const noexcept { return ages_.next(); }
  void expire_one();  // Precondition: next_due() <= now

  const LogStats& stats() const noexcept { return stats_; }
  void add_to(FieldDigest& digest) const;

  // log_rows.cpp: for an export. What is appended since is not in it; entries that go before their
  // turn are put aside, and a log that goes leaves them to it.
  void begin_export(ExportAside& aside);
  void end_export() noexcept;
  bool read_logs(RowBuffer& out, std::size_t bytes, int& visits);
  void add_to(RowCounts& counts, TotalsRow& totals) const;
  // For an import: first the log, then its entries in order, in the end the totals.
  Result<void> restore(const LogRow& row);
  Result<void> restore(const EntryRow& row);
  Result<void> restore(const TotalsRow& totals);

 private:
  friend struct EngineAudit;
  using Logs = Slab<NamedLog, 6>;  // large records, mostly few
  struct PlaceOf {
    Logs* logs;
    std::uint32_t& operator()(Slot slot) const { return (*logs)[slot].place; }
  };

  // What of a log an export has still to come to.
  struct Part {
    Slot slot = kNoSlot;
    std::uint64_t next = 0, last = 0;
    std::unique_ptr<NamedLog> removed;  // the log went meanwhile
  };
  struct Export {
    ExportAside& aside;
    std::vector<bool> pending;  // logs whose turn has not come, by slot
    Slot at = 0;                // the first of them
    std::deque<Part> parts;     // of logs whose turn has come, or that changed
  };
  static LogTable::Bounds table_bounds(const LogBounds& bounds) {
    return {bounds.max_entries, bounds.max_bytes,
            std::chrono::microseconds(bounds.max_age).count()};
  }
  void touch(Slot slot) {  // before it changes
    if (export_ != nullptr) [[unlikely]]
      put_aside(slot);
  }
  void put_aside(Slot slot);
  void begin_part(Slot slot);
  void leave_to_export(Slot slot);
  const NamedLog& log_of(const Part& part) const {
    return part.removed != nullptr ? *part.removed : logs_[part.slot];
  }
  bool answers_again(AppendLog& op, const NamedLog& log) const;
  std::optional<Error> refuse_append(const AppendLog& op, Slot slot) const;
  std::optional<Error> refuse_one_more(std::string_view name) const;
  Slot add(std::string_view name, const LogBounds& bounds, Timestamp now, Effects& effects);
  void wake(NamedLog& log, Effects& effects);
  // Does change(entries) and all that follows from it.
  template <class Change>
  void change(Slot slot, Change&& change);

  const Limits& limits_;
  Logs logs_;
  KeyIndex index_;
  DeadlineHeap<PlaceOf> ages_;
  std::uint64_t last_dropped_ = 0;  // the highest number of all logs that are gone
  LogStats stats_;
  std::unique_ptr<Export> export_;
  std::vector<std::uint64_t> restored_to_;  // the last entry there has to be, by slot
  std::vector<Timestamp> restored_until_;   // the time of the last one there is
};

template <class Change>
void NamedLogs::change(Slot slot, Change&& change) {
  touch(slot);
  NamedLog& log = logs_[slot];
  LogTable& entries = log.entries;
  const std::uint64_t first = entries.first_seq();
  stats_.entries -= entries.size();
  stats_.bytes -= entries.bytes();
  change(entries);
  stats_.entries += entries.size();
  stats_.bytes += entries.bytes();
  stats_.trimmed_total += entries.first_seq() - first;
  log.operations.forget_before(entries.first_seq());
  if (const Timestamp due = entries.next_due(); due != LogTable::kNeverDue) {
    ages_.set(slot, due);
  } else {
    ages_.erase(slot);
  }
}

}  // namespace controlplane
