#include "errors.hpp"

#include <string>

namespace controlplane::python {

// The classes are Python's, by code, and looked up when something went wrong: not a hot path.
py::object exception_of(const Error& error) {
  const auto classes = py::module_::import("aragora_cp.errors").attr("BY_CODE");
  const py::object cls = classes[py::str(std::string(to_string(error.code)))];
  return cls(error.message, error.outcome_unknown);
}

void raise(const Error& error) {
  const py::object exception = exception_of(error);
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
  throw py::error_already_set();
}

}  // namespace controlplane::python
