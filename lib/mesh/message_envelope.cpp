#include "mesh/message_envelope.hpp"

#include <charconv>
#include <cstring>

#include "base/derived_keys.hpp"
#include "base/digest.hpp"
#include "base/names.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxSignatureBytes = 64;
constexpr std::size_t kAroundValues = 160;  // what the members' names take, and more

class Decimal {
 public:
  explicit Decimal(Timestamp value) noexcept
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), value).ptr) {}
  std::string_view text() const noexcept {
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

 private:
  std::array<char, 24> text_;
  char* end_;
};

// Takes the members one after the other; once one is wrong, nothing is taken any more.
class Members {
 public:
  explicit Members(std::string_view text) noexcept : rest_(text) {}

  void take(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return fail();
    rest_.remove_prefix(expected.size());
  }
  // Up to the next quote.
  std::string_view text(std::string_view before) noexcept {
    take(before);
    const std::size_t size = rest_.find('"');
    if (size == rest_.npos) return fail(), std::string_view();
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  // Names need no escapes.
  std::string_view name(std::string_view before, std::size_t max_bytes, bool optional = false) noexcept {
    const std::string_view value = text(before);
    if (!is_name(value, max_bytes) && !(optional && value.empty())) fail();
    return value;
  }
  Timestamp time(std::string_view before) noexcept {
    take(before);
    Timestamp value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto size = static_cast<std::size_t>(stop - rest_.data());
    const bool is_written_so = error == std::errc{} && rest_[0] != '-' && (size == 1 || rest_[0] != '0');
    if (!is_written_so) return fail(), Timestamp{0};
    rest_.remove_prefix(size);
    return value;
  }
  // All that is left but the end.
  std::string_view last(std::string_view before, std::string_view end) noexcept {
    take(before);
    if (!rest_.ends_with(end) || rest_.size() == end.size()) return fail(), std::string_view();
    rest_.remove_suffix(end.size());
    return rest_;
  }
  bool failed() const noexcept { return failed_; }

 private:
  void fail() noexcept {
    failed_ = true;
    rest_ = {};
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string write_envelope(const Envelope& e) {
  std::string out;
  out.reserve(kAroundValues + e.from.size() + e.to.size() + e.id.size() + e.type.size() +
              e.correlation_id.size() + e.nonce.size() + e.key_id.size() + e.signature.size() +
              e.body.size());
  const auto member = [&](std::string_view before, std::string_view value) {
    out.append(before).append(value);
  };
  member(R"({"from":")", e.from);
  member(R"(","to":")", e.to);
  member(R"(","id":")", e.id);
  member(R"(","type":")", e.type);
  member(R"(","correlation_id":")", e.correlation_id);
  member(R"(","sent_at":)", Decimal(e.sent_at).text());
  member(R"(,"nonce":")", e.nonce);
  member(R"(","key_id":")", e.key_id);
  member(R"(","signature":")", e.signature);
  member(R"(","body":)", e.body);
  return out += '}';
}

std::optional<Envelope> read_envelope(std::string_view text, std::size_t max_name_bytes) {
  Members members(text);
  Envelope e;
  e.from = members.name(R"({"from":")", max_name_bytes);
  e.to = members.name(R"(","to":")", max_name_bytes);
  e.id = members.name(R"(","id":")", max_name_bytes);
  e.type = members.name(R"(","type":")", max_name_bytes);
  e.correlation_id = members.name(R"(","correlation_id":")", max_name_bytes, true);
  e.sent_at = members.time(R"(","sent_at":)");
  e.nonce = members.name(R"(,"nonce":")", max_name_bytes);
  e.key_id = members.name(R"(","key_id":")", max_name_bytes, true);
  e.signature = members.text(R"(","signature":")");  // it is what it must be, or refused
  e.body = members.last(R"(","body":)", "}");
  if (members.failed() || e.signature.size() > kMaxSignatureBytes) return std::nullopt;
  return e;
}

void write_signed_fields(EnvelopeKind kind, const Envelope& e, std::string_view tenant,
                         std::string& out) {
  const Sha256::Value body = Sha256::of(e.body);
  out.clear();
  append_field(out, kind == EnvelopeKind::message ? "aragora.message.v1" : "aragora.reply.v1");
  append_field(out, e.key_id);
  append_field(out, tenant);
  append_field(out, e.from);
  append_field(out, e.to);
  append_field(out, e.id);
  append_field(out, Decimal(e.sent_at).text());
  append_field(out, e.nonce);
  append_field(out, e.type);
  append_field(out, e.correlation_id);
  append_field(out, {reinterpret_cast<const char*>(body.data()), body.size()});
}

void write_hex(char* out, const std::uint8_t* bytes, std::size_t size) noexcept {
  static constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i >> 4], kDigits[i & 15]};
    return pairs;
  }();
  for (std::size_t i = 0; i < size; ++i) std::memcpy(out + 2 * i, kPairs[bytes[i]].data(), 2);
}

HexMac hex_of(const Mac256& mac) noexcept {
  HexMac hex;
  write_hex(hex.data(), mac.data(), mac.size());
  return hex;
}

}  // namespace controlplane
