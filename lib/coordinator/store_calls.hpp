// Brings operations to the store and answers back, in three forms:
//   block      the caller's thread; parked only if the store cannot answer at once
//   complete   never blocks; `done` is called inline when the answer is at hand
//   perform    as complete, for the library's own steps: `then` may run under no user's stack
// What the store answers at once costs no allocation and no closure. The rest becomes a StoreCall.
//
// A Call is a movable struct that owns or views one request:
//   using Answer = …;
//   <Operation> op;
//   Operation& bind();         views of the request into op; again after every move
//   Answer answer();           Precondition: !op.failed
//   void keep(CallNames&);     optional: it leaves the caller's stack and may be repeated: own
//                              what was borrowed, name what has no name yet
//   void undo(TenantStore&);   optional: it was applied, but nobody hears of it any more
//   bool applied_before(const Error&);  optional: after a try whose outcome is unknown, this error
//                              says that it was applied
//
// Thread safety: every method may be called from any thread.
// Lifetime: the store, loop, clock and entropy outlive it. close() before destruction.
// Errors: cancelled after close(); failed_precondition: a block() that would block the loop thread.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "controlplane/agent_registry.hpp"
#include "controlplane/result.hpp"
#include "coordinator/call_argument.hpp"
#include "coordinator/delivery.hpp"
#include "coordinator/store_call.hpp"
#include "runtime/loop.hpp"
#include "runtime/parker.hpp"
#include "store/store.hpp"

namespace controlplane {

struct StoreCallsOptions {
  std::chrono::microseconds timeout{5'000'000};  // Config::operation_timeout
  std::uint64_t origin = 0;                      // this coordinator, in operations
  bool pumped = false;                           // nothing may wait: nobody else would run the loop
  FailureHook on_failure;                        // hears of completions that throw
  // The store began to answer `unavailable`, and why; or it answers again. Must not block.
  std::function<void(bool away, std::string_view why)> on_away;
};

class StoreCalls {
 public:
  StoreCalls(TenantStore& store, Loop& loop, const Clock& clock, Entropy& entropy,
             StoreCallsOptions options)
      : store_(store),
        loop_(loop),
        clock_(clock),
        entropy_(entropy),
        hook_(std::make_shared<const FailureHook>(std::move(options.on_failure))),
        options_(std::move(options)) {}
  StoreCalls(const StoreCalls&) = delete;
  StoreCalls& operator=(const StoreCalls&) = delete;

  // True: `op` is answered. False: nothing was done; use one of the forms below.
  bool apply_now(Operation& op) {
    if (needs_random(op)) op.random = entropy_.next();
    op.origin = options_.origin;
    if (!store_.apply(op)) return false;
    assert(!op.failed || !op.failed->outcome_unknown);
    return !(op.failed && op.failed->code == ErrorCode::unavailable);
  }

  template <class Call>
  Result<typename Call::Answer> block(Call&& call) {
    if (apply_now(call.bind())) return take(call);
    return block_in_store(std::move(call));
  }

  template <class Call>
  void complete(Call&& call, Done<typename Call::Answer> done) {
    if (apply_now(call.bind())) return deliver(std::move(done), take(call));
    start(std::move(call), std::move(done));
  }

  // `then` gets Result<Call::Answer>, inline or on the loop.
  template <class Call, class Then>
  void perform(Call&& call, Then then) {
    if (apply_now(call.bind())) return then(take(call));
    start(std::move(call), std::move(then));
  }

  // The slow halves, for callers that tried apply_now() themselves.
  template <class Call>
  Result<typename Call::Answer> block_in_store(Call call);
  template <class Call, class Then>
  void start(Call call, Then then);

  template <class T>
  void deliver(Done<T> done, Result<T>&& answer) {
    controlplane::deliver(loop_, hook_, std::move(done), std::move(answer));
  }
  template <class T>
  void deliver_on_loop(Done<T> done, Result<T>&& answer) {
    controlplane::deliver_on_loop(loop_, hook_, std::move(done), std::move(answer));
  }

  // Ends every outstanding call with `cancelled`; their completions are posted to the loop, which
  // must still run what was posted. Idempotent.
  void close();

  static Error closed_error() { return Error::cancelled("the coordinator is closed"); }
  TenantStore& store() noexcept { return store_; }
  Loop& loop() noexcept { return loop_; }
  std::int64_t now_us() const { return clock_.steady_us(); }
  Entropy& entropy() noexcept { return entropy_; }
  bool pumped() const noexcept { return options_.pumped; }
  std::size_t outstanding() const;

 private:
  friend class StoreCall;
  template <class Call>
  class Blocked;
  template <class Call, class Then>
  class Queued;

  template <class Call>
  static Result<typename Call::Answer> take(Call& call) {
    if (call.op.failed) [[unlikely]]
      return std::move(*call.op.failed);
    if constexpr (std::is_void_v<typename Call::Answer>) {
      return {};
    } else {
      return call.answer();
    }
  }
  template <class Call>
  void adopt(Call& call);
  template <class Call>
  static bool says_applied(const Call& call, const Error& error) {
    if constexpr (requires { call.applied_before(error); }) return call.applied_before(error);
    return false;
  }

  bool admit(const std::shared_ptr<StoreCall>& call);  // false: closed
  void retire(StoreCall& call);
  void expire_due();
  void note(bool away, std::string_view why);
  std::int64_t backoff_us(int tries);
  std::int64_t deadline_us() const { return now_us() + options_.timeout.count(); }

  TenantStore& store_;
  Loop& loop_;
  const Clock& clock_;
  Entropy& entropy_;
  const SharedHook hook_;
  const StoreCallsOptions options_;

  std::atomic<bool> away_{false};

  mutable std::mutex mutex_;
  bool closed_ = false;     // guarded
  bool timer_set_ = false;  // guarded
  // All have the same timeout, so that the order of admission is that of their deadlines.
  std::list<std::shared_ptr<StoreCall>> outstanding_;  // guarded
};

template <class Call>
void StoreCalls::adopt(Call& call) {
  call.op.origin = options_.origin;  // it may be another operation than was tried inline
  CallNames names{entropy_, store_.now()};
  if constexpr (requires { call.keep(names); }) call.keep(names);
}

template <class Call>
class StoreCalls::Blocked final : public StoreCall {
 public:
  Blocked(StoreCalls& office, Call call)
      : StoreCall(office, office.deadline_us()), call_(std::move(call)) {}
  Result<typename Call::Answer> wait() {
    parker_.wait();
    if (failure()) return std::move(*failure());
    return take(call_);
  }

 private:
  Operation& prepare() override { return call_.bind(); }
  void conclude() override { parker_.unpark(); }
  bool applied_before(const Error& error) const override { return says_applied(call_, error); }
  void too_late(TenantStore& store) override {
    if constexpr (requires { call_.undo(store); }) call_.undo(store);
  }
  Call call_;
  Parker parker_;
};

template <class Call, class Then>
class StoreCalls::Queued final : public StoreCall {
 public:
  Queued(StoreCalls& office, Call call, Then then)
      : StoreCall(office, office.deadline_us()), call_(std::move(call)), then_(std::move(then)) {}

  // Instead of launch().
  void refuse() {
    failure() = closed_error();
    finish();
  }

 private:
  using Answer = Result<typename Call::Answer>;
  Operation& prepare() override { return call_.bind(); }
  void conclude() override {
    auto self = std::static_pointer_cast<Queued>(shared_from_this());
    office().loop().post([self = std::move(self)] { self->finish(); });
  }
  bool applied_before(const Error& error) const override { return says_applied(call_, error); }
  void too_late(TenantStore& store) override {
    if constexpr (requires { call_.undo(store); }) call_.undo(store);
  }
  void finish() {
    Then then = std::move(then_);
    Answer answer = failure() ? Answer(std::move(*failure())) : take(call_);
    if constexpr (std::is_same_v<Then, Done<typename Call::Answer>>) {
      office().deliver(std::move(then), std::move(answer));
    } else {
      then(std::move(answer));
    }
  }
  Call call_;
  Then then_;
};

template <class Call>
Result<typename Call::Answer> StoreCalls::block_in_store(Call call) {
  if (options_.pumped) {
    return Error::failed_precondition(
        "would block: the store cannot answer at once, and this "
        "coordinator is pumped");
  }
  adopt(call);
  auto blocked = std::make_shared<Blocked<Call>>(*this, std::move(call));
  if (!admit(blocked)) return closed_error();
  blocked->launch();
  return blocked->wait();
}

template <class Call, class Then>
void StoreCalls::start(Call call, Then then) {
  adopt(call);
  auto queued = std::make_shared<Queued<Call, Then>>(*this, std::move(call), std::move(then));
  if (!admit(queued)) return queued->refuse();
  queued->launch();
}

}  // namespace controlplane
