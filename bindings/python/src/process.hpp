// The process that something belongs to: a fork copies memory, but neither threads nor the state of
// their locks, so what has threads must not be used in the copy.
// Thread safety: from any thread.
#pragma once

namespace controlplane::python {

class Process {
 public:
  Process() : generation_(current()) {}
  bool is_here() const noexcept { return generation_ == current(); }

 private:
  static unsigned current() noexcept;  // how many forks lie between the first process and this one
  const unsigned generation_;
};

}  // namespace controlplane::python
