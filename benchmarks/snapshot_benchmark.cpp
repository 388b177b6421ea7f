// What does a snapshot cost?
//   export_million     1,000,000 tasks to a sink that only counts: MB/s (at least 200), and the
//                      ratio to the limit: the same rows by the JSON writer alone, sums included
//   import_million     the same file back: MB/s
//   claims_meanwhile   p99 of a claim while an export runs, to that without one
//                      (p99_ratio, at most 2)
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "controlplane/controlplane.hpp"
#include "engine/row_json.hpp"
#include "mesh/snapshot_writer.hpp"

namespace {

using namespace controlplane;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kTasks = 1'000'000;
const std::string kPayload = "{\"text\":\"" + std::string(190, 'x') + "\"}";

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void submit(Coordinator& plane, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 1'000) {
    std::vector<TaskSpec> specs(1'000);
    for (TaskSpec& spec : specs) {
      spec.task_type = "review";
      spec.payload = Json(kPayload);
      spec.required_capabilities = {"code"};
    }
    (void)plane.submit_tasks(std::move(specs));
  }
}

Snapshots::Sink counting(std::uint64_t& bytes) {
  return [&bytes](std::string_view piece) -> Result<void> {
    bytes += piece.size();
    return {};
  };
}

// Seconds for as many rows by the writer alone.
double writer_limit() {
  std::uint64_t bytes = 0;
  const Snapshots::Sink sink = counting(bytes);
  SnapshotWriter writer(sink);
  RowBuffer rows;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < kTasks; ++i) {
    TaskRow row;
    row.id = TaskId(TaskId::Uuid{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, static_cast<std::uint8_t>(i)});
    row.serial = row.position = i + 1;
    row.type.text = "review";
    row.reason = TaskReason::ready;
    row.place = Place::fresh;
    row.priority = TaskPriority::normal;
    row.submitted_at = row.since = row.first_ready = 1'700'000'000'000'000;
    row.required.push_back({"code"});
    row.timeout_us = row.max_delay_us = 300'000'000;
    row.delay_us = 10'000'000;
    row.backoff = 2;
    row.max_retries = 3;
    row.payload.text = kPayload;
    append_row(rows, row);
    rows.append('\n');
    if (rows.size() < 4'096) continue;
    (void)writer.add(rows.text());
    rows.clear();
  }
  (void)writer.finish();
  return seconds_since(begin);
}

void export_million(benchmark::State& state) {
  Coordinator plane = Coordinator::open().value();
  submit(plane, kTasks);
  double limit = 0, mine = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    limit += writer_limit();
    const auto begin = Clock::now();
    if (!Snapshots(plane).export_snapshot(counting(bytes))) return state.SkipWithError("export");
    mine += seconds_since(begin);
  }
  state.counters["MB_per_s"] = static_cast<double>(bytes) / 1e6 / mine;
  state.counters["ratio_to_limit"] = limit / mine;
}

void import_million(benchmark::State& state) {
  std::string text;
  {
    Coordinator plane = Coordinator::open().value();
    submit(plane, kTasks);
    (void)Snapshots(plane).export_snapshot([&](std::string_view piece) -> Result<void> {
      text += piece;
      return {};
    });
  }
  double mine = 0;
  for (auto _ : state) {
    Coordinator plane = Coordinator::open().value();
    std::string_view left = text;
    const auto begin = Clock::now();
    const auto read =
        Snapshots(plane).import_snapshot([&](char* to, std::size_t size) -> Result<std::size_t> {
          const std::size_t part = left.copy(to, size);
          left.remove_prefix(part);
          return part;
        });
    if (!read) return state.SkipWithError(read.error().to_string().c_str());
    mine += seconds_since(begin);
  }
  state.counters["MB_per_s"] =
      static_cast<double>(text.size()) * static_cast<double>(state.iterations()) / 1e6 / mine;
}

// In microseconds, of so many claims, each completed and replaced.
double p99_of_claims(Coordinator& plane, std::size_t count) {
  std::vector<double> times;
  times.reserve(count);
  ClaimRequest request;
  request.agent_id = "agent";
  request.capabilities = {"code"};
  for (std::size_t i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    auto held = plane.claim_task(request);
    times.push_back(seconds_since(begin) * 1e6);
    if (!held || !*held) break;
    Completion completion;
    completion.attempt = {(*held)->id, (*held)->lease, {}};
    (void)plane.complete_task(completion);
  }
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

void claims_meanwhile(benchmark::State& state) {
  constexpr std::size_t kClaims = 20'000;
  Coordinator plane = Coordinator::open().value();
  submit(plane, kTasks);
  std::vector<double> alone, meanwhile;
  for (auto _ : state) {
    alone.push_back(p99_of_claims(plane, kClaims));
    std::atomic<bool> begun{false}, stop{false};
    std::thread exporter([&] {
      while (!stop) {
        (void)Snapshots(plane).export_snapshot([&](std::string_view) -> Result<void> {
          begun = true;
          begun.notify_all();
          return stop ? Result<void>(Error::cancelled()) : Result<void>();
        });
      }
    });
    begun.wait(false);
    meanwhile.push_back(p99_of_claims(plane, kClaims));
    stop = true;
    exporter.join();
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  state.counters["p99_us"] = median(alone);
  state.counters["p99_us_meanwhile"] = median(meanwhile);
  state.counters["p99_ratio"] = median(meanwhile) / median(alone);
}

BENCHMARK(export_million)->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(import_million)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(claims_meanwhile)->Iterations(9)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
