// Measures something next to its limit in the same run: blocks of both in turn, so that a change of
// the machine's speed meets both. Reports the time of one item and how much of the limit's rate it
// reaches (1 = as fast as the limit).
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

inline double seconds(auto&& block) {
  const auto begin = std::chrono::steady_clock::now();
  block();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// `ours` and `limit` do `items` items a call.
void measure_paired(benchmark::State& state, std::size_t items, auto&& limit, auto&& ours) {
  std::vector<double> ratios, ours_ns, limit_ns;
  for (auto _ : state) {
    const double bare = seconds(limit);
    const double spent = seconds(ours);
    state.SetIterationTime(spent);
    ratios.push_back(bare / spent);
    ours_ns.push_back(spent * 1e9 / static_cast<double>(items));
    limit_ns.push_back(bare * 1e9 / static_cast<double>(items));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(items) * state.iterations());
  state.counters["ratio_to_limit"] = median(ratios);
  state.counters["ns_per_item"] = median(ours_ns);
  state.counters["limit_ns_per_item"] = median(limit_ns);
}
