// The idempotency key of a message: it names sender, receiver and the sender's operation id. '#' is
// no byte of a name: no task of anybody else has such a key.
// Thread safety: pure functions. Errors: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/names.hpp"
#include "engine/mailbox_name.hpp"

namespace controlplane {

inline std::string message_key(std::string_view from, std::string_view to,
                               std::string_view operation_id) {
  std::string key(kMailboxPrefix);
  key.append(from).append(1, '#').append(to).append(1, '#').append(operation_id);
  return key;
}

// Three names of at most `max_name_bytes` each.
inline bool is_message_key(std::string_view key, std::size_t max_name_bytes) noexcept {
  if (!key.starts_with(kMailboxPrefix)) return false;
  key.remove_prefix(kMailboxPrefix.size());
  for (int left = 2; left > 0; --left) {
    const std::size_t end = key.find('#');
    if (end == key.npos || !is_name(key.substr(0, end), max_name_bytes)) return false;
    key.remove_prefix(end + 1);
  }
  return is_name(key, max_name_bytes);
}

}  // namespace controlplane
