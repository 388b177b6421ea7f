// Text for people: numbers, durations, tables.
// Thread safety: pure functions; a TextTable is a plain value. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace review {

// Bytes of the UTF-8 sequence that the text, which is not empty, begins with; 0 = it is none.
std::size_t utf8_length(std::string_view text);
std::string grouped(std::uint64_t number);                         // 21,403
std::string seconds(std::int64_t microseconds);                    // "1.52 s", "13 ms", "0.4 ms"
std::string plural(std::uint64_t count, const std::string& noun);  // "1 file", "1,204 files"
std::string or_dash(std::uint64_t number);                         // "-" for 0
std::string shortened(std::string_view text,
                      std::size_t columns);  // ends in "..." if it was longer
std::vector<std::string> split(std::string_view text, char separator);  // no empty parts
// Not more than the answer are `percent` (1 to 100) of them; 0 if there are none. Sorts them.
std::int64_t percentile(std::vector<std::int64_t>& values, unsigned percent);

// Columns as wide as their widest cell; the first one to the left, the others to the right unless
// told.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header, std::vector<std::size_t> left_columns = {0});
  void add(std::vector<std::string> row);
  std::string to_string(std::string_view indent = "  ") const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> left_;
};

}  // namespace review
