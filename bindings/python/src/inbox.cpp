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

// The upper half of a number is the generation of its place, the lower one the place, from 1.
std::uint64_t Receivers::add(py::object object) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  places_[index].object = std::move(object);
  return std::uint64_t{places_[index].generation} << 32 | (index + 1);
}

bool Receivers::has(std::uint64_t number) const {
  const auto index = static_cast<std::uint32_t>(number) - 1;
  return index < places_.size() && places_[index].object &&
         places_[index].generation == number >> 32;
}

py::object Receivers::find(std::uint64_t number) const {
  return has(number) ? places_[static_cast<std::uint32_t>(number) - 1].object : py::object();
}

py::object Receivers::take(std::uint64_t number) {
  return has(number) ? take_from(static_cast<std::uint32_t>(number) - 1) : py::object();
}

py::object Receivers::take_from(std::uint32_t index) {
  free_.push_back(index);
  ++places_[index].generation;
  return std::exchange(places_[index].object, {});
}

void Receivers::clear() {
  std::vector<py::object> all;
  for (std::uint32_t index = 0; index < places_.size(); ++index) {
    if (places_[index].object) all.push_back(take_from(index));
  }
}

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
  const bool last = item.delivery->is_last();
  const py::object receiver =
      last ? receivers_.take(item.receiver) : receivers_.find(item.receiver);
  if (!receiver) return item.delivery->discard();
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
  receivers_.clear();
}

}  // namespace controlplane::python
