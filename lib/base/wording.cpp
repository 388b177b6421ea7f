#include "base/wording.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace controlplane {
namespace {

constexpr std::size_t kShown = 64;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// A cut inside a character would make the message itself invalid UTF-8.
std::string_view cut(std::string_view value) {
  if (value.size() <= kShown) return value;
  std::size_t end = kShown;
  for (int back = 0; back < 3 && is_continuation(value[end]); ++back) --end;
  return value.substr(0, end);
}

void append_escaped(std::string& out, char c, bool escape_high) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && escape_high)) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
  } else {
    out += c;
  }
}

}  // namespace

std::string quote(std::string_view value) {
  const std::string_view shown = cut(value);
  const bool escape_high = !simdjson::validate_utf8(shown.data(), shown.size());
  std::string text = "\"";
  for (const char c : shown) append_escaped(text, c, escape_high);
  if (shown.size() < value.size()) {
    return text + fmt::format("…\" ({} bytes)", grouped(value.size()));
  }
  return text += '"';
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string seconds(std::chrono::milliseconds duration) {
  return fmt::format("{:.10g} s", static_cast<double>(duration.count()) / 1000.0);
}

std::string too_long(std::string_view what, std::uint64_t bytes, std::string_view limit_name,
                     std::uint64_t limit) {
  return fmt::format("{} is {} bytes; the limit {} is {}", what, grouped(bytes), limit_name,
                     grouped(limit));
}

}  // namespace controlplane
