// The private module aragora_cp._core.
#include "bindings.hpp"

namespace controlplane::python {

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ library. Private: use aragora_cp.";
  module.attr("version") = CONTROLPLANE_VERSION;
  bind_inbox(module);
  bind_task_values(module);
  bind_agent_values(module);
  bind_mesh_values(module);
  bind_permit_values(module);
  bind_plane(module);
  bind_worker(module);
}

}  // namespace controlplane::python
