// The event log of a run, read once and put in order by task.
// Thread safety: a plain value. Errors: those of read_events.
#pragma once

#include <array>
#include <controlplane/controlplane.hpp>
#include <map>
#include <string>
#include <vector>

namespace review {

namespace cp = controlplane;

struct KindHistory {
  std::array<std::size_t, cp::kTaskStates> ended{};  // by TaskState
  std::size_t submitted = 0, retries = 0, crashes = 0;
  std::vector<std::int64_t> waits;  // of every claim, from when the task was ready; microseconds
  std::vector<std::int64_t> durations;  // of every accepted completion, from its claim
};

struct RunHistory {
  cp::Timestamp started = 0, ended = 0;
  std::map<std::string, KindHistory> kinds;  // by task type, as labelled
  std::map<std::string, std::vector<cp::Event>> by_subject;
  std::size_t events = 0;

  KindHistory all() const;
  static cp::Result<RunHistory> read(const cp::Coordinator& plane);
};

}  // namespace review
