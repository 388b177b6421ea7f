#include "governance/opening.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "base/crypto.hpp"
#include "controlplane/shared_state.hpp"
#include "governance/keys.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr const char* kVariable = "ARAGORA_CP_ENCRYPTION_KEYS";

std::string keys_text(const std::string& id) {
  return R"({"keys":[{"id":")" + id + R"(","state":"active","secret":")" +
         base64(key_of(id).secret) + "\"}]}";
}

// A file that only its owner may read, gone when the test is over.
class KeyFile {
 public:
  KeyFile() { write(keys_text("k1")); }
  ~KeyFile() { std::filesystem::remove(path_); }
  void write(const std::string& text) {
    std::ofstream(path_) << text;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_read |
                                            std::filesystem::perms::owner_write);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("controlplane-keys-" + std::to_string(getpid()));
};

class Variable {
 public:
  explicit Variable(const std::string& text) { setenv(kVariable, text.c_str(), 1); }
  ~Variable() { unsetenv(kVariable); }
};

std::string refusal(Config config) {
  auto plane = Coordinator::open(std::move(config));
  REQUIRE_FALSE(plane.ok());
  CHECK(plane.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(plane.error().message, !ContainsSubstring("the secret of"));
  return plane.error().message;
}

std::string active_key(const Coordinator& plane) {
  const auto keys = plane.config().encryption_keys.keys();
  return keys.empty() ? "none" : keys.front().id;
}

}  // namespace

TEST_CASE("without keys nothing is encrypted") {
  const Coordinator plane = Coordinator::open({}).value();
  CHECK(active_key(plane) == "none");
}

TEST_CASE("keys come from a file, and a reload reads it again") {
  KeyFile file;
  Config config;
  config.encryption_keys_file = file.path();
  const Coordinator plane = Coordinator::open(config).value();
  CHECK(active_key(plane) == "k1");
  file.write(keys_text("k2"));
  KeyRing ring = plane.config().encryption_keys;
  REQUIRE(ring.reload().ok());
  CHECK(active_key(plane) == "k2");
  // Its own configuration opens another one, with the same keys.
  CHECK(active_key(Coordinator::open(plane.config()).value()) == "k2");
}

TEST_CASE("keys come from the environment, without a place in the configuration") {
  const Variable variable(keys_text("k3"));
  const Config config = Config::from_environment().value();
  CHECK(config.encryption_keys_variable == kVariable);
  CHECK(config.origin_of("encryption_keys_variable") == kVariable);
  const Coordinator plane = Coordinator::open(config).value();
  CHECK(active_key(plane) == "k3");
  for (const OptionValue& option : plane.config().options()) {
    CHECK_THAT(option.value, !ContainsSubstring(base64(key_of("k3").secret)));
  }
}

TEST_CASE("a variable or file that was named comes before the standard variable") {
  const Variable variable(keys_text("k3"));
  KeyFile file;
  const Config config =
      Config::from_environment({}, {{"encryption_keys_file", file.path()}}).value();
  CHECK(config.encryption_keys_variable.empty());
  CHECK(active_key(Coordinator::open(config).value()) == "k1");
}

TEST_CASE("keys that are missing or wrong keep a coordinator from opening") {
  Config config;
  config.encryption_keys_file = "/nonexistent/keys";
  CHECK_THAT(refusal(config), ContainsSubstring("encryption_keys_file (from code or default): key "
                                                "file \"/nonexistent/keys\" cannot be opened"));
  config = {};
  config.encryption_keys_variable = "NO_SUCH_KEYS";
  CHECK_THAT(refusal(config), ContainsSubstring("NO_SUCH_KEYS is not set"));
  config.encryption_keys_file = "keys";
  CHECK_THAT(refusal(config), ContainsSubstring("one of them is enough"));
  config = {};
  config.require_encryption = true;
  CHECK_THAT(refusal(config), ContainsSubstring("require_encryption is true"));
  const Variable variable("{}");
  CHECK_THAT(refusal(Config::from_environment().value()), ContainsSubstring(kVariable));
}

TEST_CASE("with encryption sizes stay countable") {
  Config config;
  config.encryption_keys = one_key();
  config.limits.max_payload_bytes = 1'073'741'825;
  CHECK_THAT(refusal(config), ContainsSubstring("limits.max_payload_bytes is 1,073,741,825"));
  config.encryption_keys = {};
  CHECK(Coordinator::open(config).ok());
}

TEST_CASE("a coordinator that is opened beside another one has its own keys, or none") {
  Config config;
  config.encryption_keys = one_key();
  const Coordinator plane = Coordinator::open(config).value();
  SharedState(plane).put("doc", "1").value();
  const Coordinator same = plane.open_beside(plane.config()).value();
  CHECK(SharedState(same).get("doc").value().value == "1");
  const Coordinator bare = plane.open_beside().value();
  CHECK_THAT(SharedState(bare).get("doc").value().value.str(), ContainsSubstring("$sealed"));
  config.encryption_keys = one_key("k2");
  const Coordinator other = plane.open_beside(config).value();
  CHECK(SharedState(other).get("doc").error().code == ErrorCode::failed_precondition);
}

TEST_CASE("keys without somebody who encrypts are refused") {
  Config config;
  config.encryption_keys = one_key();
  CHECK(open_coordinator(config, {}).error().code == ErrorCode::internal);
}

}  // namespace controlplane
