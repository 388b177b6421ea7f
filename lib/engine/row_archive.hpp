// What writers and readers of rows have in common: which kinds of value there are, when a field that
// may be there is left out, and the names of what has no to_string() of its own.
// Thread safety: pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "engine/rows.hpp"

namespace controlplane {

template <class Enum>
struct Wording;  // names of an enum's values, from 0 on

template <std::size_t Count>
using Words = std::array<std::string_view, Count>;

template <>
struct Wording<RowKind> {
  static constexpr Words<kRowKinds> words = {"header", "totals", "pool",     "permit", "waiter",
                                             "called", "agent",  "document", "key",    "task",
                                             "log",    "entry",  "event",    "trailer"};
};
template <>
struct Wording<KeyOf> {
  static constexpr Words<3> words = {"task_id", "idempotency_key", "operation_id"};
};
template <>
struct Wording<Place> {
  static constexpr Words<4> words = {"", "fresh", "returned", "key_waiting"};
};
template <>
struct Wording<Ended> {
  static constexpr Words<11> words = {"",           "completed",    "failed",       "released",
                                      "cancelled",  "expired",      "exec_timeout", "total_timeout",
                                      "reassigned", "unregistered", "superseded"};
};

template <class Enum>
constexpr std::size_t count_of() {
  if constexpr (requires { Wording<Enum>::words; }) return Wording<Enum>::words.size();
  if constexpr (std::is_same_v<Enum, TaskState>) return kTaskStates;
  if constexpr (std::is_same_v<Enum, TaskReason>) return 11;
  if constexpr (std::is_same_v<Enum, TaskPriority>) return kTaskPriorities;
  if constexpr (std::is_same_v<Enum, AgentStatus>) return kAgentStatuses;
  if constexpr (std::is_same_v<Enum, HealthStatus>) return 4;
  if constexpr (std::is_same_v<Enum, BreakerState>) return 3;
  if constexpr (std::is_same_v<Enum, PoolKind>) return 4;
  if constexpr (std::is_same_v<Enum, EventType>) return kEventTypes;
}

template <class T>
concept IsList = requires(T t) {
  t.push_back(t.front());
};
template <class T>
concept IsOptional = requires(T t) {
  t.reset();
  t.has_value();
};
template <class T>
concept IsText = requires(T t) {
  t.text.size();
}
&&!requires(T t) { t.seq; };

template <class T>
bool is_empty(const T& value) {
  if constexpr (std::is_arithmetic_v<T>)
    return value == T{};
  else if constexpr (std::is_enum_v<T>)
    return static_cast<int>(value) == 0;
  else if constexpr (IsOptional<T>)
    return !value.has_value();
  else if constexpr (IsList<T> || std::is_same_v<T, TaskId>)
    return value.empty();
  else if constexpr (std::is_same_v<T, Hex64>)
    return value.value == 0;
  else if constexpr (IsText<T>)
    return value.text.empty();
  else
    return false;
}

}  // namespace controlplane
