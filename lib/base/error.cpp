#include "controlplane/result.hpp"

#include <array>

namespace controlplane {
namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "invalid_argument", "not_found",        "already_exists",    "conflict",
    "failed_precondition", "resource_exhausted", "unauthenticated", "permission_denied",
    "unavailable",      "deadline_exceeded", "cancelled",        "data_loss",
    "internal"};

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "internal";
}

std::string Error::to_string() const {
  std::string text(controlplane::to_string(code));
  text.append(": ").append(message);
  if (outcome_unknown) text.append(" (outcome unknown)");
  return text;
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.to_string(); }

}  // namespace controlplane
