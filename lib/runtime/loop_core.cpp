#include "runtime/loop_core.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <limits>
#include <system_error>
#include <utility>

namespace controlplane {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t kLongestSleepUs = 86'400'000'000;  // then it looks again

thread_local const LoopCore* running_loop = nullptr;  // whose work this thread runs

class RunningHere {
 public:
  explicit RunningHere(const LoopCore* core) : before_(std::exchange(running_loop, core)) {}
  ~RunningHere() { running_loop = before_; }
  RunningHere(const RunningHere&) = delete;
  RunningHere& operator=(const RunningHere&) = delete;

 private:
  const LoopCore* before_;
};

}  // namespace

bool LoopCore::here() const noexcept { return running_loop == this; }

bool LoopCore::post(Work work) {
  std::shared_ptr<Io> sleeping;
  {
    std::lock_guard lock(mutex);
    if (!accepting) return false;
    posted.push_back(std::move(work));
    sleeping = to_wake();
  }
  wake(sleeping);
  return true;
}

TimerId LoopCore::schedule(std::int64_t deadline_us, Work work) {
  std::shared_ptr<Io> sleeping;
  TimerId id = 0;
  {
    std::lock_guard lock(mutex);
    if (!accepting) return 0;
    id = timers.add(deadline_us, std::move(work));
    if (deadline_us < armed) sleeping = to_wake();
  }
  wake(sleeping);
  return id;
}

bool LoopCore::cancel(TimerId id) {
  Work work;  // destroyed after the lock
  std::lock_guard lock(mutex);
  work = timers.cancel(id);
  return static_cast<bool>(work);  // the sleep stays as it is: one early wake-up at the most
}

std::shared_ptr<LoopCore::Io> LoopCore::to_wake() {
  if (!threaded || std::exchange(turn_coming, true)) return nullptr;
  return io;
}

void LoopCore::wake(const std::shared_ptr<Io>& sleeping) {
  if (sleeping == nullptr) return;
  try {
    asio::post(sleeping->context, [this, io_of = sleeping.get()] { turn(*io_of); });
  } catch (...) {  // no memory, no turn: the next one who has something tries again
    std::lock_guard lock(mutex);
    turn_coming = false;
    throw;
  }
}

std::shared_ptr<LoopCore::Io> LoopCore::open_io() {
  std::lock_guard lock(mutex);
  if (!accepting) return nullptr;
  if (io == nullptr) io = std::make_shared<Io>();
  return io;
}

bool LoopCore::open() const {
  std::lock_guard lock(mutex);
  return accepting;
}

Result<void> LoopCore::start() {
  std::lock_guard join_lock(join_mutex);
  if (thread.joinable()) return {};
  std::shared_ptr<Io> mine, sleeping;
  {
    std::lock_guard lock(mutex);
    if (!accepting) return Error::failed_precondition("loop: was stopped");
    if (io == nullptr) io = std::make_shared<Io>();
    mine = io;
    threaded = true;       // from here on stop() counts on the thread, and waits for join_mutex
    sleeping = to_wake();  // for what was posted before
  }
  try {
    thread = std::thread([self = shared_from_this(), io_of = mine]() mutable {
      self->thread_main(std::move(io_of));
    });
  } catch (const std::system_error& e) {
    std::lock_guard lock(mutex);
    threaded = turn_coming = false;
    return Error::unavailable(std::string("loop: the system gave no thread: ") + e.what());
  }
  wake(sleeping);
  return {};
}

void LoopCore::thread_main(std::shared_ptr<Io> mine) {
  const RunningHere here_now(this);
  while (!run_guarded(on_failure, [&mine] { mine->context.run(); })) {
  }
  finish();
  close_io();
  mine.reset();
}

void LoopCore::turn(Io& mine) {
  const auto [works, due] = sizes();
  run_posted(works);
  if (open()) run_timers(clock.steady_us(), due + works);

  std::unique_lock lock(mutex);
  if (!accepting) return mine.context.stop();
  if (!posted.empty()) {
    lock.unlock();
    return asio::post(mine.context, [this, &mine] { turn(mine); });
  }
  turn_coming = false;
  if (timers.earliest() >= armed) return;
  const std::int64_t deadline = armed = timers.earliest();
  lock.unlock();
  arm(mine, deadline);
}

void LoopCore::arm(Io& mine, std::int64_t deadline_us) {
  const std::int64_t ahead = deadline_us - clock.steady_us();
  const std::int64_t delay = std::clamp(ahead, std::int64_t{0}, kLongestSleepUs);
  mine.timer.expires_after(std::chrono::microseconds(delay));
  mine.timer.async_wait([this, &mine](const boost::system::error_code& error) {
    if (error) return;  // armed anew
    {
      std::lock_guard lock(mutex);
      armed = kNoDeadline;
      if (std::exchange(turn_coming, true)) return;  // that one runs the timers
    }
    turn(mine);
  });
}

std::pair<std::size_t, std::size_t> LoopCore::sizes() const {
  std::lock_guard lock(mutex);
  return {posted.size(), timers.size()};
}

std::size_t LoopCore::run_posted(std::size_t limit) {
  std::size_t count = 0;
  for (; count < limit; ++count) {
    Work work;
    {
      std::lock_guard lock(mutex);
      if (posted.empty()) break;
      work = std::move(posted.front());
      posted.pop_front();
    }
    run(work);
  }
  return count;
}

std::size_t LoopCore::run_timers(std::int64_t now_us, std::size_t limit) {
  std::size_t count = 0;
  for (; count < limit; ++count) {
    Work work;
    {
      std::lock_guard lock(mutex);
      work = timers.pop_due(now_us);
    }
    if (!work) break;
    run(work);
  }
  return count;
}

void LoopCore::run(Work& work) noexcept {
  run_guarded(on_failure, work);
  run_guarded(on_failure, [&work] { work.reset(); });
}

std::size_t LoopCore::pump() {
  const RunningHere here_now(this);
  std::size_t total = 0;
  for (;;) {
    std::size_t ran = run_posted(kAll);
    ran += run_timers(clock.steady_us(), 1);
    std::shared_ptr<Io> sockets;
    {
      std::lock_guard lock(mutex);
      sockets = io;
    }
    if (ran == 0 && sockets != nullptr) {
      run_guarded(on_failure, [&] { ran += sockets->context.poll(); });
    }
    if (ran == 0) return total;
    total += ran;
  }
}

void LoopCore::stop() {
  std::shared_ptr<Io> sleeping;
  {
    std::lock_guard lock(mutex);
    accepting = false;
    sleeping = to_wake();
  }
  wake(sleeping);
  if (here()) return finish();
  std::lock_guard join_lock(join_mutex);
  if (thread.joinable()) thread.join();
  const RunningHere here_now(this);  // if there was no thread, it is all to be done here
  finish();
  close_io();
}

// Nothing is accepted any more: runs what was posted, drops the timers and lets no socket call.
// Dropping may run anything, so it happens outside of the lock.
void LoopCore::finish() {
  run_posted(kAll);
  TimerQueue dropped;
  std::lock_guard lock(mutex);
  std::swap(timers, dropped);
  if (io != nullptr) io->context.stop();
}

// After finish(): timers may own sockets, and those must not outlive their context.
void LoopCore::close_io() {
  std::shared_ptr<Io> dropped;
  std::lock_guard lock(mutex);
  dropped = std::move(io);
}

void LoopCore::release_thread() {
  std::lock_guard join_lock(join_mutex);
  if (thread.joinable()) thread.detach();
}

}  // namespace controlplane
