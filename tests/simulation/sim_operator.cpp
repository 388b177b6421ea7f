#include "simulation/sim_operator.hpp"

#include <algorithm>
#include <utility>

#include "simulation/sim_agent.hpp"
#include "simulation/sim_sharer.hpp"
#include "simulation/world.hpp"

namespace controlplane::simulation {

using std::chrono::milliseconds;

Coordinator& SimOperator::plane() { return world_.plane(world_.dice.below(world_.planes())); }

const TaskId* SimOperator::some_task() {
  return known_.empty() ? nullptr : &world_.dice.pick(known_);
}

void SimOperator::act(Act act) {
  world_.note("operator: ", to_string(act));
  switch (act) {
    case Act::submit: return submit(some_spec());
    case Act::submit_again: return submit_again();
    case Act::submit_many: return submit_many();
    case Act::cancel: return cancel();
    case Act::assign: return assign();
    case Act::reassign:
      return plane().reassign_agent_tasks(world_.some_agent().name(),
                                          world_.answer<std::uint64_t>("reassign_agent_tasks"));
    case Act::replay: return replay();
    case Act::wait: return wait();
    case Act::look: return look();
    case Act::probe: return probe();
    default: return;
  }
}

TaskSpec SimOperator::some_spec() {
  Dice& dice = world_.dice;
  const Plan& plan = world_.plan;
  TaskSpec spec;
  const std::string number = std::to_string(++counter_);
  spec.task_type = dice.chance(0.7) ? "work" : "other-work";
  spec.payload = "\"" + number + "\"";
  for (const std::string& capability : plan.capabilities) {
    if (dice.chance(0.4)) spec.required_capabilities.push_back(capability);
  }
  spec.priority = dice.chance(0.5) ? TaskPriority::normal : static_cast<TaskPriority>(dice.below(4));
  spec.retry.delay = milliseconds(dice.chance(0.4) ? 0 : dice.between(1, 10) * 1'000);
  if (dice.chance(0.3)) spec.retry.max_retries = static_cast<int>(dice.below(3));
  if (dice.chance(plan.delayed)) spec.delay = milliseconds(dice.between(1, 20'000));
  bound_time(spec);
  if (dice.chance(plan.own_id)) {
    spec.task_id = "job-" + number;
  } else if (dice.chance(plan.own_id)) {
    spec.idempotency_key = "key-" + number;
  }
  if (dice.chance(plan.keyed)) {
    spec.concurrency_key = dice.chance(0.6) ? "key-a" : "key-b";
    spec.concurrency_limit = static_cast<std::uint32_t>(1 + dice.below(2));
  }
  for (std::size_t i = 0; i < 2 && dice.chance(plan.dependent); ++i) {
    if (const TaskId* parent = some_task()) spec.depends_on.push_back(*parent);
  }
  spec.allow_failed_parents = !spec.depends_on.empty() && dice.chance(0.4);
  if (dice.chance(plan.directed)) {
    spec.agent_id = world_.some_agent().name();
  } else if (dice.chance(plan.excluding)) {
    spec.exclude.push_back(world_.some_agent().name());
  }
  if (dice.chance(plan.needing)) {
    for (const std::string& pool : world_.sharer().pools()) {
      if (spec.needs.empty() || dice.chance(0.5)) spec.needs.push_back({pool, 1 + dice.below(3)});
    }
  }
  if (dice.chance(plan.labelled)) spec.labels = {{"part", number}};
  return spec;
}

void SimOperator::bound_time(TaskSpec& spec) {
  Dice& dice = world_.dice;
  const double share = world_.plan.bounded_time;
  if (dice.chance(share)) spec.timeout = milliseconds(dice.between(1, 30) * 1'000);
  if (dice.chance(share / 2)) spec.queue_timeout = milliseconds(dice.between(1, 60) * 1'000);
  if (dice.chance(share / 2)) spec.total_timeout = milliseconds(dice.between(1, 120) * 1'000);
}

Ask SimOperator::ask_of(const TaskSpec& spec) {
  return {spec.task_id.empty() ? spec.idempotency_key : spec.task_id.str(), spec.payload.str()};
}

void SimOperator::heard(const Ask& ask, const Result<TaskId>& answer) {
  world_.ledger.submitted(ask, answer);
  if (!answer) return;
  if (std::find(known_.begin(), known_.end(), *answer) == known_.end()) known_.push_back(*answer);
}

void SimOperator::submit(TaskSpec spec) {
  const Ask ask = ask_of(spec);
  world_.ledger.submitting(ask);
  if (!ask.key.empty()) keyed_.push_back(spec);
  plane().submit_task(std::move(spec),
                      world_.answer<TaskId>("submit_task", [this, ask](Result<TaskId>& answer) {
                        world_.note("operator: submit was answered ",
                                    answer ? answer->str() : answer.error().to_string());
                        heard(ask, answer);
                      }));
}

void SimOperator::submit_again() {
  if (keyed_.empty()) return;
  TaskSpec spec = world_.dice.pick(keyed_);
  if (world_.dice.chance(0.2)) spec.payload = "\"other content\"";
  submit(std::move(spec));
}

void SimOperator::submit_many() {
  std::vector<TaskSpec> specs;
  std::vector<Ask> asks;
  for (std::size_t i = 0, end = 1 + world_.dice.below(5); i < end; ++i) {
    specs.push_back(some_spec());
    asks.push_back(ask_of(specs.back()));
    world_.ledger.submitting(asks.back());
  }
  using Answers = std::vector<Result<TaskId>>;
  plane().submit_tasks(std::move(specs),
                       world_.answer<Answers>("submit_tasks", [this, asks](auto& answers) {
                         for (std::size_t i = 0; i < asks.size(); ++i) {
                           heard(asks[i],
                                 answers ? (*answers)[i] : Result<TaskId>(answers.error()));
                         }
                       }));
}

void SimOperator::cancel() {
  const TaskId* id = some_task();
  if (id == nullptr) return;
  plane().cancel_task(*id, world_.dice.chance(0.3),
                      world_.answer<TaskState>("cancel_task", [this, id = *id](auto& state) {
                        const SeenTask* task = world_.history.find(id.str());
                        if (!state || task == nullptr || *state != TaskState::cancelled) return;
                        world_.findings.expect(task->state == TaskState::cancelled || task->gone ||
                                                   task->generation > 1,
                                               "task ", id, " was cancelled, and is not");
                      }));
}

// Never to an agent that the task excludes: nobody could take it then.
void SimOperator::assign() {
  const TaskId* id = some_task();
  const SeenTask* task = id == nullptr ? nullptr : world_.history.find(id->str());
  if (task == nullptr) return;
  std::string agent = world_.dice.chance(0.4) ? "" : world_.some_agent().name();
  if (std::binary_search(task->excluded.begin(), task->excluded.end(), agent)) agent.clear();
  plane().assign_task(*id, agent, world_.answer<void>("assign_task"));
}

void SimOperator::replay() {
  std::vector<TaskId> dead;
  for (const TaskId& id : known_) {
    const SeenTask* task = world_.history.find(id.str());
    if (task != nullptr && (task->state == TaskState::failed || task->state == TaskState::timeout)) {
      dead.push_back(id);
    }
  }
  if (dead.empty()) return;
  ReplayOptions options;
  options.with_dependents = world_.dice.chance(0.5);
  if (world_.dice.chance(0.5)) options.operation_id = "replay-" + std::to_string(counter_ / 4);
  plane().replay_dead_letter(world_.dice.pick(dead), options,
                             world_.answer<TaskId>("replay_dead_letter", [this](auto& answer) {
                               heard({}, answer);
                             }));
}

void SimOperator::wait() {
  const TaskId* id = some_task();
  if (id == nullptr) return;
  awaited_.emplace(++waits_, *id);
  const auto heard = [this, id = *id, number = waits_](Result<Task>& answer) {
    awaited_.erase(number);
    if (!answer) return;
    const SeenTask* task = world_.history.find(id.str());
    world_.findings.expect(task != nullptr && is_terminal(answer->state) &&
                               (task->state == answer->state || task->generation > 1),
                           "the result of task ", id, " is ", to_string(answer->state));
  };
  plane().wait_for_result(*id, milliseconds(world_.dice.between(0, 60'000)),
                          world_.answer<Task>("wait_for_result", heard));
}

void SimOperator::look() {
  Dice& dice = world_.dice;
  switch (dice.below(5)) {
    case 0: return look_at_task();
    case 4: return plane().check_health(world_.answer<SystemHealth>("check_health"));
    case 1: {
      SelectRequest request;
      request.strategy = static_cast<SelectionStrategy>(dice.below(4));
      return plane().select_agent(request, world_.answer<Agent>("select_agent"));
    }
    case 2:
      return plane().list_agents({}, {}, world_.answer<Page<Agent>>("list_agents"));
    default: {
      PageRequest page;
      page.max_items = 1 + dice.below(10);
      return plane().list_tasks({}, page, world_.answer<Page<Task>>("list_tasks"));
    }
  }
}

void SimOperator::look_at_task() {
  const TaskId* id = some_task();
  if (id == nullptr) return;
  if (world_.dice.chance(0.3)) {
    return plane().explain(*id, world_.answer<Explanation>("explain"));
  }
  plane().get_task(*id, world_.answer<Task>("get_task", [this](Result<Task>& answer) {
                     if (answer) world_.ledger.check_results({*answer});
                   }));
}

// Of an agent that is well only sometimes, or the end of such a probe.
void SimOperator::probe() {
  ProbeSpec spec;
  spec.agent_id = world_.some_agent().name();
  spec.name = "probe-of-" + spec.agent_id;
  Coordinator& at = plane();
  if (at.unregister_probe(spec.name)) return;
  spec.interval = milliseconds(world_.dice.between(500, 10'000));
  spec.timeout = milliseconds(world_.dice.between(100, 5'000));
  spec.failure_threshold = static_cast<std::uint32_t>(1 + world_.dice.below(3));
  spec.success_threshold = static_cast<std::uint32_t>(1 + world_.dice.below(3));
  spec.callback = [this] { return world_.calm() || world_.dice.chance(0.5); };
  const Result<void> registered = at.register_probe(std::move(spec));
  world_.findings.expect(registered.ok(), "register_probe failed");
}

}  // namespace controlplane::simulation
