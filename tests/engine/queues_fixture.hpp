// Records in ready queues without a task table around them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/ready_queues.hpp"

namespace controlplane {

struct QueuesFixture {
  static constexpr std::size_t kOffers = 100;

  explicit QueuesFixture(std::size_t max_undirected = 1'024, std::int64_t ageing_us = 0)
      : queues(tasks, parties, max_undirected, kOffers, ageing_us) {}

  // A task in the queue for such tasks; kNoSlot if that queue may not be used.
  Slot add(const std::vector<std::string>& required, TaskPriority priority = TaskPriority::normal,
           std::string_view directed = {}, const std::vector<std::string>& excluded = {},
           Timestamp ready = 0) {
    const QueueSlot queue = queues.find_or_add(required, directed, excluded);
    if (!queues.enter(queue)) {
      queues.forget_unused(queue);
      return kNoSlot;
    }
    queues.use(queue);
    const Slot task = tasks.take();
    tasks[task].queue = queue;
    tasks[task].priority = priority;
    tasks[task].position = ++position;
    tasks[task].first_ready = ready;
    queues.push_fresh(ref_of(tasks, task));
    return task;
  }
  // It ends and is forgotten.
  void end(Slot task) {
    if (tasks[task].place != Place::nowhere) queues.remove(ref_of(tasks, task));
    queues.leave(tasks[task].queue);
    queues.drop(tasks[task].queue);
    tasks.give_back(task);
  }
  Slot best(std::string_view agent, const std::vector<std::string>& capabilities,
            Timestamp now = 0) {
    return queues.best(capabilities, parties.find_or_add(agent), now);
  }
  Slot take(std::string_view agent, const std::vector<std::string>& capabilities) {
    const Slot task = best(agent, capabilities);
    if (task != kNoSlot) queues.remove(ref_of(tasks, task));
    return task;
  }

  TaskSlab tasks;
  PartyTable parties;
  ReadyQueues queues;
  std::uint64_t position = 0;
};

}  // namespace controlplane
