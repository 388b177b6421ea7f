// How a ready task becomes leased.
#include <algorithm>
#include <utility>

#include "engine/task_table.hpp"

namespace controlplane {

// Heads that cannot go now are moved aside here, once each: due hard deadlines, full keys. A queue
// whose head needs more than a pool has stands in the line of that pool.
TaskRef TaskTable::next_claimable(const std::vector<std::string>& capabilities, Slot party,
                                  Step& step) {
  for (;;) {
    const TaskRef task = queues_.best(capabilities, party, step.now);
    if (task == kNoSlot) return task;
    tasks_.cut.touch(task);
    apply_hard_deadlines(task, step);
    if (task->place != Place::fresh && task->place != Place::returned) continue;
    if (!keys_.fits(*task)) {
      queues_.remove(task);
      keys_.wait(task);
    } else if (may_have_needs(task, step)) {
      return task;
    }
  }
}

bool TaskTable::claim(Slot party, const std::vector<std::string>& capabilities,
                      const ClaimRequest& request, Step& step, ClaimedTask& out) {
  const TaskRef task = next_claimable(capabilities, party, step);
  if (task == kNoSlot) return false;
  lease(task, party, request, step);
  fill(task, out);
  return true;
}

bool TaskTable::is_of(const TaskId& id, const QueueKey& queue) const {
  const Slot task = find(id);
  if (task == kNoSlot) return false;
  const QueueKey* const its = queues_.key(tasks_[task].queue).get();
  return its == &queue || *its == queue;
}

void TaskTable::lease(TaskRef task, Slot party_slot, const ClaimRequest& request, Step& step) {
  TaskRecord& record = *task;
  observe(counters_.wait, step.now - record.since);
  ++counters_.claimed;
  queues_.remove(task);
  set_state(record, TaskState::claimed, TaskReason::none, step.now);

  AttemptRecord& attempt = attempt_of(task);
  Party& party = parties_[party_slot];
  ++party.uses;
  ++party.leases;
  if (attempt.token.party != kNoSlot) parties_.drop(attempt.token.party);
  attempt.token = {step.draw() | 1, step.origin, attempt.token.attempt + 1, party_slot};
  attempt.claimed_at = step.now;
  attempt.started_at = 0;
  attempt.deadline = step.now + policies_[record.policy].timeout_us;
  attempt.lease_ttl_us = request.lease_ttl.count() * 1000;
  attempt.lease_until = attempt.lease_ttl_us > 0 ? step.now + attempt.lease_ttl_us : 0;
  attempt.cancel_at = 0;

  attempt.lease_prev = kNoSlot;
  attempt.lease_next = party.first_lease;
  if (party.first_lease != kNoSlot) attempts_[tasks_[party.first_lease].attempt].lease_prev = task;
  party.first_lease = task;
  record.place = Place::leased;

  if (record.key != kNoSlot) keys_.leased(record.key);
  if (!queues_.needs(record.queue).pools.empty()) take_needs(task, attempt, step);
  if (!request.claim_id.empty()) join_claim_group(task, party_slot, request.claim_id);
  set_timer(task);
  if (party.agent != kNoAgent) agents_.claimed(party.agent, 1, step.now, step.effects);
  emit(EventType::task_claimed, task, step);
}

std::uint64_t TaskTable::hash_claim(Slot party, std::string_view claim_id) {
  return mix64(hash_name(claim_id) + party);
}

TaskTable::ClaimIds::iterator TaskTable::find_claim(Slot party, std::string_view claim_id) {
  const auto [first, end] = claim_ids_.equal_range(hash_claim(party, claim_id));
  const auto found = std::find_if(first, end, [&](const auto& item) {
    const ClaimGroup& group = claim_groups_[item.second];
    return group.party == party && group.claim_id == claim_id;
  });
  return found == end ? claim_ids_.end() : found;
}

void TaskTable::join_claim_group(TaskRef task, Slot party, const std::string& claim_id) {
  auto found = find_claim(party, claim_id);
  if (found == claim_ids_.end()) {
    found = claim_ids_.emplace(hash_claim(party, claim_id), claim_groups_.take());
    claim_groups_[found->second].claim_id = claim_id;
    claim_groups_[found->second].party = party;
  }
  ClaimGroup& group = claim_groups_[found->second];
  AttemptRecord& attempt = attempts_[task->attempt];
  attempt.claim_group = found->second;
  group.leases.emplace_back(task, attempt.token.nonce);
  ++group.live;
}

void TaskTable::leave_claim_group(AttemptRecord& attempt) {
  const Slot slot = std::exchange(attempt.claim_group, kNoSlot);
  ClaimGroup& group = claim_groups_[slot];
  if (--group.live > 0) return;
  claim_ids_.erase(find_claim(group.party, group.claim_id));
  claim_groups_.give_back(slot);
}

bool TaskTable::claim_again(Slot party, const ClaimRequest& request, Step& step,
                            std::vector<ClaimedTask>& out) {
  if (request.claim_id.empty()) return false;
  const auto found = find_claim(party, request.claim_id);
  if (found == claim_ids_.end()) return false;
  const auto leases = claim_groups_[found->second].leases;  // a deadline below may end the group
  for (const auto& [slot, nonce] : leases) {
    const TaskRef task = at(slot);
    const auto held = [&, nonce = nonce] {
      return task->place == Place::leased && attempts_[task->attempt].token.nonce == nonce;
    };
    if (held()) apply_hard_deadlines(task, step);
    if (held()) fill(task, out.emplace_back());
  }
  if (!out.empty()) ++counters_.duplicates;
  return !out.empty();
}

void TaskTable::fill(TaskRef task, ClaimedTask& out) const {
  const TaskRecord& record = *task;
  const AttemptRecord& attempt = attempts_[record.attempt];
  out.id = id_of(record);
  out.lease = Lease(attempt.token.attempt, attempt.token.nonce);
  out.task_type = types_.text(record.type);
  out.payload = record.payload;
  out.priority = record.priority;
  out.attempt = attempt.token.attempt;
  out.submitted_at = record.submitted_at;
  out.claimed_at = attempt.claimed_at;
  out.deadline = attempt.deadline;
  out.lease_until = attempt.lease_until;
  out.checkpoint = attempt.checkpoint;
  out.details = record.details;
}

}  // namespace controlplane
