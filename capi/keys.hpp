// Keys that a C callback answers.
// Thread safety: pure functions. Errors: those of KeyRing::open.
#pragma once

#include "controlplane.h"
#include "controlplane/key_ring.hpp"

namespace controlplane::capi {

// Precondition: callback != NULL. The secrets are copied before the callback's caller goes on.
KeySource key_source(cp_key_callback callback, void* user_data);

}  // namespace controlplane::capi
