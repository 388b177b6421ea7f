#include "engine/permit_pool.hpp"

#include <algorithm>
#include <numeric>

#include "engine/namespace.hpp"

namespace controlplane {
namespace {

std::int64_t period_us(const PoolSpec& spec) {
  return std::chrono::microseconds(spec.period).count();
}

}  // namespace

std::string_view to_string(PoolKind kind) noexcept {
  switch (kind) {
    case PoolKind::count: return "count";
    case PoolKind::number: return "number";
    case PoolKind::window: return "window";
    case PoolKind::budget: return "budget";
  }
  return "unknown";
}

PermitPool::PermitPool(const PoolSpec& spec) : spec_(spec) {
  waiting.set_weights(spec.weights);
  if (spec.kind == PoolKind::window) window_ = std::make_unique<SliceWindow>(period_us(spec));
  if (spec.kind != PoolKind::number) return;
  free_.resize(std::size_t{spec.last} - spec.first + 1);
  std::iota(free_.begin(), free_.end(), spec.first);
}

std::uint64_t PermitPool::bound() const noexcept {
  return spec_.kind == PoolKind::number ? std::uint64_t{spec_.last} - spec_.first + 1
                                        : spec_.capacity;
}

std::uint64_t PermitPool::used(Timestamp now) noexcept {
  if (spec_.kind != PoolKind::window) return used_;
  window_->advance(now);
  return window_->total();
}

std::uint64_t PermitPool::available(Timestamp now) noexcept {
  if (spec_.kind == PoolKind::number) return free_.size();
  if (is_unlimited()) return kUnlimited;
  const std::uint64_t taken = used(now);
  return taken >= spec_.capacity ? 0 : spec_.capacity - taken;
}

Timestamp PermitPool::when_available(std::uint64_t amount, Timestamp now) noexcept {
  if (spec_.kind != PoolKind::window || amount > spec_.capacity) return kNever;
  window_->advance(now);
  return window_->when_at_most(spec_.capacity - amount);
}

PermitShare PermitPool::take(Slot self, std::uint64_t amount, Timestamp now) {
  PermitShare share{self, amount};
  if (spec_.kind == PoolKind::window) {
    window_->advance(now);
    window_->take(amount);
    share.slice = window_->slice();
    return share;
  }
  used_ += amount;
  if (spec_.kind != PoolKind::number) return share;
  const auto end = free_.begin() + static_cast<std::ptrdiff_t>(amount);
  share.numbers.assign(free_.begin(), end);
  free_.erase(free_.begin(), end);
  return share;
}

void PermitPool::give_back(PermitShare& share, ShareEnd how, Timestamp now) {
  const bool is_gone = spec_.kind == PoolKind::window && how == ShareEnd::expired;
  settle(share, is_gone ? share.amount : 0, now);
}

void PermitPool::settle(PermitShare& share, std::uint64_t used, Timestamp now) {
  switch (spec_.kind) {
    case PoolKind::window:
      window_->advance(now);
      if (used < share.amount) window_->give_back(share.slice, share.amount - used);
      if (used > share.amount) window_->take(used - share.amount);
      return;
    case PoolKind::budget:
      used_ = used_ - share.amount + used;
      return;
    case PoolKind::number:
      return_numbers(share.numbers);
      used_ -= share.amount;
      return;
    case PoolKind::count:
      used_ -= share.amount;
      return;
  }
}

// Those that the range has lost meanwhile are gone.
void PermitPool::return_numbers(std::vector<std::uint32_t>& numbers) {
  for (const std::uint32_t number : numbers) {
    if (number >= spec_.first && number <= spec_.last) free_.push_back(number);
  }
}

void PermitPool::redefine(const PoolSpec& spec, const std::set<std::uint32_t>& held) {
  spec_.capacity = spec.capacity;  // not the name: it is known where it is
  spec_.first = spec.first;
  spec_.last = spec.last;
  spec_.weights = spec.weights;
  waiting.set_weights(spec.weights);
  if (spec.kind != PoolKind::number) return;
  std::erase_if(free_, [&](std::uint32_t n) { return n < spec.first || n > spec.last; });
  // New numbers were never in use: they have been free the longest.
  const std::set<std::uint32_t> known(free_.begin(), free_.end());
  std::vector<std::uint32_t> added;
  for (std::uint64_t i = spec.first; i <= spec.last; ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    if (known.count(number) == 0 && held.count(number) == 0) added.push_back(number);
  }
  free_.insert(free_.begin(), added.begin(), added.end());
}

Pool PermitPool::view(Timestamp now) {
  Pool pool;
  pool.spec = spec_;
  pool.used = used(now);
  pool.available = available(now);
  if (!is_unlimited() && pool.used > bound()) pool.debt = pool.used - bound();
  pool.permits = permits.size();
  pool.waiting = waiting.size();
  pool.granted_total = granted_total;
  pool.expired_total = expired_total;
  return pool;
}

void PermitPool::add_to(FieldDigest& digest) const {
  digest.add(spec_.capacity).add(used_);
  if (window_ != nullptr) {
    digest.add(window_->total()).add(static_cast<std::uint64_t>(window_->slice()));
  }
  for (const std::uint32_t number : free_) digest.add(number);
}

}  // namespace controlplane
