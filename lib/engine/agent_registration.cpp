// How agents come, come again and go.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "engine/agent_table_impl.hpp"
#include "engine/agent_wording.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kRememberedIncarnations = 16;

std::vector<std::string> sorted_set(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

template <class T>
bool replace(T& field, const T& value) {
  if (field == value) return false;
  field = value;
  return true;
}

bool replace(SharedText& field, std::string_view value) {
  if (field == value) return false;
  field = SharedText(value);
  return true;
}

bool is_reportable(AgentStatus status) noexcept { return status < AgentStatus::offline; }

bool was_superseded(const AgentRecord& agent, std::uint64_t incarnation) {
  return std::ranges::find(agent.superseded, incarnation) != agent.superseded.end();
}

void remember_superseded(AgentRecord& agent) {
  if (agent.superseded.size() == kRememberedIncarnations) {
    agent.superseded.erase(agent.superseded.begin());
  }
  agent.superseded.push_back(agent.incarnation);
}

void announce_from(EventType type, const AgentRecord& agent, std::string_view registered_by,
                   Timestamp now, Effects& effects) {
  EventDraft draft;
  draft.type = type;
  draft.time = now;
  draft.subject = agent.agent_id;
  draft.other = registered_by;
  draft.labels = &agent.labels;
  if (type == EventType::agent_registered) draft.kind = to_string(agent.status);
  effects.event(draft);
}

}  // namespace

AgentSlot AgentTable::Impl::find(std::string_view agent_id) const noexcept {
  const auto found = by_id.find(agent_id);
  return found == by_id.end() ? kNoAgent : found->second;
}

AgentSlot AgentTable::find(std::string_view agent_id) const noexcept {
  return impl_->find(agent_id);
}

Result<AgentSlot> AgentTable::require(std::string_view agent_id, std::uint64_t incarnation) const {
  const AgentSlot slot = find(agent_id);
  if (slot == kNoAgent) return not_registered_error(agent_id);
  if (!is_current(slot, incarnation)) return superseded_error(seen().records[slot]);
  return slot;
}

bool AgentTable::supersedes(const AgentSpec& spec, std::uint64_t incarnation) const noexcept {
  const AgentSlot slot = find(spec.agent_id);
  if (slot == kNoAgent || !is_reportable(spec.status)) return false;
  const AgentRecord& agent = seen().records[slot];
  return incarnation != agent.incarnation && !was_superseded(agent, incarnation);
}

bool AgentTable::is_current(AgentSlot slot, std::uint64_t incarnation) const noexcept {
  return incarnation == 0 || incarnation == seen().records[slot].incarnation;
}

Error AgentTable::superseded(AgentSlot slot) const {
  return superseded_error(seen().records[slot]);
}

std::string_view AgentTable::id(AgentSlot slot) const noexcept {
  return seen().records[slot].agent_id;
}

const std::vector<std::string>& AgentTable::capabilities(AgentSlot slot) const noexcept {
  return impl_->selection.capabilities(slot);
}

std::uint64_t AgentTable::incarnation(AgentSlot slot) const noexcept {
  return seen().records[slot].incarnation;
}

Result<AgentTable::Added> AgentTable::add(const AgentSpec& spec, std::uint64_t incarnation,
                                          std::string_view registered_by, Timestamp now,
                                          Effects& effects) {
  if (!is_reportable(spec.status)) {
    return unreportable_error(spec.agent_id, "status", to_string(spec.status),
                              "starting, ready, busy and draining");
  }
  const AgentSlot slot = find(spec.agent_id);
  if (slot != kNoAgent) {
    return impl_->add_again(slot, spec, incarnation, registered_by, now, effects);
  }
  if (impl_->counts.total >= impl_->rules.max_agents) {
    return Error::resource_exhausted(
        fmt::format("agent {}: {} agents are registered; max_agents is {}", spec.agent_id,
                    impl_->counts.total, impl_->rules.max_agents));
  }
  return impl_->add_new(spec, incarnation, registered_by, now, effects);
}

AgentSlot AgentTable::Impl::create(const AgentSpec& spec, Timestamp now) {
  const AgentSlot slot = records.take();
  AgentRecord& agent = records[slot];
  agent.agent_id = spec.agent_id;
  agent.registered_at = agent.last_seen = agent.status_since = now;
  agent.serial = roster.append(slot);
  by_id.emplace(spec.agent_id, slot);
  selection.join(slot, sorted_set(spec.capabilities));
  counts.add(agent);
  return slot;
}

AgentTable::Added AgentTable::Impl::add_new(const AgentSpec& spec, std::uint64_t incarnation,
                                            std::string_view registered_by, Timestamp now,
                                            Effects& effects) {
  const AgentSlot slot = create(spec, now);
  AgentRecord& agent = records[slot];
  agent.incarnation = incarnation;
  describe(slot, spec, registered_by, effects);
  effects.offers(agent.agent_id);  // claims of it may be parked: until now it offered nothing
  recompute(slot, agent, now);
  reschedule(slot);
  announce_from(EventType::agent_registered, agent, registered_by, now, effects);
  return {slot, true, false};
}

void AgentTable::tell_offers(Effects& effects) const {
  for (const auto& [agent_id, slot] : impl_->by_id) effects.offers(agent_id);
}

// Answers whether anything is different now.
bool AgentTable::Impl::describe(AgentSlot slot, const AgentSpec& spec,
                                std::string_view registered_by, Effects& effects) {
  AgentRecord& agent = records[slot];
  bool changed = replace(agent.model, spec.model);
  changed |= replace(agent.provider, spec.provider);
  changed |= replace(agent.endpoint, spec.endpoint);
  changed |= replace(agent.metadata, spec.metadata);
  changed |= replace(agent.labels, spec.labels);
  changed |= replace(agent.max_concurrency, spec.max_concurrency);
  changed |= replace(agent.reported_status, spec.status);
  changed |= replace(agent.registered_by, registered_by);
  const std::vector<std::string> offered = sorted_set(spec.capabilities);
  if (offered == selection.capabilities(slot)) return changed;
  selection.change_capabilities(slot, offered);
  effects.offers(agent.agent_id);
  return true;
}

void AgentTable::Impl::supersede(AgentSlot slot, std::uint64_t incarnation,
                                 std::string_view registered_by, Timestamp now, Effects& effects) {
  AgentRecord& agent = records[slot];
  assert(agent.running == 0);
  remember_superseded(agent);
  agent.incarnation = incarnation;
  agent.registered_by = SharedText(registered_by);
  agent.registered_at = now;
  agent.reported_health = HealthStatus::healthy;
  agent.metrics = {};
  unpark(slot);
  agent.watched = false;
  forget_probe(agent);
  announce_from(EventType::agent_superseded, agent, registered_by, now, effects);
  effects.ended(agent.agent_id, superseded_error(agent));
}

Result<AgentTable::Added> AgentTable::Impl::add_again(AgentSlot slot, const AgentSpec& spec,
                                                      std::uint64_t incarnation,
                                                      std::string_view registered_by, Timestamp now,
                                                      Effects& effects) {
  AgentRecord& agent = records[slot];
  if (was_superseded(agent, incarnation)) return superseded_error(agent);
  const bool superseded = incarnation != agent.incarnation;
  const bool was_draining = agent.reported_status == AgentStatus::draining;
  if (superseded) supersede(slot, incarnation, registered_by, now, effects);
  const bool changed = describe(slot, spec, registered_by, effects);
  recompute(slot, agent, now);
  agent.last_seen = now;
  if (superseded || changed) {
    announce_from(EventType::agent_registered, agent, registered_by, now, effects);
  }
  if (agent.offline) come_online(slot, now, effects);
  const BreakerState before = agent.breaker.state();
  if (superseded && agent.breaker.reset(now)) breaker_moved(slot, before, now, effects);
  if (!was_draining && agent.reported_status == AgentStatus::draining) {
    bar(slot, Refusal::draining, effects);
  }
  announce_health(agent, now, effects);
  return Added{slot, false, superseded};
}

void AgentTable::Impl::erase(AgentSlot slot) {
  const AgentRecord& agent = records[slot];
  counts.remove(agent);
  deadlines.erase(slot);
  selection.leave(slot);
  roster.erase(agent.serial);
  by_id.erase(by_id.find(agent.agent_id));
  records.give_back(slot);
}

void AgentTable::remove(AgentSlot slot, Timestamp now, Effects& effects) {
  AgentRecord& agent = impl_->records[slot];
  assert(agent.running == 0);
  impl_->announce(agent.expired ? EventType::agent_removed : EventType::agent_unregistered, agent,
                  now, effects);
  effects.ended(agent.agent_id, removed_error(agent.agent_id));
  impl_->erase(slot);
}

}  // namespace controlplane
