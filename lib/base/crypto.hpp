// OpenSSL's cryptography, in the few forms that are used here.
// Thread safety: functions from any thread; objects from one thread at a time.
// Errors: open() tells a forgery; an OpenSSL without these algorithms ends the process.
// Sources: HMAC: RFC 2104; HKDF: RFC 5869; AES-256-GCM: NIST SP 800-38D.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX

namespace controlplane {

using Key256 = std::array<std::uint8_t, 32>;
using Mac256 = std::array<std::uint8_t, 32>;

// HKDF-SHA256 without salt: another `info` gives an independent key.
Key256 derive_key(std::string_view secret, std::string_view info);

// In a time that does not depend on where they differ; the lengths are no secret.
bool same_bytes(std::string_view a, std::string_view b) noexcept;

// Overwrites in a way that is not optimized away.
void wipe(void* bytes, std::size_t size) noexcept;

// HMAC-SHA256 under one key, for many texts: the key is prepared once.
class Hmac {
 public:
  explicit Hmac(std::string_view key);
  ~Hmac();
  Hmac(Hmac&& other) noexcept : keyed_(other.keyed_) { other.keyed_ = nullptr; }
  Hmac& operator=(Hmac&&) = delete;

  Mac256 of(std::string_view text) const noexcept;

 private:
  evp_mac_ctx_st* keyed_;
};

inline constexpr std::size_t kSealNonceBytes = 12;
inline constexpr std::size_t kSealTagBytes = 16;

// Appends nonce, ciphertext and tag. AES-256-GCM with a nonce from the system's generator: one key
// may seal at most 2^32 texts.
void seal(const Key256& key, std::string_view bound, std::string_view plain, std::string& out);
// The plain text; nothing if key, bound data or any bit of it is another.
std::optional<std::string> open_sealed(const Key256& key, std::string_view bound,
                                       std::string_view sealed);

std::string base64(std::string_view bytes);
// Strict: padded, no line breaks, no other characters; nothing if it is not base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace controlplane
