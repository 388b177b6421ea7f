// The party that messages to an agent are directed to. '#' is no byte of a name: nobody outside can
// register it, claim as it, or direct a task to it, so it needs no list of reserved names.
// Thread safety: pure functions. Errors: none.
#pragma once

#include <string>
#include <string_view>

namespace controlplane {

inline constexpr std::string_view kMailboxPrefix = "mailbox#";

inline bool is_mailbox(std::string_view party) noexcept { return party.starts_with(kMailboxPrefix); }

inline std::string mailbox_of(std::string_view agent) {
  std::string party(kMailboxPrefix);
  return party += agent;
}

}  // namespace controlplane
