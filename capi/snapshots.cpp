// Snapshots: to and from files and callbacks; states of agents. All of them block.
#include "capi/input.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "controlplane/snapshot.hpp"

namespace controlplane::capi {
namespace {

Error gave_up(std::int32_t status, const char* who) {
  if (status < CP_OK || status > CP_INTERNAL) {
    return Error::internal(std::string(who) + " answered " + std::to_string(status) +
                           ", which is no status");
  }
  return Error{static_cast<ErrorCode>(status - 1), std::string(who) + " gave up"};
}

Snapshots::Sink sink_of(cp_snapshot_sink sink, void* user_data) {
  if (sink == nullptr) refuse("sink is NULL");
  return [=](std::string_view bytes) -> Result<void> {
    const std::int32_t status = sink(bytes.data(), bytes.size(), user_data);
    if (status == CP_OK) return {};
    return gave_up(status, "the sink");
  };
}

Snapshots::Source source_of(cp_snapshot_source source, void* user_data) {
  if (source == nullptr) refuse("source is NULL");
  return [=](char* to, std::size_t size) -> Result<std::size_t> {
    std::size_t length = 0;
    const std::int32_t status = source(to, size, &length, user_data);
    if (status == CP_OK) return length;
    return gave_up(status, "the source");
  };
}

// `out` may be NULL: then nobody asks for the summary.
template <class Operation>
std::int32_t summarize(cp_snapshot_summary** out, cp_coordinator* handle,
                       Operation&& operation) noexcept {
  if (out != nullptr) return call_for(out, handle, operation, give<SummaryView>);
  return call(handle, operation, [](const SnapshotSummary&) {});
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_snapshot_export(cp_snapshot_summary** out, cp_coordinator* coordinator,
                           const char* path) {
  return summarize(out, coordinator, [=](Plane& plane) {
    return Snapshots(plane.coordinator).export_snapshot(view(path));
  });
}
int32_t cp_snapshot_export_to(cp_snapshot_summary** out, cp_coordinator* coordinator,
                              cp_snapshot_sink sink, void* user_data) {
  return summarize(out, coordinator, [=](Plane& plane) {
    return Snapshots(plane.coordinator).export_snapshot(sink_of(sink, user_data));
  });
}

int32_t cp_snapshot_import(cp_snapshot_summary** out, cp_coordinator* coordinator,
                           const char* path) {
  return summarize(out, coordinator, [=](Plane& plane) {
    return Snapshots(plane.coordinator).import_snapshot(view(path));
  });
}
int32_t cp_snapshot_import_from(cp_snapshot_summary** out, cp_coordinator* coordinator,
                                cp_snapshot_source source, void* user_data) {
  return summarize(out, coordinator, [=](Plane& plane) {
    return Snapshots(plane.coordinator).import_snapshot(source_of(source, user_data));
  });
}

int32_t cp_snapshot_state(cp_text** out, cp_coordinator* coordinator, const char* agent_id) {
  return call_for(
      out, coordinator,
      [=](Plane& plane) {
        const Snapshots snapshots(plane.coordinator);
        return agent_id == nullptr ? snapshots.get_state_snapshot()
                                   : snapshots.get_state_snapshot(view(agent_id));
      },
      [](const Json& json) { return new TextView(json.str()); });
}

int32_t cp_snapshot_set_state(uint64_t* out, cp_coordinator* coordinator, const char* agent_id,
                              const char* state, size_t length) {
  uint64_t ignored = 0;
  return call_for(
      out == nullptr ? &ignored : out, coordinator,
      [=](Plane& plane) {
        return Snapshots(plane.coordinator)
            .set_state(view(agent_id),
                       json("state", state, length, plane.limits().max_document_bytes,
                            "max_document_bytes"));
      },
      [](std::uint64_t version) { return version; });
}
