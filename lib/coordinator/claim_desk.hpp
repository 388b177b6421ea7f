// Parked claims: parks callers that found no task, and wakes one of them per task that becomes
// ready. Who makes a task ready performs the claim on the waiter's behalf, on its own thread, and
// hands over what it got: nobody is woken for nothing, and nothing polls.
//
// No wake-up is lost:
//  - A caller parks first, then has the store tell of ready tasks (Watch), then claims once more.
//  - What becomes ready while only busy waiters could take it is noted with one of them (ClaimLot).
//  - A waiter that was picked for a task of one queue may come back with one of another. Nobody
//    sees that from outside, so its claim says whether it got what it was picked for
//    (ClaimTasks::got_sought); if not, the next one is picked.
//  - A waiter that names no capabilities offers those registered, and another coordinator may have
//    changed them. Its claims say what they offered (ClaimTasks::offered), and it claims once more
//    when it hears of a change (agent_offers). One that offered other things than were known has
//    found nothing out about the queue it was picked for: the next one is picked.
// A handed-over task is not lost either: a waiter whose deadline passes while a claim is on its way
// waits for that answer, and what nobody waits for any more is released.
//
// Thread safety: every method may be called from any thread.
// Lifetime: the calls and what they use outlive it. close() before destruction.
// Errors: given to the waiters: deadline = no task; the agent's end; cancelled by close().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/task.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/claim_lot.hpp"
#include "coordinator/store_calls.hpp"
#include "coordinator/task_calls.hpp"
#include "engine/effects.hpp"
#include "runtime/parker.hpp"

namespace controlplane {

using ClaimedTasks = std::vector<ClaimedTask>;

struct ParkedClaim : LotEntry, std::enable_shared_from_this<ParkedClaim> {
  ClaimRequest request;
  bool blocking = false;  // its thread waits on the parker
  Parker parker;
  Done<ClaimedTasks> done;                       // otherwise
  Result<ClaimedTasks> answer = ClaimedTasks{};  // written before unpark()

  // Guarded by the desk's lock.
  bool found_nothing = false;            // its last claim: there is no task that it could take
  std::shared_ptr<ParkedClaim> self;     // while it is in the lot
  bool over = false;                     // it has its answer
  bool late = false;                     // its deadline passed while it was busy
  bool chain = false;                    // go on with its agent's next dormant one
  std::optional<Error> ending;           // its agent ended while it was busy
  std::shared_ptr<const QueueKey> unit;  // the ready task it was picked for
};

struct ClaimDeskOptions {
  std::size_t max_waiting = 100'000;  // Limits::max_waiting_claims
  SelectionStrategy strategy = SelectionStrategy::round_robin;
  bool require_registration = false;
};

class ClaimDesk {
 public:
  ClaimDesk(StoreCalls& calls, ClaimDeskOptions options)
      : calls_(calls), options_(options), lot_(options.strategy), strategy_(options.strategy) {}
  ClaimDesk(const ClaimDesk&) = delete;
  ClaimDesk& operator=(const ClaimDesk&) = delete;

  // For a valid request that found no task; both wait up to request.wait. An empty vector: none
  // came.
  Result<ClaimedTasks> wait(const ClaimRequest& request);
  void wait(ClaimRequest request, Done<ClaimedTasks> done);

  // From the store.
  void on_ready(std::vector<std::pair<std::shared_ptr<const QueueKey>, std::uint32_t>> ready);
  void on_eligible(std::string_view agent);
  void on_offers(std::string_view agent);
  void on_ended(std::string_view agent, const Error& error);

  void set_strategy(SelectionStrategy strategy);
  std::size_t waiting() const;
  // Cheap: what a claim that does not park tells the store of those that do.
  Timestamp parked_until(std::string_view agent) const;
  void close();  // ends all with cancelled; idempotent

 private:
  using Claim = std::shared_ptr<ParkedClaim>;
  using Queue = std::shared_ptr<const QueueKey>;
  struct Unit {
    Queue queue;
    std::uint32_t count;
  };
  using Item = std::variant<Unit, Claim>;
  struct Frame;  // the work of one thread, so that nothing recurses

  // What a change under the lock leaves to be done after it.
  struct After {
    std::vector<Item> items;
    std::vector<Claim> over;  // answers to hand over
    int unwatch = 0;
  };

  Claim make(ClaimRequest request);
  void begin(const Claim& claim);  // finds out what it offers, then parks it
  void park(const Claim& claim, std::vector<std::string> offer, double load);
  void watched(const Claim& claim, const Result<void>& answer);
  void expire(ParkedClaim& claim);
  void fail(const Claim& claim, Error error);

  void run(std::vector<Item> items);  // in this thread's frame
  void serve(const Unit& unit);
  bool serve_one(const Queue& queue, std::uint32_t& left);
  bool claim_for(const Claim& claim);
  bool drop(const Claim& claim);  // false
  void settle(const Claim& claim, Result<ClaimCall::Answer> answer);
  bool settle_locked(const Claim& claim, Result<ClaimCall::Answer>& answer, After& after);
  void carry_out(After after);

  // Under the lock, as all below.
  void leave_busy(ParkedClaim& claim, bool refused, After& after);
  void go_on(ParkedClaim& claim, After& after);
  void finish(ParkedClaim& claim, Result<ClaimedTasks> answer, After& after);
  void pass_on(ParkedClaim& claim, After& after);
  void arm_timer();
  void on_timer();
  Timestamp store_time(std::int64_t deadline_us) const;

  StoreCalls& calls_;
  const ClaimDeskOptions options_;

  std::atomic<bool> occupied_{false};  // someone is in the lot; written under the lock

  mutable std::mutex mutex_;  // guards all below
  ClaimLot lot_;
  SelectionStrategy strategy_;
  bool closed_ = false;
  bool watching_ = false;  // the store surely tells of ready tasks
  int watches_ = 0;        // how often it was asked to
  TimerId timer_ = 0;
  std::int64_t timer_at_ = kNoDeadline;
};

}  // namespace controlplane
