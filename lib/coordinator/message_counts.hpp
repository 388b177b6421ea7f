// What the mailboxes of one coordinator did. What is accepted is counted once: neither is a repetition,
// nor what may or may not have been.
// Thread safety: counted from any thread; a snapshot is not of one moment.
// Errors: none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/operations.hpp"

namespace controlplane {

enum class MessageEvent : std::uint8_t {
  sent, refused,                     // by the store
  delivered, redelivered, rejected,  // handed out; not handed out: not genuine
  acknowledged, failed,              // by their receivers
  sent_unknown, end_unknown          // the store did not say what became of it
};
inline constexpr std::size_t kMessageEvents = 9;

class MessageCounts {
 public:
  void count(MessageEvent event, std::uint64_t by = 1) noexcept {
    events_[static_cast<std::size_t>(event)].fetch_add(by, std::memory_order_relaxed);
  }
  // From send to first delivery.
  void observe(std::int64_t latency_us) noexcept {
    std::size_t bucket = 0;
    while (bucket < kHistogramBounds.size() &&
           static_cast<double>(latency_us) > kHistogramBounds[bucket] * 1e6) {
      ++bucket;
    }
    latencies_[bucket].fetch_add(1, std::memory_order_relaxed);
    latency_us_.fetch_add(latency_us, std::memory_order_relaxed);
  }

  std::uint64_t of(MessageEvent event) const noexcept {
    return events_[static_cast<std::size_t>(event)].load(std::memory_order_relaxed);
  }
  Histogram latency() const noexcept {
    Histogram copy;
    for (std::size_t i = 0; i < latencies_.size(); ++i) {
      copy.counts[i] = latencies_[i].load(std::memory_order_relaxed);
    }
    copy.sum_seconds = static_cast<double>(latency_us_.load(std::memory_order_relaxed)) * 1e-6;
    return copy;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kMessageEvents> events_{};
  std::array<std::atomic<std::uint64_t>, kHistogramBounds.size() + 1> latencies_{};
  std::atomic<std::int64_t> latency_us_{0};
};

}  // namespace controlplane
