// C++ values to Python ones and back, one overload per type. Times become datetime in UTC,
// durations float seconds, enums the members of aragora_cp.enums, JSON what it means. Thread
// safety: with the GIL. Errors: InvalidArgument, which names the field, the type and the rule.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "controlplane/controlplane.hpp"
#include "errors.hpp"
#include "json_text.hpp"

namespace controlplane::python {

namespace py = pybind11;

using Weights = std::vector<std::pair<std::string, std::uint32_t>>;  // of a pool, by owner

// --- C++ to Python ---

template <class E>
py::object enum_member(E value);  // of those with a class in aragora_cp.enums

inline py::object to_python(bool value) { return py::bool_(value); }
inline py::object to_python(double value) { return py::float_(value); }
template <class T>
requires std::is_integral_v<T> py::object to_python(T value) { return py::int_(value); }
template <class E>
requires std::is_enum_v<E> py::object to_python(E value) { return enum_member(value); }
py::object to_python(std::string_view text);
inline py::object to_python(const std::string& text) { return to_python(std::string_view(text)); }
inline py::object to_python(const SharedText& text) { return to_python(text.text()); }
py::object to_python(const TaskId& id);
inline py::object to_python(const Json& json) { return decode_json(json.text()); }
py::object to_python(const Lease& lease);
py::object to_python(const Labels& labels);
py::object to_python(const std::vector<PermitNeed>& needs);  // a dict, by pool
py::object to_python(const Weights& weights);
inline py::object to_python(std::chrono::milliseconds duration) {
  return py::float_(static_cast<double>(duration.count()) / 1000);
}
template <class T>
py::object to_python(const std::vector<T>& items) {
  py::list list(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) list[i] = to_python(items[i]);
  return list;
}
inline py::object to_python(const SharedNames& names) { return to_python(names.list()); }

// Microseconds since the Unix epoch; 0 is None.
py::object time_to_python(Timestamp time);

// --- Python to C++ ---

std::string_view text_view(std::string_view what, py::handle value);  // as long as value lives
inline std::string text(std::string_view what, py::handle value) {
  return std::string(text_view(what, value));
}
std::vector<std::string> texts(std::string_view what, py::handle values);
std::vector<TaskId> task_ids(std::string_view what, py::handle values);
Labels labels(std::string_view what, py::handle mapping);
std::vector<PermitNeed> permit_needs(std::string_view what, py::handle mapping);
Weights weights(std::string_view what, py::handle mapping);
std::chrono::milliseconds duration(std::string_view what, py::handle seconds);  // None is 0
Lease lease(py::handle text);                                                   // None is empty
Timestamp time(std::string_view what, py::handle value);                        // None is 0
TaskPriority task_priority(py::handle value);
double real(std::string_view what, py::handle value);
bool truth(std::string_view what, py::handle value);
// A whole number within the limits.
std::uint64_t whole(std::string_view what, py::handle value, std::uint64_t most = UINT64_MAX);
inline std::uint32_t count(std::string_view what, py::handle value) {
  return static_cast<std::uint32_t>(whole(what, value, UINT32_MAX));
}
// A name and a value, as a tuple.
std::pair<std::string, std::string> label(py::handle pair);

// A member of the enum's class, or its value.
template <class E>
E enum_value(std::string_view what, py::handle value);

template <class E>
E parsed(Result<E> (*parse)(std::string_view), std::string_view what, py::handle name) {
  return value_or_raise(parse(text_view(what, name)));
}

}  // namespace controlplane::python
