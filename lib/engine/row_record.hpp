// Rows as records: compact bytes, cheap to write while others wait. The order of a row's description
// is the order of the bytes; what `may` be there has a bit in a mask in front.
//
//   whole numbers   LEB128, those with a sign zigzag; enums by value
//   floating point  8 bytes, IEEE 754, the lowest first
//   texts, JSON     length, bytes
//   Hex64           8 bytes, the lowest first
//   TaskId          0 and the 16 bytes of a made one; else 1 + the length of its text, and that
//   lists           length, items
//   rows in rows    as a row: mask, fields
//
// Thread safety: pure functions.
// Errors: invalid_argument: the bytes are not those of such a row.
#pragma once

#include <cstddef>
#include <string_view>

#include "controlplane/result.hpp"
#include "engine/row_buffer.hpp"
#include "engine/rows.hpp"

namespace controlplane {

// Defined for all rows.
template <class Row>
void append_record(RowBuffer& out, Row& row);

// A record behind its kind (a byte) and its length (four, the lowest first), so that several can
// follow each other.
inline constexpr std::size_t kFrameBytes = 5;
void close_frame(RowBuffer& out, std::size_t begin, RowKind kind) noexcept;
template <class Row>
void append_framed(RowBuffer& out, Row& row) {
  const std::size_t begin = out.size();
  (void)out.room(kFrameBytes);
  out.used(kFrameBytes);
  append_record(out, row);
  close_frame(out, begin, Row::kKind);
}
struct Frame {
  RowKind kind{};
  std::string_view record;
};
// Takes the first one off `frames`. Precondition: they are whole, and not empty.
Frame take_frame(std::string_view& frames) noexcept;

// Texts of the row view `bytes`.
template <class Row>
Result<void> read_record(std::string_view bytes, Row& row);

}  // namespace controlplane
