// How claims, ends, reports and timers move an agent through the parts of the table.
#include "engine/agent_table.hpp"

#include <algorithm>
#include <cassert>

#include "base/entropy.hpp"
#include "engine/agent_table_impl.hpp"
#include "engine/agent_wording.hpp"

namespace controlplane {
namespace {

void wake(AgentRecord& agent, Effects& effects) {
  if (!agent.watched || refusal_of(agent) != Refusal::none) return;
  agent.watched = false;
  effects.eligible(agent.agent_id);
}

EventType event_of(HealthStatus health) noexcept {
  if (health == HealthStatus::healthy) return EventType::agent_healthy;
  return health == HealthStatus::degraded ? EventType::agent_degraded : EventType::agent_unhealthy;
}

EventType event_of(BreakerState state) noexcept {
  if (state == BreakerState::closed) return EventType::agent_breaker_closed;
  return state == BreakerState::open ? EventType::agent_breaker_open
                                     : EventType::agent_breaker_half_open;
}

EventDraft draft_for(EventType type, const AgentRecord& agent, Timestamp now) {
  EventDraft draft;
  draft.type = type;
  draft.time = now;
  draft.subject = agent.agent_id;
  draft.labels = &agent.labels;
  return draft;
}

// The worst of what health is made of, for people.
std::string_view cause_of(const AgentRecord& agent) noexcept {
  if (agent.health == HealthStatus::healthy) return {};
  if (agent.probe == agent.health) return "probe";
  return agent.reported_health == agent.health ? "report" : "breaker";
}

}  // namespace

AgentTable::AgentTable(const AgentRules& rules) : impl_(std::make_unique<Impl>(rules)) {}
AgentTable::~AgentTable() = default;

void AgentTable::Impl::recompute(AgentSlot slot, AgentRecord& agent, Timestamp now) {
  const HealthStatus health = health_of(agent);
  --counts.of(agent.health);
  ++counts.of(health);
  agent.health = health;
  refresh(slot, agent, now);
}

void AgentTable::Impl::announce(EventType type, const AgentRecord& agent, Timestamp now,
                                Effects& effects) {
  effects.event(draft_for(type, agent, now));
}

void AgentTable::Impl::announce_status(const AgentRecord& agent, Timestamp now, Effects& effects) {
  EventDraft draft = draft_for(EventType::agent_status, agent, now);
  draft.kind = to_string(agent.status);
  effects.event(draft);
}

// Silence has its own events: while an agent is offline its health is unhealthy and nobody is told.
bool AgentTable::Impl::announce_health(AgentRecord& agent, Timestamp now, Effects& effects) {
  wake(agent, effects);
  if (agent.offline || agent.health == agent.announced) return false;
  agent.announced = agent.health;
  EventDraft draft = draft_for(event_of(agent.health), agent, now);
  draft.kind = cause_of(agent);
  if (draft.kind == "probe") draft.text = agent.probe_error;
  effects.event(draft);
  return true;
}

// A status that a probe changes mostly changes the health with it, and one event tells both.
void AgentTable::Impl::probed(AgentSlot slot, AgentStatus shown, Timestamp now, Effects& effects) {
  AgentRecord& agent = records[slot];
  const bool told = announce_health(agent, now, effects);
  if (agent.status != shown && !told) announce_status(agent, now, effects);
}

void AgentTable::Impl::breaker_moved(AgentSlot slot, BreakerState from, Timestamp now,
                                     Effects& effects) {
  AgentRecord& agent = records[slot];
  const BreakerState to = agent.breaker.state();
  counts.open_breakers -= from == BreakerState::open ? 1 : 0;
  counts.open_breakers += to == BreakerState::open ? 1 : 0;
  recompute(slot, agent, now);
  EventDraft draft = draft_for(event_of(to), agent, now);
  draft.until = agent.breaker.until();
  draft.count = agent.breaker.consecutive_failures();
  effects.event(draft);
  announce_health(agent, now, effects);
  reschedule(slot);
}

void AgentTable::Impl::bar(AgentSlot slot, Refusal refusal, Effects& effects) {
  AgentRecord& agent = records[slot];
  agent.watched = false;
  unpark(slot);
  effects.ended(agent.agent_id, refused_error(agent, refusal));
}

// Signs of life.

void AgentTable::Impl::come_online(AgentSlot slot, Timestamp now, Effects& effects) {
  AgentRecord& agent = records[slot];
  agent.offline = agent.expired = false;
  recompute(slot, agent, now);
  announce(EventType::agent_online, agent, now, effects);
  announce_health(agent, now, effects);
  reschedule(slot);
}

// Else only last_seen is kept: the deadline is looked at again when the old one comes.
void AgentTable::touch(AgentSlot slot, Timestamp now, Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  agent.last_seen = now;
  if (agent.offline) impl_->come_online(slot, now, effects);
}

// A later end is noticed when the deadline comes; an earlier one would be noticed too late. Those
// that are over go: a coordinator that is gone leaves nothing behind.
void AgentTable::park(AgentSlot slot, std::uint64_t origin, Timestamp until, Timestamp now) {
  AgentRecord& agent = impl_->records[slot];
  if (until == 0 && agent.parks.empty()) return;
  const Timestamp before = parked_until(agent);
  std::erase_if(agent.parks, [&](const Park& park) {
    return park.origin == origin || park.until <= now;
  });
  if (until > 0) agent.parks.push_back({origin, until});
  if (parked_until(agent) < before) impl_->reschedule(slot);
}

void AgentTable::Impl::unpark(AgentSlot slot) {
  if (records[slot].parks.empty()) return;
  records[slot].parks.clear();
  reschedule(slot);
}

void AgentTable::excuse(AgentSlot slot, Timestamp until) noexcept {
  AgentRecord& agent = impl_->records[slot];
  agent.excused_until = std::max(agent.excused_until, until);
}

namespace {

Result<void> check_report(const AgentRecord& agent, const HeartbeatReport& report) {
  if (report.status && *report.status >= AgentStatus::offline) {
    return unreportable_error(agent.agent_id, "status", to_string(*report.status),
                              "starting, ready, busy and draining");
  }
  if (report.health && *report.health >= HealthStatus::unknown) {
    return unreportable_error(agent.agent_id, "health", to_string(*report.health),
                              "healthy, degraded and unhealthy");
  }
  return {};
}

}  // namespace

Result<void> AgentTable::heartbeat(AgentSlot slot, const HeartbeatReport& report, Timestamp now,
                                   Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  if (auto checked = check_report(agent, report); !checked) return checked;
  touch(slot, now, effects);
  if (!report.metrics.empty()) agent.metrics = report.metrics;
  const AgentStatus reported = report.status.value_or(agent.reported_status);
  const HealthStatus health = report.health.value_or(agent.reported_health);
  if (reported == agent.reported_status && health == agent.reported_health) return {};

  const AgentStatus shown = agent.status;
  const bool drains = reported == AgentStatus::draining && agent.reported_status != reported;
  agent.reported_status = reported;
  agent.reported_health = health;
  impl_->recompute(slot, agent, now);
  if (agent.status != shown) impl_->announce_status(agent, now, effects);
  if (drains) impl_->bar(slot, Refusal::draining, effects);
  impl_->announce_health(agent, now, effects);
  return {};
}

// Claims and ends.

Refusal AgentTable::refusal(AgentSlot slot) const noexcept {
  return refusal_of(seen().records[slot]);
}

Error AgentTable::refusal_error(AgentSlot slot, Refusal refusal) const {
  return refused_error(seen().records[slot], refusal);
}

std::uint32_t AgentTable::claimable(AgentSlot slot) const noexcept {
  return claimable_by(seen().records[slot]);
}

void AgentTable::watch(AgentSlot slot) noexcept { impl_->records[slot].watched = true; }

void AgentTable::claimed(AgentSlot slot, std::uint32_t count, Timestamp now, Effects&) {
  AgentRecord& agent = impl_->records[slot];
  agent.running += count;
  agent.last_assigned = now;
  agent.breaker.claimed();
  impl_->selection.assigned(slot);
  impl_->refresh(slot, agent, now);
}

void AgentTable::ended(AgentSlot slot, AttemptOutcome outcome, std::int64_t latency_us,
                       Timestamp now, Effects& effects, std::int64_t reported_us) {
  AgentRecord& agent = impl_->records[slot];
  assert(agent.running > 0);
  --agent.running;
  count_outcome(agent, outcome, reported_us > 0 ? reported_us : latency_us);
  impl_->refresh(slot, agent, now);
  const BreakerState before = agent.breaker.state();
  if (agent.breaker.ended(verdict_of(outcome), now - latency_us, now)) {
    impl_->breaker_moved(slot, before, now, effects);
  }
  if (agent.watched) wake(agent, effects);
  if (agent.running == 0) agent.idle_since = now;
  // What kept it from being silent, or from being removed, may have been this lease.
  if (agent.postponed || agent.offline) impl_->reschedule(slot);
}

// Probes.

void AgentTable::record_probe(AgentSlot slot, bool good, std::string_view error,
                              std::uint32_t failure_threshold, std::uint32_t success_threshold,
                              Timestamp now, Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  const bool was_failed = agent.failed;
  const AgentStatus shown = agent.status;
  agent.last_probe = now;
  if (!good) agent.probe_error = error;
  count_probe(agent, good, failure_threshold, success_threshold);
  impl_->recompute(slot, agent, now);
  if (agent.failed && !was_failed) impl_->bar(slot, Refusal::failed, effects);
  impl_->probed(slot, shown, now, effects);
}

void AgentTable::clear_probe(AgentSlot slot, Timestamp now, Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  const AgentStatus shown = agent.status;
  forget_probe(agent);
  impl_->recompute(slot, agent, now);
  impl_->probed(slot, shown, now, effects);
}

// Selection.

// Names are looked up only when one of them is in the way, which is rare. For the random strategy
// that is still uniform: an excluded first draw is replaced by a draw from all others.
AgentSlot AgentTable::Impl::choose(const SelectRequest& request, std::uint64_t random) {
  const AgentSlot chosen = selection.choose(request.capabilities, request.strategy, {}, random);
  if (chosen == kNoAgent) return kNoAgent;
  const std::string& agent_id = records[chosen].agent_id;
  if (std::ranges::find(request.exclude, agent_id) == request.exclude.end()) return chosen;
  excluded.clear();
  for (const std::string& name : request.exclude) {
    const AgentSlot slot = find(name);
    if (slot != kNoAgent) excluded.push_back(slot);
  }
  return selection.choose(request.capabilities, request.strategy, excluded, mix64(random));
}

Result<AgentSlot> AgentTable::select(const SelectRequest& request, std::uint64_t random,
                                     Timestamp now) {
  const AgentSlot chosen = impl_->choose(request, random);
  if (chosen == kNoAgent) return nobody_error(request);
  impl_->records[chosen].last_assigned = now;
  impl_->selection.assigned(chosen);
  return chosen;
}

// Timers.

Timestamp AgentTable::Impl::deadline_of(const AgentRecord& agent) const noexcept {
  Timestamp due = std::numeric_limits<Timestamp>::max();
  if (!agent.offline) {
    due = std::max({agent.last_seen, parked_until(agent), agent.excused_until}) +
          rules.heartbeat_timeout_us;
  } else if (agent.running == 0) {
    due = std::max(agent.status_since, agent.idle_since) + rules.offline_retention_us;
  }
  return agent.breaker.state() == BreakerState::open ? std::min(due, agent.breaker.until()) : due;
}

Timestamp AgentTable::next_due() const noexcept { return impl_->deadlines.next(); }

AgentTable::Due AgentTable::due(Timestamp now, Effects& effects) {
  assert(next_due() <= now);
  const AgentSlot slot = impl_->deadlines.top();
  AgentRecord& agent = impl_->records[slot];
  if (agent.breaker.cool_down(now)) {
    impl_->breaker_moved(slot, BreakerState::open, now, effects);
    return {Due::Kind::nothing, slot};
  }
  if (impl_->deadline_of(agent) > now) {
    impl_->reschedule(slot);
    return {Due::Kind::nothing, slot};
  }
  postpone(slot, now);  // asked again later, should the caller do nothing
  if (!agent.offline) return {Due::Kind::silent, slot};
  agent.expired = true;
  return {Due::Kind::expired, slot};
}

void AgentTable::go_offline(AgentSlot slot, Timestamp now, Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  if (agent.offline) return;
  agent.offline = true;
  impl_->recompute(slot, agent, now);
  impl_->announce(EventType::agent_offline, agent, now, effects);
  impl_->bar(slot, Refusal::offline, effects);
  impl_->reschedule(slot);
}

void AgentTable::postpone(AgentSlot slot, Timestamp alive_until) {
  AgentRecord& agent = impl_->records[slot];
  agent.postponed = true;
  Timestamp due = alive_until + impl_->rules.heartbeat_timeout_us;
  if (agent.breaker.state() == BreakerState::open) due = std::min(due, agent.breaker.until());
  impl_->deadlines.set(slot, due);
}

}  // namespace controlplane
