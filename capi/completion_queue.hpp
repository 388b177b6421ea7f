// Completions on their way to a host's event loop: what was started and not answered, what was
// answered and not drained, and a descriptor that is readable while there is something to drain.
// Thread safety: every method from any thread; no user code runs here.
// Lifetime: shared by the queue's handle and by every call that was started with it.
// Errors: a Refusal at the bound or after cancel().
//
// Exactly once: a completion is on one of two lists, or with the one who fills it. It leaves the
// list of the outstanding once, by its answer or by cancel(), whichever is first; what comes later
// finds it gone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "capi/handles.hpp"
#include "capi/views.hpp"

namespace controlplane::capi {

// A completion with what it points to.
struct CompletionBox : cp_completion, View {
  CompletionBox(cp_coordinator* plane, std::int32_t call, void* user_data);

  void fail(const Error& why);
  // Without memory for more than a fixed text.
  void fail(ErrorCode code, const char* why) noexcept;
  // Nobody will read it: the tasks that it claimed, its permit and its lease go back.
  void drop() noexcept;
  template <class T>
  const T* keep(std::unique_ptr<T> view) {
    T* raw = view.release();
    result = {raw, [](void* old) { delete static_cast<T*>(old); }};
    return raw;
  }

  cp_coordinator* const plane;  // that was called
  std::string error_text;
  ShortText id;
  cp_lease_status lease_status;
  std::unique_ptr<void, void (*)(void*)> result{nullptr, [](void*) {}};

  CompletionBox* before = nullptr;  // neighbours on the list it is on
  CompletionBox* after = nullptr;
  class Ticket* ticket = nullptr;  // while outstanding
};

// Gives a task, or a permit, back whose claim nobody will hear of: its lease would hold until its deadline.
void hand_back(cp_coordinator* handle, const ClaimedTask& task) noexcept;
void hand_back(cp_coordinator* handle, const PermitRef& permit) noexcept;
void hand_back(cp_coordinator* handle, const Message& message) noexcept;

class CompletionQueue;

// One call that was started. Whoever destroys it unanswered answers `cancelled`.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<CompletionQueue> queue) : queue_(std::move(queue)) {}
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  // Answers with what `fill` makes of the completion; false if nobody hears of that, because it was
  // answered before or there is no memory.
  template <class Fill>
  bool answer(Fill&& fill) noexcept;
  // The call was not started after all; false if it was answered already.
  bool withdraw() noexcept;

 private:
  friend class CompletionQueue;
  const std::shared_ptr<CompletionQueue> queue_;
  CompletionBox* box_ = nullptr;  // while outstanding; guarded by the queue's mutex
};

class CompletionQueue : public std::enable_shared_from_this<CompletionQueue> {
 public:
  static std::shared_ptr<CompletionQueue> open(std::uint64_t max_outstanding);
  ~CompletionQueue() { close(); }
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  std::shared_ptr<Ticket> issue(cp_coordinator* plane, std::int32_t call, void* user_data);
  int descriptor() const noexcept { return descriptor_; }
  std::size_t drain(cp_completion** items, std::size_t capacity) noexcept;
  void cancel() noexcept;
  void close() noexcept;  // last; nothing may be called after it but by tickets

 private:
  struct List {
    CompletionBox* first = nullptr;
    CompletionBox* last = nullptr;
    void push(CompletionBox* box) noexcept;
    void remove(CompletionBox* box) noexcept;
  };

  friend class Ticket;
  CompletionQueue(int descriptor, std::uint64_t max_outstanding)
      : descriptor_(descriptor), max_outstanding_(max_outstanding) {}
  CompletionBox* take(Ticket& ticket) noexcept;  // null: it is not outstanding any more
  bool withdraw(Ticket& ticket) noexcept;
  void push(CompletionBox* box) noexcept;
  void make_ready(CompletionBox* box) noexcept;  // with the mutex held

  int descriptor_;
  const std::uint64_t max_outstanding_;
  std::mutex mutex_;
  std::condition_variable filled_;
  List outstanding_, ready_;   // guarded by mutex_, as the rest
  std::uint64_t issued_ = 0;   // and not drained
  std::uint64_t filling_ = 0;  // taken, not pushed yet
  bool readable_ = false;      // the descriptor is
  bool cancelled_ = false;
};

template <class Fill>
bool Ticket::answer(Fill&& fill) noexcept {
  CompletionBox* box = queue_->take(*this);
  if (box == nullptr) return false;
  bool filled = true;
  try {
    fill(*box);
  } catch (...) {
    filled = false;
    box->fail(ErrorCode::resource_exhausted, "resource_exhausted: no memory for the answer");
  }
  queue_->push(box);
  return filled;
}

// What the handle stands for.
struct Queue {
  explicit Queue(std::shared_ptr<CompletionQueue> queue) : completions(std::move(queue)) {}
  ~Queue() { completions->close(); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  const std::shared_ptr<CompletionQueue> completions;
};
template <>
struct KindOf<Queue> {
  static constexpr Kind value = Kind::queue;
};

}  // namespace controlplane::capi
