#include "interrupt.hpp"

#include <signal.h>

#include <utility>

namespace review {

// SIGUSR1 ends the thread; the process hears it no other way.
Interrupt::Interrupt(std::function<void()> action) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([signals, action = std::move(action)] {
    int signal = 0;
    while (sigwait(&signals, &signal) != 0 || signal != SIGUSR1) action();
  });
}

Interrupt::~Interrupt() {
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

}  // namespace review
