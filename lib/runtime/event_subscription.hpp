// One subscription: reads what its cursor decides and hands it to the handler, on its own strand.
// Thread safety: wake, end and done may be called from any thread; the rest runs on the strand.
// Lifetime: shared; a read in flight and the step that is queued keep it.
// Errors: a store that fails is asked again after a pause that grows from 50 ms to 5 s; one that
// answers cancelled is not. What the handler throws goes to the pool once the next step is queued.
//
// No wake-up is lost: `state_` is busy from the wake to the moment the cursor has nothing left, and
// a wake in between is remembered and makes it look once more. While busy there is exactly one of:
// a queued or running step, a read in flight, a pause. Whoever it is owns the cursor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "controlplane/event.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/event_cursor.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

namespace controlplane {

class EventSubscription final : public OperationDone,
                                public std::enable_shared_from_this<EventSubscription> {
 public:
  EventSubscription(std::shared_ptr<TenantStore> store, Loop::Handle loop, const Clock& clock,
                    std::shared_ptr<Strand> strand, EventFilter filter, EventHandler handler,
                    EventCursor cursor);

  // Something was appended, up to `last_seq` if that is known, else 0.
  void wake(std::uint64_t last_seq);

  // The handler is not called any more, as Strand::close and close_and_wait say; true: and it is
  // destroyed.
  void close();
  bool close_and_wait();
  void end();  // close_and_wait(), but close() on the loop: a handler that hangs must not stop that

 private:
  enum class State : std::uint8_t { idle, busy, busy_and_woken };
  struct NextStep;

  void step();
  void read(const EventCursor::Read& what);
  void done(Operation& op) override;
  void absorb();
  void absorb_failure();
  void deliver();
  void take_wakes();
  void next_step();
  void queue(void (EventSubscription::*what)());
  void retry_later();

  const std::shared_ptr<TenantStore> store_;
  const Loop::Handle loop_;
  const Clock& clock_;
  const std::shared_ptr<Strand> strand_;
  const EventFilter filter_;
  EventHandler handler_;
  EventCursor cursor_;
  EventCursor::Read reading_{};
  ReadEvents op_;
  std::shared_ptr<EventSubscription> in_flight_;  // itself, while the store works on op_
  std::atomic<State> state_{State::idle};
  std::atomic<std::uint64_t> log_end_{0};         // told by wake, not yet by the cursor known
  std::atomic<bool> closed_{false};
  std::uint32_t failures_ = 0;                    // in a row
};

}  // namespace controlplane
