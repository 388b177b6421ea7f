// Small states as JSON: of the tenant, of an agent, and what an agent keeps for itself.
#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>
#include <utility>

#include "base/json_text.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/shared_state.hpp"
#include "controlplane/snapshot.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/validation.hpp"
#include "mesh/document_calls.hpp"

namespace controlplane {
namespace {

constexpr std::string_view kPrefix = "agent-state/";
constexpr std::string_view kKind = "agent_state_snapshot";

struct AgentStateCall {
  using Answer = GetAgent;
  AgentStateCall(std::string_view id, std::size_t max) : agent_id(id) { op.max_tasks = max; }
  NameArgument agent_id;
  GetAgent op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    return op;
  }
  void keep(CallNames&) { agent_id.keep(); }
  GetAgent answer() { return std::move(op); }
};

// A JSON object grown member by member; keys are ours and need no escaping.
class Object {
 public:
  Object& text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
    return *this;
  }
  template <class Number>
  Object& number(std::string_view key, Number value) {
    begin(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);  // bool, too: true or false
    return *this;
  }
  Object& json(std::string_view key, std::string_view value) {
    begin(key);
    out_ += value.empty() ? std::string_view("null") : value;
    return *this;
  }
  template <class List>
  Object& names(std::string_view key, const List& list) {
    begin(key);
    out_ += '[';
    bool first = true;
    for (const auto& name : list) {
      if (!std::exchange(first, false)) out_ += ',';
      append_json_string(out_, text_of(name));
    }
    out_ += ']';
    return *this;
  }
  std::string finish() { return std::move(out_) + '}'; }

 private:
  static std::string_view text_of(const std::string& name) { return name; }
  static std::string text_of(const TaskId& id) { return id.str(); }
  void begin(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    out_.append(1, '"').append(key).append("\":");
  }
  std::string out_ = "{";
};

void describe(const Agent& agent, const AgentHealth& health, Object& out) {
  out.text("status", to_string(agent.status)).text("health", to_string(health.status));
  out.text("breaker", to_string(agent.breaker)).number("available", agent.available);
  out.names("capabilities", agent.capabilities);
  out.text("model", agent.model).text("provider", agent.provider).text("endpoint", agent.endpoint);
  out.number("running", agent.running).number("max_concurrency", agent.max_concurrency);
  out.number("tasks_completed", agent.tasks_completed).number("tasks_failed", agent.tasks_failed);
  out.number("tasks_crashed", agent.tasks_crashed).number("avg_latency_ms", agent.avg_latency_ms);
  out.number("registered_at", agent.registered_at).number("last_seen", agent.last_seen);
  out.json("metadata", agent.metadata).json("metrics", agent.metrics);
}

// The state in what get_state_snapshot() gave for an agent, as it was written, empty if it had set
// none; anything else is a state itself.
Json state_in(const Json& given) {
  namespace ondemand = simdjson::ondemand;
  ondemand::parser parser;
  const simdjson::padded_string padded(given.text());
  ondemand::document document;
  ondemand::object object;
  std::string_view kind;
  if (parser.iterate(padded).get(document) || document.get_object().get(object) ||
      object["kind"].get_string().get(kind) || kind != kKind) {
    return given;
  }
  std::uint64_t version = 0;
  if (!object["state_version"].get_uint64().get(version) && version == 0) return {};
  ondemand::value state;
  ondemand::json_type type;
  std::string_view raw;
  if (object["state"].get(state) || state.type().get(type)) return given;
  if (type == ondemand::json_type::object) {
    ondemand::object inner;
    if (state.get_object().get(inner) || inner.raw_json().get(raw)) return given;
  } else if (type == ondemand::json_type::array) {
    ondemand::array inner;
    if (state.get_array().get(inner) || inner.raw_json().get(raw)) return given;
  } else {
    raw = state.raw_json_token();
  }
  return Json(raw.substr(0, raw.find_last_not_of(" \t\r\n") + 1));
}

}  // namespace

Result<Json> Snapshots::get_state_snapshot(std::string_view agent_id) const {
  const std::string key = std::string(kPrefix).append(agent_id);
  Checks checks(core_->limits());
  checks.name("agent_id", agent_id).name("key of the state", key);
  auto got = core_->block(checks, AgentStateCall(agent_id, core_->limits().max_page));
  const bool registered = static_cast<bool>(got);
  if (!registered && got.error().code != ErrorCode::not_found) return std::move(got.error());
  auto state = core_->block(checks, GetDocumentCall(key));
  if (!state && state.error().code != ErrorCode::not_found) return std::move(state.error());
  if (!registered && !state) return std::move(got.error());
  Object out;
  out.text("kind", kKind).text("agent_id", agent_id).number("registered", registered);
  out.number("taken_at", core_->calls().store().now());
  if (registered) {
    describe(*got->agent, *got->health, out);
    out.names("held_tasks", got->held).names("directed_tasks", got->directed);
  }
  out.number("state_version", state ? state->version : 0);
  out.json("state", state ? state->value.text() : std::string_view());
  return Json(out.finish());
}

Result<std::uint64_t> Snapshots::set_state(std::string_view agent_id, Json state) {
  const std::string key = std::string(kPrefix).append(agent_id);
  const Limits& limits = core_->limits();
  Checks checks(limits);
  checks.name("agent_id", agent_id).name("key of the state", key);
  checks.rule(!state.empty(), [] { return std::string("state is empty"); });
  checks.json("state", state, limits.max_document_bytes, "max_document_bytes");
  if (checks.ok()) {
    state = state_in(state);
    if (state.empty()) return std::uint64_t{0};
  }
  auto stored = core_->block(checks, PutDocumentCall(key, std::move(state), PutOptions{}));
  if (!stored) return std::move(stored.error());
  return stored->version;
}

Result<Json> Snapshots::get_state_snapshot() const {
  Checks checks(core_->limits());
  auto read = core_->block(checks, StatsCall{});
  if (!read) return std::move(read.error());
  const Stats& stats = read->stats;
  Object tasks, agents, documents, permits, out;
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    tasks.number(to_string(static_cast<TaskState>(i)), stats.scheduler.by_state[i]);
  }
  tasks.number("ready", stats.scheduler.ready_tasks)
      .number("delayed", stats.scheduler.delayed_tasks);
  tasks.number("backoff", stats.scheduler.backoff_tasks)
      .number("blocked", stats.scheduler.blocked_tasks);
  tasks.number("dead_letters", stats.scheduler.dead_letters);
  for (std::size_t i = 0; i < kAgentStatuses; ++i) {
    agents.number(to_string(static_cast<AgentStatus>(i)), stats.registry.by_status[i]);
  }
  agents.number("total", stats.registry.total_agents);
  agents.number("available", stats.registry.available_agents);
  documents.number("documents", stats.documents.documents).number("bytes", stats.documents.bytes);
  permits.number("pools", stats.permits.pools).number("permits", stats.permits.permits);
  permits.number("waiting", stats.permits.waiting);
  out.text("kind", "coordinator_state_snapshot").text("tenant", core_->config().tenant_id);
  out.text("store", core_->store_name()).number("taken_at", read->now);
  out.json("tasks", tasks.finish()).json("agents", agents.finish());
  out.json("documents", documents.finish()).json("permits", permits.finish());
  out.number("last_event", stats.events.last_seq);
  return Json(out.finish());
}

}  // namespace controlplane
