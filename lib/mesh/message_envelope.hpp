// What a message is as the payload of its task, and a reply as its result: canonical JSON, that is
// these members in this order without white space, and nothing else is accepted.
//
//   {"from":"…","to":"…","id":"…","type":"…","correlation_id":"…","sent_at":<µs>,"nonce":"…",
//    "key_id":"…","signature":"…","body":…}
//
// The signature is the HMAC-SHA256, in lower-case hexadecimal, of these fields, each with its length
// as four bytes, the highest first, in front:
//
//   "aragora.message.v1" or "aragora.reply.v1", key_id, tenant, from, to, id, sent_at in decimal,
//   nonce, type, correlation_id, SHA-256 of the body as it stands there (32 bytes)
//
// Thread safety: pure functions; an Envelope views its text.
// Errors: none; what is no envelope is none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

enum class EnvelopeKind : std::uint8_t { message, reply };

struct Envelope {
  std::string_view from, to, id, type, correlation_id, nonce, key_id, signature, body;
  Timestamp sent_at = 0;
};

std::string write_envelope(const Envelope& envelope);
// Names are checked; the body is whatever stands there.
std::optional<Envelope> read_envelope(std::string_view text, std::size_t max_name_bytes);

// What is signed.
void write_signed_fields(EnvelopeKind kind, const Envelope& envelope, std::string_view tenant,
                         std::string& out);
using HexMac = std::array<char, 64>;
HexMac hex_of(const Mac256& mac) noexcept;
void write_hex(char* out, const std::uint8_t* bytes, std::size_t size) noexcept;  // 2 · size

}  // namespace controlplane
