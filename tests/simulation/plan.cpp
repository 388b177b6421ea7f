#include "simulation/plan.hpp"

namespace controlplane::simulation {
namespace {

using std::chrono::milliseconds;

struct Usual {
  Act act;
  double weight;
  bool always = false;  // no swarm goes without it
  const char* name = "";
};

constexpr std::array<Usual, kActs> kUsual{{
    {Act::enlist, 3, false, "enlist"},         {Act::claim, 14, true, "claim"},
    {Act::park, 8, false, "park"},             {Act::start, 5, false, "start"},
    {Act::progress, 3, false, "progress"},     {Act::renew, 4, false, "renew"},
    {Act::complete, 10, false, "complete"},    {Act::fail, 6, false, "fail"},
    {Act::release, 3, false, "release"},       {Act::repeat, 5, false, "repeat"},
    {Act::stale, 6, false, "stale"},           {Act::nameless, 2, false, "nameless"},
    {Act::crash, 2, false, "crash"},           {Act::heartbeat, 3, false, "heartbeat"},
    {Act::drain, 1, false, "drain"},           {Act::unregister, 1, false, "unregister"},
    {Act::submit, 18, true, "submit"},         {Act::submit_again, 3, false, "submit_again"},
    {Act::submit_many, 2, false, "submit_many"}, {Act::cancel, 4, false, "cancel"},
    {Act::assign, 2, false, "assign"},         {Act::reassign, 1, false, "reassign"},
    {Act::replay, 3, false, "replay"},         {Act::wait, 4, false, "wait"},
    {Act::look, 3, false, "look"},             {Act::probe, 1, false, "probe"},
    {Act::put, 4, false, "put"},               {Act::erase, 1, false, "erase"},
    {Act::look_shared, 1, false, "look_shared"}, {Act::define, 1, false, "define"},
    {Act::acquire, 5, false, "acquire"},       {Act::end_permit, 4, false, "end_permit"},
    {Act::append, 5, false, "append"},         {Act::read_log, 5, false, "read_log"},
    {Act::shape_log, 2, false, "shape_log"},
    {Act::pass, 16, true, "pass"},             {Act::pass_long, 3, false, "pass_long"},
    {Act::leap, 1, false, "leap"},             {Act::jump_wall, 1, false, "jump_wall"},
    {Act::restart, 0.5, false, "restart"},     {Act::weather, 2, false, "weather"},
}};

double sometimes(Dice& dice, double probability, double most) {
  return dice.chance(probability) ? dice.share() * most : 0;
}

}  // namespace

const char* to_string(Act act) noexcept { return kUsual[static_cast<std::size_t>(act)].name; }

Plan::Plan(std::uint64_t the_seed) : seed(the_seed), encoded(the_seed % 3 == 0) {
  Dice dice(seed * 2 + 1);
  coordinators = 1 + dice.below(3);
  steps = static_cast<std::size_t>(dice.between(60, 400));
  for (std::size_t i = 0, end = 1 + dice.below(5); i < end; ++i) {
    agents.push_back("agent-" + std::to_string(i));
  }
  for (std::size_t i = 0, end = 1 + dice.below(3); i < end; ++i) {
    capabilities.push_back(std::string(1, static_cast<char>('a' + i)));
  }
  unpumped = sometimes(dice, 0.5, 0.5);
  choose_weights(dice);
  choose_faults(dice);
  choose_config(dice);
  choose_limits(dice);
  choose_retention(dice);
  choose_specs(dice);
}

void Plan::choose_weights(Dice& dice) {
  for (const Usual& usual : kUsual) {
    const bool absent = !usual.always && dice.chance(0.25);
    weights[static_cast<std::size_t>(usual.act)] =
        absent ? 0 : usual.weight * (0.25 + 1.75 * dice.share());
  }
}

void Plan::choose_faults(Dice& dice) {
  if (dice.chance(0.3)) return;  // a store that always answers at once
  faults.late = sometimes(dice, 0.8, 0.8);
  faults.late_signals = dice.chance(0.4);
  only_late = dice.chance(0.3);
  if (!only_late) {
    faults.away = sometimes(dice, 0.6, 0.3);
    faults.unknown = sometimes(dice, 0.6, 0.4);
    faults.refused = sometimes(dice, 0.4, 0.2);
    outage = sometimes(dice, 0.5, 0.3);
  }
  faults.latency_us = dice.chance(0.7) ? dice.between(1, 200) * kMs : dice.between(1, 4'000) * kMs;
  if (dice.chance(0.3)) config.operation_timeout = milliseconds(dice.between(50, 5'000));
}

void Plan::choose_config(Dice& dice) {
  config.tenant_id = "main";
  config.heartbeat_timeout = milliseconds(dice.between(5, 60) * 1'000);
  config.heartbeat_interval = config.heartbeat_timeout / 3;
  config.task_timeout = milliseconds(dice.between(5, 300) * 1'000);
  config.max_task_retries = static_cast<int>(dice.below(5));
  config.cancel_grace = milliseconds(dice.between(1, 30) * 1'000);
  config.lease_ttl = milliseconds(dice.between(2, 30) * 1'000);
  config.offline_agent_retention = milliseconds(dice.between(1, 600) * 1'000);
  config.event_retention = milliseconds(dice.chance(0.2) ? dice.between(1, 600) * 1'000 : 0);
  config.ageing_interval = milliseconds(dice.chance(0.2) ? dice.between(1, 60) * 1'000 : 0);
  config.strategy = static_cast<SelectionStrategy>(dice.below(4));
  config.require_lease = dice.chance(0.25);
  config.require_registration = dice.chance(0.2);
}

void Plan::choose_limits(Dice& dice) {
  Limits& limits = config.limits;
  limits.max_events = static_cast<std::size_t>(dice.between(2'000, 4'000));
  if (dice.chance(0.3)) limits.advance_batch = 1 + dice.below(4);
  if (dice.chance(0.3)) limits.max_releases = static_cast<std::uint32_t>(1 + dice.below(3));
  if (dice.chance(0.3)) limits.max_crashes = static_cast<std::uint32_t>(1 + dice.below(4));
  if (dice.chance(0.3)) limits.max_rate_limited = static_cast<std::uint32_t>(1 + dice.below(4));
  bounded = dice.chance(0.2);
  if (!bounded) return;
  if (dice.chance(0.3)) limits.max_logs = 1 + dice.below(2);
  if (dice.chance(0.3)) limits.max_log_entries = 1 + dice.below(20);
  if (dice.chance(0.3)) limits.max_waiting_reads = 1 + dice.below(3);
  if (dice.chance(0.3)) limits.max_tasks = 5 + dice.below(20);
  if (dice.chance(0.3)) limits.max_queues = 1 + dice.below(4);
  if (dice.chance(0.3)) limits.max_waiting_claims = 1 + dice.below(3);
  if (dice.chance(0.3)) limits.max_waiting_results = 1 + dice.below(3);
  if (dice.chance(0.3)) limits.max_idempotency_keys = 2 + dice.below(8);
  if (dice.chance(0.3)) limits.max_concurrency_keys = 1 + dice.below(2);
  if (dice.chance(0.3)) limits.max_task_types = 1 + dice.below(2);
  if (dice.chance(0.3)) limits.max_policies = 1 + dice.below(4);
  if (dice.chance(0.3)) limits.max_dependents = 1 + dice.below(2);
}

void Plan::choose_retention(Dice& dice) {
  forgetful = dice.chance(0.3);
  if (!forgetful) return;
  Retention& retention = config.retention;
  retention.min_age = milliseconds(dice.between(1, 20) * 1'000);
  retention.max_age = retention.min_age + milliseconds(dice.between(0, 120) * 1'000);
  if (dice.chance(0.5)) retention.max_count = 1 + dice.below(10);
  if (dice.chance(0.3)) retention.max_bytes = 1'000 + dice.below(20'000);
  retention.key_age = milliseconds(dice.between(1, 300) * 1'000);
}

void Plan::choose_specs(Dice& dice) {
  delayed = sometimes(dice, 0.5, 0.4);
  dependent = sometimes(dice, 0.6, 0.5);
  keyed = sometimes(dice, 0.5, 0.7);
  bounded_time = sometimes(dice, 0.5, 0.5);
  directed = sometimes(dice, 0.4, 0.4);
  excluding = sometimes(dice, 0.3, 0.4);
  own_id = sometimes(dice, 0.7, 0.8);
  labelled = sometimes(dice, 0.3, 0.5);
  needing = sometimes(dice, 0.4, 0.4);
}

}  // namespace controlplane::simulation
