// What is going on, from the events alone: on a terminal one line that is redrawn, elsewhere a line
// for every tenth of the work; and a line for everything that went wrong.
// Thread safety: none; the callback pool draws, one batch at a time.
// Lifetime: the coordinator outlives it.
#pragma once

#include <chrono>
#include <controlplane/controlplane.hpp>
#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "record.hpp"

namespace review {

namespace cp = controlplane;

class ProgressView {
 public:
  ProgressView(std::size_t total, bool is_terminal) : total_(total), is_terminal_(is_terminal) {}
  ~ProgressView() { finish(); }

  cp::Result<void> start(cp::Coordinator& plane);
  void finish();  // draws nothing from now on, and leaves the cursor on an empty line

 private:
  void on_batch(const cp::EventBatch& batch);
  void on_event(const cp::Event& event);
  std::string trouble(const cp::Event& event, const Record& data) const;
  std::string status() const;
  void draw();
  void say(const cp::Event& event, const std::string& text);
  void clear_line();

  const std::size_t total_;
  const bool is_terminal_;
  cp::Timestamp started_ = 0;
  cp::Timestamp now_ = 0;
  std::map<std::string, std::size_t> done_;  // by kind
  std::set<std::string> running_;
  std::size_t ended_ = 0;
  std::size_t tenths_said_ = 0;
  std::size_t failures_said_ = 0;
  std::chrono::steady_clock::time_point drawn_{};
  bool line_is_open_ = false;
  cp::Subscription subscription_;
};

}  // namespace review
