// Makes pools, permits and who waits for one of rows, in a table that is new.
// Thread safety: none.
// Lifetime: within that of the tables.
// Errors: what is wrong with which line; the tables are then good for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/permit_table.hpp"
#include "engine/restore.hpp"

namespace controlplane {

class PermitRestore {
 public:
  explicit PermitRestore(PermitTable& table) : table_(table) {}

  Result<void> add(const PoolRow& row, std::uint64_t line, Timestamp now);
  // After all pools, in any order.
  Result<void> add(const PermitRow& row, std::uint64_t line, const Downtime& time);
  // After all permits: lists them, and checks that pools and permits tell the same. Answers those
  // of attempts, by fence.
  MaybeFault finish_permits(const TotalsRow& totals, AttemptPermits& of_attempts);
  // After all tasks. queue_of(row, waiter) answers the queue of tasks; kNoSlot: there is none.
  using QueueOf = std::function<std::uint32_t(const WaiterRow& row, Slot waiter)>;
  Result<void> add(const WaiterRow& row, const TotalsRow& totals, const QueueOf& queue_of);
  // A place in lines is one's own: of a waiter, or of a queue of tasks that was called.
  Result<void> take_number(std::uint64_t number, const TotalsRow& totals);
  // Last.
  void finish(Timestamp now);

 private:
  struct Item {
    Slot pool;
    std::uint64_t line;
    std::vector<double> taken;  // see WaitLines
    double virtual_time;
  };
  std::string refuse(const PoolRow& row) const;
  std::string check(const PermitPool& pool, Slot slot) const;
  std::string check_numbers(const PermitPool& pool, Slot slot) const;
  Result<void> add_share(const ShareRow& row, std::vector<PermitShare>& shares) const;
  Result<void> add_needs(const std::vector<NeedRow>& rows, std::vector<PoolNeed>& needs) const;

  PermitTable& table_;
  std::vector<Item> items_;
  std::vector<std::pair<Slot, std::uint64_t>> permits_;  // and the line
  std::unordered_set<std::uint64_t> numbers_;            // of places in lines
};

}  // namespace controlplane
