// Methods called by CPython itself, positional and without a dispatcher: a third of the cost of
// pybind11's. For functions of the form py::object(Plane&, py::handle...). Thread safety: with the
// GIL. Errors: TypeError for another number of arguments.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "guarded.hpp"
#include "plane.hpp"

namespace controlplane::python {

// pybind11 keeps the pointer first; what was made by __new__ alone has none.
inline Plane& plane_of(PyObject* self) {
  auto* const plane =
      static_cast<Plane*>(reinterpret_cast<py::detail::instance*>(self)->simple_value_holder[0]);
  if (plane == nullptr) throw py::type_error("this Plane was never opened");
  return *plane;
}

template <class... Handles, std::size_t... Places>
py::object call_with(py::object (*function)(Plane&, Handles...), PyObject* self,
                     PyObject* const* args, std::index_sequence<Places...>) {
  return function(plane_of(self), py::handle(args[Places])...);
}

template <auto function, class... Handles>
PyObject* call_fast(py::object (*)(Plane&, Handles...), PyObject* self, PyObject* const* args,
                    Py_ssize_t count) noexcept {
  return guarded([&] {
    if (count != static_cast<Py_ssize_t>(sizeof...(Handles))) {
      throw py::type_error("it takes " + std::to_string(sizeof...(Handles)) + " arguments, not " +
                           std::to_string(count));
    }
    return call_with(function, self, args, std::index_sequence_for<Handles...>()).release().ptr();
  });
}

template <auto function>
PyObject* fast_entry(PyObject* self, PyObject* const* args, Py_ssize_t count) noexcept {
  return call_fast<function>(function, self, args, count);
}

template <auto function>
void add_fast(PlaneClass& cls, const char* name) {
  static PyMethodDef method{
      name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&fast_entry<function>)),
      METH_FASTCALL, nullptr};
  PyObject* const descriptor =
      PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(cls.ptr()), &method);
  if (descriptor == nullptr) throw py::error_already_set();
  cls.attr(name) = py::reinterpret_steal<py::object>(descriptor);
}

}  // namespace controlplane::python
