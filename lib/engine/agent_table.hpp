// Agents of one tenant: registration, liveness, slots, outcomes, circuit breaker, selection.
// Pure: no clock, no threads, no I/O; time and randomness are arguments, events and signals come
// out through Effects. It knows nothing of tasks: Namespace tells it what claims and ends happened.
// Thread safety: none; lives under the lock of its namespace.
// Errors: returned; nothing is changed by an operation that answers an error.
//
// Invariants:
//  1. An agent is in the selection structures exactly when Agent::available is true, once the few
//     that changed since the last choice are settled.
//  2. running = claimed() − ended() of the current registration.
//  3. Every agent has one entry in the deadline heap, not later than its next due change, unless
//     postponed by the caller.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/result.hpp"
#include "controlplane/stats.hpp"
#include "engine/effects.hpp"

namespace controlplane {

using AgentSlot = std::uint32_t;
inline constexpr AgentSlot kNoAgent = 0xffff'ffff;

struct AgentRules {
  std::int64_t heartbeat_timeout_us = 30'000'000;
  std::int64_t offline_retention_us = 86'400'000'000;
  std::size_t max_agents = 100'000;
  std::size_t max_page = 1'000;
};

// Why an agent may not claim now, in the order they are checked.
enum class Refusal : std::uint8_t { none, draining, failed, offline, breaker, full };

// How an attempt ended, as its agent's record counts it.
//                  breaker            counters
//  completed       success            tasks_completed, latency
//  failed          failure            tasks_failed
//  fatal           neutral            tasks_failed
//  rate_limited    neutral            –
//  released        neutral            –
//  cancelled       neutral            –
//  crashed         failure            tasks_crashed
//  exec_timeout    failure            tasks_failed
//  superseded      neutral            tasks_crashed
// A new incarnation resets the breaker: to count its predecessor's leases against it as well would
// tell of an open breaker at every restart.
enum class AttemptOutcome : std::uint8_t {
  completed, failed, fatal, rate_limited, released, cancelled, crashed, exec_timeout, superseded
};

// The agent did not bring it to a good end.
constexpr bool is_failure(AttemptOutcome outcome) noexcept {
  return outcome == AttemptOutcome::failed || outcome == AttemptOutcome::fatal ||
         outcome >= AttemptOutcome::crashed;
}

struct BreakerRow;
class ExportAside;
class FieldDigest;
class RowBuffer;
struct RowCounts;
struct TotalsRow;

class AgentTable {
 public:
  explicit AgentTable(const AgentRules& rules);
  ~AgentTable();
  AgentTable(const AgentTable&) = delete;
  AgentTable& operator=(const AgentTable&) = delete;

  struct Added {
    AgentSlot slot;
    bool is_new;       // was not registered
    bool superseded;   // an older incarnation was
  };
  // Whether add() would supersede. Then the caller first ends the leases of the older incarnation,
  // as crashes of that one.
  bool supersedes(const AgentSpec& spec, std::uint64_t incarnation) const noexcept;
  // A new incarnation resets reported status, health report, probes and breaker, keeps the
  // counters; the same incarnation replaces the description only (and the reported status).
  // failed_precondition: `incarnation` was superseded before (the last 16 are remembered).
  // resource_exhausted: max_agents.
  // Precondition: no leases are left if it supersedes.
  Result<Added> add(const AgentSpec& spec, std::uint64_t incarnation,
                    std::string_view registered_by, Timestamp now, Effects& effects);
  // Precondition: no leases are left (the caller released them). agent.removed if due() just said
  // that it expired, else agent.unregistered.
  void remove(AgentSlot slot, Timestamp now, Effects& effects);

  AgentSlot find(std::string_view agent_id) const noexcept;  // kNoAgent if not registered
  // find + incarnation rule: not_found, or failed_precondition "agent X was registered again by
  // host:pid at T". 0 counts for the current one.
  Result<AgentSlot> require(std::string_view agent_id, std::uint64_t incarnation) const;
  // The same for who has the slot at hand: false answers superseded().
  bool is_current(AgentSlot slot, std::uint64_t incarnation) const noexcept;
  Error superseded(AgentSlot slot) const;
  std::string_view id(AgentSlot slot) const noexcept;
  const std::vector<std::string>& capabilities(AgentSlot slot) const noexcept;  // sorted, unique
  std::uint64_t incarnation(AgentSlot slot) const noexcept;

  // Any call of an agent: it is alive. Brings an offline one back (agent.online).
  void touch(AgentSlot slot, Timestamp now, Effects& effects);
  // It also counts as alive until `until`: the end of its parked claims at the coordinator `origin`,
  // which knows nothing of those at others. 0 = none parked there.
  void park(AgentSlot slot, std::uint64_t origin, Timestamp until, Timestamp now);
  // It need not have called before `until`: a lease that it did not have to renew ran until then.
  void excuse(AgentSlot slot, Timestamp until) noexcept;
  Result<void> heartbeat(AgentSlot slot, const HeartbeatReport& report, Timestamp now,
                         Effects& effects);

  Refusal refusal(AgentSlot slot) const noexcept;
  Error refusal_error(AgentSlot slot, Refusal refusal) const;  // failed_precondition, since when
  // How many it may claim now: free slots, at most 1 when the breaker is half open, 0 if refused.
  std::uint32_t claimable(AgentSlot slot) const noexcept;
  // Asks for agent_eligible once the agent may claim again (refused for breaker or full).
  void watch(AgentSlot slot) noexcept;
  void claimed(AgentSlot slot, std::uint32_t count, Timestamp now, Effects& effects);
  // reported_us: how long it took by its own account, which wins where it is above 0.
  void ended(AgentSlot slot, AttemptOutcome outcome, std::int64_t latency_us, Timestamp now,
             Effects& effects, std::int64_t reported_us = 0);

  void record_probe(AgentSlot slot, bool good, std::string_view error,
                    std::uint32_t failure_threshold, std::uint32_t success_threshold, Timestamp now,
                    Effects& effects);
  void clear_probe(AgentSlot slot, Timestamp now, Effects& effects);  // its probe was removed

  // The choice counts as an assignment. not_found: nobody is available.
  Result<AgentSlot> select(const SelectRequest& request, std::uint64_t random, Timestamp now);

  void snapshot(AgentSlot slot, Agent& to) const;  // Precondition: `to` as it was made
  AgentHealth health(AgentSlot slot) const;       // age 0
  Result<Page<Agent>> list(const AgentFilter& filter, const PageRequest& page) const;
  // Agents offering all of `required` (sorted), in registration order: the first `max` of the
  // 10,000 that registered first.
  void offering(const std::vector<std::string>& required, std::size_t max,
                std::vector<AgentSlot>& out) const;
  std::uint64_t count_offering(const std::vector<std::string>& required) const;
  bool any_offers(std::string_view capability) const;
  std::uint64_t version() const noexcept;   // of the two above: they change only with it
  Timestamp state_since(AgentSlot slot) const noexcept;   // of the shown status or the breaker
  void stats(RegistryStats& registry, HealthStats& health) const noexcept;
  void add_to(FieldDigest& digest) const;  // all that later answers depend on

  // Every agent began to offer what it offers, for claims that are parked already.
  void tell_offers(Effects& effects) const;

  // agent_rows.cpp: for an export
  void begin_export(ExportAside& aside);
  void end_export() noexcept;
  bool read_agents(RowBuffer& out, std::size_t bytes, int& visits);
  void add_to(RowCounts& counts, TotalsRow& totals) const;

  // Timers. next_due: when something could be due. due: takes one agent whose entry is due at `now`
  // and applies what needs no knowledge of tasks: breaker cooldown → half open. An agent long
  // offline without leases is answered as `expired`: the caller removes it. Silence is the caller's
  // decision, because an execution deadline may count as a sign of life: it calls go_offline or
  // postpone.
  Timestamp next_due() const noexcept;             // INT64_MAX = never
  struct Due {
    enum class Kind : std::uint8_t { nothing, silent, expired } kind = Kind::nothing;
    AgentSlot slot = kNoAgent;
  };
  Due due(Timestamp now, Effects& effects);        // Precondition: next_due() <= now
  void go_offline(AgentSlot slot, Timestamp now, Effects& effects);
  void postpone(AgentSlot slot, Timestamp alive_until);  // at most until its next ended()

 private:
  friend class AgentRestore;
  friend struct EngineAudit;  // tests compare the maintained structures with a scan
  friend struct AgentAudit;
  struct Impl;
  const Impl& seen() const noexcept { return *impl_; }  // who only looks changes no record

  std::unique_ptr<Impl> impl_;
};

}  // namespace controlplane
