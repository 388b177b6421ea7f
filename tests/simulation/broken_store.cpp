#include "simulation/broken_store.hpp"

#include <unordered_map>
#include <vector>

namespace controlplane::simulation {
namespace {

class CurrentLease final : public TenantDecorator {
 public:
  using TenantDecorator::TenantDecorator;

  bool apply(Operation& op) override {
    if (op.kind == OperationKind::end) return end(static_cast<EndAttempts&>(op));
    inner().apply(op);
    if (op.kind == OperationKind::claim) remember(static_cast<ClaimTasks&>(op));
    return true;
  }

 private:
  void remember(const ClaimTasks& claim) {
    if (claim.one) leases_[claim.one->id] = claim.one->lease;
    if (claim.tasks == nullptr) return;
    for (const ClaimedTask& task : *claim.tasks) leases_[task.id] = task.lease;
  }

  bool end(EndAttempts& op) {
    std::vector<AttemptRef> swapped;
    std::vector<const AttemptRef*> given;
    swapped.reserve(op.items.size());
    for (AttemptEnd& item : op.items) {
      given.push_back(item.attempt);
      swapped.push_back(*item.attempt);
      if (const auto known = leases_.find(item.attempt->task_id); known != leases_.end()) {
        swapped.back().lease = known->second;
      }
      item.attempt = &swapped.back();
    }
    inner().apply(op);
    for (std::size_t i = 0; i < given.size(); ++i) op.items[i].attempt = given[i];
    return true;
  }

  std::unordered_map<TaskId, Lease> leases_;
};

class ForgottenEnd final : public TenantDecorator {
 public:
  using TenantDecorator::TenantDecorator;

  bool apply(Operation& op) override {
    inner().apply(op);
    if (op.kind != OperationKind::end) return true;
    for (AttemptEnd& item : static_cast<EndAttempts&>(op).items) {
      if (!item.duplicate) continue;
      item.duplicate = false;
      item.failure = Error::conflict("task " + item.attempt->task_id.str() + ": stale lease");
    }
    return true;
  }
};

class DroppedSignals final : public TenantDecorator, private StoreListener {
 public:
  using TenantDecorator::TenantDecorator;
  ~DroppedSignals() override {
    if (!listeners_.empty()) inner().remove_listener(*this);
  }

  void add_listener(StoreListener& listener) override {
    if (listeners_.empty()) inner().add_listener(*this);
    listeners_.push_back(&listener);
  }
  void remove_listener(StoreListener& listener) override {
    std::erase(listeners_, &listener);
    if (listeners_.empty()) inner().remove_listener(*this);
  }

 private:
  static constexpr std::uint64_t kEvery = 5;

  void on_signals(std::span<const Signal> signals) override {
    std::vector<Signal> kept;
    for (const Signal& signal : signals) {
      const bool wakes = signal.kind == Signal::Kind::task_ready ||
                         signal.kind == Signal::Kind::agent_offers ||
                         signal.kind == Signal::Kind::task_done ||
                         signal.kind == Signal::Kind::log_changed;
      if (!wakes || ++seen_ % kEvery != 0) kept.push_back(signal);
    }
    if (kept.empty()) return;
    for (StoreListener* listener : std::vector(listeners_)) listener->on_signals(kept);
  }
  void on_events(std::uint64_t last_seq) override {
    for (StoreListener* listener : std::vector(listeners_)) listener->on_events(last_seq);
  }
  void on_due(Timestamp earliest) override {
    for (StoreListener* listener : std::vector(listeners_)) listener->on_due(earliest);
  }

  std::vector<StoreListener*> listeners_;
  std::uint64_t seen_ = 0;
};

class SilentLoss final : public TenantDecorator {
 public:
  using TenantDecorator::TenantDecorator;

  bool apply(Operation& op) override {
    inner().apply(op);
    const bool is_lost = op.kind == OperationKind::read_log && op.failed &&
                         op.failed->code == ErrorCode::data_loss;
    if (!is_lost) return true;
    auto& read = static_cast<ReadLog&>(op);
    GetLog get;
    get.name = read.name;
    inner().apply(get);
    const Error told = *read.failed;
    const std::uint64_t asked = std::exchange(read.after, get.log.first_seq - 1);
    inner().apply(read);
    read.after = asked;
    if (!read.failed && read.page.entries.empty()) read.failed = told;
    return true;
  }
};

class NamelessAppend final : public TenantDecorator {
 public:
  using TenantDecorator::TenantDecorator;

  bool apply(Operation& op) override {
    if (op.kind == OperationKind::append_log) static_cast<AppendLog&>(op).operation_id = {};
    return inner().apply(op);
  }
};

}  // namespace

std::shared_ptr<TenantStore> with_defect(std::shared_ptr<TenantStore> inner, Defect defect) {
  switch (defect) {
    case Defect::none: break;
    case Defect::current_lease: return std::make_shared<CurrentLease>(std::move(inner));
    case Defect::forgotten_end: return std::make_shared<ForgottenEnd>(std::move(inner));
    case Defect::dropped_signals: return std::make_shared<DroppedSignals>(std::move(inner));
    case Defect::silent_loss: return std::make_shared<SilentLoss>(std::move(inner));
    case Defect::nameless_append: return std::make_shared<NamelessAppend>(std::move(inner));
  }
  return inner;
}

}  // namespace controlplane::simulation
