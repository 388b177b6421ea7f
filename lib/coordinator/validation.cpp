#include "coordinator/validation.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/wording.hpp"
#include "controlplane/mailbox.hpp"

namespace controlplane {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kZero{0};
constexpr milliseconds kOne{1};

void check_retry(Checks& checks, const RetryPolicy& retry) {
  const Limits& limits = checks.limits();
  if (retry.max_retries) {
    checks.rule(*retry.max_retries >= 0, [&] {
      return fmt::format("retry.max_retries is {}; it must be at least 0", *retry.max_retries);
    });
    if (checks.ok()) {
      checks.count("retry.max_retries", static_cast<std::uint64_t>(*retry.max_retries), 0,
                   limits.max_retries, "max_retries");
    }
  }
  checks.within("retry.delay", retry.delay, kZero, limits.max_delay, "max_delay");
  checks.within("retry.max_delay", retry.max_delay, kZero, limits.max_delay, "max_delay");
  checks.rule(retry.max_delay >= retry.delay, [&] {
    return fmt::format("retry.max_delay is {}; it must be at least retry.delay ({})",
                       seconds(retry.max_delay), seconds(retry.delay));
  });
  checks.rule(retry.backoff >= 1 && std::isfinite(retry.backoff), [&] {
    return fmt::format("retry.backoff is {}; it must be a finite number of at least 1",
                       retry.backoff);
  });
}

void check_times(Checks& checks, const TaskSpec& spec) {
  const auto max = checks.limits().max_delay;
  if (spec.timeout) checks.within("timeout", *spec.timeout, kOne, max, "max_delay");
  checks.within("queue_timeout", spec.queue_timeout, kZero, max, "max_delay");
  checks.within("total_timeout", spec.total_timeout, kZero, max, "max_delay");
  checks.within("delay", spec.delay, kZero, max, "max_delay");
}

// Rarely used; skipped as a whole by most specs.
void check_rare(Checks& checks, const TaskSpec& spec) {
  const Limits& limits = checks.limits();
  if (!spec.task_id.empty()) checks.task_id("task_id", spec.task_id);
  checks.optional_name("idempotency_key", spec.idempotency_key);
  checks.optional_name("agent_id", spec.agent_id);
  checks.names("exclude", spec.exclude, limits.max_excluded_agents, "max_excluded_agents");
  checks.count("depends_on", spec.depends_on.size(), 0, limits.max_parents, "max_parents");
  if (checks.ok()) {
    for (const TaskId& parent : spec.depends_on) checks.task_id("depends_on", parent);
  }
  checks.optional_name("concurrency_key", spec.concurrency_key);
  checks.rule(spec.concurrency_key.empty() == (spec.concurrency_limit == 0), [&] {
    return fmt::format(
        "concurrency_limit is {} with concurrency_key {}; a key needs a limit of at "
        "least 1 and a limit needs a key",
        spec.concurrency_limit, quote(spec.concurrency_key));
  });
  if (!spec.needs.empty()) check_needs(checks, "needs", spec.needs, 1);
  checks.json("metadata", spec.metadata, limits.max_metadata_bytes, "max_metadata_bytes");
  checks.labels(spec.labels);
  checks.short_text("trace", spec.trace);
}

void check_usage(Checks& checks, const Json& usage) {
  checks.json("usage", usage, checks.limits().max_usage_bytes, "max_usage_bytes");
}

template <class Enum>
void check_enum(Checks& checks, std::string_view what, Enum value, Enum last) {
  checks.rule(value <= last, [&] {
    return fmt::format("{} is {}; it must be 0 to {}", what, static_cast<unsigned>(value),
                       static_cast<unsigned>(last));
  });
}

}  // namespace

void check_spec(Checks& checks, const TaskSpec& spec) {
  const Limits& limits = checks.limits();
  checks.name("task_type", spec.task_type);
  checks.rule(spec.task_type != kMessageType, [] {
    return fmt::format("task_type {} is reserved: Mailbox::send sends messages", kMessageType);
  });
  checks.json("payload", spec.payload, limits.max_payload_bytes, "max_payload_bytes");
  checks.capabilities("required_capabilities", spec.required_capabilities);
  check_enum(checks, "priority", spec.priority, TaskPriority::low);
  check_retry(checks, spec.retry);
  check_times(checks, spec);
  check_rare(checks, spec);
}

void check_claim(Checks& checks, const ClaimRequest& request) {
  const Limits& limits = checks.limits();
  checks.name("agent_id", request.agent_id);
  checks.capabilities("capabilities", request.capabilities);
  checks.count("max_tasks", request.max_tasks, 1, limits.max_batch, "max_batch");
  checks.within("wait", request.wait, kZero, limits.max_delay, "max_delay");
  checks.within("lease_ttl", request.lease_ttl, kZero, limits.max_delay, "max_delay");
  checks.optional_name("claim_id", request.claim_id);
}

void check_completion(Checks& checks, const Completion& completion) {
  check_attempt(checks, completion.attempt);
  checks.json("result", completion.result, checks.limits().max_result_bytes, "max_result_bytes");
  check_usage(checks, completion.usage);
  constexpr std::chrono::microseconds kNone{0};
  checks.rule(completion.latency >= kNone && completion.latency <= checks.limits().max_delay, [&] {
    return "latency is " + std::to_string(completion.latency.count()) +
           " us; it must be from 0 to the limit max_delay";
  });
}

void check_failure(Checks& checks, const Failure& failure) {
  const Limits& limits = checks.limits();
  check_attempt(checks, failure.attempt);
  checks.text("error", failure.error, limits.max_error_bytes, "max_error_bytes");
  check_enum(checks, "kind", failure.kind, FailKind::rate_limited);
  checks.within("retry_after", failure.retry_after, kZero, limits.max_retry_after,
                "max_retry_after");
  check_usage(checks, failure.usage);
}

void check_progress(Checks& checks, const Progress& progress) {
  const Limits& limits = checks.limits();
  check_attempt(checks, progress.attempt);
  checks.rule(progress.fraction >= 0 && progress.fraction <= 1,
              [&] { return fmt::format("fraction is {}; it must be 0 to 1", progress.fraction); });
  checks.text("note", progress.note, limits.max_note_bytes, "max_note_bytes");
  checks.json("data", progress.data, limits.max_checkpoint_bytes, "max_checkpoint_bytes");
}

void check_task_filter(Checks& checks, const TaskFilter& filter) {
  if (filter.state) check_enum(checks, "state", *filter.state, TaskState::timeout);
  if (filter.reason) check_enum(checks, "reason", *filter.reason, TaskReason::total);
  checks.optional_name("task_type", filter.task_type);
  checks.optional_name("agent_id", filter.agent_id);
  checks.optional_name("required_capability", filter.required_capability);
  checks.optional_name("label_key", filter.label_key);
  checks.short_text("label_value", filter.label_value);
}

void check_page(Checks& checks, const PageRequest& page) {
  checks.count("max_items", page.max_items, 1, checks.limits().max_page, "max_page");
  checks.short_text("cursor", page.cursor);
}

void check_page(Checks& checks, std::string_view prefix, const PageRequest& page) {
  checks.optional_name("prefix", prefix);
  check_page(checks, page);
  checks.rule(page.cursor.empty() || page.cursor.starts_with(prefix), [&] {
    return "cursor " + page.cursor + " does not begin with the prefix " + std::string(prefix);
  });
}

void check_replay(Checks& checks, const TaskId& id, const ReplayOptions& options) {
  checks.task_id("task_id", id);
  checks.optional_name("operation_id", options.operation_id);
}

void check_agent(Checks& checks, const AgentSpec& spec) {
  checks.name("agent_id", spec.agent_id);
  checks.capabilities("capabilities", spec.capabilities);
  checks.short_text("model", spec.model);
  checks.short_text("provider", spec.provider);
  checks.short_text("endpoint", spec.endpoint);
  checks.json("metadata", spec.metadata, checks.limits().max_metadata_bytes, "max_metadata_bytes");
  checks.labels(spec.labels);
  checks.rule(spec.status <= AgentStatus::draining, [&] {
    return fmt::format("status is {}; an agent reports starting, ready, busy or draining",
                       to_string(spec.status));
  });
}

void check_heartbeat(Checks& checks, std::string_view agent_id, const HeartbeatReport& report) {
  checks.name("agent_id", agent_id);
  checks.rule(!report.status || *report.status <= AgentStatus::draining, [&] {
    return fmt::format("status is {}; an agent reports starting, ready, busy or draining",
                       to_string(*report.status));
  });
  checks.rule(!report.health || *report.health <= HealthStatus::unhealthy, [&] {
    return fmt::format("health is {}; an agent reports healthy, degraded or unhealthy",
                       to_string(*report.health));
  });
  checks.json("metrics", report.metrics, checks.limits().max_metrics_bytes, "max_metrics_bytes");
}

void check_agent_filter(Checks& checks, const AgentFilter& filter) {
  if (filter.status) check_enum(checks, "status", *filter.status, AgentStatus::failed);
  checks.capabilities("capabilities", filter.capabilities);
  checks.optional_name("label_key", filter.label_key);
  checks.short_text("label_value", filter.label_value);
}

void check_selection(Checks& checks, const SelectRequest& request) {
  checks.capabilities("capabilities", request.capabilities);
  check_enum(checks, "strategy", request.strategy, SelectionStrategy::capability_match);
  checks.names("exclude", request.exclude, checks.limits().max_excluded_agents,
               "max_excluded_agents");
}

void check_probe(Checks& checks, const ProbeSpec& spec) {
  checks.name("name", spec.name);
  checks.optional_name("agent_id", spec.agent_id);
  const int ways = (spec.callback ? 1 : 0) + (spec.http_url.empty() ? 0 : 1) +
                   (spec.tcp_address.empty() ? 0 : 1);
  checks.rule(ways == 1, [&] {
    return fmt::format(
        "probe {}: {} of callback, http_url and tcp_address are given; exactly one "
        "is needed",
        quote(spec.name), ways);
  });
  checks.within("interval", spec.interval, kZero, checks.limits().max_delay, "max_delay");
  checks.within("timeout", spec.timeout, kZero, checks.limits().max_delay, "max_delay");
  checks.rule(spec.failure_threshold >= 1,
              [] { return "failure_threshold is 0; it must be at least 1"; });
  checks.rule(spec.success_threshold >= 1,
              [] { return "success_threshold is 0; it must be at least 1"; });
}

}  // namespace controlplane
