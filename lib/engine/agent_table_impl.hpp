// The parts of the agent table and the steps that its transitions share. Its own file only says how
// a transition moves a record through them; registration and reading have files of their own.
// Thread safety: none.
#pragma once

#include <string_view>
#include <vector>

#include "engine/agent_counts.hpp"
#include "engine/agent_record.hpp"
#include "engine/agent_roster.hpp"
#include "engine/agent_selection.hpp"
#include "engine/agent_table.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/export_cut.hpp"
#include "engine/name_table.hpp"
#include "engine/slab.hpp"

namespace controlplane {

static_assert(kNoAgent == kNoSlot);

struct AgentTable::Impl {
  explicit Impl(const AgentRules& r) : rules(r) {}

  using Records = Slab<AgentRecord, 6>;
  struct PlaceInRecord {
    Records* records;
    std::uint32_t& operator()(Slot slot) const noexcept { return (*records)[slot].deadline_place; }
  };

  AgentRules rules;
  CutSlab<AgentRecord, 6> records;
  NameMap<AgentSlot> by_id;
  AgentRoster roster;
  AgentCounts counts;
  AgentSelection selection;
  DeadlineHeap<PlaceInRecord> deadlines{PlaceInRecord{&records}};
  std::vector<AgentSlot> excluded;  // reused by select

  AgentSlot find(std::string_view agent_id) const noexcept;
  AgentSlot choose(const SelectRequest& request, std::uint64_t random);

  // Status and availability follow the record; its health is as it was.
  void refresh(AgentSlot slot, AgentRecord& agent, Timestamp now) {
    const AgentStatus status = status_of(agent);
    if (status != agent.status) {
      --counts.of(agent.status);
      ++counts.of(status);
      agent.status = status;
      agent.status_since = now;
    }
    const bool available = is_available(agent);
    counts.available += available ? 1 : 0;
    counts.available -= agent.available ? 1 : 0;
    agent.available = available;
    selection.update(slot, available, agent.running, agent.max_concurrency);
  }
  // Health too.
  void recompute(AgentSlot slot, AgentRecord& agent, Timestamp now);

  void announce(EventType type, const AgentRecord& agent, Timestamp now, Effects& effects);
  void announce_status(const AgentRecord& agent, Timestamp now, Effects& effects);
  // Also wakes who waits for the agent: what changed its health may have made it eligible. Answers
  // whether there was an event.
  bool announce_health(AgentRecord& agent, Timestamp now, Effects& effects);
  void probed(AgentSlot slot, AgentStatus shown, Timestamp now, Effects& effects);
  void breaker_moved(AgentSlot slot, BreakerState from, Timestamp now, Effects& effects);
  void bar(AgentSlot slot, Refusal refusal, Effects& effects);  // its parked claims end

  void unpark(AgentSlot slot);
  void come_online(AgentSlot slot, Timestamp now, Effects& effects);
  Timestamp deadline_of(const AgentRecord& agent) const noexcept;
  void reschedule(AgentSlot slot) {
    records[slot].postponed = false;
    deadlines.set(slot, deadline_of(records[slot]));
  }

  AgentSlot create(const AgentSpec& spec, Timestamp now);
  bool describe(AgentSlot slot, const AgentSpec& spec, std::string_view registered_by,
                Effects& effects);
  void supersede(AgentSlot slot, std::uint64_t incarnation, std::string_view registered_by,
                 Timestamp now, Effects& effects);
  Result<Added> add_again(AgentSlot slot, const AgentSpec& spec, std::uint64_t incarnation,
                          std::string_view registered_by, Timestamp now, Effects& effects);
  Added add_new(const AgentSpec& spec, std::uint64_t incarnation, std::string_view registered_by,
                Timestamp now, Effects& effects);
  void erase(AgentSlot slot);

  bool passes(AgentSlot slot, const AgentFilter& filter, const GroupMatch* match) const;
};

}  // namespace controlplane
