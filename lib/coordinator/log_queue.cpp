#include "coordinator/log_queue.hpp"

#include <string>
#include <utility>

#include "base/deadline.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kBatch = 64;  // records per turn of the strand

}  // namespace

void LogQueue::push(LogRecord record) {
  std::lock_guard lock(mutex_);
  if (records_.size() < max_) {
    records_.push_back(std::move(record));
  } else {
    ++dropped_;
  }
  schedule();
}

// When the pool has no room the next record tries again.
void LogQueue::schedule() {
  if (scheduled_) return;
  const auto strand = strand_.lock();
  scheduled_ = strand && strand->submit([self = shared_from_this()] { self->deliver(); });
}

void LogQueue::deliver() {
  for (const LogRecord& record : take()) {
    if (!enter_sink(std::this_thread::get_id())) break;
    tell(record);
  }
  std::lock_guard lock(mutex_);
  teller_ = {};
  scheduled_ = false;
  if (!records_.empty() || dropped_ > 0) schedule();
  if (!scheduled_) idle_.notify_all();
}

std::deque<LogRecord> LogQueue::take() {
  std::deque<LogRecord> taken;
  std::lock_guard lock(mutex_);
  for (; !records_.empty() && taken.size() < kBatch; records_.pop_front()) {
    taken.push_back(std::move(records_.front()));
  }
  if (records_.empty() && dropped_ > 0) {
    LogRecord lost;
    if (!taken.empty()) lost.time = taken.back().time;
    lost.level = LogLevel::warning;
    lost.message = "log records were dropped: the sink is too slow";
    lost.fields = {{"dropped", std::to_string(std::exchange(dropped_, 0))}};
    taken.push_back(std::move(lost));
  }
  return taken;
}

bool LogQueue::enter_sink(std::thread::id who) {
  std::lock_guard lock(mutex_);
  teller_ = who;
  return !closed_;
}

void LogQueue::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void LogQueue::tell(const LogRecord& record) const noexcept {
  try {
    sink_(record);
  } catch (...) {  // NOLINT: dropped by contract
  }
}

void LogQueue::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  if (teller_ == std::this_thread::get_id()) return;
  idle_.wait_until(lock, steady_deadline(at_most), [this] { return !scheduled_; });
}

}  // namespace controlplane
