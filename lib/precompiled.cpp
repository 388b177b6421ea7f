// Gives the precompiled header, which all rooms share, a target to belong to.
#include "precompiled.hpp"
