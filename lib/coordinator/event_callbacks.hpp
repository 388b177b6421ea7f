// The on_… callbacks of the public API as event subscriptions.
// Thread safety: the handlers they make run on the callback pool, one batch at a time.
// Lifetime: the handlers own what they call.
// Errors: what a user's callback throws ends its batch early and is reported by the pool; so each
// event is given to it on its own.
#pragma once

#include <functional>
#include <string>

#include "controlplane/event.hpp"
#include "controlplane/task_scheduler.hpp"

namespace controlplane {

SubscribeOptions task_failure_events();
EventHandler task_failure_handler(std::function<void(const TaskFailure&)> handler);

SubscribeOptions agent_unhealthy_events();
EventHandler agent_unhealthy_handler(std::function<void(const std::string&)> handler);

}  // namespace controlplane
