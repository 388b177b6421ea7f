#include "simulation/faulty_store.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace controlplane::simulation {

FaultyTenant::FaultyTenant(std::shared_ptr<TenantStore> inner, const SimClock& clock,
                           std::uint64_t seed)
    : TenantDecorator(std::move(inner)), clock_(clock), dice_(seed) {}

FaultyTenant::~FaultyTenant() {
  if (listener_ != nullptr) inner().remove_listener(*this);
}

std::int64_t FaultyTenant::next() const {
  return on_its_way_.empty() ? std::numeric_limits<std::int64_t>::max()
                             : on_its_way_.begin()->first.first;
}

std::size_t FaultyTenant::deliver() {
  std::size_t delivered = 0;
  for (; next() <= clock_.steady_us(); ++delivered) {
    const Thing thing = std::move(on_its_way_.begin()->second);
    on_its_way_.erase(on_its_way_.begin());
    thing();
  }
  return delivered;
}

void FaultyTenant::lose(Operation& op, bool unknown) {
  op.failed = Error::unavailable("the simulated store is away", unknown);
}

bool FaultyTenant::apply(Operation& op) {
  if (dice_.chance(faults_.refused)) {
    lose(op, false);
    return true;
  }
  return !dice_.chance(faults_.late) && inner().apply(op);
}

// When it is applied and when that is answered are two choices, so that answers overtake each other.
void FaultyTenant::start(Operation& op, OperationDone& done) {
  const bool away = dice_.chance(faults_.away);
  const bool unknown = !away && dice_.chance(faults_.unknown);
  const bool applied = !away && !(unknown && dice_.chance(0.5));
  const std::int64_t arrives = some_time();
  const std::int64_t answered = std::max(arrives, some_time());
  const auto arrive = [this, &op, applied, away, unknown] {
    if (applied) inner().apply(op);
    if (away || unknown) lose(op, unknown);
  };
  if (answered <= clock_.steady_us()) {
    arrive();
    return done.done(op);
  }
  later(arrives, arrive);
  later(answered, [&op, &done] { done.done(op); });
}

void FaultyTenant::add_listener(StoreListener& listener) {
  listener_ = &listener;
  inner().add_listener(*this);
}

void FaultyTenant::remove_listener(StoreListener&) {
  inner().remove_listener(*this);
  listener_ = nullptr;
}

void FaultyTenant::tell(std::function<void(StoreListener&)> what) {
  const bool waits = last_told_ > clock_.steady_us();
  if (!waits && !(faults_.late_signals && dice_.chance(0.5))) {
    if (listener_ != nullptr) what(*listener_);
    return;
  }
  last_told_ = std::max(last_told_, some_time());
  later(last_told_, [this, what = std::move(what)] {
    if (listener_ != nullptr) what(*listener_);
  });
}

void FaultyTenant::on_signals(std::span<const Signal> signals) {
  tell([copy = std::vector<Signal>(signals.begin(), signals.end())](StoreListener& listener) {
    listener.on_signals(copy);
  });
}

void FaultyTenant::on_events(std::uint64_t last_seq) {
  tell([last_seq](StoreListener& listener) { listener.on_events(last_seq); });
}

void FaultyTenant::on_due(Timestamp earliest) {
  tell([earliest](StoreListener& listener) { listener.on_due(earliest); });
}

}  // namespace controlplane::simulation
