// Ready tasks by who may take them. All members of a queue are equally eligible to one agent, so a
// claim compares only the heads of the queues it can serve: its cost does not grow with the number
// of pending tasks.
// A queue has, per priority, a FIFO of fresh tasks (linked through the records) and a small set of
// returned ones ordered by position.
// A queue is known as long as a record names it (users), and linked, that is visible to claims and
// counted against max_queues, as long as a task lives in it (live) and a while longer, because the
// next task of a fleet mostly looks like the last one.
// Thread safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controlplane/task.hpp"
#include "engine/effects.hpp"
#include "engine/party_table.hpp"
#include "engine/ready_order.hpp"
#include "engine/slab.hpp"
#include "engine/task_record.hpp"

namespace controlplane {

using QueueSlot = std::uint32_t;
using TaskSlab = Slab<TaskRecord>;

// What the tasks of a queue need of pools, and the line that it stands in if there is too little.
struct QueueNeeds {
  std::vector<Slot> pools;         // as named in the key; valid while the queue has live tasks
  Slot waiter = kNoSlot;           // set: nothing of this queue can be claimed
  Timestamp since = 0;             // it is
  std::uint64_t number = 0;        // its place in lines since its last claim; 0 = none yet
};

class ReadyQueues {
 public:
  ReadyQueues(TaskSlab& tasks, PartyTable& parties, std::size_t max_undirected,
              std::size_t max_offers, std::int64_t ageing_interval_us)
      : tasks_(tasks),
        parties_(parties),
        max_undirected_(max_undirected),
        max_offers_(max_offers),
        ageing_us_(ageing_interval_us) {}

  // The queue for such tasks, made if need be. Lists are sorted and unique.
  QueueSlot find_or_add(const std::vector<std::string>& required, std::string_view directed,
                        const std::vector<std::string>& excluded,
                        const std::vector<std::string>& pools = {});
  // A task that is not terminal belongs to it; false: max_queues undirected ones have such tasks.
  [[nodiscard]] bool enter(QueueSlot queue);
  bool can_enter_all(std::vector<QueueSlot> queues);
  void leave(QueueSlot queue);
  void use(QueueSlot queue) { ++queues_[queue].users; }
  void drop(QueueSlot queue);
  void forget_unused(QueueSlot queue);  // after a find_or_add that came to nothing
  const std::shared_ptr<const QueueKey>& key(QueueSlot queue) const { return queues_[queue].key; }
  QueueNeeds& needs(QueueSlot queue) { return queues_[queue].needs; }
  const QueueNeeds& needs(QueueSlot queue) const { return queues_[queue].needs; }
  std::uint64_t live(QueueSlot queue) const { return queues_[queue].live; }
  TaskRef front(QueueSlot queue, Timestamp now) const;  // the first of it
  // Its tasks, in no order, until `visit` answers false.
  template <class Visit>
  void each(QueueSlot queue, Visit&& visit) const {
    for (const Level& level : queues_[queue].levels) {
      for (Slot task = level.head; task != kNoSlot; task = tasks_[task].next) {
        if (!visit(task)) return;
      }
      for (const auto& [position, task] : level.returned) {
        if (!visit(task)) return;
      }
    }
  }
  std::uint64_t& offered_version(QueueSlot queue) { return queues_[queue].offered_version; }
  bool& offered(QueueSlot queue) { return queues_[queue].offered; }

  void push_fresh(TaskRef task);  // Precondition: its position is the highest so far
  void push_returned(TaskRef task);
  void remove(TaskRef task);      // from wherever `place` says: fresh or returned

  // The best task that an agent offering `capabilities` may take, or the best that is directed to a
  // mailbox; kNoSlot if there is none.
  TaskRef best(const std::vector<std::string>& capabilities, Slot party, Timestamp now);

  std::size_t size() const noexcept { return queues_.size(); }
  std::size_t linked_undirected() const noexcept { return undirected_; }

 private:
  friend struct EngineAudit;
  struct Level {
    Slot head = kNoSlot, tail = kNoSlot;
    PositionSet returned;
  };
  struct Queue {
    std::shared_ptr<const QueueKey> key;
    std::uint64_t hash = 0;
    std::uint64_t users = 0, live = 0;
    bool linked = false;
    bool idle = false;                  // stands in idle_
    std::uint64_t offered_version = 0;  // of the registry, when `offered` was found out
    Slot party = kNoSlot;               // directed to
    QueueNeeds needs;
    bool offered = false;               // some registered agent offers what is required
    std::uint8_t levels_in_use = 0;     // bit per priority with a ready task
    std::array<Level, kTaskPriorities> levels;
  };
  // A set of capabilities that claims name, with the undirected queues that it can serve. A cache.
  struct Offer {
    std::vector<std::string> as_given;
    std::vector<std::string> sorted;
    std::vector<QueueSlot> queues;
  };

  Offer& offer(const std::vector<std::string>& capabilities);
  void consider(QueueSlot queue, const std::string& agent, Timestamp now, Turn& best) const;
  void compare_heads(const Queue& queue, Timestamp now, Turn& best) const;
  Slot head(const Level& level) const;
  void link(QueueSlot queue);
  void unlink(QueueSlot queue);
  void trim_idle(std::size_t keep);

  static constexpr std::size_t kMaxIdle = 256;

  TaskSlab& tasks_;
  PartyTable& parties_;
  const std::size_t max_undirected_, max_offers_;
  const std::int64_t ageing_us_;
  std::size_t undirected_ = 0;      // linked ones
  std::deque<QueueSlot> idle_;      // linked, without live tasks when they came in, oldest first
  Slab<Queue, 6> queues_;
  std::unordered_multimap<std::uint64_t, QueueSlot> by_hash_;
  std::unordered_multimap<std::uint64_t, Offer> offers_;
  QueueSlot last_ = kNoSlot;    // most submits repeat the last queue
  Offer* last_offer_ = nullptr;
};

bool includes_all(const std::vector<std::string>& offered_sorted,
                  const std::vector<std::string>& required_sorted) noexcept;

}  // namespace controlplane
