// What every operation requires of its input, and what is prepared once for the store.
// Thread safety: pure functions.
// Errors: invalid_argument naming the field, its value and the rule.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/event.hpp"
#include "controlplane/health_monitor.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"
#include "controlplane/task_scheduler.hpp"
#include "coordinator/checks.hpp"
#include "engine/operations.hpp"

namespace controlplane {

void check_spec(Checks& checks, const TaskSpec& spec);
void check_claim(Checks& checks, const ClaimRequest& request);
void check_completion(Checks& checks, const Completion& completion);
void check_failure(Checks& checks, const Failure& failure);
void check_progress(Checks& checks, const Progress& progress);
void check_task_filter(Checks& checks, const TaskFilter& filter);
void check_page(Checks& checks, const PageRequest& page);
// Of what is named and begins with `prefix`, in the order of the names.
void check_page(Checks& checks, std::string_view prefix, const PageRequest& page);
void check_replay(Checks& checks, const TaskId& id, const ReplayOptions& options);

void check_agent(Checks& checks, const AgentSpec& spec);
void check_heartbeat(Checks& checks, std::string_view agent_id, const HeartbeatReport& report);
void check_agent_filter(Checks& checks, const AgentFilter& filter);
void check_selection(Checks& checks, const SelectRequest& request);
void check_probe(Checks& checks, const ProbeSpec& spec);

void check_pool(Checks& checks, const PoolSpec& spec);
void check_acquire(Checks& checks, const AcquireRequest& request);
void check_needs(Checks& checks, std::string_view what, const std::vector<PermitNeed>& needs,
                 std::uint64_t least);  // pools and, of each, the amount
void check_permit(Checks& checks, const PermitRef& permit);
void check_ttl(Checks& checks, std::chrono::milliseconds ttl);

// Names an attempt by lease or, weaker, by agent.
inline void check_attempt(Checks& checks, const AttemptRef& attempt) {
  checks.task_id("task_id", attempt.task_id);
  checks.optional_name("agent_id", attempt.agent_id);
  checks.rule(!attempt.lease.empty() || !attempt.agent_id.empty(), [&] {
    return "task " + attempt.task_id.str() + ": neither a lease nor an agent_id is given";
  });
}

// What a usage says of pools: the members of an object that are whole numbers of at least 0.
std::vector<PermitNeed> used_of(const Json& usage);

// The spec as given, without its trace: what a repeated key must match.
Fingerprint fingerprint_of(const TaskSpec& spec);

// What a repeated end must match.
std::uint64_t digest_of(const Completion& completion) noexcept;
std::uint64_t digest_of(const Failure& failure) noexcept;
inline constexpr std::uint64_t release_digest() noexcept { return 1; }

}  // namespace controlplane
