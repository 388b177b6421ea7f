#include "base/ids.hpp"

#include <array>
#include <cstring>

#include "base/digest.hpp"

namespace controlplane {
namespace {

constexpr std::string_view kTaskPrefix = "task_";
constexpr std::string_view kOperationPrefix = "op_";
constexpr std::uint64_t kVersion = 0x7000;
constexpr std::uint64_t kVariant = std::uint64_t{1} << 63;

TaskId::Uuid assemble(std::int64_t now_us, std::uint64_t rand_a, std::uint64_t rand_b) noexcept {
  TaskId::Uuid uuid;
  const auto ms = static_cast<std::uint64_t>(now_us) / 1000;
  store_be64(uuid.data(), ms << 16 | kVersion | rand_a);
  store_be64(uuid.data() + 8, kVariant | rand_b);
  return uuid;
}

struct HexPairs {
  char text[256][2];
};

constexpr HexPairs make_hex_pairs() {
  constexpr std::string_view digits = "0123456789abcdef";
  HexPairs pairs{};
  for (unsigned i = 0; i < 256; ++i) {
    pairs.text[i][0] = digits[i >> 4];
    pairs.text[i][1] = digits[i & 15];
  }
  return pairs;
}

constexpr std::uint8_t kNoDigit = 0x80;

constexpr std::array<std::uint8_t, 256> make_hex_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}

constexpr HexPairs kHexPairs = make_hex_pairs();
constexpr std::array<std::uint8_t, 256> kHexValues = make_hex_values();

// Where the two digits of each byte stand in 8-4-4-4-12.
constexpr std::array<std::uint8_t, 16> kPlaces = {0,  2,  4,  6,  9,  11, 14, 16,
                                                  19, 21, 24, 26, 28, 30, 32, 34};

std::uint8_t value_at(const char* text) noexcept {
  return kHexValues[static_cast<std::uint8_t>(*text)];
}

std::string prefixed(std::string_view prefix, const TaskId::Uuid& uuid) {
  std::string text(prefix.size() + kUuidText, '\0');
  std::memcpy(text.data(), prefix.data(), prefix.size());
  write_uuid(text.data() + prefix.size(), uuid);
  return text;
}

}  // namespace

IdMaker::IdMaker(Entropy& entropy)
    : node_(entropy.next() & kNodeMask),
      counter_(static_cast<std::uint32_t>(entropy.next() & 0x7fffffff)) {}

TaskId::Uuid IdMaker::next(std::int64_t now_us) noexcept {
  const std::uint32_t counter = counter_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t low = counter & 0xfffff;
  return assemble(now_us, counter >> 20, low << kNodeBits | node_);
}

void write_uuid(char* out, const TaskId::Uuid& uuid) noexcept {
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    std::memcpy(out + kPlaces[i], kHexPairs.text[uuid[i]], 2);
  }
  out[8] = out[13] = out[18] = out[23] = '-';
}

bool parse_uuid(const char* text, TaskId::Uuid& uuid) noexcept {
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  unsigned seen = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    const unsigned high = value_at(text + kPlaces[i]);
    const unsigned low = value_at(text + kPlaces[i] + 1);
    seen |= high | low;
    uuid[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return (seen & kNoDigit) == 0;
}

std::string make_operation_id(Entropy& entropy, std::int64_t now_us) {
  const std::uint64_t rand_a = entropy.next() & 0xfff;
  const std::uint64_t rand_b = entropy.next() >> 2;
  return prefixed(kOperationPrefix, assemble(now_us, rand_a, rand_b));
}

TaskId::TaskId(std::string_view text) {
  made_ = text.size() == kTaskPrefix.size() + kUuidText && text.starts_with(kTaskPrefix) &&
          parse_uuid(text.data() + kTaskPrefix.size(), uuid_);
  if (made_) return;
  uuid_ = {};
  text_ = SharedText(text);
}

std::string TaskId::str() const { return made_ ? prefixed(kTaskPrefix, uuid_) : text_.str(); }

}  // namespace controlplane

std::size_t std::hash<controlplane::TaskId>::operator()(
    const controlplane::TaskId& id) const noexcept {
  using controlplane::load_be64;
  using controlplane::mix64;
  if (!id.is_made()) return controlplane::hash_name(id.own_text());
  return mix64(load_be64(id.uuid().data()) ^ mix64(load_be64(id.uuid().data() + 8)));
}
