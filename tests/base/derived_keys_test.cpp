#include "base/derived_keys.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

std::string hex(const Mac256& mac) {
  std::string text;
  for (const std::uint8_t byte : mac) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

SecretKey key(std::string id, char byte, KeyState state) {
  return {std::move(id), state == KeyState::retired ? "" : std::string(32, byte), state};
}

}  // namespace

TEST_CASE("every owner, context and key has a key of its own") {
  const KeyRing ring =
      KeyRing::of({key("a", 'x', KeyState::active), key("b", 'y', KeyState::previous)}).value();
  DerivedKeys keys(ring, "context"), others(ring, "other");
  const std::string mine = hex(keys.active("alice")->sign("text"));
  CHECK(keys.active("alice")->id() == "a");
  CHECK(hex(keys.find("a", "alice").value()->sign("text")) == mine);
  CHECK(hex(keys.active("bob")->sign("text")) != mine);
  CHECK(hex(keys.find("b", "alice").value()->sign("text")) != mine);
  CHECK(hex(others.active("alice")->sign("text")) != mine);
  CHECK(hex(keys.active("alice")->sign("texu")) != mine);
}

TEST_CASE("unknown and retired keys are told apart") {
  DerivedKeys keys(
      KeyRing::of({key("a", 'x', KeyState::active), key("old", 'y', KeyState::retired)}).value(), "c");
  CHECK(keys.find("none", "alice").error().code == ErrorCode::not_found);
  CHECK(keys.find("", "alice").error().code == ErrorCode::not_found);
  CHECK(keys.find("old", "alice").error().code == ErrorCode::failed_precondition);
}

TEST_CASE("a reload counts at once, also for keys that were derived before") {
  std::vector<SecretKey> source = {key("a", 'x', KeyState::active)};
  KeyRing ring = KeyRing::open([&]() -> Result<std::vector<SecretKey>> { return source; }).value();
  DerivedKeys keys(ring, "c");
  const std::string before = hex(keys.active("alice")->sign("text"));
  source = {key("a", 'x', KeyState::previous), key("b", 'y', KeyState::active)};
  REQUIRE(ring.reload());
  CHECK(keys.active("alice")->id() == "b");
  CHECK(hex(keys.find("a", "alice").value()->sign("text")) == before);
  source = {key("a", 'x', KeyState::retired), key("b", 'y', KeyState::active)};
  REQUIRE(ring.reload());
  CHECK_FALSE(keys.find("a", "alice"));
}

TEST_CASE("more owners than are kept have the same keys again") {
  DerivedKeys keys(KeyRing::of({key("a", 'x', KeyState::active)}).value(), "c");
  const std::string first = hex(keys.active("agent-0")->sign("text"));
  for (int i = 1; i < 5'000; ++i) keys.active("agent-" + std::to_string(i));
  CHECK(hex(keys.active("agent-0")->sign("text")) == first);
}

}  // namespace controlplane
