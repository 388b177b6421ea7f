#include "coordinator/claim_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/wording.hpp"
#include "coordinator/orphan.hpp"
#include "engine/mailbox_name.hpp"

namespace controlplane {
namespace {

std::vector<std::string> sorted_unique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::chrono::steady_clock::time_point steady_time(std::int64_t us) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(us));
}

double load_of(const Agent& agent) {
  const double slots = agent.max_concurrency == 0 ? 1e6 : agent.max_concurrency;
  return agent.running / slots;
}

}  // namespace

// --- Waiting ---

Result<ClaimedTasks> ClaimDesk::wait(const ClaimRequest& request) {
  if (calls_.pumped()) {
    return Error::failed_precondition(
        "would block: this coordinator is pumped, claim with a "
        "completion or without wait");
  }
  const Claim claim = make(request);
  claim->blocking = true;
  begin(claim);
  if (!claim->parker.wait_until(steady_time(claim->deadline_us))) {
    expire(*claim);
    claim->parker.wait();
  }
  return std::move(claim->answer);
}

void ClaimDesk::wait(ClaimRequest request, Done<ClaimedTasks> done) {
  const Claim claim = make(std::move(request));
  claim->done = std::move(done);
  claim->timed = true;
  begin(claim);
}

ClaimDesk::Claim ClaimDesk::make(ClaimRequest request) {
  auto claim = std::make_shared<ParkedClaim>();
  claim->agent = request.agent_id;
  claim->mailbox = is_mailbox(request.agent_id);
  claim->deadline_us = calls_.now_us() + std::chrono::microseconds(request.wait).count();
  claim->request = std::move(request);
  return claim;
}

void ClaimDesk::begin(const Claim& claim) {
  bool by_load;
  {
    std::lock_guard lock(mutex_);
    by_load = strategy_ == SelectionStrategy::least_loaded;
  }
  if (claim->mailbox) return park(claim, {}, 0);
  if (!claim->request.capabilities.empty() && !by_load) {
    return park(claim, sorted_unique(claim->request.capabilities), 0);
  }
  calls_.perform(GetAgentCall(claim->agent), [this, claim](Result<Agent> agent) {
    if (!agent && agent.error().code != ErrorCode::not_found) {
      return fail(claim, std::move(agent.error()));
    }
    auto offer = claim->request.capabilities;
    if (offer.empty() && agent) offer = agent->capabilities;
    park(claim, sorted_unique(std::move(offer)), agent ? load_of(*agent) : 0);
  });
}

void ClaimDesk::park(const Claim& claim, std::vector<std::string> offer, double load) {
  bool watch = false;
  {
    std::unique_lock lock(mutex_);
    if (closed_) return lock.unlock(), fail(claim, StoreCalls::closed_error());
    if (lot_.size() >= options_.max_waiting) {
      lock.unlock();
      return fail(claim, Error::resource_exhausted(fmt::format(
                             "{} claims are waiting; the limit max_waiting_claims is {}",
                             grouped(lot_.size()), grouped(options_.max_waiting))));
    }
    claim->offer = std::move(offer);
    claim->load = load;
    claim->self = claim;
    occupied_.store(true, std::memory_order_relaxed);
    lot_.add(*claim, calls_.entropy().next());
    lot_.take(*claim);  // nobody picks it before it has claimed once more
    watch = !watching_;
    arm_timer();
  }
  if (!watch) return run({claim});
  calls_.perform(WatchCall(+1), [this, claim](Result<void> answer) { watched(claim, answer); });
}

// Whoever parks while another one's Watch is on its way asks for one of its own: they are counted.
void ClaimDesk::watched(const Claim& claim, const Result<void>& answer) {
  After after;
  {
    std::lock_guard lock(mutex_);
    if (answer) {
      ++watches_;
      watching_ = lot_.size() > 0;
      if (!watching_) after.unwatch = std::exchange(watches_, 0);
    } else if (!claim->over) {
      finish(*claim, answer.error(), after);
    }
  }
  if (answer) after.items.emplace_back(claim);
  carry_out(std::move(after));
}

void ClaimDesk::expire(ParkedClaim& claim) {
  After after;
  {
    std::lock_guard lock(mutex_);
    if (claim.over) return;
    claim.late = true;
    const bool busy = claim.state == LotEntry::State::busy;
    const bool outside = claim.state == LotEntry::State::outside;  // not yet parked
    if (!busy && !outside) finish(claim, ClaimedTasks{}, after);
  }
  carry_out(std::move(after));
}

// Before it was parked.
void ClaimDesk::fail(const Claim& claim, Error error) {
  claim->answer = std::move(error);
  {
    std::lock_guard lock(mutex_);
    claim->over = true;
  }
  carry_out({{}, {claim}, 0});
}

void ClaimDesk::arm_timer() {
  const std::int64_t next = lot_.next_deadline();
  if (closed_ || next >= timer_at_) return;
  if (timer_ != 0) calls_.loop().cancel(timer_);
  timer_at_ = next;
  timer_ = calls_.loop().schedule(next, [this] { on_timer(); });
}

void ClaimDesk::on_timer() {
  After after;
  {
    std::lock_guard lock(mutex_);
    timer_at_ = kNoDeadline;
    timer_ = 0;
    for (LotEntry* entry : lot_.take_expired(calls_.now_us())) {
      auto& claim = static_cast<ParkedClaim&>(*entry);
      claim.late = true;
      if (claim.state != LotEntry::State::busy) finish(claim, ClaimedTasks{}, after);
    }
    arm_timer();
  }
  carry_out(std::move(after));
}

void ClaimDesk::set_strategy(SelectionStrategy strategy) {
  std::lock_guard lock(mutex_);
  strategy_ = strategy;
  lot_.set_strategy(strategy);
}

std::size_t ClaimDesk::waiting() const {
  std::lock_guard lock(mutex_);
  return lot_.size();
}

void ClaimDesk::close() {
  After after;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (LotEntry* entry : lot_.all()) {
      finish(static_cast<ParkedClaim&>(*entry),
             Error::cancelled("the coordinator closed while the claim waited"), after);
    }
    after.items.clear();
  }
  carry_out(std::move(after));
}

}  // namespace controlplane
