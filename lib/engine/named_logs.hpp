// The logs of one tenant, by name: LogTable says what one log does; here is what they share.
// What is too old goes when the timer comes, not when somebody looks.
// Numbers: a log that comes back begins above every number that any removed one ever had, so that a
// reader of the old one is told data_loss and never gets the new one's for its own.
// Thread safety: none; lives under the lock of its namespace.
// Errors: written into the operation; an operation that failed changed nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/limits.hpp"
#include "controlplane/log_entry.hpp"
#include "controlplane/stats.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/effects.hpp"
#include "engine/key_index.hpp"
#include "engine/log_table.hpp"
#include "engine/operation_index.hpp"
#include "engine/operations.hpp"
#include "engine/slab.hpp"

namespace controlplane {

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

 private:
  friend struct EngineAudit;
  using Logs = Slab<NamedLog, 6>;  // large records, mostly few
  struct PlaceOf {
    Logs* logs;
    std::uint32_t& operator()(Slot slot) const { return (*logs)[slot].place; }
  };

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
};

}  // namespace controlplane
