// What makes up the module _core, one function per file.
#pragma once

#include <pybind11/pybind11.h>

namespace controlplane::python {

namespace py = pybind11;

void bind_inbox(py::module_& module);
void bind_task_values(py::module_& module);
void bind_agent_values(py::module_& module);
void bind_mesh_values(py::module_& module);
void bind_permit_values(py::module_& module);
void bind_plane(py::module_& module);
void bind_worker(py::module_& module);

}  // namespace controlplane::python
