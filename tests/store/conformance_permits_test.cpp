// Pools and permits: what is granted, to whom next, and how it comes back.
#include <deque>
#include <map>

#include "base/entropy.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;
using std::chrono::seconds;

PoolSpec count_pool(std::string name, std::uint64_t capacity) {
  PoolSpec spec;
  spec.name = std::move(name);
  spec.capacity = capacity;
  return spec;
}
PoolSpec number_pool(std::string name, std::uint32_t first, std::uint32_t last) {
  PoolSpec spec;
  spec.name = std::move(name);
  spec.kind = PoolKind::number;
  spec.first = first;
  spec.last = last;
  return spec;
}
PoolSpec window_pool(std::string name, std::uint64_t capacity) {
  PoolSpec spec = count_pool(std::move(name), capacity);
  spec.kind = PoolKind::window;
  return spec;
}
PoolSpec budget_pool(std::string name, std::uint64_t capacity) {
  PoolSpec spec = count_pool(std::move(name), capacity);
  spec.kind = PoolKind::budget;
  return spec;
}

AcquireRequest waiting(std::string operation, std::vector<PermitNeed> needs, std::string owner = "o",
                       TaskPriority priority = TaskPriority::normal) {
  AcquireRequest request;
  request.operation_id = std::move(operation);
  request.needs = std::move(needs);
  request.owner = std::move(owner);
  request.priority = priority;
  request.wait = seconds(600);
  request.ttl = seconds(100'000);
  return request;
}

std::string numbers(const Permit& permit) {
  std::string list;
  for (const std::uint32_t n : permit.parts.at(0).numbers) {
    list += (list.empty() ? "" : " ") + std::to_string(n);
  }
  return list;
}

}  // namespace

CONFORMANCE_CASE("a count pool grants up to its capacity and again what comes back") {
  Plane plane(kind);
  CHECK(plane.define(count_pool("calls", 5)) == "ok");
  CHECK(plane.acquire("calls", 3, "a") == "ok");
  const Permit a = plane.permit;
  CHECK(a.owner == "a");
  CHECK(a.parts.at(0).amount == 3);
  CHECK(plane.acquire("calls", 3, "b") ==
        "resource_exhausted: pool calls has 2 of 5 left; 3 were asked for");
  CHECK(plane.acquire("calls", 2, "b") == "ok");
  CHECK(plane.permit.fence > a.fence);
  CHECK(plane.pool("calls").available == 0);
  CHECK(plane.release(a) == "ok");
  CHECK(plane.pool("calls").available == 3);
  CHECK(plane.pool("calls").permits == 1);
  CHECK(plane.acquire("calls", 6, "b") ==
        "invalid_argument: pool calls never has 6 at once; its capacity is 5");
  CHECK(plane.acquire("other", 1, "b") == "not_found: there is no pool other");
}

CONFORMANCE_CASE("only its owner ends a permit, and only once") {
  Plane plane(kind);
  plane.define(count_pool("calls", 1));
  plane.acquire("calls", 1, "a");
  Permit held = plane.permit;
  held.owner = "b";
  CHECK(plane.release(held) ==
        "conflict: permit " + std::to_string(held.fence) + " belongs to a, not to b");
  held.owner = "a";
  CHECK(plane.release(held) == "ok");
  CHECK_THAT(plane.release(held), ContainsSubstring("not_found: there is no permit"));
  CHECK_THAT(plane.renew_permit(held, kSecond), ContainsSubstring("not_found"));
  CHECK(plane.pool("calls").available == 1);
}

CONFORMANCE_CASE("a permit frees itself when its time is over, touched or not") {
  Plane plane(kind);
  plane.define(count_pool("calls", 1));
  AcquireRequest request;
  request.needs = {{"calls", 1}};
  request.owner = "a";
  request.ttl = seconds(10);
  CHECK(plane.acquire(request) == "ok");
  const Permit held = plane.permit;
  plane.pass(9 * kSecond);
  CHECK(plane.renew_permit(held, 10 * kSecond) == "ok");
  plane.pass(10 * kSecond - 1);
  CHECK(plane.acquire("calls", 1, "b") != "ok");
  plane.pass(1);
  CHECK_THAT(plane.renew_permit(held, kSecond), ContainsSubstring("has expired"));
  CHECK(plane.acquire("calls", 1, "b") == "ok");
  plane.advance_all(31 * kSecond);
  CHECK(plane.pool("calls").permits == 0);
  CHECK(plane.stats().permits.expired_total == 2);
  CHECK(plane.new_types() ==
        "pool.defined permit.acquired permit.expired permit.acquired permit.expired");
}

CONFORMANCE_CASE("a renewal never shortens") {
  Plane plane(kind);
  plane.define(count_pool("calls", 1));
  plane.acquire("calls", 1, "a");
  const Permit held = plane.permit;
  CHECK(plane.renew_permit(held, kSecond) == "ok");
  plane.pass(29 * kSecond);
  CHECK(plane.renew_permit(held, kSecond) == "ok");
  CHECK(plane.permits_of("calls").at(0).expires_at == held.expires_at);
}

CONFORMANCE_CASE("numbers: the one that is free the longest, the lowest of those never used") {
  Plane plane(kind);
  CHECK(plane.define(number_pool("ports", 9'000, 9'003)) == "ok");
  CHECK(plane.acquire("ports", 1, "a") == "ok");
  const Permit first = plane.permit;
  CHECK(numbers(first) == "9000");
  CHECK(plane.acquire("ports", 2, "a") == "ok");
  const Permit pair = plane.permit;
  CHECK(numbers(pair) == "9001 9002");
  plane.release(first);
  CHECK(plane.acquire("ports", 1, "a") == "ok");
  CHECK(numbers(plane.permit) == "9003");
  plane.release(pair);
  CHECK(plane.acquire("ports", 3, "a") == "ok");
  CHECK(numbers(plane.permit) == "9000 9001 9002");
  CHECK(plane.acquire("ports", 1, "a") ==
        "resource_exhausted: pool ports has 0 of 4 left; 1 were asked for");
}

CONFORMANCE_CASE("a range that shrinks and grows revokes nothing and gives no number twice") {
  Plane plane(kind);
  plane.define(number_pool("ports", 1, 4));
  plane.acquire("ports", 4, "a");
  const Permit all = plane.permit;
  CHECK(plane.define(number_pool("ports", 3, 3)) == "ok");
  CHECK(plane.pool("ports").used == 4);
  CHECK(plane.pool("ports").debt == 3);
  CHECK(plane.define(number_pool("ports", 1, 6)) == "ok");
  CHECK(plane.acquire("ports", 2, "b") == "ok");
  CHECK(numbers(plane.permit) == "5 6");
  plane.define(number_pool("ports", 2, 3));
  plane.release(all);
  plane.acquire("ports", 2, "b");
  CHECK(numbers(plane.permit) == "2 3");
}

CONFORMANCE_CASE("a window never lets more through in any period, and uses what it may") {
  Plane plane(kind);
  plane.define(window_pool("tokens", 6'000));
  SeededEntropy dice(3);
  std::deque<std::pair<Timestamp, std::uint64_t>> taken;
  std::uint64_t total = 0, in_period = 0;
  const Timestamp begin = plane.now();
  while (plane.now() < begin + 10 * kMinute) {
    const std::uint64_t amount = 1 + dice.next() % 30;
    while (!taken.empty() && taken.front().first <= plane.now() - kMinute) {
      in_period -= taken.front().second;
      taken.pop_front();
    }
    if (plane.acquire("tokens", amount, "a") == "ok") {
      taken.emplace_back(plane.now(), amount);
      in_period += amount;
      total += amount;
      if (in_period > 6'000) FAIL_CHECK("a period saw " << in_period);
    } else {
      plane.pass(100 * kMs);
    }
  }
  CHECK(total > 60'000 * 97 / 100);
}

CONFORMANCE_CASE("a window gives back what was not used, and is in debt for what was used beyond") {
  Plane plane(kind);
  plane.define(window_pool("tokens", 100));
  plane.acquire("tokens", 100, "a");
  CHECK(plane.settle(plane.permit, {{"tokens", 40}}) == "ok");
  CHECK(plane.pool("tokens").available == 60);
  plane.acquire("tokens", 60, "a");
  CHECK(plane.settle(plane.permit, {{"tokens", 90}}) == "ok");
  CHECK(plane.pool("tokens").used == 130);
  CHECK(plane.pool("tokens").debt == 30);
  CHECK(plane.acquire("tokens", 1, "a") ==
        "resource_exhausted: pool tokens has 0 of 100 left; 1 were asked for");
  plane.pass(kMinute + kSecond);
  CHECK(plane.pool("tokens").available == 100);
  plane.acquire("tokens", 70, "a");
  CHECK(plane.settle(plane.permit) == "ok");  // it does not say: all of it
  CHECK(plane.pool("tokens").available == 30);
}

CONFORMANCE_CASE("a budget is reserved, settled, and never refilled") {
  Plane plane(kind);
  plane.define(budget_pool("budget", 1'000));
  plane.acquire("budget", 600, "a");
  const Permit a = plane.permit;
  CHECK(plane.acquire("budget", 500, "b") ==
        "resource_exhausted: pool budget has 400 of 1000 left; 500 were asked for");
  CHECK(plane.settle(a, {{"budget", 100}}) == "ok");
  CHECK(plane.acquire("budget", 900, "b") == "ok");
  CHECK(plane.settle(plane.permit, {{"budget", 950}}) == "ok");
  plane.advance_all(25 * kHour);
  CHECK(plane.pool("budget").available == 0);
  CHECK(plane.pool("budget").debt == 50);
  CHECK(plane.define(budget_pool("budget", 1'100)) == "ok");
  CHECK(plane.pool("budget").available == 50);
  // What a dead owner had reserved comes back.
  plane.acquire("budget", 50, "dead");
  plane.advance_all(31 * kSecond);
  CHECK(plane.pool("budget").available == 50);
}

CONFORMANCE_CASE("an unlimited pool never refuses and still counts") {
  Plane plane(kind);
  plane.define(budget_pool("budget", kUnlimited));
  plane.acquire("budget", 1'000'000, "a");
  plane.settle(plane.permit, {{"budget", 900'000}});
  CHECK(plane.pool("budget").available == kUnlimited);
  CHECK(plane.pool("budget").used == 900'000);
  CHECK(plane.define(budget_pool("budget", 1'000'000)) == "ok");
  CHECK(plane.pool("budget").available == 100'000);
}

CONFORMANCE_CASE("several pools are taken all or none") {
  Plane plane(kind);
  plane.define(budget_pool("global", 100));
  plane.define(budget_pool("mine", 10));
  AcquireRequest both;
  both.owner = "a";
  both.needs = {{"global", 20}, {"mine", 20}};
  CHECK_THAT(plane.acquire(both), ContainsSubstring("pool mine never has 20"));
  both.needs = {{"global", 6}, {"mine", 6}};
  CHECK(plane.acquire(both) == "ok");
  const Permit held = plane.permit;
  CHECK(plane.acquire(both) == "resource_exhausted: pool mine has 4 of 10 left; 6 were asked for");
  CHECK(plane.pool("global").available == 94);
  CHECK(plane.settle(held, {{"mine", 3}, {"other", 1}}) ==
        "invalid_argument: permit " + std::to_string(held.fence) + " has nothing of pool other");
  CHECK(plane.settle(held, {{"mine", 3}, {"global", 3}}) == "ok");
  CHECK(plane.pool("mine").available == 7);
  CHECK(plane.pool("global").available == 97);
}

CONFORMANCE_CASE("who waits is served by priority, then first come, and nobody overtakes") {
  Plane plane(kind);
  plane.define(count_pool("calls", 4));
  plane.acquire("calls", 4, "x");
  const Permit held = plane.permit;
  CHECK(plane.acquire(waiting("w1", {{"calls", 3}})) == "waits");
  CHECK(plane.acquire(waiting("w2", {{"calls", 1}})) == "waits");
  CHECK(plane.acquire(waiting("w3", {{"calls", 2}}, "o", TaskPriority::high)) == "waits");
  CHECK(plane.pool("calls").waiting == 3);
  plane.signals();
  plane.release(held);
  CHECK(plane.signals() == "permit_granted w3");  // 2 left: w1 needs 3, and w2 may not overtake
  CHECK(plane.acquire("calls", 1, "late") == "resource_exhausted: pool calls: 2 others wait for it");
  AcquireRequest urgent = waiting("", {{"calls", 1}}, "u", TaskPriority::critical);
  CHECK(plane.acquire(urgent) == "ok");
  const Permit u = plane.permit;
  CHECK(plane.withdraw("w3") == "ok");
  const Permit w3 = plane.permit;
  plane.release(u);
  CHECK(plane.signals().empty());
  plane.release(w3);
  CHECK(plane.signals() == "permit_granted w1, permit_granted w2");
}

CONFORMANCE_CASE("an acquire that is repeated answers the same permit as long as it lives") {
  Plane plane(kind);
  plane.define(count_pool("calls", 2));
  AcquireRequest request = waiting("op", {{"calls", 2}});
  CHECK(plane.acquire(request) == "ok");
  const Permit first = plane.permit;
  CHECK(plane.acquire(request) == "ok");
  CHECK(plane.permit.fence == first.fence);
  request.owner = "other";
  CHECK(plane.acquire(request) == "already_exists: operation op has acquired another permit");
  CHECK(plane.acquire(waiting("w", {{"calls", 1}})) == "waits");
  CHECK(plane.acquire(waiting("w", {{"calls", 1}})) == "waits");
  CHECK(plane.acquire(waiting("w", {{"calls", 2}})) ==
        "already_exists: operation w has acquired another permit");
  CHECK(plane.pool("calls").waiting == 1);
  plane.release(first);
  CHECK(plane.acquire(waiting("w", {{"calls", 1}})) == "ok");
  CHECK(plane.permit.fence > first.fence);
}

CONFORMANCE_CASE("who stops waiting lets the next one pass") {
  Plane plane(kind);
  plane.define(count_pool("calls", 3));
  plane.acquire("calls", 2, "x");
  plane.acquire(waiting("big", {{"calls", 3}}));
  plane.acquire(waiting("small", {{"calls", 1}}));
  AcquireRequest brief = waiting("brief", {{"calls", 1}});
  CHECK(plane.withdraw("big") == "none");
  CHECK(plane.signals() == "permit_granted small");
  CHECK(plane.withdraw("big") == "none");
  brief.wait = seconds(5);
  CHECK(plane.acquire(brief) == "waits");
  plane.pass(5 * kSecond);
  CHECK(plane.advance_all() == 1);
  CHECK(plane.pool("calls").waiting == 0);
  CHECK(plane.withdraw("brief") == "none");
}

CONFORMANCE_CASE("who waits for several pools holds none of them meanwhile") {
  Plane plane(kind);
  plane.define(count_pool("a", 1));
  plane.define(count_pool("b", 1));
  plane.acquire("a", 1, "x");
  const Permit a = plane.permit;
  plane.acquire("b", 1, "x");
  const Permit b = plane.permit;
  CHECK(plane.acquire(waiting("ab", {{"a", 1}, {"b", 1}})) == "waits");
  CHECK(plane.acquire(waiting("ba", {{"b", 1}, {"a", 1}})) == "waits");
  plane.release(a);  // ab goes on to the line of b, behind ba by arrival? no: before it
  CHECK(plane.signals().empty());
  CHECK(plane.pool("a").available == 1);
  plane.release(b);
  CHECK(plane.signals() == "permit_granted ab");
  plane.withdraw("ab");
  plane.release(plane.permit);
  CHECK(plane.signals() == "permit_granted ba");
}

CONFORMANCE_CASE("a window serves who waits as soon as enough is old enough") {
  Plane plane(kind);
  plane.define(window_pool("tokens", 100));
  plane.acquire("tokens", 100, "x");
  CHECK(plane.acquire(waiting("w", {{"tokens", 10}})) == "waits");
  plane.advance_all(59 * kSecond);
  CHECK(plane.signals().empty());
  plane.advance_all(2 * kSecond);
  CHECK(plane.signals() == "permit_granted w");
}

CONFORMANCE_CASE("weights share a window among owners that wait") {
  Plane plane(kind);
  PoolSpec spec = window_pool("tokens", 640);
  spec.weights = {{"gold", 2}, {"silver", 1}};
  plane.define(spec);
  std::map<std::string, int> granted;
  int made = 0;
  std::map<std::string, std::string> owner_of;
  const auto ask = [&](const std::string& owner) {
    const std::string id = "op" + std::to_string(made++);
    owner_of[id] = owner;
    if (plane.acquire(waiting(id, {{"tokens", 10}}, owner)) == "ok") ++granted[owner];
  };
  for (int i = 0; i < 400; ++i) {
    ask("gold");
    ask("silver");
  }
  granted.clear();
  for (int i = 0; i < 200; ++i) {
    plane.advance_all(kSecond);
    std::string list = plane.signals();
    for (std::size_t at = 0; (at = list.find("op", at)) != std::string::npos;) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      ++granted[owner_of[list.substr(at, end - at)]];
      at = end;
    }
  }
  CHECK(granted["silver"] > 60);
  CHECK(std::abs(granted["gold"] - 2 * granted["silver"]) <= 4);
}

CONFORMANCE_CASE("a lower capacity revokes nothing, and tells who waits in vain") {
  Plane plane(kind);
  plane.define(count_pool("calls", 4));
  plane.acquire("calls", 4, "x");
  const Permit held = plane.permit;
  plane.acquire(waiting("big", {{"calls", 3}}));
  plane.acquire(waiting("small", {{"calls", 1}}));
  CHECK(plane.define(count_pool("calls", 2)) == "ok");
  CHECK_THAT(plane.signals(), ContainsSubstring("permit_refused big: invalid_argument: pool calls"));
  CHECK(plane.pool("calls").used == 4);
  CHECK(plane.pool("calls").waiting == 1);
  plane.release(held);
  CHECK(plane.signals() == "permit_granted small");
  CHECK(plane.define(count_pool("calls", 5)) == "ok");
  CHECK(plane.pool("calls").available == 4);
}

CONFORMANCE_CASE("a higher capacity serves who waits") {
  Plane plane(kind);
  plane.define(count_pool("calls", 1));
  plane.acquire("calls", 1, "x");
  plane.acquire(waiting("w", {{"calls", 1}}));
  plane.define(count_pool("calls", 2));
  CHECK(plane.signals() == "permit_granted w");
}

CONFORMANCE_CASE("kind and period of a pool stay, and one in use is not removed") {
  Plane plane(kind);
  plane.define(window_pool("tokens", 10));
  CHECK_THAT(plane.define(budget_pool("tokens", 10)), ContainsSubstring("is of kind window"));
  PoolSpec other = window_pool("tokens", 10);
  other.period = seconds(1);
  CHECK_THAT(plane.define(other), ContainsSubstring("has a period of 60000 ms"));
  plane.acquire("tokens", 1, "a");
  CHECK_THAT(plane.remove_pool("tokens"), ContainsSubstring("is in use: 1 permits are out"));
  plane.release(plane.permit);
  CHECK(plane.remove_pool("tokens") == "removed");
  CHECK(plane.remove_pool("tokens") == "absent");
  CHECK(plane.define(budget_pool("tokens", 10)) == "ok");
}

CONFORMANCE_CASE("a lease makes its pool and takes it along; its fence grows") {
  Plane plane(kind);
  AcquireRequest request = waiting("op1", {{"leader", 1}}, "a");
  CHECK(plane.acquire(request, true) == "ok");
  const Permit a = plane.permit;
  AcquireRequest other = waiting("op2", {{"leader", 1}}, "b");
  other.wait = milliseconds(0);
  CHECK(plane.acquire(other, true) ==
        "resource_exhausted: pool leader has 0 of 1 left; 1 were asked for");
  other.wait = seconds(10);
  CHECK(plane.acquire(other, true) == "waits");
  plane.release(a);
  CHECK(plane.signals() == "permit_granted op2");
  plane.withdraw("op2");
  CHECK(plane.permit.fence > a.fence);
  plane.release(plane.permit);
  CHECK(plane.stats().permits.pools == 0);
  CHECK(plane.acquire(request, true) == "ok");
  CHECK(plane.permit.fence > a.fence + 1);
}

CONFORMANCE_CASE("a lease that is refused for its operation id leaves no pool behind") {
  Plane plane(kind);
  AcquireRequest one;
  one.needs = {{"lease/one", 1}};
  one.owner = "a";
  one.operation_id = "op";
  CHECK(plane.acquire(one, true) == "ok");
  AcquireRequest other = one;
  other.needs = {{"lease/other", 1}};
  CHECK(plane.acquire(other, true) == "already_exists: operation op has acquired another permit");
  CHECK(plane.list_pools("lease/").items.size() == 1);
}

CONFORMANCE_CASE("a lease is never one of several") {
  Plane plane(kind);
  plane.define(count_pool("calls", 2));
  plane.define(budget_pool("once", 1));
  plane.define(count_pool("one", 1));
  CHECK_THAT(plane.acquire(waiting("l1", {{"calls", 1}}), true),
             ContainsSubstring("failed_precondition: pool calls is none of a lease"));
  CHECK_THAT(plane.acquire(waiting("l2", {{"once", 1}}), true),
             ContainsSubstring("failed_precondition"));
  CHECK(plane.acquire(waiting("l3", {{"one", 1}}), true) == "ok");
  CHECK(plane.acquire(waiting("l4", {{"db", 1}}), true) == "ok");
  CHECK_THAT(plane.define(count_pool("db", 2)), ContainsSubstring("failed_precondition"));
  CHECK(plane.define(count_pool("db", 1)) == "ok");
}

CONFORMANCE_CASE("a lease goes with the last that waits for it, in whatever line") {
  Plane plane(kind);
  plane.define(count_pool("calls", 1));
  plane.acquire("calls", 1, "x");
  CHECK(plane.acquire(waiting("lease", {{"db", 1}}), true) == "ok");
  const Permit held = plane.permit;
  CHECK(plane.acquire(waiting("both", {{"calls", 1}, {"db", 1}})) == "waits");
  plane.release(held);
  CHECK(plane.withdraw("both") == "none");
  CHECK(plane.list_pools("").items.size() == 1);
}

CONFORMANCE_CASE("an expired permit is none, however many expire at once") {
  Plane plane(kind);
  plane.define(count_pool("calls", 40));
  AcquireRequest request = waiting("", {{"calls", 1}});
  request.wait = milliseconds(0);
  request.ttl = seconds(10);
  for (int i = 0; i < 40; ++i) {
    request.operation_id = "op" + std::to_string(i);
    CHECK(plane.acquire(request) == "ok");
  }
  plane.pass(10 * kSecond);
  SECTION("for who acquires") { CHECK(plane.acquire("calls", 40, "x") == "ok"); }
  SECTION("for who repeats") {
    const std::uint64_t fence = plane.permit.fence;
    CHECK(plane.acquire(request) == "ok");
    CHECK(plane.permit.fence > fence);
  }
  SECTION("for who removes the pool") { CHECK(plane.remove_pool("calls") == "removed"); }
}

CONFORMANCE_CASE("pools and permits are listed page by page") {
  Plane plane(kind);
  for (const char* name : {"b", "a", "ports/1", "ports/2"}) plane.define(count_pool(name, 10));
  Page<Pool> page = plane.list_pools("", {"", 3});
  CHECK(page.items.size() == 3);
  CHECK(page.items[0].spec.name == "a");
  CHECK(page.next_cursor == "ports/1");
  CHECK(plane.list_pools("", {page.next_cursor, 3}).items.at(0).spec.name == "ports/2");
  CHECK(plane.list_pools("ports/").items.size() == 2);
  for (int i = 0; i < 5; ++i) plane.acquire("a", 1, "o" + std::to_string(i));
  const Page<Permit> permits = plane.list_permits("a", {"", 3});
  CHECK(permits.items.size() == 3);
  const Page<Permit> rest = plane.list_permits("a", {permits.next_cursor, 3});
  REQUIRE(rest.items.size() == 2);
  CHECK(rest.items[1].owner == "o4");
}

CONFORMANCE_CASE("the events of a permit say who, how much and which") {
  Plane plane(kind);
  plane.define(count_pool("calls", 2));
  plane.acquire("calls", 2, "a");
  plane.release(plane.permit);
  const std::vector<Event> events = plane.new_events();
  REQUIRE(events.size() == 3);
  CHECK(events[1].type == "permit.acquired");
  CHECK(events[1].subject == "calls");
  CHECK(events[1].data ==
        R"({"owner":"a","amount":2,"fence":)" + std::to_string(plane.permit.fence) + "}");
}

CONFORMANCE_CASE("whatever is asked for in whatever order, no pool gives more than it has") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    Plane plane(kind);
    SeededEntropy dice(seed);
    const auto below = [&](std::uint64_t n) { return dice.next() % n; };
    plane.define(count_pool("c", 5));
    plane.define(number_pool("n", 1, 4));
    plane.define(window_pool("w", 50));
    PoolSpec budget = budget_pool("b", 200);
    budget.weights = {{"o0", 3}, {"o1", 1}};
    plane.define(budget);
    std::vector<Permit> held;
    std::vector<std::string> asked;
    std::uint64_t last_fence = 0;
    for (int i = 0; i < 400; ++i) {
      switch (below(12)) {
        case 0: case 1: case 2: case 3: {
          AcquireRequest request = waiting("op" + std::to_string(i), {}, "o" + std::to_string(below(3)),
                                           static_cast<TaskPriority>(below(4)));
          const std::size_t first = below(4), pools = 1 + below(3);
          static constexpr const char* kNames[] = {"c", "n", "w", "b"};
          for (std::size_t k = 0; k < pools; ++k) {
            request.needs.push_back({kNames[(first + k) % 4], 1 + below(4)});
          }
          request.wait = below(3) == 0 ? milliseconds(0) : seconds(1 + below(100));
          request.ttl = seconds(1 + below(100));
          const std::string answer = plane.acquire(request);
          if (answer == "ok") {
            CHECK(plane.permit.fence > last_fence);
            last_fence = plane.permit.fence;
            held.push_back(plane.permit);
          } else if (answer == "waits") {
            asked.push_back(request.operation_id);
          }
          break;
        }
        case 4: case 5: case 6:
          if (held.empty()) break;
          {
            const std::size_t at = below(held.size());
            const Permit permit = held[at];
            if (below(2) == 0) {
              plane.release(permit);
            } else {
              plane.settle(permit, {{permit.parts[0].pool, below(6)}});
            }
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
          }
          break;
        case 7:
          if (!asked.empty() && plane.withdraw(asked[below(asked.size())]) == "ok") {
            held.push_back(plane.permit);
          }
          break;
        case 8:
          plane.define(count_pool("c", 4 + below(4)));
          plane.define(number_pool("n", 1 + static_cast<std::uint32_t>(below(2)),
                                   4 + static_cast<std::uint32_t>(below(3))));
          budget.capacity += below(20);
          plane.define(budget);
          break;
        case 9:
          if (!held.empty()) plane.renew_permit(held[below(held.size())], kMinute);
          break;
        default:
          plane.pass(static_cast<std::int64_t>(below(20)) * kSecond);
          if (below(3) != 0) plane.advance();
          break;
      }
      for (const Permit& one : plane.permits_of("c")) last_fence = std::max(last_fence, one.fence);
    }
    plane.advance_all(kHour);
    for (const char* name : {"c", "n", "w"}) {
      const Pool pool = plane.pool(name);
      CHECK(pool.permits == 0);
      CHECK(pool.waiting == 0);
      CHECK(pool.used == 0);
    }
  }
}

}  // namespace controlplane::conformance
