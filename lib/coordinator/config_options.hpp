// Every option of Config as data: name, place, range, environment variables.
// Thread safety: immutable. Errors: none.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "controlplane/config.hpp"

namespace controlplane {

using Milliseconds = std::chrono::milliseconds;

using OptionField =
    std::variant<std::string Config::*, Milliseconds Config::*, int Config::*, bool Config::*,
                 std::uint64_t Config::*, SelectionStrategy Config::*, LogLevel Config::*,
                 Milliseconds Retention::*, std::size_t Retention::*, std::size_t Limits::*,
                 std::uint32_t Limits::*, std::chrono::hours Limits::*>;

// Numbers are counts, bytes, milliseconds or hours, as the field is. Texts and enums have no range.
struct Option {
  std::string_view name;                    // "heartbeat_timeout", "limits.max_agents"
  OptionField field;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::array<const char*, 3> aliases{};     // after option_variable(name), in order; null = no more
};

std::span<const Option> config_options();

// "limits.max_agents" → "ARAGORA_CP_LIMITS_MAX_AGENTS"
std::string option_variable(std::string_view name);

// The object that holds the member: the config itself, its retention or its limits.
template <class T, class Owner, class ConfigType>
auto& option_value(ConfigType& config, T Owner::*member) {
  if constexpr (std::is_same_v<Owner, Limits>) {
    return config.limits.*member;
  } else if constexpr (std::is_same_v<Owner, Retention>) {
    return config.retention.*member;
  } else {
    return config.*member;
  }
}

}  // namespace controlplane
