#include "coordinator/probes.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "base/deadline.hpp"
#include "base/wording.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/clean_text.hpp"
#include "coordinator/orphan.hpp"
#include "runtime/probe.hpp"

namespace controlplane {
namespace {

bool call_guarded(const std::function<bool()>& callback, std::string& error) {
  try {
    if (callback()) return true;
    error = "the callback returned false";
  } catch (const std::exception& e) {
    error = e.what();
  } catch (...) {
    error = "the callback threw something that is no std::exception";
  }
  return false;
}

}  // namespace

struct Probes::Probe {
  ProbeSpec spec;  // without the callback
  std::optional<HttpUrl> http;
  std::optional<HostPort> tcp;
  std::shared_ptr<Strand> strand;  // of the callback, else null

  // For the callback, which may end late.
  std::atomic<bool> removed{false};
  std::atomic<bool> hanging{false};  // the callback has not returned yet
  std::atomic<bool> orphaned{false};  // removed, and nobody else speaks for its agent

  // Guarded by the lock of the probes.
  ProbeHealth health;
  bool last_good = true;
  std::uint64_t round = 0;  // of the run that is not judged yet, or the last one
  bool judged = true;
  std::int64_t next_us = 0;  // of the next round
  TimerId next = 0, timeout = 0;
  Callback callback;  // null once it is removed; who runs it owns it, too
};

// A result that the store applies after the probe is gone must not stay.
struct Probes::Write : ProbeCall {
  ProbePtr probe;
  void undo(TenantStore& store) const {
    if (probe->orphaned.load()) Orphan<ProbeCall>::run(store, clearing(probe->spec.agent_id));
  }
};

ProbeCall Probes::clearing(std::string agent_id) {
  ProbeCall call;
  call.agent_id = std::move(agent_id);
  call.clear = true;
  return call;
}

Result<void> Probes::add(ProbeSpec spec) {
  auto probe = std::make_shared<Probe>();
  if (!spec.http_url.empty()) {
    auto url = parse_http_url(spec.http_url);
    if (!url) return std::move(url.error());
    probe->http = *std::move(url);
  }
  if (!spec.tcp_address.empty()) {
    auto address = parse_host_port(spec.tcp_address);
    if (!address) return std::move(address.error());
    probe->tcp = *std::move(address);
  }
  if (spec.interval.count() == 0) spec.interval = options_.interval;
  if (spec.timeout.count() == 0) spec.timeout = options_.timeout;
  probe->health.name = spec.name;
  probe->health.agent_id = spec.agent_id;
  if (spec.callback) {
    probe->strand = pool_.make_strand();
    probe->callback = std::make_shared<std::function<bool()>>(std::move(spec.callback));
  }
  probe->spec = std::move(spec);
  {
    std::lock_guard lock(mutex_);
    if (closed_) return StoreCalls::closed_error();
    if (probes_.contains(probe->spec.name)) {
      return Error::already_exists("probe " + probe->spec.name + " is registered already");
    }
    if (probes_.size() >= options_.max_probes) {
      return Error::resource_exhausted("the limit max_probes is " + grouped(options_.max_probes));
    }
    probes_.emplace(probe->spec.name, probe);
  }
  calls_.loop().post([this, probe] { run(probe); });
  return {};
}

Result<void> Probes::remove(std::string_view name) {
  ProbePtr probe;
  Callback callback;  // destroyed after the lock
  {
    std::lock_guard lock(mutex_);
    const auto place = probes_.find(name);
    if (place == probes_.end()) {
      return Error::not_found("probe " + quote(name) + " is not registered");
    }
    probe = std::move(place->second);
    probes_.erase(place);
    callback = retire(*probe);
    probe->orphaned.store(nobody_asks(probe->spec.agent_id));
  }
  if (probe->orphaned.load()) clear(probe->spec.agent_id);
  if (probe->strand == nullptr) return {};
  if (calls_.loop().on_loop_thread()) {
    probe->strand->close();
  } else {
    (void)probe->strand->close_and_wait();
  }
  return {};
}

Probes::Callback Probes::retire(Probe& probe) {
  probe.removed.store(true);
  calls_.loop().cancel(probe.next);
  calls_.loop().cancel(probe.timeout);
  return std::move(probe.callback);
}

// True: of an agent, about which no probe says anything any more.
bool Probes::nobody_asks(const std::string& agent_id) const {
  return !agent_id.empty() && std::none_of(probes_.begin(), probes_.end(), [&](const auto& entry) {
    return entry.second->spec.agent_id == agent_id;
  });
}

void Probes::clear(const std::string& agent_id) {
  calls_.perform(clearing(agent_id), [](const Result<void>&) {});
}

std::vector<ProbeHealth> Probes::snapshot() const {
  std::lock_guard lock(mutex_);
  std::vector<ProbeHealth> found;
  found.reserve(probes_.size());
  for (const auto& [name, probe] : probes_) found.push_back(probe->health);
  return found;
}

// What it said of agents in a shared store nobody would ever take back.
void Probes::close() {
  std::vector<Callback> callbacks;  // destroyed after the lock
  std::map<std::string, ProbePtr, std::less<>> ended;
  std::set<std::string> agents;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ended.swap(probes_);
    for (const auto& [name, probe] : ended) {
      callbacks.push_back(retire(*probe));
      probe->orphaned.store(!probe->spec.agent_id.empty());
      if (probe->orphaned.load() && probe->round > 0) agents.insert(probe->spec.agent_id);
    }
  }
  for (const auto& [name, probe] : ended) {
    if (probe->strand != nullptr) probe->strand->close();
  }
  for (const std::string& agent : agents) Orphan<ProbeCall>::run(calls_.store(), clearing(agent));
}

// On the loop, as all that follows except the callback itself.
void Probes::run(const ProbePtr& probe) {
  std::uint64_t round;
  {
    std::lock_guard lock(mutex_);
    if (probe->removed.load()) return;
    round = ++probe->round;
    probe->judged = false;
    probe->next_us = deadline_after(calls_.now_us(), probe->spec.interval);
  }
  ask(probe, round);
}

void Probes::ask(const ProbePtr& probe, std::uint64_t round) {
  const auto done = [this, probe, round](ProbeOutcome outcome, std::string error) {
    if (outcome == ProbeOutcome::not_asked) return skip(probe, round, error);
    judge(probe, round, outcome == ProbeOutcome::good, std::move(error));
  };
  const std::chrono::milliseconds timeout = probe->spec.timeout;
  if (probe->http) {
    start_http_probe(calls_.loop(), pool_, *probe->http, timeout, done);
  } else if (probe->tcp) {
    start_tcp_probe(calls_.loop(), pool_, *probe->tcp, timeout, done);
  } else {
    call_back(probe, round);
  }
}

void Probes::call_back(const ProbePtr& probe, std::uint64_t round) {
  Callback callback;
  {
    std::lock_guard lock(mutex_);
    callback = probe->callback;
  }
  if (callback == nullptr) return;  // removed
  if (probe->hanging.exchange(true)) {
    return judge(probe, round, false, "the callback of an earlier run has not returned yet");
  }
  // `this` is used only through the loop, which refuses once it has stopped.
  auto call = [this, loop = calls_.loop().handle(), probe, round, callback = std::move(callback)] {
    loop.post([this, probe, round] { begun(probe, round); });
    std::string error;
    const bool good = call_guarded(*callback, error);
    probe->hanging.store(false);
    loop.post([this, probe, round, good, error = std::move(error)] {
      judge(probe, round, good, error);
    });
  };
  if (probe->strand->submit(std::move(call))) return;
  probe->hanging.store(false);
  skip(probe, round, "the callback pool is full (max_queued_callbacks)");
}

void Probes::begun(const ProbePtr& probe, std::uint64_t round) {
  std::lock_guard lock(mutex_);
  if (probe->removed.load() || round != probe->round || probe->judged) return;
  const std::int64_t late = deadline_after(calls_.now_us(), probe->spec.timeout);
  probe->timeout = calls_.loop().schedule(late, [this, probe, round] {
    judge(probe, round, false, "no answer within " + seconds(probe->spec.timeout));
  });
}

// The round is over and the next one scheduled; false: it was over before.
bool Probes::settle(const ProbePtr& probe, std::uint64_t round) {
  if (probe->removed.load() || round != probe->round || std::exchange(probe->judged, true)) {
    return false;
  }
  calls_.loop().cancel(std::exchange(probe->timeout, 0));
  const std::int64_t next = std::max(probe->next_us, calls_.now_us());
  probe->next = calls_.loop().schedule(next, [this, probe] { run(probe); });
  return true;
}

void Probes::skip(const ProbePtr& probe, std::uint64_t round, const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    if (!settle(probe, round)) return;
  }
  log_.write(LogLevel::debug, "probe not asked", {{"probe", probe->spec.name}, {"error", why}});
}

void Probes::judge(const ProbePtr& probe, std::uint64_t round, bool good, std::string error) {
  bool tell;
  {
    std::lock_guard lock(mutex_);
    if (!settle(probe, round)) return;
    tell = count(*probe, good, error);
  }
  if (!good) {
    log_.write(LogLevel::debug, "probe failed",
               {{"probe", probe->spec.name}, {"agent", probe->spec.agent_id}, {"error", error}});
  }
  if (tell) write(probe, good, error);
}

// True: the agent's record is to be told.
bool Probes::count(Probe& probe, bool good, const std::string& error) {
  ProbeHealth& health = probe.health;
  health.last_check = calls_.store().now();
  probe.last_good = good;
  if (good) {
    health.consecutive_failures = 0;
    ++health.consecutive_successes;
    const bool was_bad = health.status == HealthStatus::unhealthy;
    if (!was_bad || health.consecutive_successes >= probe.spec.success_threshold) {
      health.status = HealthStatus::healthy;
    }
  } else {
    health.consecutive_successes = 0;
    health.error = error;
    if (++health.consecutive_failures >= probe.spec.failure_threshold) {
      health.status = HealthStatus::unhealthy;
    }
  }
  return !probe.spec.agent_id.empty() && (!good || !others_failed(probe));
}

bool Probes::others_failed(const Probe& probe) const {
  return std::any_of(probes_.begin(), probes_.end(), [&](const auto& entry) {
    const Probe& other = *entry.second;
    return &other != &probe && other.spec.agent_id == probe.spec.agent_id && !other.last_good;
  });
}

void Probes::write(const ProbePtr& probe, bool good, const std::string& error) {
  Write call;
  call.agent_id = probe->spec.agent_id;
  call.good = good;
  call.error = clean_text(error, options_.max_error);
  call.failure_threshold = probe->spec.failure_threshold;
  call.success_threshold = probe->spec.success_threshold;
  call.probe = probe;
  calls_.perform(std::move(call), [this, probe](const Result<void>& written) {
    if (gone(*probe)) return clear(probe->spec.agent_id);  // what remove() cleared came earlier
    if (written) return;
    log_.write(LogLevel::debug, "probe result not recorded",
               {{"probe", probe->spec.name}, {"error", written.error().to_string()}});
  });
}

bool Probes::gone(const Probe& probe) const {
  std::lock_guard lock(mutex_);
  return probe.removed.load() && !closed_ && nobody_asks(probe.spec.agent_id);
}

}  // namespace controlplane
