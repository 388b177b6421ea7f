#include "base/digest.hpp"

#include <cstdlib>
#include <memory>

#include <openssl/evp.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.hpp"

namespace controlplane {
namespace {

// Looked up once: finding an algorithm costs OpenSSL 3 more than hashing a short text.
const EVP_MD* sha256() noexcept {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm(
      EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free);
  return algorithm.get();
}

void require(bool done) noexcept {
  if (!done) std::abort();
}

}  // namespace

std::uint64_t digest64(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t hash_name(std::string_view name) noexcept { return digest64(name); }

// The digest so far seeds that of the next field, so a boundary cannot move.
FieldDigest& FieldDigest::add(std::string_view field) noexcept {
  state_ = XXH3_64bits_withSeed(field.data(), field.size(), state_ + 1);
  return *this;
}

FieldDigest& FieldDigest::add(std::uint64_t field) noexcept {
  unsigned char bytes[sizeof field];
  store_be64(bytes, field);
  state_ = XXH3_64bits_withSeed(bytes, sizeof bytes, state_ + 2);
  return *this;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { begin(); }

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

// Named again, the algorithm would have its state made anew.
void Sha256::begin() noexcept {
  require(context_ != nullptr);
  const EVP_MD* const named = EVP_MD_CTX_get0_md(context_) == nullptr ? sha256() : nullptr;
  require(EVP_DigestInit_ex(context_, named, nullptr) == 1);
}

void Sha256::update(const void* bytes, std::size_t size) noexcept {
  require(EVP_DigestUpdate(context_, bytes, size) == 1);
}

Sha256& Sha256::add(std::string_view field) noexcept {
  add(std::uint64_t{field.size()});
  update(field.data(), field.size());
  return *this;
}

Sha256& Sha256::add(std::uint64_t field) noexcept {
  unsigned char bytes[sizeof field];
  store_be64(bytes, field);
  update(bytes, sizeof bytes);
  return *this;
}

Sha256::Value Sha256::of(std::string_view bytes) noexcept {
  thread_local Sha256 mine;
  mine.update(bytes.data(), bytes.size());
  return mine.finish();
}

Sha256& Sha256::add_bytes(std::string_view bytes) noexcept {
  update(bytes.data(), bytes.size());
  return *this;
}

Sha256::Value Sha256::finish() noexcept {
  Value value;
  require(EVP_DigestFinal_ex(context_, value.data(), nullptr) == 1);
  begin();
  return value;
}

}  // namespace controlplane
