// C++ callbacks that end in Python: each call becomes a delivery to an inbox, whose reader calls
// the Python function. A caller that is too fast is held up on its own thread, a thread of the
// callback pool, so that nothing grows without bound. Thread safety: Gate from any thread; relays
// with the GIL. Lifetime: closed before what calls it is waited for, else the two would wait for
// each other.
#pragma once

#include <pybind11/pybind11.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "controlplane/controlplane.hpp"
#include "inbox.hpp"

namespace controlplane::python {

namespace py = pybind11;

// Counts what is under way.
class Gate {
 public:
  bool enter();  // waits while 1,024 are inside; false: closed
  void leave();
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t inside_ = 0;  // guarded
  bool closed_ = false;     // guarded
};

// A subscription whose handler is a Python function. Ends when it is closed or destroyed.
class Relay {
 public:
  Relay(py::object inbox, py::object handler);
  ~Relay() { close(); }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // The C++ side of it. `convert` makes the argument of the Python function, with the GIL.
  template <class T, class Convert>
  std::function<void(const T&)> handler(Convert convert);
  void keep(Subscription subscription) { subscription_ = std::move(subscription); }
  void close();

 private:
  const Process home_;
  py::object inbox_;
  std::uint64_t receiver_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Subscription subscription_;
};

LogSink log_relay(const Inbox& inbox, std::uint64_t receiver);

// A probe whose callback is a Python function: it is given a ProbeAnswer, now or later.
class ProbeState;
class ProbeAnswer {
 public:
  ProbeAnswer(std::shared_ptr<ProbeState> state, std::uint64_t round)
      : state_(std::move(state)), round_(round) {}
  ~ProbeAnswer();
  ProbeAnswer(ProbeAnswer&&) noexcept = default;
  ProbeAnswer& operator=(ProbeAnswer&&) = delete;
  void set(bool good);

 private:
  std::shared_ptr<ProbeState> state_;
  std::uint64_t round_;
};

class ProbeRelay {
 public:
  ProbeRelay(py::object inbox, py::object probe);
  ~ProbeRelay() { close(); }
  ProbeRelay(const ProbeRelay&) = delete;
  ProbeRelay& operator=(const ProbeRelay&) = delete;
  std::function<bool()> callback() const;
  void close();  // a round in progress ends as failed

 private:
  py::object inbox_;
  std::uint64_t receiver_;
  std::shared_ptr<ProbeState> state_;
};

// --- implementation of the template ---

template <class T, class Convert>
class RelayedCall final : public Delivery {
 public:
  RelayedCall(T value, Convert convert, std::shared_ptr<Gate> gate)
      : value_(std::move(value)), convert_(std::move(convert)), gate_(std::move(gate)) {}
  void deliver(py::handle receiver) override {
    gate_->leave();
    receiver(convert_(value_));
  }
  void discard() noexcept override { gate_->leave(); }
  bool is_last() const override { return false; }

 private:
  const T value_;
  const Convert convert_;
  const std::shared_ptr<Gate> gate_;
};

template <class T, class Convert>
std::function<void(const T&)> relayed(std::shared_ptr<Queue> queue, std::uint64_t receiver,
                                      std::shared_ptr<Gate> gate, Convert convert) {
  return [queue = std::move(queue), receiver, gate = std::move(gate), convert](const T& value) {
    if (!gate->enter()) return;
    queue->push(receiver, std::make_shared<RelayedCall<T, Convert>>(value, convert, gate));
  };
}

template <class T, class Convert>
std::function<void(const T&)> Relay::handler(Convert convert) {
  return relayed<T>(inbox_.cast<Inbox&>().queue(), receiver_, gate_, std::move(convert));
}

}  // namespace controlplane::python
