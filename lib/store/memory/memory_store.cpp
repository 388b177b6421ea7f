#include "store/memory/memory_store.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "store/listeners.hpp"
#include "store/short_lock.hpp"

namespace controlplane {

namespace {

class MemoryTenant final : public TenantStore {
 public:
  MemoryTenant(std::string name, const NamespaceOptions& options, const Clock& clock)
      : options_(options), timeline_(clock), tables_(std::move(name), options) {}

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
  const NamespaceOptions& options() const override { return options_; }
  const Namespace& tables() const { return tables_; }

 private:
  void tell(std::unique_lock<ShortLock> lock, const Namespace::Aftermath& after, bool has_news,
            bool is_due);

  const NamespaceOptions options_;
  const Timeline timeline_;
  ShortLock mutex_;
  Namespace tables_;
  Timestamp known_due_ = kNever;   // the earliest that listeners were told since the last Advance
  std::uint64_t last_event_ = 0;   // of the operations so far
  Listeners listeners_;
  std::atomic<int> event_listeners_{0};
};

bool MemoryTenant::apply(Operation& op) {
  const Timestamp now = timeline_.now_us();
  std::unique_lock lock(mutex_);
  const Namespace::Aftermath after = tables_.apply(op, now);
  const bool has_news = std::exchange(last_event_, after.last_event) != after.last_event &&
                        event_listeners_.load(std::memory_order_relaxed) > 0;
  const bool is_due = after.next_due < known_due_ || op.kind == OperationKind::advance;
  if (is_due || has_news || after.has_signals) [[unlikely]]
    tell(std::move(lock), after, has_news, is_due);
  return true;
}

void MemoryTenant::tell(std::unique_lock<ShortLock> lock, const Namespace::Aftermath& after,
                        bool has_news, bool is_due) {
  std::vector<Signal> signals;
  if (after.has_signals) signals = tables_.take_signals();
  if (is_due) known_due_ = after.next_due;
  lock.unlock();
  if (listeners_.empty()) return;
  listeners_.each([&](StoreListener& listener) {
    if (!signals.empty()) listener.on_signals(signals);
    if (has_news) listener.on_events(after.last_event);
    if (is_due && after.next_due != kNever) listener.on_due(after.next_due);
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
