#include "engine/agent_record.hpp"

namespace controlplane {

Verdict verdict_of(AttemptOutcome outcome) noexcept {
  switch (outcome) {
    case AttemptOutcome::completed: return Verdict::success;
    case AttemptOutcome::failed:
    case AttemptOutcome::crashed:
    case AttemptOutcome::exec_timeout: return Verdict::failure;
    case AttemptOutcome::fatal: return Verdict::answered;
    case AttemptOutcome::rate_limited:
    case AttemptOutcome::released:
    case AttemptOutcome::cancelled:
    case AttemptOutcome::superseded: return Verdict::nothing;
  }
  return Verdict::nothing;
}

void count_outcome(AgentRecord& agent, AttemptOutcome outcome, std::int64_t latency_us) noexcept {
  switch (outcome) {
    case AttemptOutcome::completed: {
      const double ms = static_cast<double>(latency_us) / 1000.0;
      if (agent.completed++ == 0) agent.avg_latency_ms = ms;
      else agent.avg_latency_ms += (ms - agent.avg_latency_ms) / 8.0;
      break;
    }
    case AttemptOutcome::failed:
    case AttemptOutcome::fatal:
    case AttemptOutcome::exec_timeout: ++agent.failures; break;
    case AttemptOutcome::crashed:
    case AttemptOutcome::superseded: ++agent.crashed; break;
    case AttemptOutcome::rate_limited:
    case AttemptOutcome::released:
    case AttemptOutcome::cancelled: break;
  }
}

namespace {

void count_good_probe(AgentRecord& agent, std::uint32_t threshold) noexcept {
  agent.probe_failures = 0;
  ++agent.probe_successes;
  const bool first = agent.probe == HealthStatus::unknown;  // it never failed: nothing to prove
  if (!first && agent.probe_successes < threshold) return;
  agent.probe = HealthStatus::healthy;
  agent.failed = false;
}

// Unhealthy holds until enough are good: one failure must not look like an improvement.
void count_bad_probe(AgentRecord& agent, std::uint32_t threshold) noexcept {
  agent.probe_successes = 0;
  ++agent.probe_failures;
  if (agent.probe_failures >= std::max(1U, threshold)) agent.failed = true;
  agent.probe = agent.failed ? HealthStatus::unhealthy : HealthStatus::degraded;
}

}  // namespace

void count_probe(AgentRecord& agent, bool good, std::uint32_t failure_threshold,
                 std::uint32_t success_threshold) noexcept {
  if (good) count_good_probe(agent, success_threshold);
  else count_bad_probe(agent, failure_threshold);
}

void forget_probe(AgentRecord& agent) {
  agent.probe = HealthStatus::unknown;
  agent.failed = false;
  agent.probe_failures = agent.probe_successes = 0;
  agent.last_probe = 0;
  agent.probe_error.clear();
}

}  // namespace controlplane
