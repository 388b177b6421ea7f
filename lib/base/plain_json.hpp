// Recognizes, at a fraction of a parser's price, the JSON that most payloads are: short and plain.
// Thread safety: a pure function. Errors: none; false says nothing but that a parser has to look.
#pragma once

#include <cstddef>
#include <string_view>

namespace controlplane {

inline constexpr std::size_t kPlainJsonBytes = 1'024;  // beyond, a parser is faster

// True only for JSON that check_json accepts with this depth: ASCII, strings without escapes,
// numbers of at most 15 digits without an exponent, at most kPlainJsonBytes.
bool is_plain_json(std::string_view text, std::size_t max_depth) noexcept;

}  // namespace controlplane
