// What a transition gives out besides its answer: events for the log, signals for those who wait.
// Thread safety: none; lives under the lock of its namespace.
// Lifetime: signals own what they carry and outlive the operation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/result.hpp"
#include "controlplane/task.hpp"
#include "engine/event.hpp"
#include "engine/log_table.hpp"

namespace controlplane {

// What all tasks of one ready queue have in common: who may take them.
struct QueueKey {
  std::vector<std::string> required;  // sorted, unique
  std::string directed;               // "" = anybody
  std::vector<std::string> excluded;  // sorted, unique
  std::vector<std::string> pools{};   // that its tasks need, sorted, unique
  friend bool operator==(const QueueKey&, const QueueKey&) = default;
};

// For parked callers. Emitted only while someone is parked (see Effects::watched), except
// agent_ended, which is rare, and what somebody asked for by name: task_done, permit_…,
// log_changed. Those of two operations may be heard in another order than the operations were
// applied in.
struct Signal {
  enum class Kind : std::uint8_t {
    task_ready,      // `count` tasks of `queue` became claimable
    agent_eligible,  // `agent` was refused for want of a slot or a closed breaker, and no longer is
    agent_offers,    // the registered capabilities of `agent` are others now
    agent_ended,     // parked claims of `agent` end with `error`
    task_done,       // `task` is terminal
    permit_granted,  // the acquire `operation` has its permit
    permit_refused,  // the acquire `operation` waits in vain: `error`
    log_changed      // `log` got an entry, or was removed
  };
  Kind kind;
  std::uint32_t count = 1;
  std::shared_ptr<const QueueKey> queue;
  std::string agent;
  Error error;
  TaskId task;
  std::string operation;
  std::string log;
};

struct Effects {
  LogTable& log;
  std::vector<Signal> signals;
  bool watched = false;  // someone has a parked claim

  void event(const EventDraft& draft) { append_event(log, draft); }
  void ended(std::string agent, Error error) {
    signals.push_back({Signal::Kind::agent_ended, 1, nullptr, std::move(agent), std::move(error), {}});
  }
  void offers(std::string agent) {
    if (!watched) return;
    signals.push_back({Signal::Kind::agent_offers, 1, nullptr, std::move(agent), {}, {}});
  }
  void granted(std::string operation) {
    signals.push_back(
        {Signal::Kind::permit_granted, 1, nullptr, {}, {}, {}, std::move(operation)});
  }
  void refused(std::string operation, Error error) {
    signals.push_back({Signal::Kind::permit_refused, 1, nullptr, {}, std::move(error), {},
                       std::move(operation)});
  }
  void changed(std::string name) {
    signals.push_back({Signal::Kind::log_changed, 1, nullptr, {}, {}, {}, {}, std::move(name)});
  }
  void eligible(std::string agent) {
    signals.push_back({Signal::Kind::agent_eligible, 1, nullptr, std::move(agent), {}, {}});
  }
};

}  // namespace controlplane
