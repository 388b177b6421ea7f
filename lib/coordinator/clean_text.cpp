#include "coordinator/clean_text.hpp"

#include <simdjson.h>

#include <algorithm>

namespace controlplane {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    std::size_t end = max_bytes;
    while (end > 0 && is_continuation(text[end])) --end;
    text = text.substr(0, end);
  }
  std::string clean(text);
  std::replace(clean.begin(), clean.end(), '\0', '?');
  if (simdjson::validate_utf8(clean.data(), clean.size())) return clean;
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return clean;
}

}  // namespace controlplane
