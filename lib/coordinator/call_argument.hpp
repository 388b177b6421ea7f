// What a call views while its caller waits in place, and owns once it leaves the caller's stack.
// Thread safety: none; part of one call.
// Lifetime: a viewed argument must outlive the call until keep().
// Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/entropy.hpp"

namespace controlplane {

// What a call that may be repeated needs to name itself.
struct CallNames {
  Entropy& entropy;
  std::int64_t now_us;
};

template <class T>
class Argument {
 public:
  Argument(const T& viewed) : viewed_(&viewed) {}  // NOLINT: implicit by design
  Argument(T&& kept) : kept_(std::move(kept)) {}   // NOLINT
  const T& get() const noexcept { return kept_ ? *kept_ : *viewed_; }
  T& keep() {
    if (!kept_) kept_ = *viewed_;
    return *kept_;
  }

 private:
  const T* viewed_ = nullptr;
  std::optional<T> kept_;
};

class NameArgument {
 public:
  NameArgument(std::string_view viewed) noexcept : viewed_(viewed) {}  // NOLINT: implicit by design
  std::string_view get() const noexcept { return kept_ ? std::string_view(*kept_) : viewed_; }
  std::string& keep() {
    if (!kept_) kept_ = std::string(viewed_);
    return *kept_;
  }

 private:
  std::string_view viewed_;
  std::optional<std::string> kept_;
};

}  // namespace controlplane
