// How a namespace is exported: in chunks, as it was when the export began.
#include "engine/namespace_export.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/event_wire.hpp"
#include "engine/namespace_impl.hpp"
#include "engine/row_record.hpp"

namespace controlplane {
namespace {

constexpr int kVisits = 64;                      // slots per chunk, used or not

void write_event(RowBuffer& out, const LogTable::Entry& entry) {
  const event_wire::View view = event_wire::view(entry.bytes);
  const EventDraft& event = view.fields;
  EventRow row;
  row.seq = entry.seq;
  row.type = event.type;
  row.reason = event.reason;
  row.time = entry.time;
  if (view.is_task) row.task = TaskId(view.task);
  row.subject.text = event.subject;
  row.attempt = event.attempt;
  row.agent.text = event.agent;
  row.kind.text = event.kind;
  row.text.text = event.text;
  row.will_retry = event.will_retry;
  row.until = event.until;
  row.fraction = event.fraction;
  row.other.text = event.other;
  row.count = event.count;
  row.trace.text = event.trace;
  row.fence = event.fence;
  event_wire::for_labels(view.labels, [&](std::string_view key, std::string_view value) {
    row.labels.push_back({{key}, {value}});
    return true;
  });
  append_framed(out, row);
}

Error no_export(std::string_view id) {
  return Error::failed_precondition(
      fmt::format("export {} is not in progress: it ended, or nobody read it for {} s", id,
                  NamespaceExport::kGivenUpUs / 1'000'000));
}

}  // namespace

void Namespace::Impl::begin_export(BeginExport& op, Step& step) {
  if (exporting != nullptr && exporting->operation_id == op.operation_id) {
    op.rows = exporting->head;
    return;
  }
  if (exporting != nullptr && !give_up_export(step.now)) {
    op.failed = Error::failed_precondition(fmt::format(
        "export {} is in progress; there can be one at a time", exporting->operation_id));
    return;
  }
  exporting = std::make_unique<NamespaceExport>(std::string(op.operation_id),
                                                options.limits.max_export_aside_bytes);
  NamespaceExport& mine = *exporting;
  mine.read_at = step.now;
  mine.next_event = log.first_seq();
  mine.last_event = log.last_seq();

  HeaderRow header;
  TotalsRow totals;
  header.tenant.text = tenant;
  header.now = step.now;
  header.counts.events = log.size();
  totals.first_event = log.first_seq();
  totals.last_event = log.last_seq();
  agents.add_to(header.counts, totals);
  permits.add_to(header.counts, totals);
  tasks.add_to(header.counts, totals);
  documents.add_to(header.counts, totals);
  logs.add_to(header.counts, totals);
  RowBuffer head;
  append_framed(head, header);
  append_framed(head, totals);
  op.rows = mine.head = head.text();

  agents.begin_export(mine.aside);
  permits.begin_export(mine.aside);
  tasks.begin_export(mine.aside);
  documents.begin_export(mine.aside);
  logs.begin_export(mine.aside);
  log.watch_trimming([&mine](const LogTable::Entry& entry) {
    if (entry.seq != mine.next_event || entry.seq > mine.last_event) return;
    ++mine.next_event;
    mine.aside.add([&](RowBuffer& out) {
      write_event(out, entry);
      return true;
    });
  });
}

void Namespace::Impl::stop_exporting() noexcept {
  agents.end_export();
  permits.end_export();
  tasks.end_export();
  documents.end_export();
  logs.end_export();
  log.watch_trimming({});
  exporting.reset();
}

bool Namespace::Impl::give_up_export(Timestamp now) noexcept {
  if (exporting == nullptr || exporting->given_up_at() > now) return false;
  stop_exporting();
  return true;
}

// What was put aside goes first: it is memory that others may need, and it comes in any order.
void Namespace::Impl::read_export(ReadExport& op, Step& step) {
  if (exporting == nullptr || exporting->operation_id != op.operation_id) {
    op.failed = no_export(op.operation_id);
    return;
  }
  NamespaceExport& mine = *exporting;
  if (mine.aside.overflowed()) {
    op.failed = Error::resource_exhausted(
        fmt::format("more than max_export_aside_bytes ({}) changed before the export came to it",
                    options.limits.max_export_aside_bytes));
    return;
  }
  if (op.number != mine.number && op.number != mine.number + 1) {
    op.failed =
        Error::invalid_argument(fmt::format("export {}: chunk {} is not {} or the one behind",
                                            mine.operation_id, op.number, mine.number));
    return;
  }
  if (op.number != mine.number) {
    mine.number = op.number;
    mine.read_at = step.now;
    mine.chunk.clear();
    if (!mine.aside.take(mine.chunk)) {
      int visits = kVisits;
      while (mine.stage != NamespaceExport::Stage::done && read_stage(op.max_bytes, visits)) {
        mine.stage = static_cast<NamespaceExport::Stage>(static_cast<int>(mine.stage) + 1);
      }
      mine.done = mine.stage == NamespaceExport::Stage::done;
    }
  }
  op.rows = mine.chunk.text();
  op.done = mine.done;
}

// True: there is nothing more to read of it.
bool Namespace::Impl::read_stage(std::size_t bytes, int& visits) {
  RowBuffer& out = exporting->chunk;
  switch (exporting->stage) {
    case NamespaceExport::Stage::pools:
      return permits.read_pools(out, bytes, visits);
    case NamespaceExport::Stage::permits:
      return permits.read_permits(out, bytes, visits);
    case NamespaceExport::Stage::waiters:
      return permits.read_waiters(out, bytes, visits);
    case NamespaceExport::Stage::agents:
      return agents.read_agents(out, bytes, visits);
    case NamespaceExport::Stage::documents:
      return documents.read_documents(out, bytes, visits);
    case NamespaceExport::Stage::keys:
      return tasks.read_keys(out, bytes, visits);
    case NamespaceExport::Stage::tasks:
      return tasks.read_tasks(out, bytes, visits);
    case NamespaceExport::Stage::logs:
      return logs.read_logs(out, bytes, visits);
    case NamespaceExport::Stage::events:
      return read_events_of_export(bytes);
    case NamespaceExport::Stage::done:
      break;
  }
  return true;
}

bool Namespace::Impl::read_events_of_export(std::size_t bytes) {
  NamespaceExport& mine = *exporting;
  if (mine.next_event > mine.last_event) return true;
  const auto read = log.read(mine.next_event - 1, mine.last_event + 1 - mine.next_event,
                             [&](const LogTable::Entry& entry) {
                               if (mine.chunk.size() >= bytes) return false;
                               write_event(mine.chunk, entry);
                               mine.next_event = entry.seq + 1;
                               return true;
                             });
  return !read || mine.next_event > mine.last_event;
}

void Namespace::Impl::end_export(const EndExport& op) noexcept {
  if (exporting != nullptr && exporting->operation_id == op.operation_id) stop_exporting();
}

}  // namespace controlplane
