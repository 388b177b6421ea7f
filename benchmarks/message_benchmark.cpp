// What does a signed message cost, from send over receive to acknowledge? At most what its two
// HMACs cost and 2 µs (cost_over_limit, at most 1).
#include "base/crypto.hpp"
#include "controlplane/controlplane.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;

constexpr std::size_t kBlock = 2'000;
constexpr double kAllowedNs = 2'000;
constexpr std::size_t kSignedBytes = 230;  // fields of a message as below

std::string body_of_250_bytes() { return "{\"text\":\"" + std::string(239, 'x') + "\"}"; }

Coordinator open_plane(bool is_signed) {
  Config config;
  if (is_signed) {
    config.signing_keys =
        KeyRing::of({{"2026-11", std::string(32, 'k'), KeyState::active}}).value();
  }
  return Coordinator::open(std::move(config)).value();
}

void cycle(benchmark::State& state, bool is_signed) {
  const Coordinator plane = open_plane(is_signed);
  Mailbox alice(plane, "alice"), bob(plane, "bob");
  const Json body = body_of_250_bytes();
  const Hmac hmac(std::string(32, 'k'));
  const std::string fields(kSignedBytes, 'f');
  std::uint64_t sum = 0;
  measure_paired(
      state, kBlock,
      [&] {
        for (std::size_t i = 0; i < 2 * kBlock; ++i) sum += hmac.of(fields)[0];
      },
      [&] {
        for (std::size_t i = 0; i < kBlock; ++i) {
          alice.send("bob", "greet", body).value();
          bob.acknowledge(bob.receive().value().front()).value();
        }
      });
  benchmark::DoNotOptimize(sum);
  const double hmacs_ns = is_signed ? state.counters["limit_ns_per_item"].value : 0;
  state.counters["cost_over_limit"] = state.counters["ns_per_item"] / (hmacs_ns + kAllowedNs);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("signed_message", cycle, true)->UseManualTime();
  benchmark::RegisterBenchmark("unsigned_message", cycle, false)->UseManualTime();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
