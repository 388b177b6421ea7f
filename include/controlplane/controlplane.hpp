// Everything a C++ host needs; see coordinator.hpp first.
#pragma once

#include "controlplane/agent.hpp"
#include "controlplane/agent_registry.hpp"
#include "controlplane/config.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/document.hpp"
#include "controlplane/event.hpp"
#include "controlplane/health_monitor.hpp"
#include "controlplane/json.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/log.hpp"
#include "controlplane/result.hpp"
#include "controlplane/shared_state.hpp"
#include "controlplane/stats.hpp"
#include "controlplane/task.hpp"
#include "controlplane/task_scheduler.hpp"
#include "controlplane/worker.hpp"
