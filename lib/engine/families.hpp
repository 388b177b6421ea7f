// Who waits for whom: parents and their dependents. A parent that ended is resolved by advance, a
// bounded number of dependents at a time. Those that are gone stay linked until their place is needed.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engine/slab.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

struct Child {
  Slot task;
  std::uint64_t serial;  // the slot may have been reused since
};

struct Family {
  std::vector<Child> dependents;   // kept until the parent goes: a replay revives them
  std::size_t resolved = 0;        // dependents that were told
  bool resolving = false;          // stands in the list of ended parents
  std::uint32_t awaited = 0;       // parents that have not ended yet
};

class Families {
 public:
  explicit Families(Slab<TaskRecord>& tasks) : tasks_(tasks) {}

  Family& of(Slot task) {
    Slot& family = tasks_[task].family;
    if (family == kNoSlot) family = families_.take();
    return families_[family];
  }
  const Family* find(Slot task) const {
    const Slot family = tasks_[task].family;
    return family == kNoSlot ? nullptr : &families_[family];
  }
  const Family* find(const TaskRecord& task) const {
    return task.family == kNoSlot ? nullptr : &families_[task.family];
  }
  std::size_t dependents(const TaskRecord& task) const {
    return task.family == kNoSlot ? 0 : families_[task.family].dependents.size();
  }
  std::size_t dependents(Slot task) const { return dependents(tasks_[task]); }
  void add(Slot parent, Slot child) {
    of(parent).dependents.push_back({child, tasks_[child].serial});
    ++of(child).awaited;
  }
  // The last added dependent of a parent that had ended, and told all its others, needs no telling.
  void settled(Slot parent, Slot child) {
    ++of(parent).resolved;
    --of(child).awaited;
  }
  // Forgets dependents that are gone; answers how many. Not while they are told.
  std::size_t drop_gone(Slot parent) {
    if (dependents(parent) == 0 || resolving(parent)) return 0;
    Family& family = of(parent);
    const bool told = family.resolved > 0;
    const std::size_t dropped = std::erase_if(family.dependents, [&](const Child& child) {
      return tasks_[child.task].serial != child.serial;
    });
    if (told) family.resolved = family.dependents.size();
    return dropped;
  }
  void parent_ended(Slot parent) {
    if (dependents(parent) == 0) return;
    of(parent).resolving = true;
    ended_.push_back(parent);
  }
  bool resolving(Slot task) const {
    const Family* family = find(task);
    return family != nullptr && family->resolving;
  }
  // The serial number of the last dependent that was told; 0 = none yet.
  static std::uint64_t told_to(const Family& family) noexcept {
    return family.resolved == 0 ? 0 : family.dependents[family.resolved - 1].serial;
  }
  // It had ended, told these, and stood behind those that resume() before.
  void resume(Slot parent) {
    of(parent).resolving = true;
    ended_.push_back(parent);
  }
  bool any_ended() const noexcept { return !ended_.empty(); }
  Slot first_ended() const noexcept { return ended_.front(); }
  // The next dependent of the first ended parent; after its last one the parent leaves the list.
  Child take_dependent() {
    Family& family = of(ended_.front());
    const Child child = family.dependents[family.resolved++];
    if (family.resolved == family.dependents.size()) {
      family.resolving = false;
      ended_.pop_front();
    }
    return child;
  }
  void forget(Slot task) {
    Slot& family = tasks_[task].family;
    if (family == kNoSlot) return;
    families_.give_back(family);
    family = kNoSlot;
  }

 private:
  friend struct EngineAudit;
  Slab<TaskRecord>& tasks_;
  Slab<Family, 6> families_;
  std::deque<Slot> ended_;
};

}  // namespace controlplane
