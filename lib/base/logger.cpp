#include "base/logger.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "off"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Names of other systems for levels we have.
std::string_view alias_of(std::string_view name) {
  if (name == "warn") return "warning";
  if (name == "critical") return "error";
  return name;
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  const auto index = static_cast<std::size_t>(level);
  return index < kLevels.size() ? kLevels[index] : "unknown";
}

Result<LogLevel> parse_log_level(std::string_view name) {
  const std::string wanted = lower(name);
  const auto found = std::find(kLevels.begin(), kLevels.end(), alias_of(wanted));
  if (found != kLevels.end()) return static_cast<LogLevel>(found - kLevels.begin());
  return Error::invalid_argument(fmt::format(
      "log level {} is not known; it is debug, info, warning, error or off", quote(name)));
}

void Logger::log(LogLevel level, std::string message, Labels fields,
                 std::string_view correlation_id, Timestamp now) const {
  if (!enabled(level)) return;
  dispatch_({now, level, std::move(message), std::move(fields), std::string(correlation_id)});
}

}  // namespace controlplane
