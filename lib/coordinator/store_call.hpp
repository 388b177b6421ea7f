// An operation that the store could not answer at once: owns its request, is repeated while the
// store is away, and ends exactly once: with the store's answer, `unavailable` when
// Config::operation_timeout is over, or `cancelled` when the coordinator closes.
// Thread safety: every method may be called from any thread.
// Lifetime: shared. While the store works on it, it keeps itself alive, so that an answer which
// comes after the coordinator closed finds it. It touches its office only while it is not over,
// under its lock, and closing ends every call first.
// Errors: given to conclude().
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "controlplane/result.hpp"
#include "engine/operations.hpp"
#include "store/store.hpp"

namespace controlplane {

class StoreCalls;

class StoreCall : public OperationDone, public std::enable_shared_from_this<StoreCall> {
 public:
  StoreCall(StoreCalls& office, std::int64_t deadline_us);
  StoreCall(const StoreCall&) = delete;
  StoreCall& operator=(const StoreCall&) = delete;

  void launch();  // hands it to the store, the first time or again
  void expire();  // operation_timeout is over
  void cancel();  // the coordinator closes
  std::int64_t deadline_us() const noexcept { return deadline_us_; }

 protected:
  // The operation, bound to its request and without the failure of an earlier try.
  virtual Operation& prepare() = 0;
  // Called once, under the lock of the call: must only post or unpark. The answer is in the
  // operation, unless failure() says that the operation has none.
  virtual void conclude() = 0;
  // The store applied it after the caller was told something else. Not under a lock; the office may
  // be gone, the store is just calling.
  virtual void too_late(TenantStore&) {}

  // An earlier try may have been applied: does this error say that it was?
  virtual bool applied_before(const Error&) const { return false; }

  std::optional<Error>& failure() noexcept { return failure_; }
  StoreCalls& office() noexcept { return office_; }

 private:
  friend class StoreCalls;

  void done(Operation& op) final;
  void answered(Operation& op);            // under the lock
  void try_again_later();                  // under the lock
  void end(std::optional<Error> failure);  // under the lock
  Error gave_up() const;

  StoreCalls& office_;
  TenantStore& store_;
  const std::int64_t deadline_us_;

  std::mutex mutex_;
  bool over_ = false;                // guarded: conclude() was called
  bool in_store_ = false;            // guarded
  bool outcome_unknown_ = false;     // guarded: some try may have been applied
  int tries_ = 0;                    // guarded
  std::string last_error_;           // guarded
  std::shared_ptr<StoreCall> self_;  // guarded: set while in_store_
  std::optional<Error> failure_;     // written before over_, read after it

  bool listed_ = false;                                    // guarded by the office's lock
  std::list<std::shared_ptr<StoreCall>>::iterator place_;  // as listed_
};

}  // namespace controlplane
