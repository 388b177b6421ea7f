// An operation whose answer is not at hand yet.
//
// Every operation goes the same way: it is given a completion, and if that was called before the
// operation returned, the answer is returned to Python at once and nothing of this was seen there.
// Else Python gets a Pending, to be awaited (by an Inbox) or waited for (by a thread).
//
// Thread safety: Answer from any thread; Pending with the GIL.
// Lifetime: the completion and the Pending share the Answer. Who is no longer interested abandons
// it. Its value is taken or discarded, exactly once: the inbox only wakes who awaits it, and a task
// that is cancelled meanwhile has taken nothing.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "controlplane/result.hpp"
#include "errors.hpp"
#include "inbox.hpp"

namespace controlplane::python {

// The part that does not depend on what is answered.
class Answer : public Delivery, public std::enable_shared_from_this<Answer> {
 public:
  bool is_here() const noexcept { return state_.load(std::memory_order_acquire) == State::here; }
  // With the GIL, once it is here: the value, or its error is raised. Cancelled if it was
  // discarded, as that of an inbox is that was closed.
  py::object take();

  // False: it is here already. Else it will be put into the queue.
  bool send_to(std::shared_ptr<Queue> queue, std::uint64_t receiver);
  // Blocks without the GIL; a signal's handler may raise, then it is abandoned.
  void wait();
  // What comes is discarded by the thread that it comes on. False: it is here, or under way.
  bool abandon() noexcept;

  void deliver(py::handle future) override;
  void discard() noexcept override;

 protected:
  virtual py::object value() = 0;
  virtual void undo() noexcept = 0;
  // By the completion, after the value was stored.
  void arrived();
  virtual void given_up() noexcept {}  // it was abandoned before it came

 private:
  enum class State : std::uint8_t { open, expected, abandoned, here };
  bool expect();
  std::atomic<State> state_{State::open};
  std::atomic<bool> settled_{false};  // taken or discarded
  std::shared_ptr<Queue> queue_;      // written before `expected`, read after
  std::shared_ptr<Wakeup> wakeup_;
  std::uint64_t receiver_ = 0;
};

struct NoUndo {
  template <class T>
  void operator()(const T&) const noexcept {}
};

// Convert: T → py::object. Undo: what is to be done with a value that nobody will ever see.
template <class T, class Convert, class Undo = NoUndo>
class AnswerOf final : public Answer {
 public:
  AnswerOf(Convert convert, Undo undo) : convert_(std::move(convert)), undo_(std::move(undo)) {}

  void arrive(Result<T>&& result) {
    result_ = std::move(result);
    arrived();
  }

  void given_up() noexcept override {
    if constexpr (requires { undo_.given_up(); }) undo_.given_up();
  }

 protected:
  py::object value() override {
    if (!*result_) raise(result_->error());
    if constexpr (std::is_void_v<T>) {
      return py::none();
    } else {
      return convert_(std::move(**result_));
    }
  }

  void undo() noexcept override {
    if constexpr (!std::is_same_v<Undo, NoUndo>) {
      if (*result_) undo_(**result_);
    }
  }

 private:
  [[no_unique_address]] Convert convert_;
  [[no_unique_address]] Undo undo_;
  std::optional<Result<T>> result_;
};

// Python's end of an answer. Awaiting it is: on(), which answers itself, then send() until it
// returns; both answer NULL with an error set.
class Pending {
 public:
  explicit Pending(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~Pending() { give_up(); }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  void on(const py::object& inbox, py::object future);
  PySendResult send(PyObject*& result);
  void give_up() noexcept;  // the await was cancelled
  py::object wait();        // instead, by a thread

 private:
  std::shared_ptr<Answer> taken();
  const Process home_;
  py::object inbox_;  // from on() on, unless the answer was here
  std::uint64_t receiver_ = 0;
  py::object future_;  // until it is awaited
  std::shared_ptr<Answer> answer_;
};

py::object pending_object(std::shared_ptr<Answer> answer);
void bind_pending(py::module_& module);

// Starts an operation: start(completion). The answer, or a Pending for it.
template <class T, class Start, class Convert, class Undo = NoUndo>
py::object answered(Start start, Convert convert, Undo undo = {}) {
  auto answer = std::make_shared<AnswerOf<T, Convert, Undo>>(std::move(convert), std::move(undo));
  start([answer](Result<T>&& result) { answer->arrive(std::move(result)); });
  if (answer->is_here()) return answer->take();
  return pending_object(std::move(answer));
}

template <class Start>
py::object answered_void(Start start) {
  return answered<void>(std::move(start), NoUndo{});
}

}  // namespace controlplane::python
