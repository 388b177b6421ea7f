#include "base/json_fault.hpp"

#include <charconv>
#include <cstdint>
#include <string>

namespace controlplane {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <class Number>
bool fits(std::string_view token) {
  Number number{};
  return std::from_chars(token.data(), token.data() + token.size(), number).ec == std::errc{};
}

bool integer_fits(std::string_view token) {
  return token.front() == '-' ? fits<std::int64_t>(token) : fits<std::uint64_t>(token);
}

// Too small a number is 0 to simdjson; from_chars calls it out of range like one too large.
bool real_fits(std::string_view token) {
  const bool small = token.find("e-") != token.npos || token.find("E-") != token.npos ||
                     token.starts_with("0.") || token.starts_with("-0.");
  return small || fits<double>(token);
}

// One pass with an explicit stack. `fail` keeps the first fault and makes everything return.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  JsonFault run() {
    if (text_.starts_with("\xef\xbb\xbf")) return {0, "a byte order mark is not allowed"};
    while (fault_.rule.empty() && !done_) value();
    skip_space();
    if (fault_.rule.empty() && at_ < text_.size()) fail("nothing may follow the value");
    return fault_;
  }

 private:
  void fail(std::string_view rule) { fail_at(at_, rule); }
  void fail_at(std::size_t byte, std::string_view rule) {
    if (fault_.rule.empty()) fault_ = {byte, rule};
    done_ = true;
  }

  // What stands at the cursor; a stand-in that fits nowhere at the end.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  void value() {
    skip_space();
    switch (peek()) {
      case '{': return open('}');
      case '[': return open(']');
      case '"': string(); break;
      case 't': word("true"); break;
      case 'f': word("false"); break;
      case 'n': word("null"); break;
      default: number();
    }
    after_value();
  }

  void open(char close) {
    ++at_;
    skip_space();
    if (take(close)) return after_value();
    open_ += close;
    if (close == '}') key();
  }

  // Closes what ends here, or moves on to the next member.
  void after_value() {
    while (fault_.rule.empty() && !open_.empty()) {
      skip_space();
      if (take(',')) return open_.back() == '}' ? key() : void();
      if (!take(open_.back())) return unclosed();
      open_.pop_back();
    }
    done_ = true;
  }

  void unclosed() {
    fail(open_.back() == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
  }

  void key() {
    skip_space();
    if (peek() != '"') return fail("a key in double quotes is expected");
    string();
    skip_space();
    if (fault_.rule.empty() && !take(':')) fail("':' is expected");
  }

  void word(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return fail("a value is expected");
    at_ += wanted.size();
  }

  void string() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && fault_.rule.empty()) {
      const char c = text_[at_];
      if (c == '"') return void(++at_);
      if (static_cast<unsigned char>(c) < 0x20) {
        return fail(c == '\0' ? "a NUL is not allowed" : "a control character must be escaped");
      }
      if (c == '\\') escape();
      else ++at_;
    }
    fail_at(begin, "the string does not end");
  }

  void escape() {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (kind == 'u') return unicode_escape();
    if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) {
      return fail("no such escape");
    }
    at_ += 2;
  }

  // The four digits after "\u" at `at`, or -1.
  int code_unit(std::size_t at) const {
    if (text_.substr(at, 2) != "\\u" || at + 6 > text_.size()) return -1;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
      if (!is_hex(text_[i])) return -1;
    }
    int unit = 0;
    std::from_chars(text_.data() + at + 2, text_.data() + at + 6, unit, 16);
    return unit;
  }

  void unicode_escape() {
    const int unit = code_unit(at_);
    if (unit < 0) return fail("\\u needs four hexadecimal digits");
    if (unit < 0xd800 || unit > 0xdfff) return void(at_ += 6);
    const int low = unit < 0xdc00 ? code_unit(at_ + 6) : -1;
    if (low < 0xdc00 || low > 0xdfff) return fail("a surrogate stands alone");
    at_ += 12;
  }

  std::size_t digits() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ - begin;
  }

  void number() {
    const std::size_t begin = at_;
    const bool negative = take('-');
    if (!is_digit(peek())) return fail(negative ? "a digit is expected" : "a value is expected");
    if (take('0') && is_digit(peek())) return fail("a number must not begin with 0");
    digits();
    bool real = take('.');
    if (real && digits() == 0) return fail("a digit is expected");
    if (take('e') || take('E')) {
      real = true;
      if (!take('+')) take('-');
      if (digits() == 0) return fail("a digit is expected");
    }
    check_range(begin, real);
  }

  void check_range(std::size_t begin, bool real) {
    const std::string_view token = text_.substr(begin, at_ - begin);
    if (real && !real_fits(token)) fail_at(begin, "the number is not finite as a double");
    if (!real && !integer_fits(token)) {
      fail_at(begin, "the integer is out of range (-2^63 to 2^64-1)");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;  // what closes each open container
  bool done_ = false;
  JsonFault fault_;
};

}  // namespace

JsonFault find_json_fault(std::string_view text) { return Scanner(text).run(); }

}  // namespace controlplane
