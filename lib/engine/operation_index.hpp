// Which entry of a log an operation appended, as long as that entry is there.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/digest.hpp"

namespace controlplane {

class OperationIndex {
 public:
  // 0 = none.
  std::uint64_t find(std::string_view operation) const {
    const auto found = seq_of_.find(operation);
    return found == seq_of_.end() ? 0 : found->second;
  }
  // Precondition: it is not there, and `seq` is higher than those that are.
  void add(std::string_view operation, std::uint64_t seq) {
    in_order_.emplace_back(seq, &seq_of_.emplace(operation, seq).first->first);
  }
  void forget_before(std::uint64_t seq) {
    for (; !in_order_.empty() && in_order_.front().first < seq; in_order_.pop_front()) {
      seq_of_.erase(seq_of_.find(*in_order_.front().second));
    }
  }
  std::size_t size() const noexcept { return in_order_.size(); }
  // That of an entry; "" = it was not named.
  std::string_view operation_of(std::uint64_t seq) const {
    const auto at = std::lower_bound(in_order_.begin(), in_order_.end(), seq,
                                     [](const auto& one, std::uint64_t s) { return one.first < s; });
    if (at == in_order_.end() || at->first != seq) return {};
    return *at->second;
  }

  // Calls visit(seq, operation) in the order of the numbers.
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& [seq, operation] : in_order_) visit(seq, std::string_view(*operation));
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash_name(text); }
  };
  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> seq_of_;
  std::deque<std::pair<std::uint64_t, const std::string*>> in_order_;
};

}  // namespace controlplane
