#include "runtime/event_cursor.hpp"

#include <algorithm>
#include <utility>

namespace controlplane {

EventCursor::EventCursor(std::uint64_t after, std::uint64_t history_end, std::size_t buffer,
                         std::size_t batch) noexcept
    : history_end_(history_end),
      buffer_(buffer),
      batch_(batch),
      position_(after),
      counted_to_(after) {}

void EventCursor::look(std::uint64_t last_seq) noexcept {
  if (last_seq == 0 || last_seq < position_) look_ = true;
  end_ = std::max(end_, last_seq);
}

std::uint64_t EventCursor::take_missed() noexcept { return std::exchange(missed_, 0); }

// More may wait than `buffer`, if everything not yet counted matches.
bool EventCursor::overflows() const noexcept {
  if (position_ < history_end_ || end_ <= position_) return false;
  const std::uint64_t uncounted = end_ > counted_to_ ? end_ - counted_to_ : 0;
  return waiting_ + uncounted > buffer_;
}

std::optional<EventCursor::Read> EventCursor::next() const noexcept {
  if (!overflows()) {
    if (!look_ && position_ >= end_) return std::nullopt;
    return Read{Purpose::deliver, position_, batch_};
  }
  if (counted_to_ < end_) return Read{Purpose::count, counted_to_, batch_};
  const std::size_t excess = waiting_ - buffer_;
  return Read{Purpose::skip, position_, std::min<std::size_t>(batch_, excess)};
}

void EventCursor::answered(const Read& read, const Answer& answer) noexcept {
  if (answer.last_seq < read.after) {  // the log lost its tail: go on from what it is now
    look_ = false;
    position_ = counted_to_ = end_ = answer.last_seq;
    waiting_ = 0;
    return;
  }
  switch (read.purpose) {
    case Purpose::deliver:
      look_ = false;
      move_to(answer.last_visited, answer.matching);
      end_ = answer.last_seq;
      break;
    case Purpose::count:
      counted_to_ = answer.last_visited;
      waiting_ += answer.matching;
      break;
    case Purpose::skip:
      move_to(answer.last_visited, answer.matching);
      missed_ += answer.matching;
      break;
  }
  if (answer.last_visited == read.after) end_ = read.after;  // whatever was said: there is no more
}

void EventCursor::move_to(std::uint64_t position, std::size_t matching) noexcept {
  position_ = position;
  if (position_ >= counted_to_) {
    counted_to_ = position_;
    waiting_ = 0;
  } else {
    waiting_ -= std::min<std::uint64_t>(waiting_, matching);
  }
}

bool EventCursor::trimmed(std::uint64_t first_seq) noexcept {
  look_ = true;
  if (first_seq <= position_ + 1) return false;
  missed_ += first_seq - 1 - position_;
  position_ = counted_to_ = first_seq - 1;
  waiting_ = 0;
  return true;
}

}  // namespace controlplane
