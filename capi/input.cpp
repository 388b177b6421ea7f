#include "capi/input.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/wording.hpp"

namespace controlplane::capi {
namespace {

// Fields are at most 8 bytes wide and aligned, so that a struct cut at 8 bytes is cut between two.
constexpr std::size_t kStep = 8;
// Far above any struct of ours: a size beyond it was never set.
constexpr std::size_t kLargest = 4096;

}  // namespace

void check_size(const char* name, std::size_t size, std::size_t known) {
  if (size >= kStep && size <= kLargest && size % kStep == 0) return;
  refuse(fmt::format("{}: struct_size is {}; start from its CP_..._INIT, which is {} here", name,
                     size, known));
}

void fill_up(void* full, std::size_t known, const void* given, std::uint32_t size,
             const char* name) {
  check_size(name, size, known);
  const auto* bytes = static_cast<const unsigned char*>(given);
  for (std::size_t at = known; at < size; ++at) {
    if (bytes[at] == 0) continue;
    refuse(fmt::format(
        "{}: struct_size is {} and byte {} is not zero; this library knows {} bytes of it", name,
        size, at, known));
  }
  const std::size_t common = std::min<std::size_t>(size, known);
  std::memcpy(full, given, common);
  const auto full_size = static_cast<std::uint32_t>(known);
  std::memcpy(full, &full_size, sizeof(full_size));
}

void require(const void* output, const char* what) {
  if (output == nullptr) refuse(std::string(what) + " is NULL");
}

void refuse_count(const char* what, std::size_t count, std::size_t limit, const char* limit_name) {
  if (count > limit) {
    refuse(fmt::format("{}: {} are given; the limit {} is {}", what, grouped(count), limit_name,
                       grouped(limit)));
  }
  refuse(fmt::format("{} is NULL, but {} are announced", what, count));
}

void fill(std::vector<std::string>& all, const char* what, const char* const* items,
          std::size_t count, std::size_t limit, const char* limit_name) {
  check_count(what, items, count, limit, limit_name);
  if (all.size() != count) all.resize(count);
  for (std::size_t at = 0; at < count; ++at) {
    if (items[at] == nullptr) refuse(fmt::format("{}[{}] is NULL", what, at));
    renew(all[at], items[at]);
  }
}

std::vector<std::string> texts(const char* what, const char* const* items, std::size_t count,
                               std::size_t limit, const char* limit_name) {
  std::vector<std::string> all;
  if (count == 0) return all;
  check_count(what, items, count, limit, limit_name);
  all.reserve(count);
  for (std::size_t at = 0; at < count; ++at) {
    if (items[at] == nullptr) refuse(fmt::format("{}[{}] is NULL", what, at));
    all.emplace_back(items[at]);
  }
  return all;
}

std::vector<TaskId> task_ids(const char* what, const char* const* items, std::size_t count,
                             std::size_t limit, const char* limit_name) {
  std::vector<TaskId> all;
  if (count == 0) return all;
  check_count(what, items, count, limit, limit_name);
  all.reserve(count);
  for (std::size_t at = 0; at < count; ++at) {
    if (items[at] == nullptr) refuse(fmt::format("{}[{}] is NULL", what, at));
    all.emplace_back(items[at]);
  }
  return all;
}

Labels labels(const cp_label* items, std::size_t count, const Limits& limits) {
  Labels all;
  if (count == 0) return all;
  check_count("labels", items, count, limits.max_labels, "max_labels");
  all.reserve(count);
  for (std::size_t at = 0; at < count; ++at) {
    if (items[at].key == nullptr) refuse(fmt::format("labels[{}].key is NULL", at));
    all.emplace_back(items[at].key, view(items[at].value));
  }
  return all;
}

void refuse_bytes(const char* what, std::size_t length, std::size_t limit, const char* limit_name) {
  if (length > limit) refuse(too_long(what, length, limit_name, limit));
  refuse(fmt::format("{} is NULL, but {} bytes are announced", what, length));
}

bool flag(const char* what, std::int32_t value) {
  if (value != 0 && value != 1) refuse(fmt::format("{} is {}; it must be 0 or 1", what, value));
  return value == 1;
}

std::uint32_t small(const char* what, std::uint64_t value) {
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    refuse(fmt::format("{} is {}; it must be below 2^32", what, grouped(value)));
  }
  return static_cast<std::uint32_t>(value);
}

void refuse_number(const char* what, std::int64_t value, std::int64_t last) {
  refuse(fmt::format("{} is {}; it must be 0 to {}", what, value, last));
}

}  // namespace controlplane::capi
