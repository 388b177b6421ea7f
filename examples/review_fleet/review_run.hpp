// One review of a checkout, from the first agent to the report. Prints what it does and finds.
// Thread safety: interrupt() from any thread, run() once.
// Errors: what kept it from running.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "agents.hpp"
#include "checkout.hpp"
#include "child_process.hpp"
#include "incidents.hpp"
#include "plan.hpp"
#include "tools.hpp"

namespace review {

enum class Ending { complete, lost, interrupted };

class ReviewRun {
 public:
  explicit ReviewRun(ChildProcesses& children);

  cp::Result<Ending> run(const std::string& path);
  void interrupt();  // ends all programs, and run() soon

 private:
  cp::Result<Ending> review(const Checkout& checkout);
  cp::Result<void> start(Fleet& fleet, Incidents& incidents, const Checkout& checkout) const;
  cp::Result<cp::Task> wait_for_report(cp::Coordinator& plane, const cp::TaskId& id);
  bool wait_until(std::chrono::steady_clock::time_point deadline);
  cp::Result<Ending> conclude(cp::Coordinator& plane, Fleet& fleet, Incidents& incidents,
                              const cp::Result<cp::Task>& report, std::size_t submitted) const;

  ChildProcesses& children_;
  const Toolbox tools_;
  const unsigned cores_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
  std::optional<cp::Result<cp::Task>> report_;
};

}  // namespace review
