#include "pending.hpp"

#include <poll.h>

#include <cerrno>
#include <system_error>

#include "unlocked.hpp"

namespace controlplane::python {
namespace {

// Until the descriptor is readable; answers why not, else 0.
int wait_for(int fd) {
  const Unlocked unlocked;
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, -1) < 0 ? errno : 0;
}

py::object called(PyObject* answer) {
  if (answer == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(answer);
}

}  // namespace

void Answer::arrived() {
  const State before = state_.exchange(State::here, std::memory_order_acq_rel);
  if (before == State::abandoned) return discard();
  if (before != State::expected) return;
  if (queue_) {
    queue_->push(receiver_, shared_from_this());
  } else {
    wakeup_->set();
  }
}

bool Answer::expect() {
  State open = State::open;
  return state_.compare_exchange_strong(open, State::expected, std::memory_order_acq_rel);
}

bool Answer::send_to(std::shared_ptr<Queue> queue, std::uint64_t receiver) {
  queue_ = std::move(queue);
  receiver_ = receiver;
  return expect();
}

// Not a condition variable: a signal must interrupt it, so that Ctrl-C works.
void Answer::wait() {
  wakeup_ = std::make_shared<Wakeup>();
  if (!expect()) return;
  const auto self = shared_from_this();
  while (!is_here()) {
    const int error = wait_for(wakeup_->fd());
    if (error != 0 && error != EINTR) {
      throw std::system_error(error, std::generic_category(), "poll");
    }
    // Also of a signal that came while this waited for the GIL with the answer at hand: raised
    // here, the Pending gives back what was claimed; a moment later nobody could.
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

bool Answer::abandon() noexcept {
  given_up();
  State state = state_.load(std::memory_order_acquire);
  while (state != State::here) {
    if (state_.compare_exchange_weak(state, State::abandoned, std::memory_order_acq_rel))
      return true;
  }
  return false;
}

void Answer::deliver(py::handle future) {
  static PyObject* const done = PyUnicode_InternFromString("done");
  static PyObject* const set_result = PyUnicode_InternFromString("set_result");
  static PyObject* const set_exception = PyUnicode_InternFromString("set_exception");
  const auto is_done = called(PyObject_CallMethodNoArgs(future.ptr(), done));
  if (is_done.ptr() != Py_False) return discard();  // the await was cancelled
  try {
    const py::object value = take();
    called(PyObject_CallMethodOneArg(future.ptr(), set_result, value.ptr()));
  } catch (py::error_already_set& error) {
    called(PyObject_CallMethodOneArg(future.ptr(), set_exception, error.value().ptr()));
  }
}

Pending::~Pending() {
  if (!answer_ || receiver_ != 0) return;
  if (!answer_->abandon()) answer_->discard();
}

bool Pending::attach(Inbox& inbox, py::object future) {
  if (!answer_ || receiver_ != 0) throw std::runtime_error("this answer was taken");
  const std::uint64_t receiver = inbox.add(std::move(future));
  if (answer_->send_to(inbox.queue(), receiver)) {
    receiver_ = receiver;
    return true;
  }
  inbox.remove(receiver);
  return false;
}

// One that is under way is discarded when the inbox comes to it.
void Pending::abandon(Inbox& inbox) {
  if (receiver_ == 0) throw std::runtime_error("this answer is not attached");
  answer_->abandon();
  inbox.remove(receiver_);
}

py::object Pending::take() {
  if (!answer_ || receiver_ != 0 || !answer_->is_here()) {
    throw std::runtime_error("this answer cannot be taken");
  }
  return std::exchange(answer_, nullptr)->take();
}

py::object Pending::wait() {
  if (!answer_ || receiver_ != 0) throw std::runtime_error("this answer was taken");
  answer_->wait();
  return take();
}

}  // namespace controlplane::python
