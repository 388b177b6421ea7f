// The on_… callbacks of the public API as event subscriptions.
// Thread safety: the handlers they make run on the callback pool, one batch at a time.
// Lifetime: the handlers own what they call.
// Errors: what a user's callback throws ends its batch early and is reported by the pool; so each
// event is given to it on its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controlplane/event.hpp"
#include "controlplane/task_scheduler.hpp"
#include "coordinator/coordinator_log.hpp"

namespace controlplane {

// Hears how many events a callback was too slow for.
using MissedHook = std::function<void(std::uint64_t missed)>;

// Warns in the log.
MissedHook missed_hook(std::shared_ptr<CoordinatorLog> log, std::string callback);

// `max_buffer`: Limits::max_subscription_buffer.
SubscribeOptions task_failure_events(std::size_t max_buffer);
EventHandler task_failure_handler(std::function<void(const TaskFailure&)> handler, MissedHook hook);

SubscribeOptions agent_unhealthy_events(std::size_t max_buffer);
EventHandler agent_unhealthy_handler(std::function<void(const std::string&)> handler,
                                     MissedHook hook);

}  // namespace controlplane
