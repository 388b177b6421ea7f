// Numbers of one tenant as Prometheus text; docs/metrics.md has the table.
// Thread safety: a pure function. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "coordinator/message_counts.hpp"
#include "engine/operations.hpp"

namespace controlplane {

// What only this coordinator knows.
struct LocalMetrics {
  std::size_t waiting_claims = 0;
  std::size_t waiting_results = 0;
  std::size_t waiting_reads = 0;
  std::size_t subscriptions = 0;
  std::size_t outstanding_calls = 0;
  std::uint64_t state_retries = 0;
  const MessageCounts* messages = nullptr;
};

std::string metrics_of(const ReadStats& read, const LocalMetrics& local);

}  // namespace controlplane
