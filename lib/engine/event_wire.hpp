// The bytes of an encoded event, read back as views. For the files of event.hpp only.
// Thread safety: pure. Lifetime: views of the encoded bytes. Errors: broken bytes assert.
#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/event.hpp"

namespace controlplane::event_wire {

// Bits of `present`.
enum Field : std::uint16_t {
  kTask = 1 << 0,
  kSubject = 1 << 1,
  kAttempt = 1 << 2,
  kAgent = 1 << 3,
  kKind = 1 << 4,
  kText = 1 << 5,
  kWillRetry = 1 << 6,
  kUntil = 1 << 7,
  kFraction = 1 << 8,
  kOther = 1 << 9,
  kCount = 1 << 10,
  kTrace = 1 << 11,
  kLabels = 1 << 12,
  kFence = 1 << 13
};

inline constexpr std::size_t kHeadBytes = 4;
inline constexpr std::size_t kMaxVarint = 5;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), left_(bytes.size()) {}

  const char* raw(std::size_t size) {
    assert(size <= left_);
    left_ -= size;
    return std::exchange(at_, at_ + size);
  }
  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, raw(sizeof value), sizeof value);
    return value;
  }
  std::string_view text() {
    const std::uint32_t size = varint();
    return {raw(size), size};
  }
  std::string_view rest() const { return {at_, left_}; }

 private:
  std::uint32_t varint() {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = number<std::uint8_t>();
      value |= std::uint32_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }

  const char* at_;
  std::size_t left_;
};

// An EventDraft again, but for its time, which the log has, and its labels, which stay encoded.
struct View {
  EventDraft fields;
  TaskId::Uuid task{};
  bool is_task = false;
  std::string_view labels;
};

inline View view(std::string_view bytes) {
  Reader in(bytes);
  View out;
  EventDraft& f = out.fields;
  f.type = in.number<EventType>();
  f.reason = in.number<TaskReason>();
  const auto present = in.number<std::uint16_t>();
  out.is_task = (present & kTask) != 0;
  if (out.is_task) out.task = in.number<TaskId::Uuid>();
  if (present & kSubject) f.subject = in.text();
  if (present & kAttempt) f.attempt = in.number<std::uint32_t>();
  if (present & kAgent) f.agent = in.text();
  if (present & kKind) f.kind = in.text();
  if (present & kText) f.text = in.text();
  if (present & kWillRetry) f.will_retry = in.number<std::uint8_t>() != 0;
  if (present & kUntil) f.until = in.number<Timestamp>();
  if (present & kFraction) f.fraction = in.number<double>();
  if (present & kOther) f.other = in.text();
  if (present & kCount) f.count = in.number<std::uint64_t>();
  if (present & kTrace) f.trace = in.text();
  if (present & kFence) f.fence = in.number<std::uint64_t>();
  out.labels = in.rest();
  return out;
}

struct Subject {
  bool is_task = false;
  TaskId::Uuid task{};
  std::string_view text;
};

// Only that, for a filter that looks at thousands of events under a lock.
inline Subject subject_of(std::string_view bytes) {
  Reader in(bytes);
  in.raw(2);
  const auto present = in.number<std::uint16_t>();
  Subject subject;
  subject.is_task = (present & kTask) != 0;
  if (subject.is_task) subject.task = in.number<TaskId::Uuid>();
  if (present & kSubject) subject.text = in.text();
  return subject;
}

// Calls each(key, value) for encoded labels until it answers false.
template <class Each>
void for_labels(std::string_view labels, Each&& each) {
  if (labels.empty()) return;
  Reader in(labels);
  for (auto left = in.number<std::uint8_t>(); left > 0; --left) {
    const std::string_view key = in.text();
    if (!each(key, in.text())) return;
  }
}

}  // namespace controlplane::event_wire
