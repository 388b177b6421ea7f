#include "base/crypto.hpp"

#include <string>

#include "catch.hpp"

using namespace controlplane;

namespace {

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return out;
}

template <class Bytes>
std::string as_text(const Bytes& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

Key256 key_of(std::string_view hex) {
  Key256 key{};
  const std::string bytes = from_hex(hex);
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

const Key256 kKey = key_of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");

std::string sealed(std::string_view bound, std::string_view plain) {
  std::string out;
  seal(kKey, bound, plain, out);
  return out;
}

}  // namespace

TEST_CASE("HMAC-SHA256 gives the values of RFC 4231") {
  CHECK(as_text(Hmac("Jefe").of("what do ya want for nothing?")) ==
        from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  const Hmac long_key(std::string(131, '\xaa'));
  const std::string expected =
      from_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(as_text(long_key.of("Test Using Larger Than Block-Size Key - Hash Key First")) == expected);
  CHECK(as_text(long_key.of("Test Using Larger Than Block-Size Key - Hash Key First")) == expected);
}

TEST_CASE("HKDF-SHA256 gives the value of RFC 5869, case 3, and another key for another use") {
  const std::string secret(22, '\x0b');
  CHECK(as_text(derive_key(secret, "")) ==
        from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"));
  CHECK(derive_key(secret, "a") != derive_key(secret, "b"));
}

TEST_CASE("AES-256-GCM opens case 16 of the GCM specification") {
  const std::string nonce = from_hex("cafebabefacedbaddecaf888");
  const std::string cipher = from_hex(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
      "8838c5f61e6393ba7a0abcc9f662");
  const std::string tag = from_hex("76fc6ece0f4e1768cddf8853bb2d551b");
  const auto plain =
      open_sealed(kKey, from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), nonce + cipher + tag);
  REQUIRE(plain);
  CHECK(*plain == from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595"
                           "6809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
}

TEST_CASE("what was sealed opens with the same key and bound data only") {
  for (const std::string& plain : {std::string(), std::string("{}"), std::string(100'000, 'x')}) {
    const std::string text = sealed("task/1", plain);
    CHECK(text.size() == plain.size() + kSealNonceBytes + kSealTagBytes);
    CHECK(open_sealed(kKey, "task/1", text) == plain);
    CHECK(!open_sealed(kKey, "task/2", text));
    CHECK(!open_sealed(Key256{}, "task/1", text));
  }
  CHECK(sealed("a", "b") != sealed("a", "b"));  // a nonce is never used twice
}

TEST_CASE("a flipped bit or a missing byte anywhere is noticed") {
  const std::string text = sealed("task/1", "secret");
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(!open_sealed(kKey, "task/1", damaged));
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK(!open_sealed(kKey, "task/1", text.substr(0, size)));
  }
}

TEST_CASE("sealing appends to what is there") {
  std::string out = "before";
  seal(kKey, "", "x", out);
  CHECK(out.starts_with("before"));
  CHECK(open_sealed(kKey, "", out.substr(6)) == "x");
}

TEST_CASE("bytes are compared whole") {
  CHECK(same_bytes("", ""));
  CHECK(same_bytes("abc", "abc"));
  CHECK(!same_bytes("abc", "abd"));
  CHECK(!same_bytes("abc", "ab"));
}

TEST_CASE("base64 is read in the one form in which it is written") {
  for (const auto& [plain, text] : {std::pair<std::string, std::string>{"", ""},
                                    {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="}, {std::string("\0\xff", 2), "AP8="}}) {
    CHECK(base64(plain) == text);
    CHECK(from_base64(text) == plain);
  }
  for (const char* wrong : {"Zg", "Zg=", "Zg==\n", "Z g=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Zm9v=", "-_-_"}) {
    CHECK(!from_base64(wrong));
  }
}
