#include "runtime/loop.hpp"

#include <utility>

#include "runtime/loop_core.hpp"

namespace controlplane {

Loop::Loop(const Clock& clock, FailureHook on_failure)
    : core_(std::make_shared<LoopCore>(clock, std::move(on_failure))), handle_(core_) {}

Loop::~Loop() {
  core_->stop();
  if (core_->here()) core_->release_thread();
}

Result<void> Loop::start() { return core_->start(); }
void Loop::stop() { core_->stop(); }
std::size_t Loop::pump() { return core_->pump(); }
const Clock& Loop::clock() const noexcept { return core_->clock; }

std::int64_t Loop::next_timer() const {
  std::lock_guard lock(core_->mutex);
  return core_->timers.earliest();
}

bool Loop::Handle::post(Work work) const { return core_->post(std::move(work)); }
bool Loop::Handle::cancel(TimerId id) const { return core_->cancel(id); }
bool Loop::Handle::on_loop_thread() const noexcept { return core_->here(); }
TimerId Loop::Handle::schedule(std::int64_t steady_deadline_us, Work work) const {
  return core_->schedule(steady_deadline_us, std::move(work));
}

}  // namespace controlplane
