// Tasks in the order of submission, for pages with stable cursors: a cursor is a serial number.
// Chunks know how many of their tasks are in each state, so that a search for a rare state skips.
// Thread safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "controlplane/task.hpp"
#include "engine/slab.hpp"

namespace controlplane {

class SerialIndex {
 public:
  std::uint64_t add(Slot slot, TaskState state) {
    const std::uint64_t serial = next_++;
    if ((serial & kMask) == 0 || chunks_.empty()) {
      if (!chunks_.empty() && chunks_.back()->live == 0) chunks_.back().reset();
      drop_empty_front();
      if (chunks_.empty()) first_chunk_ = serial >> kBits;
      chunks_.push_back(std::make_unique<Chunk>());
    }
    Chunk& chunk = *chunks_.back();
    chunk.slots[serial & kMask] = slot;
    ++chunk.states[static_cast<std::size_t>(state)];
    ++chunk.live;
    return serial;
  }
  std::uint64_t next() const noexcept { return next_; }
  // One that had this number, higher than all before, and in the end the next number.
  void restore(std::uint64_t serial, Slot slot, TaskState state) {
    if (chunks_.empty()) first_chunk_ = serial >> kBits;
    chunks_.resize((serial >> kBits) - first_chunk_ + 1);
    if (chunks_.back() == nullptr) chunks_.back() = std::make_unique<Chunk>();
    Chunk& chunk = *chunks_.back();
    chunk.slots[serial & kMask] = slot;
    ++chunk.states[static_cast<std::size_t>(state)];
    ++chunk.live;
  }
  void restore(std::uint64_t next) {
    next_ = next;
    if (chunks_.empty()) return;
    chunks_.resize(((next - 1) >> kBits) - first_chunk_ + 1);  // add() goes on in the last one
    if (chunks_.back() == nullptr) chunks_.back() = std::make_unique<Chunk>();
  }
  void moved(std::uint64_t serial, TaskState from, TaskState to) {
    Chunk& chunk = *chunks_[(serial >> kBits) - first_chunk_];
    --chunk.states[static_cast<std::size_t>(from)];
    ++chunk.states[static_cast<std::size_t>(to)];
  }
  void remove(std::uint64_t serial, TaskState state) {
    auto& chunk = chunks_[(serial >> kBits) - first_chunk_];
    chunk->slots[serial & kMask] = kNoSlot;
    --chunk->states[static_cast<std::size_t>(state)];
    if (--chunk->live > 0 || chunk == chunks_.back()) return;
    chunk.reset();  // an old task that stays costs a pointer per chunk after it, not the chunks
    drop_empty_front();
  }

  // Visits (serial, slot) from `serial` on until `visit` answers false; chunks for which
  // `wanted(states)` is false are skipped. Answers the serial to continue at; 0 = the end.
  template <class Wanted, class Visit>
  std::uint64_t scan(std::uint64_t serial, Wanted&& wanted, Visit&& visit) const {
    std::uint64_t at = serial;
    if ((at >> kBits) < first_chunk_) at = first_chunk_ << kBits;
    while (at < next_ && (at >> kBits) - first_chunk_ < chunks_.size()) {
      const Chunk* chunk = chunks_[(at >> kBits) - first_chunk_].get();
      if (chunk == nullptr || chunk->live == 0 || !wanted(chunk->states)) {
        at = ((at >> kBits) + 1) << kBits;
        continue;
      }
      const Slot slot = chunk->slots[at & kMask];
      if (slot != kNoSlot && !visit(at, slot)) return at;
      ++at;
    }
    return 0;
  }

 private:
  friend struct EngineAudit;
  static constexpr std::uint64_t kBits = 12;
  static constexpr std::uint64_t kMask = (1U << kBits) - 1;
  struct Chunk {
    Chunk() { slots.fill(kNoSlot); }
    std::array<Slot, kMask + 1> slots;
    std::array<std::uint16_t, kTaskStates> states{};
    std::uint16_t live = 0;
  };
  void drop_empty_front() {
    while (!chunks_.empty() && chunks_.front() == nullptr) {
      chunks_.pop_front();
      ++first_chunk_;
    }
  }
  std::deque<std::unique_ptr<Chunk>> chunks_;
  std::uint64_t first_chunk_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace controlplane
