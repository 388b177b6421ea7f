#include <utility>

#include "base/ids.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/snapshot.hpp"
#include "coordinator/coordinator_core.hpp"
#include "engine/namespace_import.hpp"
#include "engine/row_lines.hpp"
#include "engine/row_record.hpp"
#include "mesh/snapshot_calls.hpp"
#include "mesh/snapshot_file.hpp"
#include "mesh/snapshot_reader.hpp"
#include "mesh/snapshot_writer.hpp"

namespace controlplane {
namespace {

std::string new_operation(CoordinatorCore& core) {
  return make_operation_id(core.calls().entropy(), core.calls().store().now());
}

// Ends the export whatever happens, so that the next one can begin.
class Export {
 public:
  explicit Export(CoordinatorCore& core) : core_(core), id_(new_operation(core)) {}
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;
  ~Export() {
    Checks checks(core_.limits());
    (void)core_.block(checks, EndExportCall(id_));
  }

  Result<std::string> begin() {
    Checks checks(core_.limits());
    return core_.block(checks, BeginExportCall(id_));
  }
  // False: that was the last one.
  Result<bool> next(std::string& rows) {
    Checks checks(core_.limits());
    auto read = core_.block(checks, ReadExportCall(id_, ++number_));
    if (!read) return std::move(read.error());
    rows = std::move(read->rows);
    return !read->done;
  }

 private:
  CoordinatorCore& core_;
  const std::string id_;
  std::uint64_t number_ = 0;
};

SnapshotSummary summary_of(const RowCounts& counts) {
  SnapshotSummary summary;
  summary.pools = counts.pools;
  summary.permits = counts.permits;
  summary.waiters = counts.waiters;
  summary.agents = counts.agents;
  summary.documents = counts.documents;
  summary.keys = counts.keys;
  summary.tasks = counts.tasks;
  summary.logs = counts.logs;
  summary.entries = counts.entries;
  summary.events = counts.events;
  return summary;
}

Result<HeaderRow> header_of(std::string_view rows) {
  HeaderRow header;
  if (auto read = read_record(take_frame(rows).record, header); !read) {
    return std::move(read.error());
  }
  return header;  // its texts are not asked for
}

}  // namespace

Snapshots::Snapshots(const Coordinator& plane) : core_(plane.core()) {}

Result<SnapshotSummary> Snapshots::export_snapshot(const Sink& sink) {
  Export mine(*core_);
  auto rows = mine.begin();
  if (!rows) return std::move(rows.error());
  const auto header = header_of(*rows);
  if (!header) return header.error();
  SnapshotWriter writer(sink);
  RowBuffer lines;
  for (bool more = true;;) {
    lines.clear();
    append_lines(lines, *rows);
    if (auto added = writer.add(lines.text()); !added) return std::move(added.error());
    if (!more) break;
    const auto next = mine.next(*rows);
    if (!next) return next.error();
    more = *next;
  }
  if (auto finished = writer.finish(); !finished) return std::move(finished.error());
  SnapshotSummary summary = summary_of(header->counts);
  summary.taken_at = header->now;
  summary.lines = writer.lines();
  summary.bytes = writer.bytes();
  summary.sha256 = writer.sha256();
  return summary;
}

Result<SnapshotSummary> Snapshots::export_snapshot(std::string_view path) {
  auto file = NewFile::create(path);
  if (!file) return std::move(file.error());
  auto summary = export_snapshot([&](std::string_view bytes) { return file->write(bytes); });
  if (!summary) return summary;
  if (auto committed = file->commit(); !committed) return std::move(committed.error());
  return summary;
}

Result<SnapshotSummary> Snapshots::import_snapshot(const Source& source) {
  const std::string id = new_operation(*core_);
  Checks checks(core_->limits());
  auto asked = core_->block(checks, AdoptCall(id, nullptr));
  if (!asked) return std::move(asked.error());
  NamespaceImport import(asked->tenant, *asked->options, asked->now);
  SnapshotReader reader(source, asked->options->limits, import);
  if (auto read = reader.read_all(); !read) return std::move(read.error());
  auto tables = import.finish(core_->calls().store().now());
  if (!tables) return std::move(tables.error());
  auto adopted = core_->block(checks, AdoptCall(id, *std::move(tables)));
  if (!adopted) return std::move(adopted.error());
  SnapshotSummary summary = summary_of(import.counts());
  summary.taken_at = import.taken_at();
  summary.lines = reader.lines();
  summary.bytes = reader.bytes();
  summary.sha256 = reader.sha256();
  return summary;
}

Result<SnapshotSummary> Snapshots::import_snapshot(std::string_view path) {
  auto file = OldFile::open(path);
  if (!file) return std::move(file.error());
  return import_snapshot([&](char* to, std::size_t size) { return file->read(to, size); });
}

}  // namespace controlplane
