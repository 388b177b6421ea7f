#include "base/json_check.hpp"

#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_fault.hpp"
#include "base/plain_json.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kFirstBytes = 4'096;
constexpr std::size_t kKeptBytes = 65'536;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// A parser and the padded copy it reads: simdjson looks a vector's width beyond the end.
class Parser {
 public:
  simdjson::error_code parse(std::string_view text, std::size_t max_depth) {
    if (text.size() > capacity_ || max_depth != max_depth_) {
      if (const auto error = grow(text.size(), max_depth); error) return error;
    }
    std::memcpy(padded_.get(), text.data(), text.size());
    std::memset(padded_.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
    return parser_.parse(padded_.get(), text.size(), false).error();
  }

 private:
  simdjson::error_code grow(std::size_t size, std::size_t max_depth) {
    std::size_t capacity = capacity_ == 0 ? kFirstBytes : capacity_;
    while (capacity < size) capacity *= 2;
    max_depth_ = 0;
    // simdjson refuses a container that is not empty at its limit; ours is one further in.
    if (const auto error = parser_.allocate(capacity, max_depth + 1); error) return error;
    padded_.reset(new char[capacity + simdjson::SIMDJSON_PADDING]);
    capacity_ = capacity;
    max_depth_ = max_depth;
    return simdjson::SUCCESS;
  }

  simdjson::dom::parser parser_;
  std::unique_ptr<char[]> padded_;
  std::size_t capacity_ = 0;
  std::size_t max_depth_ = 0;
};

// A huge text gets a parser of its own, so that one of them does not cost its thread 14 times its
// size for ever.
simdjson::error_code parse(std::string_view text, std::size_t max_depth) {
  if (text.size() > kKeptBytes) return Parser().parse(text, max_depth);
  thread_local Parser parser;
  return parser.parse(text, max_depth);
}

Result<void> fault_error(std::string_view what, std::string_view text, std::size_t max_depth,
                         simdjson::error_code code) {
  if (code == simdjson::MEMALLOC) {
    return Error::resource_exhausted(fmt::format("{}: no memory to parse it", what));
  }
  if (code == simdjson::UTF8_ERROR) {
    return Error::invalid_argument(fmt::format("{} is not valid UTF-8", what));
  }
  if (code == simdjson::DEPTH_ERROR) {
    return Error::invalid_argument(
        fmt::format("{} is nested too deep; the limit max_json_depth is {}", what, max_depth));
  }
  const JsonFault fault = find_json_fault(text);
  if (fault.rule.empty()) {
    return Error::invalid_argument(
        fmt::format("{} is not valid JSON: {}", what, simdjson::error_message(code)));
  }
  return Error::invalid_argument(
      fmt::format("{} is not valid JSON at byte {}: {}", what, grouped(fault.byte), fault.rule));
}

}  // namespace

Result<void> check_json(std::string_view what, std::string_view text, std::size_t max_bytes,
                        std::string_view limit_name, std::size_t max_depth) {
  if (text.empty()) return {};
  if (text.size() > max_bytes) {
    return Error::invalid_argument(too_long(what, text.size(), limit_name, max_bytes));
  }
  if (is_plain_json(text, max_depth)) return {};
  // Newer simdjson skips a byte order mark; a reader of the opaque bytes may not.
  const bool marked = text.starts_with(kByteOrderMark);
  const auto code = marked ? simdjson::TAPE_ERROR : parse(text, max_depth);
  if (code == simdjson::SUCCESS) return {};
  return fault_error(what, text, max_depth, code);
}

}  // namespace controlplane
