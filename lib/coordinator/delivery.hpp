// Calls completions: inline, but nested at most 8 deep, then through the loop, so that a completion
// that calls the next operation, whose completion calls the next, cannot grow the stack for ever.
// Thread safety: from any thread.
// Lifetime: the loop outlives what is posted; a stopped loop refuses, then it is called inline after
// all: exactly once comes first. A completion may destroy the coordinator: after it nothing of that
// is touched, and the hook is held meanwhile.
// Errors: a completion that throws is reported to the hook and dropped: exceptions never cross a
// public boundary.
#pragma once

#include <memory>
#include <utility>

#include "controlplane/agent_registry.hpp"
#include "controlplane/result.hpp"
#include "runtime/loop.hpp"
#include "runtime/work.hpp"

namespace controlplane {

inline constexpr int kMaxInlineDepth = 8;

// Counts the completions nested on this thread.
class InlineDepth {
 public:
  InlineDepth() noexcept { ++depth_; }
  ~InlineDepth() { --depth_; }
  InlineDepth(const InlineDepth&) = delete;
  InlineDepth& operator=(const InlineDepth&) = delete;
  static bool exhausted() noexcept { return depth_ >= kMaxInlineDepth; }

 private:
  static inline thread_local int depth_ = 0;
};

using SharedHook = std::shared_ptr<const FailureHook>;

template <class T>
void call_done(const SharedHook& hook, const Done<T>& done, Result<T>&& answer) {
  const SharedHook held = hook;
  InlineDepth nested;
  run_guarded(*held, [&] { done(std::move(answer)); });
}

// Always through the loop: for what was parked.
template <class T>
void deliver_on_loop(Loop& loop, const SharedHook& hook, Done<T> done, Result<T>&& answer) {
  if (!done) return;
  struct Late {
    Done<T> done;
    Result<T> answer;
  };
  auto late = std::make_shared<Late>(Late{std::move(done), std::move(answer)});
  const auto call = [hook, late] { call_done(hook, late->done, std::move(late->answer)); };
  if (!loop.post(call)) call();
}

template <class T>
void deliver(Loop& loop, const SharedHook& hook, Done<T> done, Result<T>&& answer) {
  if (!done) return;
  if (InlineDepth::exhausted()) {
    return deliver_on_loop(loop, hook, std::move(done), std::move(answer));
  }
  call_done(hook, done, std::move(answer));
}

// A completion of what `map` makes of the answer.
template <class From, class To, class Map>
Done<From> mapped(Done<To> done, Map map) {
  if (!done) return nullptr;
  return [done = std::move(done), map = std::move(map)](Result<From> answer) {
    done(answer ? Result<To>(map(*std::move(answer))) : Result<To>(std::move(answer.error())));
  };
}

}  // namespace controlplane
