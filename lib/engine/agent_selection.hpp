// Picks one of the available agents that offer what is asked for.
// Thread safety: none.
//
// Claims and ends only note that an agent changed. The ranking that a choice needs follows then, or
// when kMaxNoted agents wait for it, provided that it is used at all: where nobody chooses, claims
// cost next to nothing, and where somebody does, a choice pays for at most kMaxNoted changes of
// others. Only the first choice after a pause pays for more: once for each agent that changed.
//
// Invariants:
//  1. An agent whose place in a ranking is not what its state says is noted for that ranking.
//  2. All others are in the ranking exactly when they are available.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "engine/agent_groups.hpp"
#include "engine/agent_ranking.hpp"
#include "engine/group_match.hpp"

namespace controlplane {

class AgentSelection {
 public:
  static constexpr std::size_t kMaxNoted = 64;

  // Capabilities are sorted and unique. An agent joins unavailable and never assigned.
  void join(Slot slot, const std::vector<std::string>& capabilities);
  void leave(Slot slot);
  void change_capabilities(Slot slot, const std::vector<std::string>& capabilities);
  const SharedNames& capabilities(Slot slot) const noexcept;

  // slots: 0 = unlimited; its load then counts as a fraction of 2^32 slots.
  void update(Slot slot, bool available, std::uint32_t running, std::uint32_t slots) {
    State& state = states_[slot];
    state.available = available;
    state.running = running;
    state.slots = slots;
    note(slot, state);
  }
  void assigned(Slot slot) {
    states_[slot].order = kAssigned + ++assignments_;
    note(slot, states_[slot]);
  }
  std::uint64_t order(Slot slot) const noexcept { return states_[slot].order; }
  std::uint64_t joined() const noexcept { return joined_; }
  std::uint64_t assignments() const noexcept { return assignments_; }
  // As they were: first the numbers given out, then each agent with its order, which is among them.
  void restore(std::uint64_t joined, std::uint64_t assignments) noexcept {
    joined_ = joined;
    assignments_ = assignments;
  }
  bool is_given_out(std::uint64_t order) const noexcept {
    return order > kAssigned ? order - kAssigned <= assignments_ : order >= 1 && order <= joined_;
  }
  void restore(Slot slot, const std::vector<std::string>& capabilities, std::uint64_t order) {
    if (slot >= states_.size()) states_.resize(slot + 1);
    states_[slot].order = order;
    enter(slot, capabilities);
  }

  // kNoSlot: nobody. Excluded slots may repeat, and may be of agents that do not match. The choice
  // is not an assignment yet.
  Slot choose(const std::vector<std::string>& required, SelectionStrategy strategy,
              std::span<const Slot> excluded, std::uint64_t random);

  // Registered agents, available or not; `required` in any order.
  std::uint64_t count_offering(const std::vector<std::string>& required) {
    return matches_.find(required, groups_).members(groups_);
  }
  bool any_offers(std::string_view capability) const { return groups_.any_offers(capability); }
  std::uint64_t version() const noexcept { return groups_.population(); }
  // To ask about many agents; valid until the next call of anything else than is_in().
  const GroupMatch& match(const std::vector<std::string>& required) {
    return matches_.find(required, groups_);
  }
  bool is_in(Slot slot, const GroupMatch& match) const noexcept {
    return match.has(states_[slot].group);
  }

 private:
  friend struct AgentAudit;  // tests compare the rankings with a scan
  enum Measure : std::uint8_t { by_load, by_age };
  static constexpr std::size_t kMeasures = 2;
  static_assert(kMeasures == GroupMatch::kTournaments);
  static constexpr std::uint8_t kAll = (1 << kMeasures) - 1;
  // Never assigned come before all others, in the order of joining.
  static constexpr std::uint64_t kAssigned = std::uint64_t{1} << 62;

  struct State {
    std::uint64_t order = 0;
    std::uint32_t running = 0;
    std::uint32_t slots = 1;
    GroupId group = kNoGroup;
    std::uint32_t excluded_in = 0;  // the choice that excludes it
    std::uint8_t noted = 0;         // one bit per measure
    std::uint8_t ranked = 0;        // one bit per measure
    bool available = false;
  };
  struct Ranked {
    AgentRanking ranking;
    std::vector<Slot> noted;
    bool used = false;              // by a choice, since it was last settled
  };
  // A choice on its way down.
  struct View {
    const AgentRanking& ranking;
    const GroupTournament& tournament;
    bool fit;                       // fewest capabilities first
  };
  // The best agent below a node of the tournament, or below a place in the heap of a group.
  struct Lead {
    std::uint32_t size;             // of the group's set, if that counts
    Candidate agent;
    std::uint32_t node;             // 0 = in a heap
    GroupId group;
    std::uint32_t at;               // in that heap
  };

  void note(Slot slot, State& state) {
    if (state.noted != kAll && (state.available || state.ranked != 0)) note_all(slot, state);
  }
  void note_all(Slot slot, State& state);
  void settle(Measure measure);
  void enter(Slot slot, const std::vector<std::string>& capabilities);
  void withdraw(Slot slot);
  void exclude(std::span<const Slot> excluded);
  bool is_excluded(Slot slot) const noexcept { return states_[slot].excluded_in == choice_; }

  Slot best(const View& view);
  void follow(const Lead& lead, const View& view);
  void push_node(std::uint32_t node, const View& view);
  void push(std::uint32_t node, GroupId group, std::uint32_t at, const View& view);
  Slot any(const GroupMatch& match, const View& view, std::span<const Slot> excluded,
           std::uint64_t random);
  void rank_excluded(const GroupMatch& match, const View& view, std::span<const Slot> excluded);

  AgentGroups groups_;
  MatchCache matches_;
  std::array<Ranked, kMeasures> ranked_;  // by Measure
  std::vector<State> states_;
  std::vector<Lead> leads_;           // reused by choices
  std::vector<std::uint32_t> ranks_;  // reused by choices
  std::uint64_t joined_ = 0;
  std::uint64_t assignments_ = 0;
  std::uint32_t choice_ = 0;
};

}  // namespace controlplane
