// What the synchronous health getters answer from. A store that answers at once is simply asked.
// For one that cannot, copies are kept of what was asked for lately and fetched anew twice a
// second, so that an answer is at most 1 s old and nobody blocks; the first question about
// something starts that and is answered `unavailable`.
// Thread safety: every method may be called from any thread.
// Lifetime: the calls outlive it; it must outlive its loop's run.
// Errors: not_found, or unavailable: there is no copy that is young enough.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/agent.hpp"
#include "controlplane/stats.hpp"
#include "coordinator/store_calls.hpp"

namespace controlplane {

class HealthCopy {
 public:
  explicit HealthCopy(StoreCalls& calls) : calls_(calls) {}

  Result<AgentHealth> agent(std::string_view agent_id);
  Result<HealthStats> totals();

 private:
  template <class Value>
  struct Copy {
    std::optional<Result<Value>> value;
    std::int64_t taken_us = 0;
    std::int64_t asked_us = 0;
    bool fetching = false;
  };

  Result<AgentHealth> from_copy(const std::string& agent_id);
  void fetch_agent(const std::string& agent_id);
  void fetch_totals();
  void arm_timer();  // under the lock
  void on_timer();

  StoreCalls& calls_;
  std::mutex mutex_;
  std::map<std::string, Copy<AgentHealth>, std::less<>> agents_;  // guarded, as below
  Copy<HealthStats> totals_;
  bool timer_set_ = false;
};

}  // namespace controlplane
