// What do shared state and permits cost?
//   compare_and_set   a put that expects the version, to an update in a hash map of as many keys
//                     under a mutex (cost_over_limit, at most 4)
//   acquire_release   a permit, to two such updates (cost_over_limit, at most 4)
//   claim_two_needs   a claim that takes two permits, to a claim that takes none (cost_over_limit, at
//                     most 1.5)
#include <mutex>
#include <unordered_map>

#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;

constexpr std::size_t kBlock = 2'000;
constexpr std::size_t kKeys = 10'000;

std::vector<std::string> make_keys() {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back("state/" + std::to_string(i * 7919 % kKeys));
  return keys;
}

// The limit: a value and its version under each key.
class BareMap {
 public:
  explicit BareMap(const std::vector<std::string>& keys, const std::string& value) {
    for (const std::string& key : keys) entries_.emplace(key, Entry{value, 0});
  }
  void update(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_.find(key)->second;
    entry.value = value;
    ++entry.version;
  }

 private:
  struct Entry {
    std::string value;
    std::uint64_t version;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

std::string value_of_250_bytes() { return "{\"text\":\"" + std::string(239, 'x') + "\"}"; }

void compare_and_set(benchmark::State& state) {
  const Coordinator plane = Coordinator::open().value();
  SharedState shared(plane);
  const std::vector<std::string> keys = make_keys();
  const std::string value = value_of_250_bytes();
  BareMap bare(keys, value);
  std::vector<PutOptions> expected(kKeys);
  for (std::size_t i = 0; i < kKeys; ++i) {
    expected[i].expected_version = shared.put(keys[i], Json(value)).value();
  }
  std::size_t mine = 0, theirs = 0;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) bare.update(keys[theirs++ % kKeys], value);
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          PutOptions& options = expected[mine % kKeys];
          options.expected_version = shared.put(keys[mine++ % kKeys], Json(value), options).value();
        }
      });
  state.counters["cost_over_limit"] = 1 / state.counters["ratio_to_limit"];
}

void acquire_release(benchmark::State& state) {
  const Coordinator plane = Coordinator::open().value();
  Resources resources(plane);
  const std::vector<std::string> keys = make_keys();
  BareMap bare(keys, "1");
  std::vector<AcquireRequest> requests(kKeys);
  for (std::size_t i = 0; i < kKeys; ++i) {
    PoolSpec pool;
    pool.name = keys[i];
    pool.capacity = 5;
    resources.define_pool(pool).value();
    requests[i].needs = {{keys[i], 1}};
    requests[i].owner = "owner";
  }
  std::size_t mine = 0, theirs = 0;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          bare.update(keys[theirs % kKeys], "0");
          bare.update(keys[theirs++ % kKeys], "1");
        }
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          resources.release(resources.acquire(requests[mine++ % kKeys]).value()).value();
        }
      });
  state.counters["cost_over_limit"] = 1 / state.counters["ratio_to_limit"];
}

// Tasks that wait to be claimed, and those that were.
class Claims {
 public:
  explicit Claims(std::vector<PermitNeed> needs) : needs_(std::move(needs)) {
    Resources resources(plane_);
    for (const PermitNeed& need : needs_) {
      PoolSpec pool;
      pool.name = need.pool;
      pool.capacity = kUnlimited;
      if (need.pool == "ai_calls") pool.capacity = kBlock;
      if (need.pool == "tokens") pool.kind = PoolKind::budget;
      resources.define_pool(pool).value();
    }
    request_.agent_id = "alice";
  }
  void fill() {
    for (std::size_t i = 0; i < kBlock; ++i) {
      TaskSpec spec;
      spec.task_type = "work";
      spec.payload = R"({"file":"a.cpp"})";
      spec.labels = {{"team", "red"}};  // both kinds have details
      spec.needs = needs_;
      plane_.submit_task(std::move(spec)).value();
    }
  }
  double claim_all() {
    return seconds([&] {
      for (std::size_t i = 0; i < kBlock; ++i) held_.push_back(*plane_.claim_task(request_).value());
    });
  }
  void complete_all() {
    for (const ClaimedTask& task : held_) plane_.complete_task({.attempt = {task.id, task.lease, {}}}).value();
    held_.clear();
  }

 private:
  Coordinator plane_ = Coordinator::open().value();
  std::vector<PermitNeed> needs_;
  ClaimRequest request_;
  std::vector<ClaimedTask> held_;
};

void claim_two_needs(benchmark::State& state) {
  Claims without({}), with({{"ai_calls", 1}, {"tokens", 4'000}});
  std::vector<double> costs;
  for (auto _ : state) {
    without.fill();
    with.fill();
    const double bare = without.claim_all();
    const double spent = with.claim_all();
    without.complete_all();
    with.complete_all();
    state.SetIterationTime(spent);
    costs.push_back(spent / bare);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kBlock) * state.iterations());
  state.counters["cost_over_limit"] = median(costs);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("compare_and_set", compare_and_set)->UseManualTime();
  benchmark::RegisterBenchmark("acquire_release", acquire_release)->UseManualTime();
  benchmark::RegisterBenchmark("claim_two_needs", claim_two_needs)->UseManualTime();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
