// Reads what a C caller passes: structs of any version, texts, lists, numbers. What is wrong is
// refused here with the value and the rule; the rules of the product itself are checked below.
// Thread safety: pure functions.
// Errors: a Refusal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "capi/refusal.hpp"
#include "controlplane.h"
#include "controlplane/json.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/task.hpp"

namespace controlplane::capi {

// The defaults of a struct, as its CP_…_INIT says, and its name in messages.
template <class T>
struct Defaults;

// A size that a struct of any version could have.
void check_size(const char* name, std::size_t size, std::size_t known);

// Copies a struct of another size into `full`, which holds the defaults.
void fill_up(void* full, std::size_t known, const void* given, std::uint32_t size,
             const char* name);

// A struct that the caller filled, of this version whatever its own was.
template <class T>
class Input {
 public:
  // NULL stands for the defaults.
  static Input optional(const T* given) { return given == nullptr ? Input() : Input(given); }

  explicit Input(const T* given) {
    if (given == nullptr) refuse(std::string(Defaults<T>::name) + " is NULL");
    if (given->struct_size == sizeof(T)) [[likely]] {
      is_current_ = true;
      current_ = given;
      return;
    }
    copy_ = Defaults<T>::make();
    fill_up(&copy_, sizeof(T), given, given->struct_size, Defaults<T>::name);
  }
  const T* operator->() const noexcept { return is_current_ ? current_ : &copy_; }

 private:
  Input() : copy_(Defaults<T>::make()) {}
  bool is_current_ = false;
  const T* current_ = nullptr;
  T copy_;  // unused if current
};

// Item `at` of an array of structs, which all have the size that the first one says: that is looked
// at before it leads anywhere.
template <class T>
const T* item(const T* first, std::size_t at) {
  if (at == 0) check_size(Defaults<T>::name, first->struct_size, sizeof(T));
  const auto* bytes = reinterpret_cast<const std::byte*>(first) + at * first->struct_size;
  const auto* found = reinterpret_cast<const T*>(bytes);
  if (found->struct_size != first->struct_size) {
    refuse(std::string(Defaults<T>::name) + "[" + std::to_string(at) + "]: struct_size is " +
           std::to_string(found->struct_size) + "; in an array it must be that of the first, " +
           std::to_string(first->struct_size));
  }
  return found;
}

inline std::string_view view(const char* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view(text);
}
inline std::string text(const char* text) { return std::string(view(text)); }

// `output` is where an answer goes.
void require(const void* output, const char* what);

// A count that comes with a pointer: within the limit, and 0 if there is no pointer.
[[noreturn]] void refuse_count(const char* what, std::size_t count, std::size_t limit,
                               const char* limit_name);
inline void check_count(const char* what, const void* items, std::size_t count, std::size_t limit,
                        const char* limit_name) {
  if (count > limit || (items == nullptr && count > 0)) [[unlikely]] {
    refuse_count(what, count, limit, limit_name);
  }
}

std::vector<std::string> texts(const char* what, const char* const* items, std::size_t count,
                               std::size_t limit, const char* limit_name);
// A text that was used before; mostly it is the same again.
inline void renew(std::string& text, const char* given) {
  if (given == nullptr) {
    text.clear();
  } else if (std::strcmp(text.c_str(), given) != 0) {
    text = given;
  }
}
// The same into a list that was used before, whose memory serves again.
void fill(std::vector<std::string>& all, const char* what, const char* const* items,
          std::size_t count, std::size_t limit, const char* limit_name);
std::vector<TaskId> task_ids(const char* what, const char* const* items, std::size_t count,
                             std::size_t limit, const char* limit_name);
Labels labels(const cp_label* items, std::size_t count, const Limits& limits);

// Refused before it is copied.
[[noreturn]] void refuse_bytes(const char* what, std::size_t length, std::size_t limit,
                               const char* limit_name);
inline Json json(const char* what, const char* bytes, std::size_t length, std::size_t limit,
                 const char* limit_name) {
  if (length > limit || (bytes == nullptr && length > 0)) [[unlikely]] {
    refuse_bytes(what, length, limit, limit_name);
  }
  return {std::string_view(bytes, length)};
}

bool flag(const char* what, std::int32_t value);
std::uint32_t small(const char* what, std::uint64_t value);  // of 32 bits
[[noreturn]] void refuse_number(const char* what, std::int64_t value, std::int64_t last);

template <class Enum>
Enum number(const char* what, std::int32_t value, Enum last) {
  if (value < 0 || value > static_cast<std::int32_t>(last)) {
    refuse_number(what, value, static_cast<std::int64_t>(last));
  }
  return static_cast<Enum>(value);
}

// What no clock can count is for ever.
inline std::chrono::milliseconds duration(std::uint64_t ms) noexcept {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return std::chrono::milliseconds(
      ms > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(ms));
}

// Of a wait.
inline std::chrono::milliseconds wait_time(std::uint64_t ms, const Limits& limits) noexcept {
  return ms == CP_FOREVER_MS ? std::chrono::milliseconds(limits.max_delay) : duration(ms);
}

}  // namespace controlplane::capi
