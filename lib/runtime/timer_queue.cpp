#include "runtime/timer_queue.hpp"

#include <utility>

namespace controlplane {

TimerId TimerQueue::add(std::int64_t deadline_us, Work work) {
  if (free_ == kNone) grow();
  heap_.push_back({});  // the last that can throw
  const std::uint32_t slot = std::exchange(free_, slots_[free_].place);
  slots_[slot].work = std::move(work);
  sift_up(static_cast<std::uint32_t>(heap_.size() - 1), {deadline_us, added_++, slot});
  return TimerId{slots_[slot].generation} << 32 | slot;
}

Work TimerQueue::cancel(TimerId id) {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= slots_.size() || slots_[slot].generation != id >> 32) return {};
  return remove(slots_[slot].place);
}

Work TimerQueue::pop_due(std::int64_t now_us) {
  if (heap_.empty() || heap_[0].deadline > now_us) return {};
  return remove(0);
}

void TimerQueue::grow() {
  slots_.emplace_back().place = kNone;
  free_ = static_cast<std::uint32_t>(slots_.size() - 1);
}

Work TimerQueue::remove(std::uint32_t place) {
  const std::uint32_t slot = heap_[place].slot;
  Work work = std::move(slots_[slot].work);
  if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
  slots_[slot].place = std::exchange(free_, slot);

  const Key last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    sift_down(place, last);
    sift_up(slots_[last.slot].place, last);
  }
  return work;
}

void TimerQueue::put(std::uint32_t place, const Key& key) noexcept {
  heap_[place] = key;
  slots_[key.slot].place = place;
}

void TimerQueue::sift_up(std::uint32_t place, Key key) noexcept {
  for (; place > 0; place = (place - 1) / 2) {
    const Key& parent = heap_[(place - 1) / 2];
    if (!key.before(parent)) break;
    put(place, parent);
  }
  put(place, key);
}

void TimerQueue::sift_down(std::uint32_t place, Key key) noexcept {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    std::uint32_t child = 2 * place + 1;
    if (child >= size) break;
    if (child + 1 < size && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(key)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, key);
}

}  // namespace controlplane
