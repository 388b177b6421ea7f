// Snapshots to and from files, and states of agents. They block: the caller has a thread for them.
#include "controlplane/snapshot.hpp"
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

// Runs it without the GIL.
template <class Operation>
auto blocked(Plane& plane, Operation&& operation) {
  Snapshots snapshots(plane.use());
  auto result = [&] {
    const Unlocked unlocked;
    return operation(snapshots);
  }();
  return value_or_raise(std::move(result));
}

// Paths are bytes: not all of them are UTF-8.
py::object export_snapshot(Plane& plane, py::handle path) {
  const auto file = path.cast<std::string>();
  return held(blocked(plane, [&](Snapshots& s) { return s.export_snapshot(file); }));
}

py::object import_snapshot(Plane& plane, py::handle path) {
  const auto file = path.cast<std::string>();
  return held(blocked(plane, [&](Snapshots& s) { return s.import_snapshot(file); }));
}

// agent_id: None for the tenant.
py::object state_snapshot(Plane& plane, py::handle agent_id) {
  if (agent_id.is_none()) {
    return to_python(blocked(plane, [](Snapshots& s) { return s.get_state_snapshot(); }));
  }
  const std::string id = text("agent_id", agent_id);
  return to_python(blocked(plane, [&](Snapshots& s) { return s.get_state_snapshot(id); }));
}

py::object set_state(Plane& plane, py::handle agent_id, py::handle state) {
  const std::string id = text("agent_id", agent_id);
  const Json json = encode_json("state", state, plane.max_json_depth());
  return to_python(blocked(plane, [&](Snapshots& s) { return s.set_state(id, json); }));
}

}  // namespace

void bind_snapshots(PlaneClass& cls) {
  add_fast<&export_snapshot>(cls, "export_snapshot");
  add_fast<&import_snapshot>(cls, "import_snapshot");
  add_fast<&state_snapshot>(cls, "state_snapshot");
  add_fast<&set_state>(cls, "set_state");
}

}  // namespace controlplane::python
