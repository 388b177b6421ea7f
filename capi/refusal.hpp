// How a call is refused inside of this room: thrown by what reads the caller's input, caught by the
// guard around every function. Nothing else in the product throws; here it keeps fifty conversions
// free of plumbing, and only wrong input pays for it.
// Thread safety: the text of an error belongs to its thread.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include "controlplane/result.hpp"

namespace controlplane::capi {

struct Refusal {
  Error error;
};

[[noreturn]] void refuse(std::string message);  // invalid_argument
[[noreturn]] void refuse(ErrorCode code, std::string message);

// Code 0 is CP_OK; the others are the canonical codes in their order.
constexpr std::int32_t status_of(ErrorCode code) noexcept {
  return static_cast<std::int32_t>(code) + 1;
}

// Remembers the error for cp_last_error() and answers its status. Needs no memory.
std::int32_t fail(const Error& error) noexcept;
std::int32_t fail(ErrorCode code, const char* message) noexcept;

// Around the body of every exported function: no exception crosses.
template <class Body>
std::int32_t guard(Body&& body) noexcept {
  try {
    return body();
  } catch (const Refusal& refusal) {
    return fail(refusal.error);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::resource_exhausted, "out of memory");
  } catch (const std::exception& unexpected) {
    return fail(ErrorCode::internal, unexpected.what());
  } catch (...) {
    return fail(ErrorCode::internal, "an unknown exception");
  }
}

}  // namespace controlplane::capi
