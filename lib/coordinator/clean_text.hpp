// Makes text that the library did not choose (exceptions of handlers and probes) fit for a record.
// Thread safety: a pure function. Errors: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace controlplane {

// UTF-8 without NUL, at most `max_bytes`; cut between characters, what does not fit becomes '?'.
std::string clean_text(std::string_view text, std::size_t max_bytes);

}  // namespace controlplane
