// Logs: append-only streams of JSON entries that many agents write and read, each at its own pace.
// Thread safety: every method may be called from any thread; copies share the coordinator.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. Names and prefixes are names; an entry is JSON of at most
// max_log_entry_bytes. A log of another tenant is not_found.
// Blocking and completion forms: as in agent_registry.hpp.
//
// Not to be confused with log.hpp, where the library tells of itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "controlplane/agent_registry.hpp"
#include "controlplane/log_entry.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

class Coordinator;
class CoordinatorCore;

class Logs {
 public:
  explicit Logs(const Coordinator& plane);

  // Answers the number of the entry. The first append makes the log, with default bounds. The same
  // operation id answers the same number as long as that entry is there.
  // already_exists: the operation id was used for another entry that is still there.
  // invalid_argument: the entry is larger than the log's max_bytes. resource_exhausted: max_logs,
  // max_log_entries, max_logs_bytes.
  Result<std::uint64_t> append(std::string_view name, Json entry,
                               std::string_view operation_id = {});
  void append(std::string_view name, Json entry, std::string_view operation_id,
              Done<std::uint64_t> done);

  // Up to `max_items` entries after number `after` (0: from the first one there ever was), fewer if
  // they come to max_log_read_bytes; at least one if there is any. If there is none, waits for one
  // until `wait` is over, and then answers no entries.
  // not_found: there is no such log, or it was removed meanwhile. data_loss: entries after `after`
  // are gone, or were never there; the message names the first and the last number that is.
  // resource_exhausted: max_waiting_reads.
  Result<LogPage> read(std::string_view name, std::uint64_t after, std::size_t max_items = 100,
                       std::chrono::milliseconds wait = std::chrono::milliseconds(0)) const;
  // Answers the ticket of a read that waits, for cancel_read(); 0: it does not wait.
  std::uint64_t read(std::string_view name, std::uint64_t after, std::size_t max_items,
                     std::chrono::milliseconds wait, Done<LogPage> done) const;
  // Ends a waiting read of this coordinator with cancelled. False: none waits with that ticket.
  bool cancel_read(std::string_view name, std::uint64_t ticket) const;

  // Makes a log, or gives the one there is other bounds, and trims it to them at once (for its age
  // within a second). Cost: in proportion to what is trimmed, as the next two.
  Result<LogInfo> define(std::string_view name, const LogBounds& bounds = {});
  void define(std::string_view name, const LogBounds& bounds, Done<LogInfo> done);

  // Answers how many entries went. not_found: there is no such log.
  Result<std::uint64_t> trim(std::string_view name, const LogTrim& trim);
  void trim(std::string_view name, const LogTrim& trim, Done<std::uint64_t> done);

  // False: there was none. A log of that name that comes later goes on above its numbers.
  Result<bool> remove(std::string_view name);
  void remove(std::string_view name, Done<bool> done);

  // not_found: there is no such log.
  Result<LogInfo> get(std::string_view name) const;
  void get(std::string_view name, Done<LogInfo> done) const;

  // Those whose names begin with `prefix`, in the order of their names.
  Result<Page<LogInfo>> list(std::string_view prefix = {}, const PageRequest& page = {}) const;
  void list(std::string_view prefix, const PageRequest& page, Done<Page<LogInfo>> done) const;

 private:
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
