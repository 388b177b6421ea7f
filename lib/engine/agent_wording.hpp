// What the agent table's errors say.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/agent_record.hpp"

namespace controlplane {

std::string utc_text(Timestamp time);  // 2026-11-21T00:33:10Z

Error superseded_error(const AgentRecord& by);
Error refused_error(const AgentRecord& agent, Refusal refusal);
Error removed_error(std::string_view agent_id);
Error not_registered_error(std::string_view agent_id);
Error nobody_error(const SelectRequest& request);
// `what` names the field: "status", "health".
Error unreportable_error(std::string_view agent_id, std::string_view what, std::string_view value,
                         std::string_view allowed);

}  // namespace controlplane
