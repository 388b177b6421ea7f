#include "governance/encryption.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/key_set.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

// A value is taken for a sealed one if it begins with the first or goes on with the second: so one
// bit that flipped makes it a damaged value and not one that was never sealed.
constexpr std::string_view kHead = R"({"$sealed")";
constexpr std::string_view kForm = R"(:{"v":1,"key":")";
constexpr std::string_view kData = R"(","data":")";
constexpr std::string_view kTail = R"("}})";

bool looks_sealed(std::string_view text) noexcept {
  return text.starts_with(kHead) ||
         (text.size() > kHead.size() && text.substr(kHead.size()).starts_with(kForm));
}

struct Sealed {
  std::string_view key, data;
};

bool take(std::string_view& text, std::string_view part) noexcept {
  if (!text.starts_with(part)) return false;
  text.remove_prefix(part.size());
  return true;
}

std::optional<Sealed> parse(std::string_view text) noexcept {
  if (!take(text, kHead) || !take(text, kForm) || !text.ends_with(kTail)) return std::nullopt;
  text.remove_suffix(kTail.size());
  Sealed sealed;
  sealed.key = text.substr(0, text.find('"'));
  text.remove_prefix(sealed.key.size());
  if (!take(text, kData)) return std::nullopt;
  sealed.data = text;
  return sealed;
}

// With their lengths in front: no two lists of texts look the same.
class Bound {
 public:
  Bound& add(std::string_view text) {
    const std::uint64_t size = text.size();
    for (int shift = 56; shift >= 0; shift -= 8) bytes_ += static_cast<char>(size >> shift);
    bytes_.append(text);
    return *this;
  }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

// Of one record; gone when it is.
class RecordKey {
 public:
  RecordKey(const SecretKey& key, std::string_view tenant, const ValuePlace& place)
      : key_(derive_key(key.secret, Bound()
                                        .add("controlplane encryption at rest 1")
                                        .add(tenant)
                                        .add(place.kind)
                                        .add(place.id)
                                        .bytes())) {}
  ~RecordKey() { wipe(key_.data(), key_.size()); }
  RecordKey(const RecordKey&) = delete;
  RecordKey& operator=(const RecordKey&) = delete;
  const Key256& get() const noexcept { return key_; }

 private:
  Key256 key_;
};

std::string name_of(const ValuePlace& place) {
  return fmt::format("{} of {} {}", place.field, place.kind, place.id);
}

class SealingCodec final : public PayloadCodec {
 public:
  SealingCodec(KeyRing keys, std::string tenant, bool require_sealed)
      : keys_(std::move(keys)), tenant_(std::move(tenant)), require_sealed_(require_sealed) {}

  Json encode(const ValuePlace& place, const Json& plain) const override;
  Result<Json> decode(const ValuePlace& place, const Json& stored) const override;

 private:
  std::string bound(const ValuePlace& place, std::string_view key_id) const;

  const KeyRing keys_;
  const std::string tenant_;
  const bool require_sealed_;
};

std::string SealingCodec::bound(const ValuePlace& place, std::string_view key_id) const {
  return Bound().add(tenant_).add(place.kind).add(place.id).add(place.field).add(key_id).bytes();
}

Json SealingCodec::encode(const ValuePlace& place, const Json& plain) const {
  if (plain.empty()) return plain;
  const auto keys = keys_.current();
  const SecretKey& key = keys->active();
  std::string bytes;
  seal(RecordKey(key, tenant_, place).get(), bound(place, key.id), plain.text(), bytes);
  std::string text;
  const std::string data = base64(bytes);
  text.reserve(kHead.size() + kForm.size() + key.id.size() + kData.size() + data.size() + kTail.size());
  text.append(kHead).append(kForm).append(key.id).append(kData).append(data).append(kTail);
  return Json(text);
}

Result<Json> SealingCodec::decode(const ValuePlace& place, const Json& stored) const {
  if (stored.empty()) return stored;
  if (!looks_sealed(stored.text())) {
    if (!require_sealed_) return stored;
    return Error::failed_precondition(name_of(place) +
                                      " is stored in the clear, and require_encryption is on");
  }
  const auto sealed = parse(stored.text());
  if (!sealed) {
    return Error::data_loss(name_of(place) + " cannot be decrypted: it is damaged");
  }
  const auto keys = keys_.current();
  const SecretKey* const key = keys->find(sealed->key);
  if (key == nullptr || key->state == KeyState::retired) {
    return Error::failed_precondition(fmt::format("{} cannot be decrypted: key {} is {}", name_of(place),
                                                  quote(sealed->key),
                                                  key == nullptr ? "not known here" : "retired"));
  }
  const auto bytes = from_base64(sealed->data);
  std::optional<std::string> plain;
  if (bytes) {
    plain = open_sealed(RecordKey(*key, tenant_, place).get(), bound(place, key->id), *bytes);
  }
  if (plain && !plain->empty()) return Json(*plain);
  return Error::data_loss(fmt::format("{} cannot be decrypted with key {}: it is damaged, or was "
                                      "encrypted for something else", name_of(place), key->id));
}

}  // namespace

std::shared_ptr<const PayloadCodec> make_sealing_codec(KeyRing keys, std::string tenant,
                                                       bool require_sealed) {
  return std::make_shared<const SealingCodec>(std::move(keys), std::move(tenant), require_sealed);
}

}  // namespace controlplane
