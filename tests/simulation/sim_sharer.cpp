#include "simulation/sim_sharer.hpp"

#include <algorithm>

#include "controlplane/resources.hpp"
#include "controlplane/shared_state.hpp"
#include "simulation/world.hpp"

namespace controlplane::simulation {

using std::chrono::milliseconds;

Coordinator& SimSharer::plane() { return world_.plane(world_.dice.below(world_.planes())); }

void SimSharer::act(Act act) {
  world_.note("sharer: ", to_string(act));
  switch (act) {
    case Act::put: return put();
    case Act::erase: return erase();
    case Act::look_shared: return look();
    case Act::define: return define();
    case Act::acquire: return acquire();
    case Act::end_permit: return end_permit();
    default: return;
  }
}

// An accepted put has a version that nobody had before, whatever became of its first answer.
void SimSharer::put() {
  Dice& dice = world_.dice;
  const std::string key = "key-" + std::to_string(dice.below(4));
  const std::uint64_t known = world_.shared.version(key);
  PutOptions options;
  if (dice.chance(0.6)) options.expected_version = dice.chance(0.8) ? known : dice.below(20);
  if (dice.chance(0.3)) options.ttl = milliseconds(dice.between(0, 30) * 1'000);
  SharedState(plane()).put(
      key, Json(std::to_string(dice.below(1'000))), options,
      world_.answer<std::uint64_t>("put", [this, key, options](Result<std::uint64_t>& version) {
        if (!version) return;
        world_.findings.expect(*version <= world_.shared.version(key), "put of ", key,
                               " was answered version ", *version);
        world_.findings.expect(!options.expected_version || *options.expected_version == 0 ||
                                   *version == *options.expected_version + 1,
                               "put of ", key, " became version ", *version);
      }));
}

void SimSharer::erase() {
  SharedState(plane()).remove("key-" + std::to_string(world_.dice.below(4)), {},
                              world_.answer<bool>("erase"));
}

void SimSharer::look() {
  if (world_.dice.chance(0.5)) {
    return SharedState(plane()).list("key-", {}, world_.answer<Page<Document>>("list documents"));
  }
  Resources(plane()).list_pools("", {}, world_.answer<Page<Pool>>("list_pools"));
}

void SimSharer::define() {
  Dice& dice = world_.dice;
  PoolSpec spec;
  spec.name = dice.chance(0.5) ? "calls" : "rate";
  spec.kind = spec.name == "rate" ? PoolKind::window : PoolKind::count;
  spec.capacity = 3 + dice.below(4);
  spec.period = milliseconds(10'000);
  if (dice.chance(0.5)) spec.weights = {{"owner-0", 2}, {"owner-1", 1}};
  Resources(plane()).define_pool(
      spec, world_.answer<Pool>("define_pool", [this, name = spec.name](Result<Pool>& pool) {
        if (pool && std::find(pools_.begin(), pools_.end(), name) == pools_.end()) {
          pools_.push_back(name);
        }
      }));
}

void SimSharer::acquire() {
  if (pools_.empty()) return define();
  Dice& dice = world_.dice;
  AcquireRequest request;
  for (const std::string& pool : pools_) {
    if (request.needs.empty() || dice.chance(0.5)) request.needs.push_back({pool, 1 + dice.below(3)});
  }
  request.owner = "owner-" + std::to_string(dice.below(3));
  request.ttl = milliseconds(dice.between(1, 40) * 1'000);
  if (dice.chance(0.7)) request.wait = milliseconds(dice.between(1, 40) * 1'000);
  request.priority = static_cast<TaskPriority>(dice.below(4));
  Resources(plane()).acquire(
      request, world_.answer<Permit>("acquire", [this](Result<Permit>& permit) {
        if (!permit) return;
        world_.findings.expect(world_.shared.was_granted(permit->fence), "permit ", permit->fence,
                               " was answered and never granted");
        held_.push_back(*permit);
      }));
}

void SimSharer::end_permit() {
  if (held_.empty()) return;
  Dice& dice = world_.dice;
  const std::size_t at = dice.below(held_.size());
  Resources resources(plane());
  switch (dice.below(3)) {
    case 0: return resources.renew(held_[at], milliseconds(20'000), world_.answer<Timestamp>("renew"));
    case 1: resources.release(held_[at], world_.answer<void>("release permit")); break;
    default: resources.settle(held_[at], {}, world_.answer<void>("settle permit")); break;
  }
  if (dice.chance(0.7)) held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace controlplane::simulation
