// Errors of the library as exceptions of aragora_cp.
// Thread safety: with the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "controlplane/result.hpp"

namespace controlplane::python {

namespace py = pybind11;

// An instance of the class of error.code.
py::object exception_of(const Error& error);
[[noreturn]] void raise(const Error& error);

template <class T>
T value_or_raise(Result<T> result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace controlplane::python
