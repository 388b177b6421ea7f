// How an export sees the records of one slab as they were when it began, while they go on changing:
// a record that changes or goes before its turn first has its row put aside. Who was put aside, or
// has had his turn, has no bit any more.
// Thread safety: none.
// Lifetime: an aside outlives the cuts that were begun with it, until they end.
// Cost: one predictable branch per touch while nobody exports.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "engine/row_buffer.hpp"
#include "engine/slab.hpp"

namespace controlplane {

// Rows that had to be written before their turn, in blocks that are handed out as they are and come
// back empty: who changes a record pays for its row, not for memory. Beyond `max_bytes`, of memory
// and not of rows, the export has failed: no more are added, and work goes on.
class ExportAside {
 public:
  explicit ExportAside(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // write(buffer) appends one row; false: there is none.
  template <class Write>
  void add(Write&& write) {
    if (overflowed_) return;
    if (blocks_.empty() || blocks_.back().size() >= kBlockBytes) begin_block();
    RowBuffer& block = blocks_.back();
    const std::size_t before = block.capacity();
    if (!write(block)) return;
    hold(block.capacity() - before);
  }
  // Memory that is kept for the export elsewhere.
  void hold(std::size_t bytes) noexcept {
    bytes_ += bytes;
    overflowed_ = overflowed_ || bytes_ > max_bytes_;
  }
  void let_go(std::size_t bytes) noexcept { bytes_ -= bytes; }
  // Swaps the oldest block for `out`, which is empty; false: there is none.
  bool take(RowBuffer& out) {
    if (blocks_.empty()) return false;
    bytes_ -= blocks_.front().capacity();
    std::swap(out, blocks_.front());
    const bool is_usual = blocks_.front().capacity() <= kRoom;
    if (is_usual && spares_.size() < kSpares) spares_.push_back(std::move(blocks_.front()));
    blocks_.pop_front();
    return out.size() > 0;
  }
  bool overflowed() const noexcept { return overflowed_; }

 private:
  static constexpr std::size_t kBlockBytes = 4'096;
  static constexpr std::size_t kRoom = 2 * kBlockBytes;  // most rows fit into what is left then
  static constexpr std::size_t kSpares = 64;
  void begin_block() {
    if (spares_.empty()) {
      blocks_.emplace_back();
    } else {
      blocks_.push_back(std::move(spares_.back()));
      spares_.pop_back();
    }
    (void)blocks_.back().room(kRoom);
    hold(blocks_.back().capacity());
  }
  const std::size_t max_bytes_;
  std::deque<RowBuffer> blocks_;
  std::vector<RowBuffer> spares_;
  std::size_t bytes_ = 0;
  bool overflowed_ = false;
};

class ExportCut {
 public:
  // Appends the row of a slot; false: nothing is there.
  using WriteRow = std::function<bool(Slot, RowBuffer&)>;

  // Call it before the record changes or goes.
  void touch(Slot slot) {
    if (active_) [[unlikely]]
      put_aside(slot);
  }
  // A record began to be: the export knows nothing of it.
  void created(Slot slot) {
    if (active_) [[unlikely]]
      take(slot);
  }

  void begin(Slot end, ExportAside& aside, WriteRow write) {
    pending_.assign((std::size_t{end} + 63) / 64, ~std::uint64_t{0});
    if (end % 64 != 0) pending_.back() >>= 64 - end % 64;
    word_ = 0;
    aside_ = &aside;
    write_ = std::move(write);
    active_ = true;
  }
  void end() noexcept {
    active_ = false;
    pending_ = {};
    write_ = {};
  }
  // Appends rows until `out` has `bytes`, or `visits` slots were looked at. True: that was all.
  bool read(RowBuffer& out, std::size_t bytes, int& visits) {
    while (word_ < pending_.size()) {
      if (pending_[word_] == 0) {
        ++word_;
        continue;
      }
      if (out.size() >= bytes || visits-- <= 0) return false;
      const auto bit = static_cast<Slot>(std::countr_zero(pending_[word_]));
      pending_[word_] &= pending_[word_] - 1;
      (void)write_(static_cast<Slot>(word_ * 64) + bit, out);
    }
    end();
    return true;
  }

 private:
  bool take(Slot slot) {
    const std::size_t word = slot / 64;
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if (word >= pending_.size() || (pending_[word] & bit) == 0) return false;
    pending_[word] &= ~bit;
    return true;
  }
  void put_aside(Slot slot) {
    if (!take(slot)) return;
    aside_->add([&](RowBuffer& out) { return write_(slot, out); });
    if (aside_->overflowed()) end();
  }

  bool active_ = false;
  std::vector<std::uint64_t> pending_;  // a bit per slot that the export has still to come to
  std::size_t word_ = 0;                // the first that may have one
  ExportAside* aside_ = nullptr;
  WriteRow write_;
};

// A slab that tells its cut of every access that may change a record. What binds to the plain Slab
// does not: links and places in heaps are no part of a row.
template <class T, std::uint32_t kChunkBits = 10>
class CutSlab : public Slab<T, kChunkBits> {
  using Base = Slab<T, kChunkBits>;

 public:
  Slot take() {
    const Slot slot = Base::take();
    cut.created(slot);
    return slot;
  }
  void give_back(Slot slot) {
    cut.touch(slot);
    Base::give_back(slot);
  }
  T& operator[](Slot slot) {
    cut.touch(slot);
    return Base::operator[](slot);
  }
  const T& operator[](Slot slot) const noexcept { return Base::operator[](slot); }

  ExportCut cut;
};

}  // namespace controlplane
