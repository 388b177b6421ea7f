// Calls that block do so without the GIL.
// Thread safety: of the calling thread, which has the GIL.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

namespace controlplane::python {

// Not py::gil_scoped_release: a thread that comes back to an interpreter that has ended is ended by
// CPython before 3.14, and unwinding it out of a destructor would abort the process. It stays here.
class Unlocked {
 public:
  Unlocked() noexcept : thread_(PyEval_SaveThread()) {}
  ~Unlocked() {
    try {
      PyEval_RestoreThread(thread_);
    } catch (...) {
      for (;;) pause();
    }
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* const thread_;
};

}  // namespace controlplane::python
