// Log records made from the history: every transition at debug level, notable ones above.
// Thread safety: pure, on what it is given.
// Errors: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/event.hpp"
#include "coordinator/coordinator_log.hpp"

namespace controlplane {

// Which events the log wants; none if it would drop them all. An empty list: every type.
std::optional<std::vector<std::string>> logged_types(const CoordinatorLog& log);
void log_events(const CoordinatorLog& log, const EventBatch& batch);

}  // namespace controlplane
