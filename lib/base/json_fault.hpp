// Finds where a text stops being JSON, for the message: simdjson says that, not where.
// Thread safety: a pure function.
// Errors: none. Runs only on texts that simdjson refused, so it may be slow; and decides nothing.
#pragma once

#include <cstddef>
#include <string_view>

namespace controlplane {

struct JsonFault {
  std::size_t byte = 0;
  std::string_view rule;  // static; empty = no fault found
};

JsonFault find_json_fault(std::string_view text);

}  // namespace controlplane
