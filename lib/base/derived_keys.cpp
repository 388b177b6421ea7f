#include "base/derived_keys.hpp"

#include <utility>

namespace controlplane {
namespace {

std::string_view text_of(const Key256& key) noexcept {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace

void append_field(std::string& out, std::string_view field) {
  const std::size_t size = field.size();
  const char length[4] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                          static_cast<char>(size >> 8), static_cast<char>(size)};
  out.append(length, sizeof length).append(field);
}

DerivedKey::DerivedKey(std::string id, const Key256& key) : id_(std::move(id)), hmac_(text_of(key)) {}

Mac256 DerivedKey::sign(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  return hmac_.of(text);
}

std::shared_ptr<const DerivedKey> DerivedKeys::active(std::string_view owner) {
  auto set = ring_.current();
  const std::lock_guard lock(mutex_);
  if (set != set_) {
    set_ = std::move(set);
    keys_.clear();
  }
  return derive(set_->active(), owner);
}

Result<std::shared_ptr<const DerivedKey>> DerivedKeys::find(std::string_view key_id,
                                                            std::string_view owner) {
  auto set = ring_.current();
  const std::lock_guard lock(mutex_);
  if (set != set_) {
    set_ = std::move(set);
    keys_.clear();
  }
  const SecretKey* const key = set_->find(key_id);
  if (key == nullptr) return Error::not_found("key " + std::string(key_id) + " is unknown");
  if (key->state == KeyState::retired) {
    return Error::failed_precondition("key " + std::string(key_id) + " is retired");
  }
  return derive(*key, owner);
}

std::shared_ptr<const DerivedKey> DerivedKeys::derive(const SecretKey& key, std::string_view owner) {
  name_.clear();
  append_field(name_, key.id);
  append_field(name_, owner);
  if (const auto found = keys_.find(name_); found != keys_.end()) return found->second;
  if (keys_.size() >= kMaxKept) keys_.clear();
  std::string info;
  append_field(info, context_);
  append_field(info, owner);
  Key256 derived = derive_key(key.secret, info);
  auto made = std::make_shared<const DerivedKey>(key.id, derived);
  wipe(derived.data(), derived.size());
  keys_.emplace(name_, made);
  return made;
}

}  // namespace controlplane
