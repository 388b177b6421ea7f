#include "engine/ready_queues.hpp"

#include <algorithm>
#include <bit>

#include "base/digest.hpp"
#include "base/entropy.hpp"

namespace controlplane {

namespace {

std::uint64_t hash_list(const std::vector<std::string>& names, std::uint64_t seed) {
  for (const std::string& name : names) seed = mix64(seed ^ hash_name(name));
  return mix64(seed + names.size());
}

}  // namespace

bool includes_all(const std::vector<std::string>& offered_sorted,
                  const std::vector<std::string>& required_sorted) noexcept {
  return std::includes(offered_sorted.begin(), offered_sorted.end(), required_sorted.begin(),
                       required_sorted.end());
}

QueueSlot ReadyQueues::find_or_add(const std::vector<std::string>& required,
                                   std::string_view directed,
                                   const std::vector<std::string>& excluded,
                                   const std::vector<std::string>& pools) {
  const auto is_it = [&](QueueSlot slot) {
    const QueueKey& key = *queues_[slot].key;
    return key.required == required && key.directed == directed && key.excluded == excluded &&
           key.pools == pools;
  };
  if (last_ != kNoSlot && is_it(last_)) return last_;
  std::uint64_t hash = hash_list(excluded, mix64(hash_list(required, 1) ^ hash_name(directed)));
  if (!pools.empty()) hash = hash_list(pools, hash);
  const auto [first, end] = by_hash_.equal_range(hash);
  for (auto it = first; it != end; ++it) {
    if (is_it(it->second)) return last_ = it->second;
  }
  const QueueSlot slot = queues_.take();
  queues_[slot].key =
      std::make_shared<const QueueKey>(QueueKey{required, std::string(directed), excluded, pools});
  queues_[slot].hash = hash;
  by_hash_.emplace(hash, slot);
  return last_ = slot;
}

bool ReadyQueues::enter(QueueSlot slot) {
  Queue& queue = queues_[slot];
  if (!queue.linked) {
    const bool undirected = queue.key->directed.empty();
    if (undirected && undirected_ >= max_undirected_) trim_idle(0);
    if (undirected && undirected_ >= max_undirected_) return false;
    link(slot);
  }
  ++queue.live;
  return true;
}

bool ReadyQueues::can_enter_all(std::vector<QueueSlot> queues) {
  std::erase_if(queues, [&](QueueSlot slot) {
    return queues_[slot].live > 0 || !queues_[slot].key->directed.empty();
  });
  std::sort(queues.begin(), queues.end());
  queues.erase(std::unique(queues.begin(), queues.end()), queues.end());
  if (undirected_ + queues.size() > max_undirected_) trim_idle(0);
  return undirected_ + queues.size() <= max_undirected_;
}

void ReadyQueues::leave(QueueSlot slot) {
  Queue& queue = queues_[slot];
  if (--queue.live > 0 || queue.idle) return;
  queue.idle = true;
  idle_.push_back(slot);
  trim_idle(kMaxIdle);
}

void ReadyQueues::drop(QueueSlot slot) {
  --queues_[slot].users;
  forget_unused(slot);
}

void ReadyQueues::forget_unused(QueueSlot slot) {
  Queue& queue = queues_[slot];
  if (queue.users > 0 || queue.linked) return;
  const auto [first, end] = by_hash_.equal_range(queue.hash);
  by_hash_.erase(std::find_if(first, end, [&](const auto& item) { return item.second == slot; }));
  queues_.give_back(slot);
  if (last_ == slot) last_ = kNoSlot;
}

void ReadyQueues::link(QueueSlot slot) {
  Queue& queue = queues_[slot];
  queue.linked = true;
  if (!queue.key->directed.empty()) {
    queue.party = parties_.find_or_add(queue.key->directed);
    parties_[queue.party].directed.push_back(slot);
    return;
  }
  ++undirected_;
  for (auto& [ignored, offer] : offers_) {
    if (includes_all(offer.sorted, queue.key->required)) offer.queues.push_back(slot);
  }
}

void ReadyQueues::unlink(QueueSlot slot) {
  Queue& queue = queues_[slot];
  queue.linked = false;
  if (queue.party != kNoSlot) {
    const Slot party = std::exchange(queue.party, kNoSlot);
    std::erase(parties_[party].directed, slot);
    parties_.forget_unused(party);
    return;
  }
  --undirected_;
  for (auto& [ignored, offer] : offers_) std::erase(offer.queues, slot);
}

void ReadyQueues::trim_idle(std::size_t keep) {
  while (idle_.size() > keep) {
    const QueueSlot slot = idle_.front();
    idle_.pop_front();
    queues_[slot].idle = false;
    if (queues_[slot].live > 0) continue;
    unlink(slot);
    forget_unused(slot);
  }
}

void ReadyQueues::push_fresh(TaskRef task) {
  TaskRecord& record = *task;
  const auto level_number = static_cast<std::size_t>(record.priority);
  Queue& queue = queues_[record.queue];
  Level& level = queue.levels[level_number];
  record.place = Place::fresh;
  record.prev = level.tail;
  record.next = kNoSlot;
  (level.tail == kNoSlot ? level.head : tasks_[level.tail].next) = task;
  level.tail = task;
  queue.levels_in_use = static_cast<std::uint8_t>(queue.levels_in_use | (1U << level_number));
}

void ReadyQueues::push_returned(TaskRef task) {
  TaskRecord& record = *task;
  const auto level_number = static_cast<std::size_t>(record.priority);
  Queue& queue = queues_[record.queue];
  record.place = Place::returned;
  queue.levels[level_number].returned.emplace(record.position, task);
  queue.levels_in_use = static_cast<std::uint8_t>(queue.levels_in_use | (1U << level_number));
}

void ReadyQueues::remove(TaskRef task) {
  TaskRecord& record = *task;
  const auto level_number = static_cast<std::size_t>(record.priority);
  Queue& queue = queues_[record.queue];
  Level& level = queue.levels[level_number];
  if (record.place == Place::returned) {
    level.returned.erase({record.position, task});
  } else {
    (record.prev == kNoSlot ? level.head : tasks_[record.prev].next) = record.next;
    (record.next == kNoSlot ? level.tail : tasks_[record.next].prev) = record.prev;
    record.prev = record.next = kNoSlot;
  }
  record.place = Place::nowhere;
  if (level.head == kNoSlot && level.returned.empty()) {
    queue.levels_in_use = static_cast<std::uint8_t>(queue.levels_in_use & ~(1U << level_number));
  }
}

Slot ReadyQueues::head(const Level& level) const {
  if (level.returned.empty()) return level.head;
  const auto& [position, task] = *level.returned.begin();
  if (level.head == kNoSlot || position < tasks_[level.head].position) return task;
  return level.head;
}

TaskRef ReadyQueues::front(QueueSlot slot, Timestamp now) const {
  Turn first;
  if (queues_[slot].levels_in_use != 0) compare_heads(queues_[slot], now, first);
  return first.task;
}

void ReadyQueues::consider(QueueSlot slot, const std::string& agent, Timestamp now,
                           Turn& best) const {
  const Queue& queue = queues_[slot];
  if (queue.levels_in_use == 0 || queue.needs.waiter != kNoSlot) return;
  const auto& excluded = queue.key->excluded;
  if (!excluded.empty() && std::binary_search(excluded.begin(), excluded.end(), agent)) return;
  compare_heads(queue, now, best);
}

void ReadyQueues::compare_heads(const Queue& queue, Timestamp now, Turn& best) const {
  unsigned levels = queue.levels_in_use;
  do {
    const int number = std::countr_zero(levels);
    levels &= levels - 1;
    const Slot first = head(queue.levels[static_cast<std::size_t>(number)]);
    const Turn turn = turn_of(ref_of(tasks_, first), ageing_us_, now);
    if (turn.before(best)) best = turn;
  } while (levels != 0 && ageing_us_ > 0);  // without ageing the first level in use is the best
}

ReadyQueues::Offer& ReadyQueues::offer(const std::vector<std::string>& capabilities) {
  if (last_offer_ != nullptr && last_offer_->as_given == capabilities) return *last_offer_;
  const std::uint64_t hash = hash_list(capabilities, 2);
  const auto [first, end] = offers_.equal_range(hash);
  for (auto it = first; it != end; ++it) {
    if (it->second.as_given == capabilities) return *(last_offer_ = &it->second);
  }
  if (offers_.size() >= max_offers_) offers_.clear();
  Offer made;
  made.as_given = made.sorted = capabilities;
  std::sort(made.sorted.begin(), made.sorted.end());
  for (const auto& [ignored, queue] : by_hash_) {
    if (queues_[queue].linked && queues_[queue].party == kNoSlot &&
        includes_all(made.sorted, queues_[queue].key->required)) {
      made.queues.push_back(queue);
    }
  }
  return *(last_offer_ = &offers_.emplace(hash, std::move(made))->second);
}

TaskRef ReadyQueues::best(const std::vector<std::string>& capabilities, Slot party, Timestamp now) {
  Turn best;
  const Party& claimer = parties_[party];
  if (claimer.mailbox) {
    for (const QueueSlot queue : claimer.directed) consider(queue, claimer.name, now, best);
    return best.task;
  }
  const Offer& mine = offer(capabilities);
  for (const QueueSlot queue : mine.queues) consider(queue, claimer.name, now, best);
  for (const QueueSlot queue : claimer.directed) {
    if (includes_all(mine.sorted, queues_[queue].key->required)) {
      consider(queue, claimer.name, now, best);
    }
  }
  return best.task;
}

}  // namespace controlplane
