// One export of a namespace in progress.
// Thread safety: none; lives under the lock of its namespace.
#pragma once

#include <cstdint>
#include <string>

#include "controlplane/task.hpp"
#include "engine/export_cut.hpp"
#include "engine/row_buffer.hpp"

namespace controlplane {

struct NamespaceExport {
  NamespaceExport(std::string id, std::size_t max_aside_bytes)
      : operation_id(std::move(id)), aside(max_aside_bytes) {}

  // Whose rows are next, in this order.
  enum class Stage : std::uint8_t {
    pools,
    permits,
    waiters,
    agents,
    documents,
    keys,
    tasks,
    logs,
    events,
    done
  };

  static constexpr std::int64_t kGivenUpUs = 60'000'000;  // after so long without a reader
  Timestamp given_up_at() const noexcept { return read_at + kGivenUpUs; }

  const std::string operation_id;
  std::string head;  // what begin answered
  ExportAside aside;
  Stage stage = Stage::pools;
  std::uint64_t next_event = 1, last_event = 0;
  RowBuffer chunk;           // the last one that was handed out
  std::uint64_t number = 0;  // of it
  bool done = false;         // it was the last one
  Timestamp read_at = 0;
};

}  // namespace controlplane
