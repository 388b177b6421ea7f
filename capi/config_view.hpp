// Options and limits, from C and back.
// Thread safety: pure functions. Errors: a Refusal for what C++ could not hold; the rest is checked
// by Coordinator::open.
#pragma once

#include "controlplane.h"
#include "controlplane/config.hpp"

namespace controlplane::capi {

inline constexpr std::uint64_t kMaxOutstanding = 65'536;  // completions of a queue, unless it says

cp_retention view_of(const Retention& retention);
cp_limits view_of(const Limits& limits);
// Points to the texts of `config`; retention, limits and log sink are left out.
cp_options view_of(const Config& config);

// NULL: the defaults.
Config config_of(const cp_options* options);

}  // namespace controlplane::capi
