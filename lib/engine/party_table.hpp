// Every agent name that tasks refer to: registered agents, holders of leases, agents that tasks are
// directed to, mailboxes. One lookup by name leads a claim to all it needs.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent_table.hpp"
#include "engine/mailbox_name.hpp"
#include "engine/name_table.hpp"
#include "engine/slab.hpp"

namespace controlplane {

struct Party {
  std::string name;
  AgentSlot agent = kNoAgent;           // its registration
  std::uint32_t uses = 0;               // records that name it
  Slot first_lease = kNoSlot;           // list through AttemptRecord::lease_next, newest first
  std::uint32_t leases = 0;
  std::vector<std::uint32_t> directed;  // ready queues directed to it
  bool mailbox = false;                 // takes only from those
};

class PartyTable {
 public:
  Slot find(std::string_view name) const {
    if (last_ != kNoSlot && parties_[last_].name == name) return last_;
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? kNoSlot : (last_ = found->second);
  }
  Slot find_or_add(std::string_view name) {
    if (const Slot slot = find(name); slot != kNoSlot) return slot;
    const Slot slot = parties_.take();
    parties_[slot].name = name;
    parties_[slot].mailbox = is_mailbox(name);
    by_name_.emplace(std::string(name), slot);
    return last_ = slot;
  }
  void use(Slot slot) { ++parties_[slot].uses; }
  void drop(Slot slot) {
    if (--parties_[slot].uses == 0) forget_unused(slot);
  }
  // Call it when a registration, a lease or a directed queue went.
  void forget_unused(Slot slot) {
    const Party& party = parties_[slot];
    if (party.uses > 0 || party.agent != kNoAgent || party.leases > 0 || !party.directed.empty()) return;
    by_name_.erase(by_name_.find(party.name));
    parties_.give_back(slot);
    if (last_ == slot) last_ = kNoSlot;
  }
  Party& operator[](Slot slot) noexcept { return parties_[slot]; }
  const Party& operator[](Slot slot) const noexcept { return parties_[slot]; }
  std::size_t size() const noexcept { return by_name_.size(); }

 private:
  friend struct EngineAudit;
  Slab<Party, 6> parties_;
  NameMap<Slot> by_name_;
  mutable Slot last_ = kNoSlot;  // an agent's calls come in runs
};

}  // namespace controlplane
