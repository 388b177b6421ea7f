// A versioned JSON document under a key: what shared state is made of. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/json.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

struct Document {
  std::string key;
  Json value;
  // Grows with every change of the key and is never used twice for it, not even after a delete.
  std::uint64_t version = 0;
  Timestamp created_at = 0, updated_at = 0;
  Timestamp expires_at = 0;                 // 0 = never
  std::string unreadable{};                 // in a page: why the value could not be decrypted, and
                                            // is empty; "" = it is there
};

struct PutOptions {
  // Put only if this is the current version; 0 = only if there is none. Unset: whatever it is.
  std::optional<std::uint64_t> expected_version{};
  // From now on; 0 = it never expires. Unset: as it was (a new one never expires).
  std::optional<std::chrono::milliseconds> ttl{};
  std::string operation_id{};               // names this put, so that it can be repeated safely
};

struct UpdateOptions {
  std::optional<std::chrono::milliseconds> ttl{};  // as PutOptions::ttl
  std::uint32_t max_tries = 100;            // then conflict
};

struct DocumentChange {
  enum class Kind : std::uint8_t { put, deleted, expired };
  Kind kind = Kind::put;
  std::string key;
  std::uint64_t version = 0;                // the new one; of a document that is gone its last
  Timestamp time = 0;
  std::uint64_t seq = 0;                    // of its event; resume a watch after it
};

}  // namespace controlplane
