// The way from one coordinator to a store, as bad as its seed wants it: operations are answered later
// in simulated time and out of order, with `unavailable`, or with `outcome_unknown` after they were
// applied or not; what the store tells comes late, too, but in order and complete.
// What apply() answers is never outcome_unknown: an operation has no name yet when it is tried
// inline, and only start() is repeated.
// Thread safety: none.
// Lifetime: operations on their way are delivered before it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/sim_clock.hpp"
#include "simulation/dice.hpp"
#include "simulation/plan.hpp"
#include "simulation/tenant_decorator.hpp"

namespace controlplane::simulation {

class FaultyTenant final : public TenantDecorator, private StoreListener {
 public:
  FaultyTenant(std::shared_ptr<TenantStore> inner, const SimClock& clock, std::uint64_t seed);
  ~FaultyTenant() override;

  void set_faults(const Faults& faults) { faults_ = faults; }
  // Everything arrives at once, and nothing is on its way.
  bool is_clear() const { return faults_.is_none() && on_its_way_.empty(); }
  std::size_t deliver();       // what is due; answers how much
  std::int64_t next() const;   // when, by the steady clock; INT64_MAX = nothing is on its way

  bool apply(Operation& op) override;
  void start(Operation& op, OperationDone& done) override;
  void add_listener(StoreListener& listener) override;
  void remove_listener(StoreListener& listener) override;

 private:
  void on_signals(std::span<const Signal> signals) override;
  void on_events(std::uint64_t last_seq) override;
  void on_due(Timestamp earliest) override;

  using Thing = std::function<void()>;
  void later(std::int64_t at, Thing thing) { on_its_way_.emplace(std::pair(at, ++things_), std::move(thing)); }
  std::int64_t some_time() { return clock_.steady_us() + dice_.between(0, faults_.latency_us); }
  void tell(std::function<void(StoreListener&)> what);
  static void lose(Operation& op, bool unknown);

  const SimClock& clock_;
  Dice dice_;
  Faults faults_;
  StoreListener* listener_ = nullptr;
  std::map<std::pair<std::int64_t, std::uint64_t>, Thing> on_its_way_;
  std::uint64_t things_ = 0;
  std::int64_t last_told_ = 0;  // signals do not overtake each other
};

}  // namespace controlplane::simulation
