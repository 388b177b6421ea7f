// A simulated agent: claims, works, forgets, comes late, repeats itself, dies and comes back.
// Thread safety: none.
// Lifetime: lives as long as its world; answers may come after it crashed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controlplane/coordinator.hpp"
#include "simulation/ledger.hpp"
#include "simulation/plan.hpp"

namespace controlplane::simulation {

class World;

class SimAgent {
 public:
  SimAgent(World& world, std::string name, std::size_t home);

  void act(Act act);
  const std::string& name() const noexcept { return name_; }

  // The finale: one who does as it should.
  void reform();
  void work();
  // Its claims that wait for a task.
  const std::map<std::uint64_t, ClaimRequest>& parked() const noexcept { return parked_; }
  bool holds() const noexcept { return !held_.empty(); }

 private:
  Coordinator& plane();
  void enlist(bool anew);
  void claim(std::chrono::milliseconds wait);
  void send(ClaimRequest request);
  void claimed(std::uint64_t life, const std::vector<ClaimedTask>& tasks);
  void hold(Act act, const AttemptRef& attempt);
  std::size_t report(EndKind kind, const AttemptRef& attempt);
  void end(EndKind kind, const AttemptRef& attempt) { say(report(kind, attempt)); }
  void say(std::size_t number);
  void say_together(EndKind kind, const std::vector<std::size_t>& numbers);
  void finish(Act act);
  void finish_all(EndKind kind);
  void act_late();
  void act_nameless();
  void repeat();
  void crash();
  void beat(bool draining);
  void leave();
  AttemptRef& some(std::vector<AttemptRef>& attempts);
  std::vector<std::string> some_capabilities();
  void remember(const AttemptRef& attempt);

  World& world_;
  const std::string name_;
  const std::size_t home_;
  std::uint64_t incarnation_ = 0;  // 0 = its coordinator's
  std::uint64_t life_ = 0;         // answers of an earlier one are not heard
  std::vector<AttemptRef> held_, old_;
  std::vector<std::size_t> said_;  // reports it may repeat
  std::vector<ClaimRequest> asked_;  // claims it may repeat
  std::uint64_t counter_ = 0;
  std::map<std::uint64_t, ClaimRequest> parked_;
};

}  // namespace controlplane::simulation
