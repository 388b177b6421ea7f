// The handlers of the tasks that wait for others: what the reviews of a folder's files say
// together, and what the folders say together. Thread safety: pure but for reading the results of
// the parents. Errors: a parent that can no longer be read is the error of that read.
#pragma once

#include <controlplane/controlplane.hpp>

namespace review {

namespace cp = controlplane;

// A record with the sums of the folder and, as "rows", a record per file in JSON lines.
cp::Result<cp::Json> summarize_folder(cp::TaskContext& task, const cp::Coordinator& plane);

// A record with the readable report of the checkout as "text".
cp::Result<cp::Json> write_report(cp::TaskContext& task, const cp::Coordinator& plane);

}  // namespace review
