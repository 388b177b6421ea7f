// The history of a tenant: one event per state change, appended in the same atomic step.
// Thread safety: plain values.
// Errors: a reader that fell behind the trim gets data_loss with the first number still there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "controlplane/json.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct Event {
  std::uint64_t seq = 0;        // gapless per tenant, from 1
  Timestamp time = 0;
  std::string tenant;
  std::string type;             // dotted: "task.submitted", "agent.offline"; docs/events.md lists all
  std::string subject;          // the task's or the agent's id
  Labels labels;                // the subject's
  Json data;                    // an object; its fields depend on the type
  std::string trace;            // the task's correlation id
};

struct EventFilter {
  std::vector<std::string> types{};         // exact, or a prefix ending in ".*"; empty = all
  std::vector<std::string> exclude_types{};
  std::string subject{};                    // exact, or a prefix ending in "*"; "" = any
  std::string label_key{}, label_value{};   // "" = any
};

struct SubscribeOptions {
  EventFilter filter{};
  std::uint64_t after = 0;                  // resume after this number; used only with from_start
                                            // or a number above 0
  bool from_start = false;                  // true and after 0: all history that is still there
  std::size_t buffer = 1024;                // undelivered events kept; then the oldest are missed
};

// One delivery: events in order, and how many of this subscription were missed before them.
struct EventBatch {
  std::vector<Event> events;
  std::uint64_t missed = 0;
  std::uint64_t last_seq = 0;               // resume after this
};
using EventHandler = std::function<void(const EventBatch&)>;

}  // namespace controlplane
