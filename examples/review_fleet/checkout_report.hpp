// What the fleet found out about the checkout, for people.
// Thread safety: pure. Errors: none; what was not reviewed reads as "-".
#pragma once

#include <string>
#include <vector>

#include "record.hpp"

namespace review {

// From the results of the folder tasks.
std::string checkout_report(const std::vector<Record>& folders);

}  // namespace review
