#include "capi/config_view.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/key_set.hpp"
#include "capi/defaults.hpp"
#include "capi/input.hpp"

namespace controlplane::capi {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;

std::uint64_t in_ms(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

const char* c_text(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

std::chrono::hours hours(const char* what, std::uint64_t ms) {
  if (ms % kHourMs != 0) refuse(fmt::format("limits.{} is {}; it must be whole hours", what, ms));
  return std::chrono::hours(static_cast<std::int64_t>(ms / kHourMs));
}

Retention retention_of(const cp_retention* given) {
  const auto in = Input<cp_retention>::optional(given);
  return {.max_age = duration(in->max_age_ms),
          .max_count = in->max_count,
          .max_bytes = in->max_bytes,
          .min_age = duration(in->min_age_ms),
          .key_age = duration(in->key_age_ms)};
}

// As long as the text is what it was.
KeyRing ring_of(const char* what, const char* json) {
  auto keys = parse_keys(what, json);
  auto ring = keys ? KeyRing::of(*std::move(keys)) : Result<KeyRing>(std::move(keys.error()));
  if (!ring) refuse(ring.error().code, std::move(ring.error().message));
  return *std::move(ring);
}

Limits limits_of(const cp_limits* given) {
  const auto in = Input<cp_limits>::optional(given);
  if (in->max_name_bytes >= CP_TASK_ID_BYTES) {
    refuse(
        fmt::format("limits.max_name_bytes is {}; the C interface has room for names of {} bytes",
                    in->max_name_bytes, CP_TASK_ID_BYTES - 1));
  }
  Limits out;
  out.max_payload_bytes = in->max_payload_bytes;
  out.max_result_bytes = in->max_result_bytes;
  out.max_metadata_bytes = in->max_metadata_bytes;
  out.max_checkpoint_bytes = in->max_checkpoint_bytes;
  out.max_usage_bytes = in->max_usage_bytes;
  out.max_metrics_bytes = in->max_metrics_bytes;
  out.max_error_bytes = in->max_error_bytes;
  out.max_note_bytes = in->max_note_bytes;
  out.max_text_bytes = in->max_text_bytes;
  out.max_json_depth = in->max_json_depth;
  out.max_name_bytes = in->max_name_bytes;
  out.max_labels = in->max_labels;
  out.max_label_key_bytes = in->max_label_key_bytes;
  out.max_label_value_bytes = in->max_label_value_bytes;
  out.max_capabilities = in->max_capabilities;
  out.max_excluded_agents = in->max_excluded_agents;
  out.max_parents = in->max_parents;
  out.max_batch = in->max_batch;
  out.max_page = in->max_page;
  out.max_retries = small("limits.max_retries", in->max_retries);
  out.max_delay = hours("max_delay_ms", in->max_delay_ms);
  out.max_retry_after = hours("max_retry_after_ms", in->max_retry_after_ms);
  out.max_tasks = in->max_tasks;
  out.max_agents = in->max_agents;
  out.max_queues = in->max_queues;
  out.max_offers = in->max_offers;
  out.max_concurrency_keys = in->max_concurrency_keys;
  out.max_idempotency_keys = in->max_idempotency_keys;
  out.max_dependents = in->max_dependents;
  out.max_task_types = in->max_task_types;
  out.max_policies = in->max_policies;
  out.max_events = in->max_events;
  out.max_event_bytes = in->max_event_bytes;
  out.max_tenants = in->max_tenants;
  out.max_waiting_claims = in->max_waiting_claims;
  out.max_waiting_results = in->max_waiting_results;
  out.max_subscriptions = in->max_subscriptions;
  out.max_subscription_buffer = in->max_subscription_buffer;
  out.max_probes = in->max_probes;
  out.max_callback_threads = in->max_callback_threads;
  out.max_queued_callbacks = in->max_queued_callbacks;
  out.max_queued_log_records = in->max_queued_log_records;
  out.max_worker_concurrency = in->max_worker_concurrency;
  out.explain_obstacles = in->explain_obstacles;
  out.max_crashes = small("limits.max_crashes", in->max_crashes);
  out.max_releases = small("limits.max_releases", in->max_releases);
  out.max_rate_limited = small("limits.max_rate_limited", in->max_rate_limited);
  out.advance_batch = in->advance_batch;
  out.max_document_bytes = in->max_document_bytes;
  out.max_needs = in->max_needs;
  out.max_weights = in->max_weights;
  out.max_pool_numbers = in->max_pool_numbers;
  out.max_amount = in->max_amount;
  out.max_documents = in->max_documents;
  out.max_documents_bytes = in->max_documents_bytes;
  out.max_pools = in->max_pools;
  out.max_permits = in->max_permits;
  out.max_permit_waiters = in->max_permit_waiters;
  out.max_log_entry_bytes = in->max_log_entry_bytes;
  out.max_log_read_bytes = in->max_log_read_bytes;
  out.max_logs = in->max_logs;
  out.max_log_entries = in->max_log_entries;
  out.max_logs_bytes = in->max_logs_bytes;
  out.max_waiting_reads = in->max_waiting_reads;
  out.max_mailbox_messages = in->max_mailbox_messages;
  out.max_broadcast = in->max_broadcast;
  out.max_export_aside_bytes = in->max_export_aside_bytes;
  return out;
}

}  // namespace

cp_retention view_of(const Retention& retention) {
  cp_retention out;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.max_age_ms = in_ms(retention.max_age);
  out.max_count = retention.max_count;
  out.max_bytes = retention.max_bytes;
  out.min_age_ms = in_ms(retention.min_age);
  out.key_age_ms = in_ms(retention.key_age);
  return out;
}

cp_limits view_of(const Limits& limits) {
  cp_limits out;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.max_payload_bytes = limits.max_payload_bytes;
  out.max_result_bytes = limits.max_result_bytes;
  out.max_metadata_bytes = limits.max_metadata_bytes;
  out.max_checkpoint_bytes = limits.max_checkpoint_bytes;
  out.max_usage_bytes = limits.max_usage_bytes;
  out.max_metrics_bytes = limits.max_metrics_bytes;
  out.max_error_bytes = limits.max_error_bytes;
  out.max_note_bytes = limits.max_note_bytes;
  out.max_text_bytes = limits.max_text_bytes;
  out.max_json_depth = limits.max_json_depth;
  out.max_name_bytes = limits.max_name_bytes;
  out.max_labels = limits.max_labels;
  out.max_label_key_bytes = limits.max_label_key_bytes;
  out.max_label_value_bytes = limits.max_label_value_bytes;
  out.max_capabilities = limits.max_capabilities;
  out.max_excluded_agents = limits.max_excluded_agents;
  out.max_parents = limits.max_parents;
  out.max_batch = limits.max_batch;
  out.max_page = limits.max_page;
  out.max_retries = limits.max_retries;
  out.max_delay_ms = in_ms(limits.max_delay);
  out.max_retry_after_ms = in_ms(limits.max_retry_after);
  out.max_tasks = limits.max_tasks;
  out.max_agents = limits.max_agents;
  out.max_queues = limits.max_queues;
  out.max_offers = limits.max_offers;
  out.max_concurrency_keys = limits.max_concurrency_keys;
  out.max_idempotency_keys = limits.max_idempotency_keys;
  out.max_dependents = limits.max_dependents;
  out.max_task_types = limits.max_task_types;
  out.max_policies = limits.max_policies;
  out.max_events = limits.max_events;
  out.max_event_bytes = limits.max_event_bytes;
  out.max_tenants = limits.max_tenants;
  out.max_waiting_claims = limits.max_waiting_claims;
  out.max_waiting_results = limits.max_waiting_results;
  out.max_subscriptions = limits.max_subscriptions;
  out.max_subscription_buffer = limits.max_subscription_buffer;
  out.max_probes = limits.max_probes;
  out.max_callback_threads = limits.max_callback_threads;
  out.max_queued_callbacks = limits.max_queued_callbacks;
  out.max_queued_log_records = limits.max_queued_log_records;
  out.max_worker_concurrency = limits.max_worker_concurrency;
  out.explain_obstacles = limits.explain_obstacles;
  out.max_crashes = limits.max_crashes;
  out.max_releases = limits.max_releases;
  out.max_rate_limited = limits.max_rate_limited;
  out.advance_batch = limits.advance_batch;
  out.max_document_bytes = limits.max_document_bytes;
  out.max_needs = limits.max_needs;
  out.max_weights = limits.max_weights;
  out.max_pool_numbers = limits.max_pool_numbers;
  out.max_amount = limits.max_amount;
  out.max_documents = limits.max_documents;
  out.max_documents_bytes = limits.max_documents_bytes;
  out.max_pools = limits.max_pools;
  out.max_permits = limits.max_permits;
  out.max_permit_waiters = limits.max_permit_waiters;
  out.max_log_entry_bytes = limits.max_log_entry_bytes;
  out.max_log_read_bytes = limits.max_log_read_bytes;
  out.max_logs = limits.max_logs;
  out.max_log_entries = limits.max_log_entries;
  out.max_logs_bytes = limits.max_logs_bytes;
  out.max_waiting_reads = limits.max_waiting_reads;
  out.max_mailbox_messages = limits.max_mailbox_messages;
  out.max_broadcast = limits.max_broadcast;
  out.max_export_aside_bytes = limits.max_export_aside_bytes;
  return out;
}

cp_options view_of(const Config& config) {
  cp_options out;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.log_level = static_cast<std::int32_t>(config.log_level);
  out.store_url = c_text(config.store_url);
  out.tenant_id = c_text(config.tenant_id);
  out.key_prefix = c_text(config.key_prefix);
  out.coordinator_id = c_text(config.coordinator_id);
  out.heartbeat_interval_ms = in_ms(config.heartbeat_interval);
  out.heartbeat_timeout_ms = in_ms(config.heartbeat_timeout);
  out.probe_interval_ms = in_ms(config.probe_interval);
  out.probe_timeout_ms = in_ms(config.probe_timeout);
  out.task_timeout_ms = in_ms(config.task_timeout);
  out.cleanup_interval_ms = in_ms(config.cleanup_interval);
  out.offline_agent_retention_ms = in_ms(config.offline_agent_retention);
  out.cancel_grace_ms = in_ms(config.cancel_grace);
  out.lease_ttl_ms = in_ms(config.lease_ttl);
  out.ageing_interval_ms = in_ms(config.ageing_interval);
  out.operation_timeout_ms = in_ms(config.operation_timeout);
  out.incarnation = config.incarnation;
  out.max_task_retries = config.max_task_retries;
  out.strategy = static_cast<std::int32_t>(config.strategy);
  out.require_lease = config.require_lease ? 1 : 0;
  out.require_registration = config.require_registration ? 1 : 0;
  out.enable_metrics = config.enable_metrics ? 1 : 0;
  out.fallback_to_memory = config.fallback_to_memory ? 1 : 0;
  out.event_retention_ms = in_ms(config.event_retention);
  out.encryption_keys_file = c_text(config.encryption_keys_file);
  out.encryption_keys_variable = c_text(config.encryption_keys_variable);
  out.require_encryption = config.require_encryption ? 1 : 0;
  out.signing_keys_file = c_text(config.signing_keys_file);
  out.message_window_ms = in_ms(config.message_window);
  return out;
}

Config config_of(const cp_options* given) {
  const auto in = Input<cp_options>::optional(given);
  Config config;
  config.store_url = text(in->store_url);
  config.tenant_id = text(in->tenant_id);
  config.key_prefix = text(in->key_prefix);
  config.coordinator_id = text(in->coordinator_id);
  config.heartbeat_interval = duration(in->heartbeat_interval_ms);
  config.heartbeat_timeout = duration(in->heartbeat_timeout_ms);
  config.probe_interval = duration(in->probe_interval_ms);
  config.probe_timeout = duration(in->probe_timeout_ms);
  config.task_timeout = duration(in->task_timeout_ms);
  config.cleanup_interval = duration(in->cleanup_interval_ms);
  config.offline_agent_retention = duration(in->offline_agent_retention_ms);
  config.cancel_grace = duration(in->cancel_grace_ms);
  config.lease_ttl = duration(in->lease_ttl_ms);
  config.ageing_interval = duration(in->ageing_interval_ms);
  config.operation_timeout = duration(in->operation_timeout_ms);
  config.incarnation = in->incarnation;
  config.max_task_retries = in->max_task_retries;
  config.strategy = number("strategy", in->strategy, SelectionStrategy::capability_match);
  config.require_lease = flag("require_lease", in->require_lease);
  config.require_registration = flag("require_registration", in->require_registration);
  config.enable_metrics = flag("enable_metrics", in->enable_metrics);
  config.fallback_to_memory = flag("fallback_to_memory", in->fallback_to_memory);
  config.event_retention = duration(in->event_retention_ms);
  config.encryption_keys_file = text(in->encryption_keys_file);
  config.encryption_keys_variable = text(in->encryption_keys_variable);
  config.require_encryption = flag("require_encryption", in->require_encryption);
  if (in->reserved != 0) refuse(fmt::format("reserved is {}; it must be 0", in->reserved));
  config.retention = retention_of(in->retention);
  config.limits = limits_of(in->limits);
  config.log_level = number("log_level", in->log_level, LogLevel::off);
  config.signing_keys_file = text(in->signing_keys_file);
  if (in->signing_keys != nullptr) config.signing_keys = ring_of("signing_keys", in->signing_keys);
  config.message_window = duration(in->message_window_ms);
  return config;
}

}  // namespace controlplane::capi
