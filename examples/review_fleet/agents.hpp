// The agents that work as they should, and one whose tool is gone: Workers with a handler per kind.
// Thread safety: none; its Workers have threads of their own.
// Lifetime: the coordinator, checkout, tools and children outlive it.
// Errors: those of Worker::start.
#pragma once

#include <string>
#include <vector>

#include "checkout.hpp"
#include "tools.hpp"

namespace review {

class Fleet {
 public:
  Fleet(cp::Coordinator& plane, const Checkout& checkout, const Toolbox& tools,
        ChildProcesses& children)
      : plane_(plane),
        checkout_(checkout),
        tools_(tools),
        broken_(tools.broken()),
        children_(children) {}

  // "lint-broken", which can do nothing, and tries to.
  cp::Result<void> start_broken(Kind kind);
  // "lint-1", "lint-2", … for every kind, and "reporter-1".
  cp::Result<void> start(const std::vector<Kind>& kinds, unsigned cores);
  // One after the other; each may finish what it holds, up to the deadline.
  void stop(std::chrono::milliseconds deadline);

  std::size_t size() const { return workers_.size(); }

 private:
  cp::Result<void> start_reviewer(const std::string& agent_id, Kind kind, const Toolbox& tools,
                                  unsigned concurrency);
  cp::Result<void> start_reporter();

  cp::Coordinator& plane_;
  const Checkout& checkout_;
  const Toolbox& tools_;
  const Toolbox broken_;
  ChildProcesses& children_;
  std::vector<cp::Worker> workers_;
};

}  // namespace review
