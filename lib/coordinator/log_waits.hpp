// Callers that wait for an entry of a log. The store is asked before a wait begins, again once it
// was registered (an entry may have come in between), and whenever it told that the log has
// changed.
// Thread safety: every method may be called from any thread.
// Lifetime: the calls outlive it. close() before destruction.
// Errors: given to the readers: what the store answers, resource_exhausted, cancelled by close().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/log_entry.hpp"
#include "coordinator/log_calls.hpp"
#include "coordinator/store_calls.hpp"
#include "runtime/parker.hpp"

namespace controlplane {

struct LogReading {
  std::string_view name;
  std::uint64_t after = 0;
  std::size_t max_items = 0;
  std::chrono::milliseconds wait{0};
};

struct LogWait {
  std::string name;
  std::uint64_t after = 0;
  std::size_t max_items = 0;
  bool blocking = false;  // its thread waits on the parker, and reads for itself
  Parker parker;
  Done<LogPage> done;  // otherwise

  // Guarded by the lock of the waits.
  bool over = false;
  std::uint64_t number = 0;
  TimerId timer = 0;  // its deadline
};

class LogWaits {
 public:
  LogWaits(StoreCalls& calls, std::size_t max_waiting) : calls_(calls), max_waiting_(max_waiting) {}
  LogWaits(const LogWaits&) = delete;
  LogWaits& operator=(const LogWaits&) = delete;

  Result<LogPage> read(const LogReading& reading);
  std::uint64_t read(const LogReading& reading, Done<LogPage> done);  // its ticket; 0: does not wait
  bool cancel(std::string_view name, std::uint64_t ticket);  // false: nobody waits with it

  void on_changed(const std::string& name);  // from the store
  std::size_t waiting() const;
  void close();  // ends all with cancelled; idempotent

 private:
  using Wait = std::shared_ptr<LogWait>;

  static Wait make(const LogReading& reading);
  Result<LogPage> wait_until(const LogReading& reading, std::int64_t deadline_us);
  std::uint64_t enroll(const LogReading& reading, Done<LogPage> done);
  std::optional<Error> add(const Wait& wait);
  bool take(LogWait& wait);   // false: it was over
  bool leave(LogWait& wait);  // the same, under the lock
  bool is_waiting(const LogWait& wait) const;
  void look(const Wait& wait, bool last);
  bool finish(const Wait& wait, Result<LogPage>&& answer);

  StoreCalls& calls_;
  const std::size_t max_waiting_;

  mutable std::mutex mutex_;  // guards all below
  bool closed_ = false;
  std::uint64_t numbers_ = 0;
  std::size_t size_ = 0;
  std::unordered_map<std::string, std::map<std::uint64_t, Wait>> by_log_;  // by number
};

}  // namespace controlplane
