// A table of agents with a clock of its own, and a scan that all it maintains must agree with.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "controlplane/agent.hpp"
#include "engine/agent_table.hpp"
#include "engine/agent_table_impl.hpp"

namespace controlplane {

constexpr std::int64_t kSecond = 1'000'000;

struct AgentAudit {
  static AgentTable::Impl& impl(AgentTable& table) { return *table.impl_; }

  static void check(AgentTable& table) {
    AgentTable::Impl& impl = *table.impl_;
    AgentCounts counts;
    for (std::size_t at = 0; at < impl.roster.size(); ++at) {
      const AgentSlot slot = impl.roster[at].slot;
      if (slot == kNoAgent) continue;
      const AgentRecord& agent = impl.records[slot];
      counts.add(agent);
      REQUIRE(agent.status == status_of(agent));
      REQUIRE(agent.health == health_of(agent));
      REQUIRE(agent.available == is_available(agent));
      REQUIRE(impl.find(agent.agent_id) == slot);
      REQUIRE((agent.postponed || impl.deadlines.when_at(agent.deadline_place) <= impl.deadline_of(agent)));
    }
    REQUIRE(counts == impl.counts);
    REQUIRE(counts.total == impl.by_id.size());
    REQUIRE(counts.total == impl.deadlines.size());
    check(impl.selection);
    REQUIRE(ranked(impl.selection) == counts.available);
  }

  // Invariants 1 and 2 of AgentSelection, for both rankings.
  static void check(AgentSelection& selection) {
    for (const auto measure : {AgentSelection::by_load, AgentSelection::by_age}) {
      const bool used = selection.ranked_[measure].used;
      selection.settle(measure);
      selection.ranked_[measure].used = used;
      const AgentRanking& ranking = selection.ranked_[measure].ranking;
      for (Slot slot = 0; slot < selection.states_.size(); ++slot) {
        const auto& state = selection.states_[slot];
        REQUIRE((state.ranked >> measure & 1) == (state.available ? 1 : 0));
        REQUIRE((ranking.place(slot) != kNoSlot) == state.available);
        if (state.available) check_place(ranking, state.group, slot, state.order);
      }
    }
  }
  static std::size_t ranked(const AgentSelection& selection) {
    return static_cast<std::size_t>(std::ranges::count_if(
        selection.states_, [](const auto& state) { return state.ranked != 0; }));
  }
  static std::size_t matches(const AgentSelection& selection) { return selection.matches_.size(); }

 private:
  static void check_place(const AgentRanking& ranking, GroupId group, Slot slot,
                          std::uint64_t order) {
    const AgentHeap& heap = ranking.heap(group);
    const std::uint32_t at = ranking.place(slot);
    REQUIRE(at < heap.size());
    REQUIRE(heap[at].slot == slot);
    REQUIRE(heap[at].order == order);
    if (at > 0) REQUIRE(heap[(at - 1) / AgentHeap::kChildren].before(heap[at]));
    REQUIRE(ranking.available(group) == heap.size());
    REQUIRE(ranking.best(group) == heap[0]);
  }
};

// Operations at `now`, which only the test moves.
struct Fleet {
  explicit Fleet(AgentRules rules = {}) : table(rules) {}

  static AgentSpec spec(std::string id, std::vector<std::string> capabilities = {"code"},
                        std::uint32_t slots = 1) {
    AgentSpec made;
    made.agent_id = std::move(id);
    made.capabilities = std::move(capabilities);
    made.max_concurrency = slots;
    return made;
  }
  Result<AgentTable::Added> try_add(const AgentSpec& of, std::uint64_t incarnation = 1,
                                    std::string_view by = "host:1") {
    return table.add(of, incarnation, by, now, effects);
  }
  AgentSlot add(const AgentSpec& of, std::uint64_t incarnation = 1,
                std::string_view by = "host:1") {
    return try_add(of, incarnation, by).value().slot;
  }
  AgentSlot add(std::string id, std::uint32_t slots = 1) {
    return add(spec(std::move(id), {"code"}, slots));
  }
  void touch(AgentSlot slot) { table.touch(slot, now, effects); }
  Result<void> report(AgentSlot slot, AgentStatus status) {
    HeartbeatReport made;
    made.status = status;
    return table.heartbeat(slot, made, now, effects);
  }
  Result<void> report(AgentSlot slot, HealthStatus health) {
    HeartbeatReport made;
    made.health = health;
    return table.heartbeat(slot, made, now, effects);
  }
  void claim(AgentSlot slot, std::uint32_t count = 1) { table.claimed(slot, count, now, effects); }
  void end(AgentSlot slot, AttemptOutcome outcome, std::int64_t latency_us = 0) {
    table.ended(slot, outcome, latency_us, now, effects);
  }
  void run(AgentSlot slot, AttemptOutcome outcome, int times = 1) {
    for (int i = 0; i < times; ++i) {
      claim(slot);
      end(slot, outcome);
    }
  }
  void probe(AgentSlot slot, bool good) {
    table.record_probe(slot, good, good ? "" : "no answer", 3, 2, now, effects);
  }
  void go_offline(AgentSlot slot) { table.go_offline(slot, now, effects); }

  // What is due at `now`, as the namespace does it; answers how often the table was asked.
  int advance() {
    int asked = 0;
    for (; table.next_due() <= now; ++asked) {
      const AgentTable::Due due = table.due(now, effects);
      if (due.kind == AgentTable::Due::Kind::silent) go_offline(due.slot);
      if (due.kind == AgentTable::Due::Kind::expired) table.remove(due.slot, now, effects);
    }
    return asked;
  }

  Agent snapshot(AgentSlot slot) const {
    Agent shown;
    table.snapshot(slot, shown);
    return shown;
  }
  AgentStatus status(AgentSlot slot) const { return snapshot(slot).status; }
  HealthStatus health(AgentSlot slot) const { return table.health(slot).status; }
  bool available(AgentSlot slot) const { return snapshot(slot).available; }

  Result<std::string> select(SelectionStrategy strategy, std::vector<std::string> capabilities = {},
                             std::vector<std::string> exclude = {}, std::uint64_t random = 0) {
    const SelectRequest request{std::move(capabilities), strategy, std::move(exclude)};
    const Result<AgentSlot> chosen = table.select(request, random, now);
    if (!chosen) return chosen.error();
    return std::string(table.id(*chosen));
  }

  // Types of the events since the last call.
  std::vector<std::string> events() {
    std::vector<std::string> types;
    for (const Event& event : full_events()) types.push_back(event.type);
    return types;
  }
  std::vector<Event> full_events() {
    std::vector<Event> made;
    const auto read = log.read(read_, 1'000'000, [&](const LogTable::Entry& entry) {
      made.push_back(decode_event(entry, "default"));
      return true;
    });
    read_ = read.value();
    return made;
  }
  std::vector<Signal> signals() { return std::exchange(effects.signals, {}); }
  void forget() {
    signals();
    events();
  }

  LogTable log;
  Effects effects{log, {}, true};
  AgentTable table;
  Timestamp now = 1'795'221'190 * kSecond;  // 2026-11-21T00:33:10Z

 private:
  std::uint64_t read_ = 0;
};

using Types = std::vector<std::string>;

}  // namespace controlplane
