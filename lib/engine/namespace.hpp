// One tenant: its tables, composed. Applies one operation across them atomically.
// Pure: no clock, no threads, no I/O. One operation reads one `now`, which never goes back.
// Thread safety: none; the store locks around it.
// Errors: written into the operation; an operation that failed changed nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/limits.hpp"
#include "controlplane/task.hpp"
#include "engine/effects.hpp"
#include "engine/operations.hpp"

namespace controlplane {

inline constexpr Timestamp kNever = std::numeric_limits<Timestamp>::max();

// What the tables of one tenant need to know; the same in every store.
struct NamespaceOptions {
  Limits limits;
  Retention retention;
  std::int64_t heartbeat_timeout_us = 30'000'000;
  std::int64_t offline_retention_us = 86'400'000'000;
  std::int64_t event_retention_us = 0;      // 0 = by number and size only
  std::int64_t cancel_grace_us = 30'000'000;
  std::int64_t ageing_interval_us = 0;      // 0 = never
  std::int64_t default_timeout_us = 300'000'000;
  std::uint32_t default_max_retries = 3;
};

class Namespace {
 public:
  Namespace(std::string tenant, const NamespaceOptions& options);
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // What the store has to know after an operation.
  struct Aftermath {
    Timestamp next_due;
    std::uint64_t last_event;
    bool has_signals;
  };
  // Answers in `op`; op.now = max(now, every earlier now). Throws only std::bad_alloc.
  Aftermath apply(Operation& op, Timestamp now);

  Timestamp next_due() const noexcept;          // when Advance has something to do; kNever
  std::uint64_t last_event() const noexcept;    // 0 = none yet
  std::vector<Signal> take_signals();           // of the operations since the last call

  // A digest of everything that later answers depend on; equal histories have equal hashes.
  std::uint64_t state_hash() const;

 private:
  friend struct EngineAudit;
  friend class NamespaceImport;
  void adopt(AdoptTables& op);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace controlplane
