// Why a task is not running, as data.
#include <algorithm>
#include <charconv>

#include "engine/task_table.hpp"

namespace controlplane {

namespace {

ObstacleKind obstacle_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::draining: return ObstacleKind::agent_draining;
    case Refusal::failed: return ObstacleKind::agent_failed;
    case Refusal::offline: return ObstacleKind::agent_offline;
    case Refusal::breaker: return ObstacleKind::agent_breaker_open;
    case Refusal::full: return ObstacleKind::agent_full;
    case Refusal::none: break;
  }
  return ObstacleKind::waiting_for_claim;
}

std::string all_of(const std::vector<std::string>& capabilities) {
  std::string text;
  for (const std::string& name : capabilities) text += (text.empty() ? "" : " and ") + name;
  return text;
}

}  // namespace

Result<Explanation> TaskTable::explain(const TaskId& id, Step& step) {
  const Result<TaskRef> found = look_up(id, step);
  if (!found) return found.error();
  const TaskRecord& record = **found;
  const QueueKey& key = *queues_.key(record.queue);
  Explanation told;
  told.id = id;
  told.now = step.now;
  told.state = record.state;
  told.reason = record.reason;
  told.required_capabilities = key.required;
  told.agents_offering = static_cast<std::uint32_t>(agents_.count_offering(key.required));

  if (is_terminal(record.state)) {
    told.obstacles.push_back(
        {ObstacleKind::ended, std::string(to_string(record.state)), record.since, 0});
  } else if (record.place == Place::leased) {
    const AttemptRecord& attempt = attempts_[record.attempt];
    told.obstacles.push_back({ObstacleKind::held, parties_[attempt.token.party].name,
                              attempt.claimed_at, attempt.deadline});
  } else if (record.reason == TaskReason::blocked) {
    explain_parents(record, told);
  } else if (record.reason == TaskReason::delayed || record.reason == TaskReason::backoff) {
    const bool delayed = record.reason == TaskReason::delayed;
    told.obstacles.push_back({delayed ? ObstacleKind::delayed : ObstacleKind::backing_off, {},
                              record.since, record.until});
  } else {
    if (!keys_.fits(record)) {
      told.obstacles.push_back(
          {ObstacleKind::concurrency_key_full, keys_.name(record.key), record.since, 0});
    }
    explain_pools(record, told);
    explain_agents(record, told);
  }
  return told;
}

// What is short, whether its queue has found out or not.
void TaskTable::explain_pools(const TaskRecord& record, Explanation& told) {
  const QueueNeeds& mine = queues_.needs(record.queue);
  for (std::size_t i = 0; i < mine.pools.size(); ++i) {
    const std::vector<PoolNeed> need{{mine.pools[i], record.details->needs[i].amount}};
    if (permits_.line_for(need, record.priority, mine.number, told.now) == kNoSlot) continue;
    told.obstacles.push_back({ObstacleKind::pool_short, permits_.name(mine.pools[i]),
                              mine.waiter == kNoSlot ? record.since : mine.since, 0});
  }
}

void TaskTable::explain_parents(const TaskRecord& record, Explanation& told) const {
  for (const TaskId& id : record.details->depends_on) {
    if (told.obstacles.size() == limits_.explain_obstacles) return;
    const Slot parent = find(id);
    if (parent == kNoSlot || is_terminal(tasks_[parent].state)) continue;
    told.obstacles.push_back({ObstacleKind::blocked_by, id.str(), tasks_[parent].since, 0});
  }
}

void TaskTable::explain_agents(const TaskRecord& record, Explanation& told) const {
  const QueueKey& key = *queues_.key(record.queue);
  std::vector<AgentSlot> agents;
  if (is_mailbox(key.directed)) {
    told.obstacles.push_back({ObstacleKind::waiting_for_claim, key.directed, record.since, 0});
    return;
  }
  if (!key.directed.empty()) {
    const AgentSlot agent = agents_.find(key.directed);
    if (agent == kNoAgent) {
      told.obstacles.push_back(
          {ObstacleKind::agent_not_registered, key.directed, record.since, 0});
      return;
    }
    agents.push_back(agent);
  } else {
    agents_.offering(key.required, limits_.explain_obstacles, agents);
  }
  const auto offered = [&](const std::string& capability) {
    if (key.directed.empty()) return agents_.any_offers(capability);
    const auto& own = agents_.capabilities(agents.front());
    return std::binary_search(own.begin(), own.end(), capability);
  };
  bool all_offered = true;
  for (const std::string& capability : key.required) {
    if (told.obstacles.size() == limits_.explain_obstacles) return;
    if (offered(capability)) continue;
    all_offered = false;
    told.obstacles.push_back({ObstacleKind::no_agent_offers, capability, record.since, 0});
  }
  if (agents.empty() && all_offered) {  // each by somebody, but nobody offers them together
    const ObstacleKind kind =
        key.required.empty() ? ObstacleKind::waiting_for_claim : ObstacleKind::no_agent_offers;
    told.obstacles.push_back({kind, all_of(key.required), record.since, 0});
  }
  for (const AgentSlot agent : agents) {
    if (told.obstacles.size() == limits_.explain_obstacles) return;
    const std::string name(agents_.id(agent));
    if (std::binary_search(key.excluded.begin(), key.excluded.end(), name)) {
      told.obstacles.push_back({ObstacleKind::agent_excluded, name, record.since, 0});
      continue;
    }
    const ObstacleKind kind = obstacle_of(agents_.refusal(agent));
    const Timestamp until =
        kind == ObstacleKind::agent_breaker_open ? agents_.health(agent).breaker_until : 0;
    told.obstacles.push_back({kind, name, agents_.state_since(agent), until});
  }
}

}  // namespace controlplane
