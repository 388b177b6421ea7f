#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "errors.hpp"
#include "json_text.hpp"

namespace controlplane::python {
namespace {

// What a byte of a string costs: 0 = itself, 'u' = \u00XX, else a backslash and that letter.
constexpr auto kEscapes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[static_cast<std::size_t>(c)] = 'u';
  table['\b'] = 'b', table['\f'] = 'f', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't';
  table['"'] = '"', table['\\'] = '\\';
  return table;
}();

// One level of CPython's stack, given back also by what is thrown.
class Deeper {
 public:
  Deeper() {
    if (Py_EnterRecursiveCall(" while encoding JSON") != 0) throw py::error_already_set();
  }
  ~Deeper() { Py_LeaveRecursiveCall(); }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
};

// The text grows in a buffer that the thread keeps; what failed is told on the way back, innermost
// first, so that the way in costs nothing.
class Encoder {
 public:
  Encoder(std::string& out, std::size_t max_depth) : out_(out), max_depth_(max_depth) {}

  bool value(PyObject* it, std::size_t depth) {
    if (PyUnicode_Check(it)) return text(it);
    if (it == Py_None) return append("null");
    if (it == Py_True) return append("true");
    if (it == Py_False) return append("false");
    if (PyLong_Check(it)) return integer(it);
    if (PyFloat_Check(it)) return number(it);
    if (PyDict_Check(it)) return nested(it, depth, &Encoder::object);
    if (PyList_Check(it) || PyTuple_Check(it)) return nested(it, depth, &Encoder::array);
    return wrong(std::string("a value of type ") + type_name(it) +
                 " is not JSON; use str, int, float, bool, None, list or dict");
  }

  std::string message(std::string_view what) const {
    return std::string(what) + path_ + ": " + rule_;
  }

 private:
  bool append(std::string_view part) {
    out_ += part;
    return true;
  }

  bool wrong(std::string rule) {
    rule_ = std::move(rule);
    return false;
  }

  bool text(PyObject* it) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(it, &size);
    if (data == nullptr) return unencodable();
    quoted({data, static_cast<std::size_t>(size)});
    return true;
  }

  bool unencodable() {
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) throw py::error_already_set();
    PyErr_Clear();
    return wrong("the text has a surrogate that stands alone, which UTF-8 cannot hold");
  }

  void quoted(std::string_view text) {
    out_ += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char escape = kEscapes[static_cast<unsigned char>(text[i])];
      if (escape == 0) [[likely]]
        continue;
      out_.append(text, plain, i - plain);
      plain = i + 1;
      out_ += '\\';
      out_ += escape;
      if (escape == 'u') hex(static_cast<unsigned char>(text[i]));
    }
    out_.append(text, plain);
    out_ += '"';
  }

  void hex(unsigned char byte) {
    constexpr char kDigits[] = "0123456789abcdef";
    out_ += "00";
    out_ += kDigits[byte >> 4];
    out_ += kDigits[byte & 15];
  }

  bool integer(PyObject* it) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(it, &overflow);
    if (overflow != 0) {
      return wrong(shown_integer(it) + " is outside of −2^63 … 2^63−1; send it as a string");
    }
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    return append({digits, static_cast<std::size_t>(end.ptr - digits)});
  }

  bool number(PyObject* it) {
    const double value = PyFloat_AS_DOUBLE(it);
    if (!std::isfinite(value)) {
      return wrong(std::string(std::isnan(value) ? "nan"
                               : value > 0       ? "inf"
                                                 : "-inf") +
                   " is not JSON; numbers are finite");
    }
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    const std::string_view text(digits, static_cast<std::size_t>(end.ptr - digits));
    append(text);
    // 1.0 is written "1"; it has to come back as a float.
    if (text.find_first_of(".e") == text.npos) append(".0");
    return true;
  }

  bool nested(PyObject* it, std::size_t depth, bool (Encoder::*body)(PyObject*, std::size_t)) {
    if (depth >= max_depth_) {
      return wrong("nested deeper than the limit max_json_depth, which is " +
                   std::to_string(max_depth_));
    }
    const Deeper deeper;
    return (this->*body)(it, depth + 1);
  }

  // An OrderedDict keeps its order apart from the dict's own.
  bool object(PyObject* it, std::size_t depth) {
    if (!PyODict_Check(it)) return members(it, depth);
    PyObject* const copy = PyDict_New();
    const auto ordered = py::reinterpret_steal<py::object>(copy);
    if (copy == nullptr || PyDict_Update(copy, it) != 0) throw py::error_already_set();
    return members(copy, depth);
  }

  bool members(PyObject* it, std::size_t depth) {
    PyObject *key = nullptr, *item = nullptr;
    Py_ssize_t place = 0;
    out_ += '{';
    for (bool first = true; PyDict_Next(it, &place, &key, &item) != 0; first = false) {
      if (!first) out_ += ',';
      if (!PyUnicode_Check(key)) {
        return wrong(std::string("a key of type ") + type_name(key) + " is not JSON; keys are str");
      }
      if (!text(key)) return false;
      out_ += ':';
      if (!value(item, depth)) return in_key(key);
    }
    out_ += '}';
    return true;
  }

  bool array(PyObject* it, std::size_t depth) {
    out_ += '[';
    // The size is read anew: what is encoded here runs no Python code, but the list is the
    // caller's.
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(it); ++i) {
      if (i > 0) out_ += ',';
      if (!value(PySequence_Fast_GET_ITEM(it, i), depth)) {
        path_.insert(0, "[" + std::to_string(i) + "]");
        return false;
      }
    }
    out_ += ']';
    return true;
  }

  bool in_key(PyObject* key) {
    path_.insert(0, "." + std::string(py::handle(key).cast<std::string_view>()));
    return false;
  }

  static const char* type_name(PyObject* it) { return Py_TYPE(it)->tp_name; }

  std::string& out_;
  const std::size_t max_depth_;
  std::string path_;
  std::string rule_;
};

}  // namespace

std::string shown_integer(py::handle number) {
  const auto bits = py::cast<std::size_t>(number.attr("bit_length")());
  if (bits > 256) return "an integer of " + std::to_string(bits) + " bits";
  return py::str(number).cast<std::string>();
}

Json encode_json(std::string_view what, py::handle value, std::size_t max_depth) {
  constexpr std::size_t kKept = 65'536;
  static thread_local std::string buffer;
  buffer.clear();
  Encoder encoder(buffer, max_depth);
  if (!encoder.value(value.ptr(), 0)) raise(Error::invalid_argument(encoder.message(what)));
  Json json{std::string_view(buffer)};
  if (buffer.capacity() > kKept) std::string().swap(buffer);
  return json;
}

}  // namespace controlplane::python
