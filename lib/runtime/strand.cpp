#include "runtime/strand.hpp"

#include <utility>

#include "runtime/pool_core.hpp"

namespace controlplane {
namespace {

// The callback that asks is in progress itself, so waiting for `target` would be for ever when
// target's callback waits for the asking one.
bool waits_in_circle(const StrandCore& asking, const StrandCore& target) noexcept {
  for (const StrandCore* strand = &target; strand != nullptr; strand = strand->waits_for) {
    if (strand == &asking) return true;
  }
  return false;
}

}  // namespace

Strand::Strand(std::shared_ptr<StrandCore> core) : core_(std::move(core)) {
  std::lock_guard lock(core_->pool->mutex);
  core_->place = core_->pool->strands.insert(core_->pool->strands.end(), core_.get());
}

Strand::~Strand() { close(); }

bool Strand::submit(Work callback) { return core_->pool->submit(core_, std::move(callback)); }

void Strand::close() {
  std::deque<Work> dropped;  // destroyed after the lock
  PoolCore& pool = *core_->pool;
  std::lock_guard lock(pool.mutex);
  if (std::exchange(core_->closed, true)) return;
  pool.strands.erase(core_->place);
  dropped.swap(core_->queue);
  pool.waiting -= dropped.size();
}

bool Strand::close_and_wait() {
  close();
  PoolCore& pool = *core_->pool;
  StrandCore* asking = StrandCore::running_here();
  if (asking != nullptr && asking->pool != core_->pool) asking = nullptr;  // another lock's
  std::unique_lock lock(pool.mutex);
  if (asking != nullptr && waits_in_circle(*asking, *core_)) return false;
  if (asking != nullptr) asking->waits_for = core_.get();
  pool.changed.wait(lock, [&] { return !core_->running || pool.given_up; });
  if (asking != nullptr) asking->waits_for = nullptr;
  return !core_->running;
}

}  // namespace controlplane
