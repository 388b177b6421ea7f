// Asks once whether something in the network works: does it accept a connection, does it answer a
// GET with 2xx. Asynchronous on the loop; names are resolved on the callback pool, because the
// system's resolver blocks and cannot be interrupted.
// Thread safety: may be called from any thread.
// Lifetime: a probe owns itself until it is done. When the loop stops first, `done` is destroyed
// without being called. The pool object outlives the loop; stopped earlier, nothing is resolved.
// Errors: given to `done` as a text that says what went wrong and at which step. False = the
// loop has stopped; `done` was destroyed.
//
// The timeout covers everything, from the name to the last header, by the loop's clock.
// HTTP: one request, "Connection: close", no redirects (a 3xx is a failure that names its code), at
// most 8 KiB of headers. The body is not read: the status is the answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/address.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/loop.hpp"
#include "runtime/unique_function.hpp"

namespace controlplane {

// not_asked: it is our own pool that has no thread for the resolution, or none in time, which says
// nothing about the target.
enum class ProbeOutcome : std::uint8_t { good, failed, not_asked };

// Called once, on the loop. `error` is empty when good.
using ProbeDone = UniqueFunction<void(ProbeOutcome outcome, std::string error)>;

bool start_tcp_probe(Loop& loop, CallbackPool& resolver, const HostPort& address,
                     std::chrono::milliseconds timeout, ProbeDone done);
bool start_http_probe(Loop& loop, CallbackPool& resolver, const HttpUrl& url,
                      std::chrono::milliseconds timeout, ProbeDone done);

}  // namespace controlplane
