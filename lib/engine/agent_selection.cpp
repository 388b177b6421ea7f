#include "engine/agent_selection.hpp"

#include <algorithm>

namespace controlplane {
namespace {

// Exact for up to 65,536 slots; above, loads closer than 2^-32 tie. An available agent has a free
// slot, so the fraction is below 1.
std::uint32_t load_of(std::uint32_t running, std::uint32_t slots) noexcept {
  if (slots == 0 || running == 0) return running;
  return static_cast<std::uint32_t>((std::uint64_t{running} << 32) / slots);
}

constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.size != b.size ? a.size > b.size : b.agent.before(a.agent);
};

}  // namespace

void AgentSelection::join(Slot slot, const std::vector<std::string>& capabilities) {
  if (slot >= states_.size()) states_.resize(slot + 1);
  const std::uint8_t noted = states_[slot].noted;  // for the agent that had this slot before
  states_[slot] = {};
  states_[slot].noted = noted;
  states_[slot].order = ++joined_;
  enter(slot, capabilities);
}

void AgentSelection::enter(Slot slot, const std::vector<std::string>& capabilities) {
  const GroupId group = states_[slot].group = groups_.enter(capabilities);
  for (Ranked& ranked : ranked_) ranked.ranking.prepare(slot, group, capabilities.size());
}

void AgentSelection::withdraw(Slot slot) {
  State& state = states_[slot];
  for (std::size_t measure = 0; measure < kMeasures; ++measure) {
    if ((state.ranked >> measure & 1) != 0) ranked_[measure].ranking.take(state.group, slot);
  }
  state.ranked = 0;
}

void AgentSelection::leave(Slot slot) {
  withdraw(slot);
  groups_.exit(states_[slot].group);
  states_[slot].group = kNoGroup;
  states_[slot].available = false;
}

void AgentSelection::change_capabilities(Slot slot, const std::vector<std::string>& capabilities) {
  State& state = states_[slot];
  withdraw(slot);
  const GroupId old = state.group;
  enter(slot, capabilities);
  groups_.exit(old);
  note(slot, state);
}

const SharedNames& AgentSelection::capabilities(Slot slot) const noexcept {
  return groups_[states_[slot].group].capabilities;
}

void AgentSelection::note_all(Slot slot, State& state) {
  for (const Measure measure : {by_load, by_age}) {
    if ((state.noted >> measure & 1) != 0) continue;
    state.noted = static_cast<std::uint8_t>(state.noted | 1 << measure);
    Ranked& ranked = ranked_[measure];
    ranked.noted.push_back(slot);
    if (ranked.used && ranked.noted.size() >= kMaxNoted) settle(measure);
  }
}

void AgentSelection::settle(Measure measure) {
  Ranked& ranked = ranked_[measure];
  const auto bit = static_cast<std::uint8_t>(1 << measure);
  for (const Slot slot : ranked.noted) {
    State& state = states_[slot];
    state.noted = static_cast<std::uint8_t>(state.noted & ~bit);
    if (state.available) {
      const std::uint32_t load = measure == by_load ? load_of(state.running, state.slots) : 0;
      ranked.ranking.put(state.group, {state.order, load, slot});
      state.ranked = static_cast<std::uint8_t>(state.ranked | bit);
    } else if ((state.ranked & bit) != 0) {
      ranked.ranking.take(state.group, slot);
      state.ranked = static_cast<std::uint8_t>(state.ranked & ~bit);
    }
  }
  ranked.noted.clear();
  ranked.used = false;
}

void AgentSelection::exclude(std::span<const Slot> excluded) {
  if (++choice_ == 0) {  // wrapped: marks of old choices must not come back to life
    for (State& state : states_) state.excluded_in = 0;
    choice_ = 1;
  }
  for (const Slot slot : excluded) states_[slot].excluded_in = choice_;
}

Slot AgentSelection::choose(const std::vector<std::string>& required, SelectionStrategy strategy,
                            std::span<const Slot> excluded, std::uint64_t random) {
  const Measure measure = strategy == SelectionStrategy::round_robin ? by_age : by_load;
  settle(measure);
  ranked_[measure].used = true;
  GroupMatch& match = matches_.find(required, groups_);
  GroupTournament& tournament = match.tournaments[measure];
  tournament.catch_up(match.groups(), ranked_[measure].ranking);
  const GroupTournament::Node& root = tournament[GroupTournament::kRoot];
  if (root.available == 0) return kNoSlot;

  const bool fit = strategy == SelectionStrategy::capability_match;
  const View view{ranked_[measure].ranking, tournament, fit};
  if (strategy == SelectionStrategy::random) return any(match, view, excluded, random);
  if (excluded.empty()) return view.ranking.best(fit ? root.best_fit : root.best).slot;
  exclude(excluded);
  return best(view);
}

// The tournament and the heaps below it are one big heap: walking it best first meets the agents in
// order and looks at a handful for each that is excluded.
Slot AgentSelection::best(const View& view) {
  leads_.clear();
  push_node(GroupTournament::kRoot, view);
  while (!leads_.empty()) {
    std::ranges::pop_heap(leads_, kLater);
    const Lead lead = leads_.back();
    leads_.pop_back();
    if (!is_excluded(lead.agent.slot)) return lead.agent.slot;
    follow(lead, view);
  }
  return kNoSlot;
}

// Everything below the lead but its own agent: on the way down to it the losers of each round, then
// those that stand behind it in the heap of its group.
void AgentSelection::follow(const Lead& lead, const View& view) {
  for (std::uint32_t node = lead.node; node != 0 && node < view.tournament.first_leaf();) {
    const GroupTournament::Node& left = view.tournament[2 * node];
    const bool won_left = (view.fit ? left.best_fit : left.best) == lead.group;
    push_node(won_left ? 2 * node + 1 : 2 * node, view);
    node = won_left ? 2 * node : 2 * node + 1;
  }
  const std::uint32_t first = AgentHeap::kChildren * lead.at + 1;
  const std::uint32_t size = view.ranking.available(lead.group);
  const std::uint32_t end = std::min(first + AgentHeap::kChildren, size);
  for (std::uint32_t at = first; at < end; ++at) push(0, lead.group, at, view);
}

void AgentSelection::push_node(std::uint32_t node, const View& view) {
  const GroupTournament::Node& winners = view.tournament[node];
  if (winners.available > 0) push(node, view.fit ? winners.best_fit : winners.best, 0, view);
}

void AgentSelection::push(std::uint32_t node, GroupId group, std::uint32_t at, const View& view) {
  const std::uint32_t size = view.fit ? view.ranking.size(group) : 0;
  leads_.push_back({size, view.ranking.heap(group)[at], node, group, at});
  std::ranges::push_heap(leads_, kLater);
}

// Ranks, ascending, of the excluded among all that are available and match.
void AgentSelection::rank_excluded(const GroupMatch& match, const View& view,
                                   std::span<const Slot> excluded) {
  ranks_.clear();
  for (const Slot slot : excluded) {
    const State& state = states_[slot];
    if ((state.ranked >> by_load & 1) == 0 || !match.has(state.group)) continue;
    std::uint32_t rank = view.ranking.place(slot);
    std::uint32_t at = view.tournament.first_leaf() + index_of(state.group, match.groups());
    for (; at > GroupTournament::kRoot; at /= 2) {
      if (at % 2 == 1) rank += view.tournament[at - 1].available;
    }
    ranks_.push_back(rank);
  }
  std::ranges::sort(ranks_);
  const auto repeated = std::ranges::unique(ranks_);
  ranks_.erase(repeated.begin(), repeated.end());
}

// Each of the others with the same probability, up to the modulo of a 64-bit number.
Slot AgentSelection::any(const GroupMatch& match, const View& view, std::span<const Slot> excluded,
                         std::uint64_t random) {
  rank_excluded(match, view, excluded);
  const GroupTournament& tournament = view.tournament;
  const std::uint64_t others = tournament[GroupTournament::kRoot].available - ranks_.size();
  if (others == 0) return kNoSlot;
  auto rank = static_cast<std::uint32_t>(random % others);
  for (const std::uint32_t skipped : ranks_) rank += rank >= skipped ? 1 : 0;
  std::uint32_t at = GroupTournament::kRoot;
  while (at < tournament.first_leaf()) {
    at *= 2;
    if (rank >= tournament[at].available) rank -= tournament[at++].available;
  }
  return view.ranking.heap(tournament[at].best)[rank].slot;
}

}  // namespace controlplane
