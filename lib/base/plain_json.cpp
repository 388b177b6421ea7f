#include "base/plain_json.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace controlplane {
namespace {

constexpr std::size_t kMaxDepth = 32;  // one bit each in a word
constexpr std::size_t kMaxDigits = 15;

// Where a string stops being plain: at a control character, a quote, a backslash, or what is not
// ASCII. A block is looked at as a whole; first() is its size if it has none of them.
#if defined(__SSE2__)
struct Block {
  static constexpr std::ptrdiff_t kBytes = 16;
  explicit Block(const char* at) : bytes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) {}
  std::ptrdiff_t first() const {
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // signed: not ASCII, too
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const int found = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, quote), backslash));
    return std::countr_zero(static_cast<unsigned>(found) | 1U << kBytes);
  }
  __m128i bytes;
};
#else
struct Block {
  static constexpr std::ptrdiff_t kBytes = 1;
  explicit Block(const char* at) : byte(static_cast<unsigned char>(*at)) {}
  std::ptrdiff_t first() const {
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\' ? 0 : 1;
  }
  unsigned char byte;
};
#endif

// Walks a text that ends in zeros, a block's width of them: nothing here asks whether it is at the
// end, because a zero is no part of any plain JSON. Each step answers where it stopped; null: not
// plain.
class Scan {
 public:
  Scan(const char* end, std::size_t max_depth) : end_(end), max_depth_(max_depth) {}

  bool run(const char* at) {
    for (;;) {
      at = space(at);
      if (*at == '"') {
        at = string(at);
      } else if (*at == '{' || *at == '[') {
        const bool object = *at == '{';
        at = space(at + 1);
        if (*at == (object ? '}' : ']')) {
          if (depth_ == max_depth_) return false;
          ++at;
        } else {
          at = open(at, object);
          if (at == nullptr) return false;
          continue;
        }
      } else {
        at = *at == '-' || is_digit(*at) ? number(at) : word(at);
      }
      if (at == nullptr) return false;
      at = next(at);
      if (at == nullptr) return done_;
    }
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static const char* space(const char* at) {
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') ++at;
    return at;
  }
  static const char* skip(const char* at, char c) { return *at == c ? at + 1 : nullptr; }
  bool in_object() const { return (objects_ & 1) != 0; }

  // Into a container that is not empty.
  const char* open(const char* at, bool object) {
    if (depth_ == max_depth_ || depth_ == kMaxDepth) return nullptr;
    ++depth_;
    objects_ = objects_ << 1 | (object ? 1U : 0U);
    return object ? key(at) : at;
  }
  // After a value: to the next one; null at the end of the text or of what is plain.
  const char* next(const char* at) {
    for (;; --depth_, objects_ >>= 1, ++at) {
      at = space(at);
      if (depth_ == 0) return done_ = at == end_, nullptr;
      if (*at == ',') return in_object() ? key(space(at + 1)) : at + 1;
      if (*at != (in_object() ? '}' : ']')) return nullptr;
    }
  }
  const char* key(const char* at) {
    if (*at != '"') return nullptr;
    at = string(at);
    return at == nullptr ? nullptr : skip(space(at), ':');
  }
  static const char* string(const char* at) {
    std::ptrdiff_t plain = Block(++at).first();
    for (; plain == Block::kBytes; plain = Block(at).first()) at += Block::kBytes;
    return skip(at + plain, '"');
  }
  static const char* digits(const char* at) {
    while (is_digit(*at)) ++at;
    return at;
  }
  static const char* number(const char* at) {
    if (*at == '-') ++at;
    const char* const end = digits(at);
    auto count = static_cast<std::size_t>(end - at);
    if (count == 0 || count > kMaxDigits || (*at == '0' && count > 1)) return nullptr;
    at = end;
    if (*at == '.') {
      at = digits(at + 1);
      const auto fraction = static_cast<std::size_t>(at - end - 1);
      if (fraction == 0 || count + fraction > kMaxDigits) return nullptr;
    }
    return *at == 'e' || *at == 'E' ? nullptr : at;
  }
  template <std::size_t kSize>
  static bool is_next(const char* at, const char (&word)[kSize]) {
    return std::memcmp(at, word, kSize - 1) == 0;  // of a size that the compiler knows
  }
  static const char* word(const char* at) {
    if (is_next(at, "true") || is_next(at, "null")) return at + 4;
    return is_next(at, "false") ? at + 5 : nullptr;
  }

  const char* const end_;
  const std::size_t max_depth_;
  std::size_t depth_ = 0;
  std::uint32_t objects_ = 0;  // per open container, the innermost lowest: is it an object?
  bool done_ = false;
};

}  // namespace

bool is_plain_json(std::string_view text, std::size_t max_depth) noexcept {
  if (text.empty() || text.size() > kPlainJsonBytes) return false;  // an empty view may be null
  constexpr std::size_t kPadding = 16;  // also of words that are compared
  static_assert(kPadding >= Block::kBytes);
  char copy[kPlainJsonBytes + kPadding];
  std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, kPadding);
  return Scan(copy + text.size(), max_depth).run(copy);
}

}  // namespace controlplane
