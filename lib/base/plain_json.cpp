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

class Scan {
 public:
  Scan(std::string_view text, std::size_t max_depth)
      : at_(text.data()), end_(text.data() + text.size()), max_depth_(max_depth) {}

  bool run() {
    for (;;) {
      space();
      if (at_ == end_) return false;
      const char c = *at_;
      if (c == '{' || c == '[') {
        if (!open(c == '{')) return false;
        if (!closed_) continue;
      } else if (!(c == '"' ? string() : c == '-' || is_digit(c) ? number() : word())) {
        return false;
      }
      if (!next()) return done_;
    }
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  bool is(char c) const { return at_ != end_ && *at_ == c; }
  bool take(char c) { return is(c) && (++at_, true); }
  void space() {
    for (; at_ != end_ && static_cast<unsigned char>(*at_) <= ' '; ++at_) {
      if (*at_ != ' ' && *at_ != '\n' && *at_ != '\r' && *at_ != '\t') return;
    }
  }
  bool in_object() const { return (objects_ & 1) != 0; }

  // Into a container; closed_: it was empty and is over.
  bool open(bool object) {
    ++at_;
    space();
    if (depth_ == max_depth_ || depth_ == kMaxDepth) return false;
    closed_ = take(object ? '}' : ']');
    if (closed_) return true;
    ++depth_;
    objects_ = objects_ << 1 | (object ? 1U : 0U);
    return !object || key();
  }
  // After a value: to the next one; false at the end of the text or of what is plain.
  bool next() {
    for (;; --depth_, objects_ >>= 1) {
      space();
      if (depth_ == 0) return done_ = at_ == end_, false;
      if (take(',')) return space(), !in_object() || key();
      if (!take(in_object() ? '}' : ']')) return false;
    }
  }
  bool key() { return is('"') && string() && (space(), take(':')); }

  bool string() {
    ++at_;
    while (end_ - at_ >= Block::kBytes) {
      const std::ptrdiff_t plain = Block(at_).first();
      at_ += plain;
      if (plain < Block::kBytes) return take('"');
    }
    for (; at_ != end_; ++at_) {
      const auto c = static_cast<unsigned char>(*at_);
      if (c == '"') return ++at_, true;
      if (c < 0x20 || c >= 0x80 || c == '\\') return false;
    }
    return false;
  }
  std::size_t digits() {
    const char* begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return static_cast<std::size_t>(at_ - begin);
  }
  bool number() {
    take('-');
    const bool zero = is('0');
    const std::size_t whole = digits();
    if (whole == 0 || whole > kMaxDigits || (zero && whole > 1)) return false;
    if (take('.')) {
      const std::size_t fraction = digits();
      if (fraction == 0 || whole + fraction > kMaxDigits) return false;
    }
    return !is('e') && !is('E');
  }
  template <std::size_t kSize>
  bool is_next(const char (&word)[kSize]) {
    constexpr std::size_t length = kSize - 1;  // known to the compiler: one or two compares
    if (end_ - at_ < static_cast<std::ptrdiff_t>(length)) return false;
    if (std::memcmp(at_, word, length) != 0) return false;
    at_ += length;
    return true;
  }
  bool word() { return is_next("true") || is_next("false") || is_next("null"); }

  const char* at_;
  const char* const end_;
  const std::size_t max_depth_;
  std::size_t depth_ = 0;
  std::uint32_t objects_ = 0;  // per open container, the innermost lowest: is it an object?
  bool closed_ = false;
  bool done_ = false;
};

}  // namespace

bool is_plain_json(std::string_view text, std::size_t max_depth) noexcept {
  return Scan(text, max_depth).run();
}

}  // namespace controlplane
