// What the task table keeps of one task: a hot part for every task, an attempt part for those that
// were ever claimed. Texts are interned or shared; ids of made tasks are binary.
#pragma once

#include <cstdint>
#include <memory>

#include "controlplane/json.hpp"
#include "controlplane/task.hpp"
#include "engine/slab.hpp"

namespace controlplane {

// Where a record is linked; exactly one at a time (the table's invariant 1).
enum class Place : std::uint8_t {
  nowhere,      // being moved
  fresh,        // FIFO of a ready queue
  returned,     // ordered set of a ready queue
  key_waiting,  // list of a full concurrency key
  waiting,      // delayed, backing off or blocked: only a timer or a parent moves it
  leased,       // list of its agent
  terminal      // retention list
};

// Why an attempt ended; what a late caller is told. Up to `released` its holder said so.
enum class Ended : std::uint8_t {
  not_yet, completed, failed, released, cancelled, expired, exec_timeout, total_timeout,
  reassigned, unregistered, superseded
};
std::string_view to_string(Ended ended) noexcept;  // "completed", "released by reassign_agent_tasks"

struct TaskRecord {
  TaskId::Uuid uuid{};                           // all zero if own_id: see details->own_id
  Json payload;
  std::shared_ptr<const TaskDetails> details;    // null if the spec used none of them
  Timestamp submitted_at = 0;
  Timestamp since = 0;                           // state and reason hold since then
  Timestamp until = 0;                           // end of a delay or backoff
  Timestamp first_ready = 0;                     // for ageing
  std::uint64_t position = 0;                    // in the order of becoming ready; 0 = never yet
  std::uint64_t serial = 0;                      // in the order of submission
  Slot prev = kNoSlot, next = kNoSlot;           // links of the list that `place` names
  std::uint32_t heap_index = kNoSlot;            // in the deadline heap
  std::uint32_t type = 0, queue = 0, policy = 0;
  Slot attempt = kNoSlot;                        // AttemptRecord, once claimed
  std::uint32_t key = kNoSlot;                   // concurrency key
  std::uint32_t key_limit = 0;
  Slot family = kNoSlot;                         // parents and dependents, if any
  TaskState state = TaskState::pending;
  TaskReason reason = TaskReason::none;
  TaskPriority priority = TaskPriority::normal;
  Place place = Place::nowhere;
  bool own_id = false;                           // named by its caller, in another form than ours
  bool keyed = false;                            // has entries in the idempotency index
  bool watched = false;                          // someone waits for its result
  bool cancel_requested = false;
};

// A task on its way through a transition: looked up once, because records never move.
struct TaskRef {
  Slot slot;
  TaskRecord* record;
  TaskRecord* operator->() const noexcept { return record; }
  TaskRecord& operator*() const noexcept { return *record; }
  operator Slot() const noexcept { return slot; }  // NOLINT: implicit by design
};
inline TaskRef ref_of(Slab<TaskRecord>& tasks, Slot slot) noexcept { return {slot, &tasks[slot]}; }

// One claimed attempt's proof: who holds it.
struct AttemptToken {
  std::uint64_t nonce = 0;
  std::uint64_t origin = 0;                      // coordinator that handed it out
  std::uint32_t attempt = 0;
  std::uint32_t party = kNoSlot;

  bool matches(const Lease& lease) const noexcept {
    return attempt != 0 && lease.attempt() == attempt && lease.nonce() == nonce;
  }
};

struct AttemptRecord {
  AttemptToken token;                            // of the current or the last attempt
  AttemptToken ended;                            // of the last ended attempt
  std::uint64_t ended_digest = 0;
  Timestamp claimed_at = 0, started_at = 0;
  Timestamp deadline = 0;                        // execution timeout
  Timestamp lease_until = 0;                     // 0 = does not renew
  Timestamp cancel_at = 0;                       // end of the cancel grace
  std::int64_t lease_ttl_us = 0;
  Slot lease_prev = kNoSlot, lease_next = kNoSlot;
  std::uint32_t claim_group = kNoSlot;           // set by a claim with a claim id
  Slot permit = kNoSlot;                         // what the task needs of pools, while it is leased
  std::uint32_t failures = 0, crashes = 0;
  std::uint16_t releases_in_row = 0, rate_limited_in_row = 0;
  double fraction = 0;
  Ended how = Ended::not_yet;                    // of `ended`
  Json result, checkpoint, usage;
  SharedText error, note;
};

}  // namespace controlplane
