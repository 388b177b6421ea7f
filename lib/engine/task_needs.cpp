// What tasks need of pools: taken by the claim in the same step, ended with the attempt.
#include <fmt/format.h>

#include "engine/task_table.hpp"

namespace controlplane {

std::optional<Error> TaskTable::check_needs(const std::vector<PermitNeed>& needs) const {
  for (const PermitNeed& need : needs) {
    const Slot pool = permits_.find_pool(need.pool);
    if (pool == kNoSlot) return Error::not_found(fmt::format("needs: there is no pool {}", need.pool));
    if (need.amount <= permits_.bound(pool)) continue;
    return Error::invalid_argument(fmt::format("needs: pool {} never has {} at once; its capacity is {}",
                                               need.pool, need.amount, permits_.bound(pool)));
  }
  return std::nullopt;
}

// A pool stays as long as a task that needs it has not ended.
bool TaskTable::enter_queue(QueueSlot queue) {
  if (!queues_.enter(queue)) return false;
  const std::vector<std::string>& names = queues_.key(queue)->pools;
  if (names.empty()) return true;
  std::vector<Slot>& pools = queues_.needs(queue).pools;
  if (queues_.live(queue) == 1) {
    pools.clear();
    for (const std::string& name : names) pools.push_back(permits_.find_pool(name));
  }
  for (const Slot pool : pools) permits_.count_task(pool);
  return true;
}

void TaskTable::leave_queue(QueueSlot queue, Step& step) {
  QueueNeeds& mine = queues_.needs(queue);
  for (const Slot pool : mine.pools) permits_.forget_task(pool);
  if (queues_.live(queue) == 1 && !mine.pools.empty()) {
    if (mine.waiter != kNoSlot) permits_.leave_for_queue(mine.waiter, step.now, step.effects);
    called_.erase(queue);
    mine = QueueNeeds();
  }
  queues_.leave(queue);
}

// False: a pool has too little, and the queue stands in its line.
bool TaskTable::may_have_needs(TaskRef task, Step& step) {
  QueueNeeds& mine = queues_.needs(task->queue);
  if (mine.pools.empty()) return true;
  needs_.clear();
  for (std::size_t i = 0; i < mine.pools.size(); ++i) {
    needs_.push_back({mine.pools[i], task->details->needs[i].amount});
  }
  const Slot line = permits_.line_for(needs_, task->priority, mine.number, step.now);
  if (line == kNoSlot) return true;
  mine.since = step.now;
  called_.erase(task->queue);
  mine.waiter = permits_.stand_for_queue(task->queue, needs_, task->priority, mine.number, line);
  permits_.serve(step.now, step.effects);  // sets the timer of a window, which comes back by itself
  return mine.waiter == kNoSlot;           // it was its turn after all
}

// Precondition: may_have_needs(task) was true just now. The next of the queue may find enough, too:
// one that waits for it hears so, because only the first was told that there was something.
void TaskTable::take_needs(TaskRef task, AttemptRecord& attempt, Step& step) {
  attempt.permit = permits_.take_for_attempt(parties_[attempt.token.party].name, needs_, step.now);
  queues_.needs(task->queue).number = 0;
  called_.erase(task->queue);
  if (queues_.front(task->queue, step.now) != kNoSlot) tell_ready(task->queue, step.effects);
}

// What was released was not used; what ended otherwise without a word may have been.
void TaskTable::end_needs(AttemptRecord& attempt, Ended how, Step& step) {
  const Slot permit = std::exchange(attempt.permit, kNoSlot);
  permits_.end_attempt(permit, step.used, how == Ended::released && step.used.empty(), step.now,
                       step.effects);
}

// The first of the queue is another one: the next claim looks at what that needs.
void TaskTable::reconsider(QueueSlot queue, Step& step) {
  const Slot waiter = queues_.needs(queue).waiter;
  if (waiter == kNoSlot) return;
  may_claim(queue, step.effects);
  permits_.leave_for_queue(waiter, step.now, step.effects);
}

void TaskTable::may_claim(QueueSlot queue, Effects& effects) {
  queues_.needs(queue).waiter = kNoSlot;
  called_.insert(queue);
  tell_ready(queue, effects);
}

}  // namespace controlplane
