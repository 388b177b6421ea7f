// A coordinator as Python holds it: every operation positional, answering a value or a Pending.
// Thread safety: with the GIL; the operations themselves never block while they hold it.
// Lifetime: in a process that was forked it refuses everything and is never destroyed, as the
// threads that it would wait for are not there. Errors: raised, by code.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <string>

#include "controlplane/controlplane.hpp"
#include "process.hpp"

namespace controlplane::python {

namespace py = pybind11;

class GivenKeys;
class ProbeRelay;

class Plane {
 public:
  // Null keys: they are not given from here.
  Plane(Config config, std::shared_ptr<GivenKeys> keys, Coordinator* beside = nullptr);
  ~Plane();
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;

  Coordinator& use() {
    if (home_.is_here()) [[likely]]
      return *coordinator_;
    refuse_fork();
  }
  std::size_t max_json_depth() const noexcept { return max_json_depth_; }
  std::chrono::milliseconds longest_wait() { return use().config().limits.max_delay; }

  // Blocks without the GIL. deadline_exceeded: attempts were left.
  void shutdown(py::handle timeout);
  void close_now();  // with no error
  void reload_keys(py::handle keys);  // as open() takes them; None: from where the others came

  std::map<std::string, std::shared_ptr<ProbeRelay>, std::less<>> probes;  // by name

 private:
  [[noreturn]] static void refuse_fork();
  const Process home_;
  const std::size_t max_json_depth_;
  const std::shared_ptr<GivenKeys> keys_;
  std::unique_ptr<Coordinator> coordinator_;
};

using PlaneClass = py::class_<Plane, std::shared_ptr<Plane>>;
void bind_tasks(PlaneClass& cls);
void bind_agents(PlaneClass& cls);
void bind_health(PlaneClass& cls);
void bind_events(PlaneClass& cls);
void bind_state(PlaneClass& cls);
void bind_logs(PlaneClass& cls);
void bind_mailbox(PlaneClass& cls);
void bind_snapshots(PlaneClass& cls);
void bind_resources(PlaneClass& cls);
void bind_leases(py::module_& module, PlaneClass& cls);
void bind_distributor(py::module_& module, PlaneClass& cls);

// Of a tuple of what submit_task takes.
TaskSpec task_spec(const Plane& plane, py::handle positional);

}  // namespace controlplane::python
