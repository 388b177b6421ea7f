#include "engine/log_table.hpp"

#include <cassert>

#include <fmt/format.h>

namespace controlplane {
namespace {

constexpr std::size_t kChunkBytes = 65'536;
constexpr std::size_t kSpares = 2;  // a steady log frees one chunk for each that it fills

}  // namespace

void LogTable::trim_to(const Bounds& bounds, std::uint64_t at_least) {
  while (size() > at_least && over(bounds)) {
    const Chunk& front = chunks_.front();
    bytes_ -= front.entry(first_seq_ - front.first_seq).size();
    if (++first_seq_ == front.first_seq + front.count) drop_chunk();
  }
}

void LogTable::add_chunk(std::size_t entry_bytes) {
  const std::size_t needed = entry_bytes + sizeof(Offset);
  assert(needed <= std::numeric_limits<Offset>::max() - sizeof(Offset));
  Chunk chunk;
  chunk.capacity = std::max(kChunkBytes, (needed + sizeof(Offset) - 1) & ~(sizeof(Offset) - 1));
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
  if (chunks_.empty()) open_ = nullptr;
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
