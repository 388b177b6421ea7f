#include "coordinator/advance_timer.hpp"

#include <utility>
#include <vector>

#include "base/sim_clock.hpp"
#include "catch.hpp"

using namespace controlplane;
using namespace std::chrono_literals;

namespace {

// Keeps every operation until it is told to answer.
class HeldTenant final : public TenantStore {
 public:
  explicit HeldTenant(const Clock& clock) : timeline_(clock) {}
  bool apply(Operation&) override { return false; }
  void start(Operation& op, OperationDone& done) override {
    ++started;
    held_.emplace_back(&op, &done);
  }
  void add_listener(StoreListener&) override {}
  void remove_listener(StoreListener&) override {}
  void listen_to_events(int) override {}
  Timestamp now() const override { return timeline_.now_us(); }
  const NamespaceOptions& options() const override { return options_; }
  void answer() {
    for (const auto& [op, done] : std::exchange(held_, {})) done->done(*op);
  }
  int started = 0;

 private:
  const NamespaceOptions options_;
  const Timeline timeline_;
  std::vector<std::pair<Operation*, OperationDone*>> held_;
};

struct Fixture {
  ~Fixture() {
    calls.close();
    tenant.answer();
  }
  SimClock clock;
  SeededEntropy entropy{1};
  HeldTenant tenant{clock};
  Loop loop{clock};
  StoreCalls calls{tenant, loop, clock, entropy, {5s, 1, true, {}, {}}};
  AdvanceTimer timer{calls, 60s};

  void pass(std::chrono::microseconds time) {
    clock.advance(time.count());
    while (loop.pump() > 0) {
    }
  }
};

}  // namespace

TEST_CASE("an advance begins when something is due") {
  Fixture f;
  f.timer.start();
  f.timer.on_due(f.tenant.now() + 50'000);
  f.pass(49ms);
  CHECK(f.tenant.started == 0);
  f.pass(1ms);
  CHECK(f.tenant.started == 1);
}

TEST_CASE("what becomes due while an advance is on its way is followed up") {
  Fixture f;
  f.timer.start();
  f.timer.on_due(f.tenant.now());
  f.pass(0ms);
  REQUIRE(f.tenant.started == 1);
  f.timer.on_due(f.tenant.now() + 50'000);
  f.pass(60ms);
  CHECK(f.tenant.started == 1);
  f.tenant.answer();
  f.pass(0ms);
  CHECK(f.tenant.started == 2);
  f.tenant.answer();
  f.pass(1s);
  CHECK(f.tenant.started == 2);
}

TEST_CASE("without any word from the store the backstop asks it") {
  Fixture f;
  f.timer.start();
  f.pass(60s);
  CHECK(f.tenant.started == 1);
}
