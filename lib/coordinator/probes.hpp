// The probes of one coordinator: runs each at once and then every interval, and writes what it
// found to the agent's record, so that every process sees it; system probes are kept here.
// Thread safety: every method may be called from any thread.
// Lifetime: calls, loop and pool outlive it; it must outlive its loop's run. A callback that hangs
// may return later than everything else: it then finds only its own Probe.
// Errors: invalid_argument, already_exists, not_found, resource_exhausted.
//
// A callback that hangs counts as failed at its timeout, and once more at every interval that finds
// it hanging still; it is not started again until it returned. Its timeout begins when it begins.
// A round that the callback pool has no room for is skipped: that says nothing of whom it asks.
// Several probes of one agent: the agent's record counts a success only while no other probe of it
// failed last.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/health_monitor.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/coordinator_log.hpp"
#include "coordinator/store_calls.hpp"
#include "runtime/callback_pool.hpp"
#include "runtime/loop.hpp"

namespace controlplane {

struct ProbesOptions {
  std::chrono::milliseconds interval{30'000};  // Config::probe_interval
  std::chrono::milliseconds timeout{10'000};   // Config::probe_timeout
  std::size_t max_probes = 10'000;             // Limits::max_probes
  std::size_t max_error = 4'096;               // bytes; Limits::max_error_bytes
};

class Probes {
 public:
  Probes(StoreCalls& calls, CallbackPool& pool, const CoordinatorLog& log, ProbesOptions options)
      : calls_(calls), pool_(pool), log_(log), options_(options) {}

  Result<void> add(ProbeSpec spec);  // checked before, all but the addresses
  // Its callback has returned and is destroyed, except on the loop and from within the callback:
  // then it does not begin again.
  Result<void> remove(std::string_view name);
  std::vector<ProbeHealth> snapshot() const;  // by name
  void close();  // begins none any more, takes back what they said

 private:
  struct Probe;
  struct Write;
  using ProbePtr = std::shared_ptr<Probe>;
  using Callback = std::shared_ptr<const std::function<bool()>>;

  void run(const ProbePtr& probe);
  void ask(const ProbePtr& probe, std::uint64_t round);
  void call_back(const ProbePtr& probe, std::uint64_t round);
  void begun(const ProbePtr& probe, std::uint64_t round);
  void judge(const ProbePtr& probe, std::uint64_t round, bool good, std::string error);
  void skip(const ProbePtr& probe, std::uint64_t round, const std::string& why);
  bool settle(const ProbePtr& probe, std::uint64_t round);        // under the lock
  bool count(Probe& probe, bool good, const std::string& error);  // under the lock
  bool others_failed(const Probe& probe) const;                   // under the lock
  void write(const ProbePtr& probe, bool good, const std::string& error);

  static ProbeCall clearing(std::string agent_id);
  void clear(const std::string& agent_id);
  Callback retire(Probe& probe);                        // under the lock
  bool nobody_asks(const std::string& agent_id) const;  // under the lock
  bool gone(const Probe& probe) const;

  StoreCalls& calls_;
  CallbackPool& pool_;
  const CoordinatorLog& log_;
  const ProbesOptions options_;

  mutable std::mutex mutex_;
  bool closed_ = false;                                  // guarded
  std::map<std::string, ProbePtr, std::less<>> probes_;  // guarded
};

}  // namespace controlplane
