// One event of the history as the tables write it, and its compact encoding.
//
//   type u8 · reason u8 · present u16 · the fields whose bit is set in `present`, in
//   order: task id 16 bytes | subject text · attempt u32 · agent text · kind text · text text ·
//   will_retry u8 · until i64 · fraction f64 · other text · count u64 · trace text ·
//   fence u64 · labels (u8, then pairs of text)
//   A text is its length (base-128 varint) and its bytes; numbers have the byte order of the
//   machine. Its time is that of the entry.
//
// An absent field costs nothing, and the common event is copied once: into the log.
// Thread safety: pure functions; EventMatcher is immutable.
// Lifetime: a draft views what its maker holds, for the call.
// Errors: none. Encoded events come from append_event only; anything else is a defect and asserts.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "controlplane/event.hpp"
#include "controlplane/task.hpp"
#include "engine/event_type.hpp"
#include "engine/log_table.hpp"

namespace controlplane {

// Empty, zero and unset all mean absent.
struct EventDraft {
  // Written out because GCC clears an aggregate of this size with `rep stos`: 12 ns instead of 3.
  EventDraft() noexcept {}

  EventType type = EventType::task_submitted;
  TaskReason reason = TaskReason::none;
  Timestamp time = 0;
  const TaskId::Uuid* task = nullptr;    // the subject, if it is a task with a made id
  std::string_view subject;              // the subject otherwise
  std::uint32_t attempt = 0;
  std::string_view agent;
  std::string_view kind;                 // of a failure or an end: "retryable", "crash", …
  std::string_view text;                 // "error" or "note" in the data, by type
  std::optional<bool> will_retry;
  Timestamp until = 0;
  std::optional<double> fraction;        // finite
  std::string_view other;                // "ref" in the data: a parent, a successor, …
  std::uint64_t count = 0;
  std::uint64_t fence = 0;               // of a permit
  const Labels* labels = nullptr;        // the subject's; at most 255
  std::string_view trace;
};

std::uint64_t append_event(LogTable& log, const EventDraft& draft);
// The same event as a draft with these fields only; the tables append mostly such.
std::uint64_t append_task_event(LogTable& log, EventType type, Timestamp time,
                                const TaskId::Uuid& task, std::uint32_t attempt,
                                std::string_view agent);

Event decode_event(const LogTable::Entry& entry, std::string_view tenant);

// invalid_argument for types that no event can have; the message names them.
Result<void> check_event_filter(const EventFilter& filter);

// A filter made ready for many events. What the filter names must outlive it.
class EventMatcher {
 public:
  explicit EventMatcher(const EventFilter& filter);
  bool matches(std::string_view bytes) const;  // of an encoded event

 private:
  bool subject_matches(std::string_view bytes) const;
  bool subject_begins(std::string_view bytes) const;
  bool label_matches(std::string_view bytes) const;

  std::bitset<kEventTypes> types_;
  const EventFilter& filter_;
  TaskId subject_;
};

inline bool matches(const EventFilter& filter, std::string_view bytes) {
  return EventMatcher(filter).matches(bytes);
}

}  // namespace controlplane
