// Makes tasks of rows, which may come in any order, in a table that is new.
// Thread safety: none.
// Lifetime: within that of the tables.
// Errors: what is wrong with which line; the tables are then good for nothing.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/restore.hpp"
#include "engine/task_table.hpp"

namespace controlplane {

class TaskRestore {
 public:
  explicit TaskRestore(TaskTable& table) : table_(table) {}

  Result<void> add(const TaskRow& row, std::uint64_t line);
  Result<void> add(const KeyRow& row);

  // After all rows, and after all pools. Each of the permits belongs to one task, and is taken
  // out.
  MaybeFault finish(const TotalsRow& totals, const Downtime& time, AttemptPermits& permits);
  // The queue of tasks that stands in line as `waiter`; kNoSlot: there is none that may.
  QueueSlot stand(const QueueRow& row, const std::vector<NeedRow>& needs, Slot waiter,
                  std::uint64_t number);
  Result<void> call(const CalledRow& row);
  // Those that have tasks ready, and how many.
  std::vector<std::pair<QueueSlot, std::uint32_t>> ready() const;

 private:
  struct Item {
    Slot slot;
    std::uint64_t line;
  };
  struct Held {
    Slot slot;
    std::uint64_t line, permit;
    std::string claim_id;
  };
  std::string refuse(const TaskRow& row) const;
  std::string refuse_attempt(const TaskRow& row) const;
  void describe(const TaskRow& row, TaskRecord& record) const;
  bool bind(const TaskRow& row, TaskRecord& record);
  void restore_attempt(const TaskRow& row, TaskRef task);
  MaybeFault order(const TotalsRow& totals);
  MaybeFault link_families();
  MaybeFault link_parents(const Item& item);
  MaybeFault enter_queues();
  MaybeFault queue_ready(const TotalsRow& totals);
  MaybeFault check_keys();
  void list_terminal();
  MaybeFault lease_all(const Downtime& time, AttemptPermits& permits);
  MaybeFault lease(const Held& held, const Downtime& time, AttemptPermits& permits);
  TaskRecord& record(const Item& item) { return table_.tasks_[item.slot]; }

  TaskTable& table_;
  std::vector<Item> items_;
  std::vector<Held> held_;
  std::unordered_map<Slot, std::uint64_t> told_;  // by parent that is telling
};

}  // namespace controlplane
