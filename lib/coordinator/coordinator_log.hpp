// The log of one coordinator: records go to the host's sink on a strand of its own, one at a time.
// Thread safety: every method may be called from any thread.
// Lifetime: shared, because a callback that ended late may still report a failure. attach() before
// the first record; without a strand records are dropped. The clock outlives it.
// Errors: an exception of the sink is dropped; it must not report itself.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/deadline.hpp"
#include "base/logger.hpp"
#include "controlplane/log.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/parker.hpp"

namespace controlplane {

class CoordinatorLog {
 public:
  CoordinatorLog(LogLevel level, LogSink sink, const Clock& clock)
      : sink_(std::make_shared<LogSink>(std::move(sink))),
        clock_(clock),
        logger_(*sink_ ? level : LogLevel::off,
                [this](LogRecord record) { hand_over(std::move(record)); }) {}

  void attach(std::shared_ptr<Strand> strand) { strand_ = std::move(strand); }

  bool enabled(LogLevel level) const noexcept { return logger_.enabled(level); }
  void write(LogLevel level, std::string message, Labels fields = {},
             std::string_view correlation_id = {}) const {
    if (!enabled(level)) return;
    logger_.log(level, std::move(message), std::move(fields), correlation_id, clock_.wall_us());
  }
  // Waits until what was written has reached the sink, which may hang.
  void flush(std::chrono::milliseconds at_most) const {
    if (strand_ == nullptr || !enabled(LogLevel::error)) return;
    auto reached = std::make_shared<Parker>();
    if (!strand_->submit([reached] { reached->unpark(); })) return;
    (void)reached->wait_until(steady_deadline(at_most));
  }

 private:
  void hand_over(LogRecord record) const {
    if (strand_ == nullptr) return;
    strand_->submit([sink = sink_, record = std::move(record)] {
      try {
        (*sink)(record);
      } catch (...) {  // NOLINT: dropped by contract
      }
    });
  }

  std::shared_ptr<LogSink> sink_;
  const Clock& clock_;
  std::shared_ptr<Strand> strand_;
  Logger logger_;
};

}  // namespace controlplane
