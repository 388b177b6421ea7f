#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "coordinator/validation.hpp"

namespace controlplane {
namespace {

void check_range(Checks& checks, const PoolSpec& spec) {
  checks.rule(spec.first <= spec.last, [&] {
    return fmt::format("pool {}: first is {} and last {}; first must not be greater", spec.name,
                       spec.first, spec.last);
  });
  if (!checks.ok()) return;
  checks.count("numbers from first to last", std::uint64_t{spec.last} - spec.first + 1, 1,
               checks.limits().max_pool_numbers, "max_pool_numbers");
}

void check_weights(Checks& checks, const PoolSpec& spec) {
  constexpr std::uint32_t kMaxWeight = 1'000'000;
  checks.count("weights", spec.weights.size(), 0, checks.limits().max_weights, "max_weights");
  std::set<std::string_view> owners;
  for (const auto& [owner, weight] : spec.weights) {
    checks.name("owner of a weight", owner);
    checks.rule(weight >= 1 && weight <= kMaxWeight, [&, &o = owner, w = weight] {
      return fmt::format("weight of {} is {}; it must be 1 to {}", o, w, kMaxWeight);
    });
    checks.rule(owners.insert(owner).second,
                [&, &o = owner] { return fmt::format("owner {} has two weights", o); });
  }
}

}  // namespace

void check_pool(Checks& checks, const PoolSpec& spec) {
  checks.name("name", spec.name);
  checks.rule(spec.kind <= PoolKind::budget, [&] {
    return fmt::format("kind {} is no kind of pool", static_cast<int>(spec.kind));
  });
  if (spec.kind == PoolKind::number) {
    check_range(checks, spec);
  } else if (spec.capacity != kUnlimited) {
    checks.count("capacity", spec.capacity, 1, checks.limits().max_amount, "max_amount");
  }
  if (spec.kind == PoolKind::window) {
    checks.within("period", spec.period, std::chrono::milliseconds(1), checks.limits().max_delay,
                  "max_delay");
  }
  check_weights(checks, spec);
}

void check_needs(Checks& checks, std::string_view what, const std::vector<PermitNeed>& needs,
                 std::uint64_t least) {
  checks.count(what, needs.size(), least, checks.limits().max_needs, "max_needs");
  if (!checks.ok()) return;
  for (auto need = needs.begin(); need != needs.end(); ++need) {
    checks.name("pool", need->pool);
    checks.count("amount", need->amount, least, checks.limits().max_amount, "max_amount");
    const bool is_new = std::none_of(needs.begin(), need, [&](const PermitNeed& earlier) {
      return earlier.pool == need->pool;
    });
    checks.rule(is_new, [&] { return fmt::format("pool {} is named twice", need->pool); });
  }
}

void check_ttl(Checks& checks, std::chrono::milliseconds ttl) {
  checks.within("ttl", ttl, std::chrono::milliseconds(1), checks.limits().max_delay, "max_delay");
}

void check_acquire(Checks& checks, const AcquireRequest& request) {
  check_needs(checks, "needs", request.needs, 1);
  checks.name("owner", request.owner);
  check_ttl(checks, request.ttl);
  checks.within("wait", request.wait, std::chrono::milliseconds(0), checks.limits().max_delay,
                "max_delay");
  checks.rule(request.priority <= TaskPriority::low, [&] {
    return fmt::format("priority {} is none", static_cast<int>(request.priority));
  });
  checks.optional_name("operation_id", request.operation_id);
}

// Beyond any capacity; sums of them stay below 2^64.
constexpr std::uint64_t kMaxUsed = 1'000'000'000'000'000;

std::vector<PermitNeed> used_of(const Json& usage) {
  std::vector<PermitNeed> used;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  const std::string_view text = usage.text();
  if (parser.parse(text.data(), text.size()).get(members) != simdjson::SUCCESS) return used;
  for (const auto& [key, value] : members) {
    std::uint64_t amount = 0;
    if (value.get(amount) != simdjson::SUCCESS) continue;
    used.push_back({std::string(key), std::min(amount, kMaxUsed)});
  }
  return used;
}

void check_permit(Checks& checks, const PermitRef& permit) {
  checks.rule(permit.fence != 0, [] { return "permit: its fence is 0"; });
  checks.name("owner", permit.owner);
}

}  // namespace controlplane
