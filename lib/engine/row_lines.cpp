#include "engine/row_lines.hpp"

#include <cassert>

#include "engine/row_json.hpp"
#include "engine/row_record.hpp"

namespace controlplane {
namespace {

template <class Row>
void append_line(RowBuffer& lines, std::string_view record) {
  Row row;
  [[maybe_unused]] const auto read = read_record(record, row);
  assert(read);
  append_row(lines, row);
  lines.append('\n');
}

void append_line(RowBuffer& lines, const Frame& frame) {
  switch (frame.kind) {
    case RowKind::header:
      return append_line<HeaderRow>(lines, frame.record);
    case RowKind::totals:
      return append_line<TotalsRow>(lines, frame.record);
    case RowKind::pool:
      return append_line<PoolRow>(lines, frame.record);
    case RowKind::permit:
      return append_line<PermitRow>(lines, frame.record);
    case RowKind::waiter:
      return append_line<WaiterRow>(lines, frame.record);
    case RowKind::called:
      return append_line<CalledRow>(lines, frame.record);
    case RowKind::agent:
      return append_line<AgentRow>(lines, frame.record);
    case RowKind::document:
      return append_line<DocumentRow>(lines, frame.record);
    case RowKind::key:
      return append_line<KeyRow>(lines, frame.record);
    case RowKind::task:
      return append_line<TaskRow>(lines, frame.record);
    case RowKind::log:
      return append_line<LogRow>(lines, frame.record);
    case RowKind::entry:
      return append_line<EntryRow>(lines, frame.record);
    case RowKind::event:
      return append_line<EventRow>(lines, frame.record);
    case RowKind::trailer:
      return append_line<TrailerRow>(lines, frame.record);
  }
}

}  // namespace

void append_lines(RowBuffer& lines, std::string_view frames) {
  while (!frames.empty()) append_line(lines, take_frame(frames));
}

}  // namespace controlplane
