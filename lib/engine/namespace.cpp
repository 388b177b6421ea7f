#include "engine/namespace.hpp"

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "engine/namespace_impl.hpp"

namespace controlplane {

namespace {

AgentRules agent_rules(const NamespaceOptions& options) {
  return {options.heartbeat_timeout_us, options.offline_retention_us, options.limits.max_agents,
          options.limits.max_page};
}

Error not_registered(std::string_view agent) {
  return Error::not_found("agent " + std::string(agent) + " is not registered");
}

Result<void> check_page(const PageRequest& page, std::size_t max_page) {
  if (page.max_items >= 1 && page.max_items <= max_page) return {};
  return Error::invalid_argument("max_items is " + std::to_string(page.max_items) +
                                 "; it must be 1 to max_page (" + std::to_string(max_page) + ")");
}

}  // namespace

Namespace::Impl::Impl(std::string name, const NamespaceOptions& given)
    : tenant(std::move(name)),
      options(given),
      log({options.limits.max_events, options.limits.max_event_bytes, options.event_retention_us}),
      effects{log, {}, false},
      agents(agent_rules(options)),
      permits(options.limits),
      tasks(options, agents, permits),
      documents(options.limits),
      logs(options.limits) {}

Namespace::Namespace(std::string tenant, const NamespaceOptions& options)
    : impl_(std::make_unique<Impl>(std::move(tenant), options)) {}
Namespace::~Namespace() = default;

void Namespace::Impl::submit(SubmitTasks& op, Step& step) {
  for (TaskDraft& draft : op.tasks) tasks.submit(draft, step);
}

// The guards of a claim, in order: registration and incarnation, status and breaker, a free slot.
void Namespace::Impl::claim(ClaimTasks& op, Step& step) {
  const ClaimRequest& request = *op.request;
  op.refused = op.got_sought = false;
  op.one.reset();
  op.offered.reset();
  PartyTable& parties = tasks.parties();
  const Slot party = parties.find_or_add(request.agent_id);
  const AgentSlot agent = parties[party].agent;
  if (auto refused = refuse_claim(op, agent)) {
    op.failed = std::move(refused);
    return parties.forget_unused(party);
  }
  if (agent == kNoAgent) {
    parties.use(party);  // a queue that goes meanwhile must not take it along
  } else {
    agents.touch(agent, step.now, step.effects);
  }
  const bool found = answer_again(op, party, step) || claim_anew(op, party, step);
  if (agent == kNoAgent) return parties.drop(party);
  const bool waits = !found && !op.failed && op.parks_until > 0;
  const Timestamp until = waits ? std::max(op.parked_until, op.parks_until) : op.parked_until;
  agents.park(agent, step.origin, until, step.now);
}

// An incarnation names a registration.
std::optional<Error> Namespace::Impl::refuse_claim(const ClaimTasks& op, AgentSlot agent) const {
  const ClaimRequest& request = *op.request;
  if (agent == kNoAgent) {
    if (op.require_registration && !is_mailbox(request.agent_id)) {
      return Error::failed_precondition("agent " + request.agent_id +
                                        " is not registered and require_registration is on");
    }
    if (request.incarnation != 0) return not_registered(request.agent_id);
  } else if (request.incarnation != 0 && !agents.is_current(agent, request.incarnation)) {
    return agents.superseded(agent);
  }
  return std::nullopt;
}

// True: it got a task. One that parks without one is told what it offered: others may have
// registered its agent anew.
bool Namespace::Impl::claim_anew(ClaimTasks& op, Slot party, Step& step) {
  const ClaimRequest& request = *op.request;
  const AgentSlot agent = tasks.parties()[party].agent;
  std::uint32_t allowed = request.max_tasks;
  if (agent != kNoAgent) {
    const Refusal refusal = agents.refusal(agent);
    if (refusal == Refusal::full || refusal == Refusal::breaker) {
      op.refused = true;
      if (op.parks_until > 0) agents.watch(agent);
      return false;
    }
    if (refusal != Refusal::none) {
      op.failed = agents.refusal_error(agent, refusal);
      return false;
    }
    allowed = std::min(allowed, agents.claimable(agent));
  }
  const bool unnamed = request.capabilities.empty();
  const auto& capabilities =
      unnamed && agent != kNoAgent ? agents.capabilities(agent) : request.capabilities;
  const bool found = take(op, party, capabilities, allowed, step);
  if (!found && unnamed && op.parks_until > 0) op.offered = capabilities;
  return found;
}

// One that was woken is told whether it took what it was woken for: the best that it may have can
// be another task.
bool Namespace::Impl::take(ClaimTasks& op, Slot party, const std::vector<std::string>& capabilities,
                           std::uint32_t allowed, Step& step) {
  const auto take_one = [&](ClaimedTask& out) {
    if (!tasks.claim(party, capabilities, *op.request, step, out)) return false;
    op.got_sought |= op.sought != nullptr && tasks.is_of(out.id, *op.sought);
    return true;
  };
  if (op.tasks == nullptr) {
    if (!take_one(op.one.emplace())) op.one.reset();
    return op.one.has_value();
  }
  const std::size_t before = op.tasks->size();
  while (op.tasks->size() - before < allowed) {
    if (!take_one(op.tasks->emplace_back())) {
      op.tasks->pop_back();
      break;
    }
  }
  return op.tasks->size() > before;
}

// The same claim id answers the same tasks while their leases live.
bool Namespace::Impl::answer_again(ClaimTasks& op, Slot party, Step& step) {
  if (op.request->claim_id.empty()) return false;
  std::vector<ClaimedTask> again;
  if (!tasks.claim_again(party, *op.request, step, again)) return false;
  if (op.tasks == nullptr) {
    op.one = std::move(again.front());
  } else {
    std::move(again.begin(), again.end(), std::back_inserter(*op.tasks));
  }
  return true;
}

void Namespace::Impl::end(EndAttempts& op, Step& step) {
  step.require_lease = op.require_lease;
  for (AttemptEnd& item : op.items) tasks.end(op.end, item, step);
  tasks.make_room(op.items.size() + 1, step.now);
}

void Namespace::Impl::hold(HoldAttempts& op, Step& step) {
  step.require_lease = op.require_lease;
  for (AttemptHold& item : op.items) tasks.hold(op.hold, item, op.progress, step);
}

void Namespace::Impl::reassign(ReassignTasks& op, Step& step) {
  const Slot party = tasks.parties().find(op.agent_id);
  if (party == kNoSlot) {
    op.failed = not_registered(op.agent_id);
    return;
  }
  op.released = tasks.end_leases(party, Ended::reassigned, step);
}

void Namespace::Impl::replay(ReplayTask& op, Step& step) {
  Result<TaskId> created = tasks.replay(op, step);
  if (created) {
    op.created = *std::move(created);
  } else {
    op.failed = std::move(created).error();
  }
}

void Namespace::Impl::get_task(GetTask& op, Step& step) {
  op.task.reset();
  Result<Task> task = tasks.get(*op.id, op.watch, op.only_terminal, op.state, step);
  if (!task) {
    op.failed = std::move(task).error();
  } else if (!op.only_terminal || is_terminal(op.state)) {
    op.task = *std::move(task);
  }
}

void Namespace::Impl::list_tasks(ListTasks& op) {
  if (refuse_page(op, *op.page)) return;
  Result<Page<Task>> page = tasks.list(*op.filter, *op.page);
  if (page) {
    op.tasks = *std::move(page);
  } else {
    op.failed = std::move(page).error();
  }
}

// Leases of an older incarnation end first, as crashes of that one: the new one starts unblamed.
void Namespace::Impl::add_agent(AddAgent& op, Step& step) {
  PartyTable& parties = tasks.parties();
  if (agents.supersedes(*op.spec, op.incarnation)) {
    tasks.end_leases(parties.find(op.spec->agent_id), Ended::superseded, step);
  }
  const Result<AgentTable::Added> added =
      agents.add(*op.spec, op.incarnation, op.registered_by, step.now, step.effects);
  if (!added) {
    op.failed = added.error();
    return;
  }
  const Slot party = parties.find_or_add(op.spec->agent_id);
  parties[party].agent = added->slot;
  if (added->is_new && parties[party].leases > 0) {  // it held tasks before it registered
    agents.claimed(added->slot, parties[party].leases, step.now, step.effects);
  }
  agents.snapshot(added->slot, op.agent.emplace());
}

void Namespace::Impl::forget_registration(AgentSlot agent) {
  const Slot party = tasks.parties().find(agents.id(agent));
  tasks.parties()[party].agent = kNoAgent;
  tasks.parties().forget_unused(party);
}

void Namespace::Impl::remove_agent(RemoveAgent& op, Step& step) {
  const Result<AgentSlot> agent = agents.require(op.agent_id, op.incarnation);
  if (!agent) {
    op.failed = agent.error();
    return;
  }
  tasks.end_leases(tasks.parties().find(op.agent_id), Ended::unregistered, step);
  forget_registration(*agent);
  agents.remove(*agent, step.now, step.effects);
}

void Namespace::Impl::heartbeat(Heartbeat& op, Step& step) {
  const Result<AgentSlot> agent = agents.require(op.agent_id, op.report->incarnation);
  if (!agent) {
    op.failed = agent.error();
    return;
  }
  if (auto done = agents.heartbeat(*agent, *op.report, step.now, step.effects); !done) {
    op.failed = std::move(done).error();
  }
}

void Namespace::Impl::get_agent(GetAgent& op) {
  op.held.clear();
  op.directed.clear();
  const Slot party = op.max_tasks == 0 ? kNoSlot : tasks.parties().find(op.agent_id);
  if (party != kNoSlot) tasks.tasks_of(party, op.max_tasks, op.held, op.directed);
  const AgentSlot agent = agents.find(op.agent_id);
  if (agent == kNoAgent) {
    op.failed = not_registered(op.agent_id);
    return;
  }
  agents.snapshot(agent, op.agent.emplace());
  op.health = agents.health(agent);
}

void Namespace::Impl::select_agent(SelectAgent& op, Step& step) {
  const Result<AgentSlot> agent = agents.select(*op.request, step.draw(), step.now);
  if (!agent) {
    op.failed = agent.error();
    return;
  }
  agents.snapshot(*agent, op.agent.emplace());
}

void Namespace::Impl::probe(RecordProbe& op, Step& step) {
  const AgentSlot agent = agents.find(op.agent_id);
  if (agent == kNoAgent) {
    op.failed = not_registered(op.agent_id);
  } else if (op.clear) {
    agents.clear_probe(agent, step.now, step.effects);
  } else {
    agents.record_probe(agent, op.good, op.error, op.failure_threshold, op.success_threshold,
                        step.now, step.effects);
  }
}

void Namespace::Impl::list_documents(ListDocuments& op, Step& step) {
  if (!refuse_page(op, *op.page)) documents.list(op, step.now);
}

bool Namespace::Impl::refuse_page(Operation& op, const PageRequest& page) const {
  const auto valid = check_page(page, options.limits.max_page);
  if (!valid) op.failed = valid.error();
  return !valid;
}

void Namespace::Impl::apply_to_permits(Operation& op, Step& step) {
  switch (op.kind) {
    case OperationKind::define_pool:
      return permits.define(static_cast<DefinePool&>(op), step.now, step.effects);
    case OperationKind::remove_pool:
      return permits.remove(static_cast<RemovePool&>(op), step.now, step.effects);
    case OperationKind::get_pool: return permits.get(static_cast<GetPool&>(op), step.now);
    case OperationKind::acquire:
      return permits.acquire(static_cast<AcquirePermit&>(op), step.now, step.effects);
    case OperationKind::withdraw:
      return permits.withdraw(static_cast<WithdrawAcquire&>(op), step.now, step.effects);
    case OperationKind::renew_permit:
      return permits.renew(static_cast<RenewPermit&>(op), step.now, step.effects);
    case OperationKind::end_permit:
      return permits.end(static_cast<EndPermit&>(op), step.now, step.effects);
    case OperationKind::list_pools: {
      auto& list = static_cast<ListPools&>(op);
      if (!refuse_page(op, *list.page)) permits.list(list, step.now);
      return;
    }
    case OperationKind::list_permits: {
      auto& list = static_cast<ListPermits&>(op);
      if (!refuse_page(op, *list.page)) permits.list(list, step.now);
      return;
    }
    default: return;
  }
}

void Namespace::Impl::apply_to_logs(Operation& op, Step& step) {
  switch (op.kind) {
    case OperationKind::append_log:
      return logs.append(static_cast<AppendLog&>(op), step.now, step.effects);
    case OperationKind::read_log: return logs.read(static_cast<ReadLog&>(op));
    case OperationKind::define_log:
      return logs.define(static_cast<DefineLog&>(op), step.now, step.effects);
    case OperationKind::trim_log:
      return logs.trim(static_cast<TrimLog&>(op), step.now, step.effects);
    case OperationKind::remove_log:
      return logs.remove(static_cast<RemoveLog&>(op), step.now, step.effects);
    case OperationKind::get_log: return logs.get(static_cast<GetLog&>(op));
    case OperationKind::list_logs: {
      auto& list = static_cast<ListLogs&>(op);
      if (!refuse_page(op, *list.page)) logs.list(list);
      return;
    }
    default: return;
  }
}

void Namespace::Impl::health(ReadHealth& op) {
  RegistryStats registry;
  agents.stats(registry, op.totals);
  op.agents.clear();
  std::vector<AgentSlot> all;
  agents.offering({}, op.max_agents, all);
  for (const AgentSlot agent : all) op.agents.push_back(agents.health(agent));
}

void Namespace::Impl::stats(ReadStats& op, Step& step) {
  agents.stats(op.stats.registry, op.stats.health);
  tasks.stats(op.stats.scheduler);
  op.stats.documents = documents.stats();
  op.stats.logs = logs.stats();
  op.stats.permits = permits.stats();
  op.stats.events.first_seq = log.last_seq() == 0 ? 0 : log.first_seq();
  op.stats.events.last_seq = log.last_seq();
  op.stats.tenant = tenant;
  op.stats.now = step.now;
  op.wait = tasks.counters().wait;
  op.duration = tasks.counters().duration;
  op.failed_attempts = tasks.counters().failed_attempts;
}

void Namespace::Impl::read_events(ReadEvents& op) const {
  op.events.clear();
  op.first_seq = log.first_seq();
  op.last_seq = log.last_seq();
  op.last_visited = op.after;
  const EventMatcher matcher(*op.filter);
  const auto read = log.read(op.after, op.max_visited, [&](const LogTable::Entry& entry) {
    if (op.events.size() == op.max_items) return false;
    if (matcher.matches(entry.bytes)) op.events.push_back(decode_event(entry, tenant));
    op.last_visited = entry.seq;
    return true;
  });
  if (!read) op.failed = read.error();
}

// True when an agent's timer was due.
bool Namespace::Impl::advance_agent(Step& step) {
  if (agents.next_due() > step.now) return false;
  const AgentTable::Due due = agents.due(step.now, step.effects);
  if (due.kind == AgentTable::Due::Kind::silent) {
    const Slot party = tasks.parties().find(agents.id(due.slot));
    const Timestamp quiet_until = tasks.quiet_until(party);
    if (quiet_until + options.heartbeat_timeout_us > step.now) {
      agents.postpone(due.slot, quiet_until);
    } else {
      agents.go_offline(due.slot, step.now, step.effects);
    }
  } else if (due.kind == AgentTable::Due::Kind::expired) {
    forget_registration(due.slot);
    agents.remove(due.slot, step.now, step.effects);
  }
  return true;
}

void Namespace::Impl::advance(Advance& op, Step& step) {
  for (op.applied = 0; op.applied < options.limits.advance_batch; ++op.applied) {
    if (tasks.next_due() <= step.now) {
      tasks.advance_one(step);
    } else if (documents.next_due() <= step.now) {
      documents.expire_one(step.now, step.effects);
    } else if (permits.next_due() <= step.now) {
      permits.advance_one(step.now, step.effects);
    } else if (log.next_due() <= step.now) {
      log.expire_one();
    } else if (logs.next_due() <= step.now) {
      logs.expire_one();
    } else if (!advance_agent(step) && !give_up_export(step.now)) {
      break;
    }
  }
  op.more_due = next_due() <= step.now;
}

Namespace::Aftermath Namespace::apply(Operation& op, Timestamp now) {
  Impl& self = *impl_;
  self.high_water = std::max(self.high_water, now);
  op.now = self.high_water;
  op.failed.reset();
  Step step{op.now, op.random, op.origin, self.effects};
  self.dispatch(op, step);
  if (op.kind == OperationKind::adopt) [[unlikely]]
    adopt(static_cast<AdoptTables&>(op));
  return {next_due(), impl_->log.last_seq(), !impl_->effects.signals.empty()};
}

void Namespace::Impl::dispatch(Operation& op, Step& step) {
  switch (op.kind) {
    case OperationKind::submit: return submit(static_cast<SubmitTasks&>(op), step);
    case OperationKind::claim: return claim(static_cast<ClaimTasks&>(op), step);
    case OperationKind::end: return end(static_cast<EndAttempts&>(op), step);
    case OperationKind::hold: return hold(static_cast<HoldAttempts&>(op), step);
    case OperationKind::cancel: {
      auto& cancel = static_cast<CancelTask&>(op);
      const Result<TaskState> state = tasks.cancel(*cancel.id, cancel.force, step);
      if (state) {
        cancel.state = *state;
      } else {
        op.failed = state.error();
      }
      return;
    }
    case OperationKind::assign: {
      const auto& assign = static_cast<AssignTask&>(op);
      const Result<void> done = tasks.assign(*assign.id, assign.agent_id, step);
      if (!done) op.failed = done.error();
      return;
    }
    case OperationKind::reassign: return reassign(static_cast<ReassignTasks&>(op), step);
    case OperationKind::replay: return replay(static_cast<ReplayTask&>(op), step);
    case OperationKind::get_task: return get_task(static_cast<GetTask&>(op), step);
    case OperationKind::list_tasks: return list_tasks(static_cast<ListTasks&>(op));
    case OperationKind::explain: {
      auto& explain = static_cast<ExplainTask&>(op);
      Result<Explanation> told = tasks.explain(*explain.id, step);
      if (told) {
        explain.explanation = *std::move(told);
      } else {
        op.failed = std::move(told).error();
      }
      return;
    }
    case OperationKind::add_agent: return add_agent(static_cast<AddAgent&>(op), step);
    case OperationKind::remove_agent: return remove_agent(static_cast<RemoveAgent&>(op), step);
    case OperationKind::heartbeat: return heartbeat(static_cast<Heartbeat&>(op), step);
    case OperationKind::get_agent: return get_agent(static_cast<GetAgent&>(op));
    case OperationKind::list_agents: {
      auto& list = static_cast<ListAgents&>(op);
      Result<Page<Agent>> page = agents.list(*list.filter, *list.page);
      if (page) {
        list.agents = *std::move(page);
      } else {
        op.failed = std::move(page).error();
      }
      return;
    }
    case OperationKind::select_agent: return select_agent(static_cast<SelectAgent&>(op), step);
    case OperationKind::probe: return probe(static_cast<RecordProbe&>(op), step);
    case OperationKind::get_document:
      return documents.get(static_cast<GetDocument&>(op), step.now, step.effects);
    case OperationKind::put_document:
      return documents.put(static_cast<PutDocument&>(op), step.now, step.effects);
    case OperationKind::remove_document:
      return documents.remove(static_cast<RemoveDocument&>(op), step.now, step.effects);
    case OperationKind::list_documents:
      return list_documents(static_cast<ListDocuments&>(op), step);
    case OperationKind::append_log:
    case OperationKind::read_log:
    case OperationKind::define_log:
    case OperationKind::trim_log:
    case OperationKind::remove_log:
    case OperationKind::get_log:
    case OperationKind::list_logs: return apply_to_logs(op, step);
    case OperationKind::define_pool:
    case OperationKind::remove_pool:
    case OperationKind::get_pool:
    case OperationKind::list_pools:
    case OperationKind::acquire:
    case OperationKind::withdraw:
    case OperationKind::renew_permit:
    case OperationKind::end_permit:
    case OperationKind::list_permits: return apply_to_permits(op, step);
    case OperationKind::health: return health(static_cast<ReadHealth&>(op));
    case OperationKind::stats: return stats(static_cast<ReadStats&>(op), step);
    case OperationKind::read_events: return read_events(static_cast<ReadEvents&>(op));
    case OperationKind::watch:
      watchers += static_cast<Watch&>(op).claims;
      effects.watched = watchers > 0;
      return;
    case OperationKind::advance: return advance(static_cast<Advance&>(op), step);
    case OperationKind::begin_export: return begin_export(static_cast<BeginExport&>(op), step);
    case OperationKind::read_export: return read_export(static_cast<ReadExport&>(op), step);
    case OperationKind::end_export: return end_export(static_cast<EndExport&>(op));
    case OperationKind::adopt: return;  // it is about the whole of this; see Namespace::adopt
  }
}

Timestamp Namespace::Impl::next_due() const noexcept {
  return std::min({tasks.next_due(), agents.next_due(), documents.next_due(), permits.next_due(),
                   log.next_due(), logs.next_due(),
                   exporting == nullptr ? INT64_MAX : exporting->given_up_at()});
}

Timestamp Namespace::next_due() const noexcept { return impl_->next_due(); }

std::uint64_t Namespace::last_event() const noexcept { return impl_->log.last_seq(); }
std::vector<Signal> Namespace::take_signals() { return std::exchange(impl_->effects.signals, {}); }

std::uint64_t Namespace::state_hash() const {
  FieldDigest digest;
  digest.add(impl_->tasks.state_hash()).add(impl_->log.first_seq()).add(impl_->log.last_seq());
  impl_->agents.add_to(digest);
  impl_->documents.add_to(digest);
  impl_->logs.add_to(digest);
  impl_->permits.add_to(digest);
  return digest.finish();
}

}  // namespace controlplane
