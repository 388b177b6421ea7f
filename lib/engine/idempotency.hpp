// What was submitted under which key, for as long as the task lives and at least key_age from its
// submit: a repeated submit is answered with the first task's id. A caller's own task id is a key
// of its own kind, and so is the operation id of a replay.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/export_cut.hpp"
#include "engine/name_table.hpp"
#include "engine/operations.hpp"
#include "engine/rows.hpp"

namespace controlplane {

class IdempotencyIndex {
 public:
  struct Entry {
    Fingerprint fingerprint{};
    TaskId task;
    bool alive = true;  // its task is still in the table
  };
  struct Removed {      // a key whose task is gone
    const std::pair<const std::string, Entry>* entry = nullptr;  // null: no such
    Timestamp expires = 0;
  };
  // The three kinds of key in one map: names contain no control characters.
  static std::string key_of_id(std::string_view own_id) { return "\x01" + std::string(own_id); }
  static std::string key_of_key(std::string_view key) { return "\x02" + std::string(key); }
  static std::string key_of_operation(std::string_view id) { return "\x03" + std::string(id); }
  static KeyOf kind_of(std::string_view key) { return static_cast<KeyOf>(key[0] - 1); }
  static std::string key_of(KeyOf kind, std::string_view name) {
    return static_cast<char>(static_cast<int>(kind) + 1) + std::string(name);
  }
  // All keys of a task.
  template <class Visit>
  static void visit_keys(const TaskDetails& task, Visit&& visit) {
    if (!task.own_id.empty()) visit(key_of_id(task.own_id.str()));
    if (!task.idempotency_key.empty()) visit(key_of_key(task.idempotency_key));
    if (!task.operation_id.empty()) visit(key_of_operation(task.operation_id));
  }

  const Entry* find(const std::string& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  void add(std::string key, const Fingerprint& fingerprint, const TaskId& task) {
    entries_.emplace(std::move(key), Entry{fingerprint, task});
  }
  // The task goes; the key stays until `expires`.
  void task_removed(const std::string& key, Timestamp expires) {
    const auto found = entries_.find(key);
    found->second.alive = false;
    const Slot slot = removed_.take();
    removed_[slot] = {&*found, expires};
    expiring_.emplace(expires, slot);
  }
  Timestamp next_expiry() const { return expiring_.empty() ? kForever : expiring_.top().first; }
  void expire_first() {
    const Slot slot = expiring_.top().second;
    expiring_.pop();
    const std::string key = std::as_const(removed_)[slot].entry->first;
    removed_.give_back(slot);
    entries_.erase(key);
  }
  std::size_t size() const noexcept { return entries_.size(); }
  ExportCut& removed_cut() noexcept { return removed_.cut; }
  const Removed& removed(Slot slot) const noexcept { return removed_[slot]; }
  Slot removed_end() const noexcept { return removed_.end(); }
  std::size_t removed_size() const noexcept { return removed_.size(); }

 private:
  friend struct EngineAudit;
  static constexpr Timestamp kForever = INT64_MAX;
  using Expiry = std::pair<Timestamp, Slot>;
  NameMap<Entry> entries_;
  CutSlab<Removed, 6> removed_;
  std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> expiring_;
};

}  // namespace controlplane
