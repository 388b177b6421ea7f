// Coordinator::open: what the coordinator asks for is made here, in a room that it does not see.
// Thread safety: pure functions. Errors: invalid_argument naming the option.
#pragma once

#include "coordinator/coordinator_core.hpp"

namespace controlplane {

// Makes the ports that `config` asks for and that `parts` do not have.
Result<void> govern(Config& config, CoordinatorParts& parts);

}  // namespace controlplane
