#include "base/json_text.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace controlplane {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

// Slow and only for what slipped past the checks at the edge, such as an exception's text.
std::string repaired(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::string_view part = text.substr(at, sequence_length(lead));
    const bool valid = simdjson::validate_utf8(part.data(), part.size());
    out += valid ? part : kReplacement;
    at += valid ? part.size() : 1;
  }
  return out;
}

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

void append_valid(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_plain(text[at])) continue;
    out.append(text, begin, at - begin);
    append_escape(out, text[at]);
    begin = at + 1;
  }
  out.append(text, begin, text.size() - begin);
  out += '"';
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return append_valid(out, text);
  append_valid(out, repaired(text));
}

}  // namespace controlplane
