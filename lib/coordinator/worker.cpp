#include "controlplane/worker.hpp"

#include <utility>

#include "coordinator/worker_impl.hpp"

namespace controlplane {

Worker::Worker(Coordinator& coordinator, WorkerOptions options)
    : impl_(std::make_shared<Impl>(coordinator, coordinator, coordinator.core(), std::move(options))) {}
Worker::Worker(Worker&&) noexcept = default;

Worker& Worker::operator=(Worker&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->stop_finally();
  impl_ = std::move(other.impl_);
  return *this;
}

Worker::~Worker() {
  if (impl_) impl_->stop_finally();
}

Worker& Worker::on(std::string task_type, TaskHandler handler) {
  impl_->on(std::move(task_type), std::move(handler));
  return *this;
}

Result<void> Worker::start() { return impl_->start(); }
Result<void> Worker::stop(std::chrono::milliseconds deadline) { return impl_->stop(deadline); }
bool Worker::running() const { return impl_->running(); }
Result<void> Worker::status() const { return impl_->status(); }

}  // namespace controlplane
