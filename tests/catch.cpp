// Gives the precompiled catch.hpp, which all test executables share, a target to belong to.
#include "catch.hpp"
