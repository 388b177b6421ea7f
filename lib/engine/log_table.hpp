// An append-only stream of small entries, numbered from 1 without gaps, trimmed at its old end.
// Pure: no clock, no threads, no I/O.
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
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "controlplane/result.hpp"

namespace controlplane {

class LogTable {
 public:
  struct Bounds {
    std::uint64_t max_entries = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  // of the entries' own
  };

  LogTable() : LogTable(Bounds{}) {}
  explicit LogTable(Bounds bounds) : bounds_(bounds) {}

  // Answers the number of the new entry, after trimming older ones to the bounds. The newest entry
  // stays, however large it is.
  std::uint64_t append(std::string_view bytes) {
    std::memcpy(append_space(bytes.size()), bytes.data(), bytes.size());
    return commit(bytes.size());
  }

  // The same for a codec that writes in place: room for `most` bytes, of which commit() keeps the
  // first `used`. Nothing else may be called in between.
  char* append_space(std::size_t most) {
    if (open_ == nullptr || open_->room() < most + sizeof(Offset)) add_chunk(most);
    return open_->end();
  }
  std::uint64_t commit(std::size_t used) {
    open_->push(used);
    bytes_ += used;
    ++last_seq_;
    if (over(bounds_)) trim_to(bounds_, 1);
    return last_seq_;
  }

  // Calls visit(seq, bytes) for up to `max` entries after number `after`, until it answers false.
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
      if (!visit(after, chunk->entry(after - chunk->first_seq))) break;
    }
    return after;
  }

  // Entries between `after` and the first one still there are gone.
  bool has_lost(std::uint64_t after) const noexcept { return after < first_seq_ - 1; }

  // Drops old entries, all of them if need be.
  void trim(Bounds to) { trim_to(to, 0); }

  // The numbers stay when the log is emptied: then first_seq() is last_seq() + 1.
  std::uint64_t first_seq() const noexcept { return first_seq_; }
  std::uint64_t last_seq() const noexcept { return last_seq_; }  // 0 = none yet
  std::uint64_t size() const noexcept { return last_seq_ + 1 - first_seq_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // of the entries there are

 private:
  using Offset = std::uint32_t;

  // Entries grow up from the front, the offsets of their ends down from the back; an entry never
  // straddles. Invariants: used + count · sizeof(Offset) <= capacity; capacity is a multiple of it.
  struct Chunk {
    std::unique_ptr<char[]> data;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::uint64_t first_seq = 0;
    std::uint64_t count = 0;

    char* end() noexcept { return data.get() + used; }
    std::size_t room() const noexcept { return capacity - used - count * sizeof(Offset); }
    char* slot(std::uint64_t index) const noexcept {
      return data.get() + capacity - (index + 1) * sizeof(Offset);
    }
    Offset end_of(std::uint64_t index) const noexcept {
      Offset offset;
      std::memcpy(&offset, slot(index), sizeof offset);
      return offset;
    }
    std::string_view entry(std::uint64_t index) const noexcept {
      const Offset begin = index == 0 ? 0 : end_of(index - 1);
      return {data.get() + begin, end_of(index) - begin};
    }
    void push(std::size_t size) noexcept {
      used += size;
      const auto offset = static_cast<Offset>(used);
      std::memcpy(slot(count++), &offset, sizeof offset);
    }
  };
  using Chunks = std::deque<Chunk>;

  bool over(const Bounds& bounds) const noexcept {
    return size() > bounds.max_entries || bytes_ > bounds.max_bytes;
  }
  void trim_to(const Bounds& bounds, std::uint64_t at_least);
  void add_chunk(std::size_t entry_bytes);
  void drop_chunk();
  Chunks::const_iterator chunk_of(std::uint64_t seq) const;
  Error loss(std::uint64_t after) const;

  Bounds bounds_;
  Chunk* open_ = nullptr;  // the last one, if there is any
  Chunks chunks_;  // the first one may begin with trimmed entries; none is wholly trimmed
  std::vector<std::unique_ptr<char[]>> spares_;  // of the usual size
  std::uint64_t first_seq_ = 1;
  std::uint64_t last_seq_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace controlplane
