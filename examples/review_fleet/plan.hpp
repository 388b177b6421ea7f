// What the fleet has to do: a task per file and kind, a summary per folder that waits for its
// files, and one report that waits for the folders. Thread safety: plain values and functions.
// Errors: those of TaskScheduler::submit_tasks.
#pragma once

#include <string>
#include <vector>

#include "checkout.hpp"
#include "tools.hpp"

namespace review {

inline constexpr const char* kFolderTask = "folder";
inline constexpr const char* kReportTask = "report";

struct Plan {
  struct Folder {
    std::string name;
    std::size_t files = 0;
    std::vector<std::size_t> tasks;  // indexes into file_tasks
  };
  std::vector<cp::TaskSpec> file_tasks;
  std::vector<Folder> folders;
  std::vector<std::string> remarks;  // what is not reviewed, and why

  std::size_t tasks() const { return file_tasks.size() + folders.size() + 1; }
};

// The dear kinds get a number of files per core, so that a large checkout ends in time too.
Plan make_plan(const Checkout& checkout, const Toolbox& tools, unsigned cores);

// Submits everything; answers the id of the report.
cp::Result<cp::TaskId> submit(cp::Coordinator& plane, const Plan& plan);

}  // namespace review
