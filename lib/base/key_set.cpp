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

Result<std::string> text_member(const Json& object, const char* name, bool required) {
  std::string_view text;
  const auto error = object[name].get(text);
  if (error == simdjson::SUCCESS) return std::string(text);
  if (error == simdjson::NO_SUCH_FIELD && !required) return std::string();
  return Error::invalid_argument(fmt::format("a key lacks the text \"{}\"", name));
}

Result<SecretKey> parse_key(const Json& object) {
  SecretKey key;
  auto id = text_member(object, "id", true);
  if (!id) return std::move(id.error());
  key.id = std::move(*id);
  auto state = text_member(object, "state", true);
  if (!state) return std::move(state.error());
  const auto known = parse_state(key.id, *state);
  if (!known) return known.error();
  key.state = *known;
  auto secret = text_member(object, "secret", key.state != KeyState::retired);
  if (!secret) return std::move(secret.error());
  auto decoded = from_base64(*secret);
  wipe(secret->data(), secret->size());
  if (!decoded) {
    return Error::invalid_argument("the secret of key " + quote(key.id) + " is not base64");
  }
  key.secret = std::move(*decoded);
  return key;
}

Result<std::vector<SecretKey>> parse_all(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  const auto text = simdjson::padded_string(json);
  if (parser.parse(text)["keys"].get(list) != simdjson::SUCCESS) {
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

KeySet::~KeySet() {
  for (SecretKey& key : keys_) wipe(key.secret.data(), key.secret.size());
}

Result<KeySet> KeySet::check(std::vector<SecretKey> keys) {
  KeySet set(std::move(keys));  // wiped whatever comes
  if (set.keys_.size() > kMaxKeys) {
    return Error::invalid_argument(
        fmt::format("there are {} keys; at most {} are taken", grouped(set.keys_.size()), kMaxKeys));
  }
  std::size_t active = 0;
  for (std::size_t i = 0; i < set.keys_.size(); ++i) {
    SecretKey& key = set.keys_[i];
    if (auto fine = check_key(key); !fine) return std::move(fine.error());
    if (key.state == KeyState::retired) {
      wipe(key.secret.data(), key.secret.size());
      key.secret.clear();
    }
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
