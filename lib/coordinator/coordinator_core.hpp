// What the public handles share: one tenant's store with everything that waits, times and calls
// back around it. The parts have a file each; this one owns them, opens and closes them in
// order, and stands at the door of every operation.
// Thread safety: every method may be called from any thread, except pump(), which belongs to
// one.
// Lifetime: shared by the handles; closed by the Coordinator, after which operations are
// refused.
// Errors: returned.
//
// Closing: first nothing new is let in, then the listener is removed,
// callbacks stop, everybody that waits gets `cancelled`, and last the loop runs what that posted
// and ends. A store answer that comes later finds its StoreCall alive and nothing else.
#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.hpp"
#include "base/derived_keys.hpp"
#include "base/entropy.hpp"
#include "base/ids.hpp"
#include "controlplane/coordinator.hpp"
#include "coordinator/advance_timer.hpp"
#include "coordinator/checks.hpp"
#include "coordinator/claim_desk.hpp"
#include "coordinator/coordinator_log.hpp"
#include "coordinator/health_copy.hpp"
#include "coordinator/log_waits.hpp"
#include "coordinator/message_counts.hpp"
#include "coordinator/payload_codec.hpp"
#include "coordinator/permit_waits.hpp"
#include "coordinator/probes.hpp"
#include "coordinator/result_waits.hpp"
#include "coordinator/store_calls.hpp"
#include "coordinator/worker_roster.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/event_feed.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

namespace controlplane {

// For tests and simulations; open() fills in what is not given.
struct CoordinatorParts {
  std::shared_ptr<Store> store;      // by Config::store_url
  const Clock* clock = nullptr;      // the system's; outlives the coordinator
  std::unique_ptr<Entropy> entropy;  // the system's
  bool pumped = false;               // no thread at all: pump() drives loop, timers and callbacks
  std::shared_ptr<const PayloadCodec> codec;  // of values on their way to and from the store; none
};

Result<Coordinator> open_coordinator(Config config, CoordinatorParts parts);

enum class Entry : std::uint8_t { any, new_work };  // new work is refused while draining

class CoordinatorCore final : public StoreListener,
                              public std::enable_shared_from_this<CoordinatorCore> {
 public:
  static Result<std::shared_ptr<CoordinatorCore>> open(Config config, CoordinatorParts parts);
  static Coordinator wrap(std::shared_ptr<CoordinatorCore> core);
  static CoordinatorCore& of(const Coordinator& coordinator) { return *coordinator.core(); }
  ~CoordinatorCore() override;

  Result<void> shutdown(std::chrono::milliseconds deadline);
  std::size_t pump();  // until nothing is left at this instant of the clock
  std::int64_t next_timer() const { return loop_.next_timer(); }

  // For another coordinator on the same store.
  CoordinatorParts parts_beside() const { return {store_, &clock_, nullptr, pumped_, nullptr}; }

  // The door. Empty: come in.
  std::optional<Error> refuse_block(Entry entry) const {
    if (gate_.load(std::memory_order_acquire) == Gate::open && !loop_.on_loop_thread()) [[likely]] {
      return std::nullopt;
    }
    return why_not_block(entry);
  }
  std::optional<Error> refuse(Entry entry) const {
    if (gate_.load(std::memory_order_acquire) == Gate::open) [[likely]]
      return std::nullopt;
    return why_not(entry);
  }

  // One operation through the door, in both forms. A call is moved only if it has to wait.
  template <class Call>
  Result<typename Call::Answer> block(Checks& checks, Call&& call, Entry entry = Entry::any) {
    if (auto refused = refuse_block(entry)) return std::move(*refused);
    if (!checks.ok()) return checks.take();
    return calls_.block(std::move(call));
  }
  template <class Call>
  void complete(Checks& checks, Call&& call, Done<typename Call::Answer> done,
                Entry entry = Entry::any) {
    using Answer = Result<typename Call::Answer>;
    if (auto refused = refuse(entry)) {
      return calls_.deliver(std::move(done), Answer(std::move(*refused)));
    }
    if (!checks.ok()) return calls_.deliver(std::move(done), Answer(checks.take()));
    calls_.complete(std::move(call), std::move(done));
  }

  // For a permit, or a lease of that name.
  Result<Permit> acquire(const AcquireRequest& request, bool is_lease);
  void acquire(AcquireRequest request, bool is_lease, Done<Permit> done);

  Result<LogPage> read_log(Checks& checks, const LogReading& reading);
  std::uint64_t read_log(Checks& checks, const LogReading& reading, Done<LogPage> done);  // its ticket

  const Config& config() const noexcept { return config_; }
  const Limits& limits() const noexcept { return config_.limits; }
  StoreCalls& calls() noexcept { return calls_; }
  ClaimDesk& claims() noexcept { return claims_; }
  ResultWaits& results() noexcept { return results_; }
  PermitWaits& permits() noexcept { return permits_; }
  LogWaits& logs() noexcept { return logs_; }
  EventFeed& feed() noexcept { return feed_; }
  Probes& probes() noexcept { return probes_; }
  HealthCopy& health() noexcept { return health_; }
  WorkerRoster& workers() noexcept { return workers_; }
  std::atomic<std::uint64_t>& state_retries() noexcept { return state_retries_; }
  DerivedKeys& message_keys() noexcept { return message_keys_; }  // per agent
  MessageCounts& messages() noexcept { return messages_; }
  CoordinatorLog& log() noexcept { return *log_; }
  const std::shared_ptr<CoordinatorLog>& shared_log() const noexcept { return log_; }
  CallbackPool& pool() noexcept { return pool_; }
  Loop& loop() noexcept { return loop_; }
  std::string_view store_name() const { return store_->name(); }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  const std::string& registered_by() const noexcept { return registered_by_; }

  TaskId::Uuid make_id() { return ids_.next(id_time()); }
  Result<Subscription> subscribe(SubscribeOptions options, EventHandler handler);

 private:
  enum class Gate : std::uint8_t { open, draining, closed };
  enum class Closing : std::uint8_t { no, now, done };

  CoordinatorCore(Config config, CoordinatorParts parts, std::shared_ptr<TenantStore> tenant,
                  std::unique_ptr<Entropy> entropy);
  Result<void> start();
  void close();
  void close_parts();
  // Ids tell their time in ms: the clock's last tick will do, at a fifth of the price.
  std::int64_t id_time() const {
    if (!real_time_) return tenant_->now();
    timespec tick{};
    clock_gettime(CLOCK_REALTIME_COARSE, &tick);
    return tick.tv_sec * 1'000'000 + tick.tv_nsec / 1'000;
  }
  std::optional<Error> why_not(Entry entry) const;
  std::optional<Error> why_not_block(Entry entry) const;
  void log_transitions();

  void on_signals(std::span<const Signal> signals) override;
  void on_events(std::uint64_t last_seq) override { feed_.notify(last_seq); }
  void on_due(Timestamp earliest) override { advance_.on_due(earliest); }

  const Config config_;
  const bool pumped_;
  const Clock& clock_;
  const bool real_time_;  // clock_ is the system's
  const std::unique_ptr<Entropy> entropy_;
  const std::shared_ptr<Store> store_;
  const std::shared_ptr<TenantStore> tenant_;
  const std::uint64_t incarnation_;
  const std::string registered_by_;
  IdMaker ids_;
  std::atomic<Gate> gate_{Gate::open};
  std::mutex closing_mutex_;
  std::condition_variable closed_;
  Closing closing_ = Closing::no;  // guarded by closing_mutex_
  std::thread::id closer_;         // guarded by closing_mutex_
  const std::shared_ptr<CoordinatorLog> log_;
  Loop loop_;
  CallbackPool pool_;
  StoreCalls calls_;
  ClaimDesk claims_;
  ResultWaits results_;
  PermitWaits permits_;
  LogWaits logs_;
  AdvanceTimer advance_;
  EventFeed feed_;
  Probes probes_;
  HealthCopy health_;
  WorkerRoster workers_;
  std::atomic<std::uint64_t> state_retries_{0};
  DerivedKeys message_keys_;
  MessageCounts messages_;
};

}  // namespace controlplane
