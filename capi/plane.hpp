// What the handle of a coordinator stands for, and the two ways of calling it: an operation is
// written once, as a function of the coordinator and of the completion that its second form takes.
// Thread safety: as the coordinator's.
// Errors: statuses.
#pragma once

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

#include "capi/completion_queue.hpp"
#include "capi/handles.hpp"
#include "capi/input.hpp"
#include "capi/refusal.hpp"
#include "capi/views.hpp"
#include "controlplane.h"
#include "controlplane/coordinator.hpp"

namespace controlplane::capi {

struct Plane {
  explicit Plane(Coordinator opened) : coordinator(std::move(opened)) {}
  ~Plane() { delete spare_request.load(); }
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;
  const Limits& limits() const { return coordinator.config().limits; }

  Coordinator coordinator;
  std::atomic<ClaimRequest*> spare_request{nullptr};  // for the next claim: its memory serves again
};
template <>
struct KindOf<Plane> {
  static constexpr Kind value = Kind::coordinator;
};

template <class T>
struct Answered;
template <class T>
struct Answered<Result<T>> {
  using Type = T;
};
// What operation(plane) answers.
template <class Operation>
using AnswerOf = typename Answered<std::invoke_result_t<Operation&, Plane&>>::Type;

// An answer that nobody will hear of.
template <class T>
void drop(cp_coordinator*, const T&) noexcept {}
inline void drop(cp_coordinator* handle, const std::optional<ClaimedTask>& task) noexcept {
  if (task) hand_back(handle, *task);
}
inline void drop(cp_coordinator* handle, const std::vector<ClaimedTask>& tasks) noexcept {
  for (const ClaimedTask& task : tasks) hand_back(handle, task);
}

inline void drop(cp_coordinator* handle, const Permit& permit) noexcept {
  hand_back(handle, permit);
}

inline void drop(cp_coordinator* handle, const std::vector<Message>& messages) noexcept {
  for (const Message& message : messages) hand_back(handle, message);
}

// operation(plane), then sink(answer), or sink() if there is none.
template <class Operation, class Sink>
std::int32_t call(cp_coordinator* handle, Operation&& operation, Sink&& sink) noexcept {
  return guard([&]() -> std::int32_t {
    const Held<Plane> plane(handle);
    auto answer = operation(*plane);
    if (!answer) return fail(answer.error());
    if constexpr (std::is_invocable_v<Sink&>) {
      sink();
    } else {
      sink(*std::move(answer));
    }
    return CP_OK;
  });
}

template <class Operation>
std::int32_t call(cp_coordinator* handle, Operation&& operation) noexcept {
  return call(handle, std::forward<Operation>(operation), [] {});
}

// The same with an output that must be there and is NULL or 0 if the call fails. `make` makes it.
template <class Out, class Operation, class Make>
std::int32_t call_for(Out* out, cp_coordinator* handle, Operation&& operation,
                      Make&& make) noexcept {
  if (out == nullptr) return fail(ErrorCode::invalid_argument, "out is NULL");
  *out = Out{};
  return call(handle, std::forward<Operation>(operation), [&](auto&& answer) {
    try {
      *out = make(std::move(answer));
    } catch (...) {  // no memory: then views of claimed tasks leave them where they were
      drop(handle, answer);
      throw;
    }
  });
}

// A view that the caller owns from now on.
template <class View>
inline constexpr auto give = [](auto&& value) { return new View(std::move(value)); };

// Starts operation(plane, done); its completion is filled by sink(box, answer), or sink(box).
template <class Operation, class Sink>
std::int32_t start(cp_coordinator* handle, cp_queue* queue, void* user_data, std::int32_t which,
                   Operation&& operation, Sink sink) noexcept {
  using T = AnswerOf<std::remove_reference_t<Operation>>;
  return guard([&]() -> std::int32_t {
    const Held<Plane> plane(handle);
    const Held<Queue> held_queue(queue);
    auto ticket = held_queue->completions->issue(handle, which, user_data);
    try {
      operation(*plane, Done<T>([ticket, handle, sink](Result<T> answer) {
        const bool delivered = ticket->answer([&](CompletionBox& box) {
          if (!answer) return box.fail(answer.error());
          if constexpr (std::is_void_v<T>) {
            sink(box);
          } else {
            sink(box, *std::move(answer));
          }
        });
        if constexpr (std::is_void_v<T>) {
          static_cast<void>(handle);  // clang complains of what only the others use
        } else {
          if (!delivered && answer) drop(handle, *answer);
        }
      }));
    } catch (...) {
      if (ticket->withdraw()) throw;
    }
    return CP_OK;
  });
}

template <class Operation>
std::int32_t start(cp_coordinator* handle, cp_queue* queue, void* user_data, std::int32_t which,
                   Operation&& operation) noexcept {
  return start(handle, queue, user_data, which, std::forward<Operation>(operation),
               [](CompletionBox&, auto&&...) {});
}

// Fills the field of a completion that `member` names with a view of the answer.
template <class View, class Struct>
auto into(const Struct* cp_completion::*member) {
  return [member](CompletionBox& box, auto&& answer) {
    box.*member = box.keep(std::make_unique<View>(std::move(answer)));
  };
}

}  // namespace controlplane::capi
