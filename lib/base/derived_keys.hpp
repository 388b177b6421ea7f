// Keys derived from those of a KeyRing, one per owner: who has one can neither sign for another owner
// nor find the secret. Prepared once, and again after a reload.
// Thread safety: every method may be called from any thread.
// Errors: find() says whether a key is unknown or retired, never a secret.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/key_set.hpp"
#include "controlplane/key_ring.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

class DerivedKey {
 public:
  DerivedKey(std::string id, const Key256& key);
  const std::string& id() const noexcept { return id_; }
  Mac256 sign(std::string_view text) const;

 private:
  const std::string id_;
  mutable std::mutex mutex_;
  const Hmac hmac_;  // guarded
};

class DerivedKeys {
 public:
  // `context` makes them other keys than those for another use of the same ring.
  DerivedKeys(KeyRing ring, std::string context) : ring_(std::move(ring)), context_(std::move(context)) {}

  bool empty() const noexcept { return ring_.empty(); }
  std::shared_ptr<const DerivedKey> active(std::string_view owner);  // Precondition: !empty()
  // not_found: no such key; failed_precondition: it is retired. Precondition: !empty()
  Result<std::shared_ptr<const DerivedKey>> find(std::string_view key_id, std::string_view owner);

 private:
  static constexpr std::size_t kMaxKept = 4'096;  // beyond, they are derived anew

  std::shared_ptr<const DerivedKey> derive(const SecretKey& key, std::string_view owner);  // under the lock

  const KeyRing ring_;
  const std::string context_;
  std::mutex mutex_;  // guards all below
  std::shared_ptr<const KeySet> set_;  // that the others were derived from
  std::map<std::string, std::shared_ptr<const DerivedKey>, std::less<>> keys_;  // by key id and owner
  std::string name_;
};

// What a derived key is derived for, and any text of several fields: each with its length, as four
// bytes, the highest first, in front.
void append_field(std::string& out, std::string_view field);

}  // namespace controlplane
