// Permits: leased shares of named pools. Plain values.
// A pool is one of
//   count   a semaphore: `capacity` at once
//   number  the numbers first to last, each to one at a time; the one that is free the longest first
//   window  at most `capacity` in any `period`, wherever that begins
//   budget  `capacity` in all; what is spent does not come back
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/task.hpp"

namespace controlplane {

enum class PoolKind : std::uint8_t { count, number, window, budget };
std::string_view to_string(PoolKind kind) noexcept;

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

struct PoolSpec {
  std::string name;
  PoolKind kind = PoolKind::count;
  std::uint64_t capacity = 1;                // or kUnlimited; not of number pools
  std::uint32_t first = 0, last = 0;         // of number pools, both included
  std::chrono::milliseconds period{60'000};  // of window pools; a window slides in 64 steps
  // Owners and their weights. Where several wait, the one with the least taken ÷ weight is next;
  // owners not named share a weight of 1. Empty: first come, first served.
  std::vector<std::pair<std::string, std::uint32_t>> weights{};
};

struct Pool {
  PoolSpec spec;
  std::uint64_t used = 0;        // held now; of a window: in the last period; of a budget: in all
  std::uint64_t available = 0;   // may be granted now, or kUnlimited
  std::uint64_t debt = 0;        // used beyond the capacity
  std::uint64_t permits = 0;     // that are out
  std::uint64_t waiting = 0;
  std::uint64_t granted_total = 0, expired_total = 0;  // permits
};

struct AcquireRequest {
  std::vector<PermitNeed> needs{};  // all or none
  std::string owner;
  std::chrono::milliseconds ttl{30'000};   // frees itself then, unless renewed
  std::chrono::milliseconds wait{0};
  TaskPriority priority = TaskPriority::normal;  // among those that wait
  std::string operation_id{};       // the same id answers the same permit as long as that lives
};

struct PermitPart {
  std::string pool;
  std::uint64_t amount = 0;
  std::vector<std::uint32_t> numbers{};  // of a number pool
};

// What names a permit to those who end it.
struct PermitRef {
  std::uint64_t fence = 0;       // its number: higher than that of every earlier permit of the tenant
  std::string owner;
};

struct Permit : PermitRef {
  std::vector<PermitPart> parts;  // as needed
  Timestamp acquired_at = 0;
  Timestamp expires_at = 0;
};

}  // namespace controlplane
