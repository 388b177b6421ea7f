#include "store/memory/memory_store.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include "store/listeners.hpp"

namespace controlplane {

namespace {

class MemoryTenant final : public TenantStore {
 public:
  MemoryTenant(std::string name, const NamespaceOptions& options, const Clock& clock)
      : timeline_(clock), tables_(std::move(name), options) {}

  bool apply(Operation& op) override;
  void start(Operation& op, OperationDone& done) override {
    apply(op);
    done.done(op);
  }
  void add_listener(StoreListener& listener) override {
    listeners_.add(listener);
    Timestamp due;
    {
      const std::lock_guard lock(mutex_);
      due = known_due_ = tables_.next_due();
    }
    if (due != kNever) listener.on_due(due);
  }
  void remove_listener(StoreListener& listener) override { listeners_.remove(listener); }
  void listen_to_events(int change) override {
    event_listeners_.fetch_add(change, std::memory_order_acq_rel);
  }
  Timestamp now() const override { return timeline_.now_us(); }
  const Namespace& tables() const { return tables_; }

 private:
  // What changed for listeners by one operation.
  struct Changes {
    std::vector<Signal> signals;
    std::uint64_t last_event = 0;  // 0 = nothing new
    Timestamp due = kNever;        // kNever = not earlier than known
  };
  void collect(const Operation& op, std::uint64_t events_before, Changes& changes);
  void tell(const Changes& changes);

  const Timeline timeline_;
  std::mutex mutex_;
  Namespace tables_;
  Timestamp known_due_ = kNever;  // the earliest that listeners were told since the last Advance
  Listeners listeners_;
  std::atomic<int> event_listeners_{0};
};

bool MemoryTenant::apply(Operation& op) {
  const Timestamp now = timeline_.now_us();
  Changes changes;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t events_before = tables_.last_event();
    tables_.apply(op, now);
    collect(op, events_before, changes);
  }
  if (!changes.signals.empty() || changes.last_event != 0 || changes.due != kNever) tell(changes);
  return true;
}

void MemoryTenant::collect(const Operation& op, std::uint64_t events_before, Changes& changes) {
  if (tables_.has_signals()) changes.signals = tables_.take_signals();
  if (event_listeners_.load(std::memory_order_relaxed) > 0) {
    const std::uint64_t last = tables_.last_event();
    if (last != events_before) changes.last_event = last;
  }
  const Timestamp due = tables_.next_due();
  if (due < known_due_ || (op.kind == OperationKind::advance && due != kNever)) changes.due = due;
  if (due < known_due_ || op.kind == OperationKind::advance) known_due_ = due;
}

void MemoryTenant::tell(const Changes& changes) {
  if (listeners_.empty()) return;
  listeners_.each([&](StoreListener& listener) {
    if (!changes.signals.empty()) listener.on_signals(changes.signals);
    if (changes.last_event != 0) listener.on_events(changes.last_event);
    if (changes.due != kNever) listener.on_due(changes.due);
  });
}

class MemoryStore final : public Store {
 public:
  MemoryStore(const Clock& clock, std::size_t max_tenants)
      : clock_(clock), max_tenants_(max_tenants) {}
  std::string_view name() const override { return "memory"; }

  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override {
    const std::lock_guard lock(mutex_);
    const auto found = tenants_.find(tenant);
    if (found != tenants_.end()) return found->second;
    if (tenants_.size() >= max_tenants_) {
      return Error::resource_exhausted("tenant " + std::string(tenant) +
                                       " would be one more; the limit max_tenants is " +
                                       std::to_string(max_tenants_));
    }
    std::shared_ptr<TenantStore> made =
        std::make_shared<MemoryTenant>(std::string(tenant), options, clock_);
    return tenants_.emplace(tenant, std::move(made)).first->second;
  }

 private:
  const Clock& clock_;
  const std::size_t max_tenants_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TenantStore>, std::less<>> tenants_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(const Clock& clock, std::size_t max_tenants) {
  return std::make_unique<MemoryStore>(clock, max_tenants);
}

const Namespace& tables_of(const TenantStore& tenant) {
  return static_cast<const MemoryTenant&>(tenant).tables();
}

}  // namespace controlplane
