// The verbs of a Plane but submit, claim and the ends of attempts.
#include "store/conformance.hpp"

namespace controlplane::conformance {

std::string Plane::hold(HoldKind kind, const Holder& holder, const Progress* progress) {
  AttemptHold item;
  item.attempt = &holder;
  HoldAttempts op(kind);
  op.require_lease = require_lease;
  op.progress = progress;
  op.items = std::span(&item, 1);
  apply(op);
  lease = item.status;
  return item.failure ? item.failure->to_string() : "ok";
}

std::string Plane::start(const Holder& holder) { return hold(HoldKind::start, holder, nullptr); }
std::string Plane::renew(const Holder& holder) { return hold(HoldKind::renew, holder, nullptr); }
std::string Plane::progress(const Holder& holder, double fraction, std::string note, Json data) {
  const Progress progress{holder, fraction, std::move(note), std::move(data)};
  return hold(HoldKind::progress, holder, &progress);
}

std::vector<std::string> Plane::renew_batch(const std::vector<ClaimedTask>& tasks) {
  const std::vector<Holder> holders(tasks.begin(), tasks.end());
  std::vector<AttemptHold> items(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) items[i].attempt = &holders[i];
  HoldAttempts op(HoldKind::renew);
  op.items = items;
  apply(op);
  std::vector<std::string> answers;
  for (const AttemptHold& item : items) {
    answers.push_back(item.failure ? item.failure->to_string() : "ok");
  }
  return answers;
}

std::string Plane::cancel(const TaskId& id, bool force) {
  CancelTask op;
  op.id = &id;
  op.force = force;
  const std::string answer = apply(op);
  return op.failed ? answer : "ok: " + std::string(to_string(op.state));
}

std::string Plane::assign(const TaskId& id, std::string_view agent) {
  AssignTask op;
  op.id = &id;
  op.agent_id = agent;
  return apply(op);
}

std::string Plane::reassign(std::string_view agent) {
  ReassignTasks op;
  op.agent_id = agent;
  const std::string answer = apply(op);
  return op.failed ? answer : "ok: " + std::to_string(op.released);
}

Submitted Plane::replay(const TaskId& id, std::string_view operation_id, bool with_dependents) {
  ReplayTask op;
  op.id = &id;
  op.operation_id = operation_id;
  op.with_dependents = with_dependents;
  TaskSpec spec;
  op.new_id = draft(spec).id.uuid();
  const std::string answer = apply(op);
  return {answer, op.created};
}

std::string Plane::add(const AgentSpec& spec, std::uint64_t incarnation) {
  AddAgent mirror, op;
  for (AddAgent* one : {&mirror, &op}) {
    one->spec = &spec;
    one->incarnation = incarnation;
    one->registered_by = "host:1";
  }
  call(*other_, mirror);
  other_mirrored_ = true;
  check_other();
  return apply(op);
}

std::string Plane::remove(std::string_view agent, std::uint64_t incarnation) {
  RemoveAgent op;
  op.agent_id = agent;
  op.incarnation = incarnation;
  return apply(op);
}

std::string Plane::heartbeat(std::string_view agent, HeartbeatReport report) {
  Heartbeat op;
  op.agent_id = agent;
  op.report = &report;
  return apply(op);
}

std::string Plane::heartbeat(std::string_view agent, AgentStatus status) {
  HeartbeatReport report;
  report.status = status;
  return heartbeat(agent, report);
}

std::string Plane::select(const SelectRequest& request) {
  SelectAgent op;
  op.request = &request;
  const std::string answer = apply(op);
  return op.failed ? answer : op.agent->agent_id;
}

std::string Plane::probe(std::string_view agent, bool good) {
  RecordProbe op;
  op.agent_id = agent;
  op.good = good;
  op.error = good ? "" : "no answer";
  return apply(op);
}

Task Plane::get(const TaskId& id) {
  GetTask op;
  op.id = &id;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return *std::move(op.task);
}

std::string Plane::state(const TaskId& id) {
  GetTask op;
  op.id = &id;
  const std::string answer = apply(op);
  if (op.failed) return answer;
  std::string state(to_string(op.task->state));
  if (op.task->reason != TaskReason::none) state += " " + std::string(to_string(op.task->reason));
  return state;
}

std::string Plane::wait_for(const TaskId& id) {
  GetTask op;
  op.id = &id;
  op.watch = op.only_terminal = true;
  const std::string answer = apply(op);
  if (op.failed) return answer;
  return op.task ? std::string(to_string(op.task->state)) : "parked";
}

Agent Plane::agent_of(std::string_view id) {
  GetAgent op;
  op.agent_id = id;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return *std::move(op.agent);
}

AgentHealth Plane::health_of(std::string_view id) {
  GetAgent op;
  op.agent_id = id;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return *std::move(op.health);
}

std::string Plane::shown(std::string_view id) {
  GetAgent op;
  op.agent_id = id;
  const std::string answer = apply(op);
  return op.failed ? answer : std::string(to_string(op.agent->status));
}

Stats Plane::stats() {
  ReadStats op;
  apply(op);
  return op.stats;
}

HealthStats Plane::health() {
  ReadHealth op;
  apply(op);
  return op.totals;
}

Explanation Plane::explain(const TaskId& id) {
  ExplainTask op;
  op.id = &id;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return op.explanation;
}

std::string Plane::obstacles(const TaskId& id) {
  std::string list;
  for (const Obstacle& obstacle : explain(id).obstacles) {
    if (!list.empty()) list += ", ";
    list += to_string(obstacle.kind);
    if (!obstacle.subject.empty()) list += " " + obstacle.subject;
  }
  return list;
}

Page<Task> Plane::list(const TaskFilter& filter, const PageRequest& page) {
  ListTasks op;
  op.filter = &filter;
  op.page = &page;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.tasks);
}

std::string Plane::listed(const TaskFilter& filter) {
  std::string ids;
  PageRequest page;
  page.max_items = 3;
  do {
    const Page<Task> tasks = list(filter, page);
    for (const Task& one : tasks.items) ids += (ids.empty() ? "" : " ") + one.id.str();
    page.cursor = tasks.next_cursor;
  } while (!page.cursor.empty());
  return ids;
}

Page<Agent> Plane::list_agents(const AgentFilter& filter, const PageRequest& page) {
  ListAgents op;
  op.filter = &filter;
  op.page = &page;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.agents);
}

// --- documents -----------------------------------------------------------------------------------

std::string Plane::put(std::string_view key, Json value, PutOptions options,
                       std::uint64_t digest) {
  PutDocument op;
  op.key = key;
  op.value = &value;
  op.digest = digest;
  op.expected = options.expected_version;
  if (options.ttl) op.ttl_us = options.ttl->count() * kMs;
  op.operation_id = options.operation_id;
  const std::string answer = apply(op);
  return answer == "ok" ? "ok: " + std::to_string(op.version) : answer;
}

std::string Plane::put_at(std::string_view key, std::uint64_t expected, Json value) {
  PutOptions options;
  options.expected_version = expected;
  return put(key, std::move(value), std::move(options));
}

std::string Plane::remove_document(std::string_view key, std::optional<std::uint64_t> expected) {
  RemoveDocument op;
  op.key = key;
  op.expected = expected;
  const std::string answer = apply(op);
  return answer != "ok" ? answer : op.removed ? "removed" : "absent";
}

std::optional<Document> Plane::document(std::string_view key) {
  GetDocument op;
  op.key = key;
  const std::string answer = apply(op);
  if (answer == "ok") return std::move(op.document);
  CHECK(answer == "not_found: there is no document " + std::string(key));
  return std::nullopt;
}

Page<Document> Plane::list_documents(std::string_view prefix, const PageRequest& page) {
  ListDocuments op;
  op.prefix = prefix;
  op.page = &page;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.documents);
}

std::string Plane::listed_documents(std::string_view prefix) {
  std::string keys;
  PageRequest page;
  page.max_items = 3;
  do {
    const Page<Document> documents = list_documents(prefix, page);
    for (const Document& one : documents.items) keys += (keys.empty() ? "" : " ") + one.key;
    page.cursor = documents.next_cursor;
  } while (!page.cursor.empty());
  return keys;
}

// --- logs ----------------------------------------------------------------------------------------

std::string Plane::append_to(std::string_view log, Json entry, std::string_view operation) {
  AppendLog op;
  op.name = log;
  op.entry = &entry;
  op.operation_id = operation;
  const std::string answer = apply(op);
  return answer == "ok" ? "ok: " + std::to_string(op.seq) : answer;
}

std::string Plane::read_log(std::string_view log, std::uint64_t after, std::size_t max_items,
                            bool waits) {
  ReadLog op;
  op.name = log;
  op.after = after;
  op.max_items = max_items;
  op.waits = waits;
  const std::string answer = apply(op);
  if (answer != "ok") return answer;
  read_page = std::move(op.page);
  std::string texts;
  for (const LogEntry& entry : read_page.entries) {
    if (!texts.empty()) texts += ' ';
    texts += std::to_string(entry.seq) + ":" + entry.value.str();
  }
  return texts;
}

std::string Plane::define_log(std::string_view name, const LogBounds& bounds) {
  DefineLog op;
  op.name = name;
  op.bounds = bounds;
  return apply(op);
}

std::string Plane::trim_log(std::string_view name, const LogTrim& trim) {
  TrimLog op;
  op.name = name;
  op.trim = trim;
  const std::string answer = apply(op);
  return answer == "ok" ? "ok: " + std::to_string(op.dropped) : answer;
}

std::string Plane::remove_log(std::string_view name) {
  RemoveLog op;
  op.name = name;
  const std::string answer = apply(op);
  return answer != "ok" ? answer : op.removed ? "removed" : "absent";
}

LogInfo Plane::log_of(std::string_view name) {
  GetLog op;
  op.name = name;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.log);
}

Page<LogInfo> Plane::list_logs(std::string_view prefix, const PageRequest& request) {
  ListLogs op;
  op.prefix = prefix;
  op.page = &request;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.logs);
}

// --- permits -------------------------------------------------------------------------------------

std::string Plane::define(const PoolSpec& spec) {
  DefinePool op;
  op.spec = &spec;
  return apply(op);
}

std::string Plane::remove_pool(std::string_view name) {
  RemovePool op;
  op.name = name;
  const std::string answer = apply(op);
  return answer != "ok" ? answer : op.removed ? "removed" : "absent";
}

Pool Plane::pool(std::string_view name) {
  GetPool op;
  op.name = name;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.pool);
}

std::string Plane::acquire(std::string_view pool, std::uint64_t amount, std::string_view owner) {
  AcquireRequest request;
  request.needs = {{std::string(pool), amount}};
  request.owner = owner;
  return acquire(request);
}

std::string Plane::acquire(const AcquireRequest& request, bool is_lease) {
  AcquirePermit op;
  op.needs = request.needs;
  op.owner = request.owner;
  op.ttl_us = request.ttl.count() * kMs;
  op.priority = request.priority;
  op.operation_id = request.operation_id;
  op.waits_until = request.wait.count() == 0 ? 0 : now() + request.wait.count() * kMs;
  op.is_lease = is_lease;
  const std::string answer = apply(op);
  if (answer != "ok") return answer;
  if (!op.permit) return "waits";
  permit = *std::move(op.permit);
  return "ok";
}

std::string Plane::withdraw(std::string_view operation) {
  WithdrawAcquire op;
  op.operation_id = operation;
  const std::string answer = apply(op);
  if (answer != "ok") return answer;
  if (!op.permit) return "none";
  permit = *std::move(op.permit);
  return "ok";
}

std::string Plane::renew_permit(const Permit& held, std::int64_t ttl_us) {
  RenewPermit op;
  op.fence = held.fence;
  op.owner = held.owner;
  op.ttl_us = ttl_us;
  return apply(op);
}

std::string Plane::release(const Permit& held) {
  EndPermit op;
  op.fence = held.fence;
  op.owner = held.owner;
  return apply(op);
}

std::string Plane::settle(const Permit& held, std::vector<PermitNeed> spent) {
  EndPermit op;
  op.fence = held.fence;
  op.owner = held.owner;
  op.settles = true;
  op.used = spent;
  return apply(op);
}

Page<Permit> Plane::list_permits(std::string_view pool, const PageRequest& page) {
  ListPermits op;
  op.pool = pool;
  op.page = &page;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.permits);
}

std::vector<Permit> Plane::permits_of(std::string_view pool) {
  PageRequest page;
  page.max_items = 1'000;
  return list_permits(pool, page).items;
}

Page<Pool> Plane::list_pools(std::string_view prefix, const PageRequest& page) {
  ListPools op;
  op.prefix = prefix;
  op.page = &page;
  const std::string answer = apply(op);
  if (answer != "ok") REQUIRE(answer == "ok");
  return std::move(op.pools);
}

// --- events --------------------------------------------------------------------------------------

ReadEvents Plane::read_events(std::uint64_t after, std::size_t max_items,
                              const EventFilter& filter) {
  ReadEvents op;
  op.after = after;
  op.max_items = max_items;
  op.filter = &filter;
  apply(op);
  op.filter = nullptr;
  return op;
}

std::vector<Event> Plane::new_events() {
  ReadEvents op = read_events(last_event_, 100'000);
  if (op.failed) REQUIRE(!op.failed);
  last_event_ = op.last_visited;
  return std::move(op.events);
}

std::string Plane::new_types() {
  std::string types;
  for (const Event& event : new_events()) types += (types.empty() ? "" : " ") + event.type;
  return types;
}

}  // namespace controlplane::conformance
