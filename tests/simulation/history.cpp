#include "simulation/history.hpp"

#include <algorithm>
#include <charconv>

namespace controlplane::simulation {
namespace {

// Of an event's data: flat JSON with names and numbers, as the log writes it.
std::string_view field(const Event& event, std::string_view key) {
  const std::string_view data = event.data.text();
  const std::string wanted = '"' + std::string(key) + "\":";
  const std::size_t at = data.find(wanted);
  if (at == std::string_view::npos) return {};
  std::string_view value = data.substr(at + wanted.size());
  if (value.starts_with('"')) return value.substr(1, value.find('"', 1) - 1);
  return value.substr(0, value.find_first_of(",}"));
}

std::uint32_t attempt_of(const Event& event) {
  const std::string_view text = field(event, "attempt");
  std::uint32_t attempt = 0;
  std::from_chars(text.data(), text.data() + text.size(), attempt);
  return attempt;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

SeenTask seen(const TaskSpec& spec) {
  SeenTask task;
  task.required = sorted(spec.required_capabilities);
  task.excluded = sorted(spec.exclude);
  task.directed = spec.agent_id;
  task.priority = spec.priority;
  task.key = spec.concurrency_key;
  task.key_limit = spec.concurrency_limit;
  task.needs = !spec.needs.empty();
  task.parents = !spec.depends_on.empty();
  task.ready = !task.parents && spec.delay.count() == 0;
  return task;
}

std::uint64_t digest_of(const Event& event) {
  FieldDigest digest;
  digest.add(event.seq).add(static_cast<std::uint64_t>(event.time)).add(event.type);
  return digest.add(event.subject).add(event.data.text()).finish();
}

}  // namespace

void History::add_to(std::map<std::string, std::uint64_t, std::less<>>& census) const {
  for (const auto& [kind, count] : kinds_) census[kind] += count;
}

bool History::is(const Event& event) const {
  return event.seq >= 1 && event.seq <= digests_.size() && digests_[event.seq - 1] == digest_of(event);
}

const SeenTask* History::find(std::string_view task) const {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : &found->second;
}

SeenTask* History::find(std::string_view task) {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : &found->second;
}

// A spec is consumed when it is accepted.
void History::before(const Operation& op) {
  claim_ = op.kind == OperationKind::claim ? static_cast<const ClaimTasks*>(&op) : nullptr;
  submits_.clear();
  if (op.kind != OperationKind::submit) return;
  for (const TaskDraft& draft : static_cast<const SubmitTasks&>(op).tasks) {
    submits_.push_back(seen(*draft.spec));
  }
}

void History::after(const Operation& op) {
  shared_.after(op);
  if (op.kind == OperationKind::submit) {
    const auto& drafts = static_cast<const SubmitTasks&>(op).tasks;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      if (drafts[i].error || drafts[i].duplicate) continue;
      const std::string id = drafts[i].id.str();
      if (const SeenTask* known = find(id)) {
        findings_.expect(forgetful_ && is_terminal(known->state), "task ", id,
                         " was accepted twice");
        submits_[i].generation = known->generation + 1;
      }
      tasks_[id] = submits_[i];
    }
  }
  if (op.kind == OperationKind::add_agent && !op.failed) {
    const AgentSpec& spec = *static_cast<const AddAgent&>(op).spec;
    agents_[spec.agent_id] = {sorted(spec.capabilities), spec.max_concurrency};
  }
}

void History::event(const Event& event) {
  findings_.expect(event.seq == last_event_ + 1, "event ", event.seq, " follows ", last_event_);
  findings_.expect(event.time >= last_time_, "event ", event.seq, " is earlier than the one before");
  last_event_ = event.seq;
  last_time_ = event.time;
  digests_.push_back(digest_of(event));
  digest_.add(digests_.back());
  ++kinds_[event.type + ' ' + std::string(field(event, "kind")) + ' ' +
           std::string(field(event, "reason"))];
  const std::string_view type = event.type;
  if (type.starts_with("task.")) return task_event(event, type.substr(5));
  if (type.starts_with("document.")) return shared_.document_event(event, type.substr(9));
  if (type.starts_with("permit.")) return shared_.permit_event(event, type.substr(7));
  if (type.starts_with("agent.")) agent_event(event, type.substr(6));
}

void History::agent_event(const Event& event, std::string_view what) {
  if (what == "unregistered" || what == "removed") agents_.erase(event.subject);
}

void History::task_event(const Event& event, std::string_view what) {
  if (what == "submitted") return submitted(event);
  SeenTask* const known = find(event.subject);
  if (known == nullptr || known->gone) {
    return findings_.add(event.type, " of task ", event.subject, ", which is not there");
  }
  SeenTask& task = *known;
  if (is_terminal(task.state)) {
    return findings_.add(event.type, " of task ", event.subject, ", which ended as ",
                         to_string(task.state));
  }
  const std::uint32_t attempt = attempt_of(event);
  if (what == "claimed") return claimed(event.subject, task, event);
  findings_.expect(attempt == task.attempt, event.type, " of task ", event.subject, " names attempt ",
                   attempt, ", the last is ", task.attempt);
  if (what == "ready") {
    findings_.expect(task.state == TaskState::pending && !task.ready, "task ", event.subject,
                     " became ready twice");
    task.ready = true;
    if (task.place == 0) task.place = event.seq;
  } else if (what == "delayed") {
    findings_.expect(task.state == TaskState::pending && !task.ready && task.parents, "task ",
                     event.subject, " was delayed as ", to_string(task.state));
  } else if (what == "started") {
    findings_.expect(task.state == TaskState::claimed, "task ", event.subject, " started as ",
                     to_string(task.state));
    task.state = TaskState::running;
  } else if (what == "progress" || what == "cancel_requested") {
    findings_.expect(task.leased(), event.type, " of task ", event.subject, " as ",
                     to_string(task.state));
  } else if (what == "assigned") {
    findings_.expect(task.state == TaskState::pending, "task ", event.subject, " was assigned as ",
                     to_string(task.state));
    task.directed = field(event, "ref");
  } else if (what == "retrying" || what == "released") {
    pending_again(task, event);
  } else if (what == "completed") {
    findings_.expect(task.leased(), "task ", event.subject, " completed as ", to_string(task.state));
    ended(task, event, TaskState::completed);
  } else if (what == "failed" || what == "timeout" || what == "cancelled") {
    ended(task, event, *parse_task_state(what));
  } else {
    findings_.add("event ", event.seq, " has the unknown type ", event.type);
  }
}

void History::submitted(const Event& event) {
  SeenTask* task = find(event.subject);
  if (const std::string_view original = field(event, "ref"); !original.empty()) {
    const SeenTask* from = find(original);
    if (from == nullptr) return findings_.add("task ", event.subject, " replays an unknown one");
    SeenTask copy;
    copy.required = from->required;
    copy.excluded = from->excluded;
    copy.directed = from->directed;
    copy.priority = from->priority;
    copy.key = from->key;
    copy.key_limit = from->key_limit;
    copy.needs = from->needs;
    copy.parents = true;  // perhaps
    task = &(tasks_[event.subject] = copy);
  }
  if (task == nullptr) return findings_.add("task ", event.subject, " came from nowhere");
  if (task->ready) task->place = event.seq;
}

void History::claimed(const std::string& id, SeenTask& task, const Event& event) {
  const std::uint32_t attempt = attempt_of(event);
  const std::string_view agent = field(event, "agent_id");
  findings_.expect(task.state == TaskState::pending && (task.ready || task.parents), "task ", id,
                   " was claimed as ", to_string(task.state), task.ready ? "" : ", not ready");
  findings_.expect(attempt == task.attempt + 1, "task ", id, ": attempt ", attempt, " follows ",
                   task.attempt);
  if (claim_ == nullptr || claim_->request->agent_id != agent) {
    findings_.add("task ", id, " was claimed for ", agent, ", who did not claim");
  } else {
    check_order(id, task);
  }
  if (!task.key.empty()) {
    findings_.expect(leases_of_key(task.key) < task.key_limit, "task ", id, " exceeds the limit ",
                     task.key_limit, " of key ", task.key);
  }
  task.state = TaskState::claimed;
  task.ready = false;
  task.attempt = attempt;
  task.agent = agent;
  if (claim_ != nullptr) remember_lease(id, task);
  const std::uint32_t held = ++leases_[task.agent];
  const auto registered = agents_.find(agent);
  if (registered == agents_.end() || registered->second.slots == 0) return;
  findings_.expect(held <= registered->second.slots, "agent ", agent, " holds ", held,
                   " tasks with ", registered->second.slots, " slots");
}

void History::remember_lease(const std::string& id, SeenTask& task) const {
  const std::string_view claim_id = claim_->request->claim_id;
  task.own_claim = !claim_id.empty() && !claim_id.starts_with("op_");
  task.nonce = 0;
  const auto take = [&](const ClaimedTask& claimed) {
    if (claimed.id.str() == id) task.nonce = claimed.lease.nonce();
  };
  if (claim_->one) take(*claim_->one);
  if (claim_->tasks == nullptr) return;
  for (const ClaimedTask& claimed : *claim_->tasks) take(claimed);
}

// No fresh task that the claimer could have had is better placed.
void History::check_order(const std::string& id, const SeenTask& task) {
  auto offered = sorted(claim_->request->capabilities);
  const std::string& agent = claim_->request->agent_id;
  if (offered.empty()) {
    if (const auto known = agents_.find(agent); known != agents_.end()) {
      offered = known->second.capabilities;
    }
  }
  findings_.expect(may_take(task, agent, offered), "task ", id, " is not for agent ", agent);
  if (!in_order_ || task.attempt > 0 || !task.key.empty()) return;
  for (const auto& [other_id, other] : tasks_) {
    if (other.state != TaskState::pending || !other.ready || other.attempt > 0) continue;
    if (other.place == 0 || !other.key.empty() || other.priority > task.priority) continue;
    if (other.needs) continue;  // its queue may stand in line
    if (other.priority == task.priority && (task.place == 0 || other.place >= task.place)) continue;
    findings_.expect(!may_take(other, agent, offered), "agent ", agent, " got task ", id,
                     " (place ", task.place, ") before task ", other_id, " (place ", other.place, ")");
  }
}

bool History::may_take(const SeenTask& task, std::string_view agent,
                       const std::vector<std::string>& offered) {
  if (!task.directed.empty() && task.directed != agent) return false;
  if (std::binary_search(task.excluded.begin(), task.excluded.end(), agent)) return false;
  return std::includes(offered.begin(), offered.end(), task.required.begin(), task.required.end());
}

void History::ended(SeenTask& task, const Event& event, TaskState state) {
  if (task.leased()) {
    task.ends[task.attempt] = {event.type, std::string(field(event, "kind")), task.nonce};
    --leases_[task.agent];
  }
  task.state = state;
  task.ready = false;
  task.ended_at = event.time;
}

void History::pending_again(SeenTask& task, const Event& event) {
  findings_.expect(task.leased(), event.type, " of task ", event.subject, " as ",
                   to_string(task.state));
  ended(task, event, TaskState::pending);
  task.ready = field(event, "until").empty();
  task.parents = false;
}

std::uint32_t History::leases_of_key(std::string_view key) const {
  std::uint32_t leases = 0;
  for (const auto& [id, task] : tasks_) leases += task.leased() && task.key == key ? 1 : 0;
  return leases;
}

void History::compare(const std::vector<Task>& all, Timestamp now, std::int64_t min_age_us) {
  std::size_t known = 0;
  for (const Task& task : all) {
    const SeenTask* seen = find(task.id.str());
    if (seen == nullptr || seen->gone) {
      findings_.add("task ", task.id, " is there without an event");
      continue;
    }
    ++known;
    findings_.expect(seen->state == task.state && seen->attempt == task.attempt, "task ", task.id,
                     " is ", to_string(task.state), " (attempt ", task.attempt, "), its events say ",
                     to_string(seen->state), " (attempt ", seen->attempt, ")");
    findings_.expect(seen->directed == task.directed_to, "task ", task.id, " is directed to ",
                     task.directed_to, ", its events say ", seen->directed);
  }
  if (known == tasks_.size()) return;
  std::vector<std::string> there;
  for (const Task& task : all) there.push_back(task.id.str());
  std::sort(there.begin(), there.end());
  for (auto& [id, task] : tasks_) {
    if (task.gone || std::binary_search(there.begin(), there.end(), id)) continue;
    findings_.expect(forgetful_ && is_terminal(task.state) && task.ended_at + min_age_us <= now,
                     "task ", id, " vanished as ", to_string(task.state));
    task.gone = true;
  }
}

}  // namespace controlplane::simulation
