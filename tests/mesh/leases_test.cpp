#include <atomic>
#include <thread>

#include "coordinator/plane.hpp"
#include "controlplane/lease.hpp"
#include "coordinator/permit_calls.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

LeaseOptions owned_by(std::string owner, std::chrono::milliseconds ttl = 30s) {
  LeaseOptions options;
  options.owner = std::move(owner);
  options.ttl = ttl;
  return options;
}

// What was told, in order; callbacks of a pumped coordinator run on the test's thread.
struct Told {
  std::vector<std::string> list;
  std::function<void(const Error&)> lost() {
    return [this](const Error& why) { list.push_back("lost: " + why.to_string()); };
  }
  std::function<void(std::uint64_t)> elected() {
    return [this](std::uint64_t epoch) { list.push_back("elected " + std::to_string(epoch)); };
  }
};

}  // namespace

TEST_CASE("a lease has one holder, and a fence that grows with each") {
  Plane p(any_store());
  NamedLeases leases(p.plane);
  NamedLease first = leases.acquire("db", owned_by("a")).value();
  CHECK(first.held());
  CHECK(first.name() == "db");
  CHECK(leases.holder("db").value().owner == "a");
  CHECK(code_of(leases.acquire("db", owned_by("b"))) == ErrorCode::resource_exhausted);
  CHECK(leases.acquire("other", owned_by("b")).ok());
  CHECK(first.release().ok());
  CHECK(first.release().ok());
  CHECK_FALSE(first.held());
  CHECK(code_of(leases.holder("db")) == ErrorCode::not_found);
  const NamedLease second = leases.acquire("db", owned_by("b")).value();
  CHECK(second.fence() > first.fence());
}

TEST_CASE("destroying a lease releases it") {
  Plane p(StoreKind::memory);
  NamedLeases leases(p.plane);
  { const NamedLease held = leases.acquire("db", owned_by("a")).value(); }
  NamedLease held = leases.acquire("db", owned_by("b")).value();
  held = NamedLease();
  CHECK(code_of(leases.holder("db")) == ErrorCode::not_found);
  CHECK_FALSE(held.held());
  CHECK(held.fence() == 0);
  CHECK(held.release().ok());
  CHECK(code_of(held.renew()) == ErrorCode::failed_precondition);
}

TEST_CASE("who waits for a lease gets it when it is released") {
  Plane p(any_store());
  NamedLeases leases(p.plane);
  NamedLease first = leases.acquire("db", owned_by("a")).value();
  std::thread waiter([&] {
    LeaseOptions options = owned_by("b");
    options.wait = 30s;
    CHECK(leases.acquire("db", options).value().fence() > first.fence());
  });
  while (p->get_stats().value().permits.waiting == 0) std::this_thread::yield();
  CHECK(first.release().ok());
  waiter.join();
}

TEST_CASE("a lease renews itself for as long as it is held") {
  PumpedPlane p;
  NamedLeases leases(p.plane);
  NamedLease held = leases.acquire("db", owned_by("a", 9s)).value();
  for (int i = 0; i < 100; ++i) {
    p.pass(1s);
    CHECK(held.held());
  }
  CHECK(leases.holder("db").value().fence == held.fence());
  CHECK(held.release().ok());
  p.pass(60s);
  CHECK(code_of(leases.holder("db")) == ErrorCode::not_found);
}

TEST_CASE("a lease that is not renewed is lost at its end, and says so") {
  PumpedPlane p;
  NamedLeases leases(p.plane);
  Told told;
  LeaseOptions options = owned_by("a", 9s);
  options.on_lost = told.lost();
  SECTION("by choice") {
    options.auto_renew = false;
    NamedLease held = leases.acquire("db", options).value();
    p.pass(5s);
    CHECK(held.renew().ok());
    p.pass(8'999ms);
    CHECK(held.held());
    CHECK(told.list.empty());
    p.pass(1ms);
    CHECK_FALSE(held.held());
    CHECK(told.list ==
          std::vector<std::string>{"lost: deadline_exceeded: lease db is over: it was not renewed"});
    CHECK(code_of(held.release()) == ErrorCode::not_found);
  }
  SECTION("because it was held for long enough") {
    options.max_hold = 20s;
    const NamedLease held = leases.acquire("db", options).value();
    for (int i = 0; i < 20; ++i) p.pass(1s);
    CHECK(held.held());
    p.pass(9s);
    CHECK_FALSE(held.held());
    REQUIRE(told.list.size() == 1);
    CHECK_THAT(told.list[0], ContainsSubstring("it was held for max_hold, 20 s"));
  }
  CHECK(leases.acquire("db", owned_by("b")).ok());
}

TEST_CASE("a holder whose store went away stops trusting its lease in time") {
  Config config;
  config.operation_timeout = 100ms;
  const auto memory = open_store(StoreKind::memory);
  const auto late = std::make_shared<LateStore>(memory, LateFaults{});
  Plane p(late, config);
  NamedLeases leases(p.plane);
  std::atomic<bool> lost = false;
  LeaseOptions options = owned_by("a", 300ms);
  options.on_lost = [&](const Error& why) {
    CHECK_THAT(why.message, ContainsSubstring("lease db is over"));
    lost = true;
  };
  const NamedLease held = leases.acquire("db", options).value();
  late->set_faults({100, 0, 0});
  while (!lost) std::this_thread::yield();
  CHECK_FALSE(held.held());
  late->set_faults({});
}

TEST_CASE("a holder hears that its time is over while a renewal is without answer") {
  Config config;
  config.operation_timeout = 60s;
  const auto late = std::make_shared<LateStore>(open_store(StoreKind::memory), LateFaults{});
  Plane p(late, config);
  NamedLeases leases(p.plane);
  std::atomic<bool> lost = false;
  LeaseOptions options = owned_by("a", 300ms);
  options.on_lost = [&](const Error&) { lost = true; };
  const NamedLease held = leases.acquire("db", options).value();
  late->hold(true);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!lost && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(lost);
  CHECK_FALSE(held.held());
  late->hold(false);
}

TEST_CASE("what was told to be lost is not renewed, though the store still knows it") {
  Config config;
  config.operation_timeout = 20s;
  const auto late = std::make_shared<LateStore>(open_store(StoreKind::memory), LateFaults{});
  Plane p(late, config);
  NamedLeases leases(p.plane);
  std::atomic<bool> lost = false;
  LeaseOptions options = owned_by("a", 2s);
  options.on_lost = [&](const Error&) { lost = true; };
  NamedLease held = leases.acquire("db", options).value();
  late->set_faults({0, 0, 100});  // every renewal is applied, and none is answered
  while (!lost) std::this_thread::yield();
  late->set_faults({});
  CHECK(code_of(held.renew()) == ErrorCode::not_found);
  CHECK_FALSE(held.held());
}

TEST_CASE("a permit that somebody else ended is lost, and told once") {
  PumpedPlane p;
  NamedLeases leases(p.plane);
  Told told;
  LeaseOptions options = owned_by("a", 9s);
  options.on_lost = told.lost();
  NamedLease held = leases.acquire("db", options).value();
  CHECK(p.core().calls().block(EndPermitCall(PermitRef{held.fence(), "a"})).ok());
  p.pass(3s);
  CHECK_FALSE(held.held());
  p.pass(60s);
  CHECK(told.list.size() == 1);
}

TEST_CASE("after a release nothing is told any more") {
  PumpedPlane p;
  NamedLeases leases(p.plane);
  Told told;
  LeaseOptions options = owned_by("a", 9s);
  options.on_lost = told.lost();
  NamedLease held = leases.acquire("db", options).value();
  CHECK(held.release().ok());
  p.pass(60s);
  CHECK(told.list.empty());
}

TEST_CASE("what breaks a rule is refused") {
  Plane p(StoreKind::memory);
  NamedLeases leases(p.plane);
  CHECK(code_of(leases.acquire("a b", owned_by("a"))) == ErrorCode::invalid_argument);
  CHECK(code_of(leases.acquire("a", owned_by(""))) == ErrorCode::invalid_argument);
  CHECK(code_of(leases.acquire("a", owned_by("a", 0ms))) == ErrorCode::invalid_argument);
  CHECK(code_of(leases.holder("")) == ErrorCode::invalid_argument);
  CHECK(code_of(LeaderElection::start(p.plane, {})) == ErrorCode::invalid_argument);
}

TEST_CASE("one candidate leads, and the next one when it resigns") {
  PumpedPlane p;
  Told a, b;
  LeaderElection first =
      LeaderElection::start(p.plane, {"boss", "a", 9s, a.elected(), a.lost()}).value();
  p.pump();
  LeaderElection second =
      LeaderElection::start(p.plane, {"boss", "b", 9s, b.elected(), b.lost()}).value();
  p.pump();
  CHECK(first.is_leader());
  CHECK_FALSE(second.is_leader());
  CHECK(NamedLeases(p.plane).holder("boss").value().owner == "a");
  const std::uint64_t epoch = first.epoch();
  CHECK(a.list == std::vector<std::string>{"elected " + std::to_string(epoch)});
  for (int i = 0; i < 300; ++i) p.pass(2s);  // longer than one wait of the second
  CHECK(first.epoch() == epoch);
  first.stop();
  p.pump();
  CHECK_FALSE(first.is_leader());
  CHECK(second.is_leader());
  CHECK(second.epoch() > epoch);
  CHECK(b.list.size() == 1);
  CHECK(a.list.size() == 1);
}

TEST_CASE("a leader that loses its lease says so and stands again") {
  PumpedPlane p;
  Told told;
  LeaderElection election =
      LeaderElection::start(p.plane, {"boss", "a", 9s, told.elected(), told.lost()}).value();
  p.pump();
  const std::uint64_t epoch = election.epoch();
  CHECK(p.core().calls().block(EndPermitCall(PermitRef{epoch, "a"})).ok());
  p.pass(3s);
  REQUIRE(told.list.size() == 3);
  CHECK_THAT(told.list[1], ContainsSubstring("lost: not_found"));
  CHECK(election.epoch() > epoch);
}

TEST_CASE("of many candidates in many threads one leads at a time") {
  Plane p(StoreKind::memory);
  std::atomic<int> leading = 0, most = 0, elected = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      NamedLeases leases(p.plane);
      for (int k = 0; k < 25; ++k) {
        LeaseOptions options = owned_by("c" + std::to_string(i));
        options.wait = 30s;
        NamedLease lease = leases.acquire("boss", options).value();
        const int now = ++leading;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {}
        ++elected;
        --leading;
        CHECK(lease.release().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(elected == 100);
}

}  // namespace controlplane
