#include <thread>

#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

TEST_CASE("agents are registered, found and listed") {
  Plane p(any_store());
  AgentSpec spec = agent_of("a", {"code", "audit", "code"}, 3);
  spec.model = "m";
  spec.labels = {{"zone", "1"}};
  const Agent agent = p->register_agent(spec).value();
  CHECK(agent.capabilities == std::vector<std::string>{"audit", "code"});
  CHECK(agent.status == AgentStatus::ready);
  CHECK(agent.incarnation != 0);
  CHECK_FALSE(agent.registered_by.empty());
  p->register_agent(agent_of("b", {"gpu"})).value();
  CHECK(p->get_agent("a")->model == "m");
  CHECK(p->list_agents()->items.size() == 2);
  AgentFilter gpu;
  gpu.capabilities = {"gpu"};
  REQUIRE(p->list_agents(gpu)->items.size() == 1);
  CHECK(p->list_agents(gpu)->items[0].agent_id == "b");
  CHECK(p->unregister_agent("b").ok());
  CHECK(p->list_agents()->items.size() == 1);
}

TEST_CASE("heartbeats report status, health and metrics") {
  Plane p(any_store());
  p->register_agent(agent_of("a")).value();
  HeartbeatReport report;
  report.status = AgentStatus::busy;
  report.health = HealthStatus::degraded;
  report.metrics = R"({"load":1})";
  CHECK(p->heartbeat("a", report).ok());
  const Agent agent = p->get_agent("a").value();
  CHECK(agent.reported_status == AgentStatus::busy);
  CHECK(agent.health == HealthStatus::degraded);
  CHECK(agent.metrics == R"({"load":1})");
}

TEST_CASE("select_agent picks by strategy and excludes") {
  Plane p(any_store());
  p->register_agent(agent_of("wide", {"code", "x", "y"})).value();
  p->register_agent(agent_of("narrow", {"code"})).value();
  SelectRequest request;
  request.capabilities = {"code"};
  request.strategy = SelectionStrategy::capability_match;
  CHECK(p->select_agent(request)->agent_id == "narrow");
  request.exclude = {"narrow"};
  CHECK(p->select_agent(request)->agent_id == "wide");
  request.exclude = {"narrow", "wide"};
  CHECK(code_of(p->select_agent(request)) == ErrorCode::not_found);
}

TEST_CASE("an older incarnation is told who took over") {
  Plane p(any_store());
  const std::uint64_t old = p->register_agent(agent_of("a"))->incarnation;
  AgentSpec spec = agent_of("a");
  spec.incarnation = old + 1;
  p->register_agent(spec).value();
  HeartbeatReport report;
  report.incarnation = old;
  const auto beat = p->heartbeat("a", report);
  CHECK(code_of(beat) == ErrorCode::failed_precondition);
  CHECK_THAT(beat.error().message, Catch::Matchers::ContainsSubstring("registered again by"));
  CHECK(code_of(p->unregister_agent("a", old)) == ErrorCode::failed_precondition);
  CHECK(p->unregister_agent("a").ok());
}

TEST_CASE("a silent agent goes offline and comes back by any call") {
  PumpedPlane p;
  p->register_agent(agent_of("a")).value();
  p.pass(29'999ms);
  CHECK(p->get_agent("a")->status == AgentStatus::ready);
  p.pass(2ms);
  CHECK(p->get_agent("a")->status == AgentStatus::offline);
  CHECK(p->heartbeat("a").ok());
  CHECK(p->get_agent("a")->status == AgentStatus::ready);
}

TEST_CASE("two coordinators over one store see the same agents and wake each other's claims") {
  auto store = open_store(StoreKind::memory);
  Plane one(store), two(store);
  one->register_agent(agent_of("a", {"code"})).value();
  CHECK(two->get_agent("a").ok());
  std::thread submitter([&] {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (one.core().claims().waiting() == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    (void)two->submit_task(spec_of("t", {"code"}));
  });
  const auto got = one->claim_task(claim_of("a", {}, 20s));
  submitter.join();
  REQUIRE(got.ok());
  CHECK(got->has_value());
}

TEST_CASE("another tenant of the store sees nothing") {
  auto store = open_store(StoreKind::memory);
  Config other;
  other.tenant_id = "other";
  Plane one(store), two(store, other);
  one->register_agent(agent_of("a")).value();
  const TaskId id = one->submit_task(spec_of("t")).value();
  CHECK(code_of(two->get_agent("a")) == ErrorCode::not_found);
  CHECK(code_of(two->get_task(id)) == ErrorCode::not_found);
  CHECK_FALSE(two->claim_task(claim_of("a"))->has_value());
}

}  // namespace
}  // namespace controlplane
