// Numbers as big-endian bytes, so that comparing bytes compares numbers.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace controlplane {

constexpr std::uint64_t big_endian(std::uint64_t value) noexcept {
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

inline std::uint64_t load_be64(const void* bytes) noexcept {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return big_endian(value);
}

inline void store_be64(void* bytes, std::uint64_t value) noexcept {
  value = big_endian(value);
  std::memcpy(bytes, &value, sizeof value);
}

}  // namespace controlplane
