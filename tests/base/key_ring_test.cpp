#include "controlplane/key_ring.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/key_set.hpp"
#include "catch.hpp"

using namespace controlplane;

namespace {

const std::string kSecret(32, 's');

SecretKey key(std::string id, KeyState state = KeyState::active, std::string secret = kSecret) {
  return {std::move(id), std::move(secret), state};
}

std::string refusal(std::vector<SecretKey> keys) {
  auto ring = KeyRing::of(std::move(keys));
  REQUIRE(!ring);
  CHECK(ring.error().code == ErrorCode::invalid_argument);
  CHECK(ring.error().message.find(kSecret) == std::string::npos);
  return ring.error().message;
}

std::string json_of(const std::string& id, const std::string& state, const std::string& secret) {
  return R"({"keys":[{"id":")" + id + R"(","state":")" + state + R"(","secret":")" + base64(secret) +
         R"("}]})";
}

class KeyFile {
 public:
  explicit KeyFile(std::string_view text) {
    char name[] = "/tmp/key_ring_test_XXXXXX";
    ::close(::mkstemp(name));
    path = name;
    write(text);
  }
  ~KeyFile() { std::filesystem::remove(path); }
  KeyFile(const KeyFile&) = delete;
  void write(std::string_view text) const { std::ofstream(path, std::ios::trunc) << text; }
  std::string path;
};

std::string file_refusal(std::string_view text) {
  const KeyFile file(text);
  auto ring = KeyRing::from_file(file.path);
  REQUIRE(!ring);
  CHECK(ring.error().message.find(file.path) != std::string::npos);
  return ring.error().message;
}

}  // namespace

TEST_CASE("a key ring tells its keys, without their secrets, in the order of the source") {
  const auto ring = KeyRing::of({key("old", KeyState::previous), key("new"), key("gone", KeyState::retired, "")});
  REQUIRE(ring);
  REQUIRE(ring->keys().size() == 3);
  CHECK(ring->keys()[0].id == "old");
  CHECK(ring->keys()[1].state == KeyState::active);
  CHECK(ring->current()->active().id == "new");
  CHECK(ring->current()->find("gone")->state == KeyState::retired);
  const auto kept = KeyRing::of({key("new"), key("gone", KeyState::retired)});
  CHECK(kept->current()->find("gone")->secret.empty());
  CHECK(ring->current()->find("other") == nullptr);
  CHECK(KeyRing().keys().empty());
  CHECK(KeyRing().current() == nullptr);
}

TEST_CASE("keys that break a rule are refused by name") {
  CHECK(refusal({}) == "0 keys are active; exactly one must be");
  CHECK(refusal({key("a"), key("b")}) == "2 keys are active; exactly one must be");
  CHECK(refusal({key("a"), key("a", KeyState::previous)}) == "two keys have the id \"a\"");
  CHECK(refusal({key("a", KeyState::active, std::string(31, 's'))}) ==
        "the secret of key \"a\" has 31 bytes; it must have 32 to 1,024");
  CHECK(refusal({key("a", KeyState::active, std::string(1'025, 's'))}).find("1,025") != std::string::npos);
  CHECK(refusal({key("a b")}).find("\"a b\"") != std::string::npos);
  CHECK(refusal({key("")}).find("key id") != std::string::npos);
  std::vector<SecretKey> many;
  for (int i = 0; i < 65; ++i) {
    many.push_back(key(std::to_string(i), i == 0 ? KeyState::active : KeyState::previous));
  }
  CHECK(refusal(many) == "there are 65 keys; at most 64 are taken");
}

TEST_CASE("a reload counts for every copy, and one that fails changes nothing") {
  std::string id = "one";
  auto ring = KeyRing::open([&]() -> Result<std::vector<SecretKey>> {
    if (id.empty()) return Error::unavailable("the vault is away");
    return std::vector<SecretKey>{key(id)};
  });
  REQUIRE(ring);
  const KeyRing copy = *ring;
  id = "two";
  CHECK(copy.current()->active().id == "one");
  REQUIRE(ring->reload());
  CHECK(copy.current()->active().id == "two");
  id = "";
  CHECK(ring->reload().error().code == ErrorCode::unavailable);
  CHECK(copy.current()->active().id == "two");
  CHECK(KeyRing().reload().error().code == ErrorCode::failed_precondition);
  CHECK(!KeyRing::open({}));
}

TEST_CASE("a source may itself reload, and of two answers the one that was asked for later counts") {
  int depth = 0;
  KeyRing* self = nullptr;
  auto ring = KeyRing::open([&]() -> Result<std::vector<SecretKey>> {
    const int mine = depth++;
    if (mine == 1) REQUIRE(self->reload());
    return std::vector<SecretKey>{key("k" + std::to_string(mine))};
  });
  REQUIRE(ring);
  self = &*ring;
  REQUIRE(ring->reload());
  CHECK(ring->current()->active().id == "k2");
}

TEST_CASE("keys are read from a file that only its owner may touch") {
  const KeyFile file(json_of("2026-11", "active", kSecret));
  auto ring = KeyRing::from_file(file.path);
  REQUIRE(ring);
  CHECK(ring->current()->active().secret == kSecret);
  file.write(json_of("2026-12", "active", kSecret));
  REQUIRE(ring->reload());
  CHECK(ring->current()->active().id == "2026-12");
  ::chmod(file.path.c_str(), 0640);
  const auto open = ring->reload();
  REQUIRE(!open);
  CHECK(open.error().message.find("mode 0640") != std::string::npos);
  CHECK(ring->current()->active().id == "2026-12");
}

TEST_CASE("a file that is not a list of keys is refused, naming what is wrong") {
  CHECK(file_refusal("").find("\"keys\"") != std::string::npos);
  CHECK(file_refusal("[]").find("\"keys\"") != std::string::npos);
  CHECK(file_refusal(R"({"keys":{}})").find("\"keys\"") != std::string::npos);
  CHECK(file_refusal(R"({"keys":[1]})").find("\"id\"") != std::string::npos);
  CHECK(file_refusal(R"({"keys":[{"id":"a"}]})").find("\"state\"") != std::string::npos);
  CHECK(file_refusal(R"({"keys":[{"id":"a","state":"active"}]})").find("\"secret\"") != std::string::npos);
  CHECK(file_refusal(R"({"keys":[{"id":"a","state":"new","secret":""}]})").find("\"new\"") !=
        std::string::npos);
  CHECK(file_refusal(R"({"keys":[{"id":"a","state":"active","secret":"?"}]})").find("base64") !=
        std::string::npos);
  CHECK(file_refusal(std::string(65'537, ' ')).find("65,536") != std::string::npos);
  CHECK(KeyRing::from_file("/nonexistent/keys").error().message.find("No such file") != std::string::npos);
  CHECK(KeyRing::from_file("/tmp").error().message.find("not a regular file") != std::string::npos);
}

TEST_CASE("keys are read from the environment") {
  const char* const name = "KEY_RING_TEST_KEYS";
  ::unsetenv(name);
  CHECK(KeyRing::from_environment(name).error().message.find(name) != std::string::npos);
  ::setenv(name, json_of("e", "active", kSecret).c_str(), 1);
  const auto ring = KeyRing::from_environment(name);
  REQUIRE(ring);
  CHECK(ring->current()->active().id == "e");
  ::setenv(name, "{", 1);
  CHECK(KeyRing::from_environment(name).error().message.find(name) != std::string::npos);
  ::unsetenv(name);
}

TEST_CASE("keys may be read while they are reloaded") {
  int turn = 0;
  auto ring = KeyRing::open([&]() -> Result<std::vector<SecretKey>> {
    return std::vector<SecretKey>{key("k" + std::to_string(++turn))};
  });
  REQUIRE(ring);
  int reloaded = 0;
  std::thread writer([&] {
    for (int i = 0; i < 1'000; ++i) reloaded += ring->reload().ok();
  });
  for (int i = 0; i < 1'000; ++i) REQUIRE(ring->current()->active().id[0] == 'k');
  writer.join();
  CHECK(reloaded == 1'000);
  CHECK(ring->current()->active().id == "k1001");
}
