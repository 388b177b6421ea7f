// Resources: named pools of permits that bound what a fleet uses at once, per minute or in all.
// Thread safety: every method may be called from any thread; copies share the coordinator.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. A pool of another tenant is not_found.
// Blocking and completion forms: as in agent_registry.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

class Coordinator;
class CoordinatorCore;

class Resources {
 public:
  explicit Resources(const Coordinator& plane);

  // Defines the pool, or gives it another capacity, range or weights. A lower capacity revokes
  // nothing; who waits for more than there will ever be is told. failed_precondition: it exists with
  // another kind or period. resource_exhausted: max_pools.
  Result<Pool> define_pool(const PoolSpec& spec);
  void define_pool(const PoolSpec& spec, Done<Pool> done);
  // False: there was none. failed_precondition: permits are out, or somebody waits.
  Result<bool> remove_pool(std::string_view name);
  void remove_pool(std::string_view name, Done<bool> done);
  Result<Pool> get_pool(std::string_view name) const;
  void get_pool(std::string_view name, Done<Pool> done) const;
  // Those whose names begin with `prefix`, in the order of their names.
  Result<Page<Pool>> list_pools(std::string_view prefix = {}, const PageRequest& page = {}) const;
  void list_pools(std::string_view prefix, const PageRequest& page, Done<Page<Pool>> done) const;
  // Those that are out, oldest first.
  Result<Page<Permit>> list_permits(std::string_view pool, const PageRequest& page = {}) const;
  void list_permits(std::string_view pool, const PageRequest& page, Done<Page<Permit>> done) const;

  // All that is needed or nothing. Who waits is served by priority, then (if the pool has weights)
  // the owner with the least taken for its weight, then first come; nobody is overtaken by who
  // needs less. not_found: no such pool. invalid_argument: more than the pool ever has.
  // resource_exhausted: not there, and request.wait is 0, or a limit. deadline_exceeded: not
  // granted within request.wait.
  Result<Permit> acquire(const AcquireRequest& request);
  void acquire(AcquireRequest request, Done<Permit> done);
  // Ends a waiting acquire of this coordinator with cancelled. False: none waits under that name.
  bool cancel_acquire(std::string_view operation_id);

  // The end of the permit: `ttl` from now, or later if it was. not_found: it was released or has
  // expired. conflict: it belongs to another owner.
  Result<Timestamp> renew(const PermitRef& permit, std::chrono::milliseconds ttl);
  void renew(const PermitRef& permit, std::chrono::milliseconds ttl, Done<Timestamp> done);
  // Nothing was used: all comes back. Errors as renew().
  Result<void> release(const PermitRef& permit);
  void release(const PermitRef& permit, Done<void> done);
  // Ends the permit; `used` says what windows and budgets lost, more than was reserved puts them in
  // debt; of a pool that is not named all counts as used. Counts and numbers come back.
  Result<void> settle(const PermitRef& permit, const std::vector<PermitNeed>& used = {});
  void settle(const PermitRef& permit, const std::vector<PermitNeed>& used, Done<void> done);

 private:
  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
