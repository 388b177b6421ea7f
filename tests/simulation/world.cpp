#include "simulation/world.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "simulation/sim_agent.hpp"
#include "simulation/sim_codec.hpp"
#include "simulation/sim_operator.hpp"
#include "simulation/sim_scribe.hpp"
#include "simulation/sim_sharer.hpp"
#include "store/memory/memory_store.hpp"

namespace controlplane::simulation {
namespace {

constexpr std::size_t kTraceLines = 80;
constexpr std::int64_t kNoMoment = std::numeric_limits<std::int64_t>::max();

bool is_of_agent(Act act) { return act <= Act::unregister; }
bool is_of_sharer(Act act) { return act >= Act::put && act <= Act::end_permit; }
bool is_of_scribe(Act act) { return act >= Act::append && act <= Act::shape_log; }
bool is_of_operator(Act act) { return act > Act::unregister && act <= Act::probe; }

}  // namespace

// The store that a coordinator is given: the shared tables at the end of its own way.
class World::Entrance final : public Store {
 public:
  Entrance(World& world, Plane& plane) : world_(world), plane_(plane) {}
  std::string_view name() const override { return "simulated"; }

  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override {
    auto opened = world_.memory_->open_tenant(tenant, options);
    if (!opened) return opened;
    if (world_.top_ == nullptr) {
      world_.witness_ = std::make_shared<WitnessTenant>(*opened, world_.history);
      world_.top_ = with_defect(world_.witness_, world_.options_.defect);
    }
    plane_.link = std::make_shared<FaultyTenant>(world_.top_, world_.clock, world_.dice.next());
    world_.links_.push_back(plane_.link);
    return std::shared_ptr<TenantStore>(plane_.link);
  }

 private:
  World& world_;
  Plane& plane_;
};

World::World(std::uint64_t seed, const RunOptions& options)
    : plan(seed),
      dice(seed * 2),
      shared(findings),
      history(findings, shared, plan.config.ageing_interval.count() == 0, plan.forgetful),
      ledger(findings, history, plan.forgetful, plan.config.require_lease),
      options_(options),
      codec_(plan.encoded ? std::make_shared<const SimCodec>() : nullptr),
      memory_(make_memory_store(clock, 16)),
      operator_(std::make_unique<SimOperator>(*this)),
      sharer_(std::make_unique<SimSharer>(*this)),
      scribe_(std::make_unique<SimScribe>(*this)) {
  open_other_tenant();
  planes_.resize(plan.coordinators);
  for (std::size_t i = 0; i < planes_.size(); ++i) open_plane(i);
  for (const std::string& name : plan.agents) {
    agents_.push_back(std::make_unique<SimAgent>(*this, name, agents_.size()));
  }
  change_weather();
}

World::~World() {
  for (Plane& plane : planes_) close_plane(plane);
}

SimAgent& World::some_agent() { return *dice.pick(agents_); }

void World::open_plane(std::size_t index) {
  Plane& plane = planes_[index];
  plane.received = std::make_unique<Received>();
  CoordinatorParts parts;
  parts.store = std::make_shared<Entrance>(*this, plane);
  parts.clock = &clock;
  parts.entropy = std::make_unique<SeededEntropy>(mix64(plan.seed) + ++opened_);
  parts.pumped = true;
  parts.codec = codec_;
  Config config = plan.config;
  config.coordinator_id = "coordinator-" + std::to_string(opened_);  // not this host and process
  auto opened = open_coordinator(std::move(config), std::move(parts));
  if (!opened) return findings.add("a coordinator does not open: ", opened.error());
  plane.coordinator = std::make_unique<Coordinator>(*std::move(opened));
  plane.received->began_after = witness_->before_first_event();
  SubscribeOptions all;
  all.from_start = true;
  all.buffer = dice.chance(0.8) ? 10'000 : 1 + dice.below(50);
  auto subscribed = plane.coordinator->subscribe(
      all, [this, by = plane.received.get()](const EventBatch& batch) { receive(*by, batch); });
  if (!subscribed) return findings.add("subscribe: ", subscribed.error());
  plane.subscription = *std::move(subscribed);
}

void World::close_plane(Plane& plane) {
  if (plane.coordinator == nullptr) return;
  closing_ = true;
  plane.subscription.reset();
  if (dice.chance(0.5)) (void)plane.coordinator->shutdown();
  plane.coordinator.reset();
  closing_ = false;
}

// The same ids in another tenant of the same store; whatever happens next must not reach it.
void World::open_other_tenant() {
  CoordinatorParts parts;
  parts.store = std::shared_ptr<Store>(memory_.get(), [](Store*) {});
  parts.clock = &clock;
  parts.entropy = std::make_unique<SeededEntropy>(mix64(plan.seed));
  parts.pumped = true;
  Config config = plan.config;
  config.tenant_id = "other";
  config.limits = {};
  auto opened = open_coordinator(config, std::move(parts));
  if (!opened) return findings.add("a coordinator does not open: ", opened.error());
  for (int i = 1; i <= 4; ++i) {
    TaskSpec spec;
    spec.task_type = "work";
    spec.task_id = "job-" + std::to_string(i);
    spec.concurrency_key = "key-a";
    spec.concurrency_limit = 1;
    (void)opened->submit_task(spec);
  }
  AgentSpec agent;
  agent.agent_id = "agent-0";
  (void)opened->register_agent(agent);
  ClaimRequest claim;
  claim.agent_id = "agent-0";
  (void)opened->claim_task(claim);
  (void)opened->shutdown();
  other_ = *memory_->open_tenant("other", {});
  other_hash_ = tables_of(*other_).state_hash();
}

Outcome World::run() {
  for (; steps_ < plan.steps && findings.empty(); ++steps_) step();
  if (findings.empty()) finale();
  Outcome outcome;
  outcome.hash = FieldDigest().add(history.hash()).add(witness_->tables().state_hash()).finish();
  outcome.findings = findings.sentences();
  outcome.trace = std::move(trace_);
  outcome.events = history.last_event();
  outcome.census = std::move(census_);
  if (options_.audit) history.add_to(outcome.census);
  return outcome;
}

void World::step() {
  const auto what = static_cast<Act>(dice.weighted(plan.weights));
  if (is_of_agent(what)) {
    some_agent().act(what);
  } else if (is_of_operator(what)) {
    operator_->act(what);
  } else if (is_of_sharer(what)) {
    sharer_->act(what);
  } else if (is_of_scribe(what)) {
    scribe_->act(what);
  } else {
    act(what);
  }
  const bool settled = !dice.chance(plan.unpumped);
  if (settled) settle();
  check(steps_ % 8 == 0);
  if (settled && options_.audit && is_quiet()) check_quiet();
}

void World::act(Act act) {
  note("world: ", to_string(act));
  switch (act) {
    case Act::pass: return pass(dice.between(0, 3 * kSecond));
    case Act::pass_long: return pass(dice.between(0, 90 * kSecond));
    case Act::leap: return clock.advance(dice.between(0, 400 * kSecond));
    case Act::jump_wall: return clock.jump_wall(dice.between(-4'000 * kSecond, 4'000 * kSecond));
    case Act::weather: return change_weather();
    case Act::restart: {
      const std::size_t index = dice.below(planes_.size());
      close_plane(planes_[index]);
      return open_plane(index);
    }
    default: return;
  }
}

void World::change_weather() {
  Faults outage{.late = 1, .latency_us = plan.faults.latency_us};
  (dice.chance(0.5) ? outage.away : outage.unknown) = 1;
  for (Plane& plane : planes_) {
    const Faults usual = dice.chance(0.6) ? plan.faults : Faults{};
    plane.link->set_faults(dice.chance(plan.outage) ? outage : usual);
  }
}

void World::settle() {
  for (std::size_t turns = 0, ran = 1; ran > 0; ++turns) {
    if (turns > 10'000) return findings.add("the coordinators never come to rest");
    ran = 0;
    for (const auto& link : links_) ran += link->deliver();
    const std::size_t first = dice.below(planes_.size());
    for (std::size_t i = 0; i < planes_.size(); ++i) {
      Plane& plane = planes_[(first + i) % planes_.size()];
      ran += CoordinatorCore::of(*plane.coordinator).pump();
    }
  }
}

std::int64_t World::next_moment() const {
  std::int64_t next = kNoMoment;
  for (const auto& link : links_) next = std::min(next, link->next());
  for (const Plane& plane : planes_) {
    next = std::min(next, CoordinatorCore::of(*plane.coordinator).next_timer());
  }
  return next;
}

void World::pass(std::int64_t us) {
  const std::int64_t until = clock.steady_us() + us;
  settle();
  for (std::int64_t next = next_moment(); next <= until && findings.empty(); next = next_moment()) {
    clock.advance(std::max<std::int64_t>(next - clock.steady_us(), 0));
    settle();
  }
  clock.advance(std::max<std::int64_t>(until - clock.steady_us(), 0));
}

void World::closed(std::uint64_t number, const Error* error) {
  const auto call = open_calls_.find(number);
  if (call == open_calls_.end()) return findings.add("call ", number, " was answered twice");
  const std::string what = std::move(call->second);
  open_calls_.erase(call);
  if (options_.audit) ++census_[what + ": " + std::string(error ? to_string(error->code) : "ok")];
  if (error == nullptr) return;
  const auto may_be = [&] {
    switch (error->code) {
      case ErrorCode::conflict:
      case ErrorCode::not_found:
      case ErrorCode::already_exists:
      case ErrorCode::failed_precondition: return true;
      case ErrorCode::data_loss: return what == "read_log";
      case ErrorCode::deadline_exceeded: return what == "wait_for_result" || what == "acquire";
      case ErrorCode::invalid_argument:  // a capacity was lowered
        return what == "acquire" || what == "submit_task";
      case ErrorCode::resource_exhausted: return plan.bounded || what == "acquire";
      case ErrorCode::unavailable: return !calm_;
      case ErrorCode::cancelled: return closing_;
      default: return false;
    }
  };
  findings.expect(may_be(), what, " was answered ", *error);
}

void World::receive(Received& by, const EventBatch& batch) {
  by.missed += batch.missed;
  for (const Event& event : batch.events) {
    findings.expect(event.seq > by.last && history.is(event), "a subscriber got event ", event.seq,
                    " after ", by.last, " as ", event.type, " of ", event.subject);
    by.last = event.seq;
    ++by.events;
  }
}

void World::keep(std::string line) {
  trace_.push_back(std::move(line));
  if (trace_.size() > kTraceLines) trace_.pop_front();
}

Outcome simulate(std::uint64_t seed, const RunOptions& options) {
  return World(seed, options).run();
}

}  // namespace controlplane::simulation
