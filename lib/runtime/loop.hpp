// One thread for timers, sockets and posted work; it runs library code only, never a user's.
// Two drives, decided by who calls first:
//   threaded   start() makes the one thread; it sleeps exactly to the earliest deadline and uses no
//              CPU while it has nothing to do;
//   pumped     nobody calls start(); the owner calls pump() (simulation, tests), and time is what
//              the given clock says.
// Thread safety: every method may be called from any thread, except pump(), which belongs to one.
// Lifetime: stop() runs in the destructor. Who may outlive the loop keeps a Handle. The clock
// outlives the loop. The loop may be destroyed by its own work (the last handle of a coordinator,
// dropped in a completion): nobody could join the thread then, so it is let go, begins nothing and
// ends when that work returns. The hook owns what it uses, because it hears of that work too.
// Errors: work that throws is dropped and reported to the hook. After stop() everything is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "controlplane/result.hpp"
#include "runtime/timer_queue.hpp"
#include "runtime/work.hpp"

namespace controlplane {

struct LoopCore;  // lib/runtime/loop_core.hpp; Asio stays behind it

class Loop {
 public:
  explicit Loop(const Clock& clock = system_clock(), FailureHook on_failure = {});
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The same loop for those who may outlive it, as late completions do.
  class Handle {
   public:
    bool post(Work work) const;
    TimerId schedule(std::int64_t steady_deadline_us, Work work) const;
    bool cancel(TimerId id) const;
    bool on_loop_thread() const noexcept;

   private:
    friend class Loop;
    friend class LoopIo;
    explicit Handle(std::shared_ptr<LoopCore> core) : core_(std::move(core)) {}
    std::shared_ptr<LoopCore> core_;
  };
  Handle handle() const { return Handle(core_); }

  // Ready, or unavailable: the system gave no thread. failed_precondition after stop(). Idempotent.
  Result<void> start();
  // Refuses new work, runs what was posted before (in pumped drive on the caller's thread), drops
  // the timers and the socket operations without calling them, and returns when the thread has
  // ended. Idempotent, safe before start(). From the loop's own work: does all this in place, but
  // the thread ends only when that work returns.
  void stop();

  // Runs `work` on the loop, in the order of posting. False after stop(): it was destroyed.
  // Costs the caller a wake-up of the thread only when nothing was queued.
  bool post(Work work) { return handle_.post(std::move(work)); }

  // Runs `work` when the clock's steady_us() has reached the deadline; equal deadlines in the order
  // of scheduling. Wakes the thread only if nothing was due earlier. 0 after stop().
  TimerId schedule(std::int64_t steady_deadline_us, Work work) {
    return handle_.schedule(steady_deadline_us, std::move(work));
  }
  // True: it will not run, and is destroyed. False: it began (and may still be running, unless this
  // is the loop), was cancelled before, or the loop stopped.
  bool cancel(TimerId id) { return handle_.cancel(id); }

  // True within work of this loop, pumped work included: a call that blocks would block the loop.
  bool on_loop_thread() const noexcept { return handle_.on_loop_thread(); }

  // Pumped drive: runs posted work and due timers, posted work first, until nothing is left at this
  // instant of the clock; then what sockets have ready. Answers how many ran. A timer that
  // reschedules itself without moving the deadline past now keeps it from returning.
  std::size_t pump();
  // The earliest deadline; kNoDeadline if there is none. Posted work is not counted.
  std::int64_t next_timer() const;

  const Clock& clock() const noexcept;

 private:
  std::shared_ptr<LoopCore> core_;
  Handle handle_;
};

}  // namespace controlplane
