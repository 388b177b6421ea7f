// How much of the bare loop's speed is left for submit → claim → complete through the public API,
// building the spec, validation, events and counters included?
//   cycle/N            N tasks pending in front; the ratio is to the bare loop with as many
//   cycle_10m          10,000,000 pending against 1,000,000 (slowdown)
//   capability_sets    100 capability sets with tasks the claimer cannot serve (slowdown)
//   encrypted          with encryption at rest against without (slowdown)
//   pending_bytes      resident bytes per pending task with a 200-byte payload, at 1,000,000
//   two_threads        claim and complete in batches of 32 by two threads, to single operations
// Tasks that ended are kept as briefly as the configuration allows, because the bare loop keeps none;
// default_retention/0 shows the cost of keeping them all for a minute.
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "bare_loop.hpp"
#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;
using namespace std::chrono_literals;

const std::string kPayload = "{\"file\":\"main.cpp\",\"diff\":\"" + std::string(172, 'x') + "\"}";
constexpr std::size_t kBlock = 2'000;

Config config(bool keep_nothing = true) {
  Config config;
  config.limits.max_tasks = 50'000'000;
  if (keep_nothing) {
    config.retention.min_age = 0ms;
    config.retention.max_count = 1'000;
  }
  return config;
}

TaskSpec spec(const char* capability = "code") {
  return {.task_type = "code_review", .payload = kPayload, .required_capabilities = {capability}};
}

struct Plane {
  explicit Plane(Config c = config()) : plane(Coordinator::open(std::move(c)).value()) {
    request.agent_id = "reviewer-1";
    request.capabilities = {"code"};
    plane.register_agent({.agent_id = "reviewer-1", .capabilities = {"code"}, .max_concurrency = 0})
        .value();
  }
  void submit(const char* capability = "code") { plane.submit_task(spec(capability)).value(); }
  void claim_and_complete() {
    const auto task = plane.claim_task(request).value();
    plane.complete_task({.attempt = {task->id, task->lease, {}}, .result = R"({"ok":true})"}).value();
  }
  void cycle() {
    submit();
    claim_and_complete();
  }
  Coordinator plane;
  ClaimRequest request;
};

void cycle_against_bare(benchmark::State& state, Config c) {
  Plane ours(std::move(c));
  BareLoop bare;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    ours.submit();
    bare.submit(kPayload, 2);
  }
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          bare.submit(kPayload, 2);
          bare.complete(bare.claim());
        }
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) ours.cycle();
      });
}

void cycle(benchmark::State& state) { cycle_against_bare(state, config()); }
BENCHMARK(cycle)->Arg(0)->Arg(1'000)->Arg(1'000'000)->UseManualTime();

void default_retention(benchmark::State& state) { cycle_against_bare(state, config(false)); }
BENCHMARK(default_retention)->Arg(0)->UseManualTime()->MinTime(0.5);

// The "limit" of these is the same cycle in the easier situation: 1 / ratio is the slowdown.
void compare(benchmark::State& state, Plane& easy, Plane& hard) {
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) easy.cycle();
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) hard.cycle();
      });
  state.counters["slowdown"] = 1 / state.counters["ratio_to_limit"];
}

void cycle_10m(benchmark::State& state) {
  Plane million, ten_million;
  for (int i = 0; i < 1'000'000; ++i) million.submit();
  for (int i = 0; i < 10'000'000; ++i) ten_million.submit();
  compare(state, million, ten_million);
}
BENCHMARK(cycle_10m)->UseManualTime();

void capability_sets(benchmark::State& state) {
  Plane easy, hard;
  for (int round = 0; round < 100; ++round) {
    for (int set = 0; set < 100; ++set) hard.submit(("unserved-" + std::to_string(set)).c_str());
  }
  compare(state, easy, hard);
}
BENCHMARK(capability_sets)->UseManualTime();

void encrypted(benchmark::State& state) {
  Config with_keys = config();
  with_keys.encryption_keys =
      KeyRing::of({{"k1", std::string(32, 's'), KeyState::active}}).value();
  Plane easy, hard(with_keys);
  compare(state, easy, hard);
}
BENCHMARK(encrypted)->UseManualTime();

std::size_t resident_bytes() {
  malloc_trim(0);
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void pending_bytes(benchmark::State& state) {
  constexpr std::size_t kTasks = 1'000'000;
  for (auto _ : state) {
    Plane ours;
    const std::size_t before = resident_bytes();
    for (std::size_t i = 0; i < kTasks; ++i) ours.submit();
    const std::size_t after = resident_bytes();
    state.counters["bytes_per_task"] = static_cast<double>(after - before) / kTasks;
  }
}
BENCHMARK(pending_bytes)->Iterations(1)->Unit(benchmark::kMillisecond);

// Claims and completes in batches of 32 what was submitted before.
void drain(Coordinator& plane, const std::string& agent) {
  ClaimRequest request;
  request.agent_id = agent;
  request.capabilities = {"code"};
  request.max_tasks = 32;
  for (;;) {
    const auto tasks = plane.claim_tasks(request).value();
    if (tasks.empty()) return;
    std::vector<Completion> ends;
    ends.reserve(tasks.size());
    for (const ClaimedTask& task : tasks) {
      ends.push_back({.attempt = {task.id, task.lease, {}}, .result = R"({"ok":true})"});
    }
    for (const auto& end : plane.complete_tasks(std::move(ends)).value()) end.value();
  }
}

void two_threads(benchmark::State& state) {
  constexpr std::size_t kTasks = 64'000;
  Plane one, two;
  for (const char* agent : {"left", "right"}) {
    two.plane.register_agent({.agent_id = agent, .capabilities = {"code"}, .max_concurrency = 0})
        .value();
  }
  std::vector<double> ratios;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTasks; ++i) {
      one.submit();
      two.submit();
    }
    const double single = seconds([&] {
      for (std::size_t i = 0; i < kTasks; ++i) one.claim_and_complete();
    });
    const double both = seconds([&] {
      std::thread left([&] { drain(two.plane, "left"); });
      std::thread right([&] { drain(two.plane, "right"); });
      left.join();
      right.join();
    });
    state.SetIterationTime(both);
    ratios.push_back(single / both);
  }
  state.counters["ratio_to_single"] = median(ratios);
}
BENCHMARK(two_threads)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
