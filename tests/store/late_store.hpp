// A store that never answers at once: a decorator that completes every operation later, on a
// thread of its own, in another order, and, as asked, with `unavailable`, applied or not, or not
// before it is told to.
// Thread safety: every method may be called from any thread.
// Lifetime: outlives the coordinators over it. Its destructor answers what is left.
// Errors: `unavailable` by the dice; what it leaves alone answers as the decorated store does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/entropy.hpp"
#include "store/store.hpp"

namespace controlplane {

// Of 100 operations each.
struct LateFaults {
  unsigned unavailable = 0;      // not applied, and said so
  unsigned unknown_lost = 0;     // not applied, outcome_unknown
  unsigned unknown_applied = 0;  // applied, outcome_unknown
};

class LateStore final : public Store {
 public:
  explicit LateStore(std::shared_ptr<Store> inner, LateFaults faults = {}, std::uint64_t seed = 1);
  ~LateStore() override;

  std::string_view name() const override { return inner_->name(); }
  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override;

  void hold(bool held);  // true: answers nothing until hold(false)
  void set_faults(LateFaults faults);
  std::size_t waiting() const;               // operations not answered yet
  bool wait_for_waiting(std::size_t count);  // until there are as many; false after 20 s

 private:
  class Tenant;
  struct Pending {
    TenantStore* inner;
    Operation* op;
    OperationDone* done;
  };
  enum class Fate { normal, unavailable, unknown_lost, unknown_applied };

  void push(Pending pending);
  void run();
  void answer(const Pending& pending, Fate fate);
  Fate draw_fate();

  const std::shared_ptr<Store> inner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  SeededEntropy dice_;
  LateFaults faults_;
  bool held_ = false, stopping_ = false;
  std::vector<Pending> pending_;
  std::vector<std::shared_ptr<TenantStore>> tenants_;
  std::thread thread_;
};

}  // namespace controlplane
