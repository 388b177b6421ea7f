// What a world demands after every step, and in the end.
#include <algorithm>

#include "engine/engine_audit.hpp"
#include "simulation/sim_agent.hpp"
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
  const auto all = witness_->all_tasks();
  history.compare(all, witness_->now(), plan.config.retention.min_age.count() * 1'000);
  ledger.check_results(all);
  findings.expect(tables_of(*other_).state_hash() == other_hash_, "the other tenant was touched");
}

// Turns all faults off, lets everything arrive that is on its way, and lets every claim end that
// waits with other capabilities than those of the finale.
void World::clear_sky() {
  note("world: the sky is clear");
  for (const auto& link : links_) link->set_faults({});
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
    check_wakeups();
    check(round % 8 == 0);
    if (round == kMostRounds) return findings.add("not everything ended");
    if (std::none_of(agents_.begin(), agents_.end(), [](const auto& a) { return a->holds(); })) {
      pass(std::max<std::int64_t>(next_moment() - clock.steady_us(), kMs));
    }
  }
  if (findings.empty()) check_end();
}

// Nothing is on its way: no task may be ready that a waiting agent could take.
void World::check_wakeups() {
  for (const Task& task : witness_->all_tasks()) {
    if (task.reason != TaskReason::ready) continue;
    const SeenTask* seen = history.find(task.id.str());
    if (seen == nullptr) continue;
    if (!seen->key.empty() && history.leases_of_key(seen->key) >= seen->key_limit) continue;
    for (const auto& agent : agents_) {
      if (!agent->waits() || history.leases_of(agent->name()) >= SimAgent::kSlots) continue;
      findings.expect(!History::may_take(*seen, agent->name(), plan.capabilities), "agent ",
                      agent->name(), " waits, and task ", task.id, " is ready for it");
    }
  }
}

void World::check_end() {
  pass(120 * kSecond);  // the end of every wait
  check(true);
  for (const auto& [number, what] : open_calls_) findings.add(what, " was never answered");
  for (const Task& task : witness_->all_tasks()) {
    findings.expect(is_terminal(task.state), "task ", task.id, " is ", to_string(task.state));
  }
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    CoordinatorCore& core = CoordinatorCore::of(*planes_[i].coordinator);
    findings.expect(core.calls().outstanding() == 0 && core.claims().waiting() == 0 &&
                        core.results().waiting() == 0,
                    "coordinator ", i, " still waits for something");
    const Received& received = *planes_[i].received;
    findings.expect(received.events + received.missed == history.last_event(), "a subscriber of ",
                    history.last_event(), " events got ", received.events, " and missed ",
                    received.missed);
  }
}

}  // namespace controlplane::simulation
