// The log of one coordinator: records go to the host's sink on a strand of its own, one at a time.
// Thread safety: every method may be called from any thread.
// Lifetime: shared, because a callback that ended late may still report a failure. attach() before
// the first record; without a strand records are dropped. The clock outlives it.
// Errors: log_queue.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/logger.hpp"
#include "controlplane/log.hpp"
#include "coordinator/log_queue.hpp"
#include "runtime/callback_pool.hpp"

namespace controlplane {

class CoordinatorLog {
 public:
  CoordinatorLog(LogLevel level, LogSink sink, const Clock& clock, std::size_t max_queued)
      : clock_(clock), logger_(sink ? level : LogLevel::off, [this](LogRecord record) {
          queue_->push(std::move(record));
        }),
        queue_(std::make_shared<LogQueue>(std::move(sink), max_queued)) {}

  void attach(std::shared_ptr<Strand> strand) {
    queue_->attach(strand);
    strand_ = std::move(strand);
  }

  bool enabled(LogLevel level) const noexcept { return logger_.enabled(level); }
  void write(LogLevel level, std::string message, Labels fields = {},
             std::string_view correlation_id = {}) const {
    if (!enabled(level)) return;
    logger_.log(level, std::move(message), std::move(fields), correlation_id, clock_.wall_us());
  }
  // Waits until what was written has reached the sink, which may hang.
  void flush(std::chrono::milliseconds at_most) const { queue_->flush(at_most); }
  void close() const { queue_->close(); }  // the sink hears of nothing more

 private:
  const Clock& clock_;
  Logger logger_;
  const std::shared_ptr<LogQueue> queue_;
  std::shared_ptr<Strand> strand_;
};

}  // namespace controlplane
