// What the handle of a subscription stands for, and how one is given out.
// Thread safety: as the subscription's.
// Errors: statuses.
#pragma once

#include <utility>

#include "capi/plane.hpp"

namespace controlplane::capi {

struct SubscriptionHolder {
  Subscription subscription;
};
template <>
struct KindOf<SubscriptionHolder> {
  static constexpr Kind value = Kind::subscription;
};

// subscribe(plane) for a handle.
template <class Subscribe>
std::int32_t give_subscription(cp_subscription** out, cp_coordinator* coordinator,
                               const void* callback, Subscribe&& subscribe) noexcept {
  return call_for(
      out, coordinator,
      [&](Plane& plane) {
        if (callback == nullptr) refuse("callback is NULL");
        return subscribe(plane.coordinator);
      },
      [](Subscription&& subscription) {
        return give_out<cp_subscription>(new SubscriptionHolder{std::move(subscription)});
      });
}

}  // namespace controlplane::capi
