// Threads that are started while this lives do not take signals: those have to interrupt Python's
// main thread, or Ctrl-C would wait until that does something else. Thread safety: of the calling
// thread.
#pragma once

#include <pthread.h>

#include <csignal>

namespace controlplane::python {

class QuietThreads {
 public:
  QuietThreads() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~QuietThreads() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  QuietThreads(const QuietThreads&) = delete;
  QuietThreads& operator=(const QuietThreads&) = delete;

 private:
  sigset_t before_;
};

}  // namespace controlplane::python
