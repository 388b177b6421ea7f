#include "governance/encryption.hpp"

#include <set>

#include "base/crypto.hpp"
#include "base/json_check.hpp"
#include "governance/keys.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

constexpr ValuePlace kPlace{"task", "t1", "payload"};

std::shared_ptr<const PayloadCodec> codec_of(KeyRing keys = one_key(), std::string tenant = "default",
                                             bool require_sealed = false) {
  return make_sealing_codec(std::move(keys), std::move(tenant), require_sealed);
}

Error refusal(const PayloadCodec& codec, const Json& stored, const ValuePlace& place = kPlace) {
  auto plain = codec.decode(place, stored);
  REQUIRE_FALSE(plain.ok());
  CHECK_THAT(plain.error().message, StartsWith(std::string(place.field) + " of "));
  CHECK_THAT(plain.error().message, !ContainsSubstring("the secret of"));
  return plain.error();
}

}  // namespace

TEST_CASE("a sealed value is JSON and opens to what it was") {
  const auto codec = codec_of();
  const std::string big(100'000, 'x');
  for (const std::string& text : {std::string("123456789"), std::string(R"({"a":"ü\n"})"),
                                  std::string("\"sealed or not\""), "\"" + big + "\""}) {
    const Json sealed = codec->encode(kPlace, text);
    CHECK(check_json("value", sealed.text(), 1'000'000, "limit", 3).ok());
    CHECK_THAT(sealed.str(), !ContainsSubstring(text));
    CHECK(codec->decode(kPlace, sealed).value() == Json(text));
  }
}

TEST_CASE("a sealed value is as long as the documentation says") {
  const auto codec = codec_of();
  for (std::size_t size = 1; size < 100; ++size) {
    const Json sealed = codec->encode(kPlace, std::string(size, '7'));
    CHECK(sealed.size() == 38 + std::string("k1").size() + (size + 28 + 2) / 3 * 4);
  }
}

TEST_CASE("an empty value stays empty") {
  const auto codec = codec_of(one_key(), "default", true);
  CHECK(codec->encode(kPlace, {}).empty());
  CHECK(codec->decode(kPlace, {}).value().empty());
}

TEST_CASE("a value is never sealed the same way twice") {
  const auto codec = codec_of();
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i) all.insert(codec->encode(kPlace, "1").str());
  CHECK(all.size() == 100);
}

TEST_CASE("a sealed value opens at its own place only") {
  const auto codec = codec_of();
  const Json sealed = codec->encode(kPlace, "1");
  for (const ValuePlace other :
       {ValuePlace{"document", "t1", "payload"}, ValuePlace{"task", "t2", "payload"},
        ValuePlace{"task", "t1", "result"}, ValuePlace{"tas", "kt1", "payload"},
        ValuePlace{"task", "t1p", "ayload"}, ValuePlace{"task", "", "payload"}}) {
    CHECK(refusal(*codec, sealed, other).code == ErrorCode::data_loss);
  }
  CHECK(refusal(*codec_of(one_key(), "other"), sealed).code == ErrorCode::data_loss);
  CHECK(codec->decode(kPlace, sealed).ok());
}

TEST_CASE("a key id stands for one secret") {
  const Json sealed = codec_of()->encode(kPlace, "1");
  const auto other = codec_of(ring_of({{"k1", std::string(32, '!'), KeyState::active}}));
  CHECK_THAT(refusal(*other, sealed).message, ContainsSubstring("with key k1"));
  // Not even the same secret under another name opens it.
  std::string renamed = sealed.str();
  renamed.replace(renamed.find("k1"), 2, "k2");
  const auto both = codec_of(ring_of({key_of("k1"), {"k2", key_of("k1").secret, KeyState::previous}}));
  CHECK(refusal(*both, renamed).code == ErrorCode::data_loss);
}

TEST_CASE("no bit of a sealed value can flip unnoticed") {
  const auto codec = codec_of(ring_of({key_of("k1"), key_of("k3", KeyState::previous)}));
  const std::string sealed = codec->encode(kPlace, R"({"amount":100})").str();
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = sealed;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      CAPTURE(flipped);
      const ErrorCode code = refusal(*codec, flipped).code;
      CHECK((code == ErrorCode::data_loss || code == ErrorCode::failed_precondition));
    }
  }
}

TEST_CASE("a sealed value that is cut or grown does not open") {
  const auto codec = codec_of();
  const std::string sealed = codec->encode(kPlace, "123456").str();
  for (std::size_t size = 10; size < sealed.size(); ++size) {
    CHECK(refusal(*codec, sealed.substr(0, size)).code != ErrorCode::invalid_argument);
  }
  CHECK(refusal(*codec, sealed + " ").code == ErrorCode::data_loss);
  CHECK(refusal(*codec, R"({"$sealed":{"v":1,"key":"k1","data":""}})").code == ErrorCode::data_loss);
  CHECK(refusal(*codec, R"({"$sealed":{"v":2,"key":"k1","data":"AAAA"}})").code ==
        ErrorCode::data_loss);
}

TEST_CASE("what was stored in the clear is read, unless encryption is required") {
  CHECK(codec_of()->decode(kPlace, "{\"a\":1}").value() == "{\"a\":1}");
  const auto strict = codec_of(one_key(), "default", true);
  const Error refused = refusal(*strict, "{\"a\":1}");
  CHECK(refused.code == ErrorCode::failed_precondition);
  CHECK(refused.message ==
        "payload of task t1 is stored in the clear, and require_encryption is on");
  CHECK(strict->decode(kPlace, strict->encode(kPlace, "1")).value() == "1");
}

TEST_CASE("a user's own value that looks sealed is sealed like any other") {
  const auto codec = codec_of();
  const Json once = codec->encode(kPlace, "1");
  const Json twice = codec->encode(kPlace, once);
  CHECK(codec->decode(kPlace, twice).value() == once);
  const Json like = R"({"$sealed":{"v":1,"key":"mine","data":"?"}})";
  CHECK(codec->decode(kPlace, codec->encode(kPlace, like)).value() == like);
  // Stored in the clear, before there were keys, it is not taken for what it is not.
  CHECK(refusal(*codec, like).code == ErrorCode::failed_precondition);
  CHECK(refusal(*codec, R"({"$sealed":true})").code == ErrorCode::data_loss);
}

TEST_CASE("keys rotate: new values get the new key, old ones open with the old one") {
  auto keys = std::make_shared<std::vector<SecretKey>>(1, key_of("k1"));
  KeyRing ring = KeyRing::open([keys]() -> Result<std::vector<SecretKey>> { return *keys; }).value();
  const auto codec = codec_of(ring);
  const Json old = codec->encode(kPlace, "1");

  *keys = {key_of("k1", KeyState::previous), key_of("k2")};
  REQUIRE(ring.reload().ok());
  const Json fresh = codec->encode(kPlace, "2");
  CHECK_THAT(fresh.str(), ContainsSubstring("\"k2\""));
  CHECK(codec->decode(kPlace, old).value() == "1");
  CHECK(codec->decode(kPlace, fresh).value() == "2");

  *keys = {key_of("k1", KeyState::retired), key_of("k2")};
  REQUIRE(ring.reload().ok());
  CHECK(refusal(*codec, old).message ==
        "payload of task t1 cannot be decrypted: key \"k1\" is retired");
  CHECK(codec->decode(kPlace, fresh).ok());

  *keys = {key_of("k2")};
  REQUIRE(ring.reload().ok());
  const Error unknown = refusal(*codec, old);
  CHECK(unknown.code == ErrorCode::failed_precondition);
  CHECK(unknown.message == "payload of task t1 cannot be decrypted: key \"k1\" is not known here");
}

// So that another implementation can read what this one stored.
TEST_CASE("the sealed form is the documented one") {
  const std::string sealed = codec_of()->encode(kPlace, "\"hello\"").str();
  const std::string_view head = R"({"$sealed":{"v":1,"key":"k1","data":")";
  REQUIRE_THAT(sealed, StartsWith(std::string(head)));
  const auto bytes = from_base64(std::string_view(sealed).substr(head.size(), sealed.size() -
                                                                                  head.size() - 3));
  const auto field = [](std::string_view text) {
    return std::string(7, '\0') + static_cast<char>(text.size()) + std::string(text);
  };
  const std::string record = field("default") + field("task") + field("t1");
  const Key256 key =
      derive_key(key_of("k1").secret, field("controlplane encryption at rest 1") + record);
  const auto plain = open_sealed(key, record + field("payload") + field("k1"), bytes.value());
  CHECK(plain.value() == "\"hello\"");
}

}  // namespace controlplane
