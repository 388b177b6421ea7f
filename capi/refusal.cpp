#include "capi/refusal.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "controlplane.h"

namespace controlplane::capi {
namespace {

// Plain memory, so that a thread's end has nothing to destroy in a library that may be unloaded.
struct LastError {
  std::array<char, 2048> text;
  std::int32_t outcome_unknown;
};
thread_local LastError last_error{};

constexpr bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

// Appends what has room, cut between characters.
std::size_t append(std::size_t at, std::string_view text) noexcept {
  std::size_t length = std::min(text.size(), last_error.text.size() - 1 - at);
  if (length < text.size()) {
    while (length > 0 && continues_character(text[length])) --length;
  }
  std::copy_n(text.data(), length, last_error.text.data() + at);
  last_error.text[at + length] = '\0';
  return at + length;
}

std::int32_t remember(ErrorCode code, std::string_view message, bool outcome_unknown) noexcept {
  std::size_t end = append(0, to_string(code));
  end = append(end, ": ");
  append(end, message);
  last_error.outcome_unknown = outcome_unknown ? 1 : 0;
  return status_of(code);
}

}  // namespace

void refuse(std::string message) { throw Refusal{Error::invalid_argument(std::move(message))}; }
void refuse(ErrorCode code, std::string message) { throw Refusal{{code, std::move(message)}}; }

std::int32_t fail(const Error& error) noexcept {
  return remember(error.code, error.message, error.outcome_unknown);
}
std::int32_t fail(ErrorCode code, const char* message) noexcept {
  return remember(code, message, false);
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

const char* cp_last_error(void) { return last_error.text.data(); }
int32_t cp_last_error_outcome_unknown(void) { return last_error.outcome_unknown; }
