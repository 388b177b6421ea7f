// The edge between CPython's calls and C++.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

namespace controlplane::python {

namespace py = pybind11;

// Calls `body`, which answers a new reference; what it throws becomes a Python exception.
template <class Body>
PyObject* guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

}  // namespace controlplane::python
