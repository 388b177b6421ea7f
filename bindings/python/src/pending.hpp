// An operation whose answer is not at hand yet.
//
// Every operation goes the same way: it is given a completion, and if that was called before the
// operation returned, the answer is returned to Python at once and nothing of this was seen there.
// Else Python gets a Pending, to be awaited (by an Inbox) or waited for (by a thread).
//
// Thread safety: Answer from any thread; Pending with the GIL.
// Lifetime: the completion and the Pending share the Answer. Who is no longer interested abandons
// it; what comes then is discarded, exactly once.
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
  // With the GIL, once it is here: the value, or its error is raised. Once.
  virtual py::object take() = 0;

  // False: it is here already. Else it will be put into the queue.
  bool send_to(std::shared_ptr<Queue> queue, std::uint64_t receiver);
  // Blocks without the GIL; a signal's handler may raise, then it is abandoned.
  void wait();
  // What comes is discarded by the thread that it comes on. False: it is here, or under way.
  bool abandon() noexcept;

  void deliver(py::handle future) override;

 protected:
  // By the completion, after the value was stored.
  void arrived();
  virtual void given_up() noexcept {}  // it was abandoned before it came

 private:
  enum class State : std::uint8_t { open, expected, abandoned, here };
  bool expect();
  std::atomic<State> state_{State::open};
  std::shared_ptr<Queue> queue_;  // written before `expected`, read after
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

  py::object take() override {
    if (!*result_) raise(result_->error());
    if constexpr (std::is_void_v<T>) {
      return py::none();
    } else {
      return convert_(std::move(**result_));
    }
  }

  void given_up() noexcept override {
    if constexpr (requires { undo_.given_up(); }) undo_.given_up();
  }

  void discard() noexcept override {
    if constexpr (!std::is_same_v<Undo, NoUndo>) {
      if (*result_) undo_(**result_);
    }
  }

 private:
  [[no_unique_address]] Convert convert_;
  [[no_unique_address]] Undo undo_;
  std::optional<Result<T>> result_;
};

class Pending {
 public:
  explicit Pending(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~Pending();
  Pending(Pending&&) noexcept = default;
  Pending& operator=(Pending&&) = delete;

  // True: the inbox will set the future. False: it is here; take it.
  bool attach(Inbox& inbox, py::object future);
  // The await was cancelled: nobody will look at the future any more.
  void abandon(Inbox& inbox);
  py::object take();
  py::object wait();

 private:
  std::shared_ptr<Answer> answer_;
  std::uint64_t receiver_ = 0;  // above 0: attached; the inbox is its owner
};

// Starts an operation: start(completion). The answer, or a Pending for it.
template <class T, class Start, class Convert, class Undo = NoUndo>
py::object answered(Start start, Convert convert, Undo undo = {}) {
  auto answer = std::make_shared<AnswerOf<T, Convert, Undo>>(std::move(convert), std::move(undo));
  start([answer](Result<T>&& result) { answer->arrive(std::move(result)); });
  if (answer->is_here()) return answer->take();
  return py::cast(Pending(std::move(answer)));
}

template <class Start>
py::object answered_void(Start start) {
  return answered<void>(std::move(start), NoUndo{});
}

}  // namespace controlplane::python
