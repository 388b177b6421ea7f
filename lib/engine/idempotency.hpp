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

#include "engine/name_table.hpp"
#include "engine/operations.hpp"

namespace controlplane {

class IdempotencyIndex {
 public:
  struct Entry {
    Fingerprint fingerprint{};
    TaskId task;
    bool alive = true;  // its task is still in the table
  };
  // The three kinds of key in one map: names contain no control characters.
  static std::string key_of_id(std::string_view own_id) { return "\x01" + std::string(own_id); }
  static std::string key_of_key(std::string_view key) { return "\x02" + std::string(key); }
  static std::string key_of_operation(std::string_view id) { return "\x03" + std::string(id); }
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
    entries_.find(key)->second.alive = false;
    expiring_.emplace(expires, key);
  }
  Timestamp next_expiry() const { return expiring_.empty() ? kForever : expiring_.top().first; }
  void expire_first() {
    entries_.erase(expiring_.top().second);
    expiring_.pop();
  }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  friend struct EngineAudit;
  static constexpr Timestamp kForever = INT64_MAX;
  using Expiry = std::pair<Timestamp, std::string>;
  NameMap<Entry> entries_;
  std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> expiring_;
};

}  // namespace controlplane
