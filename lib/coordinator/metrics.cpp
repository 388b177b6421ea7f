#include "coordinator/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace controlplane {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Families in order of making. Every label has a closed set of values. Names that begin with agent_
// are those of alert rules that agent systems already have; all others get our prefix.
class Families {
 public:
  Families& family(MetricType type, std::string_view name, std::string_view help) {
    const std::string_view prefix = name.starts_with("agent_") ? "" : "aragora_cp_";
    families_.push_back({std::string(prefix) + std::string(name), std::string(help), type, {}});
    return *this;
  }
  Families& gauge(std::string_view name, std::string_view help) {
    return family(MetricType::Gauge, name, help);
  }
  Families& counter(std::string_view name, std::string_view help) {
    return family(MetricType::Counter, name, help);
  }
  Families& value(std::uint64_t value) { return value_of({}, value); }
  Families& value(std::string_view label, std::string_view label_value, std::uint64_t value) {
    return value_of({{std::string(label), std::string(label_value)}}, value);
  }
  Families& value(std::string_view direction, MessageEvent outcome, std::string_view outcome_name,
                  const MessageCounts& counts) {
    return value_of({{"direction", std::string(direction)}, {"outcome", std::string(outcome_name)}},
                    counts.of(outcome));
  }
  void histogram(std::string_view name, std::string_view help, const Histogram& counts);

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  Families& value_of(std::vector<ClientMetric::Label> labels, std::uint64_t value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = static_cast<double>(value);
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  std::vector<MetricFamily> families_;
};

void Families::histogram(std::string_view name, std::string_view help, const Histogram& counts) {
  family(MetricType::Histogram, name, help);
  ClientMetric metric;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    below += counts.counts[i];
    const double bound =
        i < kHistogramBounds.size() ? kHistogramBounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({below, bound});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = counts.sum_seconds;
  families_.back().metric.push_back(std::move(metric));
}

void add_tasks(Families& out, const SchedulerStats& s) {
  out.counter("tasks_total", "Tasks that ended, by final state.")
      .value("state", "completed", s.completed_total)
      .value("state", "failed", s.failed_total)
      .value("state", "cancelled", s.cancelled_total)
      .value("state", "timeout", s.timeout_total);
  out.counter("tasks_submitted_total", "Tasks accepted.").value(s.submitted_total);
  out.counter("tasks_claimed_total", "Attempts begun.").value(s.claimed_total);
  out.counter("task_retries_total", "Attempts that failed and are repeated.")
      .value(s.retries_total);
  out.counter("task_crashes_total", "Leases that were lost.").value(s.crashes_total);
  out.counter("task_releases_total", "Attempts given back.").value(s.releases_total);
  out.counter("task_duplicates_total", "Ends that repeated the accepted one.")
      .value(s.duplicates_total);
  out.counter("task_stale_total", "Ends refused because their lease was over.")
      .value(s.stale_total);
  out.counter("tasks_unservable_total", "Submits that no registered agent could serve.")
      .value(s.unservable_submits_total);
  out.gauge("tasks_active", "Tasks claimed or running.").value(s.claimed_tasks + s.running_tasks);
  out.gauge("tasks_dead_letters", "Failed and timed out tasks still kept.").value(s.dead_letters);
  out.gauge("tasks_pending", "Pending tasks by priority.");
  for (std::size_t i = 0; i < kTaskPriorities; ++i) {
    out.value("priority", to_string(static_cast<TaskPriority>(i)), s.pending_by_priority[i]);
  }
  out.gauge("tasks", "Tasks kept, by state.");
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    out.value("state", to_string(static_cast<TaskState>(i)), s.by_state[i]);
  }
  out.gauge("queues", "Ready queues in use.").value(s.queues);
}

void add_agents(Families& out, const Stats& stats) {
  const RegistryStats& r = stats.registry;
  out.gauge("agents_total", "Registered agents.").value(r.total_agents);
  out.gauge("agents_available", "Agents that select_agent would consider.")
      .value(r.available_agents);
  out.gauge("agents_healthy", "Healthy agents.").value(stats.health.healthy_count);
  out.gauge("agents_degraded", "Degraded agents.").value(stats.health.degraded_count);
  out.gauge("agents_unhealthy", "Unhealthy agents.").value(stats.health.unhealthy_count);
  out.gauge("agents", "Registered agents by status.");
  for (std::size_t i = 0; i < kAgentStatuses; ++i) {
    out.value("status", to_string(static_cast<AgentStatus>(i)), r.by_status[i]);
  }
  out.gauge("breakers_open", "Agents whose circuit breaker is not closed.")
      .value(stats.health.open_breakers);
}

void add_documents(Families& out, const DocumentStats& d, const LocalMetrics& local) {
  out.gauge("documents", "Documents of the shared state.").value(d.documents);
  out.gauge("documents_bytes", "Bytes of their keys and values.").value(d.bytes);
  out.counter("document_puts_total", "Documents put.").value(d.puts_total);
  out.counter("document_deletes_total", "Documents deleted.").value(d.deletes_total);
  out.counter("document_expirations_total", "Documents whose time to live was over.")
      .value(d.expired_total);
  out.counter("state_conflicts_total", "Puts and deletes that expected another version.")
      .value(d.conflicts_total);
  out.counter("state_conflict_retries_total", "Tries that updates of this coordinator repeated.")
      .value(local.state_retries);
}

void add_logs(Families& out, const LogStats& l) {
  out.gauge("logs", "Logs.").value(l.logs);
  out.gauge("log_entries", "Entries of all logs.").value(l.entries);
  out.gauge("log_bytes", "Bytes of these entries.").value(l.bytes);
  out.counter("log_appends_total", "Entries appended.").value(l.appends_total);
  out.counter("log_trimmed_total", "Entries trimmed, for whatever reason.").value(l.trimmed_total);
  out.counter("log_losses_total", "Reads whose next entry was gone.").value(l.losses_total);
}

void add_permits(Families& out, const PermitStats& p) {
  out.gauge("pools", "Pools of permits.").value(p.pools);
  out.gauge("permits", "Permits that are out.").value(p.permits);
  out.gauge("permits_waiting", "Acquires that wait.").value(p.waiting);
  out.counter("permits_granted_total", "Permits granted.").value(p.granted_total);
  out.counter("permits_expired_total", "Permits whose time to live was over.")
      .value(p.expired_total);
  out.counter("permits_refused_total", "Acquires that found too little and did not wait.")
      .value(p.refused_total);
}

void add_messages(Families& out, const MessageCounts& counts) {
  out.counter("agent_messages_total", "Messages that mailboxes of this coordinator sent and received.")
      .value("sent", MessageEvent::sent, "accepted", counts)
      .value("sent", MessageEvent::refused, "refused", counts)
      .value("sent", MessageEvent::sent_unknown, "unknown", counts)
      .value("received", MessageEvent::delivered, "delivered", counts)
      .value("received", MessageEvent::redelivered, "redelivered", counts)
      .value("received", MessageEvent::rejected, "rejected", counts);
  out.counter("agent_message_ends_total", "Deliveries that receivers of this coordinator ended.")
      .value("outcome", "acknowledged", counts.of(MessageEvent::acknowledged))
      .value("outcome", "failed", counts.of(MessageEvent::failed))
      .value("outcome", "unknown", counts.of(MessageEvent::end_unknown));
  out.histogram("agent_message_latency_seconds", "From send to first delivery.", counts.latency());
}

void add_coordinator(Families& out, const Stats& stats, const LocalMetrics& local) {
  out.gauge("claims_waiting", "Claims parked in this coordinator.").value(local.waiting_claims);
  out.gauge("results_waiting", "Callers of this coordinator that wait for a result.")
      .value(local.waiting_results);
  out.gauge("reads_waiting", "Readers of logs parked in this coordinator.")
      .value(local.waiting_reads);
  out.gauge("subscriptions", "Event subscriptions of this coordinator.").value(local.subscriptions);
  out.gauge("store_calls_outstanding", "Operations the store has not answered yet.")
      .value(local.outstanding_calls);
  out.counter("events_total", "Events appended to the history.").value(stats.events.last_seq);
}

}  // namespace

std::string metrics_of(const ReadStats& read, const LocalMetrics& local) {
  Families out;
  add_tasks(out, read.stats.scheduler);
  add_agents(out, read.stats);
  add_documents(out, read.stats.documents, local);
  add_logs(out, read.stats.logs);
  add_permits(out, read.stats.permits);
  out.counter("agent_failures_total", "Attempts that agents failed, lost or did not end in time.")
      .value(read.failed_attempts);
  if (local.messages != nullptr) add_messages(out, *local.messages);
  add_coordinator(out, read.stats, local);
  out.histogram("task_duration_seconds", "From claim to the end of the attempt.", read.duration);
  out.histogram("task_wait_seconds", "From ready to claimed.", read.wait);
  return out.text();
}

}  // namespace controlplane
