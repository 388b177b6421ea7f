// Where C++ threads leave what Python has to hear of, and how a Python thread gets it.
//
// Nothing here calls Python from a C++ thread. A delivery is put into a queue; an eventfd wakes the
// loop (or thread) that reads the queue once, when it goes non-empty; that one drains it with the
// GIL, in bounded batches, and looks up in its own table who the delivery is for. C++ threads hold
// a number and never a Python object.
//
// Thread safety: Queue from any thread; Inbox with the GIL.
// Lifetime: deliveries and callers share the Queue, which outlives its Inbox. What comes after the
// Inbox closed is discarded, exactly once.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "process.hpp"

namespace controlplane::python {

namespace py = pybind11;

// A file descriptor that is readable while something waits.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  void set() noexcept;
  void clear() noexcept;
  int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

class Delivery {
 public:
  virtual ~Delivery() = default;
  // With the GIL, by the reader of the inbox. `receiver` is what Inbox::add was given.
  virtual void deliver(py::handle receiver) = 0;
  // By any thread, without the GIL: nobody will hear of it.
  virtual void discard() noexcept = 0;
  // It is the last one for its receiver, which is then forgotten.
  virtual bool is_last() const { return true; }
};

class Queue {
 public:
  struct Item {
    std::uint64_t receiver;
    std::shared_ptr<Delivery> delivery;
  };

  void push(std::uint64_t receiver, std::shared_ptr<Delivery> delivery);
  // Up to `max` items; clears the wake-up when none is left.
  std::deque<Item> take(std::size_t max);
  void close();
  int fd() const noexcept { return wakeup_.fd(); }

 private:
  Wakeup wakeup_;
  std::mutex mutex_;
  bool closed_ = false;     // guarded
  std::deque<Item> items_;  // guarded
};

// Python objects by number. A number is never used again for another one, so that whoever still
// has it finds nobody. Whatever is destroyed is taken out first: that may run any Python code.
class Receivers {
 public:
  std::uint64_t add(py::object object);
  py::object find(std::uint64_t number) const;  // null if it is not here
  py::object take(std::uint64_t number);
  void clear();
  std::size_t size() const noexcept { return places_.size() - free_.size(); }

 private:
  struct Place {
    std::uint32_t generation = 0;
    py::object object;
  };
  bool has(std::uint64_t number) const;
  py::object take_from(std::uint32_t index);
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
};

class Inbox {
 public:
  Inbox() : queue_(std::make_shared<Queue>()) {}
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Answers the number by which deliveries name it.
  std::uint64_t add(py::object receiver) { return receivers_.add(std::move(receiver)); }
  void remove(std::uint64_t receiver) { (void)receivers_.take(receiver); }

  // Hands over what waits, a batch at most; the descriptor stays readable if there is more.
  // An exception of a receiver ends it, after the rest of the batch was put to others.
  void drain();
  void close();  // in a process that was forked the queue is left alone

  int fd() const noexcept { return queue_->fd(); }
  std::size_t waiting() const noexcept { return receivers_.size(); }
  const std::shared_ptr<Queue>& queue() const noexcept { return queue_; }

 private:
  void hand_over(const Queue::Item& item);

  const Process home_;
  const std::shared_ptr<Queue> queue_;
  Receivers receivers_;
};

}  // namespace controlplane::python
