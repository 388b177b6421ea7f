#include "engine/log_table.hpp"

#include <bit>
#include <cassert>

#include <fmt/format.h>

namespace controlplane {
namespace {

constexpr std::size_t kChunkBytes = 65'536;
constexpr std::size_t kSmallestChunkBytes = 1'024;  // of a log that has little yet
constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::size_t kSpares = 2;  // a steady log frees one chunk for each that it fills

}  // namespace

void LogTable::trim_to(const Bounds& bounds, std::uint64_t at_least) {
  while (size() > at_least && over(bounds)) drop_first();
}

void LogTable::trim(Bounds to) {
  trim_to(to, 0);
  set_due();
}

void LogTable::trim_before(std::uint64_t seq) {
  while (size() > 0 && first_seq_ < seq) drop_first();
  set_due();
}

void LogTable::trim_until(Timestamp time) {
  while (size() > 0 && first().time <= time) drop_first();
  set_due();
}

void LogTable::set_bounds(Bounds bounds) {
  bounds_ = bounds;
  trim(bounds);
}

LogTable::Extent LogTable::freed_by(std::uint64_t bytes) const {
  Extent freed;
  const auto fits = [&] {
    return size() + 1 - freed.entries <= bounds_.max_entries &&
           bytes_ + bytes - freed.bytes <= bounds_.max_bytes;
  };
  (void)read(first_seq_ - 1, size(), [&](const Entry& entry) {
    if (fits()) return false;
    ++freed.entries;
    freed.bytes += entry.bytes.size();
    return true;
  });
  return freed;
}

void LogTable::drop_first() {
  const Chunk& front = chunks_.front();
  if (trimming_) [[unlikely]]
    trimming_(first());
  bytes_ -= first().bytes.size();
  if (++first_seq_ == front.first_seq + front.count) drop_chunk();
}

void LogTable::set_due() noexcept {
  if (bounds_.max_age_us == 0 || size() == 0) {
    due_ = kNeverDue;
  } else {
    due_ = (first().time + bounds_.max_age_us + kSecondUs - 1) / kSecondUs * kSecondUs;
  }
}

void LogTable::add_chunk(std::size_t entry_bytes) {
  const std::size_t needed = entry_bytes + kSlotBytes;
  assert(needed <= std::numeric_limits<Offset>::max());
  const auto usual = static_cast<std::size_t>(std::min<std::uint64_t>(
      std::bit_ceil(std::max<std::uint64_t>(bytes_, kSmallestChunkBytes)), kChunkBytes));
  Chunk chunk;
  chunk.capacity = std::max(usual, needed);
  chunk.first_seq = last_seq_ + 1;
  if (chunk.capacity == kChunkBytes && !spares_.empty()) {
    chunk.data = std::move(spares_.back());
    spares_.pop_back();
  } else {
    chunk.data.reset(new char[chunk.capacity]);
  }
  open_ = &chunks_.emplace_back(std::move(chunk));
}

void LogTable::drop_chunk() {
  Chunk& front = chunks_.front();
  if (front.capacity == kChunkBytes && spares_.size() < kSpares) {
    spares_.push_back(std::move(front.data));
  }
  chunks_.pop_front();
  if (!chunks_.empty()) return;
  open_ = nullptr;
  spares_.clear();
}

LogTable::Chunks::const_iterator LogTable::chunk_of(std::uint64_t seq) const {
  const auto beyond =
      std::upper_bound(chunks_.begin(), chunks_.end(), seq,
                       [](std::uint64_t wanted, const Chunk& c) { return wanted < c.first_seq; });
  return std::prev(beyond);
}

Error LogTable::loss(std::uint64_t after) const {
  return Error::data_loss(fmt::format(
      "entries after {} have been trimmed; the first still there is {}", after, first_seq_));
}

}  // namespace controlplane
