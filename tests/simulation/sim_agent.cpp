#include "simulation/sim_agent.hpp"

#include <algorithm>
#include <utility>

#include "simulation/world.hpp"

namespace controlplane::simulation {
namespace {

constexpr std::size_t kMemory = 6;

template <class T>
void remember_last(std::vector<T>& memory, T value) {
  memory.push_back(std::move(value));
  if (memory.size() > kMemory) memory.erase(memory.begin());
}

}  // namespace

SimAgent::SimAgent(World& world, std::string name, std::size_t home)
    : world_(world), name_(std::move(name)), home_(home) {}

Coordinator& SimAgent::plane() {
  const bool stray = world_.dice.chance(0.15);
  return world_.plane(stray ? world_.dice.below(world_.planes()) : home_ % world_.planes());
}

AttemptRef& SimAgent::some(std::vector<AttemptRef>& attempts) { return world_.dice.pick(attempts); }

std::vector<std::string> SimAgent::some_capabilities() {
  std::vector<std::string> some;
  for (const std::string& capability : world_.plan.capabilities) {
    if (world_.dice.chance(0.7)) some.push_back(capability);
  }
  return some;
}

void SimAgent::act(Act act) {
  world_.note(name_, ": ", to_string(act));
  switch (act) {
    case Act::enlist: return enlist(world_.dice.chance(0.4));
    case Act::claim: return claim(std::chrono::milliseconds(0));
    case Act::park: return claim(std::chrono::milliseconds(world_.dice.between(1, kLongestWait / kMs)));
    case Act::start:
    case Act::progress:
    case Act::renew:
      if (!held_.empty()) hold(act, some(held_));
      return;
    case Act::complete:
    case Act::fail:
    case Act::release: return finish(act);
    case Act::repeat: return repeat();
    case Act::stale: return act_late();
    case Act::nameless: return act_nameless();
    case Act::crash: return crash();
    case Act::heartbeat: return beat(false);
    case Act::drain: return beat(true);
    case Act::unregister: return leave();
    default: return;
  }
}

void SimAgent::enlist(bool anew) {
  if (anew) incarnation_ = world_.dice.next() | 1;
  AgentSpec spec;
  spec.agent_id = name_;
  spec.capabilities = some_capabilities();
  spec.max_concurrency = static_cast<std::uint32_t>(world_.dice.below(4));
  spec.incarnation = incarnation_;
  plane().register_agent(spec, world_.answer<Agent>("register_agent"));
}

void SimAgent::claim(std::chrono::milliseconds wait) {
  ClaimRequest request;
  request.agent_id = name_;
  if (world_.dice.chance(0.5)) request.capabilities = some_capabilities();
  request.max_tasks = static_cast<std::uint32_t>(1 + world_.dice.below(3));
  request.wait = wait;
  if (world_.dice.chance(0.5)) request.lease_ttl = world_.plan.config.lease_ttl;
  if (world_.dice.chance(0.2)) {
    request.claim_id = name_ + "-claim-" + std::to_string(++counter_);
    remember_last(asked_, request);
  }
  if (world_.dice.chance(0.3)) request.incarnation = incarnation_;
  send(std::move(request));
}

void SimAgent::send(ClaimRequest request) {
  const std::uint64_t number = ++counter_;
  if (request.wait.count() > 0) parked_.emplace(number, request);
  const std::size_t known = world_.ledger.claiming(request.claim_id);
  const auto heard = [this, claim_id = request.claim_id, number, known,
                      life = life_](Result<std::vector<ClaimedTask>>& tasks) {
    parked_.erase(number);
    if (tasks) {
      world_.ledger.claimed(name_, claim_id, known, *tasks);
      return claimed(life, *tasks);
    }
    const ErrorCode code = tasks.error().code;
    if (code == ErrorCode::unavailable || code == ErrorCode::cancelled) {
      world_.ledger.claim_unknown(name_);
    }
  };
  if (request.max_tasks > 1) {
    return plane().claim_tasks(std::move(request),
                               world_.answer<std::vector<ClaimedTask>>("claim_tasks", heard));
  }
  plane().claim_task(std::move(request),
                     world_.answer<std::optional<ClaimedTask>>("claim_task", [heard](auto& one) {
                       if (!one) {
                         Result<std::vector<ClaimedTask>> error(one.error());
                         return heard(error);
                       }
                       Result<std::vector<ClaimedTask>> tasks(std::vector<ClaimedTask>{});
                       if (*one) tasks->push_back(std::move(**one));
                       heard(tasks);
                     }));
}

void SimAgent::claimed(std::uint64_t life, const std::vector<ClaimedTask>& tasks) {
  for (const ClaimedTask& task : tasks) {
    world_.note(name_, ": got ", task.id, " attempt ", task.attempt);
    const AttemptRef attempt{task.id, task.lease, {}};
    if (life != life_) {
      remember(attempt);
      continue;
    }
    const auto same = [&](const AttemptRef& held) { return held.lease == task.lease; };
    if (std::none_of(held_.begin(), held_.end(), same)) held_.push_back(attempt);
  }
}

void SimAgent::remember(const AttemptRef& attempt) { remember_last(old_, attempt); }

void SimAgent::hold(Act act, const AttemptRef& attempt) {
  if (act == Act::renew && world_.dice.chance(0.3)) {
    return plane().renew_many({attempt, attempt},
                              world_.answer<std::vector<Result<LeaseStatus>>>("renew_many"));
  }
  auto done = world_.answer<LeaseStatus>(to_string(act));
  if (act == Act::start) return plane().start_task(attempt, std::move(done));
  if (act == Act::renew) return plane().renew(attempt, std::move(done));
  Progress progress;
  progress.attempt = attempt;
  progress.fraction = world_.dice.share();
  if (world_.dice.chance(0.5)) progress.data = "\"at " + std::to_string(++counter_) + "\"";
  plane().progress(std::move(progress), std::move(done));
}

void SimAgent::finish(Act act) {
  if (held_.empty()) return;
  const EndKind kind = act == Act::complete ? EndKind::complete
                       : act == Act::fail   ? EndKind::fail
                                            : EndKind::release;
  if (kind != EndKind::release && world_.dice.chance(0.2)) return finish_all(kind);
  const std::size_t which = world_.dice.below(held_.size());
  const AttemptRef attempt = held_[which];
  if (world_.dice.chance(0.8)) {
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
    remember(attempt);
  }
  end(kind, attempt);
}

// In one batch.
void SimAgent::finish_all(EndKind kind) {
  std::vector<std::size_t> numbers;
  for (const AttemptRef& attempt : std::exchange(held_, {})) {
    remember(attempt);
    numbers.push_back(report(kind, attempt));
  }
  say_together(kind, numbers);
}

std::size_t SimAgent::report(EndKind kind, const AttemptRef& attempt) {
  Report report{attempt, kind, FailKind::retryable, {}};
  if (kind == EndKind::fail) report.fail_kind = static_cast<FailKind>(world_.dice.below(3));
  if (kind != EndKind::release) {
    report.content = "\"" + name_ + " " + std::to_string(++counter_) + "\"";
  }
  const std::size_t number = world_.ledger.report(std::move(report));
  remember_last(said_, number);
  return number;
}

void SimAgent::say(std::size_t number) {
  const Report& report = world_.ledger.report_of(number);
  world_.note(name_, ": ends ", report.attempt.task_id, " attempt ", report.attempt.lease.attempt(),
              " by ", static_cast<int>(report.kind));
  auto done = world_.answer<void>("end", [this, number](Result<void>& answer) {
    world_.note(name_, ": was answered ", answer ? "ok" : answer.error().to_string());
    world_.ledger.answered(number, answer);
  });
  switch (report.kind) {
    case EndKind::complete:
      return plane().complete_task({report.attempt, report.content, {}}, std::move(done));
    case EndKind::fail:
      return plane().fail_task({report.attempt, report.content, report.fail_kind, {}, {}},
                               std::move(done));
    case EndKind::release: return plane().release_task(report.attempt, std::move(done));
  }
}

void SimAgent::say_together(EndKind kind, const std::vector<std::size_t>& numbers) {
  std::vector<Completion> completions;
  std::vector<Failure> failures;
  for (const std::size_t number : numbers) {
    const Report& report = world_.ledger.report_of(number);
    completions.push_back({report.attempt, report.content, {}});
    failures.push_back({report.attempt, report.content, report.fail_kind, {}, {}});
  }
  auto done = world_.answer<std::vector<Result<void>>>("ends", [this, numbers](auto& answers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      world_.ledger.answered(numbers[i], answers ? (*answers)[i] : Result<void>(answers.error()));
    }
  });
  if (kind == EndKind::fail) return plane().fail_tasks(std::move(failures), std::move(done));
  plane().complete_tasks(std::move(completions), std::move(done));
}

void SimAgent::repeat() {
  if (!asked_.empty() && world_.dice.chance(0.3)) return send(world_.dice.pick(asked_));
  if (!said_.empty()) say(world_.dice.pick(said_));
}

// With a lease of long ago, perhaps ended, perhaps not.
void SimAgent::act_late() {
  if (old_.empty()) return;
  const AttemptRef attempt = some(old_);
  switch (world_.dice.below(5)) {
    case 0: return hold(Act::start, attempt);
    case 1: return hold(Act::renew, attempt);
    case 2: return end(EndKind::fail, attempt);
    case 3: return end(EndKind::release, attempt);
    default: return end(EndKind::complete, attempt);
  }
}

void SimAgent::act_nameless() {
  std::vector<AttemptRef>& known = held_.empty() ? old_ : held_;
  if (known.empty()) return;
  const AttemptRef attempt{some(known).task_id, {}, name_};
  if (world_.plan.config.require_lease) return;  // an invalid argument, and nothing else
  if (world_.dice.chance(0.3)) return hold(Act::start, attempt);
  end(static_cast<EndKind>(world_.dice.below(3)), attempt);
}

void SimAgent::crash() {
  for (const AttemptRef& attempt : held_) {
    if (world_.dice.chance(0.5)) remember(attempt);  // only paused: it comes back to it
  }
  held_.clear();
  ++life_;
}

void SimAgent::beat(bool draining) {
  HeartbeatReport report;
  if (draining) {
    report.status = AgentStatus::draining;
  } else if (world_.dice.chance(0.6)) {
    report.status = static_cast<AgentStatus>(world_.dice.below(3));
  }
  if (world_.dice.chance(0.3)) report.health = static_cast<HealthStatus>(world_.dice.below(3));
  if (world_.dice.chance(0.3)) report.incarnation = incarnation_;
  plane().heartbeat(name_, report, world_.answer<void>("heartbeat"));
}

void SimAgent::leave() {
  const std::uint64_t incarnation = world_.dice.chance(0.5) ? incarnation_ : 0;
  plane().unregister_agent(name_, incarnation, world_.answer<void>("unregister_agent"));
}

// What it held is released first: leases that it took unregistered would count against it later.
void SimAgent::reform() {
  held_.clear();
  plane().reassign_agent_tasks(name_, world_.answer<std::uint64_t>("reassign_agent_tasks"));
  AgentSpec spec;
  spec.agent_id = name_;
  spec.capabilities = world_.plan.capabilities;
  spec.max_concurrency = 2;
  spec.incarnation = incarnation_ = world_.dice.next() | 1;
  plane().register_agent(spec, world_.answer<Agent>("register_agent"));
}

void SimAgent::work() {
  const bool later = world_.dice.chance(0.3);  // it waits although its slots are full
  if (!later) {
    for (const AttemptRef& attempt : std::exchange(held_, {})) end(EndKind::complete, attempt);
  }
  if (!parked_.empty()) return;
  ClaimRequest request;
  request.agent_id = name_;
  request.capabilities = world_.plan.capabilities;
  request.wait = std::chrono::seconds(20);
  request.lease_ttl = world_.plan.config.lease_ttl;
  send(std::move(request));
}

}  // namespace controlplane::simulation
