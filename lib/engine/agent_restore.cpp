#include "engine/agent_restore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "engine/agent_table_impl.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxSuperseded = 16;

std::string refuse(const AgentRow& row, const Limits& limits, Timestamp now) {
  if (row.serial == 0) return "serial is 0";
  if (!is_set(row.capabilities, limits.max_capabilities))
    return "capabilities is no sorted set of names";
  if (row.labels.size() > limits.max_labels) return "labels: there are too many";
  if (row.breaker.second > now / 1'000'000) return "breaker: second is ahead of the header's now";
  if (row.reported_status >= AgentStatus::offline)
    return "reported_status is none that can be reported";
  if (row.reported_health >= HealthStatus::unknown)
    return "reported_health is none that can be reported";
  if (row.announced >= HealthStatus::unknown) return "announced is none that can be told";
  if (row.superseded.size() > kMaxSuperseded) return "superseded: there are too many";
  return {};
}

void describe(const AgentRow& row, AgentRecord& agent) {
  agent.agent_id = row.id.text;
  agent.serial = row.serial;
  agent.model = SharedText(row.model.text);
  agent.provider = SharedText(row.provider.text);
  agent.endpoint = SharedText(row.endpoint.text);
  agent.registered_by = SharedText(row.registered_by.text);
  agent.metadata = Json(row.metadata.text);
  agent.metrics = Json(row.metrics.text);
  agent.labels = labels_of(row.labels);
  agent.max_concurrency = row.max_concurrency;
  agent.incarnation = row.incarnation.value;
  for (const Hex64& earlier : row.superseded) agent.superseded.push_back(earlier.value);
  agent.reported_status = row.reported_status;
  agent.reported_health = row.reported_health;
  agent.announced = row.announced;
  agent.probe = row.probe;
  agent.offline = row.offline;
  agent.failed = row.failed;
  agent.registered_at = row.registered_at;
  agent.last_seen = row.last_seen;
  agent.last_assigned = row.last_assigned;
  agent.status_since = row.status_since;
  agent.idle_since = row.idle_since;
  agent.excused_until = row.excused_until;
  agent.completed = row.completed;
  agent.failures = row.failures;
  agent.crashed = row.crashed;
  agent.avg_latency_ms = row.avg_latency_ms;
  agent.last_probe = row.last_probe;
  agent.probe_failures = row.probe_failures;
  agent.probe_successes = row.probe_successes;
  agent.probe_error = row.probe_error.text;
}

}  // namespace

Result<void> AgentRestore::add(const AgentRow& row, std::uint64_t line, Timestamp now) {
  AgentTable::Impl& table = *table_.impl_;
  if (std::string why = refuse(row, limits_, now); !why.empty()) return Error::invalid_argument(std::move(why));
  if (table.find(row.id.text) != kNoAgent) {
    return Error::invalid_argument(fmt::format("agent {} is there twice", row.id.text));
  }
  if (table.records.size() >= table.rules.max_agents) {
    return Error::resource_exhausted(
        fmt::format("there are more agents than max_agents ({})", table.rules.max_agents));
  }
  const AgentSlot slot = table.records.take();
  AgentRecord& agent = table.records[slot];
  describe(row, agent);
  if (!agent.breaker.restore(row.breaker)) {
    return Error::invalid_argument("breaker: outcomes are none of 60 seconds");
  }
  table.by_id.emplace(row.id.text, slot);
  items_.push_back({slot, line, row.order, strings_of(row.capabilities)});
  return {};
}

MaybeFault AgentRestore::finish(const TotalsRow& totals, const Downtime& time,
                                const Registered& registered) {
  AgentTable::Impl& table = *table_.impl_;
  std::sort(items_.begin(), items_.end(), [&](const Item& a, const Item& b) {
    return table.records[a.slot].serial < table.records[b.slot].serial;
  });
  table.roster.restore(totals.last_agent);
  table.selection.restore(totals.agents_joined, totals.assignments);
  std::uint64_t before = 0;
  std::unordered_set<std::uint64_t> orders;
  for (const Item& item : items_) {
    AgentRecord& agent = table.records[item.slot];
    if (agent.serial == before || agent.serial > totals.last_agent) {
      return RowFault{item.line,
                      fmt::format("serial {} is there twice, or beyond last_agent", agent.serial)};
    }
    if (!table.selection.is_given_out(item.order) || !orders.insert(item.order).second) {
      return RowFault{item.line,
                      fmt::format("order {} is there twice, or was not given out", item.order)};
    }
    before = agent.serial;
    table.roster.restore(agent.serial, item.slot);
    table.selection.restore(item.slot, item.capabilities, item.order);
    agent.running = registered(agent.agent_id, item.slot);
    // It could not call while it was away.
    if (!time.none) agent.excused_until = std::max(agent.excused_until, time.now);
    agent.status = status_of(agent);
    agent.health = health_of(agent);
    agent.available = is_available(agent);
    table.selection.update(item.slot, agent.available, agent.running, agent.max_concurrency);
    table.counts.add(agent);
    table.reschedule(item.slot);
  }
  return std::nullopt;
}

}  // namespace controlplane
