#include "plane.hpp"

#include <pybind11/stl.h>

#include <cstdlib>
#include <mutex>
#include <vector>

#include "bindings.hpp"
#include "convert.hpp"
#include "pending.hpp"
#include "relay.hpp"
#include "signals.hpp"
#include "unlocked.hpp"

namespace controlplane::python {
namespace {

template <std::size_t N, class E>
py::dict by_name(const std::array<std::uint64_t, N>& counts, E) {
  py::dict named;
  for (std::size_t i = 0; i < N; ++i) {
    named[to_python(to_string(static_cast<E>(i)))] = counts[i];
  }
  return named;
}

py::dict registry_dict(const RegistryStats& it) {
  using namespace py::literals;
  return py::dict("total_agents"_a = it.total_agents, "available_agents"_a = it.available_agents,
                  "by_status"_a = by_name(it.by_status, AgentStatus{}));
}

py::dict scheduler_dict(const SchedulerStats& it) {
  using namespace py::literals;
  return py::dict("pending_tasks"_a = it.pending_tasks, "ready_tasks"_a = it.ready_tasks,
                  "delayed_tasks"_a = it.delayed_tasks, "backoff_tasks"_a = it.backoff_tasks,
                  "blocked_tasks"_a = it.blocked_tasks, "claimed_tasks"_a = it.claimed_tasks,
                  "running_tasks"_a = it.running_tasks,
                  "by_status"_a = by_name(it.by_state, TaskState{}),
                  "pending_by_priority"_a = by_name(it.pending_by_priority, TaskPriority{}),
                  "dead_letters"_a = it.dead_letters, "submitted_total"_a = it.submitted_total,
                  "claimed_total"_a = it.claimed_total, "completed_total"_a = it.completed_total,
                  "failed_total"_a = it.failed_total, "cancelled_total"_a = it.cancelled_total,
                  "timeout_total"_a = it.timeout_total, "retries_total"_a = it.retries_total,
                  "crashes_total"_a = it.crashes_total, "releases_total"_a = it.releases_total,
                  "duplicates_total"_a = it.duplicates_total, "stale_total"_a = it.stale_total,
                  "unservable_submits_total"_a = it.unservable_submits_total,
                  "queues"_a = it.queues, "waiting_claims"_a = it.waiting_claims);
}

py::dict stats_dict(const Stats& it) {
  using namespace py::literals;
  const py::dict health(
      "status"_a = to_python(it.health.status), "healthy_count"_a = it.health.healthy_count,
      "degraded_count"_a = it.health.degraded_count,
      "unhealthy_count"_a = it.health.unhealthy_count, "open_breakers"_a = it.health.open_breakers);
  const py::dict events("first_seq"_a = it.events.first_seq, "last_seq"_a = it.events.last_seq);
  const py::dict documents("documents"_a = it.documents.documents, "bytes"_a = it.documents.bytes,
                           "puts_total"_a = it.documents.puts_total,
                           "conflicts_total"_a = it.documents.conflicts_total,
                           "deletes_total"_a = it.documents.deletes_total,
                           "expired_total"_a = it.documents.expired_total);
  const py::dict logs("logs"_a = it.logs.logs, "entries"_a = it.logs.entries,
                      "bytes"_a = it.logs.bytes, "appends_total"_a = it.logs.appends_total,
                      "trimmed_total"_a = it.logs.trimmed_total,
                      "losses_total"_a = it.logs.losses_total);
  const py::dict permits(
      "pools"_a = it.permits.pools, "permits"_a = it.permits.permits,
      "waiting"_a = it.permits.waiting, "granted_total"_a = it.permits.granted_total,
      "expired_total"_a = it.permits.expired_total, "refused_total"_a = it.permits.refused_total);
  return py::dict("registry"_a = registry_dict(it.registry),
                  "scheduler"_a = scheduler_dict(it.scheduler), "health"_a = health,
                  "documents"_a = documents, "logs"_a = logs, "permits"_a = permits,
                  "events"_a = events, "store"_a = it.store, "tenant"_a = it.tenant, "now"_a = time_to_python(it.now));
}

py::object get_stats(Plane& plane) {
  return answered<Stats>([&](Done<Stats> done) { plane.use().get_stats(std::move(done)); },
                         stats_dict);
}

py::object metrics_text(Plane& plane) {
  return answered<std::string>(
      [&](Done<std::string> done) { plane.use().metrics_text(std::move(done)); },
      [](const std::string& text) { return to_python(text); });
}

KeyState key_state(py::handle value) {
  const std::string_view name = text_view("state", value);
  for (const KeyState state : {KeyState::active, KeyState::previous, KeyState::retired}) {
    if (name == to_string(state)) return state;
  }
  raise(Error::invalid_argument("state is \"" + std::string(name) +
                                "\"; it must be active, previous or retired"));
}

SecretKey secret_key(const py::tuple& given) {
  if (!py::isinstance<py::bytes>(given[1])) {
    raise(Error::invalid_argument("the secret of a key must be bytes"));
  }
  return {text("id", given[0]), std::string(py::reinterpret_borrow<py::bytes>(given[1])),
          key_state(given[2])};
}

using Given = std::map<std::string, std::string, std::less<>>;

// Options as texts by name; origins: which of them came from where, for messages. Of the environment
// only the variable of the signing keys is read, if they came from there.
Config config_of(const Given& given, const Given& origins) {
  const auto keys = origins.find("signing_keys");
  const std::string variable = keys == origins.end() ? std::string() : keys->second;
  const auto environment = [variable](const char* name) -> std::optional<std::string> {
    const char* const value = name == variable ? std::getenv(name) : nullptr;
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  Config config = value_or_raise(Config::from_environment(environment, given));
  config.origins = origins;
  return config;
}

py::list options_of(const Config& config) {
  py::list all;
  for (const OptionValue& option : config.options()) {
    all.append(py::make_tuple(option.name, option.value, option.default_value, option.origin));
  }
  return all;
}

// What the environment makes of it: the URL as it is, and all options, in which it has no password;
// of the signing keys only where they came from.
py::tuple resolve(const Given& given) {
  const Config config = value_or_raise(Config::from_environment({}, given));
  py::list options = options_of(config);
  options.append(py::make_tuple("signing_keys", "", "", config.origin_of("signing_keys")));
  return py::make_tuple(config.store_url, options);
}

Result<Coordinator> opened(Config config, Coordinator* beside) {
  const Unlocked unlocked;
  const QuietThreads quiet;  // signals are for Python's threads
  if (beside != nullptr) return beside->open_beside(std::move(config));
  return Coordinator::open(std::move(config));
}

}  // namespace

// Keys that Python code answered: they are the source of a ring, which therefore never calls it.
class GivenKeys {
 public:
  explicit GivenKeys(py::handle keys) { swap(read(keys)); }

  static std::vector<SecretKey> read(py::handle keys) {
    std::vector<SecretKey> all;
    for (const py::handle key : keys) all.push_back(secret_key(py::cast<py::tuple>(key)));
    return all;
  }
  std::vector<SecretKey> swap(std::vector<SecretKey> keys) {
    const std::lock_guard lock(mutex_);
    keys_.swap(keys);
    return keys;
  }
  static KeySource source(std::shared_ptr<GivenKeys> keys) {
    return [keys = std::move(keys)]() -> Result<std::vector<SecretKey>> {
      const std::lock_guard lock(keys->mutex_);
      return keys->keys_;
    };
  }

 private:
  std::mutex mutex_;
  std::vector<SecretKey> keys_;
};

namespace {

// `log` is the receiver of the records in the inbox: one for all coordinators. `beside`: or None.
std::shared_ptr<Plane> open(const Given& given, const Given& origins, const Inbox& log_inbox,
                            std::uint64_t log, const py::object& keys,
                            const std::shared_ptr<Plane>& beside) {
  Config config = config_of(given, origins);
  config.log_sink = log_relay(log_inbox, log);
  std::shared_ptr<GivenKeys> from;
  if (!keys.is_none()) {
    from = std::make_shared<GivenKeys>(keys);
    config.encryption_keys = value_or_raise(KeyRing::open(GivenKeys::source(from)));
  }
  return std::make_shared<Plane>(std::move(config), std::move(from),
                                 beside ? &beside->use() : nullptr);
}

}  // namespace

Plane::Plane(Config config, std::shared_ptr<GivenKeys> keys, Coordinator* beside)
    : max_json_depth_(config.limits.max_json_depth),
      keys_(std::move(keys)),
      coordinator_(
          std::make_unique<Coordinator>(value_or_raise(opened(std::move(config), beside)))) {}

Plane::~Plane() {
  if (!home_.is_here()) {
    (void)coordinator_.release();
    return;
  }
  for (const auto& [name, probe] : probes) probe->close();
  const Unlocked unlocked;
  coordinator_.reset();
}

void Plane::refuse_fork() {
  raise(Error::failed_precondition(
      "this coordinator was opened before the process was forked; open another one in the child"));
}

void Plane::shutdown(py::handle timeout) {
  Coordinator& coordinator = use();
  const auto deadline = duration("timeout", timeout);
  const auto closing = std::exchange(probes, {});
  for (const auto& [name, probe] : closing) probe->close();
  Result<void> closed;
  {
    const Unlocked unlocked;
    for (const auto& [name, probe] : closing) (void)coordinator.unregister_probe(name);
    closed = coordinator.shutdown(deadline);
  }
  value_or_raise(std::move(closed));
}

void Plane::reload_keys(py::handle keys) {
  KeyRing ring = use().config().encryption_keys;
  if (ring.empty()) raise(Error::failed_precondition("there are no encryption keys to reload"));
  if (keys_ == nullptr || keys.is_none()) {
    Result<void> reloaded;
    {
      const Unlocked unlocked;
      reloaded = ring.reload();
    }
    return value_or_raise(std::move(reloaded));
  }
  auto before = keys_->swap(GivenKeys::read(keys));
  if (auto reloaded = ring.reload(); !reloaded) {
    keys_->swap(std::move(before));
    raise(reloaded.error());
  }
}

void Plane::close_now() {
  if (!home_.is_here()) return;
  for (const auto& [name, probe] : probes) probe->close();
  const Unlocked unlocked;
  (void)coordinator_->shutdown(std::chrono::milliseconds(0));
}

void bind_plane(py::module_& module) {
  module.def(
      "options",
      [](const Given& given, const Given& origins) {
        return options_of(config_of(given, origins));
      },
      "Every option: name, value, default and origin.");
  module.def("resolve", &resolve, "The URL and every option, from the environment.");
  module.def("open", &open, "Opens a coordinator.");

  PlaneClass cls(module, "Plane",
                 "A coordinator. Private: use aragora_cp.ControlPlaneCoordinator.");
  cls.def("get_stats", &get_stats);
  cls.def("metrics_text", &metrics_text);
  cls.def("shutdown", &Plane::shutdown);
  cls.def("reload_keys", &Plane::reload_keys);
  cls.def("close_now", &Plane::close_now, "Shuts down at once; in a forked child nothing.");
  cls.def("reload_signing_keys", [](Plane& plane) {
    KeyRing keys = plane.use().config().signing_keys;
    Result<void> reloaded;
    {
      const Unlocked unlocked;
      reloaded = keys.reload();
    }
    value_or_raise(std::move(reloaded));
  });
  cls.def("options", [](Plane& plane) { return options_of(plane.use().config()); });
  bind_tasks(cls);
  bind_agents(cls);
  bind_health(cls);
  bind_events(cls);
  bind_state(cls);
  bind_logs(cls);
  bind_mailbox(cls);
  bind_snapshots(cls);
  bind_resources(cls);
  bind_leases(module, cls);
  bind_distributor(module, cls);
}

}  // namespace controlplane::python
