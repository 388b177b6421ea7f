#include "runtime/event_subscription.hpp"

#include <algorithm>
#include <utility>

namespace controlplane {
namespace {

constexpr std::int64_t kFirstPauseUs = 50'000;
constexpr std::int64_t kLongestPauseUs = 5'000'000;

std::int64_t pause_us(std::uint32_t failures) {
  return std::min(kLongestPauseUs, kFirstPauseUs << std::min(failures, 10U));
}

void raise(std::atomic<std::uint64_t>& value, std::uint64_t to) {
  std::uint64_t seen = value.load(std::memory_order_relaxed);
  while (seen < to && !value.compare_exchange_weak(seen, to)) {
  }
}

}  // namespace

// Queues the next step whether the handler returns or throws.
struct EventSubscription::NextStep {
  EventSubscription& of;
  ~NextStep() { of.next_step(); }
};

EventSubscription::EventSubscription(std::shared_ptr<TenantStore> store, Loop::Handle loop,
                                     const Clock& clock, std::shared_ptr<Strand> strand,
                                     EventFilter filter, EventHandler handler, EventCursor cursor)
    : store_(std::move(store)),
      loop_(std::move(loop)),
      clock_(clock),
      strand_(std::move(strand)),
      filter_(std::move(filter)),
      handler_(std::move(handler)),
      cursor_(cursor) {
  op_.filter = &filter_;
}

void EventSubscription::wake(std::uint64_t last_seq) {
  raise(log_end_, last_seq);
  State state = state_.load();
  while (state != State::busy_and_woken) {
    const State woken = state == State::idle ? State::busy : State::busy_and_woken;
    if (!state_.compare_exchange_weak(state, woken)) continue;
    if (woken == State::busy_and_woken) return;
    cursor_.look(log_end_.exchange(0));
    return queue(&EventSubscription::step);
  }
}

void EventSubscription::close() {
  closed_ = true;
  strand_->close();
}

bool EventSubscription::close_and_wait() {
  closed_ = true;
  if (!strand_->close_and_wait()) return false;
  handler_ = nullptr;
  return true;
}

void EventSubscription::end() {
  if (loop_.on_loop_thread()) return close();
  close_and_wait();
}

void EventSubscription::take_wakes() {
  if (state_.exchange(State::busy) == State::busy_and_woken) cursor_.look(log_end_.exchange(0));
}

void EventSubscription::step() {
  take_wakes();
  if (const auto what = cursor_.next()) return read(*what);
  next_step();
}

// One read per turn of the strand; coming to rest takes none.
void EventSubscription::next_step() {
  State busy;
  do {
    take_wakes();
    if (cursor_.next()) return queue(&EventSubscription::step);
    busy = State::busy;
  } while (!state_.compare_exchange_strong(busy, State::idle));
}

void EventSubscription::read(const EventCursor::Read& what) {
  reading_ = what;
  op_.after = what.after;
  op_.max_items = what.max_items;
  op_.failed.reset();
  if (store_->apply(op_)) return absorb();
  in_flight_ = shared_from_this();
  store_->start(op_, *this);
}

void EventSubscription::done(Operation&) {
  const auto self = std::move(in_flight_);
  queue(&EventSubscription::absorb);
}

void EventSubscription::absorb() {
  if (op_.failed) return absorb_failure();
  failures_ = 0;
  cursor_.answered(reading_, {op_.events.size(), op_.last_visited, op_.last_seq});
  const NextStep then{*this};
  if (reading_.purpose == EventCursor::Purpose::deliver) deliver();
}

void EventSubscription::absorb_failure() {
  if (op_.failed->code == ErrorCode::cancelled) return;  // the store is closed: stays busy
  const bool lost = op_.failed->code == ErrorCode::data_loss;
  if (lost && cursor_.trimmed(op_.first_seq)) return next_step();
  retry_later();
}

void EventSubscription::deliver() {
  EventBatch batch;
  batch.events = std::move(op_.events);
  op_.events = {};
  if (batch.events.empty() && !cursor_.has_missed()) return;
  batch.missed = cursor_.take_missed();
  batch.last_seq = cursor_.position();
  handler_(batch);
}

void EventSubscription::queue(void (EventSubscription::*what)()) {
  if (!strand_->submit([self = shared_from_this(), what] { (self.get()->*what)(); })) retry_later();
}

// Also when the pool is full. Ends here when the subscription is closed or the loop has stopped.
void EventSubscription::retry_later() {
  if (closed_) return;
  const std::int64_t when = clock_.steady_us() + pause_us(failures_++);
  loop_.schedule(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->queue(&EventSubscription::step);
  });
}

}  // namespace controlplane
