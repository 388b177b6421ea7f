// Distributors: an agent that owns a pool of workers.
#include "controlplane/distributor.hpp"

#include "capi/answers.hpp"
#include "capi/defaults.hpp"
#include "capi/held.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"

namespace controlplane::capi {

struct DistributorHolder {
  Distributor distributor;
  std::chrono::milliseconds drain_timeout;
  Limits limits;
};
template <>
struct KindOf<DistributorHolder> {
  static constexpr Kind value = Kind::distributor;
};

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_distributor_start(cp_distributor** out, cp_coordinator* coordinator,
                             const cp_distributor_options* options) {
  return call_for(
      out, coordinator,
      [&](Plane& plane) -> Result<DistributorHolder> {
        DistributorOptions in = options_of(options, plane.limits());
        const auto drain_timeout = in.drain_timeout;
        auto started = Distributor::start(plane.coordinator, std::move(in));
        if (!started) return std::move(started.error());
        return DistributorHolder{*std::move(started), drain_timeout, plane.limits()};
      },
      [](DistributorHolder&& holder) {
        return give_out<cp_distributor>(new DistributorHolder(std::move(holder)));
      });
}

int32_t cp_distributor_leads(int32_t* out, cp_distributor* distributor) {
  return ask<DistributorHolder>(out, distributor, [](const DistributorHolder& held) {
    return held.distributor.leads() ? 1 : 0;
  });
}

int32_t cp_distributor_workers(cp_pool_workers** out, cp_distributor* distributor) {
  if (out != nullptr) *out = nullptr;
  return ask<DistributorHolder>(out, distributor, [](const DistributorHolder& held) {
    return new PoolWorkersView(held.distributor.workers());
  });
}

int32_t cp_distributor_assign_task(cp_task_id* out, cp_distributor* distributor,
                                   const cp_task_spec* spec, const char* worker_id) {
  if (out != nullptr) out->text[0] = '\0';
  return with<DistributorHolder>(distributor, [&](DistributorHolder& held) -> Result<void> {
    const auto id =
        held.distributor.assign_task_to_worker(spec_of(spec, held.limits), view(worker_id));
    if (!id) return id.error();
    if (out != nullptr) write_id(out->text, sizeof(out->text), *id);
    return {};
  });
}

int32_t cp_distributor_batch_assign_tasks(cp_answers** out, cp_distributor* distributor,
                                          const cp_task_spec* specs, size_t count,
                                          const char* worker_id) {
  if (out != nullptr) *out = nullptr;
  return with<DistributorHolder>(distributor, [&](DistributorHolder& held) -> Result<void> {
    require(out, "out");
    auto batch = specs_of(specs, count, held.limits);
    const auto given = held.distributor.batch_assign_tasks(std::move(batch.items), view(worker_id));
    if (!given) return given.error();
    *out = answers_of(*given, batch.refused).release();
    return {};
  });
}

int32_t cp_distributor_stop(cp_distributor* distributor, uint64_t timeout_ms) {
  return with<DistributorHolder>(distributor, [&](DistributorHolder& held) {
    return held.distributor.stop(duration(timeout_ms));
  });
}

// Stopped here, not by the last call that leaves.
int32_t cp_distributor_close(cp_distributor* distributor) {
  return guard([&] {
    if (distributor == nullptr) return CP_OK;
    const Closing<DistributorHolder> closing(distributor);
    (void)closing->distributor.stop(closing->drain_timeout);
    return CP_OK;
  });
}
