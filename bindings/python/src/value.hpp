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
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert.hpp"
#include "guarded.hpp"

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
  explicit Held(T&& it) : value(std::move(it)) {}

  py::object get(std::size_t index) {
    const Field<T>& field = fields_of<T>()[index];
    if (!field.kept) return field.get(value);
    if (kept.empty()) kept.resize(fields_of<T>().size());
    if (!kept[index]) kept[index] = field.get(value);
    return kept[index];
  }
};

// A Python object that holds one; not pybind11's, whose properties cost three times as much.
template <class T>
struct ValueObject {
  PyObject_HEAD Held<T> held;
};

template <class T>
inline PyTypeObject* value_type = nullptr;  // set by bind_value, for ever

// Moved once: a task has thirty fields.
template <class T>
requires(!std::is_reference_v<T>) PyObject* new_value(T&& value) {
  PyObject* const self = value_type<T>->tp_alloc(value_type<T>, 0);
  if (self == nullptr) throw py::error_already_set();
  new (&reinterpret_cast<ValueObject<T>*>(self)->held) Held<T>(std::move(value));
  return self;
}

template <class T>
requires(!std::is_reference_v<T>) py::object held(T&& value) {
  return py::reinterpret_steal<py::object>(new_value(std::move(value)));
}

template <class T>
Held<T>& held_of(PyObject* self) {
  return reinterpret_cast<ValueObject<T>*>(self)->held;
}

// Of any object: a TypeError if it is no such value.
template <class T>
const T& value_of(py::handle object) {
  if (!PyObject_TypeCheck(object.ptr(), value_type<T>)) {
    throw py::type_error(std::string("not a ") + value_type<T>->tp_name);
  }
  return held_of<T>(object.ptr()).value;
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
inline void assign(SharedNames& to, const char* name, py::handle from) {
  to = SharedNames(texts(name, from));
}
inline void assign(std::vector<TaskId>& to, const char* name, py::handle from) {
  to = task_ids(name, from);
}
inline void assign(std::vector<PermitNeed>& to, const char* name, py::handle from) {
  to = permit_needs(name, from);
}
inline void assign(Weights& to, const char* name, py::handle from) { to = weights(name, from); }
inline void assign(std::chrono::milliseconds& to, const char* name, py::handle from) {
  to = duration(name, from);
}
inline void assign(bool& to, const char* name, py::handle from) { to = truth(name, from); }
template <class T>
requires std::is_floating_point_v<T>
void assign(T& to, const char* name, py::handle from) { to = real(name, from); }
template <class T>
requires std::is_integral_v<T>
void assign(T& to, const char* name, py::handle from) {
  to = static_cast<T>(whole(name, from, std::numeric_limits<T>::max()));
}
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
T value_from(const py::dict& values) {
  T self;
  std::size_t used = 0;
  for (const Field<T>& field : fields_of<T>()) {
    if (!values.contains(field.name)) continue;
    field.set(self, field.name, values[field.name]);
    ++used;
  }
  if (used < values.size()) refuse_unknown<T>(values);
  return self;
}

// What is unset says nothing: it is left out.
template <class T>
std::string repr_of(std::string_view name, Held<T>& self) {
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

// What CPython calls: exceptions become Python's.
template <class T>
struct Slots {
  static PyObject* get(PyObject* self, void* index) {
    return guarded(
        [&] { return held_of<T>(self).get(reinterpret_cast<std::size_t>(index)).release().ptr(); });
  }
  static PyObject* make(PyTypeObject*, PyObject* args, PyObject* kwargs) {
    return guarded([&] {
      if (PyTuple_GET_SIZE(args) != 0) throw py::type_error("fields are given by name");
      const py::dict none;
      return new_value(
          value_from<T>(kwargs == nullptr ? none : py::reinterpret_borrow<py::dict>(kwargs)));
    });
  }
  static void destroy(PyObject* self) {
    held_of<T>(self).~Held<T>();
    PyTypeObject* const type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
  }
  static PyObject* to_dict(PyObject* self, PyObject*) {
    return guarded([&] { return dict_of(held_of<T>(self)).release().ptr(); });
  }
  static PyObject* new_arguments(PyObject* self, PyObject*) {
    return guarded(
        [&] { return py::make_tuple(py::tuple(), dict_of(held_of<T>(self))).release().ptr(); });
  }
  static PyObject* repr(PyObject* self) {
    return guarded([&] {
      const std::string_view name = value_type<T>->tp_name;
      const std::string shown = repr_of(name.substr(name.rfind('.') + 1), held_of<T>(self));
      return to_python(shown).release().ptr();
    });
  }
  static PyObject* compare(PyObject* self, PyObject* other, int how) {
    if ((how != Py_EQ && how != Py_NE) || !PyObject_TypeCheck(other, value_type<T>)) {
      return Py_NewRef(Py_NotImplemented);
    }
    return guarded([&] {
      const bool equal = dict_of(held_of<T>(self)).equal(dict_of(held_of<T>(other)));
      return Py_NewRef(equal == (how == Py_EQ) ? Py_True : Py_False);
    });
  }
};

// Adds the class to the module. `name` with "aragora_cp.", where it is found again; `str` may be
// null.
template <class T>
void bind_value(py::module_& module, const char* name, const char* doc, reprfunc str = nullptr) {
  auto* const getters = new std::vector<PyGetSetDef>;  // as long as the class
  for (std::size_t i = 0; i < fields_of<T>().size(); ++i) {
    const Field<T>& field = fields_of<T>()[i];
    getters->push_back(
        {field.name, &Slots<T>::get, nullptr, field.doc, reinterpret_cast<void*>(i)});
  }
  getters->push_back({});
  static PyMethodDef methods[] = {
      {"to_dict", &Slots<T>::to_dict, METH_NOARGS, "All fields by name."},
      {"__getnewargs_ex__", &Slots<T>::new_arguments, METH_NOARGS, "For pickle and copy."},
      {}};
  std::vector<PyType_Slot> slots = {
      {Py_tp_doc, const_cast<char*>(doc)},
      {Py_tp_new, reinterpret_cast<void*>(&Slots<T>::make)},
      {Py_tp_dealloc, reinterpret_cast<void*>(&Slots<T>::destroy)},
      {Py_tp_repr, reinterpret_cast<void*>(&Slots<T>::repr)},
      {Py_tp_richcompare, reinterpret_cast<void*>(&Slots<T>::compare)},
      {Py_tp_hash, reinterpret_cast<void*>(&PyObject_HashNotImplemented)},
      {Py_tp_getset, getters->data()},
      {Py_tp_methods, methods}};
  if (str != nullptr) slots.push_back({Py_tp_str, reinterpret_cast<void*>(str)});
  slots.push_back({});
  PyType_Spec spec{name, sizeof(ValueObject<T>), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                   slots.data()};
  PyObject* const type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  value_type<T> = reinterpret_cast<PyTypeObject*>(type);
  module.add_object(std::string_view(name).substr(std::string_view(name).rfind('.') + 1).data(),
                    py::handle(type));
}

}  // namespace controlplane::python
