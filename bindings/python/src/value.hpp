// A C++ value as a Python class: read-only properties, made by keywords, pickled, compared and
// shown, all from one table of its fields.
//
// Properties convert when they are read: who only looks at task.id pays for nothing else. JSON is
// decoded once and kept, so that task.payload is the same object every time.
//
// Thread safety: with the GIL.
// Errors: TypeError for a keyword that is no field; InvalidArgument for a value that does not fit.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert.hpp"

namespace controlplane::python {

template <class T>
struct Field {
  const char* name;
  const char* doc;
  py::object (*get)(const T& value);
  void (*set)(T& value, const char* name, py::handle from);
  bool kept = false;  // what it was converted to is kept
};

// The table of T, defined beside its binding.
template <class T>
const std::vector<Field<T>>& fields_of();

// What Python holds.
template <class T>
struct Held {
  T value{};
  std::vector<py::object> kept{};  // by field; empty until one is read

  Held() = default;
  explicit Held(T it) : value(std::move(it)) {}

  py::object get(std::size_t index) {
    const Field<T>& field = fields_of<T>()[index];
    if (!field.kept) return field.get(value);
    if (kept.empty()) kept.resize(fields_of<T>().size());
    if (!kept[index]) kept[index] = field.get(value);
    return kept[index];
  }
};

template <class T>
py::object held(T value) {
  return py::cast(Held<T>(std::move(value)));
}

// --- Python to a field of any type ---

inline void assign(std::string& to, const char* name, py::handle from) { to = text(name, from); }
inline void assign(SharedText& to, const char* name, py::handle from) {
  to = SharedText(text_view(name, from));
}
inline void assign(TaskId& to, const char* name, py::handle from) {
  to = TaskId(text_view(name, from));
}
inline void assign(Json& to, const char* name, py::handle from) {
  to = from.is_none() ? Json() : encode_json(name, from, Limits{}.max_json_depth);
}
inline void assign(Lease& to, const char*, py::handle from) { to = lease(from); }
inline void assign(Labels& to, const char* name, py::handle from) { to = labels(name, from); }
inline void assign(std::vector<std::string>& to, const char* name, py::handle from) {
  to = texts(name, from);
}
inline void assign(std::vector<TaskId>& to, const char* name, py::handle from) {
  to = task_ids(name, from);
}
inline void assign(std::chrono::milliseconds& to, const char* name, py::handle from) {
  to = duration(name, from);
}
template <class T>
requires std::is_arithmetic_v<T>
void assign(T& to, const char*, py::handle from) { to = from.cast<T>(); }
template <class E>
requires std::is_enum_v<E>
void assign(E& to, const char* name, py::handle from) { to = enum_value<E>(name, from); }

// --- Tables ---

template <class T, class V>
T owner_of(V T::*);
template <class T, class V>
V type_of(V T::*);

template <auto member>
auto field(const char* name, const char* doc) {
  using T = decltype(owner_of(member));
  return Field<T>{name, doc, [](const T& it) { return to_python(it.*member); },
                  [](T& it, const char* what, py::handle from) { assign(it.*member, what, from); },
                  std::is_same_v<decltype(type_of(member)), Json>};
}

template <auto member>
auto time_field(const char* name, const char* doc) {
  using T = decltype(owner_of(member));
  return Field<T>{name, doc, [](const T& it) { return time_to_python(it.*member); },
                  [](T& it, const char* what, py::handle from) { it.*member = time(what, from); }};
}

// A text that is None where there is none.
template <auto member>
auto optional_field(const char* name, const char* doc) {
  using T = decltype(owner_of(member));
  return Field<T>{name, doc,
                  [](const T& it) -> py::object {
                    if ((it.*member).empty()) return py::none();
                    return to_python(it.*member);
                  },
                  [](T& it, const char* what, py::handle from) {
                    if (!from.is_none()) assign(it.*member, what, from);
                  }};
}

// --- Classes ---

template <class T>
py::dict dict_of(Held<T>& self) {
  py::dict all;
  for (std::size_t i = 0; i < fields_of<T>().size(); ++i) {
    all[fields_of<T>()[i].name] = self.get(i);
  }
  return all;
}

template <class T>
[[noreturn]] void refuse_unknown(const py::dict& values) {
  for (const auto& item : values) {
    const std::string name = py::str(item.first);
    const auto& fields = fields_of<T>();
    const bool known = std::any_of(fields.begin(), fields.end(),
                                   [&](const Field<T>& field) { return name == field.name; });
    if (!known) throw py::type_error("there is no field " + name);
  }
  throw py::type_error("a field is given twice");
}

template <class T>
Held<T> held_from(const py::dict& values) {
  Held<T> self;
  std::size_t used = 0;
  for (const Field<T>& field : fields_of<T>()) {
    if (!values.contains(field.name)) continue;
    field.set(self.value, field.name, values[field.name]);
    ++used;
  }
  if (used < values.size()) refuse_unknown<T>(values);
  return self;
}

// What is unset says nothing: it is left out.
template <class T>
std::string repr_of(const char* name, Held<T>& self) {
  std::string shown = std::string(name) + "(";
  for (std::size_t i = 0; i < fields_of<T>().size(); ++i) {
    const py::object value = self.get(i);
    if (!PyBool_Check(value.ptr()) && PyObject_IsTrue(value.ptr()) == 0) continue;
    if (value.ptr() == Py_False) continue;
    if (shown.back() != '(') shown += ", ";
    shown += std::string(fields_of<T>()[i].name) + "=" + py::repr(value).cast<std::string>();
  }
  return shown + ")";
}

template <class T>
py::class_<Held<T>> bind_value(py::module_& module, const char* name, const char* doc) {
  py::class_<Held<T>> cls(module, name, doc);
  cls.def(py::init([](const py::kwargs& values) { return held_from<T>(values); }));
  for (std::size_t i = 0; i < fields_of<T>().size(); ++i) {
    const Field<T>& field = fields_of<T>()[i];
    cls.def_property_readonly(
        field.name, [i](Held<T>& self) { return self.get(i); }, field.doc);
  }
  cls.def("to_dict", &dict_of<T>, "All fields by name.");
  cls.def("__repr__", [name](Held<T>& self) { return repr_of(name, self); });
  cls.def(
      "__eq__", [](Held<T>& self, Held<T>& other) { return dict_of(self).equal(dict_of(other)); },
      py::is_operator());
  cls.def(py::pickle([](Held<T>& self) { return dict_of(self); },
                     [](const py::dict& values) { return held_from<T>(values); }));
  cls.attr("__module__") = "aragora_cp";
  return cls;
}

}  // namespace controlplane::python
