// cp_…_init(): the defaults as the C++ types have them, not as the macros repeat them; a test
// compares the two.
#include "capi/defaults.hpp"

#include <algorithm>
#include <cstring>

#include "capi/config_view.hpp"
#include "controlplane/controlplane.hpp"

namespace controlplane::capi {
namespace {

std::uint64_t in_ms(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

std::int32_t or_unset(const auto& optional) {
  return optional ? static_cast<std::int32_t>(*optional) : CP_UNSET;
}

std::uint64_t or_unset_ms(const std::optional<std::chrono::milliseconds>& duration) {
  return duration ? in_ms(*duration) : CP_UNSET_MS;
}

void fill(cp_page_request& out) { out.max_items = PageRequest{}.max_items; }
void fill(cp_retention& out) { out = view_of(Retention{}); }
void fill(cp_limits& out) { out = view_of(Limits{}); }
void fill(cp_options& out) {
  static const Config config;  // its texts are pointed to
  out = view_of(config);
}
void fill(cp_secret_key& out) { out.state = static_cast<std::int32_t>(SecretKey{}.state); }
void fill(cp_queue_options& out) { out.max_outstanding = kMaxOutstanding; }

void fill(cp_agent_spec& out) {
  const AgentSpec spec;
  out.status = static_cast<std::int32_t>(spec.status);
  out.max_concurrency = spec.max_concurrency;
  out.incarnation = spec.incarnation;
}
void fill(cp_heartbeat_report& out) {
  const HeartbeatReport report;
  out.status = or_unset(report.status);
  out.health = or_unset(report.health);
  out.incarnation = report.incarnation;
}
void fill(cp_agent_filter& out) {
  const AgentFilter filter;
  out.status = or_unset(filter.status);
  out.available_only = filter.available_only ? 1 : 0;
  out.seen_before_us = filter.seen_before;
}
void fill(cp_select_request& out) {
  out.strategy = static_cast<std::int32_t>(SelectRequest{}.strategy);
}

void fill(cp_task_spec& out) {
  const TaskSpec spec;
  out.priority = static_cast<std::int32_t>(spec.priority);
  out.timeout_ms = or_unset_ms(spec.timeout);
  out.queue_timeout_ms = in_ms(spec.queue_timeout);
  out.total_timeout_ms = in_ms(spec.total_timeout);
  out.delay_ms = in_ms(spec.delay);
  out.retry_delay_ms = in_ms(spec.retry.delay);
  out.retry_max_delay_ms = in_ms(spec.retry.max_delay);
  out.retry_backoff = spec.retry.backoff;
  out.max_retries = or_unset(spec.retry.max_retries);
  out.allow_failed_parents = spec.allow_failed_parents ? 1 : 0;
  out.concurrency_limit = spec.concurrency_limit;
}
void fill(cp_claim_request& out) {
  const ClaimRequest request;
  out.max_tasks = request.max_tasks;
  out.wait_ms = in_ms(request.wait);
  out.lease_ttl_ms = in_ms(request.lease_ttl);
  out.incarnation = request.incarnation;
}
void fill(cp_progress_request& out) { out.fraction = Progress{}.fraction; }
void fill(cp_complete_request&) {}
void fill(cp_fail_request& out) {
  const Failure failure;
  out.kind = static_cast<std::int32_t>(failure.kind);
  out.retry_after_ms = in_ms(failure.retry_after);
}
void fill(cp_task_filter& out) {
  const TaskFilter filter;
  out.dead_letters = filter.dead_letters ? 1 : 0;
  out.state = or_unset(filter.state);
  out.reason = or_unset(filter.reason);
  out.submitted_before_us = filter.submitted_before;
  out.submitted_after_us = filter.submitted_after;
}
void fill(cp_replay_options& out) { out.with_dependents = ReplayOptions{}.with_dependents ? 1 : 0; }

void fill(cp_probe_spec& out) {
  const ProbeSpec spec;
  out.failure_threshold = spec.failure_threshold;
  out.success_threshold = spec.success_threshold;
  out.interval_ms = in_ms(spec.interval);
  out.timeout_ms = in_ms(spec.timeout);
}
void fill(cp_event_filter&) {}
void fill(cp_subscribe_options& out) {
  const SubscribeOptions options;
  out.from_start = options.from_start ? 1 : 0;
  out.after = options.after;
  out.buffer = options.buffer;
}
void fill(cp_worker_options& out) {
  const WorkerOptions options;
  out.concurrency = options.concurrency;
  out.lease_ttl_ms = in_ms(options.lease_ttl);
  out.heartbeat_interval_ms = in_ms(options.heartbeat_interval);
  out.drain_timeout_ms = in_ms(options.drain_timeout);
}
void fill(cp_distributor_options& out) {
  const DistributorOptions options;
  out.concurrency = options.concurrency;
  out.leader_ttl_ms = in_ms(options.leader_ttl);
  out.lease_ttl_ms = in_ms(options.lease_ttl);
  out.drain_timeout_ms = in_ms(options.drain_timeout);
}

void fill(cp_put_options& out) {
  const PutOptions options;
  out.expected_version = options.expected_version.value_or(CP_ANY_VERSION);
  out.ttl_ms = or_unset_ms(options.ttl);
}
void fill(cp_update_options& out) {
  const UpdateOptions options;
  out.max_tries = options.max_tries;
  out.ttl_ms = or_unset_ms(options.ttl);
}

void fill(cp_log_bounds& out) {
  const LogBounds bounds;
  out.max_entries = bounds.max_entries;
  out.max_bytes = bounds.max_bytes;
  out.max_age_ms = in_ms(bounds.max_age);
}
void fill(cp_log_trim_request& out) {
  const LogTrim trim;
  out.before = trim.before.value_or(0);
  out.max_entries = trim.max_entries.value_or(CP_UNLIMITED);
  out.max_bytes = trim.max_bytes.value_or(CP_UNLIMITED);
  out.max_age_ms = or_unset_ms(trim.max_age);
}

void fill(cp_pool_spec& out) {
  const PoolSpec spec;
  out.kind = static_cast<std::int32_t>(spec.kind);
  out.capacity = spec.capacity;
  out.first = spec.first;
  out.last = spec.last;
  out.period_ms = in_ms(spec.period);
}
void fill(cp_acquire_request& out) {
  const AcquireRequest request;
  out.priority = static_cast<std::int32_t>(request.priority);
  out.ttl_ms = in_ms(request.ttl);
  out.wait_ms = in_ms(request.wait);
}

void fill(cp_lease_options& out) {
  const LeaseOptions options;
  out.priority = static_cast<std::int32_t>(options.priority);
  out.ttl_ms = in_ms(options.ttl);
  out.wait_ms = in_ms(options.wait);
  out.max_hold_ms = in_ms(options.max_hold);
  out.auto_renew = options.auto_renew ? 1 : 0;
}
void fill(cp_election_options& out) { out.ttl_ms = in_ms(ElectionOptions{}.ttl); }

void fill(cp_message_spec& out) {
  const SendOptions options;
  out.max_deliveries = options.max_deliveries;
  out.ttl_ms = in_ms(options.ttl);
}
void fill(cp_receive_options& out) {
  const ReceiveOptions options;
  out.max_messages = options.max_messages;
  out.wait_ms = in_ms(options.wait);
  out.visibility_ms = in_ms(options.visibility);
}
void fill(cp_reject_options& out) {
  const RejectOptions options;
  out.redeliver = options.redeliver ? 1 : 0;
  out.retry_after_ms = in_ms(options.retry_after);
}

// Only the part that the caller's struct has.
template <class T>
std::int32_t init(T* out, std::size_t struct_size) {
  return guard([&] {
    require(out, "out");
    T full;
    std::memset(&full, 0, sizeof(full));
    fill(full);
    const std::size_t common = std::min(struct_size, sizeof(T));
    check_size(Defaults<T>::name, struct_size, sizeof(T));
    full.struct_size = static_cast<std::uint32_t>(struct_size);
    std::memset(static_cast<void*>(out), 0, struct_size);
    std::memcpy(static_cast<void*>(out), &full, common);
    return CP_OK;
  });
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_page_request_init(cp_page_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_secret_key_init(cp_secret_key* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_retention_init(cp_retention* out, size_t struct_size) { return init(out, struct_size); }
int32_t cp_limits_init(cp_limits* out, size_t struct_size) { return init(out, struct_size); }
int32_t cp_options_init(cp_options* out, size_t struct_size) { return init(out, struct_size); }
int32_t cp_queue_options_init(cp_queue_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_agent_spec_init(cp_agent_spec* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_heartbeat_report_init(cp_heartbeat_report* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_agent_filter_init(cp_agent_filter* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_select_request_init(cp_select_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_task_spec_init(cp_task_spec* out, size_t struct_size) { return init(out, struct_size); }
int32_t cp_claim_request_init(cp_claim_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_progress_request_init(cp_progress_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_complete_request_init(cp_complete_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_fail_request_init(cp_fail_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_task_filter_init(cp_task_filter* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_replay_options_init(cp_replay_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_probe_spec_init(cp_probe_spec* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_event_filter_init(cp_event_filter* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_subscribe_options_init(cp_subscribe_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_worker_options_init(cp_worker_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_distributor_options_init(cp_distributor_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_put_options_init(cp_put_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_update_options_init(cp_update_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_log_bounds_init(cp_log_bounds* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_log_trim_request_init(cp_log_trim_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_pool_spec_init(cp_pool_spec* out, size_t struct_size) { return init(out, struct_size); }
int32_t cp_acquire_request_init(cp_acquire_request* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_lease_options_init(cp_lease_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_election_options_init(cp_election_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_message_spec_init(cp_message_spec* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_receive_options_init(cp_receive_options* out, size_t struct_size) {
  return init(out, struct_size);
}
int32_t cp_reject_options_init(cp_reject_options* out, size_t struct_size) {
  return init(out, struct_size);
}
