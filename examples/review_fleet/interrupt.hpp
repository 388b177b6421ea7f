// Ctrl-C and SIGTERM as a call on a thread, where locks may be taken.
// Thread safety: make it in the first thread before there are others, as they inherit its signal
// mask. Lifetime: the action is called until the destructor returns, once per signal.
#pragma once

#include <functional>
#include <thread>

namespace review {

class Interrupt {
 public:
  explicit Interrupt(std::function<void()> action);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

 private:
  std::thread thread_;
};

}  // namespace review
