// How error messages show values.
// Thread safety: pure functions. Errors: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace controlplane {

// In double quotes; what is not printable is escaped, and a long value is cut and its length told:
// "a b", "tab\there", "aaaa…" (300 bytes).
std::string quote(std::string_view value);

// 3145728 → "3,145,728".
std::string grouped(std::uint64_t number);

// 500 ms → "0.5 s", 30,000 ms → "30 s".
std::string seconds(std::chrono::milliseconds duration);

// "payload is 3,145,728 bytes; the limit max_payload_bytes is 1,048,576"
std::string too_long(std::string_view what, std::uint64_t bytes, std::string_view limit_name,
                     std::uint64_t limit);

}  // namespace controlplane
