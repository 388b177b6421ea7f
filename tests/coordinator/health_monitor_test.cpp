#include <atomic>
#include <memory>
#include <thread>

#include "coordinator/plane.hpp"
#include "runtime/gate.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

ProbeSpec callback_probe(std::string name, std::string agent, std::function<bool()> callback) {
  ProbeSpec spec;
  spec.name = std::move(name);
  spec.agent_id = std::move(agent);
  spec.callback = std::move(callback);
  spec.interval = 1s;
  spec.timeout = 500ms;
  return spec;
}

TEST_CASE("a probe runs at once and then every interval") {
  int calls = 0;
  PumpedPlane p;
  CHECK(p->register_probe(callback_probe("p", "", [&] { return ++calls > 0; })).ok());
  p.pump();
  CHECK(calls == 1);
  p.pass(999ms);
  CHECK(calls == 1);
  p.pass(1ms);
  CHECK(calls == 2);
  CHECK(p->unregister_probe("p").ok());
  p.pass(10s);
  CHECK(calls == 2);
}

TEST_CASE("probe failures make an agent unhealthy and failed, successes bring it back") {
  bool good = true;
  PumpedPlane p;
  p->register_agent(agent_of("a", {"code"})).value();
  CHECK(p->register_probe(callback_probe("p", "a", [&] { return good; })).ok());
  p.pump();
  CHECK(p->get_agent_health("a")->probe == HealthStatus::healthy);
  CHECK(p->is_agent_available("a"));
  good = false;
  for (int i = 0; i < 3; ++i) {
    CHECK(p->heartbeat("a").ok());
    p.pass(1s);
  }
  CHECK(p->get_agent_health("a")->status == HealthStatus::unhealthy);
  CHECK(p->get_agent("a")->status == AgentStatus::failed);
  CHECK_FALSE(p->is_agent_available("a"));
  CHECK(code_of(p->claim_task(claim_of("a"))) == ErrorCode::failed_precondition);
  good = true;
  p.pass(1s);
  CHECK(p->get_agent("a")->status == AgentStatus::failed);
  p.pass(1s);
  CHECK(p->get_agent("a")->status == AgentStatus::ready);
  CHECK(p->get_agent_health("a")->status == HealthStatus::healthy);
}

TEST_CASE("removing the last probe of an agent clears what it said") {
  PumpedPlane p;
  p->register_agent(agent_of("a")).value();
  ProbeSpec spec = callback_probe("p", "a", [] { return false; });
  spec.failure_threshold = 1;
  CHECK(p->register_probe(spec).ok());
  p.pump();
  CHECK(p->get_agent("a")->status == AgentStatus::failed);
  CHECK(p->unregister_probe("p").ok());
  CHECK(p->get_agent("a")->status == AgentStatus::ready);
}

TEST_CASE("a good probe does not hide another one of the agent that fails") {
  PumpedPlane p;
  p->register_agent(agent_of("a")).value();
  CHECK(p->register_probe(callback_probe("bad", "a", [] { return false; })).ok());
  CHECK(p->register_probe(callback_probe("good", "a", [] { return true; })).ok());
  p.pump();
  for (int i = 0; i < 3; ++i) p.pass(1s);
  CHECK(p->get_agent("a")->status == AgentStatus::failed);
}

TEST_CASE("a callback that throws has failed, with its text") {
  PumpedPlane p;
  CHECK(p->register_probe(callback_probe("p", "", []() -> bool {
           throw std::runtime_error("no disk");
         })).ok());
  p.pump();
  const SystemHealth health = p->check_health().value();
  REQUIRE(health.probes.size() == 1);
  CHECK(health.probes[0].error == "no disk");
  CHECK(health.probes[0].consecutive_failures == 1);
}

TEST_CASE("a callback that hangs fails at its timeout, is not called twice, delays nobody") {
  Gate entered, leave, other;
  std::atomic<int> inside{0}, most{0};
  Plane p(GENERATE(StoreKind::memory, StoreKind::late));
  ProbeSpec hanging = callback_probe("hangs", "", [&] {
    most = std::max(most.load(), ++inside);
    entered.arrive();
    leave.wait_for();
    --inside;
    return true;
  });
  hanging.interval = 5ms;
  hanging.timeout = 5ms;
  ProbeSpec quick = callback_probe("quick", "", [&] {
    other.arrive();
    return true;
  });
  quick.interval = 5ms;
  CHECK(p->register_probe(hanging).ok());
  REQUIRE(entered.wait_for());
  CHECK(p->register_probe(quick).ok());
  CHECK(other.wait_for(3));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (p->check_health()->probes[0].status != HealthStatus::unhealthy) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  CHECK(most == 1);
  CHECK(p->get_system_health() != HealthStatus::healthy);
  leave.arrive();
  CHECK(entered.wait_for(2));
  CHECK(p->unregister_probe("hangs").ok());
}

TEST_CASE("a callback pool that is full makes nobody fail") {
  Config config;
  config.limits.max_queued_callbacks = 1;
  PumpedPlane p(config);
  for (const char* id : {"a", "b"}) {
    p->register_agent(agent_of(id)).value();
    ProbeSpec spec = callback_probe(id, id, [] { return true; });
    spec.failure_threshold = 1;
    CHECK(p->register_probe(spec).ok());
  }
  p.pump();
  CHECK(p->get_agent_health("a")->probe == HealthStatus::healthy);
  CHECK(p->get_agent_health("b")->probe == HealthStatus::unknown);
  CHECK(p->get_agent("b")->status == AgentStatus::ready);
  p.pass(1s);  // b's turn comes first
  CHECK(p->get_agent_health("b")->probe == HealthStatus::healthy);
}

TEST_CASE("the timeout of a callback begins when it begins") {
  Gate entered, leave;
  Config config;
  config.limits.max_callback_threads = 1;
  Plane p(StoreKind::memory, config);
  CHECK(p->register_probe(callback_probe("hangs", "", [&] {
           entered.arrive();
           return leave.wait_for();
         })).ok());
  REQUIRE(entered.wait_for());
  ProbeSpec waits = callback_probe("waits", "", [] { return true; });
  waits.interval = waits.timeout = 1ms;
  CHECK(p->register_probe(waits).ok());
  ProbeSpec clock;  // tells the time
  clock.name = "clock";
  clock.tcp_address = "127.0.0.1:1";
  clock.interval = 5ms;
  CHECK(p->register_probe(clock).ok());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (p->check_health()->probes[0].consecutive_failures < 5) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  CHECK(p->check_health()->probes[2].status == HealthStatus::unknown);
  leave.arrive();
  while (p->check_health()->probes[2].status != HealthStatus::healthy) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

TEST_CASE("when a probe is unregistered its callback has ended and is destroyed") {
  Gate entered, leave;
  std::atomic<bool> ended{false};
  Plane p(StoreKind::memory);
  auto captured = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = captured;
  ProbeSpec spec = callback_probe("p", "", [&, captured = std::move(captured)] {
    entered.arrive();
    leave.wait_for();
    return ended = true;
  });
  spec.interval = 1h;
  CHECK(p->register_probe(std::move(spec)).ok());
  REQUIRE(entered.wait_for());
  std::thread leaver([&] { leave.arrive(); });
  CHECK(p->unregister_probe("p").ok());
  CHECK(ended);
  CHECK(alive.expired());
  leaver.join();
}

TEST_CASE("a probe may unregister itself") {
  Gate ended;
  Plane p(StoreKind::memory);
  CHECK(p->register_probe(callback_probe("p", "", [&] {
           CHECK(p->unregister_probe("p").ok());
           ended.arrive();
           return true;
         })).ok());
  REQUIRE(ended.wait_for());
  CHECK(p->check_health()->probes.empty());
}

TEST_CASE("a result on its way when its probe is unregistered does not stay") {
  const auto seed = GENERATE(range(1U, 9U));  // the order of the answers
  auto memory = make_memory_store(system_clock(), 16);
  auto store = std::make_shared<LateStore>(std::move(memory), LateFaults{}, seed);
  Plane p(store);
  p->register_agent(agent_of("a")).value();
  ProbeSpec spec = callback_probe("p", "a", [] { return false; });
  spec.failure_threshold = 1;
  store->hold(true);
  CHECK(p->register_probe(spec).ok());
  REQUIRE(store->wait_for_waiting(1));
  CHECK(p->unregister_probe("p").ok());
  REQUIRE(store->wait_for_waiting(2));
  store->hold(false);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (store->waiting() > 0 || p->get_agent("a")->status != AgentStatus::ready) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

TEST_CASE("what a coordinator's probes said ends with it") {
  const auto store = open_store(GENERATE(StoreKind::memory, StoreKind::late));
  Plane other(store), p(store);
  other->register_agent(agent_of("a")).value();
  ProbeSpec spec = callback_probe("p", "a", [] { return false; });
  spec.failure_threshold = 1;
  CHECK(p->register_probe(spec).ok());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (other->get_agent("a")->status != AgentStatus::failed) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  CHECK(p->shutdown().ok());
  while (other->get_agent("a")->status != AgentStatus::ready) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

TEST_CASE("probes reach the network") {
  Plane p(StoreKind::memory);
  ProbeSpec spec;
  spec.name = "nothing-listens";
  spec.tcp_address = "127.0.0.1:1";
  spec.interval = 10ms;
  CHECK(p->register_probe(spec).ok());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (p->check_health()->probes[0].status != HealthStatus::unhealthy) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  CHECK_FALSE(p->check_health()->probes[0].error.empty());
}

TEST_CASE("bad probes are refused") {
  Config config;
  config.limits.max_probes = 1;
  PumpedPlane p(config);
  ProbeSpec none;
  none.name = "p";
  CHECK(code_of(p->register_probe(none)) == ErrorCode::invalid_argument);
  ProbeSpec url = none;
  url.http_url = "ftp://x";
  CHECK(code_of(p->register_probe(url)) == ErrorCode::invalid_argument);
  const ProbeSpec good = callback_probe("p", "", [] { return true; });
  CHECK(p->register_probe(good).ok());
  CHECK(code_of(p->register_probe(good)) == ErrorCode::already_exists);
  ProbeSpec second = good;
  second.name = "q";
  CHECK(code_of(p->register_probe(second)) == ErrorCode::resource_exhausted);
}

TEST_CASE("the system's health follows its agents and probes") {
  PumpedPlane p;
  CHECK(p->get_system_health() == HealthStatus::unknown);
  for (int i = 0; i < 8; ++i) p->register_agent(agent_of("a" + std::to_string(i))).value();
  CHECK(p->get_system_health() == HealthStatus::healthy);
  HeartbeatReport bad;
  bad.health = HealthStatus::unhealthy;
  CHECK(p->heartbeat("a0", bad).ok());
  CHECK(p->get_system_health() == HealthStatus::degraded);
  for (int i = 1; i < 3; ++i) CHECK(p->heartbeat("a" + std::to_string(i), bad).ok());
  CHECK(p->get_system_health() == HealthStatus::unhealthy);
  const SystemHealth health = p->check_health().value();
  CHECK(health.unhealthy_count == 3);
  CHECK(health.healthy_count == 5);
  CHECK(health.agents.size() == 8);
}

TEST_CASE("a failing system probe degrades the system") {
  PumpedPlane p;
  ProbeSpec spec = callback_probe("disk", "", [] { return false; });
  spec.failure_threshold = 1;
  CHECK(p->register_probe(spec).ok());
  p->register_agent(agent_of("a")).value();
  p.pump();
  CHECK(p->get_system_health() == HealthStatus::degraded);
}

TEST_CASE("synchronous getters of a late store answer from a copy, and never block") {
  Plane p(StoreKind::late);
  p->register_agent(agent_of("a")).value();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  Result<AgentHealth> health = p->get_agent_health("a");
  while (!health && health.error().code == ErrorCode::unavailable) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    health = p->get_agent_health("a");
  }
  REQUIRE(health.ok());
  CHECK(health->status == HealthStatus::healthy);
  CHECK(health->age <= 1s);
  while (p->get_system_health() != HealthStatus::healthy) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

TEST_CASE("on_agent_unhealthy tells of every way to get there") {
  std::vector<std::string> heard;
  PumpedPlane p;
  auto subscription =
      p->on_agent_unhealthy([&](const std::string& agent) { heard.push_back(agent); }).value();
  p->register_agent(agent_of("sick")).value();
  p->register_agent(agent_of("silent")).value();
  HeartbeatReport bad;
  bad.health = HealthStatus::unhealthy;
  CHECK(p->heartbeat("sick", bad).ok());
  p.pump();
  CHECK(heard == std::vector<std::string>{"sick"});
  p.pass(15s);
  CHECK(p->heartbeat("sick").ok());
  p.pass(15'001ms);
  CHECK(std::count(heard.begin(), heard.end(), "silent") >= 1);
}

}  // namespace
}  // namespace controlplane
