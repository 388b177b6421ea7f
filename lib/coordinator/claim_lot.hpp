// Who waits for a task, and who gets the next one. The matching part only: what to do with the one
// that was picked is claim_desk's business.
// Pure: no clock, no threads; time and randomness are arguments.
// Thread safety: none; lives under the lock of its desk.
// Lifetime: entries belong to the caller, stay put while they are in the lot, and leave by
// remove().
//
// An entry is in one state at a time:
//   waiting   can be picked
//   busy      was picked: a claim on its behalf is on its way
//   dormant   its agent was refused (no slot, open breaker): not picked until wake_agent()
//
// A task that becomes ready while only busy entries could take it must not be forgotten: pick()
// leaves a note with one of them, and who returns from its claim answers for its notes.
//
// Waiting entries are grouped by what they offer. A strategy is a rank drawn when an entry is
// added, so that one order serves all strategies; groups are ordered by their first entry, per
// capability, and a pick walks the rarest of the required capabilities in that order.
//
// Invariants:
//  1. A group is in the indexes exactly when an entry of it waits, under the rank of its first one.
//  2. An agent is known exactly while an entry of it is in the lot.
//  3. A group of mailboxes is in no index: undirected tasks are not for them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controlplane/agent.hpp"
#include "engine/effects.hpp"

namespace controlplane {

struct ClaimGroup;
struct WaitingAgent;

struct LotEntry {
  enum class State : std::uint8_t { outside, waiting, busy, dormant };
  using Rank = std::pair<std::uint64_t, std::uint64_t>;  // by strategy, then order of arrival
  using Note = std::pair<std::shared_ptr<const QueueKey>, std::uint32_t>;  // queue, tasks

  // Set by the caller before add().
  std::string agent;
  std::vector<std::string> offer;  // sorted, unique
  std::int64_t deadline_us = 0;    // steady
  bool timed = false;              // take_expired() answers it
  double load = 0;                 // of its agent when it came, for least_loaded
  bool mailbox = false;            // takes only what is directed to it; offers nothing

  // The lot's.
  State state = State::outside;
  // While busy. `again`: something came after its claim began, so that it has to claim once more
  // before it waits. `notes`: tasks that only busy entries could take.
  bool again = false;
  std::vector<Note> notes;
  Rank rank{};
  std::uint64_t random = 0;
  ClaimGroup* group = nullptr;
  WaitingAgent* owner = nullptr;
};

class ClaimLot {
 public:
  explicit ClaimLot(SelectionStrategy strategy = SelectionStrategy::round_robin);
  ~ClaimLot();
  ClaimLot(const ClaimLot&) = delete;
  ClaimLot& operator=(const ClaimLot&) = delete;

  void set_strategy(SelectionStrategy strategy);  // orders those that wait anew

  void add(LotEntry& entry, std::uint64_t random);  // it waits
  void remove(LotEntry& entry);                     // from whatever state; no effect if outside
  void reoffer(LotEntry& entry, std::vector<std::string> offer);

  // The first waiting entry that may take a task of `queue`, now busy; null if there is none.
  LotEntry* pick(const QueueKey& queue);
  // After pick() found nobody: a busy one that may take them answers for `tasks` of `queue`. False:
  // nobody could.
  bool leave_note(const std::shared_ptr<const QueueKey>& queue, std::uint32_t tasks);
  void take(LotEntry& entry);      // waiting or dormant → busy, out of turn
  void put_back(LotEntry& entry);  // busy → waiting, at its old place
  void rest(LotEntry& entry);      // busy → dormant, and its agent's waiting ones

  // The agent is eligible again: its first dormant entry, now busy, or null; its other busy ones
  // are told to claim again.
  LotEntry* wake_agent(std::string_view agent);
  LotEntry* take_dormant(std::string_view agent);  // the first one, now busy; null if there is none
  std::vector<LotEntry*> entries_of(std::string_view agent) const;
  // The latest deadline among the agent's entries but `besides`; 0 if there is none.
  std::int64_t latest_deadline(std::string_view agent, const LotEntry* besides = nullptr) const;

  std::int64_t next_deadline() const;  // of timed entries; INT64_MAX if there is none
  std::vector<LotEntry*> take_expired(std::int64_t now_us);  // they are timed no more

  std::vector<LotEntry*> all() const;
  std::size_t size() const noexcept { return size_; }
  std::size_t groups() const noexcept { return groups_.size() + mailboxes_.size(); }

 private:
  using GroupOrder = std::set<std::pair<LotEntry::Rank, ClaimGroup*>>;

  LotEntry::Rank rank_of(const LotEntry& entry) const;
  void insert(LotEntry& entry);  // its arrival is known
  auto& groups_of(const LotEntry& entry) { return entry.mailbox ? mailboxes_ : groups_; }
  void enter_group(LotEntry& entry);
  void leave_group(LotEntry& entry);
  void index(ClaimGroup& group, bool on);
  WaitingAgent* find_agent(std::string_view agent) const;
  const GroupOrder* rarest(const std::vector<std::string>& required) const;
  LotEntry* best(const QueueKey& queue) const;
  LotEntry* best_of_agent(const QueueKey& queue) const;

  SelectionStrategy strategy_;
  std::uint64_t arrivals_ = 0;
  std::size_t size_ = 0;
  using Groups = std::map<std::vector<std::string>, std::unique_ptr<ClaimGroup>>;
  Groups groups_;     // by what they offer
  Groups mailboxes_;  // likewise: one group at most
  std::unordered_map<std::string, GroupOrder> by_capability_;
  GroupOrder order_;  // all groups with a waiting entry
  std::map<std::string, std::unique_ptr<WaitingAgent>, std::less<>> agents_;
  // Keyed by arrival, not by address: what happens must not depend on where memory comes from.
  std::map<std::pair<std::int64_t, std::uint64_t>, LotEntry*> timed_;  // by deadline, arrival
  std::map<std::uint64_t, LotEntry*> busy_;
};

}  // namespace controlplane
