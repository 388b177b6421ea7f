// What a world demands after every step, and in the end.
#include <algorithm>

#include "coordinator/coded_values.hpp"
#include "engine/engine_audit.hpp"
#include "simulation/sim_agent.hpp"
#include "simulation/sim_operator.hpp"
#include "simulation/sim_scribe.hpp"
#include "simulation/world.hpp"
#include "store/memory/memory_store.hpp"

namespace controlplane::simulation {
namespace {

constexpr int kMostRounds = 3'000;

}  // namespace

void World::check(bool everything) {
  if (!options_.audit) return;
  for (const std::string& broken : EngineAudit::check(witness_->tables())) findings.add(broken);
  if (!everything) return;
  const auto all = all_tasks();
  history.compare(all, witness_->now(), plan.config.retention.min_age.count() * 1'000);
  ledger.check_results(all);
  for (const std::string& log : SimScribe::logs()) {
    if (shared.logs.exists(log)) shared.logs.compare(log, witness_->log_entries(log));
  }
  findings.expect(tables_of(*other_).state_hash() == other_hash_, "the other tenant was touched");
}

std::vector<Task> World::all_tasks() {
  ListTasks op;
  op.tasks.items = witness_->all_tasks();
  if (codec_ != nullptr) decode_answer(*codec_, op);
  for (const Task& task : op.tasks.items) {
    if (!task.unreadable.empty()) findings.add("task ", task.id, ": ", task.unreadable);
  }
  return std::move(op.tasks.items);
}

// Turns all faults off, lets everything arrive that is on its way, and lets every claim end that
// waits with other capabilities than those of the finale.
void World::clear_sky() {
  note("world: the sky is clear");
  for (const auto& link : links_) link->set_faults({});
  settle();
  while (!is_quiet() && findings.empty()) pass(next_moment() - clock.steady_us());
  if (options_.audit) check_quiet();
  pass(plan.config.operation_timeout.count() * 1'000 + kLongestWait);
  calm_ = true;
}

bool World::all_ended() const {
  const auto& tasks = history.tasks();
  return std::all_of(tasks.begin(), tasks.end(),
                     [](const auto& known) { return is_terminal(known.second.state); });
}

// Everybody works as it should and one more agent can do everything: then everything must end.
void World::finale() {
  clear_sky();
  agents_.push_back(std::make_unique<SimAgent>(*this, "closer", 0));
  for (const auto& agent : agents_) agent->reform();
  settle();
  for (int round = 0; !all_ended() && findings.empty(); ++round) {
    for (const auto& agent : agents_) agent->work();
    settle();
    if (options_.audit) check_quiet();
    check(round % 8 == 0);
    if (round == kMostRounds) return findings.add("not everything ended");
    if (std::none_of(agents_.begin(), agents_.end(), [](const auto& a) { return a->holds(); })) {
      pass(std::max<std::int64_t>(next_moment() - clock.steady_us(), kMs));
    }
  }
  if (findings.empty()) check_end();
}

bool World::is_quiet() const {
  const auto is_clear = [](const auto& link) { return link->is_clear(); };
  const auto rests = [](const Plane& plane) {
    return CoordinatorCore::of(*plane.coordinator).calls().outstanding() == 0;
  };
  return std::all_of(links_.begin(), links_.end(), is_clear) &&
         std::all_of(planes_.begin(), planes_.end(), rests);
}

// Nothing is on its way. Then nobody waits for what is there, and no lease is lost.
void World::check_quiet() {
  for (const auto& agent : agents_) {
    if (!agent->parked().empty() && could_claim(*agent)) check_wakeups(*agent);
  }
  for (const auto& [number, id] : operator_->awaited()) {
    const SeenTask* task = history.find(id.str());
    findings.expect(task == nullptr || !is_terminal(task->state), "somebody waits for task ", id,
                    ", which ended as ", to_string(task->state));
  }
  scribe_->check_waiting();
  ledger.check_leases(plan.only_late);
}

bool World::could_claim(const SimAgent& agent) const {
  const std::optional<Agent> it = witness_->agent(agent.name());
  if (!it) return !plan.config.require_registration;
  const bool admitted = it->status != AgentStatus::offline && it->status != AgentStatus::failed &&
                        it->reported_status != AgentStatus::draining;
  const bool has_slot = it->max_concurrency == 0 || it->running < it->max_concurrency;
  return admitted && has_slot && it->breaker == BreakerState::closed;
}

// No task may be ready that a waiting claim could take.
void World::check_wakeups(const SimAgent& agent) {
  for (const auto& [number, request] : agent.parked()) {
    auto offered = request.capabilities;
    const auto registered = history.agents().find(agent.name());
    if (offered.empty() && registered != history.agents().end()) {
      offered = registered->second.capabilities;
    }
    std::sort(offered.begin(), offered.end());
    for (const auto& [id, task] : history.tasks()) {
      if (task.state != TaskState::pending || !task.ready || task.needs) continue;
      if (!History::may_take(task, agent.name(), offered)) continue;
      if (!task.key.empty() && history.leases_of_key(task.key) >= task.key_limit) continue;
      findings.add("agent ", agent.name(), " waits, and task ", id, " is ready for it");
    }
  }
}

void World::check_end() {
  pass(120 * kSecond);  // the end of every wait
  check(true);
  findings.expect(shared.held() == 0, "permits for ", shared.held(), " never ended");
  for (const auto& [number, what] : open_calls_) findings.add(what, " was never answered");
  for (const Task& task : witness_->all_tasks()) {
    findings.expect(is_terminal(task.state), "task ", task.id, " is ", to_string(task.state));
  }
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    CoordinatorCore& core = CoordinatorCore::of(*planes_[i].coordinator);
    findings.expect(core.calls().outstanding() == 0 && core.claims().waiting() == 0 &&
                        core.results().waiting() == 0 && core.permits().waiting() == 0 &&
                        core.logs().waiting() == 0,
                    "coordinator ", i, " still waits for something");
    const Received& received = *planes_[i].received;
    const std::uint64_t all = history.last_event() - received.began_after;
    findings.expect(received.events + received.missed == all, "a subscriber of ", all,
                    " events got ", received.events, " and missed ", received.missed);
  }
}

}  // namespace controlplane::simulation
