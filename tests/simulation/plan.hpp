// What one seed decides before it begins: which steps are frequent and which never come, how bad the
// way to the store is, how large everything may grow. Every seed is another swarm.
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/config.hpp"
#include "simulation/dice.hpp"

namespace controlplane::simulation {

inline constexpr std::int64_t kMs = 1'000, kSecond = 1'000 * kMs;
inline constexpr std::int64_t kLongestWait = 40 * kSecond;  // of a claim

enum class Act : std::uint8_t {
  // an agent
  enlist, claim, park, start, progress, renew, complete, fail, release, repeat, stale, nameless,
  crash, heartbeat, drain, unregister,
  // who gives work and watches over it
  submit, submit_again, submit_many, cancel, assign, reassign, replay, wait, look, probe,
  // who shares
  put, erase, look_shared, define, acquire, end_permit,
  // who keeps logs
  append, read_log, shape_log,
  // the world
  pass, pass_long, leap, jump_wall, restart, weather
};
inline constexpr std::size_t kActs = static_cast<std::size_t>(Act::weather) + 1;
const char* to_string(Act act) noexcept;

// The way from a coordinator to its store.
struct Faults {
  double late = 0;              // an operation is answered later
  double away = 0;              // … with unavailable, and it was not applied
  double unknown = 0;           // … with outcome_unknown, and it may have been applied
  double refused = 0;           // unavailable at once
  bool late_signals = false;
  std::int64_t latency_us = 0;  // at most, each way

  bool is_none() const { return late == 0 && refused == 0 && !late_signals; }
};

struct Plan {
  explicit Plan(std::uint64_t seed);
  std::uint64_t seed;
  std::size_t coordinators, steps;
  std::vector<std::string> agents, capabilities;
  std::array<double, kActs> weights{};
  Faults faults;
  double outage = 0;            // share of the weather in which the store does not answer at all
  bool only_late = true;        // nothing is lost: every operation is applied and answered
  double unpumped;              // share of steps that nobody pumps after
  Config config;
  bool bounded = false;         // small limits: resource_exhausted is an answer
  bool forgetful = false;       // retention removes tasks while it runs
  bool encoded;                 // values are not the same in the store as outside
  // shares of submits with
  double delayed, dependent, keyed, bounded_time, directed, excluding, own_id, labelled, needing;

 private:
  void choose_weights(Dice& dice);
  void choose_faults(Dice& dice);
  void choose_config(Dice& dice);
  void choose_limits(Dice& dice);
  void choose_retention(Dice& dice);
  void choose_specs(Dice& dice);
};

}  // namespace controlplane::simulation
