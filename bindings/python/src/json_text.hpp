// Python values to JSON texts and back, without the json module.
// Thread safety: with the GIL. Errors: InvalidArgument, which names the place, the type and the
// rule.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "controlplane/json.hpp"

namespace controlplane::python {

namespace py = pybind11;

// None, bool, int within 64 bits, finite float, str, list, tuple (as a list) and dict with str
// keys. `what` is the field's name, as messages call it: "payload.items[3]: ...".
Json encode_json(std::string_view what, py::handle value, std::size_t max_depth);

// For messages. Python refuses to write out very long numbers, and nobody wants to read them.
std::string shown_integer(py::handle number);

// The value of a text that the library has validated. An empty text is None.
py::object decode_json(std::string_view text);

}  // namespace controlplane::python
