// What one record of each kind is, apart from where it lies in memory: the rows that a snapshot is
// made of. A row names other records by id, name, fence or number, never by slot, and leaves out
// what follows from other rows (queues, heaps, counts, indexes).
// Each row has ONE description of its fields, fields(archive, row), from which every writer and
// reader is made: `must` fields are always there, `may` fields only if they are not empty or zero.
// The order of the description is the order in which fields come. docs/snapshots.md lists them.
// Thread safety: plain values.
// Lifetime: a row views what it was made from: a table's record, or the text of a parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/task.hpp"
#include "engine/event_type.hpp"
#include "engine/operations.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

// What a text in a row may be.
struct NameText {  // [A-Za-z0-9._:/@+-], at most max_name_bytes
  std::string_view text;
};
struct PartyText {  // a name, or a mailbox; see mailbox_name.hpp
  std::string_view text;
};
struct KeyText {  // a name, or what a message is known by; see message_key.hpp
  std::string_view text;
};
struct LabelKeyText {  // a name of at most max_label_key_bytes
  std::string_view text;
};
struct FreeText {  // UTF-8
  std::string_view text;
};
struct JsonText {  // one JSON value, as it is
  std::string_view text;
};
struct Hex64 {     // in hexadecimal: the numbers of other JSON readers end at 2^53
  std::uint64_t value = 0;
};
// Until when somebody waits; without end is the last moment that a row can tell.
inline constexpr Timestamp kLastMoment = 253'402'300'799'999'999;  // of the year 9999

enum class RowKind : std::uint8_t {
  header, totals, pool, permit, waiter, called, agent, document, key, task, log, entry, event,
  trailer
};
inline constexpr std::size_t kRowKinds = 14;
std::string_view to_string(RowKind kind) noexcept;

// How many rows of each kind follow.
struct RowCounts {
  std::uint64_t pools = 0, permits = 0, waiters = 0, called = 0, agents = 0, documents = 0, keys = 0,
                tasks = 0, logs = 0, entries = 0, events = 0;
  friend bool operator==(const RowCounts&, const RowCounts&) = default;
};
template <class Archive>
void fields(Archive& a, RowCounts& r) {
  a.must("pools", r.pools);
  a.must("permits", r.permits);
  a.must("waiters", r.waiters);
  a.must("called", r.called);
  a.must("agents", r.agents);
  a.must("documents", r.documents);
  a.must("keys", r.keys);
  a.must("tasks", r.tasks);
  a.must("logs", r.logs);
  a.must("entries", r.entries);
  a.must("events", r.events);
}

inline constexpr std::string_view kSnapshotFormat = "aragora-snapshot";
inline constexpr std::uint32_t kSnapshotVersion = 1;

// The first row.
struct HeaderRow {
  static constexpr RowKind kKind = RowKind::header;
  FreeText format{kSnapshotFormat};
  std::uint32_t version = kSnapshotVersion;
  NameText tenant;
  Timestamp now = 0;               // the tables' time; what follows is as it was then
  RowCounts counts;
};
template <class Archive>
void fields(Archive& a, HeaderRow& r) {
  a.must("format", r.format);
  a.must("version", r.version);
  a.must("tenant", r.tenant);
  a.must("now", r.now);
  a.must("counts", r.counts);
}

// The last row.
struct TrailerRow {
  static constexpr RowKind kKind = RowKind::trailer;
  std::uint64_t lines = 0;         // before this one
  FreeText sha256;                 // of these, line ends included
};
template <class Archive>
void fields(Archive& a, TrailerRow& r) {
  a.must("lines", r.lines);
  a.must("sha256", r.sha256);
}

struct HistogramRow {
  std::vector<std::uint64_t> counts;
  double sum_seconds = 0;
};
template <class Archive>
void fields(Archive& a, HistogramRow& r) {
  a.must("counts", r.counts);
  a.must("sum_seconds", r.sum_seconds);
}

// What belongs to no record: the last numbers given out, and totals. One row, the second.
struct TotalsRow {
  static constexpr RowKind kKind = RowKind::totals;
  std::uint64_t next_serial = 1, last_position = 0;                       // tasks
  std::uint64_t submitted = 0, claimed = 0, retries = 0, crashes = 0, releases = 0, duplicates = 0,
                stale = 0, unservable = 0, failed_attempts = 0;
  std::vector<std::uint64_t> ended;                                       // by TaskState
  HistogramRow wait, duration;
  std::uint64_t last_agent = 0, agents_joined = 0, assignments = 0;       // agents
  std::uint64_t last_dropped = 0, puts = 0, conflicts = 0, deletes = 0, documents_expired = 0;
  std::uint64_t last_fence = 0, last_waiter = 0, granted = 0, permits_expired = 0, refused = 0;
  std::uint64_t last_dropped_entry = 0, appends = 0, trimmed = 0, losses = 0;  // logs
  std::uint64_t first_event = 1, last_event = 0;
};
template <class Archive>
void fields(Archive& a, TotalsRow& r) {
  a.must("next_serial", r.next_serial);
  a.must("last_position", r.last_position);
  a.must("submitted", r.submitted);
  a.must("claimed", r.claimed);
  a.must("retries", r.retries);
  a.must("crashes", r.crashes);
  a.must("releases", r.releases);
  a.must("duplicates", r.duplicates);
  a.must("stale", r.stale);
  a.must("unservable", r.unservable);
  a.must("failed_attempts", r.failed_attempts);
  a.must("ended", r.ended);
  a.must("wait", r.wait);
  a.must("duration", r.duration);
  a.must("last_agent", r.last_agent);
  a.must("agents_joined", r.agents_joined);
  a.must("assignments", r.assignments);
  a.must("last_dropped", r.last_dropped);
  a.must("puts", r.puts);
  a.must("conflicts", r.conflicts);
  a.must("deletes", r.deletes);
  a.must("documents_expired", r.documents_expired);
  a.must("last_fence", r.last_fence);
  a.must("last_waiter", r.last_waiter);
  a.must("granted", r.granted);
  a.must("permits_expired", r.permits_expired);
  a.must("refused", r.refused);
  a.must("last_dropped_entry", r.last_dropped_entry);
  a.must("appends", r.appends);
  a.must("trimmed", r.trimmed);
  a.must("losses", r.losses);
  a.must("first_event", r.first_event);
  a.must("last_event", r.last_event);
}

struct WeightRow {
  NameText owner;
  std::uint32_t weight = 1;
  double taken = 0;                // ÷ weight
};
template <class Archive>
void fields(Archive& a, WeightRow& r) {
  a.must("owner", r.owner);
  a.must("weight", r.weight);
  a.may("taken", r.taken);
}

struct PoolRow {
  static constexpr RowKind kKind = RowKind::pool;
  NameText name;
  PoolKind kind = PoolKind::count;
  std::uint64_t capacity = 0;
  std::uint32_t first = 0, last = 0;
  std::int64_t period_ms = 0;
  std::vector<WeightRow> weights;
  double taken = 0, virtual_time = 0;        // of owners without a weight; see WaitLines
  std::uint64_t used = 0;                    // not of a window
  std::int64_t slice = 0;                    // the current one of a window
  std::vector<std::uint64_t> slices;         // what was taken in it and those before it, oldest first
  std::vector<std::uint32_t> free;           // numbers, the one that is free the longest first
  std::uint64_t granted = 0, expired = 0;
  bool is_lease = false;
};
template <class Archive>
void fields(Archive& a, PoolRow& r) {
  a.must("name", r.name);
  a.must("kind", r.kind);
  a.must("capacity", r.capacity);
  a.may("first", r.first);
  a.may("last", r.last);
  a.must("period_ms", r.period_ms);
  a.may("weights", r.weights);
  a.may("taken", r.taken);
  a.may("virtual_time", r.virtual_time);
  a.may("used", r.used);
  a.may("slice", r.slice);
  a.may("slices", r.slices);
  a.may("free", r.free);
  a.may("granted", r.granted);
  a.may("expired", r.expired);
  a.may("is_lease", r.is_lease);
}

struct ShareRow {
  NameText pool;
  std::uint64_t amount = 0;
  std::int64_t slice = 0;
  std::vector<std::uint32_t> numbers;
};
template <class Archive>
void fields(Archive& a, ShareRow& r) {
  a.must("pool", r.pool);
  a.must("amount", r.amount);
  a.may("slice", r.slice);
  a.may("numbers", r.numbers);
}

struct PermitRow {
  static constexpr RowKind kKind = RowKind::permit;
  std::uint64_t fence = 0;
  PartyText owner;
  std::vector<ShareRow> shares;
  Timestamp acquired_at = 0, expires_at = 0;
  NameText operation;
  bool of_attempt = false;
};
template <class Archive>
void fields(Archive& a, PermitRow& r) {
  a.must("fence", r.fence);
  a.must("owner", r.owner);
  a.must("shares", r.shares);
  a.must("acquired_at", r.acquired_at);
  a.may("expires_at", r.expires_at);
  a.may("operation", r.operation);
  a.may("of_attempt", r.of_attempt);
}

struct NeedRow {
  NameText pool;
  std::uint64_t amount = 0;
};
template <class Archive>
void fields(Archive& a, NeedRow& r) {
  a.must("pool", r.pool);
  a.must("amount", r.amount);
}

// Who may take the tasks of a ready queue; its pools are those of the waiter's needs.
struct QueueRow {
  std::vector<NameText> required;
  PartyText directed;
  std::vector<NameText> excluded;
  Timestamp since = 0;             // it stands in line
};
template <class Archive>
void fields(Archive& a, QueueRow& r) {
  a.may("required", r.required);
  a.may("directed", r.directed);
  a.may("excluded", r.excluded);
  a.must("since", r.since);
}

// Who waits for permits: a caller, or a queue of tasks.
struct WaiterRow {
  static constexpr RowKind kKind = RowKind::waiter;
  std::uint64_t number = 0;        // of arrival
  NameText line;                   // the pool in whose line it stands
  std::uint32_t passed = 0;
  std::vector<NeedRow> needs;
  TaskPriority priority = TaskPriority::normal;
  NameText owner, operation;       // of a caller, as the next two
  std::int64_t ttl_us = 0;
  Timestamp waits_until = 0;
  std::optional<QueueRow> queue;
};
template <class Archive>
void fields(Archive& a, WaiterRow& r) {
  a.must("number", r.number);
  a.must("line", r.line);
  a.may("passed", r.passed);
  a.must("needs", r.needs);
  a.must("priority", r.priority);
  a.may("owner", r.owner);
  a.may("operation", r.operation);
  a.may("ttl_us", r.ttl_us);
  a.may("waits_until", r.waits_until);
  a.may("queue", r.queue);
}

// A queue of tasks whose turn came in a line, and from which nobody has claimed since. It may find
// too little after all, and then stands in its old place.
struct CalledRow {
  static constexpr RowKind kKind = RowKind::called;
  std::uint64_t number = 0;        // as a waiter's
  std::vector<NameText> required;
  PartyText directed;
  std::vector<NameText> excluded, pools;
};
template <class Archive>
void fields(Archive& a, CalledRow& r) {
  a.must("number", r.number);
  a.may("required", r.required);
  a.may("directed", r.directed);
  a.may("excluded", r.excluded);
  a.must("pools", r.pools);
}

struct LabelRow {
  LabelKeyText key;
  FreeText value;
};
template <class Archive>
void fields(Archive& a, LabelRow& r) {
  a.must("key", r.key);
  a.must("value", r.value);
}

struct BreakerRow {
  BreakerState state = BreakerState::closed;
  Timestamp since = 0;
  std::uint32_t consecutive = 0;
  bool trial = false;
  std::int64_t second = 0;              // of the newest outcomes
  std::vector<std::uint32_t> outcomes;  // triples: seconds before that, total, failed
};
template <class Archive>
void fields(Archive& a, BreakerRow& r) {
  a.must("state", r.state);
  a.may("since", r.since);
  a.may("consecutive", r.consecutive);
  a.may("trial", r.trial);
  a.may("second", r.second);
  a.may("outcomes", r.outcomes);
}

struct AgentRow {
  static constexpr RowKind kKind = RowKind::agent;
  NameText id;
  std::uint64_t serial = 0;        // in the order of first registration
  std::vector<NameText> capabilities;
  FreeText model, provider, endpoint, registered_by;
  JsonText metadata, metrics;
  std::vector<LabelRow> labels;
  std::uint32_t max_concurrency = 0;
  Hex64 incarnation;
  std::vector<Hex64> superseded;
  AgentStatus reported_status = AgentStatus::ready;
  HealthStatus reported_health = HealthStatus::healthy, announced = HealthStatus::healthy;
  HealthStatus probe = HealthStatus::unknown;
  bool offline = false, failed = false;
  Timestamp registered_at = 0, last_seen = 0, last_assigned = 0, status_since = 0, idle_since = 0,
            excused_until = 0;
  std::uint64_t order = 0;         // of its last assignment, or of joining
  std::uint64_t completed = 0, failures = 0, crashed = 0;
  double avg_latency_ms = 0;
  Timestamp last_probe = 0;
  std::uint32_t probe_failures = 0, probe_successes = 0;
  FreeText probe_error;
  BreakerRow breaker;
};
template <class Archive>
void fields(Archive& a, AgentRow& r) {
  a.must("id", r.id);
  a.must("serial", r.serial);
  a.may("capabilities", r.capabilities);
  a.may("model", r.model);
  a.may("provider", r.provider);
  a.may("endpoint", r.endpoint);
  a.may("registered_by", r.registered_by);
  a.may("metadata", r.metadata);
  a.may("metrics", r.metrics);
  a.may("labels", r.labels);
  a.must("max_concurrency", r.max_concurrency);
  a.must("incarnation", r.incarnation);
  a.may("superseded", r.superseded);
  a.must("reported_status", r.reported_status);
  a.must("reported_health", r.reported_health);
  a.must("announced", r.announced);
  a.must("probe", r.probe);
  a.may("offline", r.offline);
  a.may("failed", r.failed);
  a.must("registered_at", r.registered_at);
  a.must("last_seen", r.last_seen);
  a.may("last_assigned", r.last_assigned);
  a.must("status_since", r.status_since);
  a.may("idle_since", r.idle_since);
  a.may("excused_until", r.excused_until);
  a.must("order", r.order);
  a.may("completed", r.completed);
  a.may("failures", r.failures);
  a.may("crashed", r.crashed);
  a.may("avg_latency_ms", r.avg_latency_ms);
  a.may("last_probe", r.last_probe);
  a.may("probe_failures", r.probe_failures);
  a.may("probe_successes", r.probe_successes);
  a.may("probe_error", r.probe_error);
  a.must("breaker", r.breaker);
}

struct DocumentRow {
  static constexpr RowKind kKind = RowKind::document;
  NameText key;
  std::uint64_t version = 0;
  Timestamp created_at = 0, updated_at = 0, expires_at = 0;
  NameText operation;
  Hex64 digest;                    // of what that operation gave; see PutDocument::digest
  JsonText value;
};
template <class Archive>
void fields(Archive& a, DocumentRow& r) {
  a.must("key", r.key);
  a.must("version", r.version);
  a.must("created_at", r.created_at);
  a.must("updated_at", r.updated_at);
  a.may("expires_at", r.expires_at);
  a.may("operation", r.operation);
  a.may("digest", r.digest);
  a.must("value", r.value);
}

// A key whose task retention removed.
enum class KeyOf : std::uint8_t { task_id, idempotency_key, operation_id };
struct KeyRow {
  static constexpr RowKind kKind = RowKind::key;
  KeyOf of = KeyOf::task_id;
  KeyText key;
  TaskId task;
  Fingerprint fingerprint{};
  Timestamp expires = 0;
};
template <class Archive>
void fields(Archive& a, KeyRow& r) {
  a.must("of", r.of);
  a.must("key", r.key);
  a.must("task", r.task);
  a.must("fingerprint", r.fingerprint);
  a.must("expires", r.expires);
}

// The attempts of a task that was ever claimed, or ended with an error.
struct AttemptRow {
  std::uint32_t number = 0;        // of the current or last one
  Hex64 nonce, origin;
  PartyText agent;
  std::uint32_t ended = 0;         // the number of the last one that ended, as the next five
  Hex64 ended_nonce, ended_origin, ended_digest;
  PartyText ended_agent;
  Ended how = Ended::not_yet;
  Timestamp claimed_at = 0, started_at = 0, deadline = 0, lease_until = 0, cancel_at = 0;
  std::int64_t lease_ttl_us = 0;
  NameText claim_id;
  std::uint64_t permit = 0;        // the fence of what it needs of pools
  std::uint32_t failures = 0, crashes = 0;
  std::uint16_t releases_in_row = 0, rate_limited_in_row = 0;
  double fraction = 0;
  FreeText note, error;
  JsonText checkpoint, usage, result;
};
template <class Archive>
void fields(Archive& a, AttemptRow& r) {
  a.may("number", r.number);
  a.may("nonce", r.nonce);
  a.may("origin", r.origin);
  a.may("agent", r.agent);
  a.may("ended", r.ended);
  a.may("ended_nonce", r.ended_nonce);
  a.may("ended_origin", r.ended_origin);
  a.may("ended_digest", r.ended_digest);
  a.may("ended_agent", r.ended_agent);
  a.may("how", r.how);
  a.may("claimed_at", r.claimed_at);
  a.may("started_at", r.started_at);
  a.may("deadline", r.deadline);
  a.may("lease_until", r.lease_until);
  a.may("cancel_at", r.cancel_at);
  a.may("lease_ttl_us", r.lease_ttl_us);
  a.may("claim_id", r.claim_id);
  a.may("permit", r.permit);
  a.may("failures", r.failures);
  a.may("crashes", r.crashes);
  a.may("releases_in_row", r.releases_in_row);
  a.may("rate_limited_in_row", r.rate_limited_in_row);
  a.may("fraction", r.fraction);
  a.may("note", r.note);
  a.may("error", r.error);
  a.may("checkpoint", r.checkpoint);
  a.may("usage", r.usage);
  a.may("result", r.result);
}

struct TaskRow {
  static constexpr RowKind kKind = RowKind::task;
  TaskId id;
  bool named = false;              // by its caller: the id is a key
  std::uint64_t serial = 0;        // in the order of submission
  NameText type;
  TaskState state = TaskState::pending;
  TaskReason reason = TaskReason::none;
  Place place = Place::nowhere;    // of a ready one
  TaskPriority priority = TaskPriority::normal;
  Timestamp submitted_at = 0, since = 0, until = 0, first_ready = 0;
  std::uint64_t position = 0;      // in the order of becoming ready; 0 = never yet
  std::vector<NameText> required;
  PartyText directed;
  std::vector<NameText> excluded;
  std::vector<NeedRow> needs;
  std::int64_t timeout_us = 0, queue_timeout_us = 0, total_timeout_us = 0, delay_us = 0,
               max_delay_us = 0;
  double backoff = 1;
  std::uint32_t max_retries = 0;
  bool allow_failed_parents = false;
  NameText concurrency_key;
  std::uint32_t concurrency_limit = 0;
  std::vector<TaskId> depends_on;
  bool telling = false;            // it ended, and its dependents after `told_to` do not know yet
  std::uint64_t told_to = 0;       // a serial number
  bool cancel_requested = false;
  KeyText idempotency_key;
  NameText operation_id;
  std::optional<Fingerprint> fingerprint;  // of a task with keys
  TaskId replayed_from, original;
  std::vector<LabelRow> labels;
  FreeText trace;
  JsonText metadata, payload;
  std::optional<AttemptRow> attempt;
};
template <class Archive>
void fields(Archive& a, TaskRow& r) {
  a.must("id", r.id);
  a.may("named", r.named);
  a.must("serial", r.serial);
  a.must("type", r.type);
  a.must("state", r.state);
  a.may("reason", r.reason);
  a.may("place", r.place);
  a.must("priority", r.priority);
  a.must("submitted_at", r.submitted_at);
  a.must("since", r.since);
  a.may("until", r.until);
  a.may("first_ready", r.first_ready);
  a.may("position", r.position);
  a.may("required", r.required);
  a.may("directed", r.directed);
  a.may("excluded", r.excluded);
  a.may("needs", r.needs);
  a.must("timeout_us", r.timeout_us);
  a.may("queue_timeout_us", r.queue_timeout_us);
  a.may("total_timeout_us", r.total_timeout_us);
  a.may("delay_us", r.delay_us);
  a.may("max_delay_us", r.max_delay_us);
  a.must("backoff", r.backoff);
  a.may("max_retries", r.max_retries);
  a.may("allow_failed_parents", r.allow_failed_parents);
  a.may("concurrency_key", r.concurrency_key);
  a.may("concurrency_limit", r.concurrency_limit);
  a.may("depends_on", r.depends_on);
  a.may("telling", r.telling);
  a.may("told_to", r.told_to);
  a.may("cancel_requested", r.cancel_requested);
  a.may("idempotency_key", r.idempotency_key);
  a.may("operation_id", r.operation_id);
  a.may("fingerprint", r.fingerprint);
  a.may("replayed_from", r.replayed_from);
  a.may("original", r.original);
  a.may("labels", r.labels);
  a.may("trace", r.trace);
  a.may("metadata", r.metadata);
  a.may("payload", r.payload);
  a.may("attempt", r.attempt);
}

// A log, without its entries.
struct LogRow {
  static constexpr RowKind kKind = RowKind::log;
  NameText name;
  std::uint64_t max_entries = 0, max_bytes = 0;
  std::int64_t max_age_ms = 0;
  std::uint64_t begins_after = 0, first_seq = 0, last_seq = 0;
  Timestamp created_at = 0;
};
template <class Archive>
void fields(Archive& a, LogRow& r) {
  a.must("name", r.name);
  a.must("max_entries", r.max_entries);
  a.must("max_bytes", r.max_bytes);
  a.may("max_age_ms", r.max_age_ms);
  a.may("begins_after", r.begins_after);
  a.must("first_seq", r.first_seq);
  a.must("last_seq", r.last_seq);
  a.must("created_at", r.created_at);
}

// One entry of a log; after the row of that, and in order.
struct EntryRow {
  static constexpr RowKind kKind = RowKind::entry;
  NameText log;
  std::uint64_t seq = 0;
  Timestamp time = 0;
  NameText operation;
  JsonText value;
};
template <class Archive>
void fields(Archive& a, EntryRow& r) {
  a.must("log", r.log);
  a.must("seq", r.seq);
  a.must("time", r.time);
  a.may("operation", r.operation);
  a.must("value", r.value);
}

// One event of the history.
struct EventRow {
  static constexpr RowKind kKind = RowKind::event;
  std::uint64_t seq = 0;
  EventType type = EventType::task_submitted;
  TaskReason reason = TaskReason::none;
  Timestamp time = 0;
  TaskId task;                     // the subject, if it is a task with a made id
  FreeText subject;                // the subject otherwise
  std::uint32_t attempt = 0;
  FreeText agent, kind, text;
  std::optional<bool> will_retry;
  Timestamp until = 0;
  std::optional<double> fraction;
  FreeText other;
  std::uint64_t count = 0;
  FreeText trace;
  std::uint64_t fence = 0;
  std::vector<LabelRow> labels;
};
template <class Archive>
void fields(Archive& a, EventRow& r) {
  a.must("seq", r.seq);
  a.must("type", r.type);
  a.may("reason", r.reason);
  a.must("time", r.time);
  a.may("task", r.task);
  a.may("subject", r.subject);
  a.may("attempt", r.attempt);
  a.may("agent", r.agent);
  a.may("kind", r.kind);
  a.may("text", r.text);
  a.may("will_retry", r.will_retry);
  a.may("until", r.until);
  a.may("fraction", r.fraction);
  a.may("other", r.other);
  a.may("count", r.count);
  a.may("trace", r.trace);
  a.may("fence", r.fence);
  a.may("labels", r.labels);
}

}  // namespace controlplane
