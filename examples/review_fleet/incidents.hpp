// Two agents that die as agents do, and a witness of a third whose circuit opens.
// They use the public parts a Worker is made of, because no Worker would behave like that:
//   killed  its program is killed with SIGKILL and its thread ends without another call
//   hung    its program never ends, and it renews nothing
// Thread safety: none; each agent has a thread of its own.
// Lifetime: the coordinator, checkout, tools and children outlive it.
// Errors: those of registering and subscribing.
#pragma once

#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "checkout.hpp"
#include "tools.hpp"

namespace review {

// What happened to one of them, as it saw it; what the others did about it is in the event log.
struct Incident {
  std::string agent_id;
  cp::TaskId task;  // empty: it got none
  std::string path;
  std::string story;
  std::string late_answer;  // what it was told when it came back with a result
};

class Incidents {
 public:
  Incidents(cp::Coordinator& plane, const Checkout& checkout, const Toolbox& tools,
            ChildProcesses& children)
      : plane_(plane), checkout_(checkout), tools_(tools), children_(children) {}
  ~Incidents();

  // Both wait for a task when this returns, so they get the first ones.
  cp::Result<void> start(Kind killed, Kind hung);
  // Asks at the moment a circuit opens why a task of that kind is not running.
  cp::Result<void> watch_circuits();

  // Ends the program that never ends; then its agent comes back with a result.
  void end_hang();
  // After end_hang(), or after the coordinator was shut down.
  std::vector<Incident> join();
  std::vector<std::string> circuits() const;  // what the witness saw

 private:
  using Life = Incident (Incidents::*)(Incident, const cp::ClaimedTask&);
  cp::Result<void> start_agent(const char* suffix, Kind kind, Life life);
  Incident be_killed(Incident incident, const cp::ClaimedTask& task);
  Incident hang(Incident incident, const cp::ClaimedTask& task);
  void explain_circuit(const cp::Event& event);

  cp::Coordinator& plane_;
  const Checkout& checkout_;
  const Toolbox& tools_;
  ChildProcesses& children_;
  std::vector<std::future<Incident>> agents_;
  mutable std::mutex mutex_;
  pid_t hanging_ = -1;
  bool hang_ended_ = false;
  std::vector<std::string> circuits_;
  cp::Subscription subscription_;
};

}  // namespace review
