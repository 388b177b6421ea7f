// The defaults that controlplane.h promises, one line per struct that callers fill.
// Thread safety: pure. Errors: none.
#pragma once

#include "capi/input.hpp"
#include "controlplane.h"

namespace controlplane::capi {

template <>
struct Defaults<cp_page_request> {
  static constexpr const char* name = "cp_page_request";
  static cp_page_request make() noexcept { return CP_PAGE_REQUEST_INIT; }
};
template <>
struct Defaults<cp_secret_key> {
  static constexpr const char* name = "cp_secret_key";
  static cp_secret_key make() noexcept { return CP_SECRET_KEY_INIT; }
};
template <>
struct Defaults<cp_retention> {
  static constexpr const char* name = "cp_retention";
  static cp_retention make() noexcept { return CP_RETENTION_INIT; }
};
template <>
struct Defaults<cp_limits> {
  static constexpr const char* name = "cp_limits";
  static cp_limits make() noexcept { return CP_LIMITS_INIT; }
};
template <>
struct Defaults<cp_options> {
  static constexpr const char* name = "cp_options";
  static cp_options make() noexcept { return CP_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_queue_options> {
  static constexpr const char* name = "cp_queue_options";
  static cp_queue_options make() noexcept { return CP_QUEUE_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_agent_spec> {
  static constexpr const char* name = "cp_agent_spec";
  static cp_agent_spec make() noexcept { return CP_AGENT_SPEC_INIT; }
};
template <>
struct Defaults<cp_heartbeat_report> {
  static constexpr const char* name = "cp_heartbeat_report";
  static cp_heartbeat_report make() noexcept { return CP_HEARTBEAT_REPORT_INIT; }
};
template <>
struct Defaults<cp_agent_filter> {
  static constexpr const char* name = "cp_agent_filter";
  static cp_agent_filter make() noexcept { return CP_AGENT_FILTER_INIT; }
};
template <>
struct Defaults<cp_select_request> {
  static constexpr const char* name = "cp_select_request";
  static cp_select_request make() noexcept { return CP_SELECT_REQUEST_INIT; }
};
template <>
struct Defaults<cp_task_spec> {
  static constexpr const char* name = "cp_task_spec";
  static cp_task_spec make() noexcept { return CP_TASK_SPEC_INIT; }
};
template <>
struct Defaults<cp_claim_request> {
  static constexpr const char* name = "cp_claim_request";
  static cp_claim_request make() noexcept { return CP_CLAIM_REQUEST_INIT; }
};
template <>
struct Defaults<cp_progress_request> {
  static constexpr const char* name = "cp_progress_request";
  static cp_progress_request make() noexcept { return CP_PROGRESS_REQUEST_INIT; }
};
template <>
struct Defaults<cp_complete_request> {
  static constexpr const char* name = "cp_complete_request";
  static cp_complete_request make() noexcept { return CP_COMPLETE_REQUEST_INIT; }
};
template <>
struct Defaults<cp_fail_request> {
  static constexpr const char* name = "cp_fail_request";
  static cp_fail_request make() noexcept { return CP_FAIL_REQUEST_INIT; }
};
template <>
struct Defaults<cp_task_filter> {
  static constexpr const char* name = "cp_task_filter";
  static cp_task_filter make() noexcept { return CP_TASK_FILTER_INIT; }
};
template <>
struct Defaults<cp_replay_options> {
  static constexpr const char* name = "cp_replay_options";
  static cp_replay_options make() noexcept { return CP_REPLAY_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_probe_spec> {
  static constexpr const char* name = "cp_probe_spec";
  static cp_probe_spec make() noexcept { return CP_PROBE_SPEC_INIT; }
};
template <>
struct Defaults<cp_event_filter> {
  static constexpr const char* name = "cp_event_filter";
  static cp_event_filter make() noexcept { return CP_EVENT_FILTER_INIT; }
};
template <>
struct Defaults<cp_subscribe_options> {
  static constexpr const char* name = "cp_subscribe_options";
  static cp_subscribe_options make() noexcept { return CP_SUBSCRIBE_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_worker_options> {
  static constexpr const char* name = "cp_worker_options";
  static cp_worker_options make() noexcept { return CP_WORKER_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_distributor_options> {
  static constexpr const char* name = "cp_distributor_options";
  static cp_distributor_options make() noexcept { return CP_DISTRIBUTOR_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_put_options> {
  static constexpr const char* name = "cp_put_options";
  static cp_put_options make() noexcept { return CP_PUT_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_update_options> {
  static constexpr const char* name = "cp_update_options";
  static cp_update_options make() noexcept { return CP_UPDATE_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_log_bounds> {
  static constexpr const char* name = "cp_log_bounds";
  static cp_log_bounds make() noexcept { return CP_LOG_BOUNDS_INIT; }
};
template <>
struct Defaults<cp_log_trim_request> {
  static constexpr const char* name = "cp_log_trim_request";
  static cp_log_trim_request make() noexcept { return CP_LOG_TRIM_REQUEST_INIT; }
};
template <>
struct Defaults<cp_pool_spec> {
  static constexpr const char* name = "cp_pool_spec";
  static cp_pool_spec make() noexcept { return CP_POOL_SPEC_INIT; }
};
template <>
struct Defaults<cp_acquire_request> {
  static constexpr const char* name = "cp_acquire_request";
  static cp_acquire_request make() noexcept { return CP_ACQUIRE_REQUEST_INIT; }
};
template <>
struct Defaults<cp_lease_options> {
  static constexpr const char* name = "cp_lease_options";
  static cp_lease_options make() noexcept { return CP_LEASE_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_election_options> {
  static constexpr const char* name = "cp_election_options";
  static cp_election_options make() noexcept { return CP_ELECTION_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_message_spec> {
  static constexpr const char* name = "cp_message_spec";
  static cp_message_spec make() noexcept { return CP_MESSAGE_SPEC_INIT; }
};
template <>
struct Defaults<cp_receive_options> {
  static constexpr const char* name = "cp_receive_options";
  static cp_receive_options make() noexcept { return CP_RECEIVE_OPTIONS_INIT; }
};
template <>
struct Defaults<cp_reject_options> {
  static constexpr const char* name = "cp_reject_options";
  static cp_reject_options make() noexcept { return CP_REJECT_OPTIONS_INIT; }
};

}  // namespace controlplane::capi
