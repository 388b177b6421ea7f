// The environment's part of Config, before anything is validated.
// Thread safety: that of the lookup. Errors: invalid_argument for a value that cannot be read as
// what its option is; the message names the variable and the value, but never a password.
#pragma once

#include "controlplane/config.hpp"

namespace controlplane {

// A variable that is set to nothing counts as not set.
Result<Config> read_environment(const Config::Lookup& lookup, const Config::Given& given = {});

// REDIS_URL and its relatives, in store_environment.cpp: several variables make one option.
Result<void> read_store_url(Config& config, const Config::Lookup& lookup);

Error wrong_variable(std::string_view variable, std::string_view value, std::string_view rule);

std::optional<bool> parse_switch(std::string_view text);  // true, yes, on, 1 and their opposites

}  // namespace controlplane
