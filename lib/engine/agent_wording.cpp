#include "engine/agent_wording.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/wording.hpp"

namespace controlplane {
namespace {

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{{{}}}", fmt::join(names, ", "));
}

std::string breaker_text(const AgentRecord& agent) {
  const CircuitBreaker& breaker = agent.breaker;
  if (breaker.state() == BreakerState::half_open) {
    return fmt::format("agent {}: circuit breaker half open since {}: its trial task is running",
                       agent.agent_id, utc_text(breaker.since()));
  }
  return fmt::format("agent {}: circuit breaker open since {}, until {}", agent.agent_id,
                     utc_text(breaker.since()), utc_text(breaker.until()));
}

std::string refused_text(const AgentRecord& agent, Refusal refusal) {
  const std::string since = utc_text(agent.status_since);
  switch (refusal) {
    case Refusal::none: break;
    case Refusal::draining:
      return fmt::format("agent {} is draining since {}", agent.agent_id, since);
    case Refusal::failed:
      return fmt::format("agent {} failed its health check, since {}: {}", agent.agent_id, since,
                         quote(agent.probe_error));
    case Refusal::offline:
      return fmt::format("agent {} is offline since {}", agent.agent_id, since);
    case Refusal::breaker: return breaker_text(agent);
    case Refusal::full:
      return fmt::format("agent {}: no free slot since {}: {} running, max_concurrency is {}",
                         agent.agent_id, since, agent.running, agent.max_concurrency);
  }
  return fmt::format("agent {} is not refused", agent.agent_id);
}

}  // namespace

std::string utc_text(Timestamp time) {
  using namespace std::chrono;
  const sys_time<microseconds> point{microseconds(time)};
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

Error superseded_error(const AgentRecord& by) {
  return Error::failed_precondition(fmt::format("agent {} was registered again by {} at {}",
                                                by.agent_id, by.registered_by.text(),
                                                utc_text(by.registered_at)));
}

Error refused_error(const AgentRecord& agent, Refusal refusal) {
  return Error::failed_precondition(refused_text(agent, refusal));
}

Error removed_error(std::string_view agent_id) {
  return Error::failed_precondition(fmt::format("agent {} was unregistered", agent_id));
}

Error not_registered_error(std::string_view agent_id) {
  return Error::not_found(fmt::format("agent {} is not registered", agent_id));
}

Error nobody_error(const SelectRequest& request) {
  const std::string offers = request.capabilities.empty()
                                 ? std::string("no agent is available")
                                 : "no available agent offers " + joined(request.capabilities);
  const std::string except = request.exclude.empty() ? "" : ", except " + joined(request.exclude);
  return Error::not_found(offers + except);
}

Error unreportable_error(std::string_view agent_id, std::string_view what, std::string_view value,
                         std::string_view allowed) {
  return Error::invalid_argument(
      fmt::format("agent {}: {} {} cannot be reported; only {}", agent_id, what, value, allowed));
}

}  // namespace controlplane
