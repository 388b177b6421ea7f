#include "capi/keys.hpp"

#include <string>
#include <utility>
#include <vector>

#include "capi/defaults.hpp"

namespace controlplane::capi {
namespace {

constexpr std::size_t kMaxKeys = 64;

SecretKey key_of(const cp_secret_key* given) {
  const Input<cp_secret_key> in(given);
  SecretKey key;
  key.id = text(in->id);
  key.state = number("state", in->state, KeyState::retired);
  if (key.state == KeyState::retired || in->secret_length == 0) return key;
  if (in->secret == nullptr) refuse("key " + key.id + ": secret is NULL");
  key.secret = std::string(static_cast<const char*>(in->secret), in->secret_length);
  return key;
}

Result<std::vector<SecretKey>> ask(cp_key_callback callback, void* user_data) try {
  const cp_secret_key* items = nullptr;
  std::size_t count = 0;
  const std::int32_t status = callback(&items, &count, user_data);
  if (status < CP_OK || status > CP_INTERNAL) {
    return Error::internal("the key callback answered " + std::to_string(status) +
                           ", which is no status");
  }
  if (status != CP_OK) return Error{static_cast<ErrorCode>(status - 1), "the key callback gave up"};
  check_count("keys", items, count, kMaxKeys, "of keys");
  std::vector<SecretKey> keys;
  for (std::size_t at = 0; at < count; ++at) keys.push_back(key_of(item(items, at)));
  return keys;
} catch (Refusal& refusal) {
  return std::move(refusal.error);
}

}  // namespace

KeySource key_source(cp_key_callback callback, void* user_data) {
  return [callback, user_data] { return ask(callback, user_data); };
}

}  // namespace controlplane::capi
