#include "controlplane/resources.hpp"

#include <utility>

#include "controlplane/coordinator.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/permit_calls.hpp"
#include "coordinator/validation.hpp"

namespace controlplane {
namespace {

Checks checked_pool(CoordinatorCore& core, const PoolSpec& spec) {
  Checks checks(core.limits());
  check_pool(checks, spec);
  return checks;
}

Checks checked_name(CoordinatorCore& core, std::string_view pool) {
  Checks checks(core.limits());
  checks.name("pool", pool);
  return checks;
}

Checks checked_list(CoordinatorCore& core, std::string_view prefix, const PageRequest& page) {
  Checks checks(core.limits());
  checks.optional_name("prefix", prefix);
  check_page(checks, page);
  return checks;
}

Checks checked_permit(CoordinatorCore& core, const PermitRef& permit) {
  Checks checks(core.limits());
  check_permit(checks, permit);
  return checks;
}

Checks checked_renewal(CoordinatorCore& core, const PermitRef& permit,
                       std::chrono::milliseconds ttl) {
  Checks checks = checked_permit(core, permit);
  check_ttl(checks, ttl);
  return checks;
}

Checks checked_usage(CoordinatorCore& core, const PermitRef& permit,
                     const std::vector<PermitNeed>& used) {
  Checks checks = checked_permit(core, permit);
  check_needs(checks, "used", used, 0);
  return checks;
}

std::int64_t micros(std::chrono::milliseconds time) {
  return std::chrono::microseconds(time).count();
}

}  // namespace

Resources::Resources(const Coordinator& plane) : core_(plane.core()) {}

Result<Pool> Resources::define_pool(const PoolSpec& spec) {
  Checks checks = checked_pool(*core_, spec);
  return core_->block(checks, DefinePoolCall(spec));
}
void Resources::define_pool(const PoolSpec& spec, Done<Pool> done) {
  Checks checks = checked_pool(*core_, spec);
  core_->complete(checks, DefinePoolCall(spec), std::move(done));
}

Result<bool> Resources::remove_pool(std::string_view name) {
  Checks checks = checked_name(*core_, name);
  return core_->block(checks, RemovePoolCall(name));
}
void Resources::remove_pool(std::string_view name, Done<bool> done) {
  Checks checks = checked_name(*core_, name);
  core_->complete(checks, RemovePoolCall(name), std::move(done));
}

Result<Pool> Resources::get_pool(std::string_view name) const {
  Checks checks = checked_name(*core_, name);
  return core_->block(checks, GetPoolCall(name));
}
void Resources::get_pool(std::string_view name, Done<Pool> done) const {
  Checks checks = checked_name(*core_, name);
  core_->complete(checks, GetPoolCall(name), std::move(done));
}

Result<Page<Pool>> Resources::list_pools(std::string_view prefix, const PageRequest& page) const {
  Checks checks = checked_list(*core_, prefix, page);
  return core_->block(checks, ListPoolsCall(prefix, page));
}
void Resources::list_pools(std::string_view prefix, const PageRequest& page,
                           Done<Page<Pool>> done) const {
  Checks checks = checked_list(*core_, prefix, page);
  core_->complete(checks, ListPoolsCall(prefix, page), std::move(done));
}

Result<Page<Permit>> Resources::list_permits(std::string_view pool, const PageRequest& page) const {
  Checks checks = checked_name(*core_, pool);
  check_page(checks, page);
  return core_->block(checks, ListPermitsCall(pool, page));
}
void Resources::list_permits(std::string_view pool, const PageRequest& page,
                             Done<Page<Permit>> done) const {
  Checks checks = checked_name(*core_, pool);
  check_page(checks, page);
  core_->complete(checks, ListPermitsCall(pool, page), std::move(done));
}

Result<Permit> Resources::acquire(const AcquireRequest& request) {
  return core_->acquire(request, false);
}
void Resources::acquire(AcquireRequest request, Done<Permit> done) {
  core_->acquire(std::move(request), false, std::move(done));
}
bool Resources::cancel_acquire(std::string_view operation_id) {
  return core_->permits().cancel(operation_id);
}

Result<Timestamp> Resources::renew(const PermitRef& permit, std::chrono::milliseconds ttl) {
  Checks checks = checked_renewal(*core_, permit, ttl);
  return core_->block(checks, RenewPermitCall(permit, micros(ttl)));
}
void Resources::renew(const PermitRef& permit, std::chrono::milliseconds ttl,
                      Done<Timestamp> done) {
  Checks checks = checked_renewal(*core_, permit, ttl);
  core_->complete(checks, RenewPermitCall(permit, micros(ttl)), std::move(done));
}

Result<void> Resources::release(const PermitRef& permit) {
  Checks checks = checked_permit(*core_, permit);
  return core_->block(checks, EndPermitCall(permit));
}
void Resources::release(const PermitRef& permit, Done<void> done) {
  Checks checks = checked_permit(*core_, permit);
  core_->complete(checks, EndPermitCall(permit), std::move(done));
}

Result<void> Resources::settle(const PermitRef& permit, const std::vector<PermitNeed>& used) {
  Checks checks = checked_usage(*core_, permit, used);
  return core_->block(checks, EndPermitCall(permit, used));
}
void Resources::settle(const PermitRef& permit, const std::vector<PermitNeed>& used,
                       Done<void> done) {
  Checks checks = checked_usage(*core_, permit, used);
  core_->complete(checks, EndPermitCall(permit, used), std::move(done));
}

}  // namespace controlplane
