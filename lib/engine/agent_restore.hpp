// Makes agents of rows, which may come in any order, in a table that is new.
// Thread safety: none.
// Lifetime: within that of the tables.
// Errors: what is wrong with which line; the tables are then good for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/result.hpp"
#include "engine/agent_table.hpp"
#include "engine/restore.hpp"

namespace controlplane {

class AgentRestore {
 public:
  AgentRestore(AgentTable& table, const Limits& limits) : table_(table), limits_(limits) {}

  // `now` is when the row was written.
  Result<void> add(const AgentRow& row, std::uint64_t line, Timestamp now);
  // After all rows, and after the tasks. registered(agent id, slot) answers how many leases it has.
  using Registered = std::function<std::uint32_t(std::string_view agent_id, AgentSlot slot)>;
  MaybeFault finish(const TotalsRow& totals, const Downtime& time, const Registered& registered);

 private:
  struct Item {
    AgentSlot slot;
    std::uint64_t line, order;
    std::vector<std::string> capabilities;
  };
  AgentTable& table_;
  const Limits& limits_;
  std::vector<Item> items_;
};

}  // namespace controlplane
