// Builds a namespace from the rows of a snapshot, aside of the one that is to have them. Rows come
// line by line; nothing can be seen of them before all of them were found right.
// Pure: no clock, no threads, no I/O.
// Thread safety: none.
// Errors: invalid_argument or resource_exhausted, naming the line, the field and the rule. After
// one the import is good for nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/result.hpp"
#include "engine/namespace.hpp"
#include "engine/rows.hpp"

namespace controlplane {

class NamespaceImport {
 public:
  // `now` is that of the store; the rows may be up to a day ahead of it.
  NamespaceImport(std::string tenant, const NamespaceOptions& options, Timestamp now);
  ~NamespaceImport();
  NamespaceImport(const NamespaceImport&) = delete;
  NamespaceImport& operator=(const NamespaceImport&) = delete;

  // The row of the next line; RowParser::kPadding readable bytes follow it. Answers its kind; a
  // trailer is only read, for trailer().
  Result<RowKind> add(std::string_view row);
  const TrailerRow& trailer() const noexcept;  // valid until the next add()
  const RowCounts& counts() const noexcept;    // of the rows so far
  Timestamp taken_at() const noexcept;         // what the header says

  // After the last row. `now`, again that of the store, is when holders may go on.
  Result<std::unique_ptr<Namespace>> finish(Timestamp now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace controlplane
