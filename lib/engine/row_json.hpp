// Rows as lines of JSON: {"row":"task","id":…}. A JSON value in a row stands there as it is, unless
// it has line breaks or ends in white space: then it is written as a text, under its name with
// "_text" behind, so that a row is one line and comes back byte for byte.
// Thread safety: one RowParser belongs to one thread; the rest is pure.
// Errors: invalid_argument, naming the field and the rule; a row is read strictly: every field that
// must be there, no other ones, in their order.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "controlplane/limits.hpp"
#include "controlplane/result.hpp"
#include "engine/row_buffer.hpp"
#include "engine/rows.hpp"

namespace controlplane {

// Appends the row, without a line break. Defined for all rows that have a kind.
template <class Row>
void append_row(RowBuffer& out, Row& row);

class RowParser {
 public:
  static constexpr std::size_t kPadding = 64;  // readable bytes that have to follow a row

  explicit RowParser(const Limits& limits);
  ~RowParser();
  RowParser(const RowParser&) = delete;
  RowParser& operator=(const RowParser&) = delete;

  // When the rows were written: from now on what has happened must have happened by then, and what
  // is to come be near.
  void set_now(Timestamp now) noexcept;

  // The kind of a row; then read() it as that one. Texts of the row view `line`, or the parser
  // until the next begin().
  Result<RowKind> begin(std::string_view line);
  template <class Row>
  Result<void> read(Row& row);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace controlplane
