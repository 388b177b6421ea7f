// What happened in the tenant, told by its event log and by the operations that reached the tables:
// the truth that answers are held against. Every event must be a legal move of its task.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "controlplane/event.hpp"
#include "engine/operations.hpp"
#include "simulation/findings.hpp"
#include "simulation/shared_history.hpp"

namespace controlplane::simulation {

struct AttemptEndSeen {
  std::string type;  // of the event: "task.completed", …
  std::string kind;  // its kind: "retryable", "released", "crash", …
  std::uint64_t nonce = 0;
};

struct SeenTask {
  TaskState state = TaskState::pending;
  bool ready = false;
  bool parents = false;           // it may also become ready without an event
  std::uint64_t place = 0;        // when it first became ready, as an event number; 0 = not known
  std::uint32_t attempt = 0;
  std::string agent;              // of that attempt
  std::uint64_t nonce = 0;        // of its lease
  bool own_claim = false;         // by a claim id of the caller's
  bool gone = false;              // removed by retention
  std::uint32_t generation = 1;   // of a caller's own id; it may be used again when its key is over
  Timestamp ended_at = 0;
  std::map<std::uint32_t, AttemptEndSeen> ends;  // by attempt

  // As submitted.
  std::vector<std::string> required, excluded;   // sorted
  std::string directed;
  TaskPriority priority = TaskPriority::normal;
  std::string key;
  std::uint32_t key_limit = 0;
  bool needs = false;             // permits

  bool leased() const { return state == TaskState::claimed || state == TaskState::running; }
};

struct SeenAgent {
  std::vector<std::string> capabilities;  // sorted
  std::uint32_t slots = 1;
};

class History {
 public:
  History(Findings& findings, SharedHistory& shared, bool in_order, bool forgetful)
      : findings_(findings), shared_(shared), in_order_(in_order), forgetful_(forgetful) {}

  // Around every operation that reaches the tables.
  void before(const Operation& op);
  void after(const Operation& op);
  void event(const Event& event);

  std::uint64_t last_event() const noexcept { return last_event_; }
  void add_to(std::map<std::string, std::uint64_t, std::less<>>& census) const;
  bool is(const Event& event) const;  // the one that happened under this number
  std::uint64_t hash() const noexcept { return digest_.finish(); }
  const SeenTask* find(std::string_view task) const;
  SeenTask* find(std::string_view task);
  const std::map<std::string, SeenTask, std::less<>>& tasks() const noexcept { return tasks_; }
  const std::map<std::string, SeenAgent, std::less<>>& agents() const noexcept { return agents_; }
  std::uint32_t leases_of_key(std::string_view key) const;
  // Whether the agent may take the task, by everything but slots and the task's key.
  static bool may_take(const SeenTask& task, std::string_view agent,
                       const std::vector<std::string>& offered_sorted);

  // The tables now hold these tasks and no others.
  void compare(const std::vector<Task>& all, Timestamp now, std::int64_t min_age_us);

 private:
  void task_event(const Event& event, std::string_view what);
  void agent_event(const Event& event, std::string_view what);
  void submitted(const Event& event);
  void remember_lease(const std::string& id, SeenTask& task) const;
  void claimed(const std::string& id, SeenTask& task, const Event& event);
  void check_order(const std::string& id, const SeenTask& task);
  void ended(SeenTask& task, const Event& event, TaskState state);
  void pending_again(SeenTask& task, const Event& event);

  Findings& findings_;
  SharedHistory& shared_;
  const bool in_order_;   // no ageing
  const bool forgetful_;  // retention removes tasks
  std::map<std::string, SeenTask, std::less<>> tasks_;
  std::map<std::string, SeenAgent, std::less<>> agents_;
  std::map<std::string, std::uint32_t, std::less<>> leases_;  // by agent
  std::vector<SeenTask> submits_;  // of the operation that is being applied
  const ClaimTasks* claim_ = nullptr;
  std::uint64_t last_event_ = 0;
  std::vector<std::uint64_t> digests_;  // of every event
  std::map<std::string, std::uint64_t, std::less<>> kinds_;  // events by type and kind
  Timestamp last_time_ = 0;
  FieldDigest digest_;
};

}  // namespace controlplane::simulation
