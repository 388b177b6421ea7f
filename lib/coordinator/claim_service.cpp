// The other half of ClaimDesk: what happens when tasks become ready.
#include <deque>

#include "coordinator/claim_desk.hpp"
#include "coordinator/orphan.hpp"

namespace controlplane {

// A claim may have signals of its own, and their claims again; they queue up here instead of
// growing the stack.
struct ClaimDesk::Frame {
  const ClaimDesk* desk;
  std::deque<Item> items;
  Frame* outer;
  static inline thread_local Frame* current = nullptr;
};

void ClaimDesk::run(std::vector<Item> items) {
  if (items.empty()) return;
  for (Frame* frame = Frame::current; frame != nullptr; frame = frame->outer) {
    if (frame->desk != this) continue;
    for (Item& item : items) frame->items.push_back(std::move(item));
    return;
  }
  Frame frame{this, {}, Frame::current};
  for (Item& item : items) frame.items.push_back(std::move(item));
  Frame::current = &frame;
  while (!frame.items.empty()) {
    const Item item = std::move(frame.items.front());
    frame.items.pop_front();
    if (const Unit* unit = std::get_if<Unit>(&item)) {
      serve(*unit);
    } else {
      claim_for(std::get<Claim>(item));
    }
  }
  Frame::current = frame.outer;
}

void ClaimDesk::on_ready(std::vector<std::pair<Queue, std::uint32_t>> ready) {
  std::vector<Item> items;
  {
    std::lock_guard lock(mutex_);
    if (lot_.size() == 0) return;
    for (auto& [queue, count] : ready) items.emplace_back(Unit{std::move(queue), count});
  }
  run(std::move(items));
}

void ClaimDesk::on_eligible(std::string_view agent) {
  Claim first;
  {
    std::lock_guard lock(mutex_);
    LotEntry* entry = lot_.wake_agent(agent);
    if (entry == nullptr) return;
    first = static_cast<ParkedClaim*>(entry)->shared_from_this();
    first->chain = true;
  }
  run({first});
}

// Dormant ones learn what they offer when they claim again.
void ClaimDesk::on_offers(std::string_view agent) {
  std::vector<Item> items;
  {
    std::lock_guard lock(mutex_);
    for (LotEntry* entry : lot_.entries_of(agent)) {
      auto& claim = static_cast<ParkedClaim&>(*entry);
      if (!claim.request.capabilities.empty()) continue;
      if (claim.state == LotEntry::State::busy) claim.again = true;
      if (claim.state != LotEntry::State::waiting) continue;
      lot_.take(claim);
      items.emplace_back(claim.shared_from_this());
    }
  }
  run(std::move(items));
}

void ClaimDesk::on_ended(std::string_view agent, const Error& error) {
  After after;
  {
    std::lock_guard lock(mutex_);
    for (LotEntry* entry : lot_.entries_of(agent)) {
      auto& claim = static_cast<ParkedClaim&>(*entry);
      if (claim.state == LotEntry::State::busy) {
        claim.ending = error;
      } else {
        finish(claim, error, after);
      }
    }
  }
  carry_out(std::move(after));
}

void ClaimDesk::serve(const Unit& unit) {
  std::uint32_t left = unit.count;
  while (left > 0 && serve_one(unit.queue, left)) {
  }
}

// Has one waiter claim; false: nobody else could, or there is nothing left in the queue.
bool ClaimDesk::serve_one(const Queue& queue, std::uint32_t& left) {
  Claim claim;
  {
    std::lock_guard lock(mutex_);
    LotEntry* entry = lot_.pick(*queue);
    if (entry == nullptr) {
      lot_.leave_note(queue, left);
      return false;
    }
    claim = static_cast<ParkedClaim*>(entry)->shared_from_this();
    claim->unit = queue;
  }
  --left;
  return !claim_for(claim);
}

// True: there is nothing for it, and it waits again.
bool ClaimDesk::claim_for(const Claim& claim) {
  if (claim->request.given_up && claim->request.given_up->load()) return drop(claim);
  ClaimCall call(claim->request, options_.require_registration);
  {
    std::lock_guard lock(mutex_);
    if (claim->over) return false;
    claim->found_nothing = claim->again = false;
    call.sought = claim->unit;
    call.parked_until = store_time(lot_.latest_deadline(claim->agent, claim.get()));
    call.parks_until = store_time(claim->deadline_us);
  }
  calls_.perform(std::move(call), [this, claim](Result<ClaimCall::Answer> answer) {
    settle(claim, std::move(answer));
  });
  std::lock_guard lock(mutex_);
  return claim->found_nothing;
}

// Its task would only be given back, and after ten of those in a row it is a crash of the task's.
bool ClaimDesk::drop(const Claim& claim) {
  After after;
  {
    std::lock_guard lock(mutex_);
    if (claim->over) return false;
    finish(*claim, ClaimedTasks{}, after);
  }
  carry_out(std::move(after));
  return false;
}

void ClaimDesk::settle(const Claim& claim, Result<ClaimCall::Answer> answer) {
  After after;
  bool accepted;
  {
    std::lock_guard lock(mutex_);
    accepted = settle_locked(claim, answer, after);
  }
  if (!accepted && answer) give_back(calls_.store(), claim->agent, answer->tasks);
  carry_out(std::move(after));
}

// False: nobody waits for the answer any more.
bool ClaimDesk::settle_locked(const Claim& claim, Result<ClaimCall::Answer>& answer, After& after) {
  ParkedClaim& it = *claim;
  if (it.over) return false;
  if (!answer) {
    finish(it, std::move(answer.error()), after);
    return true;
  }
  if (!answer->tasks.empty()) {
    if (answer->got_sought) it.unit = nullptr;
    finish(it, std::move(answer->tasks), after);
    return true;
  }
  if (it.ending) {
    finish(it, std::move(*it.ending), after);
  } else if (it.late) {
    finish(it, ClaimedTasks{}, after);
  } else if (answer->offered && *answer->offered != it.offer) {
    lot_.reoffer(it, std::move(*answer->offered));
    pass_on(it, after);  // to itself, perhaps
    after.items.emplace_back(claim);
  } else if (it.again) {
    after.items.emplace_back(claim);
  } else {
    leave_busy(it, answer->refused, after);
  }
  return true;
}

// It found nothing and goes back to wait. Unless it was refused, that answers for all it was picked
// for or had noted: it could have taken them.
void ClaimDesk::leave_busy(ParkedClaim& claim, bool refused, After& after) {
  if (refused) {
    claim.chain = false;
    lot_.rest(claim);
    return pass_on(claim, after);
  }
  claim.found_nothing = true;
  claim.unit = nullptr;
  claim.notes.clear();
  lot_.put_back(claim);
  go_on(claim, after);
}

void ClaimDesk::go_on(ParkedClaim& claim, After& after) {
  if (!std::exchange(claim.chain, false)) return;
  LotEntry* next = lot_.take_dormant(claim.agent);
  if (next == nullptr) return;
  auto& other = static_cast<ParkedClaim&>(*next);
  other.chain = true;
  after.items.emplace_back(other.shared_from_this());
}

void ClaimDesk::finish(ParkedClaim& claim, Result<ClaimedTasks> answer, After& after) {
  pass_on(claim, after);
  go_on(claim, after);
  claim.over = true;
  claim.answer = std::move(answer);
  lot_.remove(claim);
  after.over.push_back(std::move(claim.self));
  if (lot_.size() > 0) return;
  occupied_.store(false, std::memory_order_relaxed);
  watching_ = false;
  after.unwatch = std::exchange(watches_, 0);
}

// The tasks that it was picked for or had noted are somebody else's now.
void ClaimDesk::pass_on(ParkedClaim& claim, After& after) {
  if (Queue queue = std::exchange(claim.unit, nullptr)) {
    after.items.emplace_back(Unit{std::move(queue), 1});
  }
  for (auto& [queue, count] : std::exchange(claim.notes, {})) {
    after.items.emplace_back(Unit{std::move(queue), count});
  }
}

void ClaimDesk::carry_out(After after) {
  for (const Claim& claim : after.over) {
    if (claim->blocking) {
      claim->parker.unpark();
    } else {
      calls_.deliver_on_loop(std::move(claim->done), std::move(claim->answer));
    }
  }
  if (after.unwatch > 0) Orphan<WatchChange>::run(calls_.store(), {-after.unwatch, {}});
  run(std::move(after.items));
}

Timestamp ClaimDesk::parked_until(std::string_view agent) const {
  if (!occupied_.load(std::memory_order_relaxed)) return 0;
  std::lock_guard lock(mutex_);
  return store_time(lot_.latest_deadline(agent));
}

// A local deadline by the store's clock; 0 stays 0.
Timestamp ClaimDesk::store_time(std::int64_t deadline_us) const {
  return deadline_us == 0 ? 0 : calls_.store().now() + (deadline_us - calls_.now_us());
}

}  // namespace controlplane
