// What a caller asks for, from C to C++.
// Thread safety: pure functions.
// Errors: a Refusal for what C++ could not hold; the rest is checked by the operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "controlplane.h"
#include "controlplane/controlplane.hpp"

namespace controlplane::capi {

// The items of a batch. One that C++ could not hold fails alone, like one that breaks another rule.
template <class T>
struct Batch {
  std::vector<T> items;
  std::vector<std::pair<std::size_t, Error>> refused;  // by place in what was given, ascending
};

TaskSpec spec_of(const cp_task_spec* given, const Limits& limits);
Batch<TaskSpec> specs_of(const cp_task_spec* given, std::size_t count, const Limits& limits);
// Into a request that was used before, whose memory serves again.
void fill(ClaimRequest& request, const cp_claim_request* given, const Limits& limits);
AttemptRef attempt_of(const cp_attempt* given);
Batch<AttemptRef> attempts_of(const cp_attempt* given, std::size_t count, const Limits& limits);
Progress progress_of(const cp_progress_request* given, const Limits& limits);
Completion completion_of(const cp_complete_request* given, const Limits& limits);
Batch<Completion> completions_of(const cp_complete_request* given, std::size_t count,
                                 const Limits& limits);
Failure failure_of(const cp_fail_request* given, const Limits& limits);
Batch<Failure> failures_of(const cp_fail_request* given, std::size_t count, const Limits& limits);
TaskFilter filter_of(const cp_task_filter* given);
PageRequest page_of(const cp_page_request* given);
ReplayOptions replay_of(const cp_replay_options* given);

AgentSpec spec_of(const cp_agent_spec* given, const Limits& limits);
HeartbeatReport report_of(const cp_heartbeat_report* given, const Limits& limits);
AgentFilter filter_of(const cp_agent_filter* given, const Limits& limits);
SelectRequest request_of(const cp_select_request* given, const Limits& limits);
WorkerOptions options_of(const cp_worker_options* given, const Limits& limits);
DistributorOptions options_of(const cp_distributor_options* given, const Limits& limits);

ProbeSpec spec_of(const cp_probe_spec* given);
EventFilter filter_of(const cp_event_filter* given);
SubscribeOptions options_of(const cp_subscribe_options* given);

std::vector<PermitNeed> needs_of(const char* what, const cp_permit_need* items, std::size_t count,
                                 const Limits& limits);
PoolSpec spec_of(const cp_pool_spec* given, const Limits& limits);
AcquireRequest request_of(const cp_acquire_request* given, const Limits& limits);
PermitRef permit_of(const cp_permit_ref* given);

LeaseOptions options_of(const cp_lease_options* given, const Limits& limits);
ElectionOptions options_of(const cp_election_options* given);

SendOptions options_of(const cp_message_spec* given);
ReceiveOptions options_of(const cp_receive_options* given, const Limits& limits);
RejectOptions options_of(const cp_reject_options* given);
// What was received, from the view that this library made of it.
Message message_of(const cp_message* given);

PutOptions options_of(const cp_put_options* given);
UpdateOptions options_of(const cp_update_options* given);
LogBounds bounds_of(const cp_log_bounds* given);
LogTrim trim_of(const cp_log_trim_request* given);
std::optional<std::uint64_t> version_of(std::uint64_t expected);

}  // namespace controlplane::capi
