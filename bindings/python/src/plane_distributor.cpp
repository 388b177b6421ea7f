// Distributors. Thread safety: with the GIL. Lifetime: in a process that was forked they refuse
// everything and are never destroyed.
#include "bindings.hpp"
#include "controlplane/distributor.hpp"
#include "convert.hpp"
#include "plane.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {

template <>
const std::vector<Field<PoolWorker>>& fields_of<PoolWorker>() {
  using T = PoolWorker;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::agent_id>("id", "The agent's."),
      field<&T::capabilities>("capabilities", "What it offers."),
      field<&T::slots>("slots", "Tasks at once; 0: unlimited."),
      field<&T::usable>("usable", "It is ready or busy, and not unhealthy."),
      field<&T::pending_tasks>("pending_tasks",
                               "The ids of the tasks that it was given and that have not ended."),
  };
  return *fields;
}

namespace {

class HeldDistributor {
 public:
  HeldDistributor(std::shared_ptr<Plane> plane, Distributor distributor)
      : plane_(std::move(plane)), distributor_(std::move(distributor)) {}
  ~HeldDistributor() {
    if (!home_.is_here()) {
      new Distributor(std::move(distributor_));
      return;
    }
    const Unlocked unlocked;
    (void)distributor_.stop(std::chrono::milliseconds(0));
  }
  HeldDistributor(const HeldDistributor&) = delete;
  HeldDistributor& operator=(const HeldDistributor&) = delete;

  Distributor& use() {
    if (home_.is_here()) return distributor_;
    raise(Error::failed_precondition("this distributor was made before the process was forked"));
  }
  void stop(py::handle timeout) {
    Distributor& distributor = use();
    const auto deadline = duration("timeout", timeout);
    Result<void> stopped;
    {
      const Unlocked unlocked;
      stopped = distributor.stop(deadline);
    }
    value_or_raise(std::move(stopped));
  }
  py::list workers() {
    py::list all;
    for (PoolWorker& worker : use().workers()) all.append(held(std::move(worker)));
    return all;
  }
  // Tuples as submit_tasks takes them; an id or an exception for each.
  py::list assign(const py::list& tasks, py::handle worker) {
    Distributor& distributor = use();
    std::vector<TaskSpec> specs;
    for (const py::handle task : tasks) specs.push_back(task_spec(*plane_, task));
    const std::string worker_id = worker.is_none() ? std::string() : text("worker_id", worker);
    Result<std::vector<Result<TaskId>>> ids = Error::internal("not begun");
    {
      const Unlocked unlocked;
      ids = distributor.batch_assign_tasks(std::move(specs), worker_id);
    }
    py::list all;
    for (const Result<TaskId>& id : value_or_raise(std::move(ids))) {
      all.append(id ? to_python(*id) : exception_of(id.error()));
    }
    return all;
  }

 private:
  const Process home_;
  const std::shared_ptr<Plane> plane_;
  Distributor distributor_;
};

std::unique_ptr<HeldDistributor> start_distributor(const std::shared_ptr<Plane>& plane,
                                                   py::handle agent_id, py::handle capabilities,
                                                   py::handle concurrency, py::handle labels_given,
                                                   py::handle candidate, py::handle leader_ttl,
                                                   py::handle lease_ttl) {
  Coordinator& coordinator = plane->use();
  DistributorOptions options;
  options.agent_id = text("agent_id", agent_id);
  options.capabilities = texts("capabilities", capabilities);
  options.concurrency = count("concurrency", concurrency);
  if (!labels_given.is_none()) options.labels = labels("labels", labels_given);
  if (!candidate.is_none()) options.candidate = text("candidate", candidate);
  options.leader_ttl = duration("leader_ttl", leader_ttl);
  options.lease_ttl = duration("lease_ttl", lease_ttl);
  Result<Distributor> started = Error::internal("not begun");
  {
    const Unlocked unlocked;
    started = Distributor::start(coordinator, std::move(options));
  }
  return std::make_unique<HeldDistributor>(plane, value_or_raise(std::move(started)));
}

}  // namespace

void bind_distributor(py::module_& module, PlaneClass& cls) {
  bind_value<PoolWorker>(module, "aragora_cp.PoolWorker", "A worker of a distributor's pool.");
  py::class_<HeldDistributor>(module, "HeldDistributor", "A distributor. Private.")
      .def_property_readonly("leads", [](HeldDistributor& it) { return it.use().leads(); })
      .def("workers", &HeldDistributor::workers)
      .def("assign", &HeldDistributor::assign)
      .def("stop", &HeldDistributor::stop);
  cls.def("start_distributor", &start_distributor);
}

}  // namespace controlplane::python
