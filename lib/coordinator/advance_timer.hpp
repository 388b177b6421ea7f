// Lets due things happen: one timer that sleeps to the earliest thing due in the tenant.
// The store tells when something becomes due earlier than known, and after each Advance what is due
// next; an Advance that left due things behind is followed by the next one, behind whatever else
// the loop has to do. A slower tick is the backstop should a store forget to tell.
// Thread safety: every method may be called from any thread.
// Lifetime: the calls outlive it; it must outlive its loop's run.
// Errors: a store that is away is asked again a little later.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "coordinator/agent_calls.hpp"
#include "coordinator/store_calls.hpp"

namespace controlplane {

class AdvanceTimer {
 public:
  AdvanceTimer(StoreCalls& calls, std::chrono::milliseconds backstop)
      : calls_(calls), backstop_us_(std::chrono::microseconds(backstop).count()) {}

  void start();
  void on_due(Timestamp earliest);  // by the store's clock

 private:
  void arm(std::int64_t at_us);  // by the loop's clock
  void run();
  void ran(const Result<bool>& more_due);

  StoreCalls& calls_;
  const std::int64_t backstop_us_;

  std::mutex mutex_;
  bool running_ = false;  // guarded, as below
  bool again_ = false;    // something became due while it ran
  TimerId timer_ = 0;
  std::int64_t at_us_ = kNoDeadline;
};

}  // namespace controlplane
