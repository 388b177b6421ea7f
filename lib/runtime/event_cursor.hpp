// Where one subscription stands in the log, and what it reads next: decides, and reads nothing.
// Pure: no clock, no threads, no I/O.
// Thread safety: none; belongs to its subscription's strand.
// Errors: none.
//
// The log itself is the buffer. As long as no more positions wait than `buffer` events may, it just
// reads. Beyond that it first counts what matches, each position once, and skips the oldest above
// `buffer`, which counts them as missed. History from before the subscription is never skipped.
//
// Invariants:
//  1. position_ <= counted_to_; `waiting_` events match in (position_, counted_to_].
//  2. Counting and skipping aim at the end as it was known when they began: a log that grows faster
//     than it is counted cannot keep a subscription from delivering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace controlplane {

class EventCursor {
 public:
  enum class Purpose : std::uint8_t { deliver, count, skip };
  struct Read {
    Purpose purpose;
    std::uint64_t after;
    std::size_t max_items;
  };
  struct Answer {
    std::size_t matching;        // events answered
    std::uint64_t last_visited;
    std::uint64_t last_seq;      // of the log
  };

  // `history_end`: the log's end when the subscription began.
  EventCursor(std::uint64_t after, std::uint64_t history_end, std::size_t buffer,
              std::size_t batch = 256) noexcept;

  // There may be something new, up to `last_seq` if that is known, else 0. A number below the
  // position is either old news or a log that lost its tail: it looks.
  void look(std::uint64_t last_seq) noexcept;
  // Nothing: all that is known was read.
  std::optional<Read> next() const noexcept;
  void answered(const Read& read, const Answer& answer) noexcept;
  // What was to be read is trimmed up to first_seq − 1: all of it counts as missed. False: it is
  // not trimmed.
  bool trimmed(std::uint64_t first_seq) noexcept;

  std::uint64_t position() const noexcept { return position_; }
  bool has_missed() const noexcept { return missed_ > 0; }
  std::uint64_t take_missed() noexcept;

 private:
  bool overflows() const noexcept;
  void move_to(std::uint64_t position, std::size_t matching) noexcept;

  const std::uint64_t history_end_;
  const std::size_t buffer_;
  const std::size_t batch_;
  std::uint64_t position_;       // everything up to it was delivered, skipped or does not match
  std::uint64_t end_ = 0;        // of the log, as far as known
  std::uint64_t counted_to_;
  std::uint64_t waiting_ = 0;
  std::uint64_t missed_ = 0;
  bool look_ = true;             // read at least once more, whatever end_ says
};

}  // namespace controlplane
