#include "runtime/callback_pool.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/deadline.hpp"
#include "runtime/pool_core.hpp"

namespace controlplane {
namespace {

// What this thread runs, if anything: nobody waits for himself.
thread_local const PoolCore* running_pool = nullptr;
thread_local StrandCore* running_strand = nullptr;

void join_all(std::list<PoolCore::Worker>& workers) {
  for (auto& worker : workers) worker.thread.join();
}

}  // namespace

StrandCore* StrandCore::running_here() noexcept { return running_strand; }

PoolCore::PoolCore(CallbackPoolOptions the_options)
    : options(std::move(the_options)), guard([this](std::string_view what) { report(what); }) {}

void PoolCore::report(std::string_view what) noexcept {
  {
    std::lock_guard lock(mutex);
    if (abandoned) return;
  }
  report_failure(options.on_failure, what);
}

bool PoolCore::submit(Work work) {
  std::lock_guard lock(mutex);  // `work` outlives it
  if (!admits()) return false;
  Entry entry{std::move(work), nullptr};
  const bool entered = enter(entry);
  work = std::move(entry.work);
  return entered;
}

bool PoolCore::submit(const std::shared_ptr<StrandCore>& strand, Work work) {
  std::lock_guard lock(mutex);
  if (!admits() || strand->closed) return false;
  if (!strand->scheduled) {
    Entry entry{{}, strand};
    if (!enter(entry)) return false;
    strand->scheduled = true;
  } else {
    ++waiting;
  }
  strand->queue.push_back(std::move(work));
  return true;
}

// Counts one callback. False, and `entry` as it was, if no thread would ever come for it.
bool PoolCore::enter(Entry& entry) {
  ready.push_back(std::move(entry));
  if (options.pumped || summon_thread()) return ++waiting != 0;
  entry = std::move(ready.back());
  ready.pop_back();
  return false;
}

bool PoolCore::summon_thread() {
  if (ready.size() <= idle) {
    work_ready.notify_one();
    return true;
  }
  if (workers.size() >= std::max<std::size_t>(options.max_threads, 1)) return true;
  const auto self = workers.emplace(workers.end());
  try {
    self->thread = std::thread([core = shared_from_this(), self] { core->thread_main(self); });
  } catch (const std::system_error&) {  // no thread to be had now: those there are must do
    workers.erase(self);
    return !workers.empty();
  }
  ++idle;
  return true;
}

void PoolCore::thread_main(std::list<Worker>::iterator self) {
  running_pool = this;
  std::list<Worker> to_join;
  std::unique_lock lock(mutex);
  while (wait_for_work(lock)) {
    --idle;
    self->busy = true;
    run_next(lock);
    if (abandoned) return;  // `self` is gone
    self->busy = false;
    ++idle;
  }
  --idle;
  if (stopped) return;      // stop() joins it
  to_join.swap(ended);
  ended.splice(ended.end(), workers, self);
  lock.unlock();
  join_all(to_join);
}

bool PoolCore::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto give_up = steady_deadline(options.idle_time);
  work_ready.wait_until(lock, give_up, [this] { return stopped || !ready.empty(); });
  return !stopped && !ready.empty();
}

// Takes the first entry and runs one callback of it, unlocked.
void PoolCore::run_next(std::unique_lock<std::mutex>& lock) {
  Entry entry = std::move(ready.front());
  ready.pop_front();
  StrandCore* const strand = entry.strand.get();
  if (strand == nullptr) return run_unlocked(lock, entry.work, nullptr);

  if (!strand->queue.empty()) {  // else it was closed meanwhile
    entry.work = std::move(strand->queue.front());
    strand->queue.pop_front();
    strand->running = true;
    run_unlocked(lock, entry.work, strand);
    strand->running = false;
  }
  strand->scheduled = !strand->queue.empty() && !stopped;
  if (strand->scheduled) ready.push_back(std::move(entry));  // this thread comes for it
  changed.notify_all();
}

void PoolCore::run_unlocked(std::unique_lock<std::mutex>& lock, Work& work, StrandCore* strand) {
  --waiting;
  ++running;
  lock.unlock();
  StrandCore* const before = std::exchange(running_strand, strand);
  run_guarded(guard, work);
  run_guarded(guard, [&work] { work.reset(); });
  running_strand = before;
  lock.lock();
  --running;
  if (stopped) changed.notify_all();
}

std::size_t PoolCore::pump() {
  const PoolCore* const before = std::exchange(running_pool, this);
  std::size_t count = 0;
  {
    std::unique_lock lock(mutex);
    for (; !ready.empty(); ++count) run_next(lock);
  }
  running_pool = before;
  return count;
}

std::size_t PoolCore::stop(std::chrono::steady_clock::time_point deadline) {
  std::deque<Entry> dropped_entries;  // destroyed after the lock, as all here
  std::deque<std::deque<Work>> dropped;
  std::list<Worker> to_join;
  const std::size_t own = running_pool == this ? 1 : 0;

  std::unique_lock lock(mutex);
  stopped = true;
  waiting = 0;
  dropped_entries.swap(ready);
  for (StrandCore* strand : strands) dropped.emplace_back().swap(strand->queue);
  work_ready.notify_all();
  changed.wait_until(lock, deadline, [&] { return given_up || running <= own; });
  const std::size_t left = running > own ? running - own : 0;
  if (left > 0) abandon_busy();
  collect_idle(to_join);
  lock.unlock();
  join_all(to_join);
  return left;
}

// The caller's own thread, too, if it is one of them: a thread that finds the pool abandoned takes
// itself for gone, so nobody would join it.
void PoolCore::abandon_busy() {
  abandoned = given_up = true;
  changed.notify_all();  // close_and_wait gives up, too
  for (auto worker = workers.begin(); worker != workers.end();) {
    const bool gone = worker->busy;
    if (gone) worker->thread.detach();
    worker = gone ? workers.erase(worker) : std::next(worker);
  }
}

void PoolCore::collect_idle(std::list<Worker>& to_join) {
  to_join.splice(to_join.end(), ended);
  for (auto worker = workers.begin(); worker != workers.end();) {
    const auto next = std::next(worker);
    if (!worker->busy) to_join.splice(to_join.end(), workers, worker);
    worker = next;
  }
}

void PoolCore::release_own_thread() {
  std::lock_guard lock(mutex);
  for (auto worker = workers.begin(); worker != workers.end(); ++worker) {
    if (worker->thread.get_id() != std::this_thread::get_id()) continue;
    worker->thread.detach();
    workers.erase(worker);
    abandoned = true;
    return;
  }
}

CallbackPool::CallbackPool(CallbackPoolOptions options)
    : core_(std::make_shared<PoolCore>(std::move(options))) {}

CallbackPool::~CallbackPool() {
  core_->stop(steady_deadline(core_->options.stop_grace));
  core_->release_own_thread();
}

bool CallbackPool::submit(Work callback) { return core_->submit(std::move(callback)); }
std::size_t CallbackPool::pump() { return core_->pump(); }
void CallbackPool::report(std::string_view what) const noexcept { core_->report(what); }

std::size_t CallbackPool::stop(std::chrono::steady_clock::time_point deadline) {
  return core_->stop(deadline);
}

std::shared_ptr<Strand> CallbackPool::make_strand() {
  return std::make_shared<Strand>(std::make_shared<StrandCore>(core_));
}

bool CallbackPool::runs_here() const noexcept { return running_pool == core_.get(); }

std::size_t CallbackPool::threads() const {
  std::lock_guard lock(core_->mutex);
  return core_->workers.size();
}

std::size_t CallbackPool::queued() const {
  std::lock_guard lock(core_->mutex);
  return core_->waiting;
}

}  // namespace controlplane
