// How much of the bare loop's speed can be left at all, when a cycle does what its line asks for
// besides (the spec is built, the JSON checked, the clock read, an event appended, once per
// operation each), and keeps nothing else: no lease, no timer, no agent, no retention?
//   floor/N   ratio_to_limit with N tasks pending: the best that cycle/N could reach
#include <string>

#include "bare_loop.hpp"
#include "base/clock.hpp"
#include "base/plain_json.hpp"
#include "controlplane/controlplane.hpp"
#include "engine/event.hpp"
#include "engine/log_table.hpp"
#include "paired.hpp"

namespace {

using namespace controlplane;

const std::string kPayload = "{\"file\":\"main.cpp\",\"diff\":\"" + std::string(172, 'x') + "\"}";
constexpr std::size_t kBlock = 2'000;
constexpr std::size_t kDepth = 64;

class DutifulLoop {
 public:
  void submit() {
    const TaskSpec spec{
        .task_type = "code_review", .payload = kPayload, .required_capabilities = {"code"}};
    check(spec.payload);
    loop_.submit(spec.payload, 2);
    note(EventType::task_submitted, 0);
  }
  void cycle() {
    submit();
    const std::string id = loop_.claim();
    note(EventType::task_claimed, 1);
    const Completion completion{.attempt = {}, .result = R"({"ok":true})"};
    check(completion.result);
    loop_.complete(id);
    note(EventType::task_completed, 1);
  }

 private:
  static void check(const Json& json) {
    if (!is_plain_json(json, kDepth)) std::abort();
  }
  void note(EventType type, std::uint32_t attempt) {
    append_task_event(log_, type, system_clock().steady_us(), task_, attempt,
                      attempt == 0 ? "" : "reviewer-1");
  }
  BareLoop loop_;
  LogTable log_{{.max_entries = 100'000}};
  TaskId::Uuid task_{};
};

void floor(benchmark::State& state) {
  DutifulLoop dutiful;
  BareLoop bare;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    dutiful.submit();
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
        for (std::size_t i = 0; i < kBlock; ++i) dutiful.cycle();
      });
}
BENCHMARK(floor)->Arg(0)->Arg(1'000)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
