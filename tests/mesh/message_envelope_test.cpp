#include "mesh/message_envelope.hpp"

#include "base/derived_keys.hpp"
#include "catch.hpp"

namespace controlplane {
namespace {

Envelope example() {
  Envelope e;
  e.from = "alice";
  e.to = "bob";
  e.id = "task_018bcfe5-6800-7000-8000-000000000001";
  e.type = "greet";
  e.correlation_id = "order-7";
  e.nonce = "000102030405060708090a0b0c0d0e0f";
  e.key_id = "2026-11";
  e.sent_at = 1'700'000'000'000'000;
  e.signature = "45948fd01153d3c1d4d4280f9464114f93757d1e6fd0680bc4e4afdcc408b9e6";
  e.body = R"({"text":"hello"})";
  return e;
}

std::string secret() {
  std::string bytes;
  for (char c = 0; c < 32; ++c) bytes += c;
  return bytes;
}

std::string sign(EnvelopeKind kind, const Envelope& envelope) {
  std::string context, fields;
  append_field(context, "aragora.message.key.v1");
  append_field(context, "acme");
  DerivedKeys keys(KeyRing::of({{"2026-11", secret(), KeyState::active}}).value(), context);
  write_signed_fields(kind, envelope, "acme", fields);
  const HexMac hex = hex_of(keys.find(envelope.key_id, envelope.from).value()->sign(fields));
  return {hex.data(), hex.size()};
}

const std::string kText =
    R"({"from":"alice","to":"bob","id":"task_018bcfe5-6800-7000-8000-000000000001","type":"greet",)"
    R"("correlation_id":"order-7","sent_at":1700000000000000,"nonce":"000102030405060708090a0b0c0d0e0f",)"
    R"("key_id":"2026-11","signature":"45948fd01153d3c1d4d4280f9464114f93757d1e6fd0680bc4e4afdcc408b9e6",)"
    R"("body":{"text":"hello"}})";

}  // namespace

// docs/messages.md has these; they were made with another implementation of HMAC and HKDF.
TEST_CASE("messages and replies are signed as the test vectors are") {
  Envelope e = example();
  CHECK(sign(EnvelopeKind::message, e) == e.signature);
  e.from = "bob";
  e.to = "alice";
  e.body = R"("hi")";
  CHECK(sign(EnvelopeKind::reply, e) ==
        "88eced48791849c9ed9482c7f6279c3ff02011e9322f20109e114fdc5ad26bbe");
  CHECK(sign(EnvelopeKind::message, e) != sign(EnvelopeKind::reply, e));
}

TEST_CASE("an envelope is read as it was written") {
  CHECK(write_envelope(example()) == kText);
  const auto e = read_envelope(kText, 128);
  REQUIRE(e);
  CHECK(e->from == "alice");
  CHECK(e->to == "bob");
  CHECK(e->type == "greet");
  CHECK(e->correlation_id == "order-7");
  CHECK(e->sent_at == 1'700'000'000'000'000);
  CHECK(e->nonce == "000102030405060708090a0b0c0d0e0f");
  CHECK(e->key_id == "2026-11");
  CHECK(e->signature == example().signature);
  CHECK(e->body == R"({"text":"hello"})");
  CHECK(write_envelope(*e) == kText);
}

TEST_CASE("a field boundary cannot move") {
  std::string one, other;
  Envelope e = example();
  e.from = "ab";
  e.to = "c";
  write_signed_fields(EnvelopeKind::message, e, "acme", one);
  e.from = "a";
  e.to = "bc";
  write_signed_fields(EnvelopeKind::message, e, "acme", other);
  CHECK(one != other);
}

TEST_CASE("only the canonical text is an envelope") {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = kText;
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("{}"), std::string(R"({"body":1})"),
        with(R"({"from")", R"({ "from")"), with("alice", ""), with("alice", "al ice"),
        with("alice", std::string(129, 'a')), with("alice", "al\\u0069ce"), with("bob", "b#b"),
        with("order-7", "order 7"), with("17000", "017000"), with("17000", "-17000"),
        with("17000", "+17000"), with("17000", "1.7000"), with("17000", "17000000000000000000000"),
        with(R"("nonce")", R"("none")"), with("0102", "01\"02"), with(R"({"text":"hello"}})", "}"),
        with("4594", "45944594"), with(R"(,"body":{"text":"hello"}})", "}"),
        kText + " ", kText + "\n", " " + kText,
        std::string(1'000, '"'), std::string(1'000, '\0')}) {
    INFO(text);
    CHECK_FALSE(read_envelope(text, 128));
  }
  for (std::size_t size = 0; size + 1 < kText.size(); ++size) {  // the body is whatever stands there
    CHECK_FALSE(read_envelope(std::string_view(kText).substr(0, size), 128));
  }
}

}  // namespace controlplane
