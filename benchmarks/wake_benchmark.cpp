// How long from a submit in one thread until a blocked claim in another has the task in hand?
// The limit is the bare wake of a thread that waits on a condition variable; both are medians of the
// time from just before the call to just after the waiter runs.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double micros(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

// Lets the other thread fall asleep: yields, because how long that takes is not measured.
void settle() {
  const auto until = Clock::now() + 200us;
  while (Clock::now() < until) std::this_thread::yield();
}

class BareWake {
 public:
  BareWake() : waiter_([this] { run(); }) {}
  ~BareWake() {
    post(2);
    waiter_.join();
  }
  double once() {
    settle();
    const auto begin = Clock::now();
    post(1);
    std::unique_lock lock(mutex_);
    back_.wait(lock, [&] { return state_ == 0; });
    return micros(begin, woken_);
  }

 private:
  void post(int state) {
    {
      const std::lock_guard lock(mutex_);
      state_ = state;
    }
    forth_.notify_one();
  }
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      forth_.wait(lock, [&] { return state_ != 0; });
      woken_ = Clock::now();
      if (std::exchange(state_, 0) == 2) return;
      back_.notify_one();
    }
  }
  std::mutex mutex_;
  std::condition_variable forth_, back_;
  int state_ = 0;
  Clock::time_point woken_;
  std::thread waiter_;
};

class BlockedClaim {
 public:
  explicit BlockedClaim(Coordinator& plane) : plane_(plane), agent_([this] { run(); }) {}
  ~BlockedClaim() {
    plane_.submit_task({.task_type = "stop", .required_capabilities = {"code"}}).value();
    agent_.join();
  }
  double once() {
    settle();
    const auto begin = Clock::now();
    const TaskId id =
        plane_.submit_task({.task_type = "go", .payload = "{}", .required_capabilities = {"code"}})
            .value();
    plane_.wait_for_result(id, 10s).value();
    return micros(begin, in_hand_);
  }

 private:
  void run() {
    ClaimRequest request;
    request.agent_id = "a";
    request.capabilities = {"code"};
    request.wait = 60s;
    for (;;) {
      const auto task = plane_.claim_task(request).value();
      in_hand_ = Clock::now();
      plane_.complete_task({.attempt = {task->id, task->lease, {}}, .result = "null"}).value();
      if (task->task_type == "stop") return;
    }
  }
  Coordinator& plane_;
  Clock::time_point in_hand_;
  std::thread agent_;
};

void wake(benchmark::State& state) {
  Coordinator plane = Coordinator::open().value();
  BareWake bare;
  BlockedClaim claim(plane);
  std::vector<double> bare_us, claim_us;
  for (auto _ : state) {
    bare_us.push_back(bare.once());
    claim_us.push_back(claim.once());
    state.SetIterationTime(claim_us.back() * 1e-6);
  }
  state.counters["median_us"] = median(claim_us);
  state.counters["limit_median_us"] = median(bare_us);
  state.counters["cost_over_limit"] = median(claim_us) / median(bare_us);
}
BENCHMARK(wake)->UseManualTime()->Iterations(5'000);

}  // namespace

BENCHMARK_MAIN();
