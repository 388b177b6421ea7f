// Named leases, and elections on top of them. Their callbacks are relays, which Python closes
// before the last reference to a lease goes. Thread safety: with the GIL. Lifetime: in a process
// that was forked they refuse everything and are never destroyed.
#include "bindings.hpp"
#include "controlplane/lease.hpp"
#include "convert.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "relay.hpp"
#include "unlocked.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

[[noreturn]] void refuse_fork(const char* what) {
  raise(Error::failed_precondition(std::string(what) + " was made before the process was forked"));
}

std::function<void(const Error&)> tell_error(py::handle relay) {
  if (relay.is_none()) return nullptr;
  return relay.cast<Relay&>().handler<Error>([](const Error& why) { return exception_of(why); });
}

class HeldLease {
 public:
  explicit HeldLease(NamedLease lease) : lease_(std::move(lease)) {}
  ~HeldLease() {
    if (!home_.is_here()) {
      new NamedLease(std::move(lease_));
      return;
    }
    const Unlocked unlocked;
    lease_ = NamedLease();
  }
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;

  NamedLease& use() {
    if (!home_.is_here()) refuse_fork("this lease");
    return lease_;
  }
  void renew() { blocking(&NamedLease::renew); }
  void release() { blocking(&NamedLease::release); }

 private:
  void blocking(Result<void> (NamedLease::*operation)()) {
    NamedLease& lease = use();
    Result<void> answer;
    {
      const Unlocked unlocked;
      answer = (lease.*operation)();
    }
    value_or_raise(std::move(answer));
  }

  const Process home_;
  NamedLease lease_;
};

class Election {
 public:
  Election(LeaderElection election, py::object elected, py::object lost)
      : election_(std::move(election)), elected_(std::move(elected)), lost_(std::move(lost)) {}
  ~Election() {
    if (home_.is_here()) {
      stop();
    } else {
      new LeaderElection(std::move(election_));
    }
  }
  Election(const Election&) = delete;
  Election& operator=(const Election&) = delete;

  LeaderElection& use() {
    if (!home_.is_here()) refuse_fork("this election");
    return election_;
  }
  void stop() {
    LeaderElection& election = use();
    elected_.cast<Relay&>().close();
    lost_.cast<Relay&>().close();
    const Unlocked unlocked;
    election.stop();
  }

 private:
  const Process home_;
  LeaderElection election_;
  const py::object elected_, lost_;
};

// A lease that nobody will hear of goes back at once.
struct GiveBackLease {
  void operator()(NamedLease& lease) const noexcept { const NamedLease gone = std::move(lease); }
};

// `wait`: None is as long as anybody may. `on_lost`: a Relay, or None.
py::object acquire_lease(Plane& plane, py::handle name, py::handle owner, py::handle ttl,
                         py::handle wait, py::handle priority, py::handle auto_renew,
                         py::handle max_hold, py::handle on_lost) {
  NamedLeases leases(plane.use());
  LeaseOptions options;
  options.owner = text("owner", owner);
  options.ttl = duration("ttl", ttl);
  options.wait = wait.is_none() ? plane.longest_wait() : duration("wait", wait);
  options.priority = task_priority(priority);
  options.auto_renew = truth("auto_renew", auto_renew);
  options.max_hold = duration("max_hold", max_hold);
  options.on_lost = tell_error(on_lost);
  return answered<NamedLease>(
      [&](Done<NamedLease> done) {
        leases.acquire(text_view("name", name), options, std::move(done));
      },
      [](NamedLease lease) { return py::cast(std::make_unique<HeldLease>(std::move(lease))); },
      GiveBackLease{});
}

py::object lease_holder(Plane& plane, py::handle name) {
  return answered<LeaseHolder>(
      [&](Done<LeaseHolder> done) {
        NamedLeases(plane.use()).holder(text_view("name", name), std::move(done));
      },
      [](LeaseHolder&& holder) { return held(std::move(holder)); });
}

std::unique_ptr<Election> stand_for_election(Plane& plane, py::handle name, py::handle candidate,
                                             py::handle ttl, const py::object& on_elected,
                                             const py::object& on_lost) {
  Coordinator& coordinator = plane.use();
  ElectionOptions options;
  options.name = text("name", name);
  options.candidate = text("candidate", candidate);
  options.ttl = duration("ttl", ttl);
  options.on_elected = on_elected.cast<Relay&>().handler<std::uint64_t>(
      [](const std::uint64_t& epoch) { return to_python(epoch); });
  options.on_lost = tell_error(on_lost);
  Result<LeaderElection> started = Error::internal("not begun");
  {
    const Unlocked unlocked;
    started = LeaderElection::start(coordinator, std::move(options));
  }
  return std::make_unique<Election>(value_or_raise(std::move(started)), on_elected, on_lost);
}

}  // namespace

void bind_leases(py::module_& module, PlaneClass& cls) {
  py::class_<HeldLease>(module, "HeldLease", "A named lease. Private.")
      .def_property_readonly("fence", [](HeldLease& it) { return it.use().fence(); })
      .def_property_readonly("held", [](HeldLease& it) { return it.use().held(); })
      .def("renew", &HeldLease::renew)
      .def("release", &HeldLease::release);
  py::class_<Election>(module, "Election", "A candidacy. Private.")
      .def_property_readonly("epoch", [](Election& it) { return it.use().epoch(); })
      .def("stop", &Election::stop);
  cls.def("acquire_lease", &acquire_lease);
  cls.def("lease_holder", &lease_holder);
  cls.def("stand_for_election", &stand_for_election);
}

}  // namespace controlplane::python
