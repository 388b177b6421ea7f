#include "runtime/unique_function.hpp"

#include <array>
#include <memory>
#include <string>

#include "catch.hpp"

namespace controlplane {
namespace {

using IntFunction = UniqueFunction<int(int)>;

TEST_CASE("a unique function owns what can only be moved") {
  IntFunction add = [base = std::make_unique<int>(40)](int more) { return *base + more; };
  REQUIRE(add);
  CHECK(add(2) == 42);
  IntFunction moved = std::move(add);
  CHECK_FALSE(add);  // NOLINT: moved from means empty
  CHECK(moved(3) == 43);
}

TEST_CASE("a callable that does not fit inside behaves the same") {
  std::array<int, 100> numbers{};
  numbers[99] = 7;
  IntFunction last = [numbers](int more) { return numbers[99] + more; };
  IntFunction moved;
  moved = std::move(last);
  CHECK(moved(1) == 8);
}

TEST_CASE("the callable is destroyed exactly once, wherever it was moved") {
  const auto owner = std::make_shared<int>(0);
  SECTION("inside") {
    UniqueFunction<void()> first = [owner] {};
    UniqueFunction<void()> second = std::move(first);
    CHECK(owner.use_count() == 2);
    second = nullptr;
    CHECK(owner.use_count() == 1);
  }
  SECTION("outside") {
    std::array<char, 200> large{};
    UniqueFunction<void()> first = [owner, large] { static_cast<void>(large); };
    UniqueFunction<void()> second;
    second = std::move(first);
    CHECK(owner.use_count() == 2);
    second.reset();
    CHECK(owner.use_count() == 1);
  }
  SECTION("replaced") {
    UniqueFunction<void()> first = [owner] {};
    first = [] {};
    CHECK(owner.use_count() == 1);
  }
}

TEST_CASE("arguments are passed on without copies") {
  UniqueFunction<std::size_t(std::unique_ptr<std::string>)> size =
      [](std::unique_ptr<std::string> text) { return text->size(); };
  CHECK(size(std::make_unique<std::string>("four")) == 4);
}

TEST_CASE("the result may be ignored") {
  int calls = 0;
  UniqueFunction<void()> count = [&calls] { return ++calls; };
  count();
  CHECK(calls == 1);
}

}  // namespace
}  // namespace controlplane
