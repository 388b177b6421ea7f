// What readers see of agents. Nothing here changes what a later answer says.
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/wording.hpp"
#include "engine/agent_table_impl.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxVisited = 10'000;  // of one call, gaps included

Result<std::uint64_t> parse_cursor(std::string_view cursor) {
  std::uint64_t serial = 0;
  const char* end = cursor.data() + cursor.size();
  const auto [stop, failure] = std::from_chars(cursor.data(), end, serial);
  if (cursor.empty() || (failure == std::errc{} && stop == end)) return serial;
  return Error::invalid_argument(
      fmt::format("cursor {} is not from next_cursor of an agent list", quote(cursor)));
}

bool has_label(const AgentRecord& agent, const AgentFilter& filter) {
  for (const auto& [key, value] : agent.labels) {
    if (key == filter.label_key) return filter.label_value.empty() || value == filter.label_value;
  }
  return false;
}

HealthStatus health_of_all(const AgentCounts& counts) noexcept {
  if (counts.total == 0) return HealthStatus::unknown;
  const auto& [healthy, degraded, unhealthy] = counts.by_health;
  if (unhealthy * 4 > counts.total) return HealthStatus::unhealthy;
  return healthy == counts.total ? HealthStatus::healthy : HealthStatus::degraded;
}

void add_record(FieldDigest& digest, const AgentRecord& agent) {
  digest.add(agent.agent_id).add(agent.model).add(agent.provider).add(agent.endpoint);
  digest.add(agent.registered_by).add(agent.metadata.text()).add(agent.metrics.text());
  for (const auto& [key, value] : agent.labels) digest.add(key).add(value);
  for (const std::uint64_t past : agent.superseded) digest.add(past);
  for (const Park& park : agent.parks) {
    digest.add(park.origin).add(static_cast<std::uint64_t>(park.until));
  }
  for (const Timestamp time : {agent.last_seen, agent.last_assigned, agent.status_since,
                               agent.idle_since, agent.excused_until,
                               agent.registered_at, agent.last_probe, agent.breaker.since()}) {
    digest.add(static_cast<std::uint64_t>(time));
  }
  for (const std::uint64_t number :
       {std::uint64_t{agent.running}, std::uint64_t{agent.max_concurrency}, agent.completed,
        agent.failures, agent.crashed,
        agent.incarnation, agent.serial, std::uint64_t{agent.probe_failures},
        std::uint64_t{agent.probe_successes},
        std::uint64_t{agent.breaker.consecutive_failures()}}) {
    digest.add(number);
  }
  digest.add(agent.probe_error);
}

void add_states(FieldDigest& digest, const AgentRecord& agent) {
  for (const bool flag : {agent.offline, agent.failed, agent.watched, agent.breaker.admits()}) {
    digest.add(std::uint64_t{flag});
  }
  digest.add(static_cast<std::uint64_t>(agent.reported_status));
  digest.add(static_cast<std::uint64_t>(agent.reported_health));
  digest.add(static_cast<std::uint64_t>(agent.probe));
  digest.add(static_cast<std::uint64_t>(agent.announced));
  digest.add(static_cast<std::uint64_t>(agent.breaker.state()));
}

}  // namespace

void AgentTable::snapshot(AgentSlot slot, Agent& to) const {
  const AgentRecord& from = seen().records[slot];
  to.agent_id = from.agent_id;
  to.capabilities = impl_->selection.capabilities(slot);
  to.model = from.model;
  to.provider = from.provider;
  to.endpoint = from.endpoint;
  to.metadata = from.metadata;
  to.labels = from.labels;
  to.max_concurrency = from.max_concurrency;
  to.status = from.status;
  to.reported_status = from.reported_status;
  to.health = from.health;
  to.breaker = from.breaker.state();
  to.available = from.available;
  to.incarnation = from.incarnation;
  to.registered_by = from.registered_by;
  to.registered_at = from.registered_at;
  to.last_seen = from.last_seen;
  to.last_assigned = from.last_assigned;
  to.running = from.running;
  to.tasks_completed = from.completed;
  to.tasks_failed = from.failures;
  to.tasks_crashed = from.crashed;
  to.avg_latency_ms = from.avg_latency_ms;
  to.metrics = from.metrics;
}

AgentHealth AgentTable::health(AgentSlot slot) const {
  const AgentRecord& from = seen().records[slot];
  AgentHealth to;
  to.agent_id = from.agent_id;
  to.status = from.health;
  to.agent_status = from.status;
  to.reported = from.reported_health;
  to.probe = from.probe;
  to.breaker = from.breaker.state();
  to.breaker_until = from.breaker.until();
  to.last_check = from.last_probe != 0 ? from.last_probe : from.last_seen;
  to.last_seen = from.last_seen;
  to.consecutive_failures = std::max(from.probe_failures, from.breaker.consecutive_failures());
  to.probe_error = from.probe_error;
  to.available = from.available;
  return to;
}

Timestamp AgentTable::state_since(AgentSlot slot) const noexcept {
  const AgentRecord& agent = seen().records[slot];
  const bool breaker = refusal_of(agent) == Refusal::breaker;
  return breaker ? agent.breaker.since() : agent.status_since;
}

bool AgentTable::Impl::passes(AgentSlot slot, const AgentFilter& filter,
                              const GroupMatch* match) const {
  const AgentRecord& agent = records[slot];
  if (filter.status && *filter.status != agent.status) return false;
  if (filter.available_only && !agent.available) return false;
  if (filter.seen_before != 0 && agent.last_seen >= filter.seen_before) return false;
  if (!filter.label_key.empty() && !has_label(agent, filter)) return false;
  return match == nullptr || selection.is_in(slot, *match);
}

Result<Page<Agent>> AgentTable::list(const AgentFilter& filter, const PageRequest& page) const {
  if (page.max_items == 0 || page.max_items > impl_->rules.max_page) {
    return Error::invalid_argument(fmt::format("max_items {} is not 1 to {}", page.max_items,
                                               impl_->rules.max_page));
  }
  const Result<std::uint64_t> cursor = parse_cursor(page.cursor);
  if (!cursor) return cursor.error();
  const AgentRoster& roster = impl_->roster;
  const GroupMatch* match =
      filter.capabilities.empty() ? nullptr : &impl_->selection.match(filter.capabilities);
  Page<Agent> answer;
  std::size_t at = roster.after(*cursor);
  for (std::size_t visited = 0; at < roster.size() && visited < kMaxVisited; ++at, ++visited) {
    if (answer.items.size() == page.max_items) break;
    const AgentSlot slot = roster[at].slot;
    if (slot != kNoAgent && impl_->passes(slot, filter, match)) {
      snapshot(slot, answer.items.emplace_back());
    }
  }
  if (roster.any_from(at)) answer.next_cursor = std::to_string(roster[at - 1].serial);
  return answer;
}

void AgentTable::offering(const std::vector<std::string>& required, std::size_t max,
                          std::vector<AgentSlot>& out) const {
  const GroupMatch& match = impl_->selection.match(required);
  const AgentRoster& roster = impl_->roster;
  for (std::size_t at = 0; at < roster.size() && at < kMaxVisited && max > 0; ++at) {
    const AgentSlot slot = roster[at].slot;
    if (slot == kNoAgent || !impl_->selection.is_in(slot, match)) continue;
    out.push_back(slot);
    --max;
  }
}

std::uint64_t AgentTable::count_offering(const std::vector<std::string>& required) const {
  return impl_->selection.count_offering(required);
}

bool AgentTable::any_offers(std::string_view capability) const {
  return impl_->selection.any_offers(capability);
}

std::uint64_t AgentTable::version() const noexcept { return impl_->selection.version(); }

void AgentTable::stats(RegistryStats& registry, HealthStats& health) const noexcept {
  const AgentCounts& counts = impl_->counts;
  registry.total_agents = counts.total;
  registry.available_agents = counts.available;
  registry.by_status = counts.by_status;
  health.status = health_of_all(counts);
  health.healthy_count = counts.by_health[0];
  health.degraded_count = counts.by_health[1];
  health.unhealthy_count = counts.by_health[2];
  health.open_breakers = counts.open_breakers;
}

void AgentTable::add_to(FieldDigest& digest) const {
  const AgentRoster& roster = impl_->roster;
  for (std::size_t at = 0; at < roster.size(); ++at) {
    const AgentSlot slot = roster[at].slot;
    if (slot == kNoAgent) continue;
    add_record(digest, seen().records[slot]);
    add_states(digest, seen().records[slot]);
    for (const std::string& name : impl_->selection.capabilities(slot)) digest.add(name);
    digest.add(impl_->selection.order(slot));
  }
}

}  // namespace controlplane
