// What does the C interface cost?
//   cycle              submit → claim → complete through controlplane.h against the same through
//   C++ async_cycle        the same with completions drained from a queue, one call at a time,
//   against C++
// Both sides build what they pass anew for every task, as hosts do.
#include <cstdlib>
#include <iostream>

#include "controlplane.h"
#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;
using namespace std::chrono_literals;

const std::string kPayload = "{\"file\":\"main.cpp\",\"diff\":\"" + std::string(172, 'x') + "\"}";
constexpr std::string_view kResult = R"({"ok":true})";
constexpr std::size_t kBlock = 2'000;
const char* const kCapabilities[] = {"code"};

void check(std::int32_t status) {
  if (status == CP_OK) return;
  std::cerr << cp_last_error() << '\n';
  std::abort();
}

class Cpp {
 public:
  Cpp() : plane_(Coordinator::open(config()).value()) {
    request_.agent_id = "reviewer-1";
    request_.capabilities = {"code"};
    plane_
        .register_agent({.agent_id = "reviewer-1", .capabilities = {"code"}, .max_concurrency = 0})
        .value();
  }
  void cycle() {
    plane_
        .submit_task(
            {.task_type = "code_review", .payload = kPayload, .required_capabilities = {"code"}})
        .value();
    const auto task = plane_.claim_task(request_).value();
    plane_.complete_task({.attempt = {task->id, task->lease, {}}, .result = Json(kResult)}).value();
  }

 private:
  static Config config() {
    Config config;
    config.retention.min_age = 0ms;
    config.retention.max_count = 1'000;
    return config;
  }
  Coordinator plane_;
  ClaimRequest request_;
};

class C {
 public:
  C() {
    cp_retention retention = CP_RETENTION_INIT;
    retention.min_age_ms = 0;
    retention.max_count = 1'000;
    cp_options options = CP_OPTIONS_INIT;
    options.retention = &retention;
    check(cp_coordinator_open(&plane_, &options));
    check(cp_queue_open(&queue_, nullptr));
    cp_agent_spec agent = CP_AGENT_SPEC_INIT;
    agent.agent_id = "reviewer-1";
    agent.capabilities = kCapabilities;
    agent.capability_count = 1;
    agent.max_concurrency = 0;
    check(cp_agent_register(plane_, &agent));
    request_.agent_id = "reviewer-1";
    request_.capabilities = kCapabilities;
    request_.capability_count = 1;
  }
  ~C() {
    cp_coordinator_close(plane_);
    cp_queue_close(queue_);
  }
  C(const C&) = delete;
  C& operator=(const C&) = delete;

  void cycle() {
    cp_task_id id;
    const cp_task_spec task = spec();
    check(cp_task_submit(&id, plane_, &task));
    cp_claimed_task* claimed = nullptr;
    check(cp_task_claim(&claimed, plane_, &request_));
    const cp_complete_request end = completion(claimed);
    check(cp_task_complete(plane_, &end));
    cp_claimed_task_free(claimed);
  }
  void async_cycle() {
    const cp_task_spec task = spec();
    check(cp_task_submit_async(plane_, &task, queue_, nullptr));
    cp_completion_free(next());
    check(cp_task_claim_async(plane_, &request_, queue_, nullptr));
    cp_completion* claimed = next();
    const cp_complete_request end = completion(claimed->claimed_task);
    check(cp_task_complete_async(plane_, &end, queue_, nullptr));
    cp_completion_free(claimed);
    cp_completion_free(next());
  }

 private:
  static cp_task_spec spec() {
    cp_task_spec task = CP_TASK_SPEC_INIT;
    task.task_type = "code_review";
    task.payload = kPayload.data();
    task.payload_length = kPayload.size();
    task.required_capabilities = kCapabilities;
    task.required_capability_count = 1;
    return task;
  }
  static cp_complete_request completion(const cp_claimed_task* claimed) {
    cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
    end.attempt = claimed->attempt;
    end.result = kResult.data();
    end.result_length = kResult.size();
    return end;
  }
  cp_completion* next() {
    cp_completion* completion = nullptr;
    std::size_t count = 0;
    check(cp_queue_drain(&count, queue_, &completion, 1));
    if (count != 1) std::abort();
    check(completion->status);
    return completion;
  }
  cp_coordinator* plane_ = nullptr;
  cp_queue* queue_ = nullptr;
  cp_claim_request request_ = CP_CLAIM_REQUEST_INIT;
};

void cycle(benchmark::State& state) {
  Cpp cpp;
  C c;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) cpp.cycle();
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) c.cycle();
      });
}
BENCHMARK(cycle)->UseManualTime();

void async_cycle(benchmark::State& state) {
  Cpp cpp;
  C c;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) cpp.cycle();
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) c.async_cycle();
      });
}
BENCHMARK(async_cycle)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
