// Reads the lines of a snapshot, checks their sums and gives the rows to an import.
// Thread safety: none.
// Errors: invalid_argument, naming the line; those of the source and of the import.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/snapshot.hpp"
#include "engine/namespace_import.hpp"
#include "engine/row_buffer.hpp"

namespace controlplane {

class SnapshotReader {
 public:
  SnapshotReader(const Snapshots::Source& source, const Limits& limits, NamespaceImport& import);

  Result<void> read_all();
  std::uint64_t lines() const noexcept { return lines_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::string& sha256() const noexcept { return sha256_; }

 private:
  // Sets `line` to the next line, without its end; false: there is none.
  Result<bool> next(std::string_view& line);
  Result<void> fill();
  Result<void> add(std::string_view line);
  Result<void> check_trailer();

  const Snapshots::Source& source_;
  NamespaceImport& import_;
  const std::size_t max_line_;
  RowBuffer buffer_;
  std::size_t at_ = 0;     // in the buffer
  bool ended_ = false;     // the source
  bool complete_ = false;  // the trailer came
  FieldDigest sum_;
  Sha256 whole_;
  std::string sha256_;
  std::uint64_t lines_ = 0, bytes_ = 0;
};

}  // namespace controlplane
