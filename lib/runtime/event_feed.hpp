// Gives the events of one tenant to those who subscribed, in order, on the callback pool.
// The log is the buffer: a subscription is a position in it. It reads up to 256 matching events,
// hands them to its handler, and reads on when that returned; a slow handler delays only itself.
// Thread safety: every method may be called from any thread.
// Lifetime: close() runs in the destructor. Loop and pool outlive the feed; the store is kept. The
// owner forwards StoreListener::on_events to notify().
// Errors: returned by subscribe. Later a store that is unavailable is asked again with growing
// pauses; a handler that throws is reported to the pool's hook, and its subscription goes on.
//
// What is missed, and how it is counted:
//  - History that was there when the subscription began is never skipped, only trimmed by the log.
//  - Of the events since then, at most `buffer` matching ones wait; beyond that the oldest are
//    skipped and counted exactly.
//  - Of what the log trimmed before it was read nothing is known any more: every sequence number
//    counts, matching or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "controlplane/event.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/result.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

namespace controlplane {

struct EventFeedOptions {
  std::size_t max_subscriptions = Limits{}.max_subscriptions;
  std::size_t own_subscriptions = 0;  // the owner's, above max_subscriptions
  std::size_t max_buffer = Limits{}.max_subscription_buffer;  // of one subscription, events
  std::chrono::milliseconds open_timeout{5'000};  // subscribe waits this long for a store's answer
};

class EventFeed {
 public:
  using Id = std::uint64_t;            // never reused, never 0

  EventFeed(std::shared_ptr<TenantStore> store, Loop& loop, CallbackPool& pool,
            EventFeedOptions options = {});
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // Where it begins: after `after` if that is above 0 (a number the log has not reached yet counts
  // as now), else with all history if from_start, else with what is appended after this returned.
  // Blocks only if the store cannot answer inline: then failed_precondition on the loop thread.
  // invalid_argument: buffer 0 or above max_buffer. resource_exhausted: max_subscriptions.
  // cancelled: closed.
  Result<Id> subscribe(SubscribeOptions options, EventHandler handler) {
    return subscribe(std::move(options), std::move(handler), Urgency::prompt);
  }
  // relaxed: nobody minds if its events come a little later. As long as there is no other
  // subscription, the loop is woken 50 times a second at most, and not by every transition.
  enum class Urgency : std::uint8_t { prompt, relaxed };
  Result<Id> subscribe(SubscribeOptions options, EventHandler handler, Urgency urgency);

  // When it returned the handler does not run and is destroyed, except from within the handler and
  // on the loop thread: then it is not called again, and destroyed after a call in progress, which
  // else is waited for. False: no such subscription.
  bool unsubscribe(Id id);
  // Does that when it is called, also after close() and without the feed: a handler that closed it, or
  // that the pool did not wait for, may still run.
  std::function<void()> ender(Id id) const;

  // Something was appended up to `last_seq`. Cheap: wakes the loop once until it has looked.
  void notify(std::uint64_t last_seq);

  // Ends all subscriptions as unsubscribe does; does not wait for handlers that the pool abandoned.
  // Reads in flight end later and are dropped. Idempotent.
  void close();

  std::size_t subscriptions() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace controlplane
