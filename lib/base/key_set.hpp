// The keys of a KeyRing at one moment.
// Thread safety: immutable.
// Errors: check() names the key and the rule, never a secret.
#pragma once

#include <string_view>
#include <vector>

#include "controlplane/key_ring.hpp"

namespace controlplane {

class KeySet {
 public:
  static Result<KeySet> check(std::vector<SecretKey> keys);

  const SecretKey& active() const noexcept { return keys_[active_]; }
  const SecretKey* find(std::string_view id) const noexcept;  // retired ones, too; null: unknown
  const std::vector<SecretKey>& all() const noexcept { return keys_; }

 private:
  explicit KeySet(std::vector<SecretKey> keys) noexcept : keys_(std::move(keys)) {}

  std::vector<SecretKey> keys_;
  std::size_t active_ = 0;
};

// The text that files and variables hold; `what` is named in errors.
Result<std::vector<SecretKey>> parse_keys(std::string_view what, std::string_view json);

}  // namespace controlplane
