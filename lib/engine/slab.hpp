// Records in chunks that never move, with a free list: no allocation per record, stable addresses.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace controlplane {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = std::numeric_limits<Slot>::max();

template <class T, std::uint32_t kChunkBits = 10>
class Slab {
 public:
  Slot take() {
    if (!free_.empty()) {
      const Slot slot = free_.back();
      free_.pop_back();
      return slot;
    }
    if ((end_ & kMask) == 0) chunks_.push_back(std::make_unique<T[]>(std::size_t{1} << kChunkBits));
    return end_++;
  }
  // The record is reset, so that what it owns is freed now.
  void give_back(Slot slot) {
    T& record = (*this)[slot];
    std::destroy_at(&record);
    std::construct_at(&record);
    free_.push_back(slot);
  }
  T& operator[](Slot slot) noexcept { return chunks_[slot >> kChunkBits][slot & kMask]; }
  const T& operator[](Slot slot) const noexcept { return chunks_[slot >> kChunkBits][slot & kMask]; }
  std::size_t size() const noexcept { return end_ - free_.size(); }
  Slot end() const noexcept { return end_; }  // slots ever used are below it

 private:
  static constexpr Slot kMask = (Slot{1} << kChunkBits) - 1;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<Slot> free_;
  Slot end_ = 0;
};

}  // namespace controlplane
