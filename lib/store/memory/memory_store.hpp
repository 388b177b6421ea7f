// memory://: the tables behind one mutex per namespace; every operation answers inline, on its
// caller's thread. Handing one to another thread would cost more than the operation itself.
// Thread safety, lifetime, errors: as in store.hpp.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "store/store.hpp"

namespace controlplane {

// `clock` must outlive the store.
std::unique_ptr<Store> make_memory_store(const Clock& clock, std::size_t max_tenants);

// The tables behind a tenant of such a store, for audits; nobody may use the store meanwhile.
const Namespace& tables_of(const TenantStore& tenant);

}  // namespace controlplane
