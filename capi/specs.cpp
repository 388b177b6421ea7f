#include "capi/specs.hpp"

#include <functional>

#include "capi/defaults.hpp"
#include "capi/input.hpp"

namespace controlplane::capi {
namespace {

// Types in one filter; no limit of the library counts them.
constexpr std::size_t kMaxTypes = 1'024;

std::vector<std::string> capabilities(const char* what, const char* const* items, std::size_t count,
                                      const Limits& limits) {
  return texts(what, items, count, limits.max_capabilities, "max_capabilities");
}

std::vector<std::string> excluded(const char* const* items, std::size_t count,
                                  const Limits& limits) {
  return texts("exclude", items, count, limits.max_excluded_agents, "max_excluded_agents");
}

Json metadata(const char* bytes, std::size_t length, const Limits& limits) {
  return json("metadata", bytes, length, limits.max_metadata_bytes, "max_metadata_bytes");
}

Json usage(const char* bytes, std::size_t length, const Limits& limits) {
  return json("usage", bytes, length, limits.max_usage_bytes, "max_usage_bytes");
}

template <class Enum>
std::optional<Enum> optional_number(const char* what, std::int32_t value, Enum last) {
  if (value == CP_UNSET) return std::nullopt;
  return number(what, value, last);
}

std::optional<std::chrono::milliseconds> optional_duration(std::uint64_t ms) {
  if (ms == CP_UNSET_MS) return std::nullopt;
  return duration(ms);
}

std::function<void(const Error&)> teller_of(cp_lease_lost_callback tell, void* user_data) {
  return [tell, user_data](const Error& why) {
    tell(status_of(why.code), why.to_string().c_str(), user_data);
  };
}

// The items at `place(0)`, `place(1)`, …, each converted by `convert`.
template <class Out>
Batch<Out> batch(const char* what, const void* given, std::size_t count, const Limits& limits,
                 auto&& place, auto&& convert) {
  Batch<Out> all;
  check_count(what, given, count, limits.max_batch, "max_batch");
  all.items.reserve(count);
  for (std::size_t at = 0; at < count; ++at) {
    const auto* in = place(at);  // what is wrong here is wrong with the whole array
    try {
      all.items.push_back(convert(in));
    } catch (Refusal& refusal) {
      all.refused.emplace_back(at, std::move(refusal.error));
    }
  }
  return all;
}

template <class Out, class In>
Batch<Out> batch(const char* what, const In* given, std::size_t count, const Limits& limits,
                 Out (*convert)(const In*, const Limits&)) {
  return batch<Out>(
      what, given, count, limits, [&](std::size_t at) { return item(given, at); },
      [&](const In* in) { return convert(in, limits); });
}

// What is not given is left as it was, empty.
void set(std::string& out, const char* given) {
  if (given != nullptr) out = given;
}

// Most specs have none of it: then it costs a look.
void fill_rare(TaskSpec& spec, const cp_task_spec& in, const Limits& limits) {
  if (in.task_id != nullptr) spec.task_id = in.task_id;
  set(spec.idempotency_key, in.idempotency_key);
  set(spec.agent_id, in.agent_id);
  if (in.exclude_count > 0) spec.exclude = excluded(in.exclude, in.exclude_count, limits);
  if (in.depends_on_count > 0) {
    spec.depends_on = task_ids("depends_on", in.depends_on, in.depends_on_count, limits.max_parents,
                               "max_parents");
  }
  set(spec.concurrency_key, in.concurrency_key);
  spec.concurrency_limit = small("concurrency_limit", in.concurrency_limit);
  if (in.metadata_length > 0) spec.metadata = metadata(in.metadata, in.metadata_length, limits);
  if (in.label_count > 0) spec.labels = labels(in.labels, in.label_count, limits);
  set(spec.trace, in.trace);
  if (in.need_count > 0) spec.needs = needs_of("needs", in.needs, in.need_count, limits);
}

}  // namespace

TaskSpec spec_of(const cp_task_spec* given, const Limits& limits) {
  const Input<cp_task_spec> in(given);
  TaskSpec spec;  // member by member: as an aggregate all of it would be cleared first
  spec.task_type = text(in->task_type);
  spec.payload = json("payload", in->payload, in->payload_length, limits.max_payload_bytes,
                      "max_payload_bytes");
  spec.required_capabilities = capabilities("required_capabilities", in->required_capabilities,
                                            in->required_capability_count, limits);
  spec.priority = number("priority", in->priority, TaskPriority::low);
  if (in->max_retries != CP_UNSET) spec.retry.max_retries = in->max_retries;
  spec.retry.delay = duration(in->retry_delay_ms);
  spec.retry.max_delay = duration(in->retry_max_delay_ms);
  spec.retry.backoff = in->retry_backoff;
  spec.timeout = optional_duration(in->timeout_ms);
  spec.queue_timeout = duration(in->queue_timeout_ms);
  spec.total_timeout = duration(in->total_timeout_ms);
  spec.delay = duration(in->delay_ms);
  spec.allow_failed_parents = flag("allow_failed_parents", in->allow_failed_parents);
  fill_rare(spec, *in.operator->(), limits);
  return spec;
}

Batch<TaskSpec> specs_of(const cp_task_spec* given, std::size_t count, const Limits& limits) {
  return batch<TaskSpec, cp_task_spec>("specs", given, count, limits, spec_of);
}

void fill(ClaimRequest& request, const cp_claim_request* given, const Limits& limits) {
  const Input<cp_claim_request> in(given);
  renew(request.agent_id, in->agent_id);
  fill(request.capabilities, "capabilities", in->capabilities, in->capability_count,
       limits.max_capabilities, "max_capabilities");
  request.max_tasks = in->max_tasks;
  request.wait = wait_time(in->wait_ms, limits);
  request.lease_ttl = duration(in->lease_ttl_ms);
  renew(request.claim_id, in->claim_id);
  request.incarnation = in->incarnation;
}

AttemptRef attempt_of(const cp_attempt* given) {
  require(given, "attempt");
  return {.task_id = view(given->task_id),
          .lease = Lease(small("lease.attempt", given->lease.attempt), given->lease.nonce),
          .agent_id = text(given->agent_id)};
}

Batch<AttemptRef> attempts_of(const cp_attempt* given, std::size_t count, const Limits& limits) {
  return batch<AttemptRef>(
      "attempts", given, count, limits, [&](std::size_t at) { return given + at; }, attempt_of);
}

Progress progress_of(const cp_progress_request* given, const Limits& limits) {
  const Input<cp_progress_request> in(given);
  return {.attempt = attempt_of(&in->attempt),
          .fraction = in->fraction,
          .note = text(in->note),
          .data = json("data", in->data, in->data_length, limits.max_checkpoint_bytes,
                       "max_checkpoint_bytes")};
}

Completion completion_of(const cp_complete_request* given, const Limits& limits) {
  const Input<cp_complete_request> in(given);
  return {.attempt = attempt_of(&in->attempt),
          .result = json("result", in->result, in->result_length, limits.max_result_bytes,
                         "max_result_bytes"),
          .usage = usage(in->usage, in->usage_length, limits)};
}

Batch<Completion> completions_of(const cp_complete_request* given, std::size_t count,
                                 const Limits& limits) {
  return batch<Completion, cp_complete_request>("requests", given, count, limits, completion_of);
}

Failure failure_of(const cp_fail_request* given, const Limits& limits) {
  const Input<cp_fail_request> in(given);
  return {.attempt = attempt_of(&in->attempt),
          .error = text(in->error),
          .kind = number("kind", in->kind, FailKind::rate_limited),
          .retry_after = duration(in->retry_after_ms),
          .usage = usage(in->usage, in->usage_length, limits)};
}

Batch<Failure> failures_of(const cp_fail_request* given, std::size_t count, const Limits& limits) {
  return batch<Failure, cp_fail_request>("requests", given, count, limits, failure_of);
}

TaskFilter filter_of(const cp_task_filter* given) {
  const auto in = Input<cp_task_filter>::optional(given);
  return {.state = optional_number("state", in->state, TaskState::timeout),
          .reason = optional_number("reason", in->reason, TaskReason::total),
          .task_type = text(in->task_type),
          .agent_id = text(in->agent_id),
          .required_capability = text(in->required_capability),
          .label_key = text(in->label_key),
          .label_value = text(in->label_value),
          .submitted_before = in->submitted_before_us,
          .submitted_after = in->submitted_after_us,
          .dead_letters = flag("dead_letters", in->dead_letters)};
}

PageRequest page_of(const cp_page_request* given) {
  const auto in = Input<cp_page_request>::optional(given);
  return {.cursor = text(in->cursor), .max_items = in->max_items};
}

ReplayOptions replay_of(const cp_replay_options* given) {
  const auto in = Input<cp_replay_options>::optional(given);
  return {.with_dependents = flag("with_dependents", in->with_dependents),
          .operation_id = text(in->operation_id)};
}

AgentSpec spec_of(const cp_agent_spec* given, const Limits& limits) {
  const Input<cp_agent_spec> in(given);
  return {
      .agent_id = text(in->agent_id),
      .capabilities = capabilities("capabilities", in->capabilities, in->capability_count, limits),
      .model = text(in->model),
      .provider = text(in->provider),
      .endpoint = text(in->endpoint),
      .metadata = metadata(in->metadata, in->metadata_length, limits),
      .labels = labels(in->labels, in->label_count, limits),
      .max_concurrency = small("max_concurrency", in->max_concurrency),
      .status = number("status", in->status, AgentStatus::failed),
      .incarnation = in->incarnation};
}

HeartbeatReport report_of(const cp_heartbeat_report* given, const Limits& limits) {
  const auto in = Input<cp_heartbeat_report>::optional(given);
  return {.status = optional_number("status", in->status, AgentStatus::failed),
          .health = optional_number("health", in->health, HealthStatus::unknown),
          .metrics = json("metrics", in->metrics, in->metrics_length, limits.max_metrics_bytes,
                          "max_metrics_bytes"),
          .incarnation = in->incarnation};
}

AgentFilter filter_of(const cp_agent_filter* given, const Limits& limits) {
  const auto in = Input<cp_agent_filter>::optional(given);
  return {
      .capabilities = capabilities("capabilities", in->capabilities, in->capability_count, limits),
      .status = optional_number("status", in->status, AgentStatus::failed),
      .label_key = text(in->label_key),
      .label_value = text(in->label_value),
      .available_only = flag("available_only", in->available_only),
      .seen_before = in->seen_before_us};
}

SelectRequest request_of(const cp_select_request* given, const Limits& limits) {
  const auto in = Input<cp_select_request>::optional(given);
  return {
      .capabilities = capabilities("capabilities", in->capabilities, in->capability_count, limits),
      .strategy = number("strategy", in->strategy, SelectionStrategy::capability_match),
      .exclude = excluded(in->exclude, in->exclude_count, limits)};
}

WorkerOptions options_of(const cp_worker_options* given, const Limits& limits) {
  const Input<cp_worker_options> in(given);
  return {
      .agent_id = text(in->agent_id),
      .capabilities = capabilities("capabilities", in->capabilities, in->capability_count, limits),
      .concurrency = in->concurrency,
      .model = text(in->model),
      .provider = text(in->provider),
      .endpoint = text(in->endpoint),
      .metadata = metadata(in->metadata, in->metadata_length, limits),
      .labels = labels(in->labels, in->label_count, limits),
      .lease_ttl = duration(in->lease_ttl_ms),
      .heartbeat_interval = duration(in->heartbeat_interval_ms),
      .drain_timeout = duration(in->drain_timeout_ms)};
}

DistributorOptions options_of(const cp_distributor_options* given, const Limits& limits) {
  const Input<cp_distributor_options> in(given);
  return {
      .agent_id = text(in->agent_id),
      .capabilities = capabilities("capabilities", in->capabilities, in->capability_count, limits),
      .concurrency = in->concurrency,
      .labels = labels(in->labels, in->label_count, limits),
      .candidate = text(in->candidate),
      .leader_ttl = duration(in->leader_ttl_ms),
      .lease_ttl = duration(in->lease_ttl_ms),
      .drain_timeout = duration(in->drain_timeout_ms)};
}

ProbeSpec spec_of(const cp_probe_spec* given) {
  const Input<cp_probe_spec> in(given);
  ProbeSpec spec{.name = text(in->name),
                 .agent_id = text(in->agent_id),
                 .http_url = text(in->http_url),
                 .tcp_address = text(in->tcp_address),
                 .interval = duration(in->interval_ms),
                 .timeout = duration(in->timeout_ms),
                 .failure_threshold = in->failure_threshold,
                 .success_threshold = small("success_threshold", in->success_threshold)};
  if (in->callback != nullptr) {
    spec.callback = [ask = in->callback, user_data = in->user_data] { return ask(user_data) != 0; };
  }
  return spec;
}

EventFilter filter_of(const cp_event_filter* given) {
  const auto in = Input<cp_event_filter>::optional(given);
  return {.types = texts("types", in->types, in->type_count, kMaxTypes, "max_types"),
          .exclude_types = texts("exclude_types", in->exclude_types, in->exclude_type_count,
                                 kMaxTypes, "max_types"),
          .subject = text(in->subject),
          .label_key = text(in->label_key),
          .label_value = text(in->label_value)};
}

SubscribeOptions options_of(const cp_subscribe_options* given) {
  const auto in = Input<cp_subscribe_options>::optional(given);
  return {.filter = filter_of(in->filter),
          .after = in->after,
          .from_start = flag("from_start", in->from_start),
          .buffer = in->buffer};
}

std::optional<std::uint64_t> version_of(std::uint64_t expected) {
  if (expected == CP_ANY_VERSION) return std::nullopt;
  return expected;
}

PutOptions options_of(const cp_put_options* given) {
  const auto in = Input<cp_put_options>::optional(given);
  return {.expected_version = version_of(in->expected_version),
          .ttl = optional_duration(in->ttl_ms),
          .operation_id = text(in->operation_id)};
}

UpdateOptions options_of(const cp_update_options* given) {
  const auto in = Input<cp_update_options>::optional(given);
  return {.ttl = optional_duration(in->ttl_ms), .max_tries = in->max_tries};
}

LogBounds bounds_of(const cp_log_bounds* given) {
  const auto in = Input<cp_log_bounds>::optional(given);
  return {in->max_entries, in->max_bytes, duration(in->max_age_ms)};
}

LogTrim trim_of(const cp_log_trim_request* given) {
  const Input<cp_log_trim_request> in(given);
  LogTrim trim;
  if (in->before != 0) trim.before = in->before;
  if (in->max_entries != CP_UNLIMITED) trim.max_entries = in->max_entries;
  if (in->max_bytes != CP_UNLIMITED) trim.max_bytes = in->max_bytes;
  trim.max_age = optional_duration(in->max_age_ms);
  return trim;
}

std::vector<PermitNeed> needs_of(const char* what, const cp_permit_need* items, std::size_t count,
                                 const Limits& limits) {
  check_count(what, items, count, limits.max_needs, "max_needs");
  std::vector<PermitNeed> all;
  all.reserve(count);
  for (std::size_t at = 0; at < count; ++at)
    all.push_back({text(items[at].pool), items[at].amount});
  return all;
}

PoolSpec spec_of(const cp_pool_spec* given, const Limits& limits) {
  const Input<cp_pool_spec> in(given);
  PoolSpec spec{.name = text(in->name),
                .kind = number("kind", in->kind, PoolKind::budget),
                .capacity = in->capacity,
                .first = in->first,
                .last = in->last,
                .period = duration(in->period_ms)};
  check_count("weights", in->weights, in->weight_count, limits.max_weights, "max_weights");
  spec.weights.reserve(in->weight_count);
  for (std::size_t at = 0; at < in->weight_count; ++at) {
    spec.weights.emplace_back(view(in->weights[at].owner), small("weight", in->weights[at].weight));
  }
  return spec;
}

AcquireRequest request_of(const cp_acquire_request* given, const Limits& limits) {
  const Input<cp_acquire_request> in(given);
  return {.needs = needs_of("needs", in->needs, in->need_count, limits),
          .owner = text(in->owner),
          .ttl = duration(in->ttl_ms),
          .wait = wait_time(in->wait_ms, limits),
          .priority = number("priority", in->priority, TaskPriority::low),
          .operation_id = text(in->operation_id)};
}

PermitRef permit_of(const cp_permit_ref* given) {
  require(given, "permit");
  return {.fence = given->fence, .owner = text(given->owner)};
}

LeaseOptions options_of(const cp_lease_options* given, const Limits& limits) {
  const Input<cp_lease_options> in(given);
  LeaseOptions options{.owner = text(in->owner),
                       .ttl = duration(in->ttl_ms),
                       .wait = wait_time(in->wait_ms, limits),
                       .priority = number("priority", in->priority, TaskPriority::low),
                       .auto_renew = flag("auto_renew", in->auto_renew),
                       .max_hold = duration(in->max_hold_ms)};
  if (in->on_lost != nullptr) options.on_lost = teller_of(in->on_lost, in->user_data);
  return options;
}

ElectionOptions options_of(const cp_election_options* given) {
  const Input<cp_election_options> in(given);
  ElectionOptions options{
      .name = text(in->name), .candidate = text(in->candidate), .ttl = duration(in->ttl_ms)};
  if (in->on_elected != nullptr) {
    options.on_elected = [tell = in->on_elected, user_data = in->user_data](std::uint64_t epoch) {
      tell(epoch, user_data);
    };
  }
  if (in->on_lost != nullptr) options.on_lost = teller_of(in->on_lost, in->user_data);
  return options;
}

SendOptions options_of(const cp_message_spec* given) {
  const Input<cp_message_spec> in(given);
  return {.ttl = duration(in->ttl_ms),
          .correlation_id = text(in->correlation_id),
          .operation_id = text(in->operation_id),
          .max_deliveries = in->max_deliveries};
}

ReceiveOptions options_of(const cp_receive_options* given, const Limits& limits) {
  const auto in = Input<cp_receive_options>::optional(given);
  return {.max_messages = in->max_messages,
          .wait = wait_time(in->wait_ms, limits),
          .visibility = duration(in->visibility_ms)};
}

RejectOptions options_of(const cp_reject_options* given) {
  const auto in = Input<cp_reject_options>::optional(given);
  return {.redeliver = flag("redeliver", in->redeliver),
          .retry_after = duration(in->retry_after_ms)};
}

Message message_of(const cp_message* given) {
  require(given, "message");
  Message message;
  message.id = view(given->message_id);
  message.from = text(given->from);
  message.to = text(given->to);
  message.type = text(given->type);
  message.correlation_id = text(given->correlation_id);
  message.lease = Lease(small("lease.attempt", given->attempt.lease.attempt),
                        given->attempt.lease.nonce);
  return message;
}

}  // namespace controlplane::capi
