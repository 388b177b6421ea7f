#include "engine/engine_audit.hpp"

#include <algorithm>
#include <set>

#include "engine/agent_table_impl.hpp"
#include "engine/namespace_impl.hpp"

namespace controlplane {

namespace {

bool is_leased(TaskState state) {
  return state == TaskState::claimed || state == TaskState::running;
}

template <class Map>
std::uint64_t at(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? 0 : found->second;
}

}  // namespace

std::vector<std::string> EngineAudit::check(const Namespace& tables) {
  EngineAudit audit(tables);
  audit.scan_tasks();
  audit.check_timers();
  audit.check_counters();
  audit.check_serials();
  audit.check_queues();
  audit.check_offers();
  audit.check_parties();
  audit.check_keys();
  audit.check_families();
  audit.check_claims();
  audit.check_names();
  audit.check_retention();
  audit.check_idempotency();
  audit.check_limits();
  audit.check_agents();
  audit.check_documents();
  audit.check_permits();
  audit.check_logs();
  return std::move(audit.violations_);
}

EngineAudit::EngineAudit(const Namespace& tables)
    : options_(tables.impl_->options),
      tasks_(tables.impl_->tasks),
      agents_(tables.impl_->agents),
      documents_(tables.impl_->documents),
      permits_(tables.impl_->permits),
      logs_(tables.impl_->logs) {
  const LogTable& log = tables.impl_->log;
  expect(log.size() <= options_.limits.max_events, "the log holds ", log.size(), " events");
  const bool ages = options_.event_retention_us != 0 && log.size() > 0;
  expect((log.next_due() != LogTable::kNeverDue) == ages, "the log of events has a wrong timer");
}

void EngineAudit::scan_tasks() {
  serials_.resize(tasks_.tasks_.end());
  tasks_.serials_.scan(
      0, [](const auto&) { return true; },
      [&](std::uint64_t serial, Slot task) {
        scan_task(task, serial);
        return true;
      });
  expect(records_ == tasks_.tasks_.size(), "the slab holds ", tasks_.tasks_.size(),
         " records, the serial index ", records_);
  expect(records_ == tasks_.index_.size(), "the id index holds ", tasks_.index_.size(), " of ",
         records_);
  expect(attempts_ == tasks_.attempts_.size(), "the slab holds ", tasks_.attempts_.size(),
         " attempts, the records ", attempts_);
}

void EngineAudit::scan_task(Slot task, std::uint64_t serial) {
  const TaskRecord& record = tasks_.tasks_[task];
  expect(serials_[task] == 0, "slot ", task, " has two serial numbers");
  serials_[task] = serial;
  ++records_;
  expect(record.serial == serial, "slot ", task, " says serial ", record.serial, ", not ", serial);
  expect(tasks_.find(tasks_.id_of(record)) == task, "the id of slot ", task,
         " does not lead to it");

  counters_.enter(record.state, record.reason, record.priority);
  ++at_place_[static_cast<std::uint64_t>(record.place)];
  ++types_[record.type];
  ++policies_[record.policy];
  ++queue_users_[record.queue];
  if (!is_terminal(record.state)) ++queue_live_[record.queue];
  if (record.key != kNoSlot) ++key_users_[record.key];
  if (record.family != kNoSlot) ++families_;
  if (record.attempt != kNoSlot) scan_attempt(task);
  if (record.keyed) {
    keyed_ += record.details->own_id.empty() ? 0 : 1;
    keyed_ += record.details->idempotency_key.empty() ? 0 : 1;
    keyed_ += record.details->operation_id.empty() ? 0 : 1;
  }
  check_place(task);
  check_timer(task);
}

void EngineAudit::scan_attempt(Slot task) {
  const TaskRecord& record = tasks_.tasks_[task];
  const AttemptRecord& attempt = tasks_.attempts_[record.attempt];
  ++attempts_;
  for (const AttemptToken* token : {&attempt.token, &attempt.ended}) {
    if (token->party != kNoSlot) ++party_uses_[token->party];
  }
  expect(attempt.ended.attempt <= attempt.token.attempt, "slot ", task, " ended attempt ",
         attempt.ended.attempt, " of ", attempt.token.attempt);
  if (!is_leased(record.state)) {
    expect(attempt.claim_group == kNoSlot, "slot ", task, " is in a claim group without a lease");
    expect(attempt.ended.attempt == attempt.token.attempt, "slot ", task, " lost an attempt");
    return;
  }
  expect(attempt.ended.attempt < attempt.token.attempt, "slot ", task, " holds an ended attempt");
  ++party_leases_[attempt.token.party];
  if (attempt.claim_group != kNoSlot) ++claims_[attempt.claim_group];
  if (record.key == kNoSlot) return;
  ++key_leases_[record.key];
  key_bound_[record.key] = std::max<std::uint64_t>(key_bound_[record.key], record.key_limit);
}

void EngineAudit::check_place(Slot task) {
  const TaskRecord& record = tasks_.tasks_[task];
  const Place place = record.place;
  bool right = place == Place::waiting;  // delayed, backing off, blocked
  if (is_terminal(record.state)) {
    right = place == Place::terminal;
    ++terminal_;
    terminal_bytes_ += tasks_.record_bytes(record);
    expect(!record.cancel_requested, "slot ", task, " ended with a cancel request");
  } else if (is_leased(record.state)) {
    right = place == Place::leased;
  } else if (record.reason == TaskReason::ready) {
    const bool queued = place == Place::fresh || place == Place::returned;
    right = queued || place == Place::key_waiting;
    if (queued && record.key != kNoSlot) ++ready_of_key_[{record.queue, record.key_limit}];
    expect(record.position != 0, "slot ", task, " is ready without a position");
  }
  expect(right, "slot ", task, " is ", to_string(record.state), " ", to_string(record.reason),
         " in place ", static_cast<int>(place));
  expect(is_leased(record.state) || !record.cancel_requested, "slot ", task,
         " is to be cancelled without a holder");
}

void EngineAudit::check_timer(Slot task) {
  const TaskRecord& record = tasks_.tasks_[task];
  const bool entered = record.heap_index != kNoSlot;
  timed_ += entered ? 1 : 0;
  if (is_terminal(record.state)) return expect(!entered, "slot ", task, " ended and has a timer");
  const Timestamp next = tasks_.next_deadline(record);
  if (next == kNever) return;
  expect(entered, "slot ", task, " has a deadline and no timer");
  if (!entered) return;
  const auto& items = tasks_.deadlines_.items_;
  const bool there = record.heap_index < items.size() && items[record.heap_index].slot == task;
  expect(there, "slot ", task, " is not where the heap has it");
  expect(!there || items[record.heap_index].when <= next, "the timer of slot ", task,
         " is late by ", items[record.heap_index].when - next, " us");
}

void EngineAudit::check_timers() {
  const auto& items = tasks_.deadlines_.items_;
  expect(items.size() == timed_, "the heap has ", items.size(), " entries for ", timed_,
         " records");
  for (std::size_t i = 1; i < items.size(); ++i) {
    expect(!tasks_.deadlines_.before(items[i], items[(i - 1) / 4]), "heap entry ", i,
           " is before its parent");
  }
}

void EngineAudit::check_counters() {
  const TaskCounters& kept = tasks_.counters_;
  expect(kept.by_state == counters_.by_state, "the counters by state are wrong");
  expect(kept.pending_by_reason == counters_.pending_by_reason, "the counters by reason are wrong");
  expect(kept.pending_by_priority == counters_.pending_by_priority,
         "the counters by priority are wrong");
}

void EngineAudit::check_serials() {
  const SerialIndex& index = tasks_.serials_;
  for (const auto& chunk : index.chunks_) {
    if (chunk == nullptr) continue;
    std::array<std::uint16_t, kTaskStates> states{};
    std::uint16_t live = 0;
    for (const Slot task : chunk->slots) {
      if (task == kNoSlot) continue;
      ++live;
      ++states[static_cast<std::size_t>(tasks_.tasks_[task].state)];
    }
    expect(live == chunk->live, "a chunk of serials counts ", chunk->live, " records, not ", live);
    expect(states == chunk->states, "a chunk of serials miscounts states");
  }
}

void EngineAudit::check_queues() {
  const ReadyQueues& queues = tasks_.queues_;
  expect(queues.by_hash_.size() == queues.queues_.size(), "queues and their index differ");
  std::uint64_t undirected = 0;
  for (const auto& [hash, queue] : queues.by_hash_) {
    check_queue(queue);
    const auto& q = queues.queues_[queue];
    undirected += q.linked && q.party == kNoSlot ? 1 : 0;
  }
  expect(undirected == queues.undirected_, "undirected queues: ", queues.undirected_, ", not ",
         undirected);
  std::set<QueueSlot> idle(queues.idle_.begin(), queues.idle_.end());
  expect(idle.size() == queues.idle_.size(), "a queue is idle twice");
  for (const QueueSlot queue : idle) {
    expect(queues.queues_[queue].idle && queues.queues_[queue].linked, "queue ", queue,
           " is not idle");
  }
  for (const Place place : {Place::fresh, Place::returned}) {
    expect(at_place_[static_cast<std::uint64_t>(place)] == 0, "a ready record is in no queue");
  }
  expect(at_place_[static_cast<std::uint64_t>(Place::nowhere)] == 0, "a record is nowhere");
}

void EngineAudit::check_queue(std::uint32_t slot) {
  const auto& queue = tasks_.queues_.queues_[slot];
  expect(queue.users == at(queue_users_, slot), "queue ", slot, " has ", queue.users, " users");
  expect(queue.live == at(queue_live_, slot), "queue ", slot, " has ", queue.live, " live tasks");
  expect(queue.linked || queue.live == 0, "queue ", slot, " has tasks and is not linked");
  expect(queue.linked || queue.users > 0, "queue ", slot, " is kept for nothing");
  expect(!queue.linked || queue.live > 0 || queue.idle, "queue ", slot, " is linked for nothing");
  for (std::size_t number = 0; number < kTaskPriorities; ++number) {
    const auto& level = queue.levels[number];
    const auto belongs = [&](Slot task, Place place) {
      const TaskRecord& record = tasks_.tasks_[task];
      --at_place_[static_cast<std::uint64_t>(place)];
      return record.place == place && record.queue == slot &&
             static_cast<std::size_t>(record.priority) == number;
    };
    Slot before = kNoSlot;
    for (Slot task = level.head; task != kNoSlot; task = tasks_.tasks_[task].next) {
      const TaskRecord& record = tasks_.tasks_[task];
      expect(belongs(task, Place::fresh), "slot ", task, " is in the wrong FIFO");
      expect(record.prev == before, "slot ", task, " is linked one way only");
      expect(before == kNoSlot || tasks_.tasks_[before].position < record.position, "slot ", task,
             " stands before an older one");
      before = task;
    }
    expect(level.tail == before, "queue ", slot, " has a wrong tail");
    for (const auto& [position, task] : level.returned) {
      expect(belongs(task, Place::returned) && tasks_.tasks_[task].position == position, "slot ",
             task, " is in the wrong set of returned tasks");
    }
    const bool in_use = level.head != kNoSlot || !level.returned.empty();
    expect(((queue.levels_in_use >> number) & 1) == (in_use ? 1 : 0), "queue ", slot,
           " has a wrong mask");
  }
}

void EngineAudit::check_offers() {
  const ReadyQueues& queues = tasks_.queues_;
  for (const auto& [hash, offer] : queues.offers_) {
    std::set<QueueSlot> wanted;
    for (const auto& [ignored, queue] : queues.by_hash_) {
      const auto& q = queues.queues_[queue];
      if (!q.linked || q.party != kNoSlot || !includes_all(offer.sorted, q.key->required)) continue;
      wanted.insert(queue);
    }
    const std::set<QueueSlot> kept(offer.queues.begin(), offer.queues.end());
    expect(kept == wanted && kept.size() == offer.queues.size(), "an offer of ",
           offer.sorted.size(), " capabilities lists ", offer.queues.size(), " queues, not the ",
           wanted.size(), " that it can serve");
  }
}

void EngineAudit::check_parties() {
  const PartyTable& parties = tasks_.parties_;
  expect(parties.by_name_.size() == parties.parties_.size(), "parties and their names differ");
  std::uint64_t leases = 0;
  for (const auto& [name, slot] : parties.by_name_) {
    const Party& party = parties.parties_[slot];
    expect(party.name == name, "party ", slot, " is called ", party.name, ", not ", name);
    expect(party.uses == at(party_uses_, slot), "party ", name, " has ", party.uses, " uses, not ",
           at(party_uses_, slot));
    expect(party.uses > 0 || party.agent != kNoAgent || !party.directed.empty(), "party ", name,
           " is kept for nothing");
    check_leases(slot);
    leases += party.leases;
    for (const QueueSlot queue : party.directed) {
      expect(tasks_.queues_.queues_[queue].party == slot, "party ", name, " lists a foreign queue");
    }
    if (party.agent == kNoAgent) continue;
    expect(agents_.find(name) == party.agent, "party ", name, " names another agent");
    expect(agents_.impl_->records[party.agent].running == party.leases, "agent ", name, " runs ",
           agents_.impl_->records[party.agent].running, ", but holds ", party.leases);
  }
  expect(leases == at_place_[static_cast<std::uint64_t>(Place::leased)],
         "a leased record is in nobody's list");
}

void EngineAudit::check_leases(Slot slot) {
  const Party& party = tasks_.parties_.parties_[slot];
  std::uint64_t count = 0;
  Slot before = kNoSlot;
  for (Slot task = party.first_lease; task != kNoSlot && count <= records_; ++count) {
    const TaskRecord& record = tasks_.tasks_[task];
    const AttemptRecord& attempt = tasks_.attempts_[record.attempt];
    expect(record.place == Place::leased && attempt.token.party == slot, "slot ", task,
           " is in the wrong list of leases");
    expect(attempt.lease_prev == before, "the leases of ", party.name, " are linked one way only");
    before = task;
    task = attempt.lease_next;
  }
  expect(count == party.leases && count == at(party_leases_, slot), "party ", party.name, " has ",
         party.leases, " leases, its list ", count, ", the scan ", at(party_leases_, slot));
}

void EngineAudit::check_keys() {
  const ConcurrencyKeys& keys = tasks_.keys_;
  expect(keys.by_name_.size() == keys.keys_.size(), "keys and their names differ");
  for (const auto& [name, slot] : keys.by_name_) {
    const auto& key = keys.keys_[slot];
    expect(key.users == at(key_users_, slot) && key.users > 0, "key ", name, " has ", key.users,
           " users");
    expect(key.leases == at(key_leases_, slot), "key ", name, " has ", key.leases, " leases, not ",
           at(key_leases_, slot));
    expect(key.leases <= at(key_bound_, slot), "key ", name, " has ", key.leases,
           " leases, more than any of its holders allows");
    check_waiting(slot);
  }
  expect(at_place_[static_cast<std::uint64_t>(Place::key_waiting)] == 0,
         "a record waits for a key that does not know it");
}

// Nobody waits for a key that has room, unless others of the group are on their way to fill it.
void EngineAudit::check_waiting(std::uint32_t slot) {
  const auto& key = tasks_.keys_.keys_[slot];
  for (const auto& [group, waiting] : key.waiting) {
    const auto& [queue, limit] = group;
    expect(!ConcurrencyKeys::is_empty(waiting), "key ", key.name, " keeps an empty group");
    const std::uint64_t room = limit > key.leases ? limit - key.leases : 0;
    expect(at(ready_of_key_, {queue, limit}) >= room, "key ", key.name, " has room for ", room,
           " and tasks that wait for it");
    for (std::size_t level = 0; level < waiting.size(); ++level) {
      for (const auto& [position, task] : waiting[level]) {
        const TaskRecord& record = tasks_.tasks_[task];
        --at_place_[static_cast<std::uint64_t>(Place::key_waiting)];
        expect(record.place == Place::key_waiting && record.key == slot && record.queue == queue &&
                   record.key_limit == limit && record.position == position &&
                   static_cast<std::size_t>(record.priority) == level,
               "slot ", task, " waits in the wrong group of key ", key.name);
      }
    }
  }
}

void EngineAudit::check_families() {
  const Families& families = tasks_.families_;
  expect(families.families_.size() == families_, "families: ", families.families_.size(), " for ",
         families_, " records");
  Count awaited;
  std::uint64_t resolving = 0;
  for (Slot task = 0; task < serials_.size(); ++task) {
    const Family* family = serials_[task] == 0 ? nullptr : families.find(task);
    if (family == nullptr) continue;
    const bool ended = is_terminal(tasks_.tasks_[task].state);
    resolving += family->resolving ? 1 : 0;
    expect(ended || (family->resolved == 0 && !family->resolving), "slot ", task,
           " told its dependents before its end");
    expect(!ended || family->resolving == (family->resolved < family->dependents.size()), "slot ",
           task, " stopped telling its dependents");
    for (std::size_t i = family->resolved; i < family->dependents.size(); ++i) {
      const Child& child = family->dependents[i];
      if (serials_[child.task] == child.serial) ++awaited[child.task];
    }
  }
  expect(resolving == families.ended_.size(), "the list of ended parents is wrong");
  for (Slot task = 0; task < serials_.size(); ++task) {
    const Family* family = serials_[task] == 0 ? nullptr : families.find(task);
    if (family == nullptr) continue;
    expect(family->awaited == at(awaited, task), "slot ", task, " awaits ", family->awaited,
           " parents, not ", at(awaited, task));
    expect(tasks_.tasks_[task].reason != TaskReason::blocked || family->awaited > 0, "slot ", task,
           " is blocked by nobody");
  }
}

void EngineAudit::check_claims() {
  const TaskTable& tasks = tasks_;
  expect(tasks.claim_groups_.size() == claims_.size(), "claim groups: ", tasks.claim_groups_.size(),
         ", not ", claims_.size());
  expect(tasks.claim_ids_.size() == claims_.size(), "claim ids: ", tasks.claim_ids_.size());
  for (const auto& [group, leases] : claims_) {
    expect(tasks.claim_groups_[static_cast<Slot>(group)].live == leases, "claim ",
           tasks.claim_groups_[static_cast<Slot>(group)].claim_id, " has lost count of its leases");
  }
}

void EngineAudit::check_names() {
  const NameTable& types = tasks_.types_;
  expect(types.by_name_.size() == types_.size(), "task types: ", types.by_name_.size(), ", not ",
         types_.size());
  for (const auto& [type, uses] : types_) {
    expect(types.names_[static_cast<Slot>(type)].uses == uses,
           "a task type has lost count of its uses");
  }
  const PolicyTable& policies = tasks_.policies_;
  expect(policies.by_hash_.size() == policies_.size(), "policies: ", policies.by_hash_.size(),
         ", not ", policies_.size());
  for (const auto& [policy, uses] : policies_) {
    expect(policies.entries_[static_cast<Slot>(policy)].uses == uses,
           "a policy has lost count of its uses");
  }
}

void EngineAudit::check_retention() {
  std::uint64_t count = 0;
  Slot before = kNoSlot;
  for (Slot task = tasks_.oldest_; task != kNoSlot && count <= records_; ++count) {
    const TaskRecord& record = tasks_.tasks_[task];
    expect(record.place == Place::terminal && record.prev == before, "slot ", task,
           " is wrongly linked in the retention list");
    expect(before == kNoSlot || tasks_.tasks_[before].since <= record.since, "slot ", task,
           " ended before one that stands in front of it");
    before = task;
    task = record.next;
  }
  expect(tasks_.newest_ == before, "the retention list has a wrong end");
  expect(count == terminal_ && tasks_.terminal_count_ == terminal_, "terminal tasks: ", terminal_,
         ", counted ", tasks_.terminal_count_, ", listed ", count);
  expect(tasks_.terminal_bytes_ == terminal_bytes_, "terminal bytes: ", terminal_bytes_,
         ", counted ", tasks_.terminal_bytes_);
}

void EngineAudit::check_idempotency() {
  const IdempotencyIndex& index = tasks_.idempotency_;
  std::uint64_t alive = 0;
  for (const auto& [key, entry] : index.entries_) {
    if (!entry.alive) continue;
    ++alive;
    expect(tasks_.find(entry.task) != kNoSlot, "a key lives without its task ", entry.task.str());
  }
  expect(alive == keyed_, "keys of live tasks: ", alive, ", not ", keyed_);
  expect(index.expiring_.size() == index.entries_.size() - alive, "a key never expires");
}

void EngineAudit::check_limits() {
  const Limits& limits = options_.limits;
  expect(records_ <= limits.max_tasks, "max_tasks is exceeded");
  expect(tasks_.queues_.undirected_ <= limits.max_queues, "max_queues is exceeded");
  expect(tasks_.keys_.size() <= limits.max_concurrency_keys, "max_concurrency_keys is exceeded");
  expect(tasks_.idempotency_.size() <= limits.max_idempotency_keys,
         "max_idempotency_keys is exceeded");
  expect(tasks_.types_.size() <= limits.max_task_types, "max_task_types is exceeded");
  expect(tasks_.policies_.size() <= limits.max_policies, "max_policies is exceeded");
  for (Slot task = 0; task < serials_.size(); ++task) {
    if (serials_[task] == 0) continue;
    expect(tasks_.families_.dependents(task) <= limits.max_dependents,
           "max_dependents is exceeded");
  }
}

void EngineAudit::check_agents() {
  const AgentTable::Impl& table = *agents_.impl_;
  AgentCounts counts;
  for (const auto& [name, agent] : table.by_id) {
    counts.add(table.records[agent]);
    expect(table.records[agent].agent_id == name, "agent ", name, " is called otherwise");
    expect(tasks_.parties_.find(name) != kNoSlot &&
               tasks_.parties_[tasks_.parties_.find(name)].agent == agent,
           "agent ", name, " is unknown among the holders");
    check_agent(agent);
  }
  expect(counts == table.counts, "the counters of agents are wrong");
  expect(table.by_id.size() == table.records.size(), "agents and their names differ");
  expect(table.by_id.size() <= options_.limits.max_agents, "max_agents is exceeded");
  const auto& items = table.deadlines.items_;
  expect(items.size() == table.by_id.size(), "the heap of agents has ", items.size(), " entries");
  for (std::size_t i = 1; i < items.size(); ++i) {
    expect(!table.deadlines.before(items[i], items[(i - 1) / 4]), "agent heap entry ", i,
           " is before its parent");
  }
}

void EngineAudit::check_agent(std::uint32_t slot) {
  const AgentTable::Impl& table = *agents_.impl_;
  const AgentRecord& agent = table.records[slot];
  expect(agent.status == status_of(agent), "agent ", agent.agent_id, " shows a wrong status");
  expect(agent.health == health_of(agent), "agent ", agent.agent_id, " shows a wrong health");
  expect(agent.available == is_available(agent), "agent ", agent.agent_id, " is wrongly available");
  const auto& items = table.deadlines.items_;
  const bool there =
      agent.deadline_place < items.size() && items[agent.deadline_place].slot == slot;
  expect(there, "agent ", agent.agent_id, " is not where the heap has it");
  if (!there) return;
  // An execution deadline without renewals counts as a sign of life; the heap may have heard of it.
  const Slot party = tasks_.parties_.find(agent.agent_id);
  const Timestamp quiet = party == kNoSlot ? 0 : tasks_.quiet_until(party);
  const Timestamp due = table.deadline_of(agent);
  const Timestamp latest = std::max(due, quiet + options_.heartbeat_timeout_us);
  expect(items[agent.deadline_place].when <= latest, "the timer of agent ", agent.agent_id,
         " is late by ", items[agent.deadline_place].when - latest, " us");
}

void EngineAudit::check_documents() {
  const auto& items = documents_.expiries_.items_;
  std::uint64_t bytes = 0, expiring = 0;
  std::uint64_t documents = 0;
  documents_.index_.scan({}, {}, [&](std::string_view key, Slot slot) {
    const DocumentRecord& record = documents_.records_[slot];
    const Document& document = record.document;
    ++documents;
    bytes += DocumentTable::bytes_of(document);
    expect(document.key == key && documents_.index_.find(key) == slot, "document ", key,
           " is not where its key leads");
    expect(document.version > 0, "document ", key, " has no version");
    const bool listed = record.place != kNoSlot;
    expect(listed == (document.expires_at != 0), "document ", key, " has a wrong timer");
    if (!listed) return true;
    ++expiring;
    expect(record.place < items.size() && items[record.place].slot == slot &&
               items[record.place].when == document.expires_at,
           "document ", key, " is not where the heap has it");
    return true;
  });
  const DocumentStats& stats = documents_.stats_;
  expect(documents_.index_.size() == documents, "documents and keys differ");
  expect(documents_.records_.size() == stats.documents && documents == stats.documents &&
             bytes == stats.bytes,
         "the counters of documents are wrong");
  expect(items.size() == expiring, "the heap of documents has ", items.size(), " entries");
  expect(stats.documents <= options_.limits.max_documents, "max_documents is exceeded");
  expect(bytes <= options_.limits.max_documents_bytes, "max_documents_bytes is exceeded");
}

void EngineAudit::check_logs() {
  std::uint64_t entries = 0, bytes = 0, aging = 0;
  logs_.index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    const NamedLog& log = logs_.logs_[slot];
    expect(log.name == name && logs_.index_.find(name) == slot, "log ", name,
           " is not where its name leads");
    entries += log.entries.size();
    bytes += log.entries.bytes();
    aging += log.place != kNoSlot ? 1 : 0;
    check_log(slot);
    return true;
  });
  const LogStats& stats = logs_.stats_;
  const Limits& limits = options_.limits;
  expect(logs_.index_.size() == stats.logs && logs_.logs_.size() == stats.logs,
         "logs are counted wrongly");
  expect(entries == stats.entries && bytes == stats.bytes, "entries of logs are counted wrongly");
  expect(logs_.ages_.items_.size() == aging, "the heap of logs has ", logs_.ages_.items_.size(),
         " entries");
  expect(stats.logs <= limits.max_logs, "max_logs is exceeded");
  expect(entries <= limits.max_log_entries, "max_log_entries is exceeded");
  expect(bytes <= limits.max_logs_bytes, "max_logs_bytes is exceeded");
}

// Its numbers have no gap and its times never go back; it is within its bounds, and its timer is that
// of its first entry.
void EngineAudit::check_log(Slot slot) {
  const NamedLog& log = logs_.logs_[slot];
  const LogTable& entries = log.entries;
  std::uint64_t last = entries.first_seq() - 1, bytes = 0;
  Timestamp first_time = 0, time = 0;
  (void)entries.read(last, entries.size() + 1, [&](const LogTable::Entry& entry) {
    expect(entry.seq == last + 1, "log ", log.name, " has ", entry.seq, " after ", last);
    expect(entry.time >= time, "entry ", entry.seq, " of log ", log.name, " is too early");
    if (first_time == 0) first_time = entry.time;
    last = entry.seq;
    time = entry.time;
    bytes += entry.bytes.size();
    return true;
  });
  expect(last == entries.last_seq() && bytes == entries.bytes(), "log ", log.name, " ends at ", last,
         " with ", bytes, " bytes");
  expect(entries.first_seq() > log.begins_after && log.begins_after <= logs_.last_dropped_, "log ",
         log.name, " begins too early");
  expect(entries.size() <= log.bounds.max_entries && bytes <= log.bounds.max_bytes, "log ",
         log.name, " is larger than its bounds");
  std::uint64_t named = entries.first_seq() - 1;
  log.operations.each([&](std::uint64_t seq, std::string_view operation) {
    expect(seq > named && seq <= last, "operation ", operation, " of log ", log.name,
           " appended what is not there");
    expect(log.operations.find(operation) == seq, "operation ", operation, " leads elsewhere");
    named = seq;
  });
  const bool ages = log.bounds.max_age.count() > 0 && entries.size() > 0;
  expect((log.place != kNoSlot) == ages, "log ", log.name, " has a wrong timer");
  if (!ages || log.place == kNoSlot) return;
  const auto& item = logs_.ages_.items_[log.place];
  const Timestamp due = first_time + std::chrono::microseconds(log.bounds.max_age).count();
  expect(item.slot == slot && item.when == entries.next_due() && item.when >= due &&
             item.when < due + 1'000'000,
         "log ", log.name, " is not where the heap has it");
}

void EngineAudit::check_permits() {
  const PermitTable& table = permits_;
  std::uint64_t pools = 0, shares = 0, held = 0;
  table.pool_index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    ++pools;
    held += table.pools_[slot].permits.size();
    expect(table.pools_[slot].spec().name == name && table.pool_index_.find(name) == slot, "pool ",
           name, " is not where its name leads");
    check_pool(slot);
    return true;
  });
  expect(pools == table.pools_.size() && pools == table.pool_index_.size(), "pools: ", pools,
         ", counted ", table.pools_.size());
  const auto& items = table.expiries_.items_;
  std::uint64_t named = 0;
  for (Slot slot = 0; slot < table.permits_.end(); ++slot) {
    const PermitRecord& permit = table.permits_[slot];
    const std::uint64_t fence = permit.fence;
    if (fence == 0 || permit.of_attempt) continue;
    shares += permit.shares.size();
    named += permit.operation.empty() ? 0 : 1;
    const auto found = table.by_fence_.find(static_cast<std::uint32_t>(fence),
                                            [&](Slot other) { return other == slot; });
    expect(found == slot && fence <= table.last_fence_, "permit ", fence, " is not found");
    expect(permit.place < items.size() && items[permit.place].slot == slot &&
               items[permit.place].when == permit.expires_at,
           "permit ", fence, " is not where the heap has it");
    for (const PermitShare& share : permit.shares) {
      bool known = false;
      table.pools_[share.pool].permits.scan(fence - 1, table.is_live(), [&](auto, Slot other) {
        known = other == slot;
        return false;
      });
      expect(known, "permit ", fence, " is unknown to its pool");
    }
  }
  std::uint64_t attempts = 0;
  for (Slot task = 0; task < serials_.size(); ++task) {
    if (serials_[task] == 0 || tasks_.tasks_[task].attempt == kNoSlot) continue;
    const AttemptRecord& attempt = tasks_.attempts_[tasks_.tasks_[task].attempt];
    const bool needs = !tasks_.queues_.needs(tasks_.tasks_[task].queue).pools.empty();
    const bool leased = tasks_.tasks_[task].place == Place::leased;
    expect((attempt.permit != kNoSlot) == (leased && needs), "task slot ", task,
           leased ? " has no permit" : " has kept its permit");
    if (attempt.permit == kNoSlot) continue;
    ++attempts;
    shares += table.permits_[attempt.permit].shares.size();
    expect(table.permits_[attempt.permit].of_attempt, "an attempt has the permit of another");
  }
  expect(shares == held, "pools have ", held, " permits, permits have ", shares, " pools");
  expect(items.size() == table.by_fence_.size() &&
             items.size() + attempts == table.permits_.size(),
         "the heap of permits has ", items.size(), " entries");
  expect(named == table.permit_of_operation_.size(), "operations of permits: ", named);
  expect(table.changed_.empty(), "a line was not served");
  expect(table.by_fence_.size() + table.waiter_of_operation_.size() <= options_.limits.max_permits,
         "max_permits is exceeded");
  check_waiters();
}

// What is held fits what is used, and never exceeds what a pool may give but by a settlement or a
// capacity that was lowered.
void EngineAudit::check_pool(Slot slot) {
  const PermitPool& pool = permits_.pools_[slot];
  const std::string& name = pool.spec().name;
  std::uint64_t amount = 0;
  std::set<std::uint32_t> numbers(pool.free_.begin(), pool.free_.end());
  expect(numbers.size() == pool.free_.size(), "pool ", name, " has a free number twice");
  std::uint64_t live = 0;
  pool.permits.scan(0, permits_.is_live(), [&](auto, Slot permit) {
    ++live;
    for (const PermitShare& share : permits_.permits_[permit].shares) {
      if (share.pool != slot) continue;
      amount += share.amount;
      for (const std::uint32_t number : share.numbers) {
        expect(numbers.insert(number).second, "pool ", name, " gave number ", number, " twice");
      }
    }
    return true;
  });
  expect(live == pool.permits.size(), "pool ", name, " counts its permits wrongly");
  const PoolKind kind = pool.spec().kind;
  if (kind == PoolKind::count || kind == PoolKind::number) {
    expect(pool.used_ == amount, "pool ", name, " has ", amount, " out, not ", pool.used_);
  }
  if (kind == PoolKind::budget) {
    expect(pool.used_ >= amount, "pool ", name, " has lost what is reserved");
  }
  if (kind == PoolKind::number) {
    for (std::uint64_t n = pool.spec().first; n <= pool.spec().last; ++n) {
      expect(numbers.count(static_cast<std::uint32_t>(n)) == 1, "pool ", name, " lost number ", n);
    }
  }
  if (kind == PoolKind::window) {
    std::uint64_t total = 0;
    for (const std::uint64_t used : pool.window_->used_) total += used;
    expect(total == pool.window_->total(), "pool ", name, " sums up wrongly");
  }
  expect(!pool.is_lease || !pool.permits.empty() || pool.awaited > 0 || pool.tasks > 0, "lease ",
         name, " is unused");
}

void EngineAudit::check_waiters() {
  const PermitTable& table = permits_;
  const auto& items = table.deadlines_.items_;
  Count awaited;
  std::uint64_t standing = 0;
  for (const auto& [operation, slot] : table.waiter_of_operation_) {
    const PermitWaiter& waiter = table.waiters_[slot];
    expect(waiter.operation == operation, "waiter ", operation, " is another");
    expect(waiter.place < items.size() && items[waiter.place].slot == slot, "waiter ", operation,
           " is not where the heap has it");
    expect(table.permit_of_operation_.count(operation) == 0, operation, " has a permit and waits");
    bool stands = false;
    table.pools_[waiter.line].waiting.each([&](Slot other) { stands |= other == slot; });
    expect(stands, "waiter ", operation, " stands in no line");
    for (const PoolNeed& need : waiter.needs) ++awaited[need.pool];
  }
  Count tasks_of_pool;
  std::uint64_t queues = 0, called = 0;
  for (QueueSlot queue = 0; queue < tasks_.queues_.queues_.end(); ++queue) {
    const auto& q = tasks_.queues_.queues_[queue];
    if (q.live == 0) continue;
    for (const Slot pool : q.needs.pools) tasks_of_pool[pool] += q.live;
    const bool is_called = q.needs.number != 0 && q.needs.waiter == kNoSlot;
    called += is_called ? 1 : 0;
    expect(is_called == (tasks_.called_.count(queue) > 0), "queue ", queue, " was called or not");
    if (q.needs.waiter == kNoSlot) continue;
    ++queues;
    const PermitWaiter& waiter = table.waiters_[q.needs.waiter];
    expect(waiter.queue == queue && waiter.number == q.needs.number, "queue ", queue,
           " stands in line as another one");
    for (const PoolNeed& need : waiter.needs) ++awaited[need.pool];
  }
  expect(called == tasks_.called_.size(), "queues that are gone were called");
  table.pool_index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    const PermitPool& pool = table.pools_[slot];
    standing += pool.waiting.size();
    expect(at(tasks_of_pool, slot) == pool.tasks, "pool ", name, " counts ", pool.tasks,
           " tasks, not ", at(tasks_of_pool, slot));
    expect(at(awaited, slot) == pool.awaited, "pool ", name, " counts who waits wrongly");
    const Slot first = pool.waiting.first();
    if (first == kNoSlot) return true;
    expect(pool.waiting.size() > 0, "pool ", name, " has a first of nobody");
    // Who is first and may have all it needs is served at once, or will be looked at.
    if (pool.spec().kind == PoolKind::window || pool.place != kNoSlot) return true;
    std::uint64_t left = pool.is_unlimited() ? kUnlimited : 0;
    if (pool.used_ < pool.bound()) left = pool.bound() - pool.used_;
    for (const PoolNeed& need : table.waiters_[first].needs) {
      if (need.pool == slot) {
        expect(left < need.amount, "pool ", name, " has enough for who is first in its line");
      }
    }
    return true;
  });
  expect(standing == table.waiters_.size() && items.size() + queues == standing, "waiters: ",
         standing, ", counted ", table.waiters_.size());
}

}  // namespace controlplane
