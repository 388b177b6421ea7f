// Where random bits come from: an argument, so that a simulation can replay them from a seed.
// Thread safety: SystemEntropy from any thread; SeededEntropy from one at a time.
// Errors: none. A system without any random source ends the process: leases with guessable nonces
// would be worse.
#pragma once

#include <cstdint>

namespace controlplane {

// The finaliser of splitmix64: every input bit reaches every output bit.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual std::uint64_t next() = 0;
};

// OpenSSL's generator, drawn 4 KiB at a time into a pool per thread: neither a lock nor a contended
// line in the path of every lease. A forked child starts with empty pools, so that it never repeats
// the ids and nonces of its parent.
class SystemEntropy final : public Entropy {
 public:
  std::uint64_t next() override;
};

// splitmix64: the same seed gives the same numbers, on every machine.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() override { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }

 private:
  std::uint64_t state_;
};

}  // namespace controlplane
