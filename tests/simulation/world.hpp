// One simulated deployment: coordinators of one tenant over one store, agents, somebody who gives
// work, and time. It makes the steps that its seed drew, checks after each, and in the end turns all
// faults off and demands that everything ends.
// Deterministic: no thread, no clock but the simulated one, no randomness but the seed's.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/sim_clock.hpp"
#include "coordinator/coordinator_core.hpp"
#include "simulation/broken_store.hpp"
#include "simulation/dice.hpp"
#include "simulation/faulty_store.hpp"
#include "simulation/findings.hpp"
#include "simulation/history.hpp"
#include "simulation/ledger.hpp"
#include "simulation/plan.hpp"
#include "simulation/witness_store.hpp"

namespace controlplane::simulation {

class SimAgent;
class SimOperator;
class SimScribe;
class SimSharer;

struct RunOptions {
  Defect defect = Defect::none;
  bool audit = true;   // scan the tables after every step; changes nothing
  bool trace = false;  // keep the last steps
};

// How often something happened: an event of a type and kind, a call that was answered with a code.
using Census = std::map<std::string, std::uint64_t, std::less<>>;

struct Outcome {
  std::uint64_t hash = 0;
  std::vector<std::string> findings;
  std::deque<std::string> trace;
  std::uint64_t events = 0;
  Census census;  // only with audit
};

Outcome simulate(std::uint64_t seed, const RunOptions& options = {});

// What a subscriber of one coordinator got.
struct Received {
  std::uint64_t began_after = 0, events = 0, missed = 0, last = 0;
};

class World {
 public:
  World(std::uint64_t seed, const RunOptions& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  Outcome run();

  const Plan plan;
  Dice dice;
  SimClock clock;
  Findings findings;
  SharedHistory shared;
  History history;
  Ledger ledger;

  Coordinator& plane(std::size_t index) { return *planes_[index].coordinator; }
  std::size_t planes() const noexcept { return planes_.size(); }
  SimAgent& some_agent();
  const SimSharer& sharer() const noexcept { return *sharer_; }
  bool calm() const noexcept { return calm_; }  // the finale: no faults

  // The completion of one call: it must come exactly once, with an error that can be.
  template <class T>
  Done<T> answer(std::string_view what, std::function<void(Result<T>&)> then = {}) {
    const std::uint64_t number = ++calls_;
    open_calls_.emplace(number, what);
    return [this, number, then = std::move(then)](Result<T> result) {
      closed(number, result ? nullptr : &result.error());
      if (then) then(result);
    };
  }

  template <class... Parts>
  void note(const Parts&... parts) {
    if (!options_.trace) return;
    std::ostringstream text;
    text << (clock.steady_us() / 1'000) << " ms: ";
    (text << ... << parts);
    keep(text.str());
  }

 private:
  struct Plane {
    std::unique_ptr<Coordinator> coordinator;
    std::shared_ptr<FaultyTenant> link;
    std::unique_ptr<Received> received;
    Subscription subscription;
  };
  class Entrance;  // the store that a coordinator is given

  // world.cpp
  void open_plane(std::size_t index);
  void close_plane(Plane& plane);
  void open_other_tenant();
  void step();
  void act(Act act);
  void settle();                         // until nothing is left at this instant
  void pass(std::int64_t us);            // from timer to timer
  std::int64_t next_moment() const;
  void change_weather();
  void closed(std::uint64_t number, const Error* error);
  void keep(std::string line);
  void receive(Received& by, const EventBatch& batch);

  // checks.cpp
  void check(bool everything);
  bool is_quiet() const;
  void check_quiet();
  std::vector<Task> all_tasks();  // as they look outside
  void check_wakeups(const SimAgent& agent);
  bool could_claim(const SimAgent& agent) const;
  void finale();
  void clear_sky();
  bool all_ended() const;
  void check_end();

  const RunOptions options_;
  const std::shared_ptr<const PayloadCodec> codec_;  // null: values are stored as they are
  std::unique_ptr<Store> memory_;
  std::shared_ptr<TenantStore> other_;
  std::uint64_t other_hash_ = 0;
  std::shared_ptr<WitnessTenant> witness_;
  std::shared_ptr<TenantStore> top_;     // what the links lead to
  std::vector<std::shared_ptr<FaultyTenant>> links_;  // also of those that are closed
  std::vector<Plane> planes_;
  std::vector<std::unique_ptr<SimAgent>> agents_;
  std::unique_ptr<SimOperator> operator_;
  std::unique_ptr<SimSharer> sharer_;
  std::unique_ptr<SimScribe> scribe_;
  std::map<std::uint64_t, std::string> open_calls_;
  std::uint64_t calls_ = 0, steps_ = 0, opened_ = 0;
  Census census_;                        // of calls
  bool closing_ = false;                 // a coordinator is being closed: cancelled is an answer
  bool calm_ = false;                    // the finale: no faults
  std::deque<std::string> trace_;
};

}  // namespace controlplane::simulation
