// Does a window keep its word on a real day? Replays two request traces (see trace_replay) as two
// owners with weights 2:1 through one window of 600,000 tokens a minute, in virtual time. Every
// request acquires its tokens and waits as long as it takes.
//   usage: window_replay TRACE.csv TRACE.csv
// Printed, and checked (exit 1): no 60 s, wherever they begin, saw more than 600,000 tokens; while
// somebody waited, at least 97 % of it were used; while both waited, neither had less than its share.
#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <iostream>

#include "controlplane/controlplane.hpp"
#include "coordinator/coordinator_core.hpp"
#include "trace.hpp"

namespace {

using namespace controlplane;

constexpr std::uint64_t kCapacity = 600'000;
constexpr std::int64_t kMinute = 60'000'000;
constexpr std::size_t kOwners = 2;
const std::string kNames[kOwners] = {"gold", "silver"};
constexpr std::uint32_t kWeights[kOwners] = {2, 1};

struct Request {
  std::int64_t at_us;
  std::uint64_t tokens;
  std::size_t owner;
};

// What was granted, looked at from outside.
class Account {
 public:
  void granted(std::int64_t now, std::size_t owner, std::uint64_t tokens) {
    recent_.emplace_back(now, tokens);
    in_period_ += tokens;
    while (recent_.front().first <= now - kMinute) {
      in_period_ -= recent_.front().second;
      recent_.pop_front();
    }
    most_ = std::max(most_, in_period_);
    if (demand_) used_ += tokens;
    if (both_) shared_[owner] += tokens;
  }
  // From now on these many of each owner wait.
  void waiting(std::int64_t now, const std::array<std::size_t, kOwners>& count) {
    if (demand_) demand_us_ += now - since_;
    since_ = now;
    demand_ = count[0] + count[1] > 0;
    both_ = count[0] > 0 && count[1] > 0;
  }

  bool report() const {
    const double capacity = static_cast<double>(kCapacity);
    const double minutes = static_cast<double>(demand_us_) / kMinute;
    const double use = static_cast<double>(used_) / (capacity * minutes);
    const auto both = static_cast<double>(shared_[0] + shared_[1]);
    std::printf("most in any 60 s: %llu of %llu tokens\n",
                static_cast<unsigned long long>(most_), static_cast<unsigned long long>(kCapacity));
    std::printf("use while somebody waited (%.1f min): %.2f %%\n", minutes, 100 * use);
    bool fair = true;
    for (std::size_t owner = 0; owner < kOwners; ++owner) {
      const double share = static_cast<double>(shared_[owner]) / both;
      const double due = static_cast<double>(kWeights[owner]) / (kWeights[0] + kWeights[1]);
      std::printf("%s: %.2f %% while both waited, its share is %.2f %%\n", kNames[owner].c_str(),
                  100 * share, 100 * due);
      fair &= share > due - 0.001;
    }
    return most_ <= kCapacity && use >= 0.97 && fair;
  }

 private:
  std::deque<std::pair<std::int64_t, std::uint64_t>> recent_;
  std::uint64_t in_period_ = 0, most_ = 0, used_ = 0;
  std::uint64_t shared_[kOwners] = {0, 0};
  std::int64_t since_ = 0, demand_us_ = 0;
  bool demand_ = false, both_ = false;
};

class Replay {
 public:
  Replay() : plane_(open()), resources_(plane_) {
    PoolSpec pool;
    pool.name = "tokens";
    pool.kind = PoolKind::window;
    pool.capacity = kCapacity;
    for (std::size_t i = 0; i < kOwners; ++i) pool.weights.emplace_back(kNames[i], kWeights[i]);
    resources_.define_pool(pool).value();
  }
  bool run(const std::vector<Request>& requests) {
    auto& core = CoordinatorCore::of(plane_);
    for (std::size_t next = 0; next < requests.size() || waiting_[0] + waiting_[1] > 0;) {
      const std::int64_t arrival = next < requests.size() ? requests[next].at_us : INT64_MAX;
      clock_.now = std::max(clock_.now, std::min(arrival, core.next_timer()));
      if (arrival <= clock_.now) ask(requests[next++]);
      core.pump();
    }
    account_.waiting(clock_.now, waiting_);
    return account_.report();
  }

 private:
  Coordinator open() {
    Config config;
    config.limits.max_delay = std::chrono::hours(24);
    CoordinatorParts parts;
    parts.clock = &clock_;
    parts.pumped = true;
    return open_coordinator(config, std::move(parts)).value();
  }
  void ask(const Request& request) {
    AcquireRequest acquire;
    acquire.needs = {{"tokens", request.tokens}};
    acquire.owner = kNames[request.owner];
    acquire.wait = std::chrono::hours(23);
    count(request.owner, 1);
    resources_.acquire(acquire, [this, request](Result<Permit> permit) {
      account_.granted(clock_.now, request.owner, request.tokens);
      count(request.owner, -1);
      resources_.settle(permit.value(), {}, [](Result<void> done) { done.value(); });
    });
  }
  void count(std::size_t owner, int change) {
    waiting_[owner] += static_cast<std::size_t>(change);
    account_.waiting(clock_.now, waiting_);
  }

  VirtualClock clock_;
  Coordinator plane_;
  Resources resources_;
  Account account_;
  std::array<std::size_t, kOwners> waiting_{};
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: window_replay TRACE.csv TRACE.csv\n";
    return 2;
  }
  std::vector<Request> requests;
  for (std::size_t owner = 0; owner < kOwners; ++owner) {
    for (const TraceEntry& entry : read_trace(argv[owner + 1])) {
      requests.push_back({entry.at_us,
                          static_cast<std::uint64_t>(entry.context_tokens + entry.generated_tokens),
                          owner});
    }
  }
  std::stable_sort(requests.begin(), requests.end(),
                   [](const Request& a, const Request& b) { return a.at_us < b.at_us; });
  return Replay().run(requests) ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "window_replay: " << error.what() << '\n';
  return 1;
}
