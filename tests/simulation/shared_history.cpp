#include "simulation/shared_history.hpp"

#include <charconv>

namespace controlplane::simulation {
namespace {

std::uint64_t number(const Event& event, std::string_view key) {
  const std::string_view data = event.data.text();
  const std::string quoted = "\"" + std::string(key) + "\":";
  const std::size_t at = data.find(quoted);
  std::uint64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(data.data() + at + quoted.size(), data.data() + data.size(), value);
  }
  return value;
}

}  // namespace

void SharedHistory::after(const Operation& op) {
  logs.after(op);
  if (op.kind != OperationKind::define_pool || op.failed) return;
  const PoolSpec& spec = *static_cast<const DefinePool&>(op).spec;
  capacity_[spec.name] = spec.capacity;
  kinds_[spec.name] = spec.kind;
}

void SharedHistory::document_event(const Event& event, std::string_view what) {
  const std::uint64_t version = number(event, "version");
  std::uint64_t& highest = versions_[event.subject];
  if (what == "put") {
    findings_.expect(version > highest, "document ", event.subject, " got version ", version,
                     " after ", highest);
    highest = version;
  } else {
    findings_.expect(version == highest, "document ", event.subject, " went as version ", version,
                     ", the last was ", highest);
  }
}

void SharedHistory::permit_event(const Event& event, std::string_view what) {
  const std::uint64_t fence = number(event, "fence"), amount = number(event, "amount");
  std::uint64_t& held = held_[event.subject];
  if (what == "acquired") {
    const bool is_new = fences_.empty() || fence >= *fences_.rbegin();  // one event per pool
    findings_.expect(is_new, "permit ", fence, " came after ", fences_.empty() ? 0 : *fences_.rbegin());
    fences_.insert(fence);
    held += amount;
    if (kinds_[event.subject] == PoolKind::count) {
      findings_.expect(held <= capacity_[event.subject], "pool ", event.subject, " gave ", held,
                       " of ", capacity_[event.subject]);
    }
  } else {
    findings_.expect(held >= amount, "pool ", event.subject, " got back more than was out");
    held -= amount;
  }
}

std::uint64_t SharedHistory::version(const std::string& key) const {
  const auto found = versions_.find(key);
  return found == versions_.end() ? 0 : found->second;
}

std::uint64_t SharedHistory::held() const {
  std::uint64_t sum = 0;
  for (const auto& [pool, amount] : held_) sum += amount;
  return sum;
}

}  // namespace controlplane::simulation
