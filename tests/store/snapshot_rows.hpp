// Rows of a tenant, out and in, as tests handle them.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_audit.hpp"
#include "engine/namespace_import.hpp"
#include "engine/row_json.hpp"
#include "engine/row_lines.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {

using Rows = std::vector<std::string>;

inline void append_lines(Rows& rows, std::string_view frames) {
  RowBuffer lines;
  controlplane::append_lines(lines, frames);
  for (std::string_view text = lines.text(); !text.empty();) {
    const std::size_t end = text.find('\n');
    rows.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

// Reads an export to its end, in chunks of `max_bytes`, with between() before each of them.
template <class Between>
Rows read_export(Plane& plane, std::string_view id, std::size_t max_bytes, Between&& between) {
  Rows rows;
  ReadExport op;
  op.operation_id = id;
  op.max_bytes = max_bytes;
  for (op.number = 1; !op.done; ++op.number) {
    between();
    REQUIRE(plane.apply(op) == "ok");
    append_lines(rows, op.rows);
  }
  return rows;
}

inline std::string begin_export(Plane& plane, std::string_view id, Rows& head) {
  BeginExport op;
  op.operation_id = id;
  const std::string answer = plane.apply(op);
  if (answer == "ok") append_lines(head, op.rows);
  return answer;
}

inline void end_export(Plane& plane, std::string_view id) {
  EndExport op;
  op.operation_id = id;
  REQUIRE(plane.apply(op) == "ok");
}

// All rows, as they came.
template <class Between>
Rows export_rows(Plane& plane, std::size_t max_bytes, Between&& between) {
  Rows rows;
  REQUIRE(begin_export(plane, "export", rows) == "ok");
  const Rows rest = read_export(plane, "export", max_bytes, between);
  end_export(plane, "export");
  rows.insert(rows.end(), rest.begin(), rest.end());
  return rows;
}
inline Rows export_rows(Plane& plane) {
  return export_rows(plane, 1U << 20, [] {});
}

inline Result<std::unique_ptr<Namespace>> import_rows(const Rows& rows,
                                                      const NamespaceOptions& options,
                                                      Timestamp now, Timestamp finished) {
  NamespaceImport import("main", options, now);
  for (const std::string& row : rows) {
    const std::string padded = row + std::string(RowParser::kPadding, ' ');
    const auto added = import.add(std::string_view(padded).substr(0, row.size()));
    if (!added) return added.error();
  }
  return import.finish(finished);
}
inline Result<std::unique_ptr<Namespace>> import_rows(const Rows& rows,
                                                      const NamespaceOptions& options,
                                                      Timestamp now) {
  return import_rows(rows, options, now, now);
}

inline std::string adopt(Plane& plane, Namespace* tables, std::string_view id = "adoption") {
  AdoptTables op;
  op.operation_id = id;
  op.tables = tables;
  return plane.apply(op);
}

}  // namespace controlplane::conformance
