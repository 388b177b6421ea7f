// What an operation answers: a value, or an error that names the offending value and the rule.
// Thread safety: values; copy or move them between threads like any other value.
// Errors: operations return them, they never throw. Only Result::value() throws, and only when the
// caller asks for the value of an error.
#pragma once

#include <cstdint>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace controlplane {

// The canonical codes; one table maps them to C statuses, Python exceptions and HTTP statuses.
enum class ErrorCode : std::uint8_t {
  invalid_argument,     // the input breaks a rule whatever the state is
  not_found,            // no such task, agent, … in this tenant
  already_exists,       // the same key with other content
  conflict,             // lost a race: stale lease, already ended
  failed_precondition,  // the state forbids it; repeating does not help until the state changes
  resource_exhausted,   // a named limit was met; nothing was done
  unauthenticated,
  permission_denied,
  unavailable,          // the store could not be reached; see Error::outcome_unknown
  deadline_exceeded,    // the caller's wait ended
  cancelled,            // the coordinator closed, or the caller gave up
  data_loss,            // history that was asked for has been trimmed
  internal              // a defect of this library
};

std::string_view to_string(ErrorCode code) noexcept;  // "invalid_argument", …

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;           // names the object and the rule, without the code
  bool outcome_unknown = false;  // unavailable only: it may have been applied; repeating is safe

  std::string to_string() const;  // "conflict: task t7f3: lease held by agent-2 (attempt 4)"

  static Error invalid_argument(std::string m) { return {ErrorCode::invalid_argument, std::move(m)}; }
  static Error not_found(std::string m) { return {ErrorCode::not_found, std::move(m)}; }
  static Error already_exists(std::string m) { return {ErrorCode::already_exists, std::move(m)}; }
  static Error conflict(std::string m) { return {ErrorCode::conflict, std::move(m)}; }
  static Error failed_precondition(std::string m) {
    return {ErrorCode::failed_precondition, std::move(m)};
  }
  static Error resource_exhausted(std::string m) {
    return {ErrorCode::resource_exhausted, std::move(m)};
  }
  static Error unavailable(std::string m, bool outcome_is_unknown = false) {
    return {ErrorCode::unavailable, std::move(m), outcome_is_unknown};
  }
  static Error deadline_exceeded(std::string m) {
    return {ErrorCode::deadline_exceeded, std::move(m)};
  }
  static Error cancelled(std::string m = "cancelled") { return {ErrorCode::cancelled, std::move(m)}; }
  static Error data_loss(std::string m) { return {ErrorCode::data_loss, std::move(m)}; }
  static Error internal(std::string m) { return {ErrorCode::internal, std::move(m)}; }
};

std::ostream& operator<<(std::ostream& out, const Error& error);

// Thrown by Result::value() of an error, and by nothing else.
class BadResult : public std::runtime_error {
 public:
  explicit BadResult(Error error) : std::runtime_error(error.to_string()), error_(std::move(error)) {}
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T&& value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(const T& value) : state_(std::in_place_index<0>, value) {}        // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Precondition: ok(). Unchecked.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // The value; throws BadResult when this is an error.
  T& value() & { return require(), **this; }
  const T& value() const& { return require(), **this; }
  T value() && { return require(), std::move(**this); }

  // Precondition: !ok(). Unchecked.
  Error& error() & noexcept { return *std::get_if<1>(&state_); }
  const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
  Error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

 private:
  void require() const {
    if (!ok()) throw BadResult(error());
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  void value() const {
    if (!ok()) throw BadResult(error());
  }
  Error& error() & noexcept { return *std::get_if<1>(&state_); }
  const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
  Error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace controlplane
