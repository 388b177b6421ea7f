#include "coordinator/claim_lot.hpp"

#include <algorithm>
#include <limits>

namespace controlplane {

using State = LotEntry::State;
using Rank = LotEntry::Rank;

// Entries that offer the same. Lives while an entry names it, waiting or not.
struct ClaimGroup {
  std::vector<std::string> offer;
  bool mailbox = false;
  std::map<Rank, LotEntry*> waiting;
  std::size_t members = 0;
};

struct WaitingAgent {
  std::map<std::uint64_t, LotEntry*> entries;  // by arrival
  std::multiset<std::int64_t> deadlines;
};

namespace {

bool offers_all(const std::vector<std::string>& offer, const std::vector<std::string>& required) {
  return std::includes(offer.begin(), offer.end(), required.begin(), required.end());
}

bool excludes(const QueueKey& queue, const std::string& agent) {
  return std::binary_search(queue.excluded.begin(), queue.excluded.end(), agent);
}

bool may_take(const LotEntry& entry, const QueueKey& queue) {
  if (queue.directed.empty() ? entry.mailbox : queue.directed != entry.agent) return false;
  return !excludes(queue, entry.agent) && offers_all(entry.offer, queue.required);
}

std::uint64_t load_rank(double load) {
  return static_cast<std::uint64_t>(std::clamp(load, 0.0, 1e6) * 1e6);
}

}  // namespace

ClaimLot::ClaimLot(SelectionStrategy strategy) : strategy_(strategy) {}
ClaimLot::~ClaimLot() = default;

Rank ClaimLot::rank_of(const LotEntry& entry) const {
  const std::uint64_t arrival = entry.rank.second;
  switch (strategy_) {
    case SelectionStrategy::least_loaded:
      return {load_rank(entry.load), arrival};
    case SelectionStrategy::random:
      return {entry.random, arrival};
    case SelectionStrategy::capability_match:
      return {entry.offer.size(), arrival};
    case SelectionStrategy::round_robin:
      break;
  }
  return {0, arrival};
}

void ClaimLot::set_strategy(SelectionStrategy strategy) {
  if (strategy == strategy_) return;
  strategy_ = strategy;
  for (LotEntry* entry : all()) {
    const bool waits = entry->state == State::waiting;
    if (waits) leave_group(*entry);
    entry->rank = rank_of(*entry);
    if (waits) enter_group(*entry);
  }
}

void ClaimLot::add(LotEntry& entry, std::uint64_t random) {
  entry.random = random;
  entry.rank = {0, ++arrivals_};
  insert(entry);
}

void ClaimLot::insert(LotEntry& entry) {
  entry.rank = rank_of(entry);
  auto& group = groups_of(entry)[entry.offer];
  if (group == nullptr) {
    group = std::make_unique<ClaimGroup>(ClaimGroup{entry.offer, entry.mailbox, {}, 0});
  }
  ++group->members;
  entry.group = group.get();
  auto& owner = agents_[entry.agent];
  if (owner == nullptr) owner = std::make_unique<WaitingAgent>();
  entry.owner = owner.get();
  owner->entries.emplace(entry.rank.second, &entry);
  owner->deadlines.insert(entry.deadline_us);
  if (entry.timed) timed_.emplace(std::pair(entry.deadline_us, entry.rank.second), &entry);
  ++size_;
  enter_group(entry);
}

void ClaimLot::remove(LotEntry& entry) {
  if (entry.state == State::outside) return;
  if (entry.state == State::waiting) leave_group(entry);
  if (entry.state == State::busy) busy_.erase(entry.rank.second);
  entry.state = State::outside;
  if (--entry.group->members == 0) groups_of(entry).erase(entry.offer);
  WaitingAgent& owner = *entry.owner;
  owner.entries.erase(entry.rank.second);
  owner.deadlines.erase(owner.deadlines.find(entry.deadline_us));
  if (owner.entries.empty()) agents_.erase(entry.agent);
  if (entry.timed) timed_.erase({entry.deadline_us, entry.rank.second});
  --size_;
}

void ClaimLot::reoffer(LotEntry& entry, std::vector<std::string> offer) {
  const State before = entry.state;
  if (before == State::outside) return;
  remove(entry);
  entry.offer = std::move(offer);
  insert(entry);
  if (before == State::waiting) return;
  leave_group(entry);
  entry.state = before;
  if (before == State::busy) busy_.emplace(entry.rank.second, &entry);
}

void ClaimLot::enter_group(LotEntry& entry) {
  entry.state = State::waiting;
  ClaimGroup& group = *entry.group;
  const bool first = group.waiting.empty() || entry.rank < group.waiting.begin()->first;
  if (first) index(group, false);
  group.waiting.emplace(entry.rank, &entry);
  if (first) index(group, true);
}

void ClaimLot::leave_group(LotEntry& entry) {
  ClaimGroup& group = *entry.group;
  const bool first = group.waiting.begin()->second == &entry;
  if (first) index(group, false);
  group.waiting.erase(entry.rank);
  if (first) index(group, true);
}

void ClaimLot::index(ClaimGroup& group, bool on) {
  if (group.waiting.empty() || group.mailbox) return;
  const std::pair<Rank, ClaimGroup*> key{group.waiting.begin()->first, &group};
  if (on) {
    order_.insert(key);
    for (const std::string& capability : group.offer) by_capability_[capability].insert(key);
    return;
  }
  order_.erase(key);
  for (const std::string& capability : group.offer) {
    const auto place = by_capability_.find(capability);
    place->second.erase(key);
    if (place->second.empty()) by_capability_.erase(place);
  }
}

// Null: nobody offers one of them.
const ClaimLot::GroupOrder* ClaimLot::rarest(const std::vector<std::string>& required) const {
  const GroupOrder* fewest = &order_;
  for (const std::string& capability : required) {
    const auto place = by_capability_.find(capability);
    if (place == by_capability_.end()) return nullptr;
    if (place->second.size() < fewest->size()) fewest = &place->second;
  }
  return fewest;
}

LotEntry* ClaimLot::best(const QueueKey& queue) const {
  if (!queue.directed.empty()) return best_of_agent(queue);
  const GroupOrder* groups = rarest(queue.required);
  if (groups == nullptr) return nullptr;
  LotEntry* found = nullptr;
  for (const auto& [rank, group] : *groups) {
    if (found != nullptr && found->rank < rank) break;  // only with excluded agents
    if (!offers_all(group->offer, queue.required)) continue;
    for (const auto& [place, entry] : group->waiting) {
      if (excludes(queue, entry->agent)) continue;
      if (found == nullptr || place < found->rank) found = entry;
      break;
    }
  }
  return found;
}

LotEntry* ClaimLot::best_of_agent(const QueueKey& queue) const {
  WaitingAgent* agent = find_agent(queue.directed);
  if (agent == nullptr) return nullptr;
  LotEntry* found = nullptr;
  for (const auto& [arrival, entry] : agent->entries) {
    if (entry->state != State::waiting || !may_take(*entry, queue)) continue;
    if (found == nullptr || entry->rank < found->rank) found = entry;
  }
  return found;
}

LotEntry* ClaimLot::pick(const QueueKey& queue) {
  LotEntry* entry = best(queue);
  if (entry != nullptr) take(*entry);
  return entry;
}

bool ClaimLot::leave_note(const std::shared_ptr<const QueueKey>& queue, std::uint32_t tasks) {
  for (const auto& [arrival, entry] : busy_) {
    if (!may_take(*entry, *queue)) continue;
    entry->again = true;
    for (LotEntry::Note& note : entry->notes) {
      if (note.first == queue) return note.second += tasks, true;
    }
    entry->notes.emplace_back(queue, tasks);
    return true;
  }
  return false;
}

void ClaimLot::take(LotEntry& entry) {
  if (entry.state == State::waiting) leave_group(entry);
  entry.state = State::busy;
  entry.again = false;
  busy_.emplace(entry.rank.second, &entry);
}

void ClaimLot::put_back(LotEntry& entry) {
  busy_.erase(entry.rank.second);
  enter_group(entry);
}

void ClaimLot::rest(LotEntry& entry) {
  busy_.erase(entry.rank.second);
  entry.state = State::dormant;
  for (const auto& [arrival, other] : entry.owner->entries) {
    if (other->state != State::waiting) continue;
    leave_group(*other);
    other->state = State::dormant;
  }
}

LotEntry* ClaimLot::wake_agent(std::string_view agent) {
  for (LotEntry* entry : entries_of(agent)) {
    if (entry->state == State::busy) entry->again = true;
  }
  return take_dormant(agent);
}

LotEntry* ClaimLot::take_dormant(std::string_view agent) {
  const WaitingAgent* known = find_agent(agent);
  if (known == nullptr) return nullptr;
  for (const auto& [arrival, entry] : known->entries) {
    if (entry->state != State::dormant) continue;
    take(*entry);
    return entry;
  }
  return nullptr;
}

WaitingAgent* ClaimLot::find_agent(std::string_view agent) const {
  const auto place = agents_.find(agent);
  return place == agents_.end() ? nullptr : place->second.get();
}

std::vector<LotEntry*> ClaimLot::entries_of(std::string_view agent) const {
  std::vector<LotEntry*> found;
  if (const WaitingAgent* known = find_agent(agent)) {
    for (const auto& [arrival, entry] : known->entries) found.push_back(entry);
  }
  return found;
}

std::int64_t ClaimLot::latest_deadline(std::string_view agent, const LotEntry* besides) const {
  const WaitingAgent* known = find_agent(agent);
  if (known == nullptr) return 0;
  auto latest = known->deadlines.rbegin();
  if (besides != nullptr && besides->deadline_us == *latest) ++latest;
  return latest == known->deadlines.rend() ? 0 : *latest;
}

std::int64_t ClaimLot::next_deadline() const {
  return timed_.empty() ? std::numeric_limits<std::int64_t>::max() : timed_.begin()->first.first;
}

std::vector<LotEntry*> ClaimLot::take_expired(std::int64_t now_us) {
  std::vector<LotEntry*> found;
  while (next_deadline() <= now_us) {
    LotEntry* entry = timed_.begin()->second;
    entry->timed = false;
    timed_.erase(timed_.begin());
    found.push_back(entry);
  }
  return found;
}

std::vector<LotEntry*> ClaimLot::all() const {
  std::vector<LotEntry*> found;
  found.reserve(size_);
  for (const auto& [name, agent] : agents_) {
    for (const auto& [arrival, entry] : agent->entries) found.push_back(entry);
  }
  return found;
}

}  // namespace controlplane
