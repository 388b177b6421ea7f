#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "json_text.hpp"

namespace controlplane::python {
namespace {

// Keys repeat from one payload to the next, so the last ones are kept as Python texts.
class KeyCache {
 public:
  // A new reference, null with an error set.
  PyObject* get(std::string_view key) {
    if (key.size() > kLongest) return PyUnicode_DecodeUTF8(key.data(), size_of(key), nullptr);
    Place& place = places_[std::hash<std::string_view>{}(key) % places_.size()];
    if (place.text == nullptr || place.key != key) {
      PyObject* text = PyUnicode_DecodeUTF8(key.data(), size_of(key), nullptr);
      if (text == nullptr) return nullptr;
      place.key = key;
      Py_XSETREF(place.text, text);
    }
    return Py_NewRef(place.text);
  }

  static Py_ssize_t size_of(std::string_view text) { return static_cast<Py_ssize_t>(text.size()); }

 private:
  static constexpr std::size_t kLongest = 32;
  struct Place {
    std::string key;
    PyObject* text = nullptr;
  };
  std::array<Place, 512> places_;
};

// Never destroyed: it holds Python objects, which must not outlive the interpreter in a destructor.
KeyCache& keys() {
  static auto* const cache = new KeyCache;
  return *cache;
}

// A reader of texts that are known to be valid: it looks only as far as it must to tell them apart.
// Null: a Python error is set.
class Decoder {
 public:
  explicit Decoder(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  PyObject* value() {
    skip_space();
    switch (*at_) {
      case '{':
        return nested(&Decoder::object);
      case '[':
        return nested(&Decoder::array);
      case '"':
        return text();
      case 't':
        return at_ += 4, Py_NewRef(Py_True);
      case 'f':
        return at_ += 5, Py_NewRef(Py_False);
      case 'n':
        return at_ += 4, Py_NewRef(Py_None);
      default:
        return number();
    }
  }

 private:
  void skip_space() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
  }

  PyObject* nested(PyObject* (Decoder::*body)()) {
    if (Py_EnterRecursiveCall(" while decoding JSON") != 0) return nullptr;
    PyObject* const it = (this->*body)();
    Py_LeaveRecursiveCall();
    return it;
  }

  // Past the opening bracket: true if the closing one follows.
  bool is_empty(char closing) {
    ++at_;
    skip_space();
    if (*at_ != closing) return false;
    ++at_;
    return true;
  }

  // Past an item: true if another one follows.
  bool goes_on() {
    skip_space();
    return *at_++ == ',';
  }

  PyObject* object() {
    py::object dict = py::reinterpret_steal<py::object>(PyDict_New());
    if (!dict) return nullptr;
    if (is_empty('}')) return dict.release().ptr();
    do {
      skip_space();
      const auto key = py::reinterpret_steal<py::object>(this->key());
      if (!key) return nullptr;
      skip_space();
      ++at_;  // the colon
      const auto item = py::reinterpret_steal<py::object>(value());
      if (!item || PyDict_SetItem(dict.ptr(), key.ptr(), item.ptr()) != 0) return nullptr;
    } while (goes_on());
    return dict.release().ptr();
  }

  PyObject* array() {
    py::object list = py::reinterpret_steal<py::object>(PyList_New(0));
    if (!list) return nullptr;
    if (is_empty(']')) return list.release().ptr();
    do {
      const auto item = py::reinterpret_steal<py::object>(value());
      if (!item || PyList_Append(list.ptr(), item.ptr()) != 0) return nullptr;
    } while (goes_on());
    return list.release().ptr();
  }

  PyObject* key() {
    const std::string_view raw = plain_text();
    return raw.data() == nullptr ? escaped_text() : keys().get(raw);
  }

  PyObject* text() {
    const std::string_view raw = plain_text();
    if (raw.data() == nullptr) return escaped_text();
    return PyUnicode_DecodeUTF8(raw.data(), KeyCache::size_of(raw), nullptr);
  }

  // A string without escapes; else null data, and nothing is read.
  std::string_view plain_text() {
    const char* const begin = at_ + 1;
    const char* it = begin;
    while (*it != '"' && *it != '\\') ++it;
    if (*it == '\\') return {};
    at_ = it + 1;
    return {begin, static_cast<std::size_t>(it - begin)};
  }

  PyObject* escaped_text() {
    std::string out;
    for (++at_; *at_ != '"';) {
      if (*at_ == '\\') {
        escape(out);
      } else {
        out += *at_++;
      }
    }
    ++at_;
    return PyUnicode_DecodeUTF8(out.data(), KeyCache::size_of(out), nullptr);
  }

  void escape(std::string& out) {
    const char letter = at_[1];
    at_ += 2;
    switch (letter) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u':
        append_utf8(out, code_point());
        break;
      default:
        out += letter;
    }
  }

  // Past "\u"; surrogates come in pairs.
  std::uint32_t code_point() {
    const std::uint32_t high = hex4();
    if (high < 0xD800 || high > 0xDBFF) return high;
    at_ += 2;
    return 0x10000 + ((high - 0xD800) << 10) + (hex4() - 0xDC00);
  }

  std::uint32_t hex4() {
    std::uint32_t code = 0;
    std::from_chars(at_, at_ + 4, code, 16);
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      tail(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      tail(6), tail(0);
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      tail(12), tail(6), tail(0);
    }
  }

  PyObject* number() {
    const char* const begin = at_;
    bool whole = true;
    for (; at_ != end_ && is_number(*at_); ++at_)
      whole = whole && *at_ != '.' && (*at_ | 32) != 'e';
    if (!whole) return real(begin);
    if (*begin == '-') {
      std::int64_t value = 0;
      std::from_chars(begin, at_, value);
      return PyLong_FromLongLong(value);
    }
    std::uint64_t value = 0;
    std::from_chars(begin, at_, value);
    return PyLong_FromUnsignedLongLong(value);
  }

  static bool is_number(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c | 32) == 'e';
  }

  // from_chars leaves its result alone where a number is too small, which strtod reads as 0.
  PyObject* real(const char* begin) {
    double value = 0;
    std::from_chars(begin, at_, value);
    return PyFloat_FromDouble(value);
  }

  const char* at_;
  const char* const end_;
};

}  // namespace

py::object decode_json(std::string_view text) {
  if (text.empty()) return py::none();
  PyObject* const value = Decoder(text).value();
  if (value == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(value);
}

}  // namespace controlplane::python
