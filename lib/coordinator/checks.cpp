#include "coordinator/checks.hpp"

#include <fmt/format.h>

#include "base/wording.hpp"

namespace controlplane {

Checks& Checks::keep(Result<void> result) {
  if (!result && !error_) error_ = std::move(result.error());
  return *this;
}

Checks& Checks::bad_name(std::string_view what, std::string_view value) {
  if (error_) return *this;
  return keep(name_error(what, value, limits_.max_name_bytes, "max_name_bytes"));
}

Checks& Checks::too_many(std::string_view what, std::size_t count, std::string_view limit_name,
                         std::size_t max) {
  return rule(false, [&] {
    return fmt::format("{}: {} are given; the limit {} is {}", what, grouped(count), limit_name,
                       grouped(max));
  });
}

Checks& Checks::full_json(std::string_view what, const Json& value, std::size_t max,
                          std::string_view limit_name) {
  if (error_) return *this;
  return keep(check_json(what, value.text(), max, limit_name, limits_.max_json_depth));
}

Checks& Checks::full_text(std::string_view what, std::string_view value, std::size_t max,
                          std::string_view limit_name) {
  if (error_) return *this;
  return keep(check_text(what, value, max, limit_name));
}

Checks& Checks::full_labels(const Labels& labels) {
  if (error_) return *this;
  return keep(check_labels(labels, limits_));
}

Checks& Checks::bad_duration(std::string_view what, std::chrono::milliseconds value,
                             std::chrono::milliseconds min, std::chrono::milliseconds max,
                             std::string_view limit_name) {
  return rule(false, [&] {
    if (value < min) {
      return fmt::format("{} is {}; it must be at least {}", what, seconds(value), seconds(min));
    }
    return fmt::format("{} is {}; the limit {} is {}", what, seconds(value), limit_name,
                       seconds(max));
  });
}

Checks& Checks::bad_count(std::string_view what, std::uint64_t value, std::uint64_t min,
                          std::uint64_t max, std::string_view limit_name) {
  return rule(false, [&] {
    if (value < min) return fmt::format("{} is {}; it must be at least {}", what, value, min);
    return fmt::format("{} is {}; the limit {} is {}", what, grouped(value), limit_name,
                       grouped(max));
  });
}

}  // namespace controlplane
