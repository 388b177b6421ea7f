// The calls about pools and permits; store_calls.hpp says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "controlplane/permit.hpp"
#include "coordinator/call_argument.hpp"
#include "engine/operations.hpp"

namespace controlplane {

struct DefinePoolCall {
  using Answer = Pool;
  explicit DefinePoolCall(const PoolSpec& s) : spec(s) {}
  Argument<PoolSpec> spec;
  DefinePool op;
  Operation& bind() {
    op.spec = &spec.get();
    return op;
  }
  void keep(CallNames&) { spec.keep(); }
  Pool answer() { return std::move(op.pool); }
};

struct RemovePoolCall {
  using Answer = bool;
  explicit RemovePoolCall(std::string_view n) : name(n) {}
  NameArgument name;
  RemovePool op;
  Operation& bind() {
    op.name = name.get();
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  bool answer() const { return op.removed; }
};

struct GetPoolCall {
  using Answer = Pool;
  explicit GetPoolCall(std::string_view n) : name(n) {}
  NameArgument name;
  GetPool op;
  Operation& bind() {
    op.name = name.get();
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  Pool answer() { return std::move(op.pool); }
};

struct ListPoolsCall {
  using Answer = Page<Pool>;
  ListPoolsCall(std::string_view p, const PageRequest& r) : prefix(p), page(r) {}
  NameArgument prefix;
  Argument<PageRequest> page;
  ListPools op;
  Operation& bind() {
    op.prefix = prefix.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    prefix.keep();
    page.keep();
  }
  Page<Pool> answer() { return std::move(op.pools); }
};

struct ListPermitsCall {
  using Answer = Page<Permit>;
  ListPermitsCall(std::string_view p, const PageRequest& r) : pool(p), page(r) {}
  NameArgument pool;
  Argument<PageRequest> page;
  ListPermits op;
  Operation& bind() {
    op.pool = pool.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    pool.keep();
    page.keep();
  }
  Page<Permit> answer() { return std::move(op.permits); }
};

// None: it waits, and the store will tell.
struct AcquireCall {
  using Answer = std::optional<Permit>;
  AcquireCall(Argument<AcquireRequest> r, bool lease, Timestamp until)
      : request(std::move(r)), is_lease(lease), waits_until(until) {}
  Argument<AcquireRequest> request;
  bool is_lease;
  Timestamp waits_until;
  AcquirePermit op;
  Operation& bind() {
    const AcquireRequest& given = request.get();
    op.needs = given.needs;
    op.owner = given.owner;
    op.ttl_us = std::chrono::microseconds(given.ttl).count();
    op.priority = given.priority;
    op.operation_id = given.operation_id;
    op.waits_until = waits_until;
    op.is_lease = is_lease;
    return op;
  }
  void keep(CallNames& names) {
    std::string& operation_id = request.keep().operation_id;
    if (operation_id.empty()) operation_id = make_operation_id(names.entropy, names.now_us);
  }
  Answer answer() { return std::move(op.permit); }
};

// The permit that the acquire was granted meanwhile, if it was; it waits no more.
struct WithdrawCall {
  using Answer = std::optional<Permit>;
  explicit WithdrawCall(std::string_view id) : operation_id(id) {}
  NameArgument operation_id;
  WithdrawAcquire op;
  Operation& bind() {
    op.operation_id = operation_id.get();
    return op;
  }
  void keep(CallNames&) { operation_id.keep(); }
  Answer answer() { return std::move(op.permit); }
};

struct RenewPermitCall {
  using Answer = Timestamp;
  RenewPermitCall(const PermitRef& p, std::int64_t ttl) : permit(p), ttl_us(ttl) {}
  Argument<PermitRef> permit;
  std::int64_t ttl_us;
  RenewPermit op;
  Operation& bind() {
    op.fence = permit.get().fence;
    op.owner = permit.get().owner;
    op.ttl_us = ttl_us;
    return op;
  }
  void keep(CallNames&) { permit.keep(); }
  Timestamp answer() const { return op.expires_at; }
};

// Releases, or settles what was used.
struct EndPermitCall {
  using Answer = void;
  explicit EndPermitCall(const PermitRef& p) : permit(p) {}
  EndPermitCall(const PermitRef& p, const std::vector<PermitNeed>& u)
      : permit(p), settles(true), used(u) {}
  Argument<PermitRef> permit;
  bool settles = false;
  Argument<std::vector<PermitNeed>> used = std::vector<PermitNeed>();
  EndPermit op;
  Operation& bind() {
    op.fence = permit.get().fence;
    op.owner = permit.get().owner;
    op.settles = settles;
    op.used = used.get();
    return op;
  }
  void keep(CallNames&) {
    permit.keep();
    used.keep();
  }
  bool applied_before(const Error& error) const { return error.code == ErrorCode::not_found; }
};

}  // namespace controlplane
