#include "inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace controlplane::python {
namespace {

// A loop gets its turn between two batches.
constexpr std::size_t kBatch = 256;

}  // namespace

Wakeup::Wakeup() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Wakeup::~Wakeup() { ::close(fd_); }

void Wakeup::set() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);  // full is set, too
}

void Wakeup::clear() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);  // empty is clear, too
}

void Queue::push(std::uint64_t receiver, std::shared_ptr<Delivery> delivery) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      const bool was_empty = items_.empty();
      items_.push_back({receiver, std::move(delivery)});
      if (was_empty) wakeup_.set();
      return;
    }
  }
  delivery->discard();
}

std::deque<Queue::Item> Queue::take(std::size_t max) {
  std::deque<Item> batch;
  std::lock_guard lock(mutex_);
  if (items_.size() <= max) {
    wakeup_.clear();
    batch.swap(items_);
    return batch;
  }
  const auto end = items_.begin() + static_cast<std::ptrdiff_t>(max);
  batch.assign(std::make_move_iterator(items_.begin()), std::make_move_iterator(end));
  items_.erase(items_.begin(), end);
  return batch;
}

void Queue::close() {
  std::deque<Item> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(items_);
  }
  for (const Item& item : left) item.delivery->discard();
}

std::uint64_t Inbox::add(py::object receiver) {
  receivers_.emplace(++last_, std::move(receiver));
  return last_;
}

void Inbox::remove(std::uint64_t receiver) { const auto removed = receivers_.extract(receiver); }

void Inbox::drain() {
  std::exception_ptr failure;
  for (const Queue::Item& item : queue_->take(kBatch)) {
    try {
      hand_over(item);
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void Inbox::hand_over(const Queue::Item& item) {
  const auto found = receivers_.find(item.receiver);
  if (found == receivers_.end()) return item.delivery->discard();
  const py::object receiver = found->second;
  if (item.delivery->is_last()) receivers_.erase(found);
  item.delivery->deliver(receiver);
}

Inbox::~Inbox() { close(); }

// A process that was forked has a copy of the queue whose lock a thread may hold that it has no
// copy of, so it leaves the queue alone, for ever.
void Inbox::close() {
  if (home_.is_here()) {
    queue_->close();
  } else {
    new std::shared_ptr<Queue>(queue_);
  }
  std::exchange(receivers_, {}).clear();
}

}  // namespace controlplane::python
