#include "coordinator/config_options.hpp"

#include <cctype>

namespace controlplane {
namespace {

constexpr std::uint64_t kHours = 876'000;                // 100 years; more would overflow µs sums
constexpr std::uint64_t kTime = kHours * 3'600'000;      // in ms
constexpr std::uint64_t kMany = 2'147'483'647;           // what 32-bit sizes and slots can count
constexpr std::uint64_t kInARow = 65'534;                // what an attempt counts in 16 bits
constexpr std::uint64_t kMaxAmount = 1'000'000'000'000'000;  // sums of them stay below 2^64
constexpr std::uint64_t kHuge = std::uint64_t{1} << 48;  // bytes of memory
constexpr std::uint64_t kAny = ~std::uint64_t{0};
constexpr std::uint64_t kMaxDepth = 1'024;               // a parser keeps a stack of this many
constexpr std::uint64_t kMaxLabels = 255;                // one byte in the history

using C = Config;
using R = Retention;
using L = Limits;

constexpr Option kOptions[] = {
    {"tenant_id", &C::tenant_id},
    {"key_prefix", &C::key_prefix, 0, 0, {"CONTROL_PLANE_PREFIX"}},
    // A deployment names its own role and the one above it, so the lowest role that is set is ours.
    {"coordinator_id", &C::coordinator_id, 0, 0, {"WORKER_ID", "DISTRIBUTOR_ID", "COORDINATOR_ID"}},
    {"heartbeat_interval", &C::heartbeat_interval, 1, kTime, {"HEARTBEAT_INTERVAL"}},
    {"heartbeat_timeout", &C::heartbeat_timeout, 1, kTime, {"HEARTBEAT_TIMEOUT"}},
    {"probe_interval", &C::probe_interval, 1, kTime, {"PROBE_INTERVAL"}},
    {"probe_timeout", &C::probe_timeout, 1, kTime, {"PROBE_TIMEOUT"}},
    {"task_timeout", &C::task_timeout, 1, kTime, {"TASK_TIMEOUT"}},
    {"max_task_retries", &C::max_task_retries, 0, kMany,
     {"ARAGORA_CP_MAX_RETRIES", "MAX_TASK_RETRIES"}},
    {"cleanup_interval", &C::cleanup_interval, 1, kTime, {"CLEANUP_INTERVAL"}},
    {"offline_agent_retention", &C::offline_agent_retention, 0, kTime},
    {"event_retention", &C::event_retention, 0, kTime},
    {"cancel_grace", &C::cancel_grace, 0, kTime},
    {"lease_ttl", &C::lease_ttl, 1, kTime},
    {"ageing_interval", &C::ageing_interval, 0, kTime},
    {"operation_timeout", &C::operation_timeout, 1, kTime},
    {"strategy", &C::strategy},
    {"require_lease", &C::require_lease},
    {"require_registration", &C::require_registration},
    {"enable_metrics", &C::enable_metrics},
    {"fallback_to_memory", &C::fallback_to_memory},
    {"encryption_keys_file", &C::encryption_keys_file},
    {"encryption_keys_variable", &C::encryption_keys_variable},
    {"require_encryption", &C::require_encryption},
    {"incarnation", &C::incarnation, 0, kAny},
    {"signing_keys_file", &C::signing_keys_file},
    {"message_window", &C::message_window, 1, kTime},
    {"log_level", &C::log_level, 0, 0, {"LOG_LEVEL"}},

    {"retention.max_age", &R::max_age, 0, kTime},
    {"retention.max_count", &R::max_count, 0, kMany},
    {"retention.max_bytes", &R::max_bytes, 0, kHuge},
    {"retention.min_age", &R::min_age, 0, kTime},
    {"retention.key_age", &R::key_age, 0, kTime},

    {"limits.max_payload_bytes", &L::max_payload_bytes, 1, kMany},
    {"limits.max_result_bytes", &L::max_result_bytes, 1, kMany},
    {"limits.max_metadata_bytes", &L::max_metadata_bytes, 1, kMany},
    {"limits.max_checkpoint_bytes", &L::max_checkpoint_bytes, 1, kMany},
    {"limits.max_document_bytes", &L::max_document_bytes, 1, kMany},
    {"limits.max_log_entry_bytes", &L::max_log_entry_bytes, 1, kMany},
    {"limits.max_usage_bytes", &L::max_usage_bytes, 1, kMany},
    {"limits.max_metrics_bytes", &L::max_metrics_bytes, 1, kMany},
    {"limits.max_error_bytes", &L::max_error_bytes, 1, kMany},
    {"limits.max_note_bytes", &L::max_note_bytes, 1, kMany},
    {"limits.max_text_bytes", &L::max_text_bytes, 1, kMany},
    {"limits.max_json_depth", &L::max_json_depth, 1, kMaxDepth},
    {"limits.max_name_bytes", &L::max_name_bytes, 1, kMany},
    {"limits.max_labels", &L::max_labels, 1, kMaxLabels},
    {"limits.max_label_key_bytes", &L::max_label_key_bytes, 1, kMany},
    {"limits.max_label_value_bytes", &L::max_label_value_bytes, 1, kMany},
    {"limits.max_capabilities", &L::max_capabilities, 1, kMany},
    {"limits.max_excluded_agents", &L::max_excluded_agents, 1, kMany},
    {"limits.max_parents", &L::max_parents, 1, kMany},
    {"limits.max_batch", &L::max_batch, 1, kMany},
    {"limits.max_page", &L::max_page, 1, kMany},
    {"limits.max_log_read_bytes", &L::max_log_read_bytes, 1, kMany},
    {"limits.max_needs", &L::max_needs, 1, kMany},
    {"limits.max_weights", &L::max_weights, 1, kMany},
    {"limits.max_pool_numbers", &L::max_pool_numbers, 1, kMany},
    {"limits.max_amount", &L::max_amount, 1, kMaxAmount},
    {"limits.max_retries", &L::max_retries, 0, kMany},
    {"limits.max_delay", &L::max_delay, 1, kHours},
    {"limits.max_retry_after", &L::max_retry_after, 1, kHours},
    {"limits.max_tasks", &L::max_tasks, 1, kMany},
    {"limits.max_agents", &L::max_agents, 1, kMany},
    {"limits.max_queues", &L::max_queues, 1, kMany},
    {"limits.max_offers", &L::max_offers, 1, kMany},
    {"limits.max_concurrency_keys", &L::max_concurrency_keys, 1, kMany},
    {"limits.max_idempotency_keys", &L::max_idempotency_keys, 1, kMany},
    {"limits.max_dependents", &L::max_dependents, 1, kMany},
    {"limits.max_task_types", &L::max_task_types, 1, kMany},
    {"limits.max_policies", &L::max_policies, 1, kMany},
    {"limits.max_documents", &L::max_documents, 1, kMany},
    {"limits.max_documents_bytes", &L::max_documents_bytes, 1, kHuge},
    {"limits.max_logs", &L::max_logs, 1, kMany},
    {"limits.max_log_entries", &L::max_log_entries, 1, kMany},
    {"limits.max_logs_bytes", &L::max_logs_bytes, 1, kHuge},
    {"limits.max_pools", &L::max_pools, 1, kMany},
    {"limits.max_permits", &L::max_permits, 1, kMany},
    {"limits.max_permit_waiters", &L::max_permit_waiters, 1, kMany},
    {"limits.max_mailbox_messages", &L::max_mailbox_messages, 1, kMany},
    {"limits.max_broadcast", &L::max_broadcast, 1, kMany},
    {"limits.max_export_aside_bytes", &L::max_export_aside_bytes, 1, kHuge},
    {"limits.max_events", &L::max_events, 1, kMany},
    {"limits.max_event_bytes", &L::max_event_bytes, 1, kHuge},
    {"limits.max_tenants", &L::max_tenants, 1, kMany},
    {"limits.max_waiting_claims", &L::max_waiting_claims, 1, kMany},
    {"limits.max_waiting_results", &L::max_waiting_results, 1, kMany},
    {"limits.max_waiting_reads", &L::max_waiting_reads, 1, kMany},
    {"limits.max_subscriptions", &L::max_subscriptions, 1, kMany},
    {"limits.max_subscription_buffer", &L::max_subscription_buffer, 1, kMany},
    {"limits.max_probes", &L::max_probes, 1, kMany},
    {"limits.max_callback_threads", &L::max_callback_threads, 1, 1'024},
    {"limits.max_queued_callbacks", &L::max_queued_callbacks, 1, kMany},
    {"limits.max_queued_log_records", &L::max_queued_log_records, 1, kMany},
    {"limits.max_worker_concurrency", &L::max_worker_concurrency, 1, kMany},
    {"limits.explain_obstacles", &L::explain_obstacles, 1, kMany},
    {"limits.max_crashes", &L::max_crashes, 1, kMany},
    {"limits.max_releases", &L::max_releases, 1, kInARow},
    {"limits.max_rate_limited", &L::max_rate_limited, 1, kInARow},
    {"limits.advance_batch", &L::advance_batch, 1, kMany},
};

}  // namespace

std::span<const Option> config_options() { return kOptions; }

std::string option_variable(std::string_view name) {
  std::string variable = "ARAGORA_CP_";
  for (const char c : name) {
    const int upper = std::toupper(static_cast<unsigned char>(c));
    variable += c == '.' ? '_' : static_cast<char>(upper);
  }
  return variable;
}

}  // namespace controlplane
