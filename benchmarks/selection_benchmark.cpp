// What do a choice among 10,000 agents and a heartbeat cost?
//   select/strategy   to updating the top of a binary heap of 10,000 (cost_over_limit, at most 4 for
//                     least_loaded and round_robin, 20 for the others); select_100 shows the growth
//   heartbeat         to a find in a hash map of 10,000 names (cost_over_limit, at most 4)
#include <array>
#include <queue>
#include <unordered_map>

#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;

constexpr std::size_t kBlock = 2'000;
constexpr std::size_t kAgents = 10'000;

std::string agent_name(std::size_t i) { return "agent-" + std::to_string(100'000 + i); }

Coordinator fleet(std::size_t agents) {
  Coordinator plane = Coordinator::open().value();
  static const std::array<std::vector<std::string>, 4> kSkills{
      {{"code"}, {"code", "critique"}, {"code", "research"}, {"code", "critique", "judge"}}};
  for (std::size_t i = 0; i < agents; ++i) {
    plane.register_agent({.agent_id = agent_name(i),
                          .capabilities = kSkills[i % kSkills.size()],
                          .max_concurrency = static_cast<std::uint32_t>(1 + i % 7)})
        .value();
  }
  return plane;
}

// Takes the top of a heap of (load, last assignment, agent) and puts it back with another key.
class Heap {
 public:
  Heap() {
    for (std::uint64_t i = 0; i < kAgents; ++i) items_.push({i, i});
  }
  void update_top() {
    auto [key, agent] = items_.top();
    items_.pop();
    items_.push({key + kAgents, agent});
  }

 private:
  using Item = std::pair<std::uint64_t, std::uint64_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> items_;
};

void select_among(benchmark::State& state, std::size_t agents, SelectionStrategy strategy) {
  Coordinator plane = fleet(agents);
  SelectRequest request;
  request.capabilities = {"code"};
  request.strategy = strategy;
  Heap heap;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) heap.update_top();
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          benchmark::DoNotOptimize(plane.select_agent(request).value());
        }
      });
  state.counters["cost_over_limit"] = 1 / state.counters["ratio_to_limit"];
}

void heartbeat(benchmark::State& state) {
  Coordinator plane = fleet(kAgents);
  std::unordered_map<std::string, std::uint64_t> last_seen;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kAgents; ++i) {
    names.push_back(agent_name(i * 7919 % kAgents));
    last_seen.emplace(agent_name(i), 0);
  }
  std::size_t at = 0;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) ++last_seen.find(names[at++ % kAgents])->second;
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) plane.heartbeat(names[at++ % kAgents]).value();
      });
  state.counters["cost_over_limit"] = 1 / state.counters["ratio_to_limit"];
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto strategy : {SelectionStrategy::least_loaded, SelectionStrategy::round_robin,
                              SelectionStrategy::random, SelectionStrategy::capability_match}) {
    const std::string name(to_string(strategy));
    for (const std::size_t agents : {std::size_t{100}, kAgents}) {
      benchmark::RegisterBenchmark(("select_" + std::to_string(agents) + "/" + name).c_str(),
                                   [=](benchmark::State& s) { select_among(s, agents, strategy); })
          ->UseManualTime();
    }
  }
  benchmark::RegisterBenchmark("heartbeat", heartbeat)->UseManualTime();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
