// Real threads against each other; run it under -fsanitize=thread.
#include <atomic>
#include <functional>
#include <latch>
#include <thread>

#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
constexpr int kRounds = 200;

// Runs all at once, as nearly as threads can.
void together(std::vector<std::function<void()>> runs) {
  std::latch ready(static_cast<std::ptrdiff_t>(runs.size()));
  std::vector<std::thread> threads;
  for (auto& run : runs) {
    threads.emplace_back([&ready, &run] {
      ready.arrive_and_wait();
      run();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Round {
  explicit Round(Plane& plane, std::chrono::milliseconds ttl = 0ms) : p(plane) {
    TaskSpec spec = spec_of("t", {"code"});
    spec.retry.delay = spec.retry.max_delay = 0ms;
    id = p->submit_task(spec).value();
    ClaimRequest request = claim_of("a", {"code"});
    request.lease_ttl = ttl;
    task = p->claim_task(request).value().value();
  }
  Result<void> complete(std::string result = "1") {
    return p->complete_task({attempt_of(task), Json(result), {}});
  }
  Plane& p;
  TaskId id;
  ClaimedTask task;
};

TEST_CASE("cancel × complete: one of them wins, and both agree") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds; ++i) {
    Round round(p);
    Result<void> completed;
    Result<TaskState> cancelled = TaskState::pending;
    together({[&] { completed = round.complete(); },
              [&] { cancelled = p->cancel_task(round.id, true); }});
    const TaskState state = p->get_status(round.id).value();
    REQUIRE(completed.ok() == (state == TaskState::completed));
    REQUIRE(completed.ok() != (cancelled.ok() && *cancelled == TaskState::cancelled));
  }
}

TEST_CASE("expiry × complete: accepted, or repaired by another attempt") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds / 4; ++i) {
    Round round(p, 1ms);
    Result<void> completed;
    std::optional<ClaimedTask> again;
    together({[&] { completed = round.complete(); },
              [&] { again = p->claim_task(claim_of("b", {"code"}, 5ms)).value(); }});
    if (again) {
      REQUIRE_FALSE(completed.ok());
      REQUIRE(p->complete_task({attempt_of(*again), "2", {}}).ok());
    } else if (!completed) {
      again = p->claim_task(claim_of("b", {"code"}, 20s)).value();
      REQUIRE(again.has_value());
      REQUIRE(p->complete_task({attempt_of(*again), "2", {}}).ok());
    }
    REQUIRE(p->get_task(round.id)->result == (completed.ok() ? "1" : "2"));
  }
}

TEST_CASE("claim × cancel: a task is claimed or cancelled, never both, never lost") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds; ++i) {
    const TaskId id = p->submit_task(spec_of("t", {"code"})).value();
    std::optional<ClaimedTask> claimed;
    Result<TaskState> cancelled = TaskState::pending;
    together({[&] { claimed = p->claim_task(claim_of("a", {"code"})).value(); },
              [&] { cancelled = p->cancel_task(id); }});
    REQUIRE(cancelled.ok());
    if (claimed) {
      REQUIRE(p->complete_task({attempt_of(*claimed), {}, {}}).ok());
    } else {
      REQUIRE(p->get_status(id).value() == TaskState::cancelled);
    }
  }
}

TEST_CASE("re-registration × complete: the old lease ends by one of them") {
  Plane p(StoreKind::memory);
  std::uint64_t incarnation = 1;
  AgentSpec spec = agent_of("a", {"code"}, 0);
  spec.incarnation = incarnation;
  p->register_agent(spec).value();
  for (int i = 0; i < kRounds; ++i) {
    Round round(p);
    spec.incarnation = ++incarnation;
    Result<void> completed;
    together({[&] { completed = round.complete(); }, [&] { p->register_agent(spec).value(); }});
    const TaskState state = p->get_status(round.id).value();
    REQUIRE(completed.ok() == (state == TaskState::completed));
    if (!completed) REQUIRE(p->cancel_task(round.id, true).ok());
    // Crashes open the breaker, which is not what is tested here.
    if (i % 2 == 1) {
      REQUIRE(p->unregister_agent("a").ok());
      spec.incarnation = ++incarnation;
      p->register_agent(spec).value();
    }
  }
}

TEST_CASE("32 duplicate completions: all are OK, one is counted") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds / 10; ++i) {
    Round round(p);
    std::atomic<int> accepted{0};
    std::vector<std::function<void()>> runs(32, [&] {
      if (round.complete()) ++accepted;
    });
    together(runs);
    REQUIRE(accepted == 32);
  }
  const SchedulerStats stats = p->get_stats()->scheduler;
  CHECK(stats.completed_total == kRounds / 10);
  CHECK(stats.duplicates_total == 31 * (kRounds / 10));
}

TEST_CASE("32 different completions: one is accepted") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds / 10; ++i) {
    Round round(p);
    std::atomic<int> accepted{0}, next{0};
    std::vector<std::function<void()>> runs(32, [&] {
      if (round.complete(std::to_string(++next))) ++accepted;
    });
    together(runs);
    REQUIRE(accepted == 1);
  }
}

TEST_CASE("deadline of a parked claim × submit: the task is handed over or still there") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < kRounds; ++i) {
    std::optional<ClaimedTask> claimed;
    together({[&] { claimed = p->claim_task(claim_of("a", {"code"}, 1ms)).value(); },
              [&] { p->submit_task(spec_of("t", {"code"})).value(); }});
    if (!claimed) claimed = p->claim_task(claim_of("a", {"code"})).value();
    REQUIRE(claimed.has_value());
    REQUIRE(p->complete_task({attempt_of(*claimed), {}, {}}).ok());
  }
}

TEST_CASE("many parked claims × many submits: each task is handed to one, none is stranded") {
  std::atomic<int> completed{0};
  Plane p(StoreKind::memory);
  constexpr int kTasks = 400;
  std::vector<std::function<void()>> runs;
  for (int w = 0; w < 6; ++w) {
    runs.push_back([&, w] {
      const std::string id = "w" + std::to_string(w);
      const std::vector<std::string> offer = {"all", w % 2 == 0 ? "even" : "odd"};
      while (completed < kTasks) {
        auto task = p->claim_task(claim_of(id, offer, 20ms)).value();
        if (task && p->complete_task({attempt_of(*task), {}, {}})) ++completed;
      }
    });
  }
  for (int s = 0; s < 2; ++s) {
    runs.push_back([&, s] {
      for (int i = 0; i < kTasks / 2; ++i) {
        p->submit_task(spec_of("t", {i % 5 == 0 ? "all" : s == 0 ? "even" : "odd"})).value();
      }
    });
  }
  together(runs);
  CHECK(completed == kTasks);
  CHECK(p->get_stats()->scheduler.pending_tasks == 0);
}

TEST_CASE("close × everything: every call ends, completions come exactly once") {
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> begun{0}, ended{0};
    Plane p(i % 2 == 0 ? StoreKind::memory : StoreKind::late);
    const auto count = [&](const auto&) { ++ended; };
    TaskScheduler scheduler = p.plane;
    const auto work = [&, scheduler]() mutable {
      for (int n = 0; n < 50; ++n) {
        begun += 2;
        scheduler.submit_task(spec_of("t"), Done<TaskId>(count));
        scheduler.claim_task(claim_of("a", {}, 1h), Done<std::optional<ClaimedTask>>(count));
        (void)scheduler.claim_task(claim_of("b", {}, 1ms));
      }
    };
    together({work, work, [&] { CHECK(p->shutdown().ok()); }});
    CHECK(begun == ended);
  }
}

}  // namespace
}  // namespace controlplane
