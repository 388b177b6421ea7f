#include "base/key_set.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/crypto.hpp"
#include "base/names.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMinSecretBytes = 32;
constexpr std::size_t kMaxSecretBytes = 1'024;

Result<void> check_key(const SecretKey& key) {
  if (auto named = check_name("key id", key.id, kMaxIdBytes, "of key ids"); !named) return named;
  const std::size_t size = key.secret.size();
  if (key.state == KeyState::retired) return {};
  if (size < kMinSecretBytes || size > kMaxSecretBytes) {
    return Error::invalid_argument(
        fmt::format("the secret of key {} has {} bytes; it must have {} to {}", quote(key.id),
                    grouped(size), kMinSecretBytes, grouped(kMaxSecretBytes)));
  }
  return {};
}

Result<KeyState> parse_state(const std::string& id, std::string_view text) {
  for (const KeyState state : {KeyState::active, KeyState::previous, KeyState::retired}) {
    if (text == to_string(state)) return state;
  }
  return Error::invalid_argument(fmt::format(
      "the state of key {} is {}; it must be active, previous or retired", quote(id), quote(text)));
}

using Json = simdjson::dom::element;

// Views the parser's memory.
Result<std::string_view> text_member(const Json& object, const char* name, bool required) {
  std::string_view text;
  const auto error = object[name].get(text);
  if (error == simdjson::SUCCESS || (error == simdjson::NO_SUCH_FIELD && !required)) return text;
  return Error::invalid_argument(fmt::format("a key lacks the text \"{}\"", name));
}

Result<SecretKey> parse_key(const Json& object) {
  SecretKey key;
  auto id = text_member(object, "id", true);
  if (!id) return std::move(id.error());
  key.id = *id;
  auto state = text_member(object, "state", true);
  if (!state) return std::move(state.error());
  const auto known = parse_state(key.id, *state);
  if (!known) return known.error();
  key.state = *known;
  auto secret = text_member(object, "secret", key.state != KeyState::retired);
  if (!secret) return std::move(secret.error());
  auto decoded = from_base64(*secret);
  if (!decoded) {
    return Error::invalid_argument("the secret of key " + quote(key.id) + " is not base64");
  }
  key.secret = std::move(*decoded);
  return key;
}

// Parses a text that holds secrets, and leaves none of it behind.
struct SecretParser {
  explicit SecretParser(std::string_view json) : text(json) {}
  ~SecretParser() {
    wipe(text.data(), text.size());
    std::uint8_t* const strings = parser.doc.string_buf.get();  // 5/3 of its capacity, and more
    if (strings != nullptr) wipe(strings, 5 * parser.doc.capacity() / 3);
  }
  SecretParser(const SecretParser&) = delete;
  simdjson::padded_string text;
  simdjson::dom::parser parser;
};

Result<std::vector<SecretKey>> parse_all(std::string_view json) {
  SecretParser it(json);
  simdjson::dom::array list;
  if (it.parser.parse(it.text)["keys"].get(list) != simdjson::SUCCESS) {
    return Error::invalid_argument("it must be a JSON object with an array \"keys\"");
  }
  std::vector<SecretKey> keys;
  for (const Json object : list) {
    auto key = parse_key(object);
    if (!key) return std::move(key.error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace

std::string_view to_string(KeyState state) noexcept {
  switch (state) {
    case KeyState::active: return "active";
    case KeyState::previous: return "previous";
    case KeyState::retired: return "retired";
  }
  return "unknown";
}

Result<KeySet> KeySet::check(std::vector<SecretKey> keys) {
  KeySet set(std::move(keys));
  if (set.keys_.size() > kMaxKeys) {
    return Error::invalid_argument(
        fmt::format("there are {} keys; at most {} are taken", grouped(set.keys_.size()), kMaxKeys));
  }
  std::size_t active = 0;
  for (std::size_t i = 0; i < set.keys_.size(); ++i) {
    SecretKey& key = set.keys_[i];
    if (auto fine = check_key(key); !fine) return std::move(fine.error());
    if (key.state == KeyState::retired) key.secret.clear();
    if (set.find(key.id) != &key) {
      return Error::invalid_argument("two keys have the id " + quote(key.id));
    }
    if (key.state != KeyState::active) continue;
    ++active;
    set.active_ = i;
  }
  if (active != 1) {
    return Error::invalid_argument(
        fmt::format("{} keys are active; exactly one must be", grouped(active)));
  }
  return set;
}

const SecretKey* KeySet::find(std::string_view id) const noexcept {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const SecretKey& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

Result<std::vector<SecretKey>> parse_keys(std::string_view what, std::string_view json) {
  auto keys = parse_all(json);
  if (!keys) keys.error().message = fmt::format("{}: {}", what, keys.error().message);
  return keys;
}

}  // namespace controlplane
