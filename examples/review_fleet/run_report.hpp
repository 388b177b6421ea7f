// What the control plane knows about the run, for people: from its statistics, its agents and its
// event log. Nothing of it was counted by the fleet itself.
// Thread safety: reads only.
// Errors: those of the reads.
#pragma once

#include <string>
#include <vector>

#include "incidents.hpp"

namespace review {

struct RunFacts {
  std::size_t submitted = 0;  // as the submitter counted
  std::vector<Incident> incidents;
  std::vector<std::string> circuits;  // what Incidents::circuits() saw
};

struct RunReport {
  std::string text;
  bool nothing_lost = false;  // every submitted task is terminal, and there are no others
};

// Call it while the agents are still registered.
cp::Result<RunReport> report_run(const cp::Coordinator& plane, const RunFacts& facts);

}  // namespace review
