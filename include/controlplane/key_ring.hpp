// Secret keys with names, for signing messages and for encryption at rest, in a form that lets them
// be changed while the old ones are still in use.
// One key is active: it signs and seals. Previous keys still verify and open what was made with them.
// A retired key is known by name only, so that its refusal can say so.
// Thread safety: every method from any thread. A KeyRing is a handle: copies share the keys, and a
// reload through one of them counts for all.
// Errors: invalid_argument names the key and the rule, never a secret; a reload that fails leaves
// the keys as they were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/result.hpp"

namespace controlplane {

enum class KeyState : std::uint8_t { active, previous, retired };
std::string_view to_string(KeyState state) noexcept;  // "active", …

// Bytes that are overwritten when they go, whichever way they go: with their owner, by an
// assignment, or because something else failed.
// Thread safety: as a std::string.
class Secret {
 public:
  Secret() noexcept = default;
  Secret(std::string bytes) noexcept : bytes_(std::move(bytes)) {}
  Secret(const char* text) : bytes_(text) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.clear(); }
  Secret& operator=(Secret other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~Secret() { clear(); }

  operator std::string_view() const noexcept { return bytes_; }
  std::string& bytes() noexcept { return bytes_; }  // to be filled; growing leaves copies behind
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  void clear() noexcept;  // overwrites them
  friend bool operator==(const Secret& a, std::string_view b) noexcept { return a.bytes_ == b; }

 private:
  std::string bytes_;
};

struct SecretKey {
  std::string id;       // a name, at most 64 bytes; travels with what the key made
  Secret secret;        // 32 to 1,024 bytes of any value; none if retired
  KeyState state = KeyState::active;
};

struct KeyInfo {
  std::string id;
  KeyState state = KeyState::active;
};

// Answers all keys: exactly one active, at most 64, ids that differ. Called by open() and reload(),
// on their thread.
using KeySource = std::function<Result<std::vector<SecretKey>>()>;

class KeySet;  // the keys of one moment; the library's own

class KeyRing {
 public:
  KeyRing() = default;  // without keys: what it is given to does not sign or encrypt
  static Result<KeyRing> open(KeySource source);
  static Result<KeyRing> of(std::vector<SecretKey> keys);  // reload() changes nothing
  // {"keys": [{"id": "2026-11", "state": "active", "secret": "<base64>"}, …]}, at most 64 KiB, read
  // again at every reload. A file that others than its owner may read or write is refused.
  static Result<KeyRing> from_file(std::string path);
  // The same text in a variable of the process environment.
  static Result<KeyRing> from_environment(std::string variable);

  // Asks the source again. To change the key everywhere without refusing anything valid: add the
  // new one as `previous` everywhere, then make it active and the old one `previous`, then retire that.
  Result<void> reload();

  bool empty() const noexcept { return state_ == nullptr; }
  std::vector<KeyInfo> keys() const;  // as the source gave them, without secrets
  std::shared_ptr<const KeySet> current() const;  // null when empty

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace controlplane
