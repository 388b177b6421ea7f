// Snapshots: everything that a tenant holds as a file of JSON lines, and back into a tenant that
// never held anything; and small states of single agents as JSON. docs/snapshots.md has the format.
// Thread safety: every method may be called from any thread but the loop's; copies share the
// coordinator.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown, but for what sinks and sources throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/json.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

class Coordinator;
class CoordinatorCore;

struct SnapshotSummary {
  Timestamp taken_at = 0;                // what is in it is as it was then
  std::uint64_t agents = 0, tasks = 0, documents = 0, pools = 0, permits = 0, events = 0;
  std::uint64_t logs = 0, entries = 0;   // and what is in them
  std::uint64_t waiters = 0;             // who waits for permits
  std::uint64_t keys = 0;                // of submits whose tasks are gone
  std::uint64_t lines = 0, bytes = 0;    // of the whole file
  std::string sha256;                    // of all lines but the last one, in hexadecimal
};

class Snapshots {
 public:
  explicit Snapshots(const Coordinator& plane);

  // Writes the tenant as it is at the beginning, while work goes on; the file appears at `path` only
  // when it is whole and on disk, in place of one that was there. failed_precondition: another
  // export is in progress, or the sink took nothing for a minute. resource_exhausted: more than
  // Limits::max_export_aside_bytes changed before the export came to it. unavailable: the file cannot be written, and why. Cost: as fast as JSON can be written;
  // claims wait a few microseconds for it at a time.
  Result<SnapshotSummary> export_snapshot(std::string_view path);
  // The same, given to `sink` in pieces, none of them empty; its error ends the export and is answered.
  using Sink = std::function<Result<void>(std::string_view bytes)>;
  Result<SnapshotSummary> export_snapshot(const Sink& sink);

  // Puts what was exported into this tenant, all at once after all of it was found right.
  // failed_precondition: the tenant is or was in use, or the file has values that are encrypted for
  // a tenant of another name. invalid_argument: the file is damaged or
  // contradicts itself, and in which line. not_found, unavailable: it cannot be read, and why.
  // Execution and lease deadlines, and permits, go on as if the time since the export had not been;
  // queue, total, retention and delay deadlines do not.
  Result<SnapshotSummary> import_snapshot(std::string_view path);
  // The same, from `source`: writes at most `size` bytes to `to` and answers how many; 0 = the end.
  using Source = std::function<Result<std::size_t>(char* to, std::size_t size)>;
  Result<SnapshotSummary> import_snapshot(const Source& source);

  // What can be said of the tenant in one object: totals of agents, tasks, documents and permits.
  Result<Json> get_state_snapshot() const;
  // An agent's own: its record, the ids of the tasks that it holds and that wait for it alone (at
  // most Limits::max_page each), and the state that it set. not_found: it is not registered and
  // set none.
  Result<Json> get_state_snapshot(std::string_view agent_id) const;
  // Keeps `state` for the agent, registered or not: the document "agent-state/<agent_id>". Of what
  // get_state_snapshot gave for an agent only the state is taken, so that snapshots do not nest.
  // Answers the version of the document; 0 if that agent had set no state: then nothing is kept.
  Result<std::uint64_t> set_state(std::string_view agent_id, Json state);

 private:
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
