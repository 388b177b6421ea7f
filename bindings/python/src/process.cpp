#include "process.hpp"

#include <pthread.h>

namespace controlplane::python {
namespace {

unsigned generation = 0;  // written only in a child that has one thread yet

}  // namespace

unsigned Process::current() noexcept {
  [[maybe_unused]] static const int hooked = pthread_atfork(nullptr, nullptr, [] { ++generation; });
  return generation;
}

}  // namespace controlplane::python
