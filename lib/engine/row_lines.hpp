// Framed records as lines of JSON: what an export hands out, as a snapshot has it.
// Thread safety: pure.
#pragma once

#include <string_view>

#include "engine/row_buffer.hpp"

namespace controlplane {

// Appends a line, with its line break, for each of the records. Precondition: append_framed() wrote
// them.
void append_lines(RowBuffer& lines, std::string_view frames);

}  // namespace controlplane
