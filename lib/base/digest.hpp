// Digests: 64 bits to find things by and to notice repeats (XXH3; nobody's adversary), 256 bits to
// tell contents apart (SHA-256).
// Thread safety: functions from any thread; objects from one thread at a time.
// Errors: none; an OpenSSL without SHA-256 ends the process.
// All values are the same on every machine and may be stored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace controlplane {

std::uint64_t digest64(std::string_view bytes) noexcept;
std::uint64_t hash_name(std::string_view name) noexcept;

// Over several fields, boundaries included: ("a", "bc") differs from ("ab", "c").
class FieldDigest {
 public:
  FieldDigest& add(std::string_view field) noexcept;
  FieldDigest& add(std::uint64_t field) noexcept;
  std::uint64_t finish() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0;
};

// Over several fields, each with its length in front.
class Sha256 {
 public:
  using Value = std::array<std::uint8_t, 32>;

  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& add(std::string_view field) noexcept;
  Sha256& add(std::uint64_t field) noexcept;
  Sha256& add_bytes(std::string_view bytes) noexcept;  // as they are: of a file, as sha256sum has it
  Value finish() noexcept;  // and begins anew

  static Value of(std::string_view bytes) noexcept;  // of nothing but these

 private:
  void begin() noexcept;
  void update(const void* bytes, std::size_t size) noexcept;

  evp_md_ctx_st* context_;
};

}  // namespace controlplane
