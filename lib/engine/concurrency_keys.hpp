// Concurrency keys: how many leases each has, and the tasks that wait for one to end.
// A waiting task stands under its queue and limit; when a lease ends, the first of each such group
// that now fits goes back to its queue, because any of those queues may be the one that is served.
// Each such move was paid for by the claim that put the task here.
// Invariant: a group that waits has at least as many ready tasks as its key has room for.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/export_cut.hpp"
#include "engine/name_table.hpp"
#include "engine/ready_order.hpp"
#include "engine/slab.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

class ConcurrencyKeys {
 public:
  ConcurrencyKeys(Slab<TaskRecord>& tasks, std::int64_t ageing_interval_us,
                  ExportCut* cut = nullptr)
      : tasks_(tasks), ageing_us_(ageing_interval_us), cut_(cut) {}

  // kNoSlot when there are `max` keys and this is a new one. No use is counted yet.
  std::uint32_t find_or_add(std::string_view name, std::size_t max) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    if (by_name_.size() >= max) return kNoSlot;
    const Slot slot = keys_.take();
    keys_[slot].name = name;
    by_name_.emplace(std::string(name), slot);
    return slot;
  }
  void use(std::uint32_t key) { ++keys_[key].users; }
  void drop(std::uint32_t key) {
    if (--keys_[key].users > 0) return;
    by_name_.erase(by_name_.find(keys_[key].name));
    keys_.give_back(key);
  }
  const std::string& name(std::uint32_t key) const { return keys_[key].name; }
  std::uint32_t leases(std::uint32_t key) const { return keys_[key].leases; }
  bool fits(const TaskRecord& task) const {
    return task.key == kNoSlot || keys_[task.key].leases < task.key_limit;
  }

  void leased(std::uint32_t key) { ++keys_[key].leases; }
  // Takes out and answers those that fit again: of each group the one whose turn it is.
  std::vector<Slot> freed(std::uint32_t key_slot, Timestamp now) {
    Key& key = keys_[key_slot];
    --key.leases;
    std::vector<Slot> fitting;
    for (auto group = key.waiting.begin(); group != key.waiting.end();) {
      if (group->first.second > key.leases) fitting.push_back(take_first(group->second, now));
      group = is_empty(group->second) ? key.waiting.erase(group) : std::next(group);
    }
    return fitting;
  }
  // `gone` left its queue without a lease: takes out the next of its group, if there is room.
  Slot next_after(const TaskRecord& gone, Timestamp now) {
    Key& key = keys_[gone.key];
    const auto group = key.waiting.find({gone.queue, gone.key_limit});
    if (group == key.waiting.end() || key.leases >= gone.key_limit) return kNoSlot;
    const Slot task = take_first(group->second, now);
    if (is_empty(group->second)) key.waiting.erase(group);
    return task;
  }

  void wait(TaskRef task) {
    TaskRecord& record = *task;
    record.place = Place::key_waiting;
    level_of(keys_[record.key].waiting[{record.queue, record.key_limit}], record)
        .emplace(record.position, task);
  }
  void remove(TaskRef task) {
    TaskRecord& record = *task;
    record.place = Place::nowhere;
    auto& groups = keys_[record.key].waiting;
    const auto group = groups.find({record.queue, record.key_limit});
    level_of(group->second, record).erase({record.position, task});
    if (is_empty(group->second)) groups.erase(group);
  }
  std::size_t size() const noexcept { return by_name_.size(); }

 private:
  friend struct EngineAudit;
  using Group = std::array<PositionSet, kTaskPriorities>;
  struct Key {
    std::string name;
    std::uint64_t users = 0;       // records that name it
    std::uint32_t leases = 0;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Group> waiting;  // by queue and limit
  };
  static PositionSet& level_of(Group& group, const TaskRecord& record) {
    return group[static_cast<std::size_t>(record.priority)];
  }
  static bool is_empty(const Group& group) {
    return std::all_of(group.begin(), group.end(), [](const auto& level) { return level.empty(); });
  }
  // As in a ready queue: only the head of each level can be the first.
  Slot take_first(Group& group, Timestamp now) {
    Turn first;
    for (const PositionSet& level : group) {
      if (level.empty()) continue;
      const Slot head = level.begin()->second;
      const Turn turn = turn_of(ref_of(tasks_, head), ageing_us_, now);
      if (turn.before(first)) first = turn;
    }
    if (cut_ != nullptr) cut_->touch(first.task);
    TaskRecord& record = *first.task;
    level_of(group, record).erase({record.position, first.task});
    record.place = Place::nowhere;
    return first.task;
  }
  Slab<TaskRecord>& tasks_;
  const std::int64_t ageing_us_;
  ExportCut* const cut_;  // of the tasks
  Slab<Key, 6> keys_;
  NameMap<Slot> by_name_;
};

}  // namespace controlplane
