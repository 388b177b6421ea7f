#include "controlplane/config.hpp"

#include <fmt/format.h>

#include "base/names.hpp"
#include "base/wording.hpp"
#include "coordinator/config_options.hpp"
#include "coordinator/store_url.hpp"

namespace controlplane {
namespace {

// "heartbeat_timeout is 0 s (from HEARTBEAT_TIMEOUT); it must be above 0"
Error wrong(const Config& config, std::string_view option, std::string_view value,
            std::string_view rule) {
  return Error::invalid_argument(
      fmt::format("{} is {} (from {}); {}", option, value, config.origin_of(option), rule));
}

// A value of any kind of field as a signed count of its unit and as people write it.
struct Shown {
  bool below_zero = false;
  std::uint64_t number = 0;
  std::string text;
};

template <class Number>
Shown show_number(Number number, std::string text) {
  const bool below = number < Number{0};
  return {below, below ? 0 : static_cast<std::uint64_t>(number), std::move(text)};
}

Shown show(Milliseconds value) { return show_number(value.count(), seconds(value)); }
Shown show(std::chrono::hours value) {
  return show_number(value.count(), fmt::format("{} h", value.count()));
}
Shown show(int value) { return show_number(value, std::to_string(value)); }
template <class Unsigned>
Shown show(Unsigned value) {
  return {false, value, grouped(value)};
}

// As an environment variable would say it.
std::string text_of(const std::string& value) { return value; }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(SelectionStrategy value) { return std::string(to_string(value)); }
std::string text_of(LogLevel value) { return std::string(to_string(value)); }
std::string text_of(Milliseconds value) {
  std::string text = fmt::format("{}.{:03}", value.count() / 1000, value.count() % 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}
std::string text_of(std::chrono::hours value) { return std::to_string(value.count()); }
template <class Number>
std::string text_of(Number value) {
  return std::to_string(value);
}

std::string show_bound(Milliseconds, std::uint64_t bound) {
  return seconds(Milliseconds(static_cast<std::int64_t>(bound)));
}
std::string show_bound(std::chrono::hours, std::uint64_t bound) {
  return fmt::format("{} h", grouped(bound));
}
template <class Number>
std::string show_bound(Number, std::uint64_t bound) {
  return grouped(bound);
}

template <class Value>
Result<void> check_range(const Config& config, const Option& option, Value value) {
  const Shown shown = show(value);
  if (shown.below_zero || shown.number < option.min) {
    return wrong(config, option.name, shown.text,
                 option.min == 0 ? "it must not be below 0" : "it must be above 0");
  }
  if (shown.number > option.max) {
    return wrong(config, option.name, shown.text,
                 "it must be at most " + show_bound(value, option.max));
  }
  return {};
}

template <class Enum>
Result<void> check_enum(const Config& config, const Option& option, Enum value, Enum last) {
  if (value <= last) return {};
  return wrong(config, option.name, std::to_string(static_cast<unsigned>(value)),
               "it is not one of the enumerators");
}

// What stands alone; a field without a range, or whose rule is elsewhere, is always right.
struct CheckField {
  const Config& config;
  const Option& option;

  Result<void> operator()(SelectionStrategy value) const {
    return check_enum(config, option, value, SelectionStrategy::capability_match);
  }
  Result<void> operator()(LogLevel value) const {
    return check_enum(config, option, value, LogLevel::off);
  }
  Result<void> operator()(bool) const { return {}; }
  Result<void> operator()(const std::string&) const { return {}; }
  template <class Number>
  Result<void> operator()(Number value) const {
    return check_range(config, option, value);
  }
};

Result<void> check_fields(const Config& config) {
  for (const Option& option : config_options()) {
    auto checked = std::visit(
        [&](auto member) { return CheckField{config, option}(option_value(config, member)); },
        option.field);
    if (!checked) return checked;
  }
  return {};
}

Result<void> check_named(const Config& config, std::string_view option, std::string_view value) {
  auto checked = check_name(option, value, config.limits.max_name_bytes, "limits.max_name_bytes");
  if (checked) return checked;
  return Error::invalid_argument(
      fmt::format("{} (from {})", checked.error().message, config.origin_of(option)));
}

Result<void> check_names(const Config& config) {
  if (auto tenant = check_named(config, "tenant_id", config.tenant_id); !tenant) return tenant;
  if (auto prefix = check_named(config, "key_prefix", config.key_prefix); !prefix) return prefix;
  if (config.coordinator_id.empty()) return {};
  return check_named(config, "coordinator_id", config.coordinator_id);
}

Result<void> check_store(const Config& config) {
  if (config.store_url == kMemoryUrl) return {};
  const std::string shown = quote(redacted(config.store_url));
  const std::string_view scheme = scheme_of(config.store_url);
  if (scheme == "memory" || !is_known_scheme(scheme)) {
    return wrong(config, "store_url", shown, "it must be memory://");
  }
  return Error::failed_precondition(
      fmt::format("store_url is {} (from {}); this build has no {} store, only memory://", shown,
                  config.origin_of("store_url"), scheme));
}

// Rules between two options: `option` must stay below, or not exceed, `other`.
Error wrong_pair(const Config& config, std::string_view option, Milliseconds value,
                 std::string_view relation, std::string_view other, Milliseconds bound) {
  return wrong(config, option, seconds(value),
               fmt::format("it must {} {}, which is {} (from {})", relation, other, seconds(bound),
                           config.origin_of(other)));
}

Result<void> check_pairs(const Config& c) {
  if (c.heartbeat_interval >= c.heartbeat_timeout) {
    return wrong_pair(c, "heartbeat_interval", c.heartbeat_interval, "be below",
                      "heartbeat_timeout", c.heartbeat_timeout);
  }
  if (c.retention.min_age > c.retention.max_age) {
    return wrong_pair(c, "retention.min_age", c.retention.min_age, "not exceed",
                      "retention.max_age", c.retention.max_age);
  }
  if (!c.signing_keys.empty() && 2 * c.message_window > c.retention.min_age) {
    return wrong_pair(c, "message_window", c.message_window, "not exceed half of",
                      "retention.min_age", c.retention.min_age);
  }
  if (c.task_timeout > c.limits.max_delay) {
    return wrong_pair(c, "task_timeout", c.task_timeout, "not exceed", "limits.max_delay",
                      c.limits.max_delay);
  }
  if (c.lease_ttl > c.limits.max_delay) {
    return wrong_pair(c, "lease_ttl", c.lease_ttl, "not exceed", "limits.max_delay",
                      c.limits.max_delay);
  }
  if (static_cast<std::uint32_t>(c.max_task_retries) > c.limits.max_retries) {
    return wrong(c, "max_task_retries", std::to_string(c.max_task_retries),
                 fmt::format("the limit limits.max_retries is {} (from {})", c.limits.max_retries,
                             c.origin_of("limits.max_retries")));
  }
  return {};
}

// Base64 of more than this could not be counted in 31 bits.
constexpr std::size_t kMaxEncryptedBytes = 1'073'741'824;

Result<void> check_encrypted_sizes(const Config& c) {
  const std::pair<std::string_view, std::size_t> sizes[] = {
      {"limits.max_payload_bytes", c.limits.max_payload_bytes},
      {"limits.max_result_bytes", c.limits.max_result_bytes},
      {"limits.max_checkpoint_bytes", c.limits.max_checkpoint_bytes},
      {"limits.max_document_bytes", c.limits.max_document_bytes}};
  for (const auto& [option, size] : sizes) {
    if (size <= kMaxEncryptedBytes) continue;
    return wrong(c, option, grouped(size),
                 fmt::format("with encryption it must be at most {}", grouped(kMaxEncryptedBytes)));
  }
  return {};
}

Result<void> check_encryption(const Config& c) {
  const std::string& file = c.encryption_keys_file;
  const std::string& variable = c.encryption_keys_variable;
  if (!file.empty() && !variable.empty()) {
    return wrong(c, "encryption_keys_variable", quote(variable),
                 fmt::format("encryption_keys_file is given, too (from {}); one of them is enough",
                             c.origin_of("encryption_keys_file")));
  }
  if (c.encryption_keys.empty() && file.empty() && variable.empty()) return {};
  return check_encrypted_sizes(c);
}

}  // namespace

std::vector<OptionValue> Config::options() const {
  const Config standard;
  std::vector<OptionValue> all;
  all.push_back({"store_url", redacted(store_url), standard.store_url,
                 std::string(origin_of("store_url"))});
  for (const Option& option : config_options()) {
    const auto text = [&](const Config& config) {
      return std::visit([&](auto member) { return text_of(option_value(config, member)); },
                        option.field);
    };
    all.push_back({std::string(option.name), text(*this), text(standard),
                   std::string(origin_of(option.name))});
  }
  return all;
}

std::string_view Config::origin_of(std::string_view option) const {
  const auto found = origins.find(option);
  return found == origins.end() ? std::string_view("code or default")
                                : std::string_view(found->second);
}

Result<void> Config::validate() const {
  if (auto fields = check_fields(*this); !fields) return fields;
  if (auto names = check_names(*this); !names) return names;
  if (auto pairs = check_pairs(*this); !pairs) return pairs;
  if (auto keys = check_encryption(*this); !keys) return keys;
  return check_store(*this);
}

}  // namespace controlplane
