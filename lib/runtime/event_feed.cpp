#include "runtime/event_feed.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "runtime/event_subscription.hpp"
#include "runtime/parker.hpp"

namespace controlplane {
namespace {

// Asks where the log begins and ends. Shared with the store, because the one who waits may give up.
class LogEnds final : public OperationDone, public std::enable_shared_from_this<LogEnds> {
 public:
  LogEnds() { op_.filter = &no_filter_; }

  // unavailable: no answer in time. failed_precondition: it would block the loop.
  Result<void> read(TenantStore& store, const Loop::Handle& loop,
                    std::chrono::milliseconds timeout) {
    if (!store.apply(op_)) {
      if (loop.on_loop_thread()) {
        return Error::failed_precondition("subscribe: would block the loop thread");
      }
      in_flight_ = shared_from_this();
      store.start(op_, *this);
      if (!answered_.wait_until(steady_deadline(timeout))) {
        return Error::unavailable("subscribe: the store did not answer in time");
      }
    }
    // data_loss is no failure here: the ends are known nevertheless.
    if (op_.failed && op_.failed->code != ErrorCode::data_loss) return *op_.failed;
    return {};
  }
  std::uint64_t before_first() const { return op_.first_seq > 0 ? op_.first_seq - 1 : 0; }
  std::uint64_t last() const { return op_.last_seq; }

 private:
  void done(Operation&) override {
    const auto self = std::move(in_flight_);
    answered_.unpark();
  }

  EventFilter no_filter_;
  ReadEvents op_;  // after 0, no items
  Parker answered_;
  std::shared_ptr<LogEnds> in_flight_;
};

std::uint64_t begin_after(const SubscribeOptions& options, const LogEnds& log) {
  if (options.after > 0) return std::min(options.after, log.last());
  return options.from_start ? log.before_first() : log.last();
}

}  // namespace

struct EventFeed::Core : std::enable_shared_from_this<Core> {
  Core(std::shared_ptr<TenantStore> the_store, Loop& the_loop, CallbackPool& the_pool,
       EventFeedOptions the_options)
      : store(std::move(the_store)),
        loop(the_loop.handle()),
        clock(the_loop.clock()),
        pool(the_pool),
        options(the_options) {}

  struct Entry {
    std::shared_ptr<EventSubscription> subscription;
    Urgency urgency;
  };

  Result<void> reserve();
  void give_back();
  Result<Id> open(SubscribeOptions&& wanted, EventHandler&& handler, Urgency urgency);
  bool end(Id id);
  void look();
  void fan_out();

  const std::shared_ptr<TenantStore> store;
  const Loop::Handle loop;
  const Clock& clock;
  CallbackPool& pool;  // until close()
  const EventFeedOptions options;

  std::atomic<bool> notified{false};  // a fan_out is on its way
  std::atomic<std::uint64_t> last_seq{0};
  std::atomic<std::size_t> prompt{0};  // subscriptions that do not wait

  mutable std::mutex mutex;
  std::map<Id, Entry> subscriptions;
  std::size_t reserved = 0;  // those of the map, and those that are being made
  Id last_id = 0;
  bool closed = false;
};

// From here on the store tells of events, so that none falls between the first look and the next.
Result<void> EventFeed::Core::reserve() {
  {
    std::lock_guard lock(mutex);
    if (closed) return Error::cancelled("subscribe: closed");
    if (reserved >= options.max_subscriptions + options.own_subscriptions) {
      return Error::resource_exhausted("subscribe: max_subscriptions is " +
                                       std::to_string(options.max_subscriptions));
    }
    ++reserved;
  }
  store->listen_to_events(+1);
  return {};
}

void EventFeed::Core::give_back() {
  store->listen_to_events(-1);
  std::lock_guard lock(mutex);
  --reserved;
}

Result<EventFeed::Id> EventFeed::Core::open(SubscribeOptions&& wanted, EventHandler&& handler,
                                            Urgency urgency) {
  const auto log = std::make_shared<LogEnds>();
  if (auto read = log->read(*store, loop, options.open_timeout); !read) return read.error();
  const EventCursor cursor(begin_after(wanted, *log), log->last(), wanted.buffer);
  const auto made =
      std::make_shared<EventSubscription>(store, loop, clock, pool.make_strand(),
                                          std::move(wanted.filter), std::move(handler), cursor);
  std::lock_guard lock(mutex);
  if (closed) return Error::cancelled("subscribe: closed");
  subscriptions.emplace(++last_id, Entry{made, urgency});
  if (urgency == Urgency::prompt) {
    ++prompt;
    // A look that was put off would hold up this one's first events.
    if (notified) loop.post([core = shared_from_this()] { core->fan_out(); });
  }
  made->wake(0);
  return last_id;
}

void EventFeed::Core::look() {
  constexpr std::int64_t kRelaxedUs = 20'000;
  auto step = [core = shared_from_this()] { core->fan_out(); };
  if (prompt > 0) {
    loop.post(std::move(step));
  } else {
    loop.schedule(clock.steady_us() + kRelaxedUs, std::move(step));
  }
}

void EventFeed::Core::fan_out() {
  notified.exchange(false);
  const std::uint64_t end = last_seq.exchange(0);
  std::lock_guard lock(mutex);
  for (const auto& [id, entry] : subscriptions) entry.subscription->wake(end);
}

EventFeed::EventFeed(std::shared_ptr<TenantStore> store, Loop& loop, CallbackPool& pool,
                     EventFeedOptions options)
    : core_(std::make_shared<Core>(std::move(store), loop, pool, options)) {}

EventFeed::~EventFeed() { close(); }

Result<EventFeed::Id> EventFeed::subscribe(SubscribeOptions options, EventHandler handler,
                                           Urgency urgency) {
  if (options.buffer == 0 || options.buffer > core_->options.max_buffer) {
    return Error::invalid_argument("subscribe: buffer is " + std::to_string(options.buffer) +
                                   "; it must be 1 to max_subscription_buffer, " +
                                   std::to_string(core_->options.max_buffer));
  }
  if (!handler) return Error::invalid_argument("subscribe: the handler is empty");
  if (auto reserved = core_->reserve(); !reserved) return reserved.error();
  auto id = core_->open(std::move(options), std::move(handler), urgency);
  if (!id) core_->give_back();
  return id;
}

bool EventFeed::Core::end(Id id) {
  std::shared_ptr<EventSubscription> ended;
  {
    std::lock_guard lock(mutex);
    const auto found = subscriptions.find(id);
    if (found == subscriptions.end()) return false;
    ended = std::move(found->second.subscription);
    if (found->second.urgency == Urgency::prompt) --prompt;
    subscriptions.erase(found);
  }
  give_back();
  ended->end();
  return true;
}

bool EventFeed::unsubscribe(Id id) { return core_->end(id); }

std::function<void()> EventFeed::ender(Id id) const {
  std::weak_ptr<EventSubscription> running;
  {
    std::lock_guard lock(core_->mutex);
    const auto found = core_->subscriptions.find(id);
    if (found != core_->subscriptions.end()) running = found->second.subscription;
  }
  return [core = std::weak_ptr(core_), running = std::move(running), id] {
    const auto alive = core.lock();
    if (alive && alive->end(id)) return;
    if (const auto late = running.lock()) late->end();
  };
}

void EventFeed::notify(std::uint64_t last_seq) {
  std::uint64_t seen = core_->last_seq.load(std::memory_order_relaxed);
  while (seen < last_seq && !core_->last_seq.compare_exchange_weak(seen, last_seq)) {
  }
  if (core_->notified.exchange(true)) return;
  core_->look();
}

void EventFeed::close() {
  std::map<Id, Core::Entry> ended;
  {
    std::lock_guard lock(core_->mutex);
    core_->closed = true;
    ended.swap(core_->subscriptions);
  }
  for (const auto& [id, entry] : ended) entry.subscription->close();
  for (const auto& [id, entry] : ended) {
    core_->give_back();
    entry.subscription->close_and_wait();
  }
}

std::size_t EventFeed::subscriptions() const {
  std::lock_guard lock(core_->mutex);
  return core_->subscriptions.size();
}

}  // namespace controlplane
