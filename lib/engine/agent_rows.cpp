// Agents as rows.
#include <utility>

#include "engine/agent_table_impl.hpp"
#include "engine/row_record.hpp"

namespace controlplane {

void OutcomeWindow::describe(BreakerRow& row) const {
  row.second = second_;
  for (std::uint32_t ago = 0; ago < kBuckets; ++ago) {
    const Bucket& bucket = buckets_[(newest_ + kBuckets - ago) % kBuckets];
    if (bucket.total == 0) continue;
    row.outcomes.push_back(ago);
    row.outcomes.push_back(bucket.total);
    row.outcomes.push_back(bucket.failed);
  }
}

bool OutcomeWindow::restore(const BreakerRow& row) {
  second_ = row.second;
  newest_ = 0;
  for (std::size_t i = 0; i < row.outcomes.size(); i += 3) {
    const std::uint32_t ago = row.outcomes[i];
    if (ago >= kBuckets || row.outcomes[i + 2] > row.outcomes[i + 1]) return false;
    Bucket& bucket = buckets_[(kBuckets - ago) % kBuckets];
    if (bucket.total != 0) return false;
    bucket = {row.outcomes[i + 1], row.outcomes[i + 2]};
    total_ += bucket.total;
    failed_ += bucket.failed;
  }
  return true;
}

void CircuitBreaker::describe(BreakerRow& row) const {
  row.state = state_;
  row.since = since_;
  row.consecutive = consecutive_;
  row.trial = trial_;
  if (window_ != nullptr) window_->describe(row);
}

bool CircuitBreaker::restore(const BreakerRow& row) {
  state_ = row.state;
  since_ = row.since;
  consecutive_ = row.consecutive;
  trial_ = row.trial;
  if (row.outcomes.size() % 3 != 0 || row.outcomes.size() > 180) return false;
  if (row.outcomes.empty() && row.second == 0) return true;
  window_ = std::make_unique<OutcomeWindow>();
  return window_->restore(row);
}

namespace {

void describe(const AgentRecord& agent, AgentRow& row) {
  row.id.text = agent.agent_id;
  row.serial = agent.serial;
  row.model.text = agent.model;
  row.provider.text = agent.provider;
  row.endpoint.text = agent.endpoint;
  row.registered_by.text = agent.registered_by;
  row.metadata.text = agent.metadata;
  row.metrics.text = agent.metrics;
  for (const auto& [key, value] : agent.labels) row.labels.push_back({{key}, {value}});
  row.max_concurrency = agent.max_concurrency;
  row.incarnation.value = agent.incarnation;
  for (const std::uint64_t earlier : agent.superseded) row.superseded.push_back({earlier});
  row.reported_status = agent.reported_status;
  row.reported_health = agent.reported_health;
  row.announced = agent.announced;
  row.probe = agent.probe;
  row.offline = agent.offline;
  row.failed = agent.failed;
  row.registered_at = agent.registered_at;
  row.last_seen = agent.last_seen;
  row.last_assigned = agent.last_assigned;
  row.status_since = agent.status_since;
  row.idle_since = agent.idle_since;
  row.excused_until = agent.excused_until;
  row.completed = agent.completed;
  row.failures = agent.failures;
  row.crashed = agent.crashed;
  row.avg_latency_ms = agent.avg_latency_ms;
  row.last_probe = agent.last_probe;
  row.probe_failures = agent.probe_failures;
  row.probe_successes = agent.probe_successes;
  row.probe_error.text = agent.probe_error;
  agent.breaker.describe(row.breaker);
}

}  // namespace

void AgentTable::begin_export(ExportAside& aside) {
  Impl& self = *impl_;
  self.records.cut.begin(self.records.end(), aside, [&self](Slot slot, RowBuffer& out) {
    const AgentRecord& agent = std::as_const(self.records)[slot];
    if (agent.serial == 0) return false;
    AgentRow row;
    describe(agent, row);
    for (const std::string& name : self.selection.capabilities(slot))
      row.capabilities.push_back({name});
    row.order = self.selection.order(slot);
    append_framed(out, row);
    return true;
  });
}

void AgentTable::end_export() noexcept { impl_->records.cut.end(); }

bool AgentTable::read_agents(RowBuffer& out, std::size_t bytes, int& visits) {
  return impl_->records.cut.read(out, bytes, visits);
}

void AgentTable::add_to(RowCounts& counts, TotalsRow& totals) const {
  counts.agents = impl_->counts.total;
  totals.last_agent = impl_->roster.last_serial();
  totals.agents_joined = impl_->selection.joined();
  totals.assignments = impl_->selection.assignments();
}

}  // namespace controlplane
