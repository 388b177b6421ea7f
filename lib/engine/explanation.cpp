// The sentence that tells why a task is not running.
#include <algorithm>

#include <fmt/format.h>

#include "controlplane/task.hpp"

namespace controlplane {
namespace {

// Coarse on purpose: for people.
std::string duration(Timestamp us) {
  const std::int64_t s = us / 1'000'000;
  if (s == 0) return fmt::format("{} ms", us / 1'000);
  if (s < 120) return fmt::format("{} s", s);
  return s < 7'200 ? fmt::format("{} min", s / 60) : fmt::format("{} h", s / 3'600);
}

// " for 12 s": what is left if the end is known, else how long it has been; "" if neither is.
std::string for_time(const Obstacle& obstacle, Timestamp now) {
  if (obstacle.until > now) return fmt::format(" for {} more", duration(obstacle.until - now));
  if (obstacle.until == 0 && obstacle.since > 0 && now > obstacle.since) {
    return fmt::format(" for {}", duration(now - obstacle.since));
  }
  return {};
}

bool is_about_agent(ObstacleKind kind) {
  return kind >= ObstacleKind::agent_offline && kind <= ObstacleKind::agent_excluded;
}

std::string sentence(const Obstacle& obstacle, Timestamp now) {
  const std::string& subject = obstacle.subject;
  const std::string time = for_time(obstacle, now);
  switch (obstacle.kind) {
    case ObstacleKind::no_agent_offers: return "no agent offers " + subject;
    case ObstacleKind::agent_offline: return subject + " is offline" + time;
    case ObstacleKind::agent_draining: return subject + " is draining" + time;
    case ObstacleKind::agent_failed: return subject + " is failed" + time;
    case ObstacleKind::agent_breaker_open: return subject + " has its circuit open" + time;
    case ObstacleKind::agent_full: return subject + " has no free slot";
    case ObstacleKind::agent_excluded: return subject + " is excluded";
    case ObstacleKind::agent_not_registered:
      return fmt::format("it is directed to {}, which is not registered", subject);
    case ObstacleKind::blocked_by: return "it waits for " + subject;
    case ObstacleKind::delayed: return "it is delayed" + time;
    case ObstacleKind::backing_off: return "it backs off" + time;
    case ObstacleKind::concurrency_key_full:
      return fmt::format("concurrency key {} is full", subject);
    case ObstacleKind::held: return fmt::format("{} holds it{}", subject, time);
    case ObstacleKind::ended: return "it has ended";
    case ObstacleKind::pool_short: return fmt::format("pool {} has too little{}", subject, time);
    case ObstacleKind::waiting_for_claim:
      return subject.empty() ? "nobody has claimed it" : subject + " could claim it";
  }
  return "unknown";
}

std::string head(const Explanation& e) {
  const std::string text(to_string(e.state));
  const bool ended = is_terminal(e.state) && e.reason != TaskReason::none;
  return ended ? fmt::format("{} ({})", text, to_string(e.reason)) : text;
}

bool names_what_nobody_offers(const Explanation& e) {
  const auto tells = [](const Obstacle& o) { return o.kind == ObstacleKind::no_agent_offers; };
  return std::any_of(e.obstacles.begin(), e.obstacles.end(), tells);
}

// "needs {code, gpu}; 2 agents offer it"
std::string demand(const Explanation& e) {
  const bool many = e.agents_offering > 1;
  const std::string count = e.agents_offering == 0 ? "no agent"
                            : many ? fmt::format("{} agents", e.agents_offering)
                                   : "1 agent";
  if (e.required_capabilities.empty()) {
    return fmt::format("needs no capability; {} {} registered", count, many ? "are" : "is");
  }
  const auto need = fmt::format("needs {{{}}}", fmt::join(e.required_capabilities, ", "));
  if (names_what_nobody_offers(e)) return need;
  return fmt::format("{}; {} offer{} it", need, count, many ? "" : "s");
}

}  // namespace

std::string Explanation::to_string() const {
  std::string agents;
  std::string others;
  for (const Obstacle& obstacle : obstacles) {
    const bool about_agent = is_about_agent(obstacle.kind);
    std::string& list = about_agent ? agents : others;
    if (about_agent) list += list.empty() ? ": " : ", ";
    else if (!list.empty() || state == TaskState::pending) list += "; ";
    list += sentence(obstacle, now);
  }
  const std::string start = head(*this) + ": ";
  if (state == TaskState::pending) return start + demand(*this) + agents + others;
  return others.empty() ? head(*this) : start + others;
}

}  // namespace controlplane
