// An append-only stream of entries, numbered without gaps, each with its time, trimmed at its old
// end by number, size and age.
// Pure: no clock, no threads, no I/O. Times come in and never go back.
// Thread safety: none; lives under the lock of its namespace.
// Lifetime: views of entries are valid until the next append or trim.
// Errors: data_loss to a reader that fell behind the trim; it names the first number still there.
// Cost: an append touches only the end of one chunk; finding a number is a binary search over
// chunks and one look-up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

class LogTable {
 public:
  struct Bounds {
    std::uint64_t max_entries = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  // of the entries' own
    std::int64_t max_age_us = 0;                                          // 0 = never too old
  };
  struct Entry {
    std::uint64_t seq;
    Timestamp time;
    std::string_view bytes;
  };
  struct Extent {
    std::uint64_t entries = 0, bytes = 0;
  };
  static constexpr Timestamp kNeverDue = std::numeric_limits<Timestamp>::max();

  LogTable() : LogTable(Bounds{}) {}
  // The first entry will have the number after `begins_after`.
  explicit LogTable(Bounds bounds, std::uint64_t begins_after = 0)
      : bounds_(bounds), first_seq_(begins_after + 1), last_seq_(begins_after) {}

  // Answers the number of the new entry, after trimming older ones to the bounds. The newest entry
  // stays, however large it is.
  std::uint64_t append(std::string_view bytes, Timestamp time) {
    std::memcpy(append_space(bytes.size()), bytes.data(), bytes.size());
    return commit(bytes.size(), time);
  }

  // The same for a codec that writes in place: room for `most` bytes, of which commit() keeps the
  // first `used`. Nothing else may be called in between.
  char* append_space(std::size_t most) {
    if (open_ == nullptr || open_->room() < most + kSlotBytes) add_chunk(most);
    return open_->end();
  }
  std::uint64_t commit(std::size_t used, Timestamp time) {
    open_->push(used, time);
    bytes_ += used;
    ++last_seq_;
    if (over(bounds_)) trim_to(bounds_, 1);
    if (bounds_.max_age_us != 0) set_due();
    return last_seq_;
  }

  // Calls visit(entry) for up to `max` entries after number `after`, until it answers false.
  // Answers the number to go on after: of the last entry visited, or `after`.
  template <class Visit>
  Result<std::uint64_t> read(std::uint64_t after, std::uint64_t max, Visit&& visit) const {
    if (has_lost(after)) return loss(after);
    if (after >= last_seq_) return after;
    const std::uint64_t end = after + std::min(max, last_seq_ - after);
    auto chunk = chunk_of(after + 1);
    while (after < end) {
      if (after + 1 == chunk->first_seq + chunk->count) ++chunk;
      ++after;
      if (!visit(chunk->entry(after - chunk->first_seq))) break;
    }
    return after;
  }

  // An empty log goes on as one whose next entry has this number.
  void begin_at(std::uint64_t seq) noexcept {
    first_seq_ = seq;
    last_seq_ = seq - 1;
  }
  // Shows every entry to `trimming` before it goes; null: nobody looks.
  using Trimming = std::function<void(const Entry&)>;
  void watch_trimming(Trimming trimming) { trimming_ = std::move(trimming); }

  // Entries between `after` and the first one still there are gone.
  bool has_lost(std::uint64_t after) const noexcept { return after < first_seq_ - 1; }

  // Drops old entries, all of them if need be: those beyond a number or size, …
  void trim(Bounds to);
  void trim_before(std::uint64_t seq);  // … numbered below it
  void trim_until(Timestamp time);      // … not later than it
  // From now on; trims at once to the new number and size.
  void set_bounds(Bounds bounds);
  // What an append of so many bytes would trim.
  Extent freed_by(std::uint64_t bytes) const;

  // The oldest entry is too old at the first full second after its age, so that one timer comes for
  // many; kNeverDue.
  Timestamp next_due() const noexcept { return due_; }
  void expire_one() { drop_first(), set_due(); }  // Precondition: next_due() <= now

  // The numbers stay when the log is emptied: then first_seq() is last_seq() + 1.
  std::uint64_t first_seq() const noexcept { return first_seq_; }
  std::uint64_t last_seq() const noexcept { return last_seq_; }  // 0 = none yet
  std::uint64_t size() const noexcept { return last_seq_ + 1 - first_seq_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // of the entries there are

 private:
  friend struct EngineAudit;
  using Offset = std::uint32_t;
  static constexpr std::size_t kSlotBytes = sizeof(Offset) + sizeof(Timestamp);

  // Entries grow up from the front, their slots (offset of the end, time) down from the back; an
  // entry never straddles. Invariant: used + count · kSlotBytes <= capacity.
  struct Chunk {
    std::unique_ptr<char[]> data;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::uint64_t first_seq = 0;
    std::uint64_t count = 0;

    char* end() noexcept { return data.get() + used; }
    std::size_t room() const noexcept { return capacity - used - count * kSlotBytes; }
    char* slot(std::uint64_t index) const noexcept {
      return data.get() + capacity - (index + 1) * kSlotBytes;
    }
    Offset end_of(std::uint64_t index) const noexcept {
      Offset offset;
      std::memcpy(&offset, slot(index), sizeof offset);
      return offset;
    }
    Entry entry(std::uint64_t index) const noexcept {
      const Offset begin = index == 0 ? 0 : end_of(index - 1);
      Timestamp time;
      std::memcpy(&time, slot(index) + sizeof(Offset), sizeof time);
      return {first_seq + index, time, {data.get() + begin, end_of(index) - begin}};
    }
    void push(std::size_t size, Timestamp time) noexcept {
      used += size;
      const auto offset = static_cast<Offset>(used);
      char* const at = slot(count++);
      std::memcpy(at, &offset, sizeof offset);
      std::memcpy(at + sizeof offset, &time, sizeof time);
    }
  };
  using Chunks = std::deque<Chunk>;

  bool over(const Bounds& bounds) const noexcept {
    return size() > bounds.max_entries || bytes_ > bounds.max_bytes;
  }
  Entry first() const noexcept {
    return chunks_.front().entry(first_seq_ - chunks_.front().first_seq);
  }
  void trim_to(const Bounds& bounds, std::uint64_t at_least);
  void drop_first();
  void set_due() noexcept;
  void add_chunk(std::size_t entry_bytes);
  void drop_chunk();
  Chunks::const_iterator chunk_of(std::uint64_t seq) const;
  Error loss(std::uint64_t after) const;

  Bounds bounds_;
  Trimming trimming_;
  Chunk* open_ = nullptr;  // the last one, if there is any
  Chunks chunks_;          // the first one may begin with trimmed entries; none is wholly trimmed
  std::vector<std::unique_ptr<char[]>> spares_;  // of the usual size
  std::uint64_t first_seq_;
  std::uint64_t last_seq_;
  std::uint64_t bytes_ = 0;
  Timestamp due_ = kNeverDue;  // of the first entry
};

}  // namespace controlplane
