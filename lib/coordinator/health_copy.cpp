#include "coordinator/health_copy.hpp"

#include <utility>
#include <vector>

#include "coordinator/agent_calls.hpp"

namespace controlplane {
namespace {

constexpr std::int64_t kOldestUs = 1'000'000;
constexpr std::int64_t kRefreshUs = 500'000;
constexpr std::int64_t kForgetUs = 60'000'000;  // not asked for this long
constexpr std::size_t kMaxCopies = 4'096;

Error no_copy() { return Error::unavailable("no health copy of the last second yet; ask again"); }

// A GetAgent that answers with the health.
struct AgentHealthCall {
  using Answer = AgentHealth;
  explicit AgentHealthCall(std::string_view id) : agent_id(id) {}
  NameArgument agent_id;
  GetAgent op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    return op;
  }
  void keep(CallNames&) { agent_id.keep(); }
  AgentHealth answer() { return std::move(*op.health); }
};

}  // namespace

Result<AgentHealth> HealthCopy::agent(std::string_view agent_id) {
  AgentHealthCall call(agent_id);
  if (!calls_.apply_now(call.bind())) return from_copy(std::string(agent_id));
  if (call.op.failed) return std::move(*call.op.failed);
  return call.answer();
}

Result<AgentHealth> HealthCopy::from_copy(const std::string& agent_id) {
  const std::int64_t now = calls_.now_us();
  std::unique_lock lock(mutex_);
  auto place = agents_.find(agent_id);
  if (place == agents_.end()) {
    if (agents_.size() >= kMaxCopies) return no_copy();
    agents_[agent_id].asked_us = now;
    lock.unlock();
    fetch_agent(agent_id);
    return no_copy();
  }
  Copy<AgentHealth>& copy = place->second;
  copy.asked_us = now;
  if (!copy.value || now - copy.taken_us > kOldestUs) return no_copy();
  Result<AgentHealth> answer = *copy.value;
  if (answer) answer->age = std::chrono::milliseconds((now - copy.taken_us) / 1'000);
  return answer;
}

Result<HealthStats> HealthCopy::totals() {
  HealthCall call(0);
  if (calls_.apply_now(call.bind())) {
    if (call.op.failed) return std::move(*call.op.failed);
    return call.op.totals;
  }
  const std::int64_t now = calls_.now_us();
  std::unique_lock lock(mutex_);
  const bool first = totals_.asked_us == 0;
  totals_.asked_us = now;
  if (!first && totals_.value && now - totals_.taken_us <= kOldestUs) return *totals_.value;
  lock.unlock();
  if (first) fetch_totals();
  return no_copy();
}

void HealthCopy::fetch_agent(const std::string& agent_id) {
  calls_.perform(AgentHealthCall(agent_id), [this, agent_id](Result<AgentHealth> health) {
    std::lock_guard lock(mutex_);
    Copy<AgentHealth>& copy = agents_[agent_id];
    copy.fetching = false;
    if (health || health.error().code == ErrorCode::not_found) {
      copy.value = std::move(health);
      copy.taken_us = calls_.now_us();
    }
    arm_timer();
  });
}

void HealthCopy::fetch_totals() {
  calls_.perform(HealthCall(0), [this](Result<HealthCall::Answer> health) {
    std::lock_guard lock(mutex_);
    totals_.fetching = false;
    if (health) {
      totals_.value = health->totals;
      totals_.taken_us = calls_.now_us();
    }
    arm_timer();
  });
}

void HealthCopy::arm_timer() {
  if (timer_set_) return;
  timer_set_ = calls_.loop().schedule(calls_.now_us() + kRefreshUs, [this] { on_timer(); }) != 0;
}

// Ends by itself: what nobody asks for any more is forgotten.
void HealthCopy::on_timer() {
  std::vector<std::string> wanted;
  bool totals = false;
  {
    std::lock_guard lock(mutex_);
    timer_set_ = false;
    const std::int64_t forget = calls_.now_us() - kForgetUs;
    std::erase_if(agents_, [&](const auto& entry) {
      return entry.second.asked_us < forget && !entry.second.fetching;
    });
    for (auto& [id, copy] : agents_) {
      if (!std::exchange(copy.fetching, true)) wanted.push_back(id);
    }
    totals = totals_.asked_us >= forget && totals_.asked_us != 0;
    if (totals) totals = !std::exchange(totals_.fetching, true);
    if (!totals && totals_.asked_us < forget) totals_.asked_us = 0;
  }
  for (const std::string& id : wanted) fetch_agent(id);
  if (totals) fetch_totals();
}

}  // namespace controlplane
