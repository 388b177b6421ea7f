// Stores with one defect each. The simulation must find every one of them, or it would find nothing.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>

#include "simulation/tenant_decorator.hpp"

namespace controlplane::simulation {

enum class Defect : std::uint8_t {
  none,
  current_lease,   // an end is done with whatever lease is current: stale workers win
  forgotten_end,   // the last ended attempt is not remembered: a repeated end is a stale lease
  dropped_signals,  // every n-th task_ready, task_done or log_changed is told nobody
  silent_loss,     // a reader that fell behind gets what there is, and hears of no loss
  nameless_append  // an append that is repeated is done again
};

std::shared_ptr<TenantStore> with_defect(std::shared_ptr<TenantStore> inner, Defect defect);

}  // namespace controlplane::simulation
