#include <utility>

#include "controlplane/coordinator.hpp"
#include "controlplane/lease.hpp"
#include "coordinator/permit_calls.hpp"
#include "coordinator/validation.hpp"
#include "mesh/lease_keeper.hpp"

namespace controlplane {
namespace {

AcquireRequest request_of(std::string_view name, const LeaseOptions& options) {
  AcquireRequest request;
  request.needs = {{std::string(name), 1}};
  request.owner = options.owner;
  request.ttl = options.ttl;
  request.wait = options.wait;
  request.priority = options.priority;
  return request;
}

Result<LeaseHolder> holder_of(std::string_view name, const Result<Page<Permit>>& permits) {
  const bool is_free = permits ? permits->items.empty()
                               : permits.error().code == ErrorCode::not_found;
  if (is_free) return Error::not_found("nobody holds the lease " + std::string(name));
  if (!permits) return permits.error();
  const Permit& permit = permits->items.front();
  return LeaseHolder{permit.owner, permit.fence, permit.expires_at};
}

Checks checked_lease(CoordinatorCore& core, std::string_view name) {
  Checks checks(core.limits());
  checks.name("lease", name);
  return checks;
}

const PageRequest kFirst{"", 1};

}  // namespace

NamedLease& NamedLease::operator=(NamedLease&& other) noexcept {
  if (keeper_ && keeper_ != other.keeper_) keeper_->abandon();
  keeper_ = std::move(other.keeper_);
  return *this;
}
NamedLease::~NamedLease() {
  if (keeper_) keeper_->abandon();
}

bool NamedLease::held() const noexcept { return keeper_ && keeper_->held(); }
std::uint64_t NamedLease::fence() const noexcept { return keeper_ ? keeper_->fence() : 0; }
const std::string& NamedLease::name() const noexcept {
  static const std::string none;
  return keeper_ ? keeper_->name() : none;
}
Result<void> NamedLease::renew() {
  if (!keeper_) return Error::failed_precondition("renew: this is the handle of no lease");
  return keeper_->renew();
}
Result<void> NamedLease::release() { return keeper_ ? keeper_->release() : Result<void>(); }

NamedLeases::NamedLeases(const Coordinator& plane) : core_(plane.core()) {}

Result<NamedLease> NamedLeases::acquire(std::string_view name, const LeaseOptions& options) {
  auto permit = core_->acquire(request_of(name, options), true);
  if (!permit) return std::move(permit.error());
  auto keeper = std::make_shared<NamedLease::Keeper>(core_, std::string(name), options, *std::move(permit));
  keeper->begin();
  return NamedLease(std::move(keeper));
}

void NamedLeases::acquire(std::string_view name, const LeaseOptions& options,
                          std::function<void(Result<NamedLease>)> done) {
  core_->acquire(request_of(name, options), true,
                 [core = core_, name = std::string(name), options,
                  done = std::move(done)](Result<Permit> permit) {
                   if (!permit) return done(std::move(permit.error()));
                   auto keeper = std::make_shared<NamedLease::Keeper>(core, name, options,
                                                                 *std::move(permit));
                   keeper->begin();
                   done(NamedLease(std::move(keeper)));
                 });
}

Result<LeaseHolder> NamedLeases::holder(std::string_view name) const {
  Checks checks = checked_lease(*core_, name);
  return holder_of(name, core_->block(checks, ListPermitsCall(name, kFirst)));
}

void NamedLeases::holder(std::string_view name, Done<LeaseHolder> done) const {
  Checks checks = checked_lease(*core_, name);
  core_->complete(checks, ListPermitsCall(name, kFirst),
                  Done<Page<Permit>>([name = std::string(name), done = std::move(done)](
                                         const Result<Page<Permit>>& permits) {
                    done(holder_of(name, permits));
                  }));
}

}  // namespace controlplane
