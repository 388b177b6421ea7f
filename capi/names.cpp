// Versions and names of numbers.
#include <string_view>

#include "capi/refusal.hpp"
#include "controlplane.h"
#include "controlplane/controlplane.hpp"

namespace controlplane::capi {
namespace {

// to_string of an enum whose last value is `last`; every text of it is a terminated literal.
template <class Enum>
const char* name_of(std::int32_t number, Enum last) {
  if (number < 0 || number > static_cast<std::int32_t>(last)) return "unknown";
  return to_string(static_cast<Enum>(number)).data();
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

const char* cp_version(void) { return CONTROLPLANE_VERSION; }
uint32_t cp_abi_version(void) { return CP_ABI_VERSION; }
uint32_t cp_abi_revision(void) { return CP_ABI_REVISION; }

const char* cp_status_name(int32_t status) {
  if (status < CP_OK) return "unknown";
  return status == CP_OK ? "ok" : name_of(status - 1, ErrorCode::internal);
}
const char* cp_priority_name(int32_t priority) { return name_of(priority, TaskPriority::low); }
const char* cp_task_state_name(int32_t state) { return name_of(state, TaskState::timeout); }
const char* cp_reason_name(int32_t reason) { return name_of(reason, TaskReason::total); }
const char* cp_agent_status_name(int32_t status) { return name_of(status, AgentStatus::failed); }
const char* cp_health_name(int32_t health) { return name_of(health, HealthStatus::unknown); }
const char* cp_breaker_name(int32_t breaker) { return name_of(breaker, BreakerState::half_open); }
const char* cp_log_level_name(int32_t level) { return name_of(level, LogLevel::off); }
const char* cp_pool_kind_name(int32_t kind) { return name_of(kind, PoolKind::budget); }
