// Every bound of the library, with its default. Nothing is unbounded; at a bound an operation
// answers resource_exhausted (counts) or invalid_argument (sizes of one input) and changes nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace controlplane {

struct Limits {
  // One input: invalid_argument names the value and the limit.
  std::size_t max_payload_bytes = 1'048'576;
  std::size_t max_result_bytes = 1'048'576;
  std::size_t max_metadata_bytes = 16'384;
  std::size_t max_checkpoint_bytes = 65'536;   // progress data
  std::size_t max_document_bytes = 1'048'576;
  std::size_t max_log_entry_bytes = 1'048'576;
  std::size_t max_usage_bytes = 4'096;
  std::size_t max_metrics_bytes = 4'096;       // of one heartbeat
  std::size_t max_error_bytes = 4'096;         // longer error texts are refused
  std::size_t max_note_bytes = 1'024;          // progress note
  std::size_t max_text_bytes = 1'024;          // model, provider, endpoint, trace
  std::size_t max_json_depth = 64;
  std::size_t max_name_bytes = 128;            // ids, tenants, capabilities, keys, types
  std::size_t max_labels = 16;
  std::size_t max_label_key_bytes = 64;
  std::size_t max_label_value_bytes = 256;
  std::size_t max_capabilities = 64;           // of one task, agent or claim
  std::size_t max_excluded_agents = 64;        // of one task or selection
  std::size_t max_parents = 1'000;             // depends_on of one task
  std::size_t max_batch = 1'024;               // items of one batch call, tasks of one claim
  std::size_t max_page = 1'000;                // items of one page
  std::size_t max_log_read_bytes = 1'048'576;  // a read of a log ends with the entry that reaches it
  std::size_t max_needs = 16;                  // pools of one permit
  std::size_t max_weights = 256;               // of one pool
  std::size_t max_pool_numbers = 65'536;       // of one number pool
  std::uint64_t max_amount = 1'000'000'000'000'000;  // of a pool or a permit; more is kUnlimited
  std::uint32_t max_retries = 1'000;           // of one task
  std::chrono::hours max_delay{24 * 366};      // delay, timeouts
  std::chrono::hours max_retry_after{24};

  // One tenant: resource_exhausted names the limit.
  std::size_t max_tasks = 16'777'216;          // records, terminal ones included
  std::size_t max_agents = 100'000;
  std::size_t max_queues = 1'024;              // undirected ready queues
  std::size_t max_offers = 4'096;              // capability sets of claims whose queues are kept at
                                               // hand; beyond, they are found anew
  std::size_t max_concurrency_keys = 100'000;  // in use at once
  std::size_t max_idempotency_keys = 1'000'000;  // remembered, those of removed tasks included
  std::size_t max_dependents = 10'000;         // of one parent
  std::size_t max_task_types = 4'096;          // in use at once
  std::size_t max_policies = 4'096;            // distinct retry and timeout settings in use at once
  std::size_t max_documents = 1'000'000;
  std::size_t max_documents_bytes = 1'073'741'824;  // keys and values of all
  std::size_t max_logs = 10'000;
  std::size_t max_log_entries = 16'777'216;    // of all logs
  std::size_t max_logs_bytes = 1'073'741'824;  // entries of all logs
  std::size_t max_pools = 10'000;              // of permits
  std::size_t max_permits = 1'000'000;         // out at once
  std::size_t max_permit_waiters = 100'000;
  std::size_t max_mailbox_messages = 10'000;   // of one receiver, until they are acknowledged
  std::size_t max_broadcast = 1'000;           // receivers of one message
  std::size_t max_export_aside_bytes = 64 * 1'048'576;  // rows that changed before an export came
                                               // to them; beyond, the export fails
  std::size_t max_events = 100'000;            // history; older events are trimmed
  std::size_t max_event_bytes = 64 * 1'048'576;  // history; older events are trimmed

  // One coordinator: resource_exhausted names the limit.
  std::size_t max_tenants = 1'024;             // of one store
  std::size_t max_waiting_claims = 100'000;
  std::size_t max_waiting_results = 100'000;
  std::size_t max_waiting_reads = 100'000;     // of logs
  std::size_t max_subscriptions = 1'024;
  std::size_t max_subscription_buffer = 65'536;  // events
  std::size_t max_probes = 10'000;
  std::size_t max_callback_threads = 16;       // of the callback pool
  std::size_t max_queued_callbacks = 65'536;
  std::size_t max_queued_log_records = 16'384;  // beyond, records are dropped and counted
  std::size_t max_worker_concurrency = 1'024;
  std::size_t explain_obstacles = 100;

  // Rules with a number; semantics.md names them.
  std::uint32_t max_crashes = 3;               // crashes that make a task failed[poison]
  std::uint32_t max_releases = 10;             // in a row; one more counts as a crash
  std::uint32_t max_rate_limited = 100;        // in a row; then failed[exhausted]
  std::size_t advance_batch = 256;             // due items per step
};

// How long terminal tasks are kept: max_age, or less when there are more than max_count or
// max_bytes of them, but each at least min_age.
struct Retention {
  std::chrono::milliseconds max_age{std::chrono::hours(24)};
  std::size_t max_count = 100'000;
  std::size_t max_bytes = 268'435'456;
  std::chrono::milliseconds min_age{60'000};
  std::chrono::milliseconds key_age{std::chrono::hours(24)};  // idempotency keys, from submit
};

}  // namespace controlplane
