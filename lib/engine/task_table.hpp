// Tasks of one tenant: how a transition moves a record through the parts (ready queues, deadline
// heap, families, concurrency keys, idempotency, retention). docs/semantics.md is its contract.
// Pure: no clock, no threads, no I/O; time and randomness come in with a Step, events and signals go
// out through it.
// Thread safety: none; lives under the lock of its namespace.
// Errors: returned; nothing is changed by an operation that answers an error, except that due hard
// deadlines of the task it touches were applied first.
//
// Invariants:
//  1. Every record is linked in exactly one place, the one TaskRecord::place names.
//  2. Counters equal a scan.
//  3. A record that a timer can move has a heap entry, not later than its earliest deadline; every
//     leased one has.
//  4. AttemptRecord::token.attempt only grows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/entropy.hpp"
#include "controlplane/stats.hpp"
#include "engine/agent_table.hpp"
#include "engine/concurrency_keys.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/effects.hpp"
#include "engine/export_cut.hpp"
#include "engine/families.hpp"
#include "engine/idempotency.hpp"
#include "engine/name_table.hpp"
#include "engine/namespace.hpp"
#include "engine/operations.hpp"
#include "engine/party_table.hpp"
#include "engine/permit_table.hpp"
#include "engine/policy_table.hpp"
#include "engine/ready_queues.hpp"
#include "engine/serial_index.hpp"
#include "engine/task_counters.hpp"
#include "engine/slot_index.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

// One operation's surroundings.
struct Step {
  Timestamp now;
  std::uint64_t random;
  std::uint64_t origin;
  Effects& effects;
  bool require_lease = false;
  std::span<const PermitNeed> used{};  // of the attempt that this operation ends

  std::uint64_t draw() noexcept { return mix64(random += 0x9e37'79b9'7f4a'7c15); }
};

struct AttemptRow;
struct RowCounts;
struct TaskRow;
struct TotalsRow;

class TaskTable final : private QueueWaker {
 public:
  TaskTable(const NamespaceOptions& options, AgentTable& agents, PermitTable& permits);
  TaskTable(const TaskTable&) = delete;
  TaskTable& operator=(const TaskTable&) = delete;

  void submit(TaskDraft& draft, Step& step);
  // The best task that `party` may take, leased to it; false if there is none.
  bool claim(Slot party, const std::vector<std::string>& capabilities, const ClaimRequest& request,
             Step& step, ClaimedTask& out);
  bool is_of(const TaskId& id, const QueueKey& queue) const;  // also once it is claimed
  // Answers what an earlier claim with this claim id got and still holds; false if there was none.
  bool claim_again(Slot party, const ClaimRequest& request, Step& step,
                   std::vector<ClaimedTask>& out);
  void end(EndKind kind, AttemptEnd& item, Step& step);
  void hold(HoldKind kind, AttemptHold& item, const Progress* progress, Step& step);
  Result<TaskState> cancel(const TaskId& id, bool force, Step& step);
  Result<void> assign(const TaskId& id, std::string_view agent_id, Step& step);
  // Ends all leases of a party; answers how many.
  std::uint64_t end_leases(Slot party, Ended how, Step& step);
  Result<TaskId> replay(const ReplayTask& request, Step& step);

  Result<Task> get(const TaskId& id, bool watch, bool only_terminal, TaskState& state, Step& step);
  Result<Page<Task>> list(const TaskFilter& filter, const PageRequest& page) const;
  Result<Explanation> explain(const TaskId& id, Step& step);
  // What a party holds, and what waits for it alone; at most `max` of each.
  void tasks_of(Slot party, std::size_t max, std::vector<TaskId>& held,
                std::vector<TaskId>& directed) const;
  void stats(SchedulerStats& stats) const;
  const TaskCounters& counters() const noexcept { return counters_; }

  Timestamp next_due() const noexcept {
    if (families_.any_ended()) return 0;
    return std::min({deadlines_.next(), removal_due_, idempotency_.next_expiry()});
  }
  void advance_one(Step& step);  // Precondition: next_due() <= step.now
  // Removes up to `most` terminal tasks whose time is over. Who ends tasks does it: what the new ones
  // need was just used by the old ones, and no timer has to come for them.
  void make_room(std::size_t most, Timestamp now) {
    for (; most > 0 && removable_from_ <= now; --most) remove_oldest(now);
  }
  // The latest execution deadline among the party's leases that are not renewed; 0 = none.
  Timestamp quiet_until(Slot party) const;

  PartyTable& parties() noexcept { return parties_; }
  const std::shared_ptr<const QueueKey>& queue_key(QueueSlot queue) const { return queues_.key(queue); }
  std::uint64_t state_hash() const;

  // task_rows.cpp: for an export; begin and end are called together for all tables.
  void begin_export(ExportAside& aside);
  void end_export() noexcept;
  bool read_keys(RowBuffer& out, std::size_t bytes, int& visits) {
    return idempotency_.removed_cut().read(out, bytes, visits);
  }
  bool read_tasks(RowBuffer& out, std::size_t bytes, int& visits) {
    return tasks_.cut.read(out, bytes, visits);
  }
  void add_to(RowCounts& counts, TotalsRow& totals) const;

 private:
  friend struct EngineAudit;
  friend class TaskRestore;

  void put_called_aside(ExportAside& aside) const;
  bool write_row(Slot task, RowBuffer& out) const;
  void describe_family(const TaskRecord& record, TaskRow& row) const;
  void describe_attempt(const TaskRecord& record, AttemptRow& row) const;

  // task_submit.cpp
  std::optional<Error> check_submit(const TaskDraft& draft);
  bool answer_duplicate(TaskDraft& draft) const;
  struct Binding {  // what a record shares with others
    std::uint32_t type = kNoSlot, policy = kNoSlot, queue = kNoSlot, key = kNoSlot;
  };
  std::optional<Error> bind(TaskSpec& spec, Binding& binding);
  std::optional<Error> check_mailbox(std::string_view directed, QueueSlot queue) const;
  void unbind(TaskRecord& record);
  std::shared_ptr<const TaskDetails> make_details(TaskDraft& draft) const;
  TaskPolicy policy_of(const TaskSpec& spec) const;
  void remember_keys(const TaskDraft& draft, TaskRecord& record);
  void begin(TaskRef task, const TaskDraft& draft, Step& step);
  bool keeps_dependents(Slot parent) const;
  bool has_room_for_dependents(Slot parent, std::size_t count);
  void link_dependent(Slot parent, TaskRef task, Step& step);
  void unblock(TaskRef task, Step& step);
  void fail_by_parent(TaskRef task, std::string_view parent, Step& step);
  void count_unservable(const TaskRecord& record);

  // task_claim.cpp
  void lease(TaskRef task, Slot party, const ClaimRequest& request, Step& step);
  void fill(TaskRef task, ClaimedTask& out) const;
  TaskRef next_claimable(const std::vector<std::string>& capabilities, Slot party, Step& step);
  void join_claim_group(TaskRef task, Slot party, const std::string& claim_id);
  void leave_claim_group(AttemptRecord& attempt);

  // task_needs.cpp
  std::optional<Error> check_needs(const std::vector<PermitNeed>& needs) const;
  [[nodiscard]] bool enter_queue(QueueSlot queue);
  void leave_queue(QueueSlot queue, Step& step);
  bool may_have_needs(TaskRef task, Step& step);
  void take_needs(TaskRef task, AttemptRecord& attempt, Step& step);
  void end_needs(AttemptRecord& attempt, Ended how, Step& step);
  void reconsider(QueueSlot queue, Step& step);
  void may_claim(QueueSlot queue, Effects& effects) override;
  void tell_ready(QueueSlot queue, Effects& effects);
  const QueueKey& key_of(std::uint32_t queue) const override { return *queues_.key(queue); }
  Timestamp waits_since(std::uint32_t queue) const override { return queues_.needs(queue).since; }

  // task_ends.cpp
  enum class Token : std::uint8_t { current, ended };
  Result<Token> resolve(TaskRef task, const AttemptRef& ref, Step& step);
  void heard_of(Slot party, Step& step);
  Error not_holder(TaskRef task, std::uint32_t attempt) const;
  Error already_ended(TaskRef task, EndKind kind) const;
  void complete(TaskRef task, AttemptEnd& item, Step& step);
  void fail(TaskRef task, const AttemptEnd& item, Step& step);
  void report(TaskRef task, const Progress& progress, Step& step);
  // What follows the end of an attempt; finish_attempt came before.
  void failed_fatally(TaskRef task, Step& step);
  void failed_once(TaskRef task, std::int64_t retry_after_us, std::string_view kind, Step& step);
  void rate_limited(TaskRef task, std::int64_t retry_after_us, Step& step);
  void released(TaskRef task, Step& step);
  void crashed(TaskRef task, std::string_view error, Step& step);
  void retry(TaskRef task, std::int64_t delay_us, std::string_view kind, Step& step);
  void end_cancelled(TaskRef task, Step& step);
  void fail_finally(TaskRef task, TaskState state, TaskReason reason, std::string_view kind, Step& step);

  // task_table.cpp: the moves that all transitions are made of
  TaskRef at(Slot task) {
    tasks_.cut.touch(task);
    return ref_of(tasks_, task);
  }
  Slot find(const TaskId& id) const;
  Result<TaskRef> require(const TaskId& id, Step& step);  // found, its hard deadlines applied
  Result<TaskRef> look_up(const TaskId& id, Step& step);
  TaskId id_of(const TaskRecord& record) const;
  AttemptRecord& attempt_of(TaskRef task) {  // made if it has none
    if (task->attempt == kNoSlot) task->attempt = attempts_.take();
    return attempts_[task->attempt];
  }
  const AttemptToken* holder(const TaskRecord& record) const {  // of the current or last attempt
    if (record.attempt == kNoSlot) return nullptr;
    const AttemptToken& token = attempts_[record.attempt].token;
    return token.attempt == 0 ? nullptr : &token;
  }
  void set_state(TaskRecord& record, TaskState state, TaskReason reason, Timestamp now);
  void unlink(TaskRef task);                     // from its place
  void withdraw(TaskRef task, Step& step);
  void return_to_queue(TaskRef task, Step& step);
  void came_to_queue(TaskRef task, Step& step);
  void make_ready(TaskRef task, Step& step);     // into its queue, or its key's waiting list
  void make_wait(TaskRef task, TaskReason reason, Timestamp until, Step& step);
  void finish_attempt(TaskRef task, Ended how, AttemptOutcome outcome, std::uint64_t digest,
                      Step& step);
  // Of its last ended attempt; latency_us: as its holder reported it, 0 = as long as it was held.
  void tell_agent(TaskRef task, AttemptOutcome outcome, Step& step, std::int64_t latency_us = 0);
  void finish(TaskRef task, TaskState state, TaskReason reason, Step& step);
  void finish_cancelled(TaskRef task, Step& step);
  void set_timer(TaskRef task);
  std::uint64_t record_bytes(const TaskRecord& record) const;
  Timestamp next_deadline(const TaskRecord& record) const;
  EventDraft draft_event(EventType type, TaskRef task, Step& step) const;
  void emit(EventType type, TaskRef task, Step& step);

  // task_advance.cpp
  void apply_hard_deadlines(TaskRef task, Step& step);
  bool apply_due(TaskRef task, bool only_hard, Step& step);
  void time_out_attempt(TaskRef task, Step& step);
  void time_out_total(TaskRef task, Step& step);
  void resolve_dependent(Step& step);
  void remove_oldest(Timestamp now);
  void plan_removal(Timestamp now);

  // task_query.cpp
  Task snapshot(Slot task) const;
  bool matches(const TaskRecord& record, const TaskFilter& filter) const;
  void add_to(FieldDigest& digest, Slot task) const;  // all that later answers depend on

  // task_explain.cpp, task_replay.cpp
  void explain_parents(const TaskRecord& record, Explanation& told) const;
  void explain_pools(const TaskRecord& record, Explanation& told);
  void explain_agents(const TaskRecord& record, Explanation& told) const;
  TaskSpec spec_of(Slot task) const;
  TaskId original_of(const TaskRecord& record) const;
  using Revived = std::unordered_map<Slot, TaskId>;  // dead letters and the ids of their copies
  std::vector<Slot> failed_family(Slot task) const;
  bool fails_with_parent(Slot task) const;
  std::optional<Error> check_replay(const TaskId& id, const std::vector<Slot>& family);
  std::vector<QueueSlot> queues_of(const std::vector<Slot>& tasks) const;
  std::vector<TaskId> replayed_parents(Slot task, const Revived& revived) const;

  struct HeapPlace {
    Slab<TaskRecord>* tasks;
    std::uint32_t& operator()(Slot slot) const { return (*tasks)[slot].heap_index; }
  };
  struct ClaimGroup {
    std::string claim_id;
    Slot party = kNoSlot;
    std::uint32_t live = 0;
    std::vector<std::pair<Slot, std::uint64_t>> leases;  // task and nonce
  };

  using ClaimIds = std::unordered_multimap<std::uint64_t, Slot>;  // by hash of party and claim id

  static std::uint64_t hash_claim(Slot party, std::string_view claim_id);
  ClaimIds::iterator find_claim(Slot party, std::string_view claim_id);

  const Limits limits_;
  const Retention retention_;
  const std::int64_t cancel_grace_us_, default_timeout_us_;
  const std::uint32_t default_max_retries_;
  AgentTable& agents_;
  PermitTable& permits_;

  CutSlab<TaskRecord> tasks_;
  Slab<AttemptRecord, 8> attempts_;
  SlotIndex index_;
  SerialIndex serials_;
  NameTable types_;
  PolicyTable policies_;
  PartyTable parties_;
  ReadyQueues queues_;
  ConcurrencyKeys keys_;
  Families families_;
  IdempotencyIndex idempotency_;
  DeadlineHeap<HeapPlace> deadlines_;
  Slab<ClaimGroup, 6> claim_groups_;
  ClaimIds claim_ids_;
  TaskCounters counters_;
  std::vector<PoolNeed> needs_;  // of the task that is being claimed
  std::set<QueueSlot> called_;   // queues that have a place in line, and do not stand there

  // Terminal tasks, oldest first, linked through prev and next.
  Slot oldest_ = kNoSlot, newest_ = kNoSlot;
  std::uint64_t terminal_count_ = 0, terminal_bytes_ = 0;
  Timestamp removable_from_ = kNever;  // the oldest
  Timestamp removal_due_ = kNever;     // when advance begins with it; see plan_removal
  bool removing_ = false;
  std::uint64_t last_position_ = 0;
};

std::uint32_t hash_task_id(const TaskId& id) noexcept;

}  // namespace controlplane
