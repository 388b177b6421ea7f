// What a CallbackPool and its strands are made of.
// Thread safety: `mutex` of the pool guards everything that is not const, strands included.
// Lifetime: shared by the pool, its strands and its threads.
// Errors: as in callback_pool.hpp.
//
// Invariants:
//  1. ready.size() <= idle, or as many threads live as may: every ready entry has a thread to come
//     for it. A thread counts as idle from its making on, not from its first wait.
//  2. A strand is in `ready` at most once, and not while it runs (`scheduled` covers both).
//  3. waiting = the callbacks in `ready` and in the queues of all strands.
//  4. User code, the destruction of callbacks included, never runs under the lock.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/callback_pool.hpp"

namespace controlplane {

struct PoolCore;

struct StrandCore {
  explicit StrandCore(std::shared_ptr<PoolCore> owner) : pool(std::move(owner)) {}
  static StrandCore* running_here() noexcept;  // whose callback this thread runs; null if none

  const std::shared_ptr<PoolCore> pool;
  std::list<StrandCore*>::iterator place;  // in PoolCore::strands, until closed
  std::deque<Work> queue;
  bool scheduled = false;
  bool running = false;
  bool closed = false;
  const StrandCore* waits_for = nullptr;  // its running callback is in close_and_wait of that one
};

struct PoolCore : std::enable_shared_from_this<PoolCore> {
  struct Entry {                          // one of the two
    Work work;
    std::shared_ptr<StrandCore> strand;
  };
  struct Worker {
    std::thread thread;
    bool busy = false;
  };

  explicit PoolCore(CallbackPoolOptions the_options);

  bool submit(Work work);
  bool submit(const std::shared_ptr<StrandCore>& strand, Work work);

  std::size_t stop(std::chrono::steady_clock::time_point deadline);
  void release_own_thread();              // the pool is destroyed by one of its callbacks
  std::size_t pump();
  void report(std::string_view what) noexcept;

  const CallbackPoolOptions options;
  const FailureHook guard;                // calls report()

  std::mutex mutex;
  std::condition_variable work_ready;
  std::condition_variable changed;        // a callback returned, or the pool gave up waiting
  std::deque<Entry> ready;
  std::list<StrandCore*> strands;         // open ones
  std::list<Worker> workers;              // alive
  std::list<Worker> ended;                // to be joined by the next that comes by
  std::size_t waiting = 0;
  std::size_t idle = 0;
  std::size_t running = 0;
  bool stopped = false;
  bool abandoned = false;                 // busy threads are not ours any more
  bool given_up = false;                  // and nobody waits any more for what they run

 private:
  bool admits() const noexcept { return !stopped && waiting < options.max_queued; }
  bool enter(Entry& entry);
  bool summon_thread();
  void thread_main(std::list<Worker>::iterator self);
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void run_next(std::unique_lock<std::mutex>& lock);
  void run_unlocked(std::unique_lock<std::mutex>& lock, Work& work, StrandCore* strand);
  void abandon_busy();
  void collect_idle(std::list<Worker>& to_join);
};

}  // namespace controlplane
