// Seeded simulation of the whole product: coordinators, agents, a faulty store, time; see world.hpp.
//
//   simulation_test                    seeds 1 to 1,000, and the proof that defects are found
//   simulation_test --seeds 1..20000   these seeds only
//   simulation_test --seed 17          one seed, with its last steps
//   CONTROLPLANE_SEED=17 simulation_test
//
// Every seed runs twice and must come to the same state. A failure prints its seed and its last steps;
// the same seed makes the same steps on every machine.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "simulation/world.hpp"

namespace {

using namespace controlplane::simulation;

constexpr std::uint64_t kSeeds = 1'000;       // of one run without arguments
constexpr std::uint64_t kSeedsToFind = 100;   // within so many every defect is found

void print(std::uint64_t seed, const Outcome& outcome) {
  for (const std::string& line : outcome.trace) std::cout << "  " << line << '\n';
  for (const std::string& finding : outcome.findings) std::cout << "seed " << seed << ": " << finding << '\n';
}

Census census;  // of all that ran

// Twice: with all checks, and without, which must come to the same state.
bool holds(std::uint64_t seed) {
  const Outcome first = simulate(seed);
  for (const auto& [what, count] : first.census) census[what] += count;
  if (first.findings.empty()) {
    RunOptions plain;
    plain.audit = false;
    if (simulate(seed, plain).hash == first.hash) return true;
    std::cout << "seed " << seed << ": came to two different states\n";
    return false;
  }
  RunOptions traced;
  traced.trace = true;
  print(seed, simulate(seed, traced));
  std::cout << "replay with: simulation_test --seed " << seed << std::endl;
  return false;
}

bool all_hold(std::uint64_t from, std::uint64_t to) {
  const auto began = std::chrono::steady_clock::now();
  bool good = true;
  for (std::uint64_t seed = from; seed <= to; ++seed) good = holds(seed) && good;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << "seeds " << from << " to " << to << ": " << (good ? "all hold" : "FAILED") << ", "
            << static_cast<double>(to - from + 1) / took.count() << " seeds/s, each run twice\n";
  if (std::getenv("CENSUS")) for (const auto& [what, n] : census) std::cout << n << "\t" << what << "\n";
  return good;
}

bool one(std::uint64_t seed) {
  RunOptions traced;
  traced.trace = true;
  const Outcome outcome = simulate(seed, traced);
  print(seed, outcome);
  std::cout << "seed " << seed << ": " << outcome.events << " events, state " << std::hex
            << outcome.hash << std::dec << '\n';
  return outcome.findings.empty() && holds(seed);
}

// A simulation that finds nothing in a broken store would prove nothing about a good one.
bool finds(Defect defect, const char* name) {
  for (std::uint64_t seed = 1; seed <= kSeedsToFind; ++seed) {
    RunOptions options;
    options.defect = defect;
    const Outcome outcome = simulate(seed, options);
    if (outcome.findings.empty()) continue;
    std::cout << name << ": found by seed " << seed << ": " << outcome.findings.front() << '\n';
    return true;
  }
  std::cout << name << ": not found within " << kSeedsToFind << " seeds\n";
  return false;
}

bool finds_all() {
  bool good = finds(Defect::current_lease, "a store that ends the current lease");
  good = finds(Defect::forgotten_end, "a store that forgets the last ended attempt") && good;
  good = finds(Defect::dropped_signals, "a store that drops signals") && good;
  good = finds(Defect::silent_loss, "a store that hides what was trimmed") && good;
  return finds(Defect::nameless_append, "a store that appends again what is repeated") && good;
}

std::uint64_t number(std::string_view text) { return std::strtoull(std::string(text).c_str(), nullptr, 10); }

int usage() {
  std::cerr << "usage: simulation_test [--seed N | --seeds FROM..TO]\n";
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  if (const char* seed = std::getenv("CONTROLPLANE_SEED"); seed != nullptr && count == 1) {
    return one(number(seed)) ? 0 : 1;
  }
  if (count == 1) {
    const bool found = finds_all();
    return all_hold(1, kSeeds) && found ? 0 : 1;
  }
  if (count != 3) return usage();
  const std::string_view option = arguments[1], value = arguments[2];
  if (option == "--seed") return one(number(value)) ? 0 : 1;
  const std::size_t dots = value.find("..");
  if (option != "--seeds" || dots == std::string_view::npos) return usage();
  return all_hold(number(value.substr(0, dots)), number(value.substr(dots + 2))) ? 0 : 1;
}
