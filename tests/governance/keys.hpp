// Keys for tests, and coordinators that encrypt with them.
// Thread safety: as the coordinator's.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/key_ring.hpp"
#include "coordinator/plane.hpp"
#include "governance/opening.hpp"

namespace controlplane {

inline SecretKey key_of(const std::string& id, KeyState state = KeyState::active) {
  if (state == KeyState::retired) return {id, "", state};
  std::string secret = "the secret of " + id;
  secret.resize(32, '.');
  return {id, std::move(secret), state};
}

inline KeyRing ring_of(std::vector<SecretKey> keys) { return KeyRing::of(std::move(keys)).value(); }
inline KeyRing one_key(const std::string& id = "k1") { return ring_of({key_of(id)}); }

inline Coordinator open_encrypted(std::shared_ptr<Store> store, KeyRing keys, Config config = {}) {
  CoordinatorParts parts;
  parts.store = std::move(store);
  config.encryption_keys = std::move(keys);
  govern(config, parts).value();
  return open_coordinator(std::move(config), std::move(parts)).value();
}

}  // namespace controlplane
