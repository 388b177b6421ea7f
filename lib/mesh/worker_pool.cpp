#include "mesh/worker_pool.hpp"

#include <algorithm>
#include <utility>

namespace controlplane {
namespace {

bool takes_tasks(const Agent& agent) {
  return (agent.status == AgentStatus::ready || agent.status == AgentStatus::busy) &&
         agent.health != HealthStatus::unhealthy;
}

// a / b < c / d, without dividing; slots of 0 are without end, so that only their count tells.
bool is_less_loaded(std::uint64_t load, std::uint32_t slots, std::uint64_t than, std::uint32_t of) {
  if (slots == 0 || of == 0) return slots == 0 && (of != 0 || load < than);
  return load * of < than * slots;
}

}  // namespace

void WorkerPool::update(const std::vector<Agent>& agents) {
  std::map<std::string, Member, std::less<>> known;
  for (const Agent& agent : agents) {
    known[agent.agent_id] = {agent.capabilities, agent.max_concurrency, takes_tasks(agent)};
  }
  workers_ = std::move(known);
  for (const auto& [task, given] : given_) count(given.worker, +1);
}

bool WorkerPool::fits(std::string_view worker, const Member& member, const Wants& wants, Room room) {
  if (!member.usable) return false;
  if (room == Room::needed && member.slots != 0 && member.load > member.slots) return false;
  if (std::find(wants.exclude.begin(), wants.exclude.end(), worker) != wants.exclude.end()) return false;
  return std::all_of(wants.required.begin(), wants.required.end(), [&](const std::string& capability) {
    return std::binary_search(member.capabilities.begin(), member.capabilities.end(), capability);
  });
}

const std::string* WorkerPool::choose(const Wants& wants, Room room) const {
  const std::pair<const std::string, Member>* best = nullptr;
  for (const auto& candidate : workers_) {
    const Member& member = candidate.second;
    if (!fits(candidate.first, member, wants, room)) continue;
    if (best != nullptr &&
        !is_less_loaded(member.load, member.slots, best->second.load, best->second.slots)) {
      continue;
    }
    best = &candidate;
  }
  return best == nullptr ? nullptr : &best->first;
}

bool WorkerPool::is_usable(std::string_view worker) const {
  const auto found = workers_.find(worker);
  return found != workers_.end() && found->second.usable;
}

void WorkerPool::count(std::string_view worker, int change) {
  const auto found = workers_.find(worker);
  if (found != workers_.end()) found->second.load += static_cast<std::uint32_t>(change);
}

void WorkerPool::give(const TaskId& task, std::string_view worker, Wants wants) {
  const auto [place, is_new] = given_.try_emplace(task, Given{std::string(worker), std::move(wants)});
  if (!is_new) return move(task, worker);
  count(worker, +1);
}

bool WorkerPool::begin_watch(const TaskId& task) {
  const auto found = given_.find(task);
  return found != given_.end() && !std::exchange(found->second.watched, true);
}

void WorkerPool::move(const TaskId& task, std::string_view worker) {
  const auto found = given_.find(task);
  if (found == given_.end()) return;
  count(found->second.worker, -1);
  count(worker, +1);
  found->second.worker = worker;
}

void WorkerPool::end(const TaskId& task) {
  const auto found = given_.find(task);
  if (found == given_.end()) return;
  count(found->second.worker, -1);
  given_.erase(found);
}

std::vector<WorkerPool::Stray> WorkerPool::strays() const {
  std::vector<Stray> found;
  for (const auto& [task, given] : given_) {
    if (!is_usable(given.worker)) found.push_back({task, given.worker, given.wants});
  }
  return found;
}

std::vector<PoolWorker> WorkerPool::list() const {
  std::vector<PoolWorker> all;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& [id, member] : workers_) {
    places[id] = all.size();
    all.push_back({id, member.capabilities, member.slots, member.usable, {}});
  }
  for (const auto& [task, given] : given_) {
    const auto place = places.find(given.worker);
    if (place != places.end()) all[place->second].pending_tasks.push_back(task);
  }
  return all;
}

std::size_t WorkerPool::usable() const {
  return static_cast<std::size_t>(std::count_if(
      workers_.begin(), workers_.end(), [](const auto& entry) { return entry.second.usable; }));
}

}  // namespace controlplane
