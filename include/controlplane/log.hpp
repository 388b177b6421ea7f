// Structured log records, handed to the host.
// Thread safety: the sink is called from the callback pool, one record at a time.
// Errors: an exception thrown by a sink is dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
std::string_view to_string(LogLevel level) noexcept;
Result<LogLevel> parse_log_level(std::string_view name);  // any case; "warn" is warning

struct LogRecord {
  Timestamp time = 0;
  LogLevel level = LogLevel::info;
  std::string message{};
  Labels fields{};               // names and values
  std::string correlation_id{};  // the task's trace; "" = none
};
using LogSink = std::function<void(const LogRecord&)>;

}  // namespace controlplane
