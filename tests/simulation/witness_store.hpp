// Stands directly before the tables and sees what really happened, in order: an operation is in the
// history before anybody hears of what it did and does the next one.
// Thread safety: none.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "simulation/history.hpp"
#include "simulation/tenant_decorator.hpp"

namespace controlplane::simulation {

class WitnessTenant final : public TenantDecorator, private StoreListener {
 public:
  // `inner` is a tenant of a memory store.
  WitnessTenant(std::shared_ptr<TenantStore> inner, History& history);
  ~WitnessTenant() override;

  bool apply(Operation& op) override;
  void add_listener(StoreListener& listener) override;
  void remove_listener(StoreListener& listener) override;

  const Namespace& tables() const;
  std::vector<Task> all_tasks();
  std::uint64_t before_first_event();  // the number before the first that is still there
  std::vector<LogEntry> log_entries(std::string_view log);  // Precondition: there is such a log
  std::optional<Agent> agent(std::string_view id);  // none: not registered

 private:
  void digest();
  void on_signals(std::span<const Signal> signals) override;
  void on_events(std::uint64_t last_seq) override;
  void on_due(Timestamp earliest) override;

  History& history_;
  Operation* current_ = nullptr;  // applied, and not yet in the history
  std::vector<StoreListener*> listeners_;
  const EventFilter no_filter_;
  const TaskFilter every_task_;
};

}  // namespace controlplane::simulation
