// Makes log records and hands them to a dispatcher; quiet unless given one.
// Thread safety: every method may be called from any thread if the dispatcher may.
// Lifetime: owns the dispatcher.
// Errors: those of the dispatcher, which must not throw.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "controlplane/log.hpp"

namespace controlplane {

class Logger {
 public:
  using Dispatch = std::function<void(LogRecord)>;

  Logger() = default;  // quiet
  Logger(LogLevel level, Dispatch dispatch)
      : level_(dispatch ? level : LogLevel::off), dispatch_(std::move(dispatch)) {}

  // Ask before making fields: a record nobody wants should cost one comparison.
  bool enabled(LogLevel level) const noexcept { return level >= level_ && level < LogLevel::off; }

  void log(LogLevel level, std::string message, Labels fields, std::string_view correlation_id,
           Timestamp now) const;

 private:
  LogLevel level_ = LogLevel::off;
  Dispatch dispatch_;
};

}  // namespace controlplane
