// How Python gets what C++ threads left for it.
#include "bindings.hpp"
#include "inbox.hpp"
#include "pending.hpp"
#include "relay.hpp"

namespace controlplane::python {

void bind_inbox(py::module_& module) {
  py::class_<Inbox>(module, "Inbox", "What C++ threads left for one event loop. Private.")
      .def(py::init<>())
      .def("add", &Inbox::add)
      .def("fileno", &Inbox::fd)
      .def("drain", &Inbox::drain)
      .def("close", &Inbox::close)
      .def("__len__", &Inbox::waiting);
  bind_pending(module);
  py::class_<Relay>(module, "Relay", "A subscription of a Python function. Private.")
      .def(py::init<py::object, py::object>())
      .def("close", &Relay::close);
  py::class_<ProbeAnswer>(module, "ProbeAnswer", "Where a probe's verdict goes. Private.")
      .def("set", &ProbeAnswer::set);
}

}  // namespace controlplane::python
