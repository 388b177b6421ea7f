#include "coordinator/config_environment.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "base/key_set.hpp"
#include "base/wording.hpp"
#include "coordinator/config_options.hpp"

namespace controlplane {
namespace {

constexpr std::string_view kStoreUrl = "store_url";
constexpr std::string_view kSigningKeys = "signing_keys";  // the text that key files hold
constexpr std::string_view kSecondsRule = "it must be a number of seconds, such as 30 or 0.5";
constexpr std::string_view kSwitchRule = "it must be true or false";
constexpr std::string_view kNumberRule = "it must be a whole number";
constexpr std::string_view kHoursRule = "it must be a whole number of hours";

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// By hand: the C library would read "0,5" in half of Europe. Negative ones are read, so that
// validation can tell their rule.
std::optional<Milliseconds> parse_seconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (digits.empty() || digits.size() > 12 || (point < text.size() && fraction.empty())) {
    return std::nullopt;
  }
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  digits.append(fraction.substr(0, 3)).append(3 - std::min<std::size_t>(3, fraction.size()), '0');
  const auto ms = parse_number<std::uint64_t>(digits);
  if (!ms) return std::nullopt;
  return Milliseconds(negative ? -static_cast<std::int64_t>(*ms) : static_cast<std::int64_t>(*ms));
}

// One overload per kind of field: "" or the rule that the text breaks.
std::string read(std::string_view text, std::string& out) {
  out = text;
  return {};
}

template <class Value, class Parsed>
std::string store(std::optional<Parsed> parsed, Value& out, std::string_view rule) {
  if (!parsed) return std::string(rule);
  out = static_cast<Value>(*parsed);
  return {};
}

template <class Value>
std::string store(const Result<Value>& parsed, Value& out) {
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

std::string read(std::string_view text, Milliseconds& out) {
  return store(parse_seconds(text), out, kSecondsRule);
}
std::string read(std::string_view text, bool& out) {
  return store(parse_switch(text), out, kSwitchRule);
}
std::string read(std::string_view text, SelectionStrategy& out) {
  return store(parse_selection_strategy(text), out);
}
std::string read(std::string_view text, LogLevel& out) { return store(parse_log_level(text), out); }
std::string read(std::string_view text, std::chrono::hours& out) {
  return store(parse_number<std::int32_t>(text), out, kHoursRule);
}
template <class Number>
std::string read(std::string_view text, Number& out) {
  return store(parse_number<Number>(text), out, kNumberRule);
}

Result<void> take(Config& config, const Option& option, std::string_view variable,
                  std::string_view value) {
  const std::string rule = std::visit(
      [&](auto member) { return read(value, option_value(config, member)); }, option.field);
  if (!rule.empty()) return wrong_variable(variable, value, rule);
  if (variable != option.name) config.origins[std::string(option.name)] = variable;
  return {};
}

Result<void> read_option(Config& config, const Option& option, const Config::Lookup& lookup,
                         const Config::Given& given) {
  if (const auto it = given.find(option.name); it != given.end()) {
    return take(config, option, option.name, it->second);
  }
  const std::string own = option_variable(option.name);
  if (const auto value = lookup(own.c_str())) return take(config, option, own, *value);
  for (const char* alias : option.aliases) {
    if (alias == nullptr) break;
    if (const auto value = lookup(alias)) return take(config, option, alias, *value);
  }
  return {};
}

// The keys themselves may be in a variable of their own: it is named, and read when the coordinator
// opens, so that no configuration holds a secret.
void find_keys(Config& config, const Config::Lookup& lookup) {
  constexpr std::string_view kOption = "encryption_keys_variable";
  if (!config.encryption_keys_variable.empty() || !config.encryption_keys_file.empty()) return;
  const std::string variable = option_variable("encryption_keys");
  if (!lookup(variable.c_str())) return;
  config.encryption_keys_variable = variable;
  config.origins[std::string(kOption)] = variable;
}

Result<void> check_given(const Config::Given& given) {
  const auto options = config_options();
  for (const auto& [name, text] : given) {
    const bool known = name == kStoreUrl || name == kSigningKeys || std::any_of(options.begin(), options.end(),
                                                        [&](const Option& option) {
                                                          return option.name == name;
                                                        });
    if (!known) return Error::invalid_argument("there is no option " + quote(name));
  }
  return {};
}

Result<void> read_url(Config& config, const Config::Lookup& lookup, const Config::Given& given) {
  const auto it = given.find(kStoreUrl);
  if (it == given.end()) return read_store_url(config, lookup);
  config.store_url = it->second;
  return {};
}

std::optional<std::string> process_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<void> take_ring(Config& config, std::string_view origin, Result<KeyRing> ring) {
  if (!ring) {
    return Error::invalid_argument(fmt::format("{}: {}", origin, ring.error().message));
  }
  config.signing_keys = *std::move(ring);
  if (origin != kSigningKeys) config.origins[std::string(kSigningKeys)] = origin;
  return {};
}

// The variables are asked again at a reload.
Result<void> read_signing_keys(Config& config, const Config::Lookup& lookup,
                               const Config::Given& given) {
  constexpr const char* kKeys = "ARAGORA_CP_SIGNING_KEYS";
  constexpr const char* kSecret = "TOKEN_SECRET";
  if (const auto it = given.find(kSigningKeys); it != given.end()) {
    auto keys = parse_keys(kSigningKeys, it->second);
    return take_ring(config, kSigningKeys,
                     keys ? KeyRing::of(*std::move(keys)) : Result<KeyRing>(keys.error()));
  }
  if (!config.signing_keys_file.empty()) return {};
  const auto text_of = [lookup](const char* name) {
    return Secret((lookup ? lookup(name) : process_variable(name)).value_or(""));
  };
  if (!text_of(kKeys).empty()) {
    return take_ring(config, kKeys, KeyRing::open([=] { return parse_keys(kKeys, text_of(kKeys)); }));
  }
  if (text_of(kSecret).empty()) return {};
  return take_ring(config, kSecret, KeyRing::open([=]() -> Result<std::vector<SecretKey>> {
                     return std::vector<SecretKey>{{"token", text_of(kSecret), KeyState::active}};
                   }));
}

}  // namespace

std::optional<bool> parse_switch(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return true;
  if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return false;
  return std::nullopt;
}

Error wrong_variable(std::string_view variable, std::string_view value, std::string_view rule) {
  return Error::invalid_argument(fmt::format("{} is {}; {}", variable, quote(value), rule));
}

Result<Config> read_environment(const Config::Lookup& lookup, const Config::Given& given) {
  if (auto known = check_given(given); !known) return known.error();
  const Config::Lookup set = [&lookup](const char* name) -> std::optional<std::string> {
    auto value = lookup ? lookup(name) : process_variable(name);
    return value && !value->empty() ? value : std::nullopt;
  };
  Config config;
  if (auto url = read_url(config, set, given); !url) return url.error();
  for (const Option& option : config_options()) {
    if (auto read = read_option(config, option, set, given); !read) return read.error();
  }
  find_keys(config, set);
  if (auto keys = read_signing_keys(config, lookup, given); !keys) return keys.error();
  return config;
}

Result<Config> Config::from_environment(const Lookup& lookup, const Given& given) {
  auto config = read_environment(lookup, given);
  if (!config) return config;
  if (auto valid = config->validate(); !valid) return valid.error();
  return config;
}

}  // namespace controlplane
