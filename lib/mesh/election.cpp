#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

#include "base/deadline.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/lease.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/validation.hpp"
#include "runtime/strand.hpp"

namespace controlplane {

// One candidate: waits for the lease, holds it, and waits again when it was lost.
class LeaderElection::Campaign : public std::enable_shared_from_this<LeaderElection::Campaign> {
 public:
  Campaign(NamedLeases leases, std::shared_ptr<CoordinatorCore> core, ElectionOptions options)
      : core_(std::move(core)),
        leases_(std::move(leases)),
        options_(std::move(options)),
        strand_(core_->pool().make_strand()) {}

  void stand();
  void stop();
  std::uint64_t epoch() const {
    const std::lock_guard lock(mutex_);
    return lease_.held() ? lease_.fence() : 0;
  }

 private:
  // How long one acquire waits: the line of a process that died is free again after that.
  static constexpr std::chrono::milliseconds kWait{60'000};
  static constexpr std::int64_t kPauseUs = 1'000'000;  // after an error

  void answered(Result<NamedLease> lease);
  void lost(const Error& why);
  void tell(Work callback) { strand_->submit(std::move(callback)); }

  const std::shared_ptr<CoordinatorCore> core_;
  NamedLeases leases_;
  const ElectionOptions options_;
  const std::shared_ptr<Strand> strand_;
  mutable std::mutex mutex_;
  bool stopped_ = false;  // guarded, as the next
  NamedLease lease_;
};

void LeaderElection::Campaign::stand() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
  LeaseOptions lease;
  lease.owner = options_.candidate;
  lease.ttl = options_.ttl;
  lease.wait = kWait;
  lease.on_lost = [weak = weak_from_this()](const Error& why) {
    if (const auto self = weak.lock()) self->lost(why);
  };
  leases_.acquire(options_.name, lease, [weak = weak_from_this()](Result<NamedLease> answer) {
    if (const auto self = weak.lock()) self->answered(std::move(answer));
  });
}

// A lease that comes after the end goes back by itself.
void LeaderElection::Campaign::answered(Result<NamedLease> lease) {
  if (!lease) {
    if (lease.error().code == ErrorCode::cancelled) return;
    if (lease.error().code == ErrorCode::deadline_exceeded) return stand();
    core_->loop().schedule(core_->calls().now_us() + kPauseUs, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->stand();
    });
    return;
  }
  const std::uint64_t epoch = lease->fence();
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    lease_ = *std::move(lease);
    if (options_.on_elected) tell([call = options_.on_elected, epoch] { call(epoch); });
  }
}

void LeaderElection::Campaign::lost(const Error& why) {
  if (options_.on_lost) tell([call = options_.on_lost, why] { call(why); });
  stand();
}

void LeaderElection::Campaign::stop() {
  NamedLease mine;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    mine = std::move(lease_);
  }
  strand_->close_and_wait();
}

Result<LeaderElection> LeaderElection::start(const Coordinator& plane, ElectionOptions options) {
  NamedLeases leases(plane);
  const std::shared_ptr<CoordinatorCore> core = leases.core_;
  if (auto refused = core->refuse(Entry::any)) return std::move(*refused);
  Checks checks(core->limits());
  checks.name("name", options.name).name("candidate", options.candidate);
  check_ttl(checks, options.ttl);
  if (!checks.ok()) return checks.take();
  auto campaign = std::make_shared<Campaign>(std::move(leases), core, std::move(options));
  campaign->stand();
  return LeaderElection(std::move(campaign));
}

LeaderElection& LeaderElection::operator=(LeaderElection&& other) noexcept {
  if (campaign_ && campaign_ != other.campaign_) campaign_->stop();
  campaign_ = std::move(other.campaign_);
  return *this;
}
LeaderElection::~LeaderElection() {
  if (campaign_) campaign_->stop();
}
bool LeaderElection::is_leader() const noexcept { return epoch() != 0; }
std::uint64_t LeaderElection::epoch() const noexcept { return campaign_ ? campaign_->epoch() : 0; }
void LeaderElection::stop() {
  if (campaign_) campaign_->stop();
}

}  // namespace controlplane
