// The records on their way to the host's log sink, which may be slow or hang: bounded by itself, so
// that it takes no room from other callbacks; beyond its bound the newest records are dropped, and
// once those before them have reached the sink it is told how many.
// Thread safety: every method may be called from any thread; the sink is called on the strand.
// Lifetime: shared, because the strand's work may end late. attach() before the first record;
// without a strand records are dropped.
// Errors: an exception of the sink is dropped; it must not report itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "controlplane/log.hpp"
#include "runtime/strand.hpp"

namespace controlplane {

class LogQueue : public std::enable_shared_from_this<LogQueue> {
 public:
  LogQueue(LogSink sink, std::size_t max_records) : sink_(std::move(sink)), max_(max_records) {}

  void attach(const std::shared_ptr<Strand>& strand) { strand_ = strand; }
  void push(LogRecord record);
  // Waits until all there is has reached the sink; not in the sink itself.
  void flush(std::chrono::milliseconds at_most);
  void close();  // the sink hears of nothing more

 private:
  void schedule();  // under the lock
  void deliver();
  std::deque<LogRecord> take();
  bool enter_sink(std::thread::id who);  // false: closed
  void tell(const LogRecord& record) const noexcept;

  const LogSink sink_;
  const std::size_t max_;
  std::weak_ptr<Strand> strand_;  // the strand's work owns this queue

  std::mutex mutex_;  // guards all below
  std::condition_variable idle_;
  std::deque<LogRecord> records_;
  std::uint64_t dropped_ = 0;
  bool scheduled_ = false;  // deliver() is queued or runs
  bool closed_ = false;
  std::thread::id teller_;  // who is in the sink
};

}  // namespace controlplane
