// Runs the user's callbacks: probes, event handlers, on_*, log sink. A few threads, made when all
// others are busy and ended when idle, so that a callback that hangs delays nobody until every one
// of max_threads hangs.
// Thread safety: every method may be called from any thread, except pump(), which belongs to one.
// Lifetime: stop() runs in the destructor, with `stop_grace`. Strands may outlive the pool; they
// then refuse. The pool may be destroyed by one of its callbacks.
// Errors: a callback that throws is reported to the hook. At a bound, and after stop(), submit
// answers false and destroys the callback.
//
// A callback that hangs: nothing can end a thread inside foreign code. stop(deadline) joins every
// thread that returns in time; the others are abandoned (detached, counted and answered), because a
// shutdown with a deadline must not wait for ever. An abandoned thread owns nothing but the pool's
// state, which lives as long as it does; when its callback returns after all, it destroys that,
// touches nothing else, begins nothing and ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "runtime/strand.hpp"
#include "runtime/work.hpp"

namespace controlplane {

struct CallbackPoolOptions {
  std::size_t max_threads = 16;     // at least 1; Limits::max_callback_threads
  std::size_t max_queued = 65'536;  // waiting, those of strands too; Limits::max_queued_callbacks
  std::chrono::milliseconds idle_time{10'000};  // a thread without work this long ends
  std::chrono::milliseconds stop_grace{5'000};  // the destructor's deadline for stop()
  bool pumped = false;              // no threads: pump() runs the callbacks (simulation)
  FailureHook on_failure;           // owns what it uses: a callback may end late
};

struct PoolCore;  // lib/runtime/pool_core.hpp

class CallbackPool {
 public:
  explicit CallbackPool(CallbackPoolOptions options = {});
  ~CallbackPool();
  CallbackPool(const CallbackPool&) = delete;
  CallbackPool& operator=(const CallbackPool&) = delete;

  // False: stopped, or max_queued met.
  bool submit(Work callback);
  std::shared_ptr<Strand> make_strand();

  // Begins no further callback, destroys those that wait, waits for the running ones up to the
  // deadline. Answers how many were abandoned; 0 = none runs any more. A callback that calls it is
  // not waited for and not counted. Idempotent.
  std::size_t stop(std::chrono::steady_clock::time_point deadline);

  // Pumped drive: runs queued callbacks in order until none is left; answers how many ran.
  std::size_t pump();

  bool runs_here() const noexcept;  // this thread is within one of its callbacks
  void report(std::string_view what) const noexcept;  // to the failure hook

  std::size_t threads() const;         // now alive
  std::size_t queued() const;          // callbacks waiting

 private:
  std::shared_ptr<PoolCore> core_;
};

}  // namespace controlplane
