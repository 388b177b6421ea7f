// Checks one input field by field and keeps the first error; after that the rest is skipped.
// Thread safety: none; lives on the stack of one call.
// Errors: invalid_argument; the message names the field, its value and the rule. What is right
// costs no string and no allocation.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_check.hpp"
#include "base/names.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"

namespace controlplane {

class Checks {
 public:
  explicit Checks(const Limits& limits) noexcept : limits_(limits) {}

  Checks& name(std::string_view what, std::string_view value) {
    if (is_name(value, limits_.max_name_bytes)) [[likely]]
      return *this;
    return bad_name(what, value);
  }
  Checks& optional_name(std::string_view what, std::string_view value) {
    return value.empty() ? *this : name(what, value);
  }
  Checks& names(std::string_view what, const std::vector<std::string>& values, std::size_t max,
                std::string_view limit_name) {
    if (values.size() > max) return too_many(what, values.size(), limit_name, max);
    for (const std::string& value : values) name(what, value);
    return *this;
  }
  Checks& capabilities(std::string_view what, const std::vector<std::string>& values) {
    return names(what, values, limits_.max_capabilities, "max_capabilities");
  }
  Checks& task_id(std::string_view what, const TaskId& id) {
    return id.is_made() ? *this : name(what, id.own_text());
  }
  Checks& json(std::string_view what, const Json& value, std::size_t max,
               std::string_view limit_name) {
    return value.empty() ? *this : full_json(what, value, max, limit_name);
  }
  Checks& text(std::string_view what, std::string_view value, std::size_t max,
               std::string_view limit_name) {
    return value.empty() ? *this : full_text(what, value, max, limit_name);
  }
  Checks& short_text(std::string_view what, std::string_view value) {
    return text(what, value, limits_.max_text_bytes, "max_text_bytes");
  }
  Checks& labels(const Labels& labels) { return labels.empty() ? *this : full_labels(labels); }
  // min ≤ value ≤ max
  Checks& within(std::string_view what, std::chrono::milliseconds value,
                 std::chrono::milliseconds min, std::chrono::milliseconds max,
                 std::string_view limit_name) {
    if (value >= min && value <= max) [[likely]]
      return *this;
    return bad_duration(what, value, min, max, limit_name);
  }
  Checks& count(std::string_view what, std::uint64_t value, std::uint64_t min, std::uint64_t max,
                std::string_view limit_name) {
    if (value >= min && value <= max) [[likely]]
      return *this;
    return bad_count(what, value, min, max, limit_name);
  }
  // The message is made only when the rule is broken.
  template <class Message>
  Checks& rule(bool holds, Message&& message) {
    if (!holds && !error_) [[unlikely]]
      error_ = Error::invalid_argument(message());
    return *this;
  }

  Checks& merge(Result<void> other) { return keep(std::move(other)); }

  bool ok() const noexcept { return !error_.has_value(); }
  Error take() { return std::move(*error_); }  // Precondition: !ok()
  Result<void> result() {
    if (ok()) [[likely]]
      return {};
    return take();
  }
  const Limits& limits() const noexcept { return limits_; }

 private:
  Checks& bad_name(std::string_view what, std::string_view value);
  Checks& too_many(std::string_view what, std::size_t count, std::string_view limit_name,
                   std::size_t max);
  Checks& full_json(std::string_view what, const Json& value, std::size_t max,
                    std::string_view limit_name);
  Checks& full_text(std::string_view what, std::string_view value, std::size_t max,
                    std::string_view limit_name);
  Checks& full_labels(const Labels& labels);
  Checks& bad_duration(std::string_view what, std::chrono::milliseconds value,
                       std::chrono::milliseconds min, std::chrono::milliseconds max,
                       std::string_view limit_name);
  Checks& bad_count(std::string_view what, std::uint64_t value, std::uint64_t min,
                    std::uint64_t max, std::string_view limit_name);
  Checks& keep(Result<void> result);

  const Limits& limits_;
  std::optional<Error> error_;
};

}  // namespace controlplane
