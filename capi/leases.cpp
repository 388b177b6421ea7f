// Named leases, and elections on top of them.
#include "capi/defaults.hpp"
#include "capi/held.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "controlplane/lease.hpp"

namespace controlplane::capi {

struct NamedLeaseHolder {
  NamedLease lease;
};
template <>
struct KindOf<NamedLeaseHolder> {
  static constexpr Kind value = Kind::lease;
};

struct ElectionHolder {
  LeaderElection election;
};
template <>
struct KindOf<ElectionHolder> {
  static constexpr Kind value = Kind::election;
};

namespace {

auto acquire(const char* name, const cp_lease_options* options) {
  return [=](Plane& plane, auto... done) {
    return NamedLeases(plane.coordinator)
        .acquire(view(name), options_of(options, plane.limits()), std::move(done)...);
  };
}
auto get_holder(const char* name) {
  return [=](Plane& plane, auto... done) {
    return NamedLeases(plane.coordinator).holder(view(name), std::move(done)...);
  };
}

const auto give_lease = [](NamedLease&& lease) {
  return give_out<cp_named_lease>(new NamedLeaseHolder{std::move(lease)});
};

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_lease_acquire(cp_named_lease** out, cp_coordinator* coordinator, const char* name,
                         const cp_lease_options* options) {
  return call_for(out, coordinator, acquire(name, options), give_lease);
}
int32_t cp_lease_acquire_async(cp_coordinator* coordinator, const char* name,
                               const cp_lease_options* options, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LEASE_ACQUIRE, acquire(name, options),
               [](CompletionBox& box, NamedLease&& lease) {
                 box.named_lease = give_lease(std::move(lease));
               });
}

int32_t cp_lease_holder_get(cp_lease_holder** out, cp_coordinator* coordinator, const char* name) {
  return call_for(out, coordinator, get_holder(name), give<LeaseHolderView>);
}
int32_t cp_lease_holder_get_async(cp_coordinator* coordinator, const char* name, cp_queue* queue,
                                  void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_LEASE_HOLDER_GET, get_holder(name),
               into<LeaseHolderView>(&cp_completion::lease_holder));
}

int32_t cp_lease_held(int32_t* out, cp_named_lease* lease) {
  return ask<NamedLeaseHolder>(
      out, lease, [](const NamedLeaseHolder& held) { return held.lease.held() ? 1 : 0; });
}

int32_t cp_lease_fence(uint64_t* out, cp_named_lease* lease) {
  return ask<NamedLeaseHolder>(out, lease,
                               [](const NamedLeaseHolder& held) { return held.lease.fence(); });
}

int32_t cp_lease_renew(cp_named_lease* lease) {
  return with<NamedLeaseHolder>(lease, [](NamedLeaseHolder& held) { return held.lease.renew(); });
}

int32_t cp_lease_release(cp_named_lease* lease) {
  return with<NamedLeaseHolder>(lease, [](NamedLeaseHolder& held) { return held.lease.release(); });
}

// Released here, not by the last call that leaves: that it was lost is not told after this.
int32_t cp_lease_close(cp_named_lease* lease) {
  return guard([&] {
    if (lease == nullptr) return CP_OK;
    const Closing<NamedLeaseHolder> closing(lease);
    (void)closing->lease.release();
    return CP_OK;
  });
}

int32_t cp_election_start(cp_election** out, cp_coordinator* coordinator,
                          const cp_election_options* options) {
  return call_for(
      out, coordinator,
      [&](Plane& plane) { return LeaderElection::start(plane.coordinator, options_of(options)); },
      [](LeaderElection&& election) {
        return give_out<cp_election>(new ElectionHolder{std::move(election)});
      });
}

int32_t cp_election_is_leader(int32_t* out, cp_election* election) {
  return ask<ElectionHolder>(
      out, election, [](const ElectionHolder& held) { return held.election.is_leader() ? 1 : 0; });
}

int32_t cp_election_epoch(uint64_t* out, cp_election* election) {
  return ask<ElectionHolder>(out, election,
                             [](const ElectionHolder& held) { return held.election.epoch(); });
}

int32_t cp_election_close(cp_election* election) {
  return guard([&] {
    if (election == nullptr) return CP_OK;
    const Closing<ElectionHolder> closing(election);
    closing->election.stop();
    return CP_OK;
  });
}
