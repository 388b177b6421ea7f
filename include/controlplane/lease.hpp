// Named leases: at most one holder at a time, with a number that fences off every earlier one; and
// the election of a leader on top of them. A lease is a permit of a pool of capacity 1 that exists
// as long as somebody holds or awaits it.
// Thread safety: every method may be called from any thread.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled, and leases are
// not renewed any more.
// Errors: returned, never thrown.
// Blocking and completion forms: as in agent_registry.hpp.
//
// A holder must not trust its lease alone: its process may sleep longer than the time to live, and
// the next one hold the lease when it wakes up. What it writes to should refuse a fence below the
// highest one seen.
// Source: M. Kleppmann, "How to do distributed locking", 2016.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/agent_registry.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

class Coordinator;
class CoordinatorCore;

struct LeaseOptions {
  std::string owner;
  std::chrono::milliseconds ttl{30'000};
  std::chrono::milliseconds wait{0};
  TaskPriority priority = TaskPriority::normal;  // among those that wait
  bool auto_renew = true;                        // at a third of the ttl, off the caller's threads
  std::chrono::milliseconds max_hold{0};         // then it is not renewed any more; 0 = no bound
  // At most once, on the callback pool, and not after release() returned: somebody else may hold it
  // now, or could as soon as its time is over.
  std::function<void(const Error& why)> on_lost{};
};

// Held until it is released, destroyed, or lost. Move-only.
class NamedLease {
 public:
  NamedLease() = default;
  NamedLease(NamedLease&&) noexcept = default;
  NamedLease& operator=(NamedLease&& other) noexcept;
  ~NamedLease();  // releases it without waiting for the answer

  // By this process's clock, before anybody else could hold it; false once it was lost.
  bool held() const noexcept;
  std::uint64_t fence() const noexcept;  // 0: an empty handle
  const std::string& name() const noexcept;

  // For leases that do not renew themselves. not_found: it was lost.
  Result<void> renew();
  // not_found: it had been lost. Idempotent: a second call is OK.
  Result<void> release();

 private:
  friend class NamedLeases;
  class Keeper;
  explicit NamedLease(std::shared_ptr<Keeper> keeper) : keeper_(std::move(keeper)) {}
  std::shared_ptr<Keeper> keeper_;
};

struct LeaseHolder {
  std::string owner;
  std::uint64_t fence = 0;
  Timestamp expires_at = 0;
};

class NamedLeases {
 public:
  explicit NamedLeases(const Coordinator& plane);

  // resource_exhausted: held by another, and options.wait is 0. deadline_exceeded: not within it.
  Result<NamedLease> acquire(std::string_view name, const LeaseOptions& options);
  void acquire(std::string_view name, const LeaseOptions& options,
               std::function<void(Result<NamedLease>)> done);

  // not_found: nobody holds it.
  Result<LeaseHolder> holder(std::string_view name) const;
  void holder(std::string_view name, Done<LeaseHolder> done) const;

 private:
  friend class LeaderElection;
  std::shared_ptr<CoordinatorCore> core_;
};

struct ElectionOptions {
  std::string name;
  std::string candidate;
  std::chrono::milliseconds ttl{30'000};
  // On the callback pool, in order, one at a time. The epoch is higher than that of every earlier
  // leader: a fence.
  std::function<void(std::uint64_t epoch)> on_elected{};
  std::function<void(const Error& why)> on_lost{};
};

// Stands for election until it is stopped; who loses the lease stands again.
// Thread safety: stop(), is_leader() and epoch() from any thread.
// Lifetime: destroying it stops it. Its callbacks may not destroy it.
class LeaderElection {
 public:
  static Result<LeaderElection> start(const Coordinator& plane, ElectionOptions options);
  LeaderElection(LeaderElection&&) noexcept = default;
  LeaderElection& operator=(LeaderElection&& other) noexcept;
  ~LeaderElection();

  bool is_leader() const noexcept;
  std::uint64_t epoch() const noexcept;  // of its leadership; 0: it is not the leader
  // Resigns, so that the next one is elected at once. When it returns no callback runs any more
  // (unless it is called from one). Idempotent.
  void stop();

 private:
  class Campaign;
  explicit LeaderElection(std::shared_ptr<Campaign> campaign) : campaign_(std::move(campaign)) {}
  std::shared_ptr<Campaign> campaign_;
};

}  // namespace controlplane
