#include "base/names.hpp"

#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/wording.hpp"

namespace controlplane {
namespace {

Error wrong_byte(std::string_view what, std::string_view value) {
  std::size_t at = 0;
  while (is_name_byte(value[at])) ++at;
  return Error::invalid_argument(
      fmt::format("{} {}: character 0x{:02x} at byte {} is not allowed; names are "
                  "[A-Za-z0-9._:/@+-]",
                  what, quote(value), static_cast<unsigned char>(value[at]), at));
}

bool has_nul(std::string_view value) {
  return !value.empty() && std::memchr(value.data(), '\0', value.size()) != nullptr;
}

bool repeats(const Labels& labels, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i) {
    if (labels[i].first == labels[index].first) return true;
  }
  return false;
}

Result<void> check_label(const Labels& labels, std::size_t index, const Limits& limits) {
  const auto& [key, value] = labels[index];
  auto name = check_name("label key", key, limits.max_label_key_bytes, "max_label_key_bytes");
  if (!name) return name;
  if (repeats(labels, index)) {
    return Error::invalid_argument(fmt::format("label {} is given twice", quote(key)));
  }
  auto text = check_text("", value, limits.max_label_value_bytes, "max_label_value_bytes");
  if (text) return text;
  return Error::invalid_argument(fmt::format("label {}{}", quote(key), text.error().message));
}

}  // namespace

Result<void> name_error(std::string_view what, std::string_view value, std::size_t max_bytes,
                        std::string_view limit_name) {
  if (value.empty()) return Error::invalid_argument(fmt::format("{} is empty", what));
  if (value.size() > max_bytes) {
    return Error::invalid_argument(too_long(what, value.size(), limit_name, max_bytes));
  }
  return wrong_byte(what, value);
}

Result<void> check_text(std::string_view what, std::string_view value, std::size_t max_bytes,
                        std::string_view limit_name) {
  if (value.size() > max_bytes) {
    return Error::invalid_argument(too_long(what, value.size(), limit_name, max_bytes));
  }
  if (!simdjson::validate_utf8(value.data(), value.size())) {
    return Error::invalid_argument(fmt::format("{} is not valid UTF-8: {}", what, quote(value)));
  }
  if (has_nul(value)) {
    return Error::invalid_argument(
        fmt::format("{} has a NUL at byte {}", what, value.find('\0')));
  }
  return {};
}

Result<void> check_labels(const Labels& labels, const Limits& limits) {
  if (labels.size() > limits.max_labels) {
    return Error::invalid_argument(fmt::format("labels has {} pairs; the limit max_labels is {}",
                                               grouped(labels.size()),
                                               grouped(limits.max_labels)));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (auto label = check_label(labels, i, limits); !label) return label;
  }
  return {};
}

}  // namespace controlplane
