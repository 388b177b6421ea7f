// The control plane of one tenant: registry, scheduler, health monitor and events in one handle.
// Thread safety: every method may be called from any thread; open, move and destroy it in one.
// Lifetime: the destructor shuts down at once; no other call of it may be in progress then, but its
// completions and callbacks may destroy it. Registry, scheduler and monitor may be copied out of
// it (`TaskScheduler scheduler = plane;`); when it closed they answer cancelled.
// Errors: returned, never thrown.
// Threads: one loop thread per coordinator runs library code and the completions of what was
// parked; user callbacks run on a bounded pool. No callback runs under a lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/config.hpp"
#include "controlplane/event.hpp"
#include "controlplane/health_monitor.hpp"
#include "controlplane/result.hpp"
#include "controlplane/stats.hpp"
#include "controlplane/task_scheduler.hpp"

namespace controlplane {

class Coordinator : public AgentRegistry, public TaskScheduler, public HealthMonitor {
 public:
  // Ready, or an error that names the option.
  static Result<Coordinator> open(Config config = {});
  // Another one on this one's store, which lives as long as either: for another tenant, or as another
  // host of the same tenant. config.store_url does not count.
  Result<Coordinator> open_beside(Config config = {}) const;
  Coordinator(Coordinator&&) noexcept;
  Coordinator& operator=(Coordinator&&) noexcept;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  ~Coordinator();

  // Events of the tenant in order, on the callback pool, one batch at a time. Never blocks on the
  // store. invalid_argument: a type no event has, a buffer of 0 or above max_subscription_buffer;
  // resource_exhausted: max_subscriptions; failed_precondition: on the loop thread.
  Result<Subscription> subscribe(SubscribeOptions options, EventHandler handler);
  // Up to max_items events after `after`; data_loss names the first number still there.
  Result<std::vector<Event>> read_events(std::uint64_t after, std::size_t max_items = 100,
                                         const EventFilter& filter = {}) const;
  void read_events(std::uint64_t after, std::size_t max_items, const EventFilter& filter,
                   Done<std::vector<Event>> done) const;

  Result<Stats> get_stats() const;
  void get_stats(Done<Stats> done) const;
  // Prometheus text format 0.0.4; empty if Config::enable_metrics is off.
  Result<std::string> metrics_text() const;
  void metrics_text(Done<std::string> done) const;

  // Refuses new claims and submits, waits up to `deadline` for attempts held by this coordinator's
  // workers, then closes: parked calls answer cancelled. deadline_exceeded says how many leases were
  // left (they stay valid in a shared store). Workers that hold nothing are unregistered. Idempotent;
  // of two calls at once the shorter deadline counts, and both return when all is closed. On the loop
  // thread it does not wait, in a callback it does not wait for that callback; in a handler of a
  // Worker it waits for that handler, up to the deadline.
  Result<void> shutdown(std::chrono::milliseconds deadline = std::chrono::milliseconds(0));

  const Config& config() const;

 private:
  friend class CoordinatorCore;
  friend class Distributor;
  friend class Mailbox;
  friend class Worker;
  friend class Logs;
  friend class NamedLeases;
  friend class Resources;
  friend class SharedState;
  friend class Snapshots;
  explicit Coordinator(std::shared_ptr<CoordinatorCore> core);
  const std::shared_ptr<CoordinatorCore>& core() const { return AgentRegistry::core_; }
};

}  // namespace controlplane
