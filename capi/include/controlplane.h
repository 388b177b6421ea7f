/*
 * Aragora Control Plane for C: a control plane for fleets of AI agents inside your process. Agents
 * register, tasks are routed to them by capability, priority and policy, and what fails is found and
 * repaired. This one header is the whole interface; it needs C99 and nothing else. docs/c.md shows
 * it at work, docs/semantics.md is the contract of what the operations do.
 *
 * Calls. Every operation answers a status, CP_OK or one of CP_INVALID_ARGUMENT, …; outputs come first,
 *   and on failure an output pointer is set to NULL. Losing a race is CP_CONFLICT, not a disaster.
 * Errors. After a call that failed, cp_last_error() tells why, for the calling thread, until its next
 *   failing call. Completions carry their own text. Messages name the value and the rule:
 *   "invalid_argument: payload is 3,145,728 bytes; the limit max_payload_bytes is 1,048,576".
 *   No C++ exception leaves this library; without memory a call answers CP_RESOURCE_EXHAUSTED.
 * Structs that you fill begin with struct_size. Start from CP_…_INIT (or cp_…_init(), which an FFI
 *   can call): it holds the defaults, and every field holds a real value, zero included. A struct of
 *   an older header is shorter and is filled up from the defaults; of a newer one, what this library
 *   does not know must be zero. In an array of them every struct_size is that of the first.
 * Structs that you get are read-only and made by this library; struct_size says how much of them
 *   there is. They are plain memory: free each once with its own _free(), which takes NULL, in any
 *   thread; using one after that is as bad as after free().
 * Handles (cp_coordinator, cp_queue, cp_subscription, cp_worker, cp_distributor, cp_named_lease,
 *   cp_election) end with _close(), which takes NULL.
 *   A handle is a number in a pointer's clothes, checked by every call: one that was closed, even
 *   twice, or that another call closes just now, is refused with CP_FAILED_PRECONDITION, one of
 *   another type with CP_INVALID_ARGUMENT; nothing crashes. 65,535 may be open in a process.
 * Strings that go in are NUL-terminated UTF-8, copied before the call returns; NULL is "". Payloads,
 *   results and other JSON go in as a pointer and a length. All that comes out is NUL-terminated and
 *   never NULL, "" if there is none (lists that are empty may be NULL); it lives as long as the
 *   struct that holds it, in a callback until that returns.
 * Threads. Every function may be called from any thread, also inside callbacks. Callbacks run on
 *   threads of the library, never under a lock; one that hangs delays nobody else. They must return:
 *   no longjmp, no pthread_exit. A thread must not be cancelled (pthread_cancel) inside a call.
 * Waiting. What may wait says for how long. Each operation of a coordinator that talks to the store has
 *   an _async form, which never waits: its answer arrives in a queue. See "Completions" below. Only
 *   cp_state_update, which calls back, has none; nor have the operations of the other handles, and the
 *   snapshots, which read and write files.
 * fork. The child must not use handles of its parent: they are refused with CP_FAILED_PRECONDITION.
 *   It may open its own. A process that is made without fork handlers (vfork, clone) must not try.
 * Times are microseconds since the Unix epoch, 0 = never; durations end in _ms.
 * Switches (int32_t) are 0 or 1. Where a number may be left open it says so: CP_UNSET, CP_UNSET_MS,
 *   CP_ANY_VERSION.
 * Versions. The soname changes with CP_ABI_VERSION; until 1.0 of the library it may do so in any
 *   release. CP_ABI_REVISION counts what was added since. Statuses and constants are never renumbered.
 */
#ifndef CONTROLPLANE_H
#define CONTROLPLANE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __GNUC__
#define CP_API __attribute__((visibility("default")))
#else
#define CP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CP_ABI_VERSION 0
#define CP_ABI_REVISION 4

CP_API const char *cp_version(void);   /* of the library: "0.1.0" */
CP_API uint32_t cp_abi_version(void);  /* the library's CP_ABI_VERSION */
CP_API uint32_t cp_abi_revision(void); /* the library's CP_ABI_REVISION */

/* ---- Statuses and errors ---------------------------------------------------------------------- */

#define CP_OK 0
#define CP_INVALID_ARGUMENT 1    /* the input breaks a rule whatever the state is */
#define CP_NOT_FOUND 2           /* no such task, agent, … in this tenant */
#define CP_ALREADY_EXISTS 3      /* the same key with other content */
#define CP_CONFLICT 4            /* lost a race: stale lease, already ended */
#define CP_FAILED_PRECONDITION 5 /* the state forbids it, until that changes */
#define CP_RESOURCE_EXHAUSTED 6  /* a named limit, or no memory; nothing was done */
#define CP_UNAUTHENTICATED 7
#define CP_PERMISSION_DENIED 8
#define CP_UNAVAILABLE 9        /* the store could not be reached; see outcome_unknown */
#define CP_DEADLINE_EXCEEDED 10 /* the caller's wait ended */
#define CP_CANCELLED 11         /* the coordinator closed, or the caller gave up */
#define CP_DATA_LOSS 12         /* history that was trimmed, or a value that is damaged */
#define CP_INTERNAL 13          /* a defect of this library */

CP_API const char *cp_status_name(int32_t status); /* "conflict"; "unknown" for other numbers */

/* Why the last call of this thread that failed did so, at most 2,047 bytes; "" before the first.
 * Valid until the next failing call of this thread. */
CP_API const char *cp_last_error(void);
/* 1: that call may have been applied although it failed (CP_UNAVAILABLE only); repeating it is safe. */
CP_API int32_t cp_last_error_outcome_unknown(void);

/* ---- Values ----------------------------------------------------------------------------------- */

#define CP_UNSET (-1)            /* an int32_t that is left open */
#define CP_UNSET_MS UINT64_MAX   /* a duration that is left open */
#define CP_FOREVER_MS UINT64_MAX /* of a wait: as long as max_delay_ms allows, 366 days */

/* Priorities; 0 is served first. */
#define CP_PRIORITY_CRITICAL 0
#define CP_PRIORITY_HIGH 1
#define CP_PRIORITY_NORMAL 2
#define CP_PRIORITY_LOW 3

/* States of a task; from CP_TASK_COMPLETED on they are final. */
#define CP_TASK_PENDING 0
#define CP_TASK_CLAIMED 1
#define CP_TASK_RUNNING 2
#define CP_TASK_COMPLETED 3
#define CP_TASK_FAILED 4
#define CP_TASK_CANCELLED 5
#define CP_TASK_TIMEOUT 6
#define CP_TASK_STATES 7

/* What refines a state. */
#define CP_REASON_NONE 0
#define CP_REASON_READY 1 /* pending: … */
#define CP_REASON_DELAYED 2
#define CP_REASON_BACKOFF 3
#define CP_REASON_BLOCKED 4
#define CP_REASON_FATAL 5 /* failed: … */
#define CP_REASON_EXHAUSTED 6
#define CP_REASON_POISON 7
#define CP_REASON_QUEUE 8 /* timeout: … */
#define CP_REASON_EXEC 9
#define CP_REASON_TOTAL 10

#define CP_FAIL_RETRYABLE 0
#define CP_FAIL_FATAL 1        /* no retry */
#define CP_FAIL_RATE_LIMITED 2 /* retried later, not counted */

#define CP_AGENT_STARTING 0
#define CP_AGENT_READY 1
#define CP_AGENT_BUSY 2
#define CP_AGENT_DRAINING 3
#define CP_AGENT_OFFLINE 4
#define CP_AGENT_FAILED 5
#define CP_AGENT_STATUSES 6

#define CP_HEALTH_HEALTHY 0
#define CP_HEALTH_DEGRADED 1
#define CP_HEALTH_UNHEALTHY 2
#define CP_HEALTH_UNKNOWN 3

#define CP_BREAKER_CLOSED 0
#define CP_BREAKER_OPEN 1
#define CP_BREAKER_HALF_OPEN 2

#define CP_STRATEGY_LEAST_LOADED 0
#define CP_STRATEGY_ROUND_ROBIN 1
#define CP_STRATEGY_RANDOM 2
#define CP_STRATEGY_CAPABILITY_MATCH 3

#define CP_LOG_DEBUG 0
#define CP_LOG_INFO 1
#define CP_LOG_WARNING 2
#define CP_LOG_ERROR 3
#define CP_LOG_OFF 4

/* Their names: "high", "running", "backoff", …; "unknown" for other numbers. */
CP_API const char *cp_priority_name(int32_t priority);
CP_API const char *cp_task_state_name(int32_t state);
CP_API const char *cp_reason_name(int32_t reason); /* "" for none */
CP_API const char *cp_agent_status_name(int32_t status);
CP_API const char *cp_health_name(int32_t health);
CP_API const char *cp_breaker_name(int32_t breaker);
CP_API const char *cp_log_level_name(int32_t level);

/* The layout of these never changes. */
typedef struct cp_label {
  const char *key;
  const char *value;
} cp_label;

#define CP_TASK_ID_BYTES 256
typedef struct cp_task_id {
  char text[CP_TASK_ID_BYTES]; /* NUL-terminated */
} cp_task_id;

/* Proof of one attempt, handed out by a claim. Opaque; may be sent to another process. */
typedef struct cp_lease {
  uint64_t nonce;
  uint64_t attempt; /* 0 = no lease */
} cp_lease;

/* Which attempt an operation is about. With a lease it is exact; with only the agent's id it is the
 * attempt that this coordinator handed out to it, which require_lease forbids. */
typedef struct cp_attempt {
  const char *task_id;
  cp_lease lease;
  const char *agent_id; /* NULL with a lease */
} cp_attempt;

/* What start, renew and progress answer. */
typedef struct cp_lease_status {
  int64_t lease_until_us; /* 0 = holds until the execution deadline */
  int64_t deadline_us;
  int32_t cancel_requested;
  int32_t reserved;
} cp_lease_status;

/* A share of a pool; see "Pools and permits". */
typedef struct cp_permit_need {
  const char *pool;
  uint64_t amount; /* of a number pool: how many numbers */
} cp_permit_need;

#define CP_UNLIMITED UINT64_MAX /* a capacity, or another bound */

/* What names a permit to those who end it. */
typedef struct cp_permit_ref {
  uint64_t fence; /* its number: higher than that of every earlier permit of the tenant */
  const char *owner;
} cp_permit_ref;

/* A text that the library made; also NUL-terminated. */
typedef struct cp_text {
  uint32_t struct_size;
  const char *data;
  size_t length;
} cp_text;
CP_API void cp_text_free(cp_text *text);

/* Which part of a list. */
typedef struct cp_page_request {
  uint32_t struct_size;
  const char *cursor; /* next_cursor of the page before; NULL = from the start */
  uint64_t max_items;
} cp_page_request;
#define CP_PAGE_REQUEST_INIT \
  { (uint32_t)sizeof(cp_page_request), NULL, 100 }
CP_API int32_t cp_page_request_init(cp_page_request *out, size_t struct_size);

/* ---- Keys ------------------------------------------------------------------------------------- */

#define CP_KEY_ACTIVE 0   /* what is new is encrypted with it; exactly one */
#define CP_KEY_PREVIOUS 1 /* what was encrypted with it is still decrypted */
#define CP_KEY_RETIRED 2  /* known by name only; its secret is not looked at */

typedef struct cp_secret_key {
  uint32_t struct_size;
  int32_t state;
  const char *id;     /* a name of at most 64 bytes, stored with what was encrypted */
  const void *secret; /* 32 to 1,024 bytes of any value */
  size_t secret_length;
} cp_secret_key;
#define CP_SECRET_KEY_INIT \
  { (uint32_t)sizeof(cp_secret_key), CP_KEY_ACTIVE, NULL, NULL, 0 }
CP_API int32_t cp_secret_key_init(cp_secret_key *out, size_t struct_size);

/* Points *keys and *count to all keys, at most 64, in memory of its own that stays as it is until the
 * call that asked returns: cp_coordinator_open or cp_coordinator_reload_keys, on their thread. Any
 * status but CP_OK is what they answer. */
typedef int32_t (*cp_key_callback)(const cp_secret_key **keys, size_t *count, void *user_data);

/* ---- Options ---------------------------------------------------------------------------------- */

typedef struct cp_log_record {
  uint32_t struct_size;
  int32_t level;
  int64_t time_us;
  const char *message;
  const cp_label *fields;
  size_t field_count;
  const char *correlation_id; /* the task's trace; "" = none */
} cp_log_record;
/* Called on the callback pool, one record at a time. */
typedef void (*cp_log_callback)(const cp_log_record *record, void *user_data);

/* How long ended tasks are kept: max_age, or less when there are more than max_count or max_bytes of
 * them, but each at least min_age. */
typedef struct cp_retention {
  uint32_t struct_size;
  uint64_t max_age_ms;
  uint64_t max_count;
  uint64_t max_bytes;
  uint64_t min_age_ms;
  uint64_t key_age_ms; /* idempotency keys, from submit */
} cp_retention;
#define CP_RETENTION_INIT \
  { (uint32_t)sizeof(cp_retention), 86400000, 100000, 268435456, 60000, 86400000 }
CP_API int32_t cp_retention_init(cp_retention *out, size_t struct_size);

/* Every bound, with its name; docs/configuration.md says what each is about. Beyond one, a call
 * answers CP_INVALID_ARGUMENT (one input) or CP_RESOURCE_EXHAUSTED (counts) and changes nothing. */
typedef struct cp_limits {
  uint32_t struct_size;
  uint64_t max_payload_bytes, max_result_bytes, max_metadata_bytes, max_checkpoint_bytes;
  uint64_t max_usage_bytes, max_metrics_bytes, max_error_bytes, max_note_bytes, max_text_bytes;
  uint64_t max_json_depth;
  uint64_t max_name_bytes; /* at most 255 here: CP_TASK_ID_BYTES */
  uint64_t max_labels, max_label_key_bytes, max_label_value_bytes;
  uint64_t max_capabilities, max_excluded_agents, max_parents, max_batch, max_page, max_retries;
  uint64_t max_delay_ms, max_retry_after_ms; /* whole hours */
  uint64_t max_tasks, max_agents, max_queues, max_offers, max_concurrency_keys;
  uint64_t max_idempotency_keys, max_dependents, max_task_types, max_policies;
  uint64_t max_events, max_event_bytes;
  uint64_t max_tenants, max_waiting_claims, max_waiting_results, max_subscriptions;
  uint64_t max_subscription_buffer, max_probes, max_callback_threads, max_queued_callbacks;
  uint64_t max_queued_log_records, max_worker_concurrency, explain_obstacles;
  uint64_t max_crashes, max_releases, max_rate_limited, advance_batch;
  uint64_t max_document_bytes, max_needs, max_weights, max_pool_numbers, max_amount;
  uint64_t max_documents, max_documents_bytes, max_pools, max_permits, max_permit_waiters;
  uint64_t max_log_entry_bytes, max_log_read_bytes, max_logs, max_log_entries, max_logs_bytes;
  uint64_t max_waiting_reads;
  uint64_t max_mailbox_messages, max_broadcast;
  uint64_t max_export_aside_bytes;
} cp_limits;
#define CP_LIMITS_INIT                                                                             \
  {                                                                                                \
    (uint32_t)sizeof(cp_limits), 1048576, 1048576, 16384, 65536, 4096, 4096, 4096, 1024, 1024, 64, \
        128, 16, 64, 256, 64, 64, 1000, 1024, 1000, 1000, 31622400000, 86400000, 16777216, 100000, \
        1024, 4096, 100000, 1000000, 10000, 4096, 4096, 100000, 67108864, 1024, 100000, 100000,    \
        1024, 65536, 10000, 16, 65536, 16384, 1024, 100, 3, 10, 100, 256, 1048576, 16, 256, 65536, \
        1000000000000000, 1000000, 1073741824, 10000, 1000000, 100000, 1048576, 1048576, 10000,    \
        16777216, 1073741824, 100000, 10000, 1000, 67108864                                        \
  }
CP_API int32_t cp_limits_init(cp_limits *out, size_t struct_size);

/* Of a coordinator; docs/configuration.md says more of each. */
typedef struct cp_options {
  uint32_t struct_size;
  int32_t log_level;              /* records below it are not made */
  const char *store_url;          /* where the state lives; this build has memory:// */
  const char *tenant_id;          /* all operations are scoped to it */
  const char *key_prefix;         /* of every key in a shared store */
  const char *coordinator_id;     /* for people: in logs; NULL = host:pid */
  uint64_t heartbeat_interval_ms; /* how often a worker reports */
  uint64_t heartbeat_timeout_ms;  /* silent this long = offline */
  uint64_t probe_interval_ms;
  uint64_t probe_timeout_ms;
  uint64_t task_timeout_ms;     /* one attempt; of tasks that name none */
  uint64_t cleanup_interval_ms; /* longest time between two cleanups */
  uint64_t offline_agent_retention_ms;
  uint64_t cancel_grace_ms;      /* from a cancel request to its enforcement */
  uint64_t lease_ttl_ms;         /* of a worker's claims */
  uint64_t ageing_interval_ms;   /* waiting this long gains one priority level; 0 = never */
  uint64_t operation_timeout_ms; /* repeating a call to a store that is away */
  uint64_t incarnation;          /* of agents registered here; 0 = random */
  int32_t max_task_retries;      /* of tasks that name none; 0 = never retry */
  int32_t strategy;              /* order of waiting claims; round robin = longest waiting first */
  int32_t require_lease;         /* 1: ends of attempts must name their lease */
  int32_t require_registration;  /* 1: only registered agents may claim */
  int32_t enable_metrics;        /* 0: the metrics are an empty text */
  int32_t fallback_to_memory;    /* 1: when a shared store cannot be reached at start */
  const cp_retention *retention; /* NULL = CP_RETENTION_INIT */
  const cp_limits *limits;       /* NULL = CP_LIMITS_INIT */
  cp_log_callback log_callback;  /* NULL = quiet */
  void *log_user_data;
  uint64_t event_retention_ms; /* events this old are trimmed; 0 = only by number and size */
  /* Encryption of payloads, results, checkpoints and documents in the store; docs/encryption.md. The
   * callback counts before the others; without any of the three nothing is encrypted. */
  const char *encryption_keys_file;     /* NULL = none */
  const char *encryption_keys_variable; /* of the environment, with the same text; NULL = none */
  cp_key_callback encryption_keys;      /* NULL = none */
  void *encryption_keys_user_data;
  int32_t require_encryption; /* 1: what was stored in the clear is not read */
  int32_t reserved;           /* 0 */
  /* Keys that sign messages, the first of these that is given: the JSON text that key files hold, such a
   * file, which is read again by cp_coordinator_reload_signing_keys(), or those of a cp_config. */
  const char *signing_keys;
  const char *signing_keys_file;
  const struct cp_config *config; /* set in the options of a cp_config */
  /* A message must come to the store within it from when it was signed. With keys at most half of
   * retention.min_age_ms, of these options and of who first opened the tenant. */
  uint64_t message_window_ms;
} cp_options;
#define CP_OPTIONS_INIT                                                                            \
  {                                                                                                \
    (uint32_t)sizeof(cp_options), CP_LOG_INFO, "memory://", "default", "aragora:cp:", NULL, 10000, \
        30000, 30000, 10000, 300000, 60000, 86400000, 30000, 30000, 0, 5000, 0, 3,                 \
        CP_STRATEGY_ROUND_ROBIN, 0, 0, 1, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0, \
        0, NULL, NULL, NULL, 30000                                                                 \
  }
CP_API int32_t cp_options_init(cp_options *out, size_t struct_size);

/* Options with the text they point to. `options` may be copied, changed and opened while it lives. */
typedef struct cp_config {
  uint32_t struct_size;
  const cp_options *options; /* with retention and limits; without callbacks */
} cp_config;
/* Reads the environment; docs/configuration.md has the variables. */
CP_API int32_t cp_config_from_environment(cp_config **out);
/* The environment variable that set an option such as "task_timeout", or "code or default". Lives as
 * long as `config`. */
CP_API int32_t cp_config_origin(const char **out, const cp_config *config, const char *option);
CP_API void cp_config_free(cp_config *config);

/* ---- Coordinator ------------------------------------------------------------------------------ */

/* The control plane of one tenant. Several may be open at once; they share nothing but the store, if
 * one was opened beside another. */
typedef struct cp_coordinator cp_coordinator;

/* NULL as options: CP_OPTIONS_INIT. */
CP_API int32_t cp_coordinator_open(cp_coordinator **out, const cp_options *options);
/* Another one on the store of `beside`, which lives as long as either: for another tenant, or as another
 * host of the same tenant. store_url does not count, and of a tenant that is in the store already nor
 * does what its tables go by: limits, retentions, timeouts. They may be closed in any order. */
CP_API int32_t cp_coordinator_open_beside(cp_coordinator **out, cp_coordinator *beside,
                                          const cp_options *options);
/* What is in effect. */
CP_API int32_t cp_coordinator_config(cp_config **out, cp_coordinator *coordinator);
/* Reads the encryption keys and the signing keys again, where they came from; what is stored and sent from
 * now on is encrypted and signed with those that are active then. On failure they stay as they were, each
 * kind for itself. CP_FAILED_PRECONDITION: there are none of either kind. */
CP_API int32_t cp_coordinator_reload_keys(cp_coordinator *coordinator);
/* Refuses new submits and claims, waits up to `deadline_ms` for attempts held by workers of this
 * coordinator, then ends everything: calls that wait answer CP_CANCELLED. CP_DEADLINE_EXCEEDED says how
 * many attempts were left. The handle still has to be closed. */
CP_API int32_t cp_coordinator_shutdown(cp_coordinator *coordinator, uint64_t deadline_ms);
/* The same for the signing keys only. */
CP_API int32_t cp_coordinator_reload_signing_keys(cp_coordinator *coordinator);
/* Shuts down at once if that was not done. Calls of other threads that wait in it answer CP_CANCELLED;
 * so do outstanding completions. A callback that is running gets 5 s to return; inside a callback it is
 * not waited for. */
CP_API int32_t cp_coordinator_close(cp_coordinator *coordinator);

/* ---- Completions ------------------------------------------------------------------------------ */
/*
 * cp_…_async(…, queue, user_data) starts an operation and returns. CP_OK: exactly one completion with
 * this user_data will be drained from the queue, whatever happens, with the status and the error text
 * that the other form would have answered; any other status: none will. The descriptor is readable
 * while the queue holds completions: give it to poll, epoll, libuv, GLib, asyncio, and drain when it is.
 * Closing a coordinator completes what it still owes with CP_CANCELLED; its queue can still be drained.
 */
typedef struct cp_queue cp_queue;

typedef struct cp_queue_options {
  uint32_t struct_size;
  uint64_t max_outstanding; /* calls whose completion was not drained; then CP_RESOURCE_EXHAUSTED */
} cp_queue_options;
#define CP_QUEUE_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_queue_options), 65536 }
CP_API int32_t cp_queue_options_init(cp_queue_options *out, size_t struct_size);

typedef struct cp_completion cp_completion;

/* NULL as options: CP_QUEUE_OPTIONS_INIT. One queue may serve several coordinators. */
CP_API int32_t cp_queue_open(cp_queue **out, const cp_queue_options *options);
/* Owned by the queue: neither read nor close it. */
CP_API int32_t cp_queue_completion_fd(int32_t *out, cp_queue *queue);
/* Takes up to `capacity` completions, oldest first, and never waits. *out is how many; less than
 * `capacity` says that the queue was emptied. Each of them is then yours to free. */
CP_API int32_t cp_queue_drain(size_t *out, cp_queue *queue, cp_completion **items, size_t capacity);
/* Refuses new calls and completes everything outstanding with CP_CANCELLED, now. Operations under way go
 * on: what they answer is dropped, except that tasks they claim and what they acquire is released. */
CP_API int32_t cp_queue_cancel(cp_queue *queue);
/* Cancels, and drops what was not drained; tasks that it claimed, permits and leases are released. */
CP_API int32_t cp_queue_close(cp_queue *queue);
CP_API void cp_completion_free(cp_completion *completion);

/* ---- Agents ----------------------------------------------------------------------------------- */

typedef struct cp_agent_spec {
  uint32_t struct_size;
  int32_t status;                  /* reported: starting, ready, busy or draining */
  const char *agent_id;            /* required */
  const char *const *capabilities; /* for discovery, selection and claims that name none */
  size_t capability_count;
  const char *model;
  const char *provider;
  const char *endpoint;
  const char *metadata; /* JSON */
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  uint64_t max_concurrency; /* slots; 0 = unlimited */
  uint64_t incarnation;     /* 0 = this coordinator's */
} cp_agent_spec;
#define CP_AGENT_SPEC_INIT                                                                     \
  {                                                                                            \
    (uint32_t)sizeof(cp_agent_spec), CP_AGENT_READY, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0, \
        NULL, 0, 1, 0                                                                          \
  }
CP_API int32_t cp_agent_spec_init(cp_agent_spec *out, size_t struct_size);

typedef struct cp_heartbeat_report {
  uint32_t struct_size;
  int32_t status; /* CP_UNSET, starting, ready, busy or draining */
  int32_t health; /* CP_UNSET, healthy, degraded or unhealthy */
  int32_t reserved;
  const char *metrics; /* JSON */
  size_t metrics_length;
  uint64_t incarnation; /* 0 = the current one */
} cp_heartbeat_report;
#define CP_HEARTBEAT_REPORT_INIT \
  { (uint32_t)sizeof(cp_heartbeat_report), CP_UNSET, CP_UNSET, 0, NULL, 0, 0 }
CP_API int32_t cp_heartbeat_report_init(cp_heartbeat_report *out, size_t struct_size);

typedef struct cp_agent_filter {
  uint32_t struct_size;
  int32_t status;                  /* as shown; CP_UNSET = any */
  const char *const *capabilities; /* all of them */
  size_t capability_count;
  const char *label_key; /* NULL = any */
  const char *label_value;
  int64_t seen_before_us; /* silent since; 0 = any */
  int32_t available_only; /* 1: only those that cp_agent_select would consider */
  int32_t reserved;
} cp_agent_filter;
#define CP_AGENT_FILTER_INIT \
  { (uint32_t)sizeof(cp_agent_filter), CP_UNSET, NULL, 0, NULL, NULL, 0, 0, 0 }
CP_API int32_t cp_agent_filter_init(cp_agent_filter *out, size_t struct_size);

typedef struct cp_select_request {
  uint32_t struct_size;
  int32_t strategy;
  const char *const *capabilities;
  size_t capability_count;
  const char *const *exclude; /* agents */
  size_t exclude_count;
} cp_select_request;
#define CP_SELECT_REQUEST_INIT \
  { (uint32_t)sizeof(cp_select_request), CP_STRATEGY_LEAST_LOADED, NULL, 0, NULL, 0 }
CP_API int32_t cp_select_request_init(cp_select_request *out, size_t struct_size);

typedef struct cp_agent {
  uint32_t struct_size;
  int32_t status; /* as shown */
  int32_t reported_status;
  int32_t health;
  int32_t breaker;
  int32_t available; /* cp_agent_select would consider it */
  const char *agent_id;
  const char *const *capabilities; /* sorted */
  size_t capability_count;
  const char *model;
  const char *provider;
  const char *endpoint;
  const char *metadata;
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  uint64_t max_concurrency;
  uint64_t incarnation;
  const char *registered_by; /* "host:pid" */
  int64_t registered_at_us;
  int64_t last_seen_us;
  int64_t last_assigned_us;
  uint64_t running; /* leases now */
  uint64_t tasks_completed;
  uint64_t tasks_failed;
  uint64_t tasks_crashed;
  double avg_latency_ms; /* of completed tasks; exponentially weighted, 1/8 */
  const char *metrics;
  size_t metrics_length;
} cp_agent;
CP_API void cp_agent_free(cp_agent *agent);

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_agent_page {
  uint32_t struct_size;
  const cp_agent *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_agent_page;
CP_API void cp_agent_page_free(cp_agent_page *page);

/* Adds the agent or replaces what is known of it. */
CP_API int32_t cp_agent_register(cp_coordinator *coordinator, const cp_agent_spec *spec);
CP_API int32_t cp_agent_register_async(cp_coordinator *coordinator, const cp_agent_spec *spec,
                                       cp_queue *queue, void *user_data);
/* Its leases are released. `incarnation` 0 = the current one. */
CP_API int32_t cp_agent_unregister(cp_coordinator *coordinator, const char *agent_id,
                                   uint64_t incarnation);
CP_API int32_t cp_agent_unregister_async(cp_coordinator *coordinator, const char *agent_id,
                                         uint64_t incarnation, cp_queue *queue, void *user_data);
/* Any call of an agent counts as one. NULL as report: CP_HEARTBEAT_REPORT_INIT. */
CP_API int32_t cp_agent_heartbeat(cp_coordinator *coordinator, const char *agent_id,
                                  const cp_heartbeat_report *report);
CP_API int32_t cp_agent_heartbeat_async(cp_coordinator *coordinator, const char *agent_id,
                                        const cp_heartbeat_report *report, cp_queue *queue,
                                        void *user_data);
CP_API int32_t cp_agent_get(cp_agent **out, cp_coordinator *coordinator, const char *agent_id);
CP_API int32_t cp_agent_get_async(cp_coordinator *coordinator, const char *agent_id,
                                  cp_queue *queue, void *user_data);
/* In the order of first registration. NULL as filter or page: their INIT. */
CP_API int32_t cp_agent_list(cp_agent_page **out, cp_coordinator *coordinator,
                             const cp_agent_filter *filter, const cp_page_request *page);
CP_API int32_t cp_agent_list_async(cp_coordinator *coordinator, const cp_agent_filter *filter,
                                   const cp_page_request *page, cp_queue *queue, void *user_data);
/* Picks among healthy, available agents. CP_NOT_FOUND if there is none. NULL as request: its INIT. */
CP_API int32_t cp_agent_select(cp_agent **out, cp_coordinator *coordinator,
                               const cp_select_request *request);
CP_API int32_t cp_agent_select_async(cp_coordinator *coordinator, const cp_select_request *request,
                                     cp_queue *queue, void *user_data);
/* Releases all leases of the agent; *out is how many. */
CP_API int32_t cp_agent_reassign_tasks(uint64_t *out, cp_coordinator *coordinator,
                                       const char *agent_id);
CP_API int32_t cp_agent_reassign_tasks_async(cp_coordinator *coordinator, const char *agent_id,
                                             cp_queue *queue, void *user_data);

/* ---- Tasks: into the queue -------------------------------------------------------------------- */

typedef struct cp_task_spec {
  uint32_t struct_size;
  int32_t priority;
  const char *task_type; /* required */
  const char *payload;   /* JSON; NULL = null */
  size_t payload_length;
  const char *const *required_capabilities; /* all of them must be offered */
  size_t required_capability_count;
  uint64_t timeout_ms;         /* one attempt; CP_UNSET_MS = task_timeout of the options */
  uint64_t queue_timeout_ms;   /* ready to claimed, anew each time; 0 = unlimited */
  uint64_t total_timeout_ms;   /* from submit; 0 = unlimited */
  uint64_t delay_ms;           /* not ready before; 0 = at once */
  uint64_t retry_delay_ms;     /* before the first retry; half of each delay is random */
  uint64_t retry_max_delay_ms; /* upper bound of any delay */
  double retry_backoff;        /* multiplier per failure, at least 1 */
  int32_t max_retries; /* failures beyond the first attempt; CP_UNSET = as the options say */
  int32_t allow_failed_parents; /* 1: a parent's failure also unblocks */
  const char *task_id;          /* the caller's own id, also its key; NULL = made */
  const char *idempotency_key;  /* NULL = none */
  const char *agent_id;         /* directed: only this agent may claim; NULL = all */
  const char *const *exclude;   /* agents that must not claim it */
  size_t exclude_count;
  const char *const *depends_on; /* tasks that must exist; blocked until all are completed */
  size_t depends_on_count;
  const char *concurrency_key; /* NULL = none */
  uint64_t concurrency_limit;  /* leases of the key at once; at least 1 with a key */
  const char *metadata;        /* JSON */
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  const char *trace;           /* correlation id; carried into events and logs */
  const cp_permit_need *needs; /* a claim takes them too, all or none; they end with the attempt */
  size_t need_count;
} cp_task_spec;
#define CP_TASK_SPEC_INIT                                                                          \
  {                                                                                                \
    (uint32_t)sizeof(cp_task_spec), CP_PRIORITY_NORMAL, NULL, NULL, 0, NULL, 0, CP_UNSET_MS, 0, 0, \
        0, 10000, 300000, 2.0, CP_UNSET, 0, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0,  \
        NULL, 0, NULL, NULL, 0                                                                     \
  }
CP_API int32_t cp_task_spec_init(cp_task_spec *out, size_t struct_size);

/* One answer of a batch, in the order of its items. */
typedef struct cp_answer {
  uint32_t struct_size;
  int32_t status;
  int32_t outcome_unknown;
  const char *error;            /* "" if CP_OK */
  const char *task_id;          /* of a submit; else "" */
  const cp_lease_status *lease; /* of a renewal; else NULL */
} cp_answer;
typedef struct cp_answers {
  uint32_t struct_size;
  const cp_answer *const *items;
  size_t count;
} cp_answers;
CP_API void cp_answers_free(cp_answers *answers);

/* Answers when the store holds the task; *out may be NULL. The same idempotency key (or own task id)
 * with the same content answers the first task's id, with other content CP_ALREADY_EXISTS. */
CP_API int32_t cp_task_submit(cp_task_id *out, cp_coordinator *coordinator,
                              const cp_task_spec *spec);
CP_API int32_t cp_task_submit_async(cp_coordinator *coordinator, const cp_task_spec *spec,
                                    cp_queue *queue, void *user_data);
/* Items fail one by one; the call fails only as a whole. */
CP_API int32_t cp_task_submit_many(cp_answers **out, cp_coordinator *coordinator,
                                   const cp_task_spec *specs, size_t count);
CP_API int32_t cp_task_submit_many_async(cp_coordinator *coordinator, const cp_task_spec *specs,
                                         size_t count, cp_queue *queue, void *user_data);

/* ---- Tasks: claim, work, end ------------------------------------------------------------------ */

typedef struct cp_claim_request {
  uint32_t struct_size;
  uint32_t max_tasks;              /* of cp_task_claim_many; at least 1 */
  const char *agent_id;            /* required */
  const char *const *capabilities; /* offered; none = those registered */
  size_t capability_count;
  uint64_t wait_ms;      /* for a task; 0 = do not wait */
  uint64_t lease_ttl_ms; /* renewed within it, or it is a crash; 0 = never renewed */
  const char *claim_id;  /* the same id answers the same tasks; NULL = made */
  uint64_t incarnation;  /* 0 = the agent's current one */
} cp_claim_request;
#define CP_CLAIM_REQUEST_INIT \
  { (uint32_t)sizeof(cp_claim_request), 1, NULL, NULL, 0, 0, 0, NULL, 0 }
CP_API int32_t cp_claim_request_init(cp_claim_request *out, size_t struct_size);

/* What the holder of a lease gets. */
typedef struct cp_claimed_task {
  uint32_t struct_size;
  int32_t priority;
  cp_attempt attempt; /* hand it to the operations below; lives as long as this struct */
  const char *task_id;
  const char *task_type;
  const char *payload; /* JSON; empty = null, so for all JSON below */
  size_t payload_length;
  uint64_t attempt_number; /* 1 = first */
  int64_t claimed_at_us;
  int64_t deadline_us;    /* execution timeout of this attempt */
  int64_t lease_until_us; /* renew before; 0 = the lease holds until the deadline */
  const char *checkpoint; /* last progress data of an earlier attempt */
  size_t checkpoint_length;
  const char *metadata;
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  const char *trace;
  const cp_permit_need *needs; /* held with the lease */
  size_t need_count;
} cp_claimed_task;
CP_API void cp_claimed_task_free(cp_claimed_task *task);

typedef struct cp_claimed_tasks {
  uint32_t struct_size;
  const cp_claimed_task *const *items;
  size_t count;
} cp_claimed_tasks;
CP_API void cp_claimed_tasks_free(cp_claimed_tasks *tasks);

typedef struct cp_progress_request {
  uint32_t struct_size;
  cp_attempt attempt;
  double fraction; /* 0 … 1 */
  const char *note;
  const char *data; /* JSON: checkpoint for the next attempt; NULL = keep the last */
  size_t data_length;
} cp_progress_request;
#define CP_PROGRESS_REQUEST_INIT \
  { (uint32_t)sizeof(cp_progress_request), {NULL, {0, 0}, NULL}, 0, NULL, NULL, 0 }
CP_API int32_t cp_progress_request_init(cp_progress_request *out, size_t struct_size);

typedef struct cp_complete_request {
  uint32_t struct_size;
  cp_attempt attempt;
  const char *result; /* JSON; NULL = null */
  size_t result_length;
  const char *usage; /* JSON: what the attempt consumed; of a pool it needs, under that name */
  size_t usage_length;
} cp_complete_request;
#define CP_COMPLETE_REQUEST_INIT \
  { (uint32_t)sizeof(cp_complete_request), {NULL, {0, 0}, NULL}, NULL, 0, NULL, 0 }
CP_API int32_t cp_complete_request_init(cp_complete_request *out, size_t struct_size);

typedef struct cp_fail_request {
  uint32_t struct_size;
  int32_t kind;
  cp_attempt attempt;
  const char *error;       /* for people */
  uint64_t retry_after_ms; /* at least this long; 0 = by the task's policy */
  const char *usage;
  size_t usage_length;
} cp_fail_request;
#define CP_FAIL_REQUEST_INIT \
  { (uint32_t)sizeof(cp_fail_request), CP_FAIL_RETRYABLE, {NULL, {0, 0}, NULL}, NULL, 0, NULL, 0 }
CP_API int32_t cp_fail_request_init(cp_fail_request *out, size_t struct_size);

/* Takes the best task that the agent may have, waiting up to wait_ms. None: CP_OK and *out = NULL. */
CP_API int32_t cp_task_claim(cp_claimed_task **out, cp_coordinator *coordinator,
                             const cp_claim_request *request);
CP_API int32_t cp_task_claim_async(cp_coordinator *coordinator, const cp_claim_request *request,
                                   cp_queue *queue, void *user_data);
/* Up to max_tasks; waits only while there is none at all. None: CP_OK and a count of 0. */
CP_API int32_t cp_task_claim_many(cp_claimed_tasks **out, cp_coordinator *coordinator,
                                  const cp_claim_request *request);
CP_API int32_t cp_task_claim_many_async(cp_coordinator *coordinator,
                                        const cp_claim_request *request, cp_queue *queue,
                                        void *user_data);
/* claimed → running. Here and below *out may be NULL. */
CP_API int32_t cp_task_start(cp_lease_status *out, cp_coordinator *coordinator,
                             const cp_attempt *attempt);
CP_API int32_t cp_task_start_async(cp_coordinator *coordinator, const cp_attempt *attempt,
                                   cp_queue *queue, void *user_data);
CP_API int32_t cp_task_renew(cp_lease_status *out, cp_coordinator *coordinator,
                             const cp_attempt *attempt);
CP_API int32_t cp_task_renew_async(cp_coordinator *coordinator, const cp_attempt *attempt,
                                   cp_queue *queue, void *user_data);
CP_API int32_t cp_task_renew_many(cp_answers **out, cp_coordinator *coordinator,
                                  const cp_attempt *attempts, size_t count);
CP_API int32_t cp_task_renew_many_async(cp_coordinator *coordinator, const cp_attempt *attempts,
                                        size_t count, cp_queue *queue, void *user_data);
/* Stored, seen by everyone, renews. */
CP_API int32_t cp_task_progress(cp_lease_status *out, cp_coordinator *coordinator,
                                const cp_progress_request *request);
CP_API int32_t cp_task_progress_async(cp_coordinator *coordinator,
                                      const cp_progress_request *request, cp_queue *queue,
                                      void *user_data);
/* Exactly one end of an attempt is accepted. Repeating the accepted one is CP_OK, any other is
 * CP_CONFLICT. */
CP_API int32_t cp_task_complete(cp_coordinator *coordinator, const cp_complete_request *request);
CP_API int32_t cp_task_complete_async(cp_coordinator *coordinator,
                                      const cp_complete_request *request, cp_queue *queue,
                                      void *user_data);
CP_API int32_t cp_task_complete_many(cp_answers **out, cp_coordinator *coordinator,
                                     const cp_complete_request *requests, size_t count);
CP_API int32_t cp_task_complete_many_async(cp_coordinator *coordinator,
                                           const cp_complete_request *requests, size_t count,
                                           cp_queue *queue, void *user_data);
CP_API int32_t cp_task_fail(cp_coordinator *coordinator, const cp_fail_request *request);
CP_API int32_t cp_task_fail_async(cp_coordinator *coordinator, const cp_fail_request *request,
                                  cp_queue *queue, void *user_data);
CP_API int32_t cp_task_fail_many(cp_answers **out, cp_coordinator *coordinator,
                                 const cp_fail_request *requests, size_t count);
CP_API int32_t cp_task_fail_many_async(cp_coordinator *coordinator, const cp_fail_request *requests,
                                       size_t count, cp_queue *queue, void *user_data);
/* Back to pending; nothing is counted. */
CP_API int32_t cp_task_release(cp_coordinator *coordinator, const cp_attempt *attempt);
CP_API int32_t cp_task_release_async(cp_coordinator *coordinator, const cp_attempt *attempt,
                                     cp_queue *queue, void *user_data);

/* ---- Tasks: look and steer -------------------------------------------------------------------- */

/* A snapshot of one task. */
typedef struct cp_task {
  uint32_t struct_size;
  int32_t priority;
  int32_t state;
  int32_t reason;
  const char *task_id;
  const char *task_type;
  const char *payload;
  size_t payload_length;
  const char *const *required_capabilities;
  size_t required_capability_count;
  uint64_t attempt;  /* attempts begun so far */
  uint64_t failures; /* counted failures */
  uint64_t crashes;
  uint64_t max_retries;
  const char *agent_id;    /* holder of the current or the last attempt */
  const char *directed_to; /* "" = all */
  int64_t submitted_at_us;
  int64_t ready_at_us;   /* when it became ready, or when a delay or backoff ends */
  int64_t claimed_at_us; /* of the last attempt */
  int64_t started_at_us; /* of the last attempt */
  int64_t finished_at_us;
  double progress; /* 0 … 1, of the last attempt that reported any */
  const char *progress_note;
  const char *checkpoint;
  size_t checkpoint_length;
  const char *result; /* completed only */
  size_t result_length;
  const char *error; /* last failure */
  const char *usage;
  size_t usage_length;
  uint64_t blocked_by; /* parents still awaited */
  const char *concurrency_key;
  const char *const *depends_on;
  size_t depends_on_count;
  const char *idempotency_key;
  const char *metadata;
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  const char *trace;
  const char *replayed_from; /* "" = it is no replay */
  int32_t cancel_requested;
  int32_t reserved;
  const cp_permit_need *needs;
  size_t need_count;
  const char *unreadable; /* in a page: why payload, checkpoint or result could not be decrypted, which
                             are "" then; "" = all is there */
  const char *const *exclude; /* agents that may not claim it */
  size_t exclude_count;
} cp_task;
CP_API void cp_task_free(cp_task *task);

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_task_page {
  uint32_t struct_size;
  const cp_task *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_task_page;
CP_API void cp_task_page_free(cp_task_page *page);

typedef struct cp_task_filter {
  uint32_t struct_size;
  int32_t dead_letters;  /* 1: failed and timeout only */
  int32_t state;         /* CP_UNSET = any */
  int32_t reason;        /* CP_UNSET = any */
  const char *task_type; /* NULL = any, so for all below */
  const char *agent_id;  /* holder now or last */
  const char *required_capability;
  const char *label_key;
  const char *label_value;     /* with a key: NULL = any value */
  int64_t submitted_before_us; /* 0 = any */
  int64_t submitted_after_us;  /* 0 = any */
} cp_task_filter;
#define CP_TASK_FILTER_INIT \
  { (uint32_t)sizeof(cp_task_filter), 0, CP_UNSET, CP_UNSET, NULL, NULL, NULL, NULL, NULL, 0, 0 }
CP_API int32_t cp_task_filter_init(cp_task_filter *out, size_t struct_size);

#define CP_OBSTACLE_NO_AGENT_OFFERS 0 /* subject: a capability that no registered agent offers */
#define CP_OBSTACLE_AGENT_OFFLINE 1
#define CP_OBSTACLE_AGENT_DRAINING 2
#define CP_OBSTACLE_AGENT_FAILED 3
#define CP_OBSTACLE_AGENT_BREAKER_OPEN 4
#define CP_OBSTACLE_AGENT_FULL 5
#define CP_OBSTACLE_AGENT_EXCLUDED 6
#define CP_OBSTACLE_AGENT_NOT_REGISTERED 7
#define CP_OBSTACLE_BLOCKED_BY 8 /* subject: a parent task */
#define CP_OBSTACLE_DELAYED 9
#define CP_OBSTACLE_BACKING_OFF 10
#define CP_OBSTACLE_CONCURRENCY_KEY_FULL 11 /* subject: the key */
#define CP_OBSTACLE_HELD 12                 /* subject: the agent that holds it */
#define CP_OBSTACLE_ENDED 13                /* subject: the state */
#define CP_OBSTACLE_WAITING_FOR_CLAIM 14    /* subject: an agent that could take it */
#define CP_OBSTACLE_POOL_SHORT 15           /* subject: a pool that has too little, or a line */

typedef struct cp_obstacle {
  uint32_t struct_size;
  int32_t kind;
  const char *subject;
  int64_t since_us;
  int64_t until_us; /* 0 = not known */
} cp_obstacle;

/* Why a task is not running. */
typedef struct cp_explanation {
  uint32_t struct_size;
  int32_t state;
  int32_t reason;
  int32_t reserved;
  const char *task_id;
  const char *text; /* "pending: needs {code, gpu}; 2 agents offer it: a-7 …" */
  const char *const *required_capabilities;
  size_t required_capability_count;
  uint64_t agents_offering;
  const cp_obstacle *const *obstacles;
  size_t obstacle_count;
  int64_t now_us;
} cp_explanation;
CP_API void cp_explanation_free(cp_explanation *explanation);

typedef struct cp_replay_options {
  uint32_t struct_size;
  int32_t with_dependents;  /* 1: also those that failed because of it */
  const char *operation_id; /* the same id answers the same new task; NULL = made */
} cp_replay_options;
#define CP_REPLAY_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_replay_options), 0, NULL }
CP_API int32_t cp_replay_options_init(cp_replay_options *out, size_t struct_size);

/* Pending: cancelled. Held: its holder is asked and has cancel_grace_ms; force = 1: at once. *out, which
 * may be NULL, is the state after it. */
CP_API int32_t cp_task_cancel(int32_t *out, cp_coordinator *coordinator, const char *task_id,
                              int32_t force);
CP_API int32_t cp_task_cancel_async(cp_coordinator *coordinator, const char *task_id, int32_t force,
                                    cp_queue *queue, void *user_data);
/* Pending only: directs the task to one agent, or with NULL to all again. */
CP_API int32_t cp_task_assign(cp_coordinator *coordinator, const char *task_id,
                              const char *agent_id);
CP_API int32_t cp_task_assign_async(cp_coordinator *coordinator, const char *task_id,
                                    const char *agent_id, cp_queue *queue, void *user_data);
CP_API int32_t cp_task_get(cp_task **out, cp_coordinator *coordinator, const char *task_id);
CP_API int32_t cp_task_get_async(cp_coordinator *coordinator, const char *task_id, cp_queue *queue,
                                 void *user_data);
/* Its state only. */
CP_API int32_t cp_task_status(int32_t *out, cp_coordinator *coordinator, const char *task_id);
CP_API int32_t cp_task_status_async(cp_coordinator *coordinator, const char *task_id,
                                    cp_queue *queue, void *user_data);
/* In the order of submission. NULL as filter or page: their INIT. */
CP_API int32_t cp_task_list(cp_task_page **out, cp_coordinator *coordinator,
                            const cp_task_filter *filter, const cp_page_request *page);
CP_API int32_t cp_task_list_async(cp_coordinator *coordinator, const cp_task_filter *filter,
                                  const cp_page_request *page, cp_queue *queue, void *user_data);
/* The task in whatever final state. CP_DEADLINE_EXCEEDED when `timeout_ms` ended first. */
CP_API int32_t cp_task_wait(cp_task **out, cp_coordinator *coordinator, const char *task_id,
                            uint64_t timeout_ms);
CP_API int32_t cp_task_wait_async(cp_coordinator *coordinator, const char *task_id,
                                  uint64_t timeout_ms, cp_queue *queue, void *user_data);
CP_API int32_t cp_task_explain(cp_explanation **out, cp_coordinator *coordinator,
                               const char *task_id);
CP_API int32_t cp_task_explain_async(cp_coordinator *coordinator, const char *task_id,
                                     cp_queue *queue, void *user_data);
/* failed and timeout tasks, until retention removes them. */
CP_API int32_t cp_dead_letter_list(cp_task_page **out, cp_coordinator *coordinator,
                                   const cp_page_request *page);
CP_API int32_t cp_dead_letter_list_async(cp_coordinator *coordinator, const cp_page_request *page,
                                         cp_queue *queue, void *user_data);
/* A new task with the same content; *out may be NULL. NULL as options: their INIT. */
CP_API int32_t cp_dead_letter_replay(cp_task_id *out, cp_coordinator *coordinator,
                                     const char *task_id, const cp_replay_options *options);
CP_API int32_t cp_dead_letter_replay_async(cp_coordinator *coordinator, const char *task_id,
                                           const cp_replay_options *options, cp_queue *queue,
                                           void *user_data);
/* The order of this coordinator's waiting claims. */
CP_API int32_t cp_coordinator_set_strategy(cp_coordinator *coordinator, int32_t strategy);

/* ---- Health ----------------------------------------------------------------------------------- */

/* 1 = healthy. Called on the callback pool, never twice at once. */
typedef int32_t (*cp_probe_callback)(void *user_data);

/* One way to ask whether something works: exactly one of callback, http_url and tcp_address. */
typedef struct cp_probe_spec {
  uint32_t struct_size;
  uint32_t failure_threshold; /* failures in a row: unhealthy, status failed */
  const char *name;           /* required; unique in this coordinator */
  const char *agent_id;       /* whose health it tells; NULL = of the system only */
  const char *http_url;       /* "http://host:port/path": GET answers 2xx in time */
  const char *tcp_address;    /* "host:port": a connection is accepted in time */
  uint64_t interval_ms;       /* 0 = probe_interval_ms of the options */
  uint64_t timeout_ms;        /* 0 = probe_timeout_ms of the options */
  uint64_t success_threshold; /* successes in a row: back */
  cp_probe_callback callback;
  void *user_data;
} cp_probe_spec;
#define CP_PROBE_SPEC_INIT \
  { (uint32_t)sizeof(cp_probe_spec), 3, NULL, NULL, NULL, NULL, 0, 0, 2, NULL, NULL }
CP_API int32_t cp_probe_spec_init(cp_probe_spec *out, size_t struct_size);

typedef struct cp_agent_health {
  uint32_t struct_size;
  int32_t status; /* worst of heartbeat age, report, probes and breaker */
  int32_t agent_status;
  int32_t reported;
  int32_t probe; /* unknown = no probe */
  int32_t breaker;
  int32_t available;
  int32_t reserved;
  const char *agent_id;
  int64_t breaker_until_us; /* when open: end of the cooldown */
  int64_t last_check_us;
  int64_t last_seen_us;
  uint64_t consecutive_failures;
  const char *probe_error; /* of the last failed probe */
  uint64_t age_ms;         /* of this copy, at most 1,000 */
} cp_agent_health;
CP_API void cp_agent_health_free(cp_agent_health *health);

typedef struct cp_probe_health {
  uint32_t struct_size;
  int32_t status; /* unknown = not run yet */
  const char *name;
  const char *agent_id;
  uint64_t consecutive_failures;
  uint64_t consecutive_successes;
  int64_t last_check_us;
  const char *error; /* of the last failure */
} cp_probe_health;

typedef struct cp_system_health {
  uint32_t struct_size;
  int32_t status; /* a quarter of the agents unhealthy: unhealthy; anything not healthy: degraded */
  const cp_probe_health *const *probes; /* of this coordinator */
  size_t probe_count;
  const cp_agent_health *const *agents; /* at most max_page */
  size_t agent_count;
  uint64_t healthy_count;
  uint64_t degraded_count;
  uint64_t unhealthy_count;
} cp_system_health;
CP_API void cp_system_health_free(cp_system_health *health);

/* Runs first at once, then every interval. */
CP_API int32_t cp_probe_register(cp_coordinator *coordinator, const cp_probe_spec *spec);
/* Afterwards its callback does not run any more; inside that callback: does not begin again. */
CP_API int32_t cp_probe_unregister(cp_coordinator *coordinator, const char *name);
/* A fresh look at everything. */
CP_API int32_t cp_health_check(cp_system_health **out, cp_coordinator *coordinator);
CP_API int32_t cp_health_check_async(cp_coordinator *coordinator, cp_queue *queue, void *user_data);
/* These three never wait: they answer from a copy at most 1 s old. */
CP_API int32_t cp_health_status(int32_t *out, cp_coordinator *coordinator);
CP_API int32_t cp_agent_health_get(cp_agent_health **out, cp_coordinator *coordinator,
                                   const char *agent_id);
CP_API int32_t cp_agent_available(int32_t *out, cp_coordinator *coordinator, const char *agent_id);

/* ---- Events ----------------------------------------------------------------------------------- */

/* Ends with cp_subscription_close(): afterwards its callback does not run any more; inside that
 * callback: does not begin again. It may outlive its coordinator. */
typedef struct cp_subscription cp_subscription;
CP_API int32_t cp_subscription_close(cp_subscription *subscription);

/* docs/events.md lists the types and their data. */
typedef struct cp_event {
  uint32_t struct_size;
  uint64_t seq; /* gapless per tenant, from 1 */
  int64_t time_us;
  const char *tenant;
  const char *type;    /* "task.submitted", "agent.offline", … */
  const char *subject; /* the task's or the agent's id */
  const cp_label *labels;
  size_t label_count;
  const char *data; /* a JSON object */
  size_t data_length;
  const char *trace;
} cp_event;

typedef struct cp_event_batch {
  uint32_t struct_size;
  const cp_event *const *items;
  size_t count;
  uint64_t missed;   /* of this subscription, before these */
  uint64_t last_seq; /* resume after this */
} cp_event_batch;
CP_API void cp_event_batch_free(
    cp_event_batch *batch); /* those you read, not those of a callback */

typedef struct cp_event_filter {
  uint32_t struct_size;
  const char *const *types; /* exact, or a prefix that ends in ".*"; none = all */
  size_t type_count;
  const char *const *exclude_types;
  size_t exclude_type_count;
  const char *subject; /* NULL = any */
  const char *label_key;
  const char *label_value;
} cp_event_filter;
#define CP_EVENT_FILTER_INIT \
  { (uint32_t)sizeof(cp_event_filter), NULL, 0, NULL, 0, NULL, NULL, NULL }
CP_API int32_t cp_event_filter_init(cp_event_filter *out, size_t struct_size);

typedef struct cp_subscribe_options {
  uint32_t struct_size;
  int32_t from_start;            /* 1 and after = 0: all history that is still there */
  uint64_t after;                /* above 0: resume after this number */
  uint64_t buffer;               /* undelivered events kept; then the oldest are missed */
  const cp_event_filter *filter; /* NULL = all events */
} cp_subscribe_options;
#define CP_SUBSCRIBE_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_subscribe_options), 0, 0, 1024, NULL }
CP_API int32_t cp_subscribe_options_init(cp_subscribe_options *out, size_t struct_size);

/* One batch at a time, in order, on the callback pool. */
typedef void (*cp_event_callback)(const cp_event_batch *batch, void *user_data);

/* A failed attempt, or a task that ended failed or timed out without one (attempt 0). */
typedef struct cp_task_failure {
  uint32_t struct_size;
  int32_t will_retry;
  const char *task_id;
  uint64_t attempt;
  const char *agent_id;
  const char *error;
} cp_task_failure;
typedef void (*cp_task_failure_callback)(const cp_task_failure *failure, void *user_data);
typedef void (*cp_agent_unhealthy_callback)(const char *agent_id, void *user_data);

/* NULL as options: CP_SUBSCRIBE_OPTIONS_INIT, all events from now on. The callback may run before this
 * call returns. */
CP_API int32_t cp_event_subscribe(cp_subscription **out, cp_coordinator *coordinator,
                                  const cp_subscribe_options *options, cp_event_callback callback,
                                  void *user_data);
/* Polling: up to `max_items` events after number `after`; never waits for new ones. CP_DATA_LOSS names
 * the first number still there. NULL as filter: all. */
CP_API int32_t cp_event_read(cp_event_batch **out, cp_coordinator *coordinator, uint64_t after,
                             uint64_t max_items, const cp_event_filter *filter);
CP_API int32_t cp_event_read_async(cp_coordinator *coordinator, uint64_t after, uint64_t max_items,
                                   const cp_event_filter *filter, cp_queue *queue, void *user_data);
/* Every failed attempt, after it is durable. */
CP_API int32_t cp_task_failure_subscribe(cp_subscription **out, cp_coordinator *coordinator,
                                         cp_task_failure_callback callback, void *user_data);
/* Every transition of an agent to unhealthy or offline. */
CP_API int32_t cp_agent_unhealthy_subscribe(cp_subscription **out, cp_coordinator *coordinator,
                                            cp_agent_unhealthy_callback callback, void *user_data);

/* ---- Shared state ----------------------------------------------------------------------------- */

/* A versioned JSON document under a key, for agents that know and change the same things. Of another
 * tenant it is CP_NOT_FOUND. Keys and prefixes are names; a value is at most max_document_bytes. */
typedef struct cp_document {
  uint32_t struct_size;
  const char *key;
  const char *value; /* JSON */
  size_t value_length;
  uint64_t version; /* grows with every change of the key; never used twice for it */
  int64_t created_at_us;
  int64_t updated_at_us;
  int64_t expires_at_us; /* 0 = never */
  const char *unreadable; /* in a page: why the value could not be decrypted, which is "" then; "" = it
                             is there */
} cp_document;
CP_API void cp_document_free(cp_document *document);

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_document_page {
  uint32_t struct_size;
  const cp_document *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_document_page;
CP_API void cp_document_page_free(cp_document_page *page);

#define CP_ANY_VERSION UINT64_MAX /* a version that is left open */

typedef struct cp_put_options {
  uint32_t struct_size;
  uint64_t expected_version; /* 0 = only if there is none; CP_ANY_VERSION = whatever it is */
  uint64_t ttl_ms; /* from now; 0 = for ever; CP_UNSET_MS = as it was, a new one for ever */
  const char *operation_id; /* the same id and value put once; NULL = made */
} cp_put_options;
#define CP_PUT_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_put_options), CP_ANY_VERSION, CP_UNSET_MS, NULL }
CP_API int32_t cp_put_options_init(cp_put_options *out, size_t struct_size);

typedef struct cp_update_options {
  uint32_t struct_size;
  uint32_t max_tries; /* then CP_CONFLICT; at least 1 */
  uint64_t ttl_ms;    /* as of cp_put_options */
} cp_update_options;
#define CP_UPDATE_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_update_options), 100, CP_UNSET_MS }
CP_API int32_t cp_update_options_init(cp_update_options *out, size_t struct_size);

/* Points *value and *length to what the document becomes, JSON in memory of its own that stays as it is
 * until cp_state_update returns or calls again; both are NULL and 0 before, which leaves the document
 * as it is. `current` is NULL if there is none. Any status but CP_OK is what the update answers. */
typedef int32_t (*cp_state_change)(const char **value, size_t *length, const cp_document *current,
                                   void *user_data);

#define CP_DOCUMENT_PUT 0
#define CP_DOCUMENT_DELETED 1
#define CP_DOCUMENT_EXPIRED 2

typedef struct cp_document_change {
  uint32_t struct_size;
  int32_t kind;
  const char *key;
  uint64_t version; /* the new one; of a document that is gone its last */
  int64_t time_us;
  uint64_t seq; /* resume after it */
} cp_document_change;

typedef struct cp_document_changes {
  uint32_t struct_size;
  const cp_document_change *const *items;
  size_t count;
  uint64_t missed; /* too many for the buffer, before these: read anew */
} cp_document_changes;
/* One batch at a time, in order, on the callback pool. */
typedef void (*cp_document_callback)(const cp_document_changes *changes, void *user_data);

/* CP_NOT_FOUND: there is none, or it has expired. */
CP_API int32_t cp_state_get(cp_document **out, cp_coordinator *coordinator, const char *key);
CP_API int32_t cp_state_get_async(cp_coordinator *coordinator, const char *key, cp_queue *queue,
                                  void *user_data);
/* *out, which may be NULL, is the new version. CP_CONFLICT: it has another one than expected.
 * CP_ALREADY_EXISTS: the operation id was used for another value. NULL as options: their INIT. */
CP_API int32_t cp_state_put(uint64_t *out, cp_coordinator *coordinator, const char *key,
                            const char *value, size_t value_length, const cp_put_options *options);
CP_API int32_t cp_state_put_async(cp_coordinator *coordinator, const char *key, const char *value,
                                  size_t value_length, const cp_put_options *options,
                                  cp_queue *queue, void *user_data);
/* *out, which may be NULL, is 1, or 0 if there was none. CP_CONFLICT: it has another version than
 * expected, which may be CP_ANY_VERSION. */
CP_API int32_t cp_state_remove(int32_t *out, cp_coordinator *coordinator, const char *key,
                               uint64_t expected_version);
CP_API int32_t cp_state_remove_async(cp_coordinator *coordinator, const char *key,
                                     uint64_t expected_version, cp_queue *queue, void *user_data);
/* Those whose keys begin with `prefix`, in the order of their keys. NULL as page: its INIT. */
CP_API int32_t cp_state_list(cp_document_page **out, cp_coordinator *coordinator,
                             const char *prefix, const cp_page_request *page);
CP_API int32_t cp_state_list_async(cp_coordinator *coordinator, const char *prefix,
                                   const cp_page_request *page, cp_queue *queue, void *user_data);
/* Puts what `change` makes of the document, again and again until nobody came between, with growing,
 * jittered pauses of at most 10 ms; *out, which may be NULL, is the document as it is then. `change`
 * runs in this thread, once or more. CP_NOT_FOUND: there was none and `change` left it so. CP_CONFLICT:
 * still contended after max_tries. NULL as options: their INIT. */
CP_API int32_t cp_state_update(cp_document **out, cp_coordinator *coordinator, const char *key,
                               const cp_update_options *options, cp_state_change change,
                               void *user_data);
/* Changes of the documents whose keys begin with `prefix`, from now on, or after the event `after` if
 * that is not 0. The callback may run before this call returns. */
CP_API int32_t cp_state_watch(cp_subscription **out, cp_coordinator *coordinator,
                              const char *prefix, uint64_t after, cp_document_callback callback,
                              void *user_data);

/* ---- Logs -------------------------------------------------------------------------------------- */

/* Append-only streams of JSON entries that many agents write and read, each at its own pace; not the
 * library's own records (cp_log_record). A log of another tenant is CP_NOT_FOUND. Names and prefixes are
 * names; an entry is at most max_log_entry_bytes. */
typedef struct cp_log_entry {
  uint32_t struct_size;
  uint64_t seq; /* gapless in its log, and never used twice for that name */
  int64_t time_us;
  const char *value; /* JSON */
  size_t value_length;
} cp_log_entry;

/* Entries as they follow each other, without a gap. */
typedef struct cp_log_page {
  uint32_t struct_size;
  const cp_log_entry *const *items;
  size_t count;
  uint64_t next_after; /* go on after this */
  uint64_t first_seq;  /* of the log, as in cp_log_info */
  uint64_t last_seq;
} cp_log_page;
CP_API void cp_log_page_free(cp_log_page *page);

/* What a log keeps; the oldest entries go when there are more. */
typedef struct cp_log_bounds {
  uint32_t struct_size;
  uint64_t max_entries; /* at least 1 */
  uint64_t max_bytes;   /* of the values, at least 1; a larger entry is refused */
  uint64_t max_age_ms;  /* gone at the next full second after it; 0 = never */
} cp_log_bounds;
#define CP_LOG_BOUNDS_INIT \
  { (uint32_t)sizeof(cp_log_bounds), 100000, 67108864, 0 }
CP_API int32_t cp_log_bounds_init(cp_log_bounds *out, size_t struct_size);

/* What goes: whatever is beyond any of these. */
typedef struct cp_log_trim_request {
  uint32_t struct_size;
  uint64_t before;      /* entries with a lower number; 0 = left open */
  uint64_t max_entries; /* older ones than the newest so many; CP_UNLIMITED = left open */
  uint64_t max_bytes;   /* as many of the oldest as are too much; CP_UNLIMITED = left open */
  uint64_t max_age_ms;  /* CP_UNSET_MS = left open */
} cp_log_trim_request;
#define CP_LOG_TRIM_REQUEST_INIT \
  { (uint32_t)sizeof(cp_log_trim_request), 0, CP_UNLIMITED, CP_UNLIMITED, CP_UNSET_MS }
CP_API int32_t cp_log_trim_request_init(cp_log_trim_request *out, size_t struct_size);

typedef struct cp_log_info {
  uint32_t struct_size;
  const char *name;
  uint64_t max_entries;
  uint64_t max_bytes;
  uint64_t max_age_ms;
  uint64_t first_seq; /* of the entries there are; last_seq + 1 = there is none */
  uint64_t last_seq;  /* that was given out */
  uint64_t entries;   /* now */
  uint64_t bytes;
  int64_t created_at_us;
} cp_log_info;
CP_API void cp_log_info_free(cp_log_info *log);

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_log_info_page {
  uint32_t struct_size;
  const cp_log_info *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_log_info_page;
CP_API void cp_log_info_page_free(cp_log_info_page *page);

/* *out, which may be NULL, is the number of the entry; the same operation id (NULL = made) answers the
 * same number as long as that entry is there. The first append makes the log. CP_ALREADY_EXISTS: the
 * operation id was used for another entry. CP_INVALID_ARGUMENT: larger than the log's max_bytes. */
CP_API int32_t cp_log_append(uint64_t *out, cp_coordinator *coordinator, const char *name,
                             const char *entry, size_t entry_length, const char *operation_id);
CP_API int32_t cp_log_append_async(cp_coordinator *coordinator, const char *name, const char *entry,
                                   size_t entry_length, const char *operation_id, cp_queue *queue,
                                   void *user_data);
/* Up to `max_items` entries after number `after` (0: from the first there ever was), fewer if they come
 * to max_log_read_bytes. If there is none, waits for one until `wait_ms` are over and then answers none.
 * CP_NOT_FOUND: there is no such log, or it was removed meanwhile. CP_DATA_LOSS: entries after `after`
 * are gone, or never were there; the error names the first, or the last, that is. */
CP_API int32_t cp_log_read(cp_log_page **out, cp_coordinator *coordinator, const char *name,
                           uint64_t after, uint64_t max_items, uint64_t wait_ms);
CP_API int32_t cp_log_read_async(cp_coordinator *coordinator, const char *name, uint64_t after,
                                 uint64_t max_items, uint64_t wait_ms, cp_queue *queue,
                                 void *user_data);
/* Makes a log, or gives the one there is other bounds, and trims it to them. *out, which may be NULL, is
 * the log then. NULL as bounds: their INIT. */
CP_API int32_t cp_log_define(cp_log_info **out, cp_coordinator *coordinator, const char *name,
                             const cp_log_bounds *bounds);
CP_API int32_t cp_log_define_async(cp_coordinator *coordinator, const char *name,
                                   const cp_log_bounds *bounds, cp_queue *queue, void *user_data);
/* *out, which may be NULL, is how many entries went. */
CP_API int32_t cp_log_trim(uint64_t *out, cp_coordinator *coordinator, const char *name,
                           const cp_log_trim_request *trim);
CP_API int32_t cp_log_trim_async(cp_coordinator *coordinator, const char *name,
                                 const cp_log_trim_request *trim, cp_queue *queue, void *user_data);
/* *out, which may be NULL, is 1, or 0 if there was none. A log of that name that comes later goes on
 * above its numbers. */
CP_API int32_t cp_log_remove(int32_t *out, cp_coordinator *coordinator, const char *name);
CP_API int32_t cp_log_remove_async(cp_coordinator *coordinator, const char *name, cp_queue *queue,
                                   void *user_data);
CP_API int32_t cp_log_get(cp_log_info **out, cp_coordinator *coordinator, const char *name);
CP_API int32_t cp_log_get_async(cp_coordinator *coordinator, const char *name, cp_queue *queue,
                                void *user_data);
/* Those whose names begin with `prefix`, in the order of their names. NULL as page: its INIT. */
CP_API int32_t cp_log_list(cp_log_info_page **out, cp_coordinator *coordinator, const char *prefix,
                           const cp_page_request *page);
CP_API int32_t cp_log_list_async(cp_coordinator *coordinator, const char *prefix,
                                 const cp_page_request *page, cp_queue *queue, void *user_data);

/* ---- Messages --------------------------------------------------------------------------------- */

/* From agent to agent, each to the mailbox of its receiver; with signing keys, signed and verified:
 * docs/messages.md. Delivered at least once, and again after the visibility timeout unless it was
 * acknowledged; what nobody acknowledges in the end is a dead letter. An agent needs no registration.
 * A message is a task of the type "aragora.message"; its id is that of the task. */
typedef struct cp_message {
  uint32_t struct_size;
  uint32_t delivery; /* 1 = first; 0 = a reply */
  cp_attempt attempt; /* the proof of this delivery; of a reply empty */
  const char *message_id; /* a reply has that of its request */
  const char *from;
  const char *to;
  const char *type;
  const char *body; /* JSON */
  size_t body_length;
  const char *correlation_id;
  const char *key_id; /* that signed it; "" = unsigned */
  int64_t sent_at_us;
  int64_t visible_at_us; /* delivered again from then on, unless acknowledged or extended */
} cp_message;
CP_API void cp_message_free(cp_message *message);

typedef struct cp_messages {
  uint32_t struct_size;
  const cp_message *const *items;
  size_t count;
} cp_messages;
CP_API void cp_messages_free(cp_messages *messages);

typedef struct cp_message_spec {
  uint32_t struct_size;
  uint32_t max_deliveries; /* that may end in a reject; 0 = max_task_retries + 1 */
  const char *to;          /* required; not of a broadcast */
  const char *type;        /* required: a name */
  const char *body;        /* JSON; NULL = null */
  size_t body_length;
  uint64_t ttl_ms;            /* not acknowledged within it: a dead letter; 0 = unlimited */
  const char *correlation_id; /* what it belongs to; a name */
  const char *operation_id;   /* the same id, receiver and content is the same message; NULL = made */
} cp_message_spec;
#define CP_MESSAGE_SPEC_INIT \
  { (uint32_t)sizeof(cp_message_spec), 0, NULL, NULL, NULL, 0, 86400000, NULL, NULL }
CP_API int32_t cp_message_spec_init(cp_message_spec *out, size_t struct_size);

typedef struct cp_receive_options {
  uint32_t struct_size;
  uint32_t max_messages;  /* at least 1 */
  uint64_t wait_ms;       /* for the first; 0 = do not wait */
  uint64_t visibility_ms; /* to acknowledge or extend them */
} cp_receive_options;
#define CP_RECEIVE_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_receive_options), 1, 0, 30000 }
CP_API int32_t cp_receive_options_init(cp_receive_options *out, size_t struct_size);

typedef struct cp_reject_options {
  uint32_t struct_size;
  int32_t redeliver;       /* 0: a dead letter at once */
  uint64_t retry_after_ms; /* redelivered not before; 0 = after 1 s, doubled each time */
} cp_reject_options;
#define CP_REJECT_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_reject_options), 1, 0 }
CP_API int32_t cp_reject_options_init(cp_reject_options *out, size_t struct_size);

/* To one receiver of a broadcast. */
typedef struct cp_sent {
  uint32_t struct_size;
  int32_t status;
  const char *to;
  const char *message_id; /* "" unless CP_OK */
  const char *error;      /* "" if CP_OK */
} cp_sent;
typedef struct cp_sent_list {
  uint32_t struct_size;
  const cp_sent *const *items;
  size_t count;
} cp_sent_list;
CP_API void cp_sent_list_free(cp_sent_list *sent);

/* As the agent `agent_id`; *out, which may be NULL, is the message's id. CP_RESOURCE_EXHAUSTED: the
 * receiver has max_mailbox_messages that are not acknowledged. */
CP_API int32_t cp_mailbox_send(cp_task_id *out, cp_coordinator *coordinator, const char *agent_id,
                               const cp_message_spec *spec);
CP_API int32_t cp_mailbox_send_async(cp_coordinator *coordinator, const char *agent_id,
                                     const cp_message_spec *spec, cp_queue *queue, void *user_data);
/* Verified messages to `agent_id`. None in time: CP_OK and a count of 0. NULL as options: their INIT. */
CP_API int32_t cp_mailbox_receive(cp_messages **out, cp_coordinator *coordinator,
                                  const char *agent_id, const cp_receive_options *options);
CP_API int32_t cp_mailbox_receive_async(cp_coordinator *coordinator, const char *agent_id,
                                        const cp_receive_options *options, cp_queue *queue,
                                        void *user_data);
/* Done with it; repeating it is OK. CP_CONFLICT, so for all below: it was delivered again meanwhile, or
 * ended otherwise. */
CP_API int32_t cp_mailbox_acknowledge(cp_coordinator *coordinator, const cp_message *message);
CP_API int32_t cp_mailbox_acknowledge_async(cp_coordinator *coordinator, const cp_message *message,
                                            cp_queue *queue, void *user_data);
/* Not done: delivered again, or a dead letter with `error`. NULL as options: their INIT. */
CP_API int32_t cp_mailbox_reject(cp_coordinator *coordinator, const cp_message *message,
                                 const char *error, const cp_reject_options *options);
CP_API int32_t cp_mailbox_reject_async(cp_coordinator *coordinator, const cp_message *message,
                                       const char *error, const cp_reject_options *options,
                                       cp_queue *queue, void *user_data);
/* Given back untouched: delivered again at once, and not counted against it. */
CP_API int32_t cp_mailbox_release(cp_coordinator *coordinator, const cp_message *message);
CP_API int32_t cp_mailbox_release_async(cp_coordinator *coordinator, const cp_message *message,
                                        cp_queue *queue, void *user_data);
/* Not delivered again before *out, which may be NULL: one visibility timeout from now. */
CP_API int32_t cp_mailbox_extend(int64_t *out, cp_coordinator *coordinator,
                                 const cp_message *message);
CP_API int32_t cp_mailbox_extend_async(cp_coordinator *coordinator, const cp_message *message,
                                       cp_queue *queue, void *user_data);
/* Acknowledges it with an answer, JSON, for the one that waits in cp_mailbox_request. */
CP_API int32_t cp_mailbox_reply(cp_coordinator *coordinator, const cp_message *message,
                                const char *body, size_t body_length);
CP_API int32_t cp_mailbox_reply_async(cp_coordinator *coordinator, const cp_message *message,
                                      const char *body, size_t body_length, cp_queue *queue,
                                      void *user_data);
/* Sends and waits for the reply; `timeout_ms` is the message's ttl, too. CP_DEADLINE_EXCEEDED: none came
 * in time. CP_FAILED_PRECONDITION: it was rejected for good, or acknowledged without a reply.
 * CP_UNAUTHENTICATED: the reply is not the receiver's. */
CP_API int32_t cp_mailbox_request(cp_message **out, cp_coordinator *coordinator,
                                  const char *agent_id, const cp_message_spec *spec,
                                  uint64_t timeout_ms);
CP_API int32_t cp_mailbox_request_async(cp_coordinator *coordinator, const char *agent_id,
                                        const cp_message_spec *spec, uint64_t timeout_ms,
                                        cp_queue *queue, void *user_data);
/* To every other registered agent that offers `capability`; one message each, with an answer each.
 * CP_RESOURCE_EXHAUSTED: they are more than max_broadcast; then none is sent. */
CP_API int32_t cp_mailbox_broadcast(cp_sent_list **out, cp_coordinator *coordinator,
                                    const char *agent_id, const char *capability,
                                    const cp_message_spec *spec);
CP_API int32_t cp_mailbox_broadcast_async(cp_coordinator *coordinator, const char *agent_id,
                                          const char *capability, const cp_message_spec *spec,
                                          cp_queue *queue, void *user_data);
/* ---- Snapshots -------------------------------------------------------------------------------- */

/* What a file has; docs/snapshots.md is about its lines. */
typedef struct cp_snapshot_summary {
  uint32_t struct_size;
  int64_t taken_at_us; /* what is in it is as it was then */
  uint64_t agents, tasks, documents, logs, entries, pools, permits, events;
  uint64_t waiters; /* who waits for permits */
  uint64_t keys;    /* of submits whose tasks are gone */
  uint64_t lines, bytes;
  const char *sha256; /* of all lines but the last one, in hexadecimal */
} cp_snapshot_summary;
CP_API void cp_snapshot_summary_free(cp_snapshot_summary *summary);

/* Takes the next bytes, at least one. Any status but CP_OK ends the export, and is what it answers. */
typedef int32_t (*cp_snapshot_sink)(const char *bytes, size_t length, void *user_data);
/* Writes at most `size` bytes to `to` and their number to *length, which is 0 before; 0 is the end. Any
 * status but CP_OK ends the import, and is what it answers. */
typedef int32_t (*cp_snapshot_source)(char *to, size_t size, size_t *length, void *user_data);

/* Writes all that the tenant holds as it is at the beginning, while work goes on. The file appears at
 * `path` only when it is whole and on disk, in place of one that was there. *out may be NULL.
 * CP_FAILED_PRECONDITION: another export is in progress, or the sink took nothing for a minute.
 * CP_RESOURCE_EXHAUSTED: more than max_export_aside_bytes changed before the export came to it. */
CP_API int32_t cp_snapshot_export(cp_snapshot_summary **out, cp_coordinator *coordinator,
                                  const char *path);
CP_API int32_t cp_snapshot_export_to(cp_snapshot_summary **out, cp_coordinator *coordinator,
                                     cp_snapshot_sink sink, void *user_data);
/* Puts it into this tenant, all at once after all of it was found right. CP_FAILED_PRECONDITION: the
 * tenant is or was in use, or the file has values that are encrypted for one of another name.
 * CP_INVALID_ARGUMENT: the file is damaged, and in which line. */
CP_API int32_t cp_snapshot_import(cp_snapshot_summary **out, cp_coordinator *coordinator,
                                  const char *path);
CP_API int32_t cp_snapshot_import_from(cp_snapshot_summary **out, cp_coordinator *coordinator,
                                       cp_snapshot_source source, void *user_data);

/* What is known of an agent, and the state that it set, as one JSON object; of the tenant if agent_id is
 * NULL. CP_NOT_FOUND: it is not registered and set none. */
CP_API int32_t cp_snapshot_state(cp_text **out, cp_coordinator *coordinator, const char *agent_id);
/* Keeps a JSON state for the agent; of what cp_snapshot_state gave only the state in it. *out, which may be
 * NULL, is the version; 0 if that agent had set no state, and nothing is kept. */
CP_API int32_t cp_snapshot_set_state(uint64_t *out, cp_coordinator *coordinator, const char *agent_id,
                                     const char *state, size_t length);

/* ---- Pools and permits ------------------------------------------------------------------------ */

/* Named pools bound what a fleet uses at once, per minute or in all; a permit is a leased share of one
 * or several. A pool of another tenant is CP_NOT_FOUND. */
#define CP_POOL_COUNT 0 /* a semaphore: `capacity` at once */
#define CP_POOL_NUMBER \
  1 /* the numbers first to last, each to one at a time; free the longest first */
#define CP_POOL_WINDOW 2 /* at most `capacity` in any `period_ms`, wherever that begins */
#define CP_POOL_BUDGET 3 /* `capacity` in all; what is spent does not come back */

CP_API const char *cp_pool_kind_name(int32_t kind); /* "window"; "unknown" for other numbers */

/* The layout never changes. */
typedef struct cp_pool_weight {
  const char *owner;
  uint64_t weight; /* at least 1 */
} cp_pool_weight;

typedef struct cp_pool_spec {
  uint32_t struct_size;
  int32_t kind;
  const char *name;     /* required */
  uint64_t capacity;    /* or CP_UNLIMITED; not of number pools */
  uint32_t first, last; /* of number pools, both included */
  uint64_t period_ms;   /* of window pools */
  /* Where several wait, the owner with the least taken for its weight is next; owners not named share a
   * weight of 1. None: first come, first served. */
  const cp_pool_weight *weights;
  size_t weight_count;
} cp_pool_spec;
#define CP_POOL_SPEC_INIT \
  { (uint32_t)sizeof(cp_pool_spec), CP_POOL_COUNT, NULL, 1, 0, 0, 60000, NULL, 0 }
CP_API int32_t cp_pool_spec_init(cp_pool_spec *out, size_t struct_size);

typedef struct cp_pool {
  uint32_t struct_size;
  int32_t kind;
  const char *name;
  uint64_t capacity;
  uint32_t first, last;
  uint64_t period_ms;
  const cp_pool_weight *weights;
  size_t weight_count;
  uint64_t used;      /* now; of a window: in the last period; of a budget: in all */
  uint64_t available; /* may be granted now, or CP_UNLIMITED */
  uint64_t debt;      /* used beyond the capacity */
  uint64_t permits;   /* that are out */
  uint64_t waiting;
  uint64_t granted_total; /* permits */
  uint64_t expired_total; /* permits */
} cp_pool;
CP_API void cp_pool_free(cp_pool *pool);

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_pool_page {
  uint32_t struct_size;
  const cp_pool *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_pool_page;
CP_API void cp_pool_page_free(cp_pool_page *page);

typedef struct cp_acquire_request {
  uint32_t struct_size;
  int32_t priority;            /* among those that wait */
  const cp_permit_need *needs; /* all or none */
  size_t need_count;
  const char *owner;        /* required */
  uint64_t ttl_ms;          /* frees itself then, unless renewed */
  uint64_t wait_ms;         /* 0 = do not wait */
  const char *operation_id; /* the same id answers the same permit while that lives; NULL = made */
} cp_acquire_request;
#define CP_ACQUIRE_REQUEST_INIT \
  { (uint32_t)sizeof(cp_acquire_request), CP_PRIORITY_NORMAL, NULL, 0, NULL, 30000, 0, NULL }
CP_API int32_t cp_acquire_request_init(cp_acquire_request *out, size_t struct_size);

typedef struct cp_permit_part {
  uint32_t struct_size;
  const char *pool;
  uint64_t amount;
  const uint32_t *numbers; /* of a number pool */
  size_t number_count;
} cp_permit_part;

typedef struct cp_permit {
  uint32_t struct_size;
  cp_permit_ref ref; /* hand it to the operations below; lives as long as this struct */
  const cp_permit_part *const *parts; /* in the order of the needs */
  size_t part_count;
  int64_t acquired_at_us;
  int64_t expires_at_us;
} cp_permit;
CP_API void cp_permit_free(cp_permit *permit); /* its memory: the permit stays out */

/* May be shorter than asked, even empty, while next_cursor is not "". */
typedef struct cp_permit_page {
  uint32_t struct_size;
  const cp_permit *const *items;
  size_t count;
  const char *next_cursor; /* "" = this was the last page */
} cp_permit_page;
CP_API void cp_permit_page_free(cp_permit_page *page);

/* Defines the pool, or gives it another capacity, range or weights. A lower capacity revokes nothing;
 * who waits for more than there will ever be is told. *out, which may be NULL, is the pool then.
 * CP_FAILED_PRECONDITION: it exists with another kind or period. */
CP_API int32_t cp_pool_define(cp_pool **out, cp_coordinator *coordinator, const cp_pool_spec *spec);
CP_API int32_t cp_pool_define_async(cp_coordinator *coordinator, const cp_pool_spec *spec,
                                    cp_queue *queue, void *user_data);
/* *out, which may be NULL, is 1, or 0 if there was none. CP_FAILED_PRECONDITION: permits are out, or
 * somebody waits. */
CP_API int32_t cp_pool_remove(int32_t *out, cp_coordinator *coordinator, const char *name);
CP_API int32_t cp_pool_remove_async(cp_coordinator *coordinator, const char *name, cp_queue *queue,
                                    void *user_data);
CP_API int32_t cp_pool_get(cp_pool **out, cp_coordinator *coordinator, const char *name);
CP_API int32_t cp_pool_get_async(cp_coordinator *coordinator, const char *name, cp_queue *queue,
                                 void *user_data);
/* Those whose names begin with `prefix`, in the order of their names. NULL as page: its INIT. */
CP_API int32_t cp_pool_list(cp_pool_page **out, cp_coordinator *coordinator, const char *prefix,
                            const cp_page_request *page);
CP_API int32_t cp_pool_list_async(cp_coordinator *coordinator, const char *prefix,
                                  const cp_page_request *page, cp_queue *queue, void *user_data);
/* All that is needed or nothing. Who waits is served by priority, then weights, then first come; nobody
 * is overtaken by who needs less. CP_RESOURCE_EXHAUSTED: not there and wait_ms is 0, or a limit.
 * CP_DEADLINE_EXCEEDED: not granted within wait_ms. CP_INVALID_ARGUMENT: more than the pool ever has. */
CP_API int32_t cp_permit_acquire(cp_permit **out, cp_coordinator *coordinator,
                                 const cp_acquire_request *request);
/* A permit that comes after its queue was cancelled, or is in it when it is closed, is released. */
CP_API int32_t cp_permit_acquire_async(cp_coordinator *coordinator,
                                       const cp_acquire_request *request, cp_queue *queue,
                                       void *user_data);
/* Ends a waiting acquire of this coordinator with CP_CANCELLED. *out, which may be NULL, is 1, or 0 if
 * none waits under that id. Never waits. */
CP_API int32_t cp_permit_cancel_acquire(int32_t *out, cp_coordinator *coordinator,
                                        const char *operation_id);
/* *out, which may be NULL, is its end: `ttl_ms` from now, or later if it was. CP_NOT_FOUND: it was
 * released or has expired. CP_CONFLICT: it belongs to another owner. So for release and settle. */
CP_API int32_t cp_permit_renew(int64_t *out, cp_coordinator *coordinator,
                               const cp_permit_ref *permit, uint64_t ttl_ms);
CP_API int32_t cp_permit_renew_async(cp_coordinator *coordinator, const cp_permit_ref *permit,
                                     uint64_t ttl_ms, cp_queue *queue, void *user_data);
/* Nothing was used: all comes back. */
CP_API int32_t cp_permit_release(cp_coordinator *coordinator, const cp_permit_ref *permit);
CP_API int32_t cp_permit_release_async(cp_coordinator *coordinator, const cp_permit_ref *permit,
                                       cp_queue *queue, void *user_data);
/* Ends the permit; `used` says what windows and budgets lost, more than was reserved puts them in debt;
 * of a pool that is not named all counts as used. Counts and numbers come back. */
CP_API int32_t cp_permit_settle(cp_coordinator *coordinator, const cp_permit_ref *permit,
                                const cp_permit_need *used, size_t used_count);
CP_API int32_t cp_permit_settle_async(cp_coordinator *coordinator, const cp_permit_ref *permit,
                                      const cp_permit_need *used, size_t used_count,
                                      cp_queue *queue, void *user_data);
/* Those of the pool that are out, oldest first. NULL as page: its INIT. */
CP_API int32_t cp_permit_list(cp_permit_page **out, cp_coordinator *coordinator, const char *pool,
                              const cp_page_request *page);
CP_API int32_t cp_permit_list_async(cp_coordinator *coordinator, const char *pool,
                                    const cp_page_request *page, cp_queue *queue, void *user_data);

/* ---- Named leases and elections --------------------------------------------------------------- */

/* At most one holder at a time, with a fence: a number that is higher than that of every earlier holder.
 * A holder must not trust its lease alone: its process may sleep longer than the time to live, and the
 * next one hold the lease when it wakes up. What it writes to should refuse a fence below the highest
 * one seen. */

/* Held until it is released, closed, or lost. It may outlive its coordinator, which renews it. */
typedef struct cp_named_lease cp_named_lease;

/* A lease, or a leadership, was lost: somebody else may hold it now, or could as soon as its time is
 * over. `status` and `error` say why. On the callback pool. */
typedef void (*cp_lease_lost_callback)(int32_t status, const char *error, void *user_data);

typedef struct cp_lease_options {
  uint32_t struct_size;
  int32_t priority;  /* among those that wait */
  const char *owner; /* required */
  uint64_t ttl_ms;
  uint64_t wait_ms;     /* 0 = do not wait */
  uint64_t max_hold_ms; /* then it is not renewed any more; 0 = no bound */
  int32_t auto_renew;   /* 1: at a third of ttl_ms, by the coordinator */
  int32_t reserved;
  cp_lease_lost_callback on_lost; /* at most once, not after cp_lease_release(); NULL = none */
  void *user_data;
} cp_lease_options;
#define CP_LEASE_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_lease_options), CP_PRIORITY_NORMAL, NULL, 30000, 0, 0, 1, 0, NULL, NULL }
CP_API int32_t cp_lease_options_init(cp_lease_options *out, size_t struct_size);

typedef struct cp_lease_holder {
  uint32_t struct_size;
  const char *owner;
  uint64_t fence;
  int64_t expires_at_us;
} cp_lease_holder;
CP_API void cp_lease_holder_free(cp_lease_holder *holder);

/* CP_RESOURCE_EXHAUSTED: held by another and wait_ms is 0. CP_DEADLINE_EXCEEDED: not within it. on_lost
 * may run before this call returns. */
CP_API int32_t cp_lease_acquire(cp_named_lease **out, cp_coordinator *coordinator, const char *name,
                                const cp_lease_options *options);
/* The handle in its completion is yours to close. A lease that comes after its queue was cancelled, or
 * is in it when it is closed, is released. */
CP_API int32_t cp_lease_acquire_async(cp_coordinator *coordinator, const char *name,
                                      const cp_lease_options *options, cp_queue *queue,
                                      void *user_data);
/* Who holds it. CP_NOT_FOUND: nobody. */
CP_API int32_t cp_lease_holder_get(cp_lease_holder **out, cp_coordinator *coordinator,
                                   const char *name);
CP_API int32_t cp_lease_holder_get_async(cp_coordinator *coordinator, const char *name,
                                         cp_queue *queue, void *user_data);
/* By this process's clock, before anybody else could hold it; 0 once it was lost. Never waits. */
CP_API int32_t cp_lease_held(int32_t *out, cp_named_lease *lease);
/* Its number; also of a lease that was lost. Never waits. */
CP_API int32_t cp_lease_fence(uint64_t *out, cp_named_lease *lease);
/* For leases with auto_renew 0. CP_NOT_FOUND: it was lost. */
CP_API int32_t cp_lease_renew(cp_named_lease *lease);
/* CP_NOT_FOUND: it had been lost. A second call is CP_OK. Afterwards on_lost does not run any more;
 * inside it: does not begin again. */
CP_API int32_t cp_lease_release(cp_named_lease *lease);
/* Releases it if that was not done. */
CP_API int32_t cp_lease_close(cp_named_lease *lease);

/* Stands for election until it is closed; who loses the lease stands again. It may outlive its
 * coordinator, without ever being elected again. */
typedef struct cp_election cp_election;

/* The epoch is higher than that of every earlier leader: a fence. */
typedef void (*cp_elected_callback)(uint64_t epoch, void *user_data);

typedef struct cp_election_options {
  uint32_t struct_size;
  int32_t reserved;
  const char *name;      /* of the lease; required */
  const char *candidate; /* its owner; required */
  uint64_t ttl_ms;
  cp_elected_callback on_elected; /* these two on the callback pool, in order, one at a time */
  cp_lease_lost_callback on_lost; /* NULL = none, of both */
  void *user_data;
} cp_election_options;
#define CP_ELECTION_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_election_options), 0, NULL, NULL, 30000, NULL, NULL, NULL }
CP_API int32_t cp_election_options_init(cp_election_options *out, size_t struct_size);

/* Does not wait to be elected. Its callbacks may run before this call returns. */
CP_API int32_t cp_election_start(cp_election **out, cp_coordinator *coordinator,
                                 const cp_election_options *options);
/* These two never wait. */
CP_API int32_t cp_election_is_leader(int32_t *out, cp_election *election);
CP_API int32_t cp_election_epoch(uint64_t *out,
                                 cp_election *election); /* 0 = it is not the leader */
/* Resigns, so that the next one is elected at once. Afterwards its callbacks do not run any more; inside
 * one of them: do not begin again. */
CP_API int32_t cp_election_close(cp_election *election);

/* ---- Totals ----------------------------------------------------------------------------------- */

typedef struct cp_stats {
  uint32_t struct_size;
  int32_t health_status;
  const char *store; /* "memory" */
  const char *tenant;
  int64_t now_us;
  uint64_t total_agents;
  uint64_t available_agents;
  const uint64_t *agents_by_status; /* by CP_AGENT_…, agent_statuses of them */
  size_t agent_statuses;
  uint64_t pending_tasks; /* ready, delayed, backing off and blocked */
  uint64_t ready_tasks;
  uint64_t delayed_tasks;
  uint64_t backoff_tasks;
  uint64_t blocked_tasks;
  uint64_t claimed_tasks;
  uint64_t running_tasks;
  const uint64_t *tasks_by_state; /* records now, by CP_TASK_…, task_states of them */
  size_t task_states;
  const uint64_t *pending_by_priority; /* by CP_PRIORITY_…, priorities of them */
  size_t priorities;
  uint64_t dead_letters;
  uint64_t submitted_total; /* since the store began, so for all below */
  uint64_t claimed_total;
  uint64_t completed_total;
  uint64_t failed_total;
  uint64_t cancelled_total;
  uint64_t timeout_total;
  uint64_t retries_total;
  uint64_t crashes_total;
  uint64_t releases_total;
  uint64_t duplicates_total;
  uint64_t stale_total;
  uint64_t unservable_submits_total; /* no registered agent offered what was required */
  uint64_t queues;
  uint64_t waiting_claims; /* parked in this coordinator */
  uint64_t healthy_agents;
  uint64_t degraded_agents;
  uint64_t unhealthy_agents;
  uint64_t open_breakers;
  uint64_t first_event_seq; /* 0, 0 = no events */
  uint64_t last_event_seq;
  uint64_t documents;
  uint64_t documents_bytes; /* keys and values */
  uint64_t document_puts_total;
  uint64_t document_conflicts_total;
  uint64_t document_deletes_total;
  uint64_t document_expired_total;
  uint64_t pools;
  uint64_t permits; /* that are out */
  uint64_t permits_waiting;
  uint64_t permits_granted_total;
  uint64_t permits_expired_total;
  uint64_t permits_refused_total; /* not there, and not waited for */
  uint64_t logs;
  uint64_t log_entries;
  uint64_t log_bytes;
  uint64_t log_appends_total;
  uint64_t log_trimmed_total;
  uint64_t log_losses_total; /* reads that were answered CP_DATA_LOSS */
} cp_stats;
CP_API void cp_stats_free(cp_stats *stats);

CP_API int32_t cp_stats_get(cp_stats **out, cp_coordinator *coordinator);
CP_API int32_t cp_stats_get_async(cp_coordinator *coordinator, cp_queue *queue, void *user_data);
/* Prometheus text format 0.0.4. */
CP_API int32_t cp_metrics_text(cp_text **out, cp_coordinator *coordinator);
CP_API int32_t cp_metrics_text_async(cp_coordinator *coordinator, cp_queue *queue, void *user_data);

/* ---- Worker ----------------------------------------------------------------------------------- */

/* An agent with threads of its own: registers, heartbeats, claims, renews, and runs a handler per task
 * type. Made of the operations above; a host with a loop of its own can do without it. */
typedef struct cp_worker cp_worker;

typedef struct cp_worker_options {
  uint32_t struct_size;
  uint32_t concurrency; /* handlers at once; also the agent's slots */
  const char *agent_id; /* required */
  const char *const *capabilities;
  size_t capability_count;
  const char *model;
  const char *provider;
  const char *endpoint;
  const char *metadata; /* JSON */
  size_t metadata_length;
  const cp_label *labels;
  size_t label_count;
  uint64_t lease_ttl_ms;          /* 0 = lease_ttl_ms of the options */
  uint64_t heartbeat_interval_ms; /* 0 = heartbeat_interval_ms of the options */
  uint64_t drain_timeout_ms;      /* of cp_worker_close(); 0 = at once */
} cp_worker_options;
#define CP_WORKER_OPTIONS_INIT                                                                    \
  {                                                                                               \
    (uint32_t)sizeof(cp_worker_options), 1, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, \
        0, 30000                                                                                  \
  }
CP_API int32_t cp_worker_options_init(cp_worker_options *out, size_t struct_size);

/* One attempt, as its handler sees it. After the handler returned it is refused like a closed handle. */
typedef struct cp_task_context cp_task_context;

/* Runs on a thread of the worker. CP_OK completes the task with the result that was set, or null. Any
 * other status fails it with the error that was set: CP_INVALID_ARGUMENT, CP_FAILED_PRECONDITION,
 * CP_PERMISSION_DENIED, CP_UNAUTHENTICATED and CP_NOT_FOUND for good, CP_RESOURCE_EXHAUSTED as rate
 * limited; CP_CANCELLED releases it, or ends it if its cancel was requested; all others are retried. */
typedef int32_t (*cp_task_handler)(cp_task_context *context, void *user_data);

CP_API int32_t cp_worker_open(cp_worker **out, cp_coordinator *coordinator,
                              const cp_worker_options *options);
/* "*" handles every type without a handler of its own; a task without any fails. */
CP_API int32_t cp_worker_on(cp_worker *worker, const char *task_type, cp_task_handler handler,
                            void *user_data);
CP_API int32_t cp_worker_start(cp_worker *worker);
/* Drains: claims no more, waits for its handlers, unregisters. After `deadline_ms` their leases are
 * released and they hear of it; the call still waits for them to return. Refused inside a handler. */
CP_API int32_t cp_worker_stop(cp_worker *worker, uint64_t deadline_ms);
/* 0 also after another process registered the same agent. */
CP_API int32_t cp_worker_running(int32_t *out, cp_worker *worker);
/* Why it stopped by itself; CP_OK while it runs and after cp_worker_stop(). */
CP_API int32_t cp_worker_status(cp_worker *worker);
/* Stops it within drain_timeout_ms; inside one of its handlers: when they have returned. */
CP_API int32_t cp_worker_close(cp_worker *worker);

/* Lives until the handler returns. */
CP_API int32_t cp_context_task(const cp_claimed_task **out, cp_task_context *context);
/* 1: a cancel was requested, the lease was lost, or the worker stops without waiting. */
CP_API int32_t cp_context_cancelled(int32_t *out, cp_task_context *context);
/* Waits up to `timeout_ms` for that. Use it instead of sleeping. In another thread it is refused like
 * any other call once the handler has returned, and does not keep that from returning. */
CP_API int32_t cp_context_wait_cancelled(int32_t *out, cp_task_context *context,
                                         uint64_t timeout_ms);
CP_API int32_t cp_context_progress(cp_task_context *context, double fraction, const char *note,
                                   const char *data, size_t data_length);
/* The result, JSON, copied; the last one counts. */
CP_API int32_t cp_context_set_result(cp_task_context *context, const char *result, size_t length);
/* The text of the failure. */
CP_API int32_t cp_context_set_error(cp_task_context *context, const char *error);
/* The attempt is left alone from now on; only for hosts that end it otherwise. */
CP_API int32_t cp_context_abandon(cp_task_context *context);

/* ---- Distributor ------------------------------------------------------------------------------ */

/* An agent that owns a pool of workers: what it claims it submits again, directed to the least loaded
 * of them, and the end of that task is the end of the one that it claimed. Its pool are the agents
 * registered with the label `distributor` = its id, by any host; when one of them goes, its tasks go to
 * others. Of several with one id one leads, and the others stand by to take over what it forwarded. One
 * whose agent another host registers stops by itself. It may outlive its coordinator; closing that ends
 * it like a death: another one leads when leader_ttl_ms is over, not at once. */
typedef struct cp_distributor cp_distributor;

typedef struct cp_distributor_options {
  uint32_t struct_size;
  uint32_t concurrency;            /* tasks forwarded at once */
  const char *agent_id;            /* required; also the label of its workers */
  const char *const *capabilities; /* of the tasks that it takes; usually its workers' */
  size_t capability_count;
  const cp_label *labels; /* its own */
  size_t label_count;
  const char *candidate;     /* this one among those of its id; NULL = made */
  uint64_t leader_ttl_ms;    /* silent this long, another one takes over */
  uint64_t lease_ttl_ms;     /* of its claims; 0 = lease_ttl_ms of the options */
  uint64_t drain_timeout_ms; /* of cp_distributor_close(); 0 = at once */
} cp_distributor_options;
#define CP_DISTRIBUTOR_OPTIONS_INIT \
  { (uint32_t)sizeof(cp_distributor_options), 16, NULL, NULL, 0, NULL, 0, NULL, 30000, 0, 30000 }
CP_API int32_t cp_distributor_options_init(cp_distributor_options *out, size_t struct_size);

typedef struct cp_pool_worker {
  uint32_t struct_size;
  int32_t usable; /* ready or busy, and not unhealthy */
  const char *agent_id;
  const char *const *capabilities; /* sorted */
  size_t capability_count;
  uint64_t slots;                   /* 0 = unlimited */
  const char *const *pending_tasks; /* ids of those that were given to it here and have not ended */
  size_t pending_task_count;
} cp_pool_worker;
typedef struct cp_pool_workers {
  uint32_t struct_size;
  const cp_pool_worker *const *items;
  size_t count;
} cp_pool_workers;
CP_API void cp_pool_workers_free(cp_pool_workers *workers);

/* Stands for the lead, and forwards from when it has it; does not wait for that. */
CP_API int32_t cp_distributor_start(cp_distributor **out, cp_coordinator *coordinator,
                                    const cp_distributor_options *options);
/* These two never wait. The pool is in the order of ids, as the last event left it; empty unless this
 * one leads. */
CP_API int32_t cp_distributor_leads(int32_t *out, cp_distributor *distributor);
CP_API int32_t cp_distributor_workers(cp_pool_workers **out, cp_distributor *distributor);
/* Submits a task, which names no agent_id, directed to a worker of the pool; with NULL or "" to the least
 * loaded one that offers what it requires. It goes to another worker if that one goes. *out, the task's
 * id, may be NULL. CP_FAILED_PRECONDITION: this one does not lead, or the worker takes no tasks.
 * CP_NOT_FOUND: no such worker in the pool, or none that offers it. A host that must not block submits
 * with cp_task_submit_async, to the agent that the distributor is. */
CP_API int32_t cp_distributor_assign_task(cp_task_id *out, cp_distributor *distributor,
                                          const cp_task_spec *spec, const char *worker_id);
/* Items fail one by one; the call fails only as a whole. */
CP_API int32_t cp_distributor_batch_assign_tasks(cp_answers **out, cp_distributor *distributor,
                                                 const cp_task_spec *specs, size_t count,
                                                 const char *worker_id);
/* Claims no more, waits up to `timeout_ms` for what it forwarded, and gives the lead to the next one. What
 * has not ended by then stays with the workers, and the successor finds it. A second call is CP_OK. */
CP_API int32_t cp_distributor_stop(cp_distributor *distributor, uint64_t timeout_ms);
/* Stops it within drain_timeout_ms. */
CP_API int32_t cp_distributor_close(cp_distributor *distributor);

/* ---- What a completion carries ---------------------------------------------------------------- */

/* Which call it completes. */
#define CP_CALL_AGENT_REGISTER 1
#define CP_CALL_AGENT_UNREGISTER 2
#define CP_CALL_AGENT_HEARTBEAT 3
#define CP_CALL_AGENT_GET 4
#define CP_CALL_AGENT_LIST 5
#define CP_CALL_AGENT_SELECT 6
#define CP_CALL_AGENT_REASSIGN_TASKS 7
#define CP_CALL_TASK_SUBMIT 8
#define CP_CALL_TASK_SUBMIT_MANY 9
#define CP_CALL_TASK_CLAIM 10
#define CP_CALL_TASK_CLAIM_MANY 11
#define CP_CALL_TASK_START 12
#define CP_CALL_TASK_RENEW 13
#define CP_CALL_TASK_RENEW_MANY 14
#define CP_CALL_TASK_PROGRESS 15
#define CP_CALL_TASK_COMPLETE 16
#define CP_CALL_TASK_COMPLETE_MANY 17
#define CP_CALL_TASK_FAIL 18
#define CP_CALL_TASK_FAIL_MANY 19
#define CP_CALL_TASK_RELEASE 20
#define CP_CALL_TASK_CANCEL 21
#define CP_CALL_TASK_ASSIGN 22
#define CP_CALL_TASK_GET 23
#define CP_CALL_TASK_STATUS 24
#define CP_CALL_TASK_LIST 25
#define CP_CALL_TASK_WAIT 26
#define CP_CALL_TASK_EXPLAIN 27
#define CP_CALL_DEAD_LETTER_LIST 28
#define CP_CALL_DEAD_LETTER_REPLAY 29
#define CP_CALL_HEALTH_CHECK 30
#define CP_CALL_EVENT_READ 31
#define CP_CALL_STATS_GET 32
#define CP_CALL_METRICS_TEXT 33
#define CP_CALL_STATE_GET 34
#define CP_CALL_STATE_PUT 35
#define CP_CALL_STATE_REMOVE 36
#define CP_CALL_STATE_LIST 37
#define CP_CALL_POOL_DEFINE 38
#define CP_CALL_POOL_REMOVE 39
#define CP_CALL_POOL_GET 40
#define CP_CALL_POOL_LIST 41
#define CP_CALL_PERMIT_ACQUIRE 42
#define CP_CALL_PERMIT_RENEW 43
#define CP_CALL_PERMIT_RELEASE 44
#define CP_CALL_PERMIT_SETTLE 45
#define CP_CALL_PERMIT_LIST 46
#define CP_CALL_LEASE_ACQUIRE 47
#define CP_CALL_LEASE_HOLDER_GET 48
#define CP_CALL_LOG_APPEND 49
#define CP_CALL_LOG_READ 50
#define CP_CALL_LOG_DEFINE 51
#define CP_CALL_LOG_TRIM 52
#define CP_CALL_LOG_REMOVE 53
#define CP_CALL_LOG_GET 54
#define CP_CALL_LOG_LIST 55
#define CP_CALL_MAILBOX_SEND 56
#define CP_CALL_MAILBOX_RECEIVE 57
#define CP_CALL_MAILBOX_ACKNOWLEDGE 58
#define CP_CALL_MAILBOX_REJECT 59
#define CP_CALL_MAILBOX_RELEASE 60
#define CP_CALL_MAILBOX_EXTEND 61
#define CP_CALL_MAILBOX_REPLY 62
#define CP_CALL_MAILBOX_REQUEST 63
#define CP_CALL_MAILBOX_BROADCAST 64

/* The answer of one call; what it points to lives until cp_completion_free(). Of the results only the
 * one that the call answers is set, and only with CP_OK; a claim that found no task has none. */
struct cp_completion {
  uint32_t struct_size;
  int32_t call; /* CP_CALL_… */
  int32_t status;
  int32_t outcome_unknown;
  const char *error; /* "" if CP_OK */
  void *user_data;
  const char *task_id; /* of a submit or replay, of a message that was sent */
  const cp_claimed_task *claimed_task;
  const cp_claimed_tasks *claimed_tasks;
  const cp_lease_status *lease; /* of start, renew and progress */
  const cp_answers *answers;    /* of a batch */
  const cp_task *task;
  const cp_task_page *tasks;
  const cp_agent *agent;
  const cp_agent_page *agents;
  const cp_explanation *explanation;
  const cp_system_health *health;
  const cp_event_batch *events;
  const cp_stats *stats;
  const cp_text *text;
  uint64_t
      count; /* of tasks reassigned, of documents, pools and logs removed, of entries trimmed */
  int32_t task_state; /* of cancel and status; else CP_UNSET */
  int32_t reserved;
  const cp_document *document;
  const cp_document_page *documents;
  uint64_t version; /* of a put */
  const cp_pool *pool;
  const cp_pool_page *pools;
  const cp_permit *permit;
  const cp_permit_page *permits;
  int64_t expires_at_us;       /* of a permit that was renewed, a message that was extended */
  cp_named_lease *named_lease; /* does not end with the completion: close it */
  const cp_lease_holder *lease_holder;
  uint64_t seq; /* of an entry that was appended */
  const cp_log_page *log_page;
  const cp_log_info *log;
  const cp_log_info_page *logs;
  const cp_messages *messages;
  const cp_message *message; /* a reply */
  const cp_sent_list *sent;
};

#ifdef __cplusplus
}
#endif

#endif /* CONTROLPLANE_H */
