// The rules for names, free text and labels that come from outside.
// Thread safety: pure functions.
// Errors: invalid_argument; the message names the field, the value and the rule. A value that is
// right costs no string.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "controlplane/limits.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

namespace names_detail {
constexpr std::array<bool, 256> make_name_bytes() {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz._:/@+-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}
inline constexpr std::array<bool, 256> kNameBytes = make_name_bytes();
}  // namespace names_detail

constexpr bool is_name_byte(char c) noexcept {
  return names_detail::kNameBytes[static_cast<unsigned char>(c)];
}

// [A-Za-z0-9._:/@+-], 1 to `max_bytes` of them.
inline bool is_name(std::string_view value, std::size_t max_bytes) noexcept {
  if (value.empty() || value.size() > max_bytes) return false;
  bool all = true;  // no early exit: names are short and nearly always right
  for (const char c : value) all &= is_name_byte(c);
  return all;
}

Result<void> name_error(std::string_view what, std::string_view value, std::size_t max_bytes,
                        std::string_view limit_name);

inline Result<void> check_name(std::string_view what, std::string_view value,
                               std::size_t max_bytes,
                               std::string_view limit_name = "max_name_bytes") {
  if (is_name(value, max_bytes)) return {};
  return name_error(what, value, max_bytes, limit_name);
}

// Free text: UTF-8 without NUL, may be empty.
Result<void> check_text(std::string_view what, std::string_view value, std::size_t max_bytes,
                        std::string_view limit_name);

// Keys are names and differ, values are text; limits max_labels, max_label_key_bytes and
// max_label_value_bytes.
Result<void> check_labels(const Labels& labels, const Limits& limits);

}  // namespace controlplane
