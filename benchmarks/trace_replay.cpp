// What would a real day do to it? Replays request traces (CSV: TIMESTAMP,ContextTokens,
// GeneratedTokens; for example AzureLLMInferenceTrace_conv.csv and _code.csv of the Azure Public
// Dataset) as one task type each, in virtual time, through the public API with no thread.
//   usage: trace_replay TRACE.csv...
// Each trace gets its own agents: enough slots for its mean load at 80 % use. A request takes
// 0.2 ms per context token and 20 ms per generated token of virtual time. Printed per trace: virtual
// wait p50 and p99; in all: how many cycles a second of real time the replay took, and its ratio to
// the bare loop of the same run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <queue>
#include <string>
#include <vector>

#include "bare_loop.hpp"
#include "controlplane/controlplane.hpp"
#include "coordinator/coordinator_core.hpp"
#include "trace.hpp"

namespace {

using namespace controlplane;

struct Request {
  std::int64_t at_us = 0;       // since the trace began
  std::int64_t takes_us = 0;
  std::size_t trace = 0;
};

struct Trace {
  std::string name;
  std::string capability;
  std::size_t slots = 1;
  std::vector<double> waits_ms;
};

// A request takes 0.2 ms per context token and 20 ms per generated one.
std::vector<Request> read_requests(const std::string& path, std::size_t number) {
  std::vector<Request> requests;
  for (const TraceEntry& entry : read_trace(path)) {
    requests.push_back(
        {entry.at_us, 200 * entry.context_tokens + 20'000 * entry.generated_tokens, number});
  }
  return requests;
}

std::size_t slots_for(const std::vector<Request>& requests) {
  double work = 0;
  for (const Request& request : requests) work += static_cast<double>(request.takes_us);
  return static_cast<std::size_t>(work / static_cast<double>(requests.back().at_us) / 0.8) + 1;
}

struct Running {
  std::int64_t until;
  std::size_t trace;
  TaskId id;
  Lease lease;
  bool operator>(const Running& other) const { return until > other.until; }
};

class Replay {
 public:
  explicit Replay(std::vector<Trace>& traces) : traces_(traces), plane_(open()) {
    for (const Trace& trace : traces_) {
      plane_.register_agent({.agent_id = trace.name,
                             .capabilities = {trace.capability},
                             .max_concurrency = static_cast<std::uint32_t>(trace.slots)},
                            [](Result<Agent> agent) { agent.value(); });
    }
  }

  void run(const std::vector<Request>& requests) {
    std::size_t next = 0;
    while (next < requests.size() || !running_.empty()) {
      const std::int64_t arrival = next < requests.size() ? requests[next].at_us : INT64_MAX;
      const std::int64_t end = running_.empty() ? INT64_MAX : running_.top().until;
      clock_.now = std::max(clock_.now, std::min(arrival, end));
      if (end <= arrival) {
        complete();
      } else {
        submit(requests[next++]);
      }
      CoordinatorCore::of(plane_).pump();
    }
  }

 private:
  Coordinator open() {
    Config config;
    config.heartbeat_timeout = std::chrono::hours(24);
    CoordinatorParts parts;
    parts.clock = &clock_;
    parts.pumped = true;
    return open_coordinator(config, std::move(parts)).value();
  }
  void submit(const Request& request) {
    const Trace& trace = traces_[request.trace];
    plane_.submit_task({.task_type = trace.name,
                        .payload = "{\"takes_us\":" + std::to_string(request.takes_us) + "}",
                        .required_capabilities = {trace.capability}},
                       [](Result<TaskId> id) { id.value(); });
    claim(request.trace);
  }
  void complete() {
    const Running done = running_.top();
    running_.pop();
    plane_.complete_task({.attempt = {done.id, done.lease, {}}, .result = R"({"ok":true})"},
                         [](Result<void> end) { end.value(); });
    claim(done.trace);
  }
  void claim(std::size_t trace) {
    ClaimRequest request;
    request.agent_id = traces_[trace].name;
    plane_.claim_task(request, [&](Result<std::optional<ClaimedTask>> claimed) {
      if (const std::optional<ClaimedTask>& task = claimed.value()) begin(trace, *task);
    });
  }
  void begin(std::size_t trace, const ClaimedTask& task) {
    const std::string payload = task.payload.str();
    const std::int64_t takes = std::stoll(payload.substr(payload.find(':') + 1));
    const std::int64_t now = clock_.now;
    running_.push({now + takes, trace, task.id, task.lease});
    plane_.get_task(task.id, [&](Result<Task> seen) {
      const Task& t = seen.value();
      traces_[trace].waits_ms.push_back(static_cast<double>(t.claimed_at - t.submitted_at) / 1000);
    });
  }

  VirtualClock clock_;
  std::vector<Trace>& traces_;
  Coordinator plane_;
  std::priority_queue<Running, std::vector<Running>, std::greater<>> running_;
};

double percentile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

double bare_cycles_per_second(std::size_t cycles) {
  BareLoop bare;
  const std::string payload(200, 'x');
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < cycles; ++i) {
    bare.submit(payload, 2);
    bare.complete(bare.claim());
  }
  return static_cast<double>(cycles) /
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: trace_replay TRACE.csv...\n";
    return 2;
  }
  std::vector<Trace> traces;
  std::vector<Request> requests;
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const std::size_t number = traces.size();
    const std::vector<Request> read = read_requests(path, number);
    const std::string name = "trace-" + std::to_string(number);
    traces.push_back({name, name, slots_for(read), {}});
    requests.insert(requests.end(), read.begin(), read.end());
    std::printf("%s: %s, %zu requests, %zu slots\n", name.c_str(), path.c_str(), read.size(),
                traces.back().slots);
  }
  std::stable_sort(requests.begin(), requests.end(),
                   [](const Request& a, const Request& b) { return a.at_us < b.at_us; });

  Replay replay(traces);
  const auto begin = std::chrono::steady_clock::now();
  replay.run(requests);
  const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  for (Trace& trace : traces) {
    std::printf("%s: wait p50 %.1f ms, p99 %.1f ms (virtual)\n", trace.name.c_str(),
                percentile(trace.waits_ms, 0.5), percentile(trace.waits_ms, 0.99));
  }
  const double rate = static_cast<double>(requests.size()) / spent;
  std::printf("replayed %zu cycles in %.3f s: %.0f cycles/s, ratio to the bare loop %.2f\n",
              requests.size(), spent, rate, rate / bare_cycles_per_second(requests.size()));
  return 0;
} catch (const std::exception& error) {
  std::cerr << "trace_replay: " << error.what() << '\n';
  return 1;
}
