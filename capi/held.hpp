// Calls in the object behind a handle that is no coordinator.
// Thread safety: the object's.
// Errors: statuses.
#pragma once

#include <cstdint>
#include <utility>

#include "capi/handles.hpp"
#include "capi/input.hpp"
#include "capi/refusal.hpp"
#include "controlplane.h"
#include "controlplane/result.hpp"

namespace controlplane::capi {

// body(object) for a handle.
template <class Holder, class Body>
std::int32_t with(const void* handle, Body&& body) noexcept {
  return guard([&]() -> std::int32_t {
    const Held<Holder> held(handle);
    const Result<void> done = body(*held);
    return done ? CP_OK : fail(done.error());
  });
}

// What ask(object) answers.
template <class Holder, class Out, class Ask>
std::int32_t ask(Out* out, const void* handle, Ask&& ask) noexcept {
  return with<Holder>(handle, [&](Holder& held) {
    require(out, "out");
    *out = ask(held);
    return Result<void>();
  });
}

}  // namespace controlplane::capi
