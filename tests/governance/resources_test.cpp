#include <atomic>
#include <future>
#include <thread>

#include "coordinator/plane.hpp"
#include "controlplane/resources.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

PoolSpec pool_of(std::string name, std::uint64_t capacity, PoolKind kind = PoolKind::count) {
  PoolSpec spec;
  spec.name = std::move(name);
  spec.kind = kind;
  spec.capacity = capacity;
  return spec;
}

AcquireRequest request_of(std::string pool, std::uint64_t amount = 1,
                          std::chrono::milliseconds wait = 0ms) {
  AcquireRequest request;
  request.needs = {{std::move(pool), amount}};
  request.owner = "owner";
  request.wait = wait;
  return request;
}

}  // namespace

TEST_CASE("pools are defined, shown, listed and removed") {
  Plane p(any_store());
  Resources resources(p.plane);
  CHECK(resources.define_pool(pool_of("calls", 5)).value().available == 5);
  CHECK(resources.define_pool(pool_of("budget", kUnlimited, PoolKind::budget)).ok());
  PoolSpec ports;
  ports.name = "ports";
  ports.kind = PoolKind::number;
  ports.first = 9'000;
  ports.last = 9'100;
  CHECK(resources.define_pool(ports).value().available == 101);
  CHECK(resources.get_pool("ports").value().spec.last == 9'100);
  CHECK(resources.list_pools().value().items.size() == 3);
  CHECK(resources.remove_pool("calls").value());
  CHECK(code_of(resources.get_pool("calls")) == ErrorCode::not_found);
}

TEST_CASE("permits are acquired, renewed, settled and released") {
  Plane p(any_store());
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 2)).value();
  resources.define_pool(pool_of("tokens", 100, PoolKind::budget)).value();
  AcquireRequest both = request_of("calls");
  both.needs.push_back({"tokens", 80});
  const Permit permit = resources.acquire(both).value();
  CHECK(permit.parts.size() == 2);
  CHECK(code_of(resources.acquire(both)) == ErrorCode::resource_exhausted);
  CHECK(resources.renew(permit, 60s).value() > permit.expires_at);
  CHECK(resources.list_permits("calls").value().items.at(0).fence == permit.fence);
  CHECK(resources.settle(permit, {{"tokens", 30}}).ok());
  CHECK(resources.get_pool("tokens").value().available == 70);
  CHECK(resources.get_pool("calls").value().available == 2);
  CHECK(code_of(resources.release(permit)) == ErrorCode::not_found);
  CHECK(code_of(resources.renew({permit.fence, "owner"}, 1s)) == ErrorCode::not_found);
}

TEST_CASE("what breaks a rule is refused and named") {
  Plane p(StoreKind::memory);
  Resources resources(p.plane);
  const auto message = [](const auto& result) {
    CHECK(code_of(result) == ErrorCode::invalid_argument);
    return result.error().message;
  };
  CHECK_THAT(message(resources.define_pool(pool_of("a b", 1))), ContainsSubstring("a b"));
  CHECK_THAT(message(resources.define_pool(pool_of("a", 0))), ContainsSubstring("capacity"));
  CHECK_THAT(message(resources.define_pool(pool_of("a", 1'000'000'000'000'001))),
             ContainsSubstring("max_amount"));
  CHECK_THAT(message(resources.define_pool(pool_of("a", 1, static_cast<PoolKind>(9)))),
             ContainsSubstring("kind 9"));
  PoolSpec ports = pool_of("ports", 1, PoolKind::number);
  ports.first = 2;
  ports.last = 1;
  CHECK_THAT(message(resources.define_pool(ports)), ContainsSubstring("first is 2 and last 1"));
  ports.last = 4'000'000'000;
  CHECK_THAT(message(resources.define_pool(ports)), ContainsSubstring("max_pool_numbers"));
  PoolSpec window = pool_of("w", 1, PoolKind::window);
  window.period = 0ms;
  CHECK_THAT(message(resources.define_pool(window)), ContainsSubstring("period"));
  PoolSpec weighted = pool_of("w", 1);
  weighted.weights = {{"a", 0}};
  CHECK_THAT(message(resources.define_pool(weighted)), ContainsSubstring("weight of a is 0"));
  weighted.weights = {{"a", 1}, {"a", 2}};
  CHECK_THAT(message(resources.define_pool(weighted)), ContainsSubstring("two weights"));
  CHECK_THAT(message(resources.acquire({})), ContainsSubstring("needs"));
  AcquireRequest request = request_of("p", 0);
  CHECK_THAT(message(resources.acquire(request)), ContainsSubstring("amount"));
  request = request_of("p");
  request.needs.push_back({"p", 1});
  CHECK_THAT(message(resources.acquire(request)), ContainsSubstring("named twice"));
  request = request_of("p");
  request.owner.clear();
  CHECK_THAT(message(resources.acquire(request)), ContainsSubstring("owner"));
  request = request_of("p");
  request.ttl = 0ms;
  CHECK_THAT(message(resources.acquire(request)), ContainsSubstring("ttl"));
  request = request_of("p", 1, -1ms);
  CHECK_THAT(message(resources.acquire(request)), ContainsSubstring("wait"));
  CHECK_THAT(message(resources.release({0, "a"})), ContainsSubstring("fence"));
  CHECK(resources.list_pools().value().items.empty());
}

TEST_CASE("who waits gets the permit when it comes back") {
  Plane p(any_store());
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 1)).value();
  const Permit held = resources.acquire(request_of("calls")).value();
  SECTION("blocking") {
    std::thread waiter([&] {
      const Permit got = resources.acquire(request_of("calls", 1, 30s)).value();
      CHECK(got.fence > held.fence);
      CHECK(resources.release(got).ok());
    });
    while (resources.get_pool("calls").value().waiting == 0) std::this_thread::yield();
    CHECK(resources.release(held).ok());
    waiter.join();
  }
  SECTION("with a completion, off the releasing thread") {
    std::atomic<bool> got = false;
    std::thread::id where;
    resources.acquire(request_of("calls", 1, 30s), [&](Result<Permit> permit) {
      where = std::this_thread::get_id();
      CHECK(permit.ok());
      got = true;
    });
    while (resources.get_pool("calls").value().waiting == 0) std::this_thread::yield();
    CHECK(resources.release(held).ok());
    while (!got) std::this_thread::yield();
    CHECK(where != std::this_thread::get_id());
  }
}

TEST_CASE("a wait ends at its deadline, and leaves the line") {
  Plane p(any_store());
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 1)).value();
  resources.acquire(request_of("calls")).value();
  const auto late = resources.acquire(request_of("calls", 1, 20ms));
  CHECK(code_of(late) == ErrorCode::deadline_exceeded);
  CHECK_THAT(late.error().message, ContainsSubstring("within 0.02 s"));
  CHECK(resources.get_pool("calls").value().waiting == 0);
}

TEST_CASE("under a simulated clock waits end by time and by expiry") {
  PumpedPlane p;
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 1)).value();
  resources.acquire(request_of("calls")).value();  // for 30 s
  Heard<Permit> early, late;
  resources.acquire(request_of("calls", 1, 10s), early.done());
  resources.acquire(request_of("calls", 1, 60s), late.done());
  CHECK(resources.get_pool("calls").value().waiting == 2);
  p.pass(9'999ms);
  CHECK(early.times == 0);
  p.pass(1ms);
  CHECK(code_of(early.answer.value()) == ErrorCode::deadline_exceeded);
  CHECK(late.times == 0);
  p.pass(20s);
  CHECK(late.answer.value().ok());
  CHECK(resources.get_pool("calls").value().waiting == 0);
}

TEST_CASE("a wait that is given up gives back what it was granted meanwhile") {
  PumpedPlane p;
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 1)).value();
  const Permit held = resources.acquire(request_of("calls")).value();
  AcquireRequest request = request_of("calls", 1, 60s);
  request.operation_id = "mine";
  Heard<Permit> heard;
  resources.acquire(request, heard.done());
  CHECK_FALSE(resources.cancel_acquire("other"));
  SECTION("still waiting") {
    CHECK(resources.cancel_acquire("mine"));
    p.pump();
    CHECK(code_of(heard.answer.value()) == ErrorCode::cancelled);
    CHECK(resources.get_pool("calls").value().waiting == 0);
  }
  SECTION("granted, and not told yet") {
    CHECK(resources.release(held).ok());
    CHECK_FALSE(resources.cancel_acquire("mine"));  // it is being told
    p.pump();
    CHECK(heard.answer.value().ok());
  }
  CHECK(heard.times == 1);
  CHECK_FALSE(resources.cancel_acquire("mine"));
}

TEST_CASE("who waits for more than a pool has now is told") {
  PumpedPlane p;
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 4)).value();
  resources.acquire(request_of("calls", 4)).value();
  Heard<Permit> heard;
  resources.acquire(request_of("calls", 3, 60s), heard.done());
  resources.define_pool(pool_of("calls", 2)).value();
  p.pump();
  CHECK(code_of(heard.answer.value()) == ErrorCode::invalid_argument);
}

TEST_CASE("closing ends waits with cancelled and leaves no one in line") {
  const auto store = open_store(StoreKind::memory);
  Plane stays(store);
  Resources watching(stays.plane);
  watching.define_pool(pool_of("calls", 1)).value();
  watching.acquire(request_of("calls")).value();
  auto closes = std::make_unique<Plane>(store);
  Resources resources(closes->plane);
  Heard<Permit> heard;
  resources.acquire(request_of("calls", 1, 60s), heard.done());
  std::thread blocked([&] {
    CHECK(code_of(resources.acquire(request_of("calls", 1, 60s))) == ErrorCode::cancelled);
  });
  while (watching.get_pool("calls").value().waiting < 2) std::this_thread::yield();
  CHECK((*closes)->shutdown().ok());
  blocked.join();
  CHECK(code_of(heard.answer.value()) == ErrorCode::cancelled);
  CHECK(watching.get_pool("calls").value().waiting == 0);
  CHECK(code_of(resources.acquire(request_of("calls"))) == ErrorCode::cancelled);
}

TEST_CASE("many threads never hold more than there is, and nothing is lost") {
  Plane p(any_store());
  Resources resources(p.plane);
  resources.define_pool(pool_of("calls", 3)).value();
  std::atomic<int> held = 0, most = 0, done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        const auto permit = resources.acquire(request_of("calls", 1, 30s));
        if (!permit) continue;
        const int now = ++held;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {}
        std::this_thread::yield();
        --held;
        done += resources.release(*permit).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done == 160);
  CHECK(most <= 3);
  const Pool pool = resources.get_pool("calls").value();
  CHECK(pool.available == 3);
  CHECK(pool.waiting == 0);
}

TEST_CASE("a wait that is given up before the store answered leaves nothing behind") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto late = std::make_shared<LateStore>(open_store(StoreKind::memory), LateFaults{}, seed);
    Plane p(late);
    Resources resources(p.plane);
    resources.define_pool(pool_of("calls", 1)).value();
    AcquireRequest request = request_of("calls", 1, 30s);
    request.operation_id = "given-up";
    std::promise<ErrorCode> answer;
    late->hold(true);
    resources.acquire(request, [&](Result<Permit> permit) { answer.set_value(code_of(permit)); });
    REQUIRE(late->wait_for_waiting(1));
    CHECK(resources.cancel_acquire("given-up"));
    late->hold(false);
    CHECK(answer.get_future().get() == ErrorCode::cancelled);
    AcquireRequest next = request_of("calls", 1, 10s);
    CHECK(resources.acquire(next).ok());
  }
}

}  // namespace controlplane
