#include "engine/event.hpp"

#include <cassert>
#include <cmath>
#include <cstring>

#include "engine/event_wire.hpp"

namespace controlplane {
namespace {

using namespace event_wire;

class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  void raw(const void* bytes, std::size_t size) {
    std::memcpy(at_, bytes, size);
    at_ += size;
  }
  template <class Number>
  void number(Number value) {
    raw(&value, sizeof value);
  }
  void text(std::string_view value) {
    auto size = static_cast<std::uint32_t>(value.size());
    for (; size >= 0x80; size >>= 7) number(static_cast<std::uint8_t>(size | 0x80));
    number(static_cast<std::uint8_t>(size));
    bytes(value);
  }
  char* at() const { return at_; }

 private:
  // Most texts are names of 8 to 16 bytes: two overlapping words are cheaper than a call.
  void bytes(std::string_view value) {
    const std::size_t size = value.size();
    if (size >= 8 && size <= 16) {
      char words[16];
      std::memcpy(words, value.data(), 8);
      std::memcpy(words + 8, value.data() + size - 8, 8);
      std::memcpy(at_, words, 8);
      std::memcpy(at_ + size - 8, words + 8, 8);
      at_ += size;
    } else {
      raw(value.data(), size);
    }
  }

  char* at_;
};

unsigned presence(const EventDraft& d) {
  unsigned bits = d.task != nullptr ? unsigned{kTask} : d.subject.empty() ? 0u : unsigned{kSubject};
  if (d.attempt != 0) bits |= kAttempt;
  if (!d.agent.empty()) bits |= kAgent;
  return bits;
}

// The fields that most events do not have.
unsigned rare_presence(const EventDraft& d) {
  unsigned bits = 0;
  if (!d.kind.empty()) bits |= kKind;
  if (!d.text.empty()) bits |= kText;
  if (d.will_retry) bits |= kWillRetry;
  if (d.until != 0) bits |= kUntil;
  if (d.fraction) bits |= kFraction;
  if (!d.other.empty()) bits |= kOther;
  if (d.count != 0) bits |= kCount;
  if (!d.trace.empty()) bits |= kTrace;
  if (d.fence != 0) bits |= kFence;
  if (d.labels != nullptr && !d.labels->empty()) bits |= kLabels;
  return bits;
}

std::size_t labels_bound(const Labels& labels) {
  std::size_t bytes = 1;
  for (const auto& [key, value] : labels) bytes += key.size() + value.size() + 2 * kMaxVarint;
  return bytes;
}

// Never too little; what is too much is given back by commit().
std::size_t bound(const EventDraft& d) {
  return kHeadBytes + sizeof(TaskId::Uuid) + sizeof d.attempt + d.subject.size() + d.agent.size() +
         2 * kMaxVarint;
}

std::size_t rare_bound(const EventDraft& d) {
  constexpr std::size_t numbers = 1 + sizeof d.until + sizeof(double) + sizeof d.count + sizeof d.fence;
  const std::size_t texts = d.kind.size() + d.text.size() + d.other.size() + d.trace.size();
  return numbers + texts + 4 * kMaxVarint + (d.labels != nullptr ? labels_bound(*d.labels) : 0);
}

void write_labels(Writer& out, const Labels& labels) {
  assert(labels.size() <= 255);
  out.number(static_cast<std::uint8_t>(labels.size()));
  for (const auto& [key, value] : labels) {
    out.text(key);
    out.text(value);
  }
}

void write_rare(Writer& out, const EventDraft& d, unsigned present) {
  if (present & kKind) out.text(d.kind);
  if (present & kText) out.text(d.text);
  if (present & kWillRetry) out.number(static_cast<std::uint8_t>(*d.will_retry));
  if (present & kUntil) out.number(d.until);
  if (present & kFraction) out.number(*d.fraction);
  if (present & kOther) out.text(d.other);
  if (present & kCount) out.number(d.count);
  if (present & kTrace) out.text(d.trace);
  if (present & kFence) out.number(d.fence);
  if (present & kLabels) write_labels(out, *d.labels);
}

}  // namespace

std::uint64_t append_event(LogTable& log, const EventDraft& draft) {
  assert(!draft.fraction || std::isfinite(*draft.fraction));
  const unsigned rare = rare_presence(draft);
  const unsigned present = presence(draft) | rare;
  char* const begin = log.append_space(bound(draft) + (rare != 0 ? rare_bound(draft) : 0));
  Writer out(begin);
  out.number(draft.type);
  out.number(draft.reason);
  out.number(static_cast<std::uint16_t>(present));
  if (present & kTask) out.number(*draft.task);
  if (present & kSubject) out.text(draft.subject);
  if (present & kAttempt) out.number(draft.attempt);
  if (present & kAgent) out.text(draft.agent);
  if (rare != 0) write_rare(out, draft, rare);
  return log.commit(static_cast<std::size_t>(out.at() - begin), draft.time);
}

std::uint64_t append_task_event(LogTable& log, EventType type, Timestamp time,
                                const TaskId::Uuid& task, std::uint32_t attempt,
                                std::string_view agent) {
  unsigned present = kTask;
  if (attempt != 0) present |= kAttempt;
  if (!agent.empty()) present |= kAgent;
  char* const begin = log.append_space(kHeadBytes + sizeof task + sizeof attempt + kMaxVarint +
                                       agent.size());
  Writer out(begin);
  out.number(type);
  out.number(TaskReason::none);
  out.number(static_cast<std::uint16_t>(present));
  out.number(task);
  if (present & kAttempt) out.number(attempt);
  if (present & kAgent) out.text(agent);
  return log.commit(static_cast<std::size_t>(out.at() - begin), time);
}

}  // namespace controlplane
