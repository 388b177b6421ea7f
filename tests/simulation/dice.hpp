// The choices of one seed: everything that a simulation decides is drawn here.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/entropy.hpp"

namespace controlplane::simulation {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : entropy_(mix64(seed)) {}

  std::uint64_t next() { return entropy_.next(); }
  std::size_t below(std::size_t end) { return end == 0 ? 0 : next() % end; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
  }
  double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 … 1
  bool chance(double probability) { return share() < probability; }

  template <class Values>
  auto& pick(Values& values) {
    return values[below(std::size(values))];
  }
  // The index of a weight, as often as it weighs. Precondition: one is above 0.
  std::size_t weighted(std::span<const double> weights) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    double point = share() * sum;
    for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
      if (point < weights[i]) return i;
      point -= weights[i];
    }
    return weights.size() - 1;
  }

 private:
  SeededEntropy entropy_;
};

}  // namespace controlplane::simulation
