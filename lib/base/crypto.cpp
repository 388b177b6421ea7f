#include "base/crypto.hpp"

#include <climits>
#include <cstdlib>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace controlplane {
namespace {

void must(bool done) noexcept {
  if (!done) std::abort();
}

const unsigned char* bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(char* text) noexcept { return reinterpret_cast<unsigned char*>(text); }

int length(std::size_t size) noexcept {
  must(size <= INT_MAX);
  return static_cast<int>(size);
}

// What OpenSSL looks up by name is looked up once: finding it costs more than using it.
EVP_MAC* hmac() noexcept {
  static const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> algorithm(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
  return algorithm.get();
}
EVP_KDF* hkdf() noexcept {
  static const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> algorithm(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  return algorithm.get();
}
const EVP_CIPHER* aes_256_gcm() noexcept {
  static const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> algorithm(
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr), &EVP_CIPHER_free);
  return algorithm.get();
}

OSSL_PARAM sha256_param() noexcept {
  return OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0);
}
OSSL_PARAM bytes_param(const char* name, std::string_view value) noexcept {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
CipherContext new_cipher() { return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}; }

}  // namespace

Key256 derive_key(std::string_view secret, std::string_view info) {
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(hkdf()),
                                                                          &EVP_KDF_CTX_free);
  const OSSL_PARAM params[] = {sha256_param(), bytes_param(OSSL_KDF_PARAM_KEY, secret),
                               bytes_param(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  Key256 key;
  must(context && EVP_KDF_derive(context.get(), key.data(), key.size(), params) == 1);
  return key;
}

bool same_bytes(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(void* bytes, std::size_t size) noexcept { OPENSSL_cleanse(bytes, size); }

Hmac::Hmac(std::string_view key) : keyed_(EVP_MAC_CTX_new(hmac())) {
  const OSSL_PARAM params[] = {sha256_param(), OSSL_PARAM_construct_end()};
  must(keyed_ != nullptr && EVP_MAC_init(keyed_, bytes(key), key.size(), params) == 1);
}

Hmac::~Hmac() { EVP_MAC_CTX_free(keyed_); }

Mac256 Hmac::of(std::string_view text) const noexcept {
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_dup(keyed_),
                                                                          &EVP_MAC_CTX_free);
  Mac256 mac;
  std::size_t size = 0;
  must(context && EVP_MAC_update(context.get(), bytes(text), text.size()) == 1 &&
          EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

void seal(const Key256& key, std::string_view bound, std::string_view plain, std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + kSealNonceBytes + plain.size() + kSealTagBytes);
  unsigned char* const nonce = bytes(out.data() + begin);
  unsigned char* const cipher = nonce + kSealNonceBytes;
  const auto context = new_cipher();
  int written = 0;
  must(context && RAND_bytes(nonce, kSealNonceBytes) == 1 &&
          EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), key.data(), nonce, nullptr) == 1 &&
          EVP_EncryptUpdate(context.get(), nullptr, &written, bytes(bound), length(bound.size())) == 1 &&
          EVP_EncryptUpdate(context.get(), cipher, &written, bytes(plain), length(plain.size())) == 1 &&
          EVP_EncryptFinal_ex(context.get(), cipher + written, &written) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSealTagBytes,
                              cipher + plain.size()) == 1);
}

std::optional<std::string> open_sealed(const Key256& key, std::string_view bound,
                                       std::string_view sealed) {
  if (sealed.size() < kSealNonceBytes + kSealTagBytes) return std::nullopt;
  const std::size_t size = sealed.size() - kSealNonceBytes - kSealTagBytes;
  const unsigned char* const cipher = bytes(sealed) + kSealNonceBytes;
  std::string plain(size, '\0');
  const auto context = new_cipher();
  int written = 0;
  must(context &&
          EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), key.data(), bytes(sealed), nullptr) == 1 &&
          EVP_DecryptUpdate(context.get(), nullptr, &written, bytes(bound), length(bound.size())) == 1 &&
          EVP_DecryptUpdate(context.get(), bytes(plain.data()), &written, cipher, length(size)) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kSealTagBytes,
                              const_cast<unsigned char*>(cipher + size)) == 1);
  if (EVP_DecryptFinal_ex(context.get(), bytes(plain.data()) + written, &written) == 1) return plain;
  wipe(plain.data(), plain.size());
  return std::nullopt;
}

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that is written
  out.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(bytes(out.data()), bytes(text), length(text.size()))));
  return out;
}

// EVP_DecodeBlock skips white space and takes padding anywhere: whoever encodes the result again
// and finds the same text knows that it was the one way to write it. What is left over may have been
// a secret.
std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  bool is_base64 = EVP_DecodeBlock(bytes(out.data()), bytes(text), length(text.size())) >= 0;
  if (is_base64) {
    if (text.ends_with("==")) out.pop_back();
    if (text.ends_with('=')) out.pop_back();
    std::string again = base64(out);
    is_base64 = again == text;
    wipe(again.data(), again.size());
  }
  if (is_base64) return out;
  wipe(out.data(), out.size());
  return std::nullopt;
}

}  // namespace controlplane
