// Validates JSON that comes from outside, once; after that it is opaque bytes. docs/json.md has the
// rules.
// Thread safety: from any thread; each keeps a parser (about 1 MiB once it has met a text of
// 64 KiB, less before, never more).
// Errors: invalid_argument; the message names the field, the rule and the byte.
#pragma once

#include <cstddef>
#include <string_view>

#include "controlplane/result.hpp"

namespace controlplane {

// RFC 8259 text of at most `max_bytes`, no value inside more than `max_depth` containers, integers
// from -2^63 to 2^64-1, other numbers finite as double. An empty text means "none" and is accepted.
Result<void> check_json(std::string_view what, std::string_view text, std::size_t max_bytes,
                        std::string_view limit_name, std::size_t max_depth);

}  // namespace controlplane
