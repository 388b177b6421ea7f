#include "base/deadline.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST_CASE("a deadline is now and the duration") {
  CHECK(deadline_after(5, milliseconds(2)) == 2'005);
  CHECK(deadline_after(5, milliseconds(0)) == 5);
  const auto before = steady_clock::now();
  CHECK(steady_deadline(milliseconds(1'000)) >= before + milliseconds(1'000));
  const auto at_once = steady_deadline(milliseconds(0));
  CHECK(at_once <= steady_clock::now());
}

TEST_CASE("a duration below zero is none") {
  CHECK(deadline_after(5, milliseconds(-1)) == 5);
  CHECK(deadline_after(5, milliseconds::min()) == 5);
  const auto at_once = steady_deadline(milliseconds::min());
  CHECK(at_once <= steady_clock::now());
}

TEST_CASE("for ever is for ever, and never at once") {
  const std::int64_t now = 1'000'000'000'000;
  CHECK(deadline_after(now, milliseconds::max()) == kNoDeadline);
  const std::int64_t longest = (kNoDeadline - now) / 1'000;
  CHECK(deadline_after(now, milliseconds(longest)) <= kNoDeadline);
  CHECK(deadline_after(now, milliseconds(longest)) > now);
  CHECK(deadline_after(now, milliseconds(longest + 1)) == kNoDeadline);
  const auto years = std::chrono::hours(24 * 365 * 99);
  CHECK(steady_deadline(milliseconds::max()) > steady_clock::now() + years);
}

}  // namespace
}  // namespace controlplane
