// What a simulation found to be wrong; the first few sentences.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

namespace controlplane::simulation {

class Findings {
 public:
  template <class... Parts>
  void expect(bool holds, const Parts&... parts) {
    if (!holds) add(parts...);
  }
  template <class... Parts>
  void add(const Parts&... parts) {
    if (sentences_.size() >= kMost) return;
    std::ostringstream text;
    (text << ... << parts);
    sentences_.push_back(text.str());
  }
  bool empty() const noexcept { return sentences_.empty(); }
  const std::vector<std::string>& sentences() const noexcept { return sentences_; }

 private:
  static constexpr std::size_t kMost = 8;
  std::vector<std::string> sentences_;
};

}  // namespace controlplane::simulation
