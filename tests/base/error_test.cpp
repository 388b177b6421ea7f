#include <sstream>

#include "catch.hpp"
#include "controlplane/result.hpp"

using namespace controlplane;

TEST_CASE("an error is shown with its code") {
  std::ostringstream out;
  out << Error::conflict("task t7f3: lease held by agent-2 (attempt 4)");
  CHECK(out.str() == "conflict: task t7f3: lease held by agent-2 (attempt 4)");
  CHECK(Error::unavailable("lost", true).to_string() == "unavailable: lost (outcome unknown)");
}

TEST_CASE("every code has a name of its own") {
  CHECK(to_string(ErrorCode::invalid_argument) == "invalid_argument");
  CHECK(to_string(ErrorCode::unauthenticated) == "unauthenticated");
  CHECK(to_string(ErrorCode::data_loss) == "data_loss");
  CHECK(to_string(ErrorCode::internal) == "internal");
  CHECK(to_string(static_cast<ErrorCode>(200)) == "internal");
}

TEST_CASE("asking an error for its value throws what it was") {
  const Result<int> result = Error::not_found("agent a-1 does not exist");
  CHECK_THROWS_AS(result.value(), BadResult);
  CHECK_THROWS_WITH(result.value(), "not_found: agent a-1 does not exist");
}
