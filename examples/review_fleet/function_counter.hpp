// How long functions are, by awk: an estimate from braces or indentation, good enough to find the
// long ones. An inner function counts as part of its outer one.
// Thread safety: pure. Errors: none.
#pragma once

#include <string>

#include "checkout.hpp"

namespace review {

// An awk program that prints how many functions a file has, the lines of its longest one and the
// name of that; empty if there is none for the language. Plain POSIX awk.
std::string function_counter(Language language);

}  // namespace review
