// What a Loop is made of. Asio enters the room here, so only few files include it.
// Thread safety: `mutex` guards what it names; the rest belongs to the loop's thread (or to the one
// that pumps).
// Lifetime: shared by the loop, its handles and its thread. Posters keep `io` alive while they wake
// it, so that stop() need not wait for them.
// Errors: as in loop.hpp.
//
// A turn runs what was posted before it began, then the timers that are due. While a turn is on its
// way or running (`turn_coming`) nobody has to wake the thread: at its end the turn looks again.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "runtime/loop.hpp"

namespace controlplane {

struct LoopCore : std::enable_shared_from_this<LoopCore> {
  // Made by the first that needs it; a pumped loop without sockets has none.
  struct Io {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{
        context.get_executor()};
    boost::asio::steady_timer timer{context};  // the loop's thread only
  };

  LoopCore(const Clock& the_clock, FailureHook hook)
      : clock(the_clock), on_failure(std::move(hook)) {}

  bool post(Work work);
  TimerId schedule(std::int64_t deadline_us, Work work);
  bool cancel(TimerId id);
  bool here() const noexcept;

  Result<void> start();
  void stop();
  void release_thread();          // the loop is destroyed by its own work
  std::size_t pump();
  std::shared_ptr<Io> open_io();  // null after stop()

  const Clock& clock;
  const FailureHook on_failure;

  mutable std::mutex mutex;
  std::deque<Work> posted;        // guarded
  TimerQueue timers;              // guarded
  std::shared_ptr<Io> io;         // guarded
  std::int64_t armed = kNoDeadline;  // guarded: the thread wakes by itself not later than this
  bool accepting = true;          // guarded
  bool threaded = false;          // guarded
  bool turn_coming = false;       // guarded

  std::mutex join_mutex;
  std::thread thread;             // guarded by join_mutex

 private:
  std::shared_ptr<Io> to_wake();  // under the lock: what wake() must be called with after it
  void wake(const std::shared_ptr<Io>& sleeping);
  bool open() const;
  std::pair<std::size_t, std::size_t> sizes() const;  // of posted and timers

  void thread_main(std::shared_ptr<Io> mine);
  void turn(Io& mine);
  void arm(Io& mine, std::int64_t deadline_us);
  std::size_t run_posted(std::size_t limit);
  std::size_t run_timers(std::int64_t now_us, std::size_t limit);
  void run(Work& work) noexcept;
  void finish();
  void close_io();
};

}  // namespace controlplane
