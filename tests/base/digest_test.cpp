#include "base/digest.hpp"

#include <cstdio>

#include "catch.hpp"

using namespace controlplane;

namespace {

std::string hex(const Sha256::Value& value) {
  std::string text;
  for (const unsigned byte : value) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

}  // namespace

TEST_CASE("the digest of bytes alone is that of FIPS 180-4") {
  CHECK(hex(Sha256::of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(Sha256::of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the 64-bit digest is XXH3") {
  CHECK(digest64("") == 0x2d06800538d394c2ULL);
  CHECK(hash_name("agent-1") == digest64("agent-1"));
  CHECK(digest64("agent-1") != digest64("agent-2"));
}

TEST_CASE("moving a byte from one field to the next changes a digest of fields") {
  CHECK(FieldDigest().add("a").add("bc").finish() != FieldDigest().add("ab").add("c").finish());
  CHECK(FieldDigest().add("a").add("").finish() != FieldDigest().add("a").finish());
  CHECK(FieldDigest().add("").finish() != FieldDigest().finish());
  CHECK(FieldDigest().add("a").add("b").finish() == FieldDigest().add("a").add("b").finish());
  CHECK(FieldDigest().add(std::uint64_t{1}).finish() != FieldDigest().add("1").finish());
  CHECK(Sha256().add("a").add("bc").finish() != Sha256().add("ab").add("c").finish());
}

TEST_CASE("SHA-256 is over the length and the bytes of each field") {
  Sha256 hash;
  CHECK(hex(hash.add(std::uint64_t{0x6162636465666768}).finish()) ==
        "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab");  // of "abcdefgh"
}

TEST_CASE("a finished SHA-256 begins anew") {
  Sha256 hash;
  const auto first = hash.add("x").finish();
  CHECK(hash.add("x").finish() == first);
}
