// A store is a place where namespaces live; one TenantStore is one namespace in it.
// Thread safety: every method may be called from any thread.
// Lifetime: a Store outlives its TenantStores; an Operation stays put until it is answered.
// Errors: Operation::failed. `unavailable` with outcome_unknown means that it may have been applied;
// repeating the same operation is safe, because every mutating operation names itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "controlplane/result.hpp"
#include "engine/effects.hpp"
#include "engine/namespace.hpp"
#include "engine/operations.hpp"

namespace controlplane {

// Called on the thread of the operation that caused it, after the lock of the namespace was released
// and (in a durable store) after the change became durable. Must not block.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  virtual void on_signals(std::span<const Signal> signals) = 0;
  virtual void on_events(std::uint64_t last_seq) = 0;  // only while listen_to_events(true)
  virtual void on_due(Timestamp earliest) = 0;         // something will be due earlier than known
};

// Called exactly once, from any thread, possibly inside start().
class OperationDone {
 public:
  virtual ~OperationDone() = default;
  virtual void done(Operation& op) = 0;
};

class TenantStore {
 public:
  virtual ~TenantStore() = default;
  // Applies `op` before it returns, or answers false and did nothing: then use start(). What it
  // answers is known: who cannot say whether `op` was applied must not have tried it here, because
  // it does not own what a repetition needs.
  // Who fails it with `unavailable` left it as it was, what it was lent included: it is repeated.
  virtual bool apply(Operation& op) = 0;
  virtual void start(Operation& op, OperationDone& done) = 0;

  // At most one change of the listeners at a time; remove_listener returns when no call is in
  // progress any more (do not call it from within one).
  virtual void add_listener(StoreListener& listener) = 0;
  virtual void remove_listener(StoreListener& listener) = 0;
  virtual void listen_to_events(int change) = 0;       // +1 or −1, counted
  // Microseconds since the epoch by this store's clock; the tables never go behind it.
  virtual Timestamp now() const = 0;
  // That count here: those of its first opener.
  virtual const NamespaceOptions& options() const = 0;
  // False: apply() answers no operation that writes, so that whoever has to prepare one at a cost
  // need not try.
  virtual bool writes_at_once() const { return true; }
};

class Store {
 public:
  virtual ~Store() = default;
  virtual std::string_view name() const = 0;  // "memory"
  // The same tenant again answers the same namespace; its first opener's options count.
  // resource_exhausted: max_tenants.
  virtual Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                           const NamespaceOptions& options) = 0;
};

}  // namespace controlplane
