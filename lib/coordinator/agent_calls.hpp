// The calls about agents and their health, and those about the tenant as a whole; store_calls.hpp
// says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/agent.hpp"
#include "coordinator/call_argument.hpp"
#include "engine/operations.hpp"

namespace controlplane {

struct AddAgentCall {
  using Answer = Agent;
  AddAgentCall(AgentSpec s, std::uint64_t own_incarnation, std::string_view by)
      : spec(std::move(s)),
        incarnation(spec.incarnation != 0 ? spec.incarnation : own_incarnation),
        registered_by(by) {}
  AgentSpec spec;
  std::uint64_t incarnation;
  NameArgument registered_by;  // the coordinator's, which the store may outlast
  AddAgent op;
  Operation& bind() {
    op.spec = &spec;
    op.incarnation = incarnation;
    op.registered_by = registered_by.get();
    return op;
  }
  void keep(CallNames&) { registered_by.keep(); }
  Agent&& answer() { return std::move(*op.agent); }
};

struct RemoveAgentCall {
  using Answer = void;
  RemoveAgentCall(std::string_view id, std::uint64_t of) : agent_id(id), incarnation(of) {}
  NameArgument agent_id;
  std::uint64_t incarnation;
  RemoveAgent op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    op.incarnation = incarnation;
    return op;
  }
  void keep(CallNames&) { agent_id.keep(); }
  bool applied_before(const Error& error) const { return error.code == ErrorCode::not_found; }
};

struct HeartbeatCall {
  using Answer = void;
  HeartbeatCall(std::string_view id, const HeartbeatReport& r) : agent_id(id), report(r) {}
  NameArgument agent_id;
  Argument<HeartbeatReport> report;
  Heartbeat op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    op.report = &report.get();
    return op;
  }
  void keep(CallNames&) {
    agent_id.keep();
    report.keep();
  }
};

struct GetAgentCall {
  using Answer = Agent;
  explicit GetAgentCall(std::string_view id) : agent_id(id) {}
  NameArgument agent_id;
  GetAgent op;
  Operation& bind() {
    op.agent_id = agent_id.get();
    return op;
  }
  void keep(CallNames&) { agent_id.keep(); }
  Agent&& answer() { return std::move(*op.agent); }
};

struct ListAgentsCall {
  using Answer = Page<Agent>;
  ListAgentsCall(const AgentFilter& f, const PageRequest& p) : filter(f), page(p) {}
  Argument<AgentFilter> filter;
  Argument<PageRequest> page;
  ListAgents op;
  Operation& bind() {
    op.filter = &filter.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    filter.keep();
    page.keep();
  }
  Page<Agent> answer() { return std::move(op.agents); }
};

struct SelectAgentCall {
  using Answer = Agent;
  explicit SelectAgentCall(const SelectRequest& r) : request(r) {}
  Argument<SelectRequest> request;
  SelectAgent op;
  Operation& bind() {
    op.request = &request.get();
    return op;
  }
  void keep(CallNames&) { request.keep(); }
  Agent&& answer() { return std::move(*op.agent); }
};

struct ProbeCall {
  using Answer = void;
  std::string agent_id;
  bool clear = false;
  bool good = false;
  std::string error;
  std::uint32_t failure_threshold = 3, success_threshold = 2;
  RecordProbe op;
  Operation& bind() {
    op.agent_id = agent_id;
    op.clear = clear;
    op.good = good;
    op.error = error;
    op.failure_threshold = failure_threshold;
    op.success_threshold = success_threshold;
    return op;
  }
};

struct HealthCall {
  struct Answer {
    HealthStats totals;
    std::vector<AgentHealth> agents;
    Timestamp now = 0;
  };
  explicit HealthCall(std::size_t max) : max_agents(max) {}
  std::size_t max_agents;
  ReadHealth op;
  Operation& bind() {
    op.max_agents = max_agents;
    op.agents.clear();
    return op;
  }
  Answer answer() { return {op.totals, std::move(op.agents), op.now}; }
};

struct StatsCall {
  using Answer = ReadStats;
  ReadStats op;
  Operation& bind() { return op; }
  ReadStats answer() { return std::move(op); }
};

struct ReadEventsCall {
  using Answer = ReadEvents;
  ReadEventsCall(std::uint64_t from, std::size_t max, const EventFilter& f)
      : after(from), max_items(max), filter(f) {}
  std::uint64_t after;
  std::size_t max_items;
  Argument<EventFilter> filter;
  ReadEvents op;
  Operation& bind() {
    op.after = after;
    op.max_items = max_items;
    op.filter = &filter.get();
    op.events.clear();
    return op;
  }
  void keep(CallNames&) { filter.keep(); }
  ReadEvents answer() { return std::move(op); }
};

struct WatchCall {
  using Answer = void;
  explicit WatchCall(int c) : change(c) {}
  int change;
  Watch op;
  Operation& bind() {
    op.claims = change;
    return op;
  }
};

struct AdvanceCall {
  using Answer = bool;  // more is due
  Advance op;
  Operation& bind() { return op; }
  bool answer() const { return op.more_due; }
};

}  // namespace controlplane
