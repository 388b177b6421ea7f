#include "convert.hpp"

#include <datetime.h>

#include <cmath>

namespace controlplane::python {
namespace {

// The members of an enum of aragora_cp.enums in the order of their C++ twins. Never destroyed: the
// interpreter may be gone first.
using Members = std::vector<py::object>;

const Members& members(const char* name) {
  static auto* const known = new std::vector<std::pair<const char*, Members*>>;
  for (const auto& [enum_name, found] : *known) {
    if (enum_name == name) return *found;
  }
  auto* const found = new Members;
  for (const py::handle member : py::module_::import("aragora_cp.enums").attr(name)) {
    found->push_back(py::reinterpret_borrow<py::object>(member));
  }
  known->emplace_back(name, found);
  return *found;
}

template <class E>
constexpr const char* enum_name = nullptr;
template <>
constexpr const char* enum_name<TaskPriority> = "TaskPriority";
template <>
constexpr const char* enum_name<TaskState> = "TaskStatus";
template <>
constexpr const char* enum_name<TaskReason> = "TaskReason";
template <>
constexpr const char* enum_name<AgentStatus> = "AgentStatus";
template <>
constexpr const char* enum_name<HealthStatus> = "HealthStatus";
template <>
constexpr const char* enum_name<BreakerState> = "BreakerState";
template <>
constexpr const char* enum_name<ObstacleKind> = "ObstacleKind";
template <>
constexpr const char* enum_name<DocumentChange::Kind> = "ChangeKind";
template <>
constexpr const char* enum_name<PoolKind> = "PoolKind";

[[noreturn]] void wrong(std::string_view what, py::handle value, std::string_view rule) {
  raise(Error::invalid_argument(std::string(what) + " is of type " + Py_TYPE(value.ptr())->tp_name +
                                "; " + std::string(rule)));
}

// What may be iterated without surprise: a str is one name, not a list of letters.
py::object items_of(std::string_view what, py::handle values) {
  if (PyUnicode_Check(values.ptr()) || PyBytes_Check(values.ptr())) {
    wrong(what, values, "it must be a list");
  }
  auto list = py::reinterpret_steal<py::object>(PySequence_Fast(values.ptr(), ""));
  if (list) return list;
  if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
  PyErr_Clear();
  wrong(what, values, "it must be a list");
}

template <class T, class Make>
std::vector<T> vector_of(std::string_view what, py::handle values, Make make) {
  std::vector<T> found;
  if (values.is_none()) return found;
  const py::object list = items_of(what, values);
  found.reserve(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(list.ptr())));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.ptr()); ++i) {
    found.push_back(make(PySequence_Fast_GET_ITEM(list.ptr(), i)));
  }
  return found;
}

constexpr std::string_view kAmounts = "it must be a dict of str to int";

py::dict dict_of(std::string_view what, py::handle mapping, std::string_view rule) {
  if (!PyDict_Check(mapping.ptr())) wrong(what, mapping, rule);
  return py::reinterpret_borrow<py::dict>(mapping);
}

}  // namespace

template <class E>
py::object enum_member(E value) {
  return members(enum_name<E>).at(static_cast<std::size_t>(value));
}

template <class E>
E enum_value(std::string_view what, py::handle value) {
  const Members& all = members(enum_name<E>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].equal(value)) return static_cast<E>(i);
  }
  wrong(what, value, std::string("it must be a member of ") + enum_name<E>);
}

#define BIND_ENUM(E)                        \
  template py::object enum_member(E value); \
  template E enum_value(std::string_view what, py::handle value);
BIND_ENUM(TaskPriority)
BIND_ENUM(TaskState)
BIND_ENUM(TaskReason)
BIND_ENUM(AgentStatus)
BIND_ENUM(HealthStatus)
BIND_ENUM(BreakerState)
BIND_ENUM(ObstacleKind)
BIND_ENUM(DocumentChange::Kind)
BIND_ENUM(PoolKind)
#undef BIND_ENUM

// Error texts come from anywhere: what is not UTF-8 is shown as U+FFFD.
py::object to_python(std::string_view text) {
  PyObject* const it =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (it == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(it);
}

py::object to_python(const TaskId& id) {
  return id.is_made() ? to_python(id.str()) : to_python(id.own_text());
}

py::object to_python(const Lease& lease) {
  return lease.empty() ? py::object(py::none()) : to_python(lease.str());
}

py::object to_python(const Labels& labels) {
  py::dict mapping;
  for (const auto& [name, value] : labels) mapping[to_python(name)] = to_python(value);
  return mapping;
}

py::object to_python(const std::vector<PermitNeed>& needs) {
  py::dict mapping;
  for (const PermitNeed& need : needs) mapping[to_python(need.pool)] = to_python(need.amount);
  return mapping;
}

py::object to_python(const Weights& weights) {
  py::dict mapping;
  for (const auto& [owner, weight] : weights) mapping[to_python(owner)] = to_python(weight);
  return mapping;
}

py::object time_to_python(Timestamp time) {
  if (time == 0) return py::none();
  if (PyDateTimeAPI == nullptr) PyDateTime_IMPORT;
  // Not fromtimestamp(): a double does not hold every microsecond.
  const auto delta = py::reinterpret_steal<py::object>(PyDelta_FromDSU(
      static_cast<int>(time / 86'400'000'000), static_cast<int>(time / 1'000'000 % 86'400),
      static_cast<int>(time % 1'000'000)));
  static auto* const epoch = new py::object(
      py::module_::import("datetime")
          .attr("datetime")(1970, 1, 1, 0, 0, 0, 0,
                            py::module_::import("datetime").attr("timezone").attr("utc")));
  return *epoch + delta;
}

std::string_view text_view(std::string_view what, py::handle value) {
  if (!PyUnicode_Check(value.ptr())) wrong(what, value, "it must be a str");
  Py_ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (data != nullptr) return {data, static_cast<std::size_t>(size)};
  if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) throw py::error_already_set();
  PyErr_Clear();
  raise(Error::invalid_argument(std::string(what) + " has a surrogate that stands alone"));
}

std::vector<std::string> texts(std::string_view what, py::handle values) {
  return vector_of<std::string>(what, values, [&](py::handle it) { return text(what, it); });
}

std::vector<TaskId> task_ids(std::string_view what, py::handle values) {
  return vector_of<TaskId>(what, values,
                           [&](py::handle it) { return TaskId(text_view(what, it)); });
}

Labels labels(std::string_view what, py::handle mapping) {
  Labels found;
  if (mapping.is_none()) return found;
  for (const auto& [name, value] : dict_of(what, mapping, "it must be a dict of str to str")) {
    found.emplace_back(text(what, name), text(what, value));
  }
  return found;
}

std::vector<PermitNeed> permit_needs(std::string_view what, py::handle mapping) {
  std::vector<PermitNeed> found;
  for (const auto& [pool, amount] : dict_of(what, mapping, kAmounts)) {
    found.push_back({text(what, pool), whole(what, amount)});
  }
  return found;
}

Weights weights(std::string_view what, py::handle mapping) {
  Weights found;
  for (const auto& [owner, weight] : dict_of(what, mapping, kAmounts)) {
    found.emplace_back(text(what, owner), count(what, weight));
  }
  return found;
}

// Rounded up: what is above 0 must not become "none".
std::chrono::milliseconds duration(std::string_view what, py::handle seconds) {
  if (seconds.is_none()) return std::chrono::milliseconds(0);
  const bool is_number = PyFloat_Check(seconds.ptr()) || PyLong_Check(seconds.ptr());
  if (!is_number) wrong(what, seconds, "it must be a number of seconds");
  const double value = real(what, seconds);
  constexpr double kMost = 9e12;  // seconds; any sum with the present stays within int64 µs
  if (std::isnan(value)) wrong(what, seconds, "it must be a number of seconds, not nan");
  if (std::abs(value) >= kMost) return std::chrono::milliseconds(value < 0 ? -1 : INT64_MAX);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(value * 1000)));
}

Lease lease(py::handle text) {
  if (text.is_none()) return {};
  return value_or_raise(Lease::parse(text_view("lease", text)));
}

Timestamp time(std::string_view what, py::handle value) {
  if (value.is_none()) return 0;
  if (PyDateTimeAPI == nullptr) PyDateTime_IMPORT;
  if (!PyDateTime_Check(value.ptr())) wrong(what, value, "it must be a datetime");
  if (value.attr("tzinfo").is_none()) {
    raise(Error::invalid_argument(std::string(what) + " has no timezone"));
  }
  const py::object epoch =
      time_to_python(1) -
      py::module_::import("datetime").attr("timedelta")(py::arg("microseconds") = 1);
  const py::object delta = py::reinterpret_borrow<py::object>(value) - epoch;
  return delta.attr("days").cast<Timestamp>() * 86'400'000'000 +
         delta.attr("seconds").cast<Timestamp>() * 1'000'000 +
         delta.attr("microseconds").cast<Timestamp>();
}

TaskPriority task_priority(py::handle value) {
  if (PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr())) {
    int overflow = 0;
    const long long digit = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (digit >= 0 && digit < static_cast<long long>(kTaskPriorities)) {
      return static_cast<TaskPriority>(digit);
    }
    const std::string shown = overflow != 0 ? "out of range" : std::to_string(digit);
    return value_or_raise(parse_task_priority(shown));
  }
  return parsed(parse_task_priority, "priority", value);
}

double real(std::string_view what, py::handle value) {
  if (!PyFloat_Check(value.ptr()) && !PyLong_Check(value.ptr())) {
    wrong(what, value, "it must be a number");
  }
  const double number = PyFloat_AsDouble(value.ptr());
  if (number != -1.0 || PyErr_Occurred() == nullptr) return number;
  if (!PyErr_ExceptionMatches(PyExc_OverflowError)) throw py::error_already_set();
  PyErr_Clear();
  return value < py::int_(0) ? -HUGE_VAL : HUGE_VAL;
}

bool truth(std::string_view what, py::handle value) {
  if (!PyBool_Check(value.ptr())) wrong(what, value, "it must be a bool");
  return value.ptr() == Py_True;
}

std::uint64_t whole(std::string_view what, py::handle value, std::uint64_t most) {
  if (!PyLong_Check(value.ptr()) || PyBool_Check(value.ptr())) {
    wrong(what, value, "it must be an int");
  }
  const std::uint64_t number = PyLong_AsUnsignedLongLong(value.ptr());
  const bool overflow = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (!overflow && number <= most) return number;
  raise(Error::invalid_argument(std::string(what) + " is " + shown_integer(value) +
                                "; it must be from 0 to " + std::to_string(most)));
}

std::pair<std::string, std::string> label(py::handle pair) {
  const auto both = py::reinterpret_borrow<py::object>(pair);
  return {text("label.key", both[py::int_(0)]), text("label.value", both[py::int_(1)])};
}

}  // namespace controlplane::python
