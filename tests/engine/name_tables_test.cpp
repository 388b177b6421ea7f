// The tables of what many tasks have in common: names, policies, parties; and the slab below them.
#include "catch.hpp"
#include "engine/name_table.hpp"
#include "engine/party_table.hpp"
#include "engine/policy_table.hpp"

namespace controlplane {

TEST_CASE("a slab hands out the last slot that was given back, emptied") {
  Slab<std::string, 2> slab;
  for (Slot slot = 0; slot < 6; ++slot) {
    CHECK(slab.take() == slot);
    slab[slot] = "full";
  }
  const std::string* address = &slab[5];
  slab.give_back(1);
  slab.give_back(3);
  CHECK(slab.size() == 4);
  CHECK(slab.take() == 3);
  CHECK(slab[3].empty());
  for (int i = 0; i < 100; ++i) slab.take();
  CHECK(address == &slab[5]);
}

TEST_CASE("a name is kept once and goes with its last use") {
  NameTable names;
  const std::uint32_t a = names.find_or_add("a", 2);
  names.use(a);
  names.use(a);
  const std::uint32_t b = names.find_or_add("b", 2);
  names.use(b);
  CHECK(names.find_or_add("a", 2) == a);
  CHECK(names.find_or_add("c", 2) == kNoSlot);
  names.drop(a);
  CHECK(names.text(a) == "a");
  names.drop(a);
  CHECK(names.size() == 1);
  CHECK(names.find_or_add("c", 2) != kNoSlot);
}

TEST_CASE("equal policies share a slot, different ones do not") {
  PolicyTable policies;
  TaskPolicy policy;
  policy.timeout_us = 5;
  const std::uint32_t first = policies.find_or_add(policy, 2);
  policies.use(first);
  CHECK(policies.find_or_add(policy, 2) == first);
  policy.max_retries = 1;
  const std::uint32_t second = policies.find_or_add(policy, 2);
  CHECK(second != first);
  policies.use(second);
  policy.backoff = 3;
  CHECK(policies.find_or_add(policy, 2) == kNoSlot);
  policies.drop(first);
  CHECK(policies.size() == 1);
  CHECK(policies[second].max_retries == 1);
}

TEST_CASE("retry delays grow to their cap, half of them random") {
  TaskPolicy policy;
  policy.delay_us = 1'000;
  policy.backoff = 2;
  policy.max_delay_us = 5'000;
  const std::int64_t full[] = {1'000, 2'000, 4'000, 5'000, 5'000};
  for (std::uint32_t failures = 1; failures <= 5; ++failures) {
    CHECK(retry_delay_us(policy, failures, 0) == full[failures - 1] / 2);
    CHECK(retry_delay_us(policy, failures, ~std::uint64_t{0}) <= full[failures - 1]);
    CHECK(retry_delay_us(policy, failures, ~std::uint64_t{0}) >= full[failures - 1] - 1);
  }
  CHECK(retry_delay_us(policy, 4'000'000'000, 0) == 2'500);  // 2^4e9 is no number
  policy.delay_us = 0;
  CHECK(retry_delay_us(policy, 4'000'000'000, 0) == 0);
}

TEST_CASE("a party is known as long as anything names it") {
  PartyTable parties;
  const Slot alice = parties.find_or_add("alice");
  CHECK(parties.find("alice") == alice);
  CHECK(parties.find("bob") == kNoSlot);
  parties.use(alice);
  parties[alice].agent = 3;
  parties.drop(alice);
  CHECK(parties.find("alice") == alice);
  parties[alice].agent = kNoAgent;
  parties[alice].directed.push_back(1);
  parties.forget_unused(alice);
  CHECK(parties.find("alice") == alice);
  parties[alice].directed.clear();
  parties.forget_unused(alice);
  CHECK(parties.find("alice") == kNoSlot);
  CHECK(parties.size() == 0);
}

}  // namespace controlplane
