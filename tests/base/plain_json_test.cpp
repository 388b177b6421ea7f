#include "base/plain_json.hpp"

#include <string>

#include "base/entropy.hpp"
#include "base/json_check.hpp"
#include "catch.hpp"
#include "controlplane/json.hpp"

using namespace controlplane;

namespace {

// By the parser: a text as long as this one is never judged by the scan.
bool parser_accepts(const std::string& text, std::size_t depth) {
  return check_json("payload", std::string(kPlainJsonBytes, ' ') + text, 1'048'576, "", depth).ok();
}

}  // namespace

TEST_CASE("what most payloads are is plain") {
  const auto text =
      GENERATE(as<std::string>(), "{}", "[]", " [ ] ", "null", "true", "false", "0", "-0", "-17.25",
               "\"\"", "\"a string of more than eight bytes ~ {}[]:,\"", "999999999999999",
               R"({"file":"main.cpp","line":12,"tags":["a","b"],"more":{"ok":true,"none":null}})",
               "\t{ \"a\" :\r\n[ 1 , [ ] , { } ] } ");
  CHECK(is_plain_json(text, 64));
  CHECK(parser_accepts(text, 64));
}

TEST_CASE("what needs a closer look is not plain") {
  const auto text =
      GENERATE(as<std::string>(), "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{1:2}", "[1 2]",
               "01", "-", "1.", ".5", "1e5", "1234567890123456", "1.234567890123456", "tru", "nulll",
               "\"\\n\"", "\"\x01\"", "\"\xc3\xa4\"", "\"open", "\"12345678\n\"", "{} {}", "[}", "\x7f");
  CHECK_FALSE(is_plain_json(text, 64));
}

TEST_CASE("nothing at all is not plain, wherever it points") {
  CHECK_FALSE(is_plain_json({}, 64));
  CHECK_FALSE(is_plain_json(Json().text(), 64));
}

TEST_CASE("a plain text is nested no deeper than the limit") {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + "1" + std::string(levels, ']');
  };
  CHECK(is_plain_json(nested(5), 5));
  CHECK_FALSE(is_plain_json(nested(6), 5));
  CHECK(is_plain_json(nested(32), 64));
  CHECK_FALSE(is_plain_json(nested(33), 64));
}

TEST_CASE("the parser accepts everything that is plain") {
  SeededEntropy entropy(7);
  const std::string pieces[] = {"{", "}", "[", "]", ":",    ",",     "\"a\"", "\"", "1",    "-",
                                "0", ".", "e", " ", "true", "false", "null",  "\\", "\x1f", "\xe4",
                                "{\"key of some length\":", "[1,2", "\n", "12345678"};
  int plain = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::uint64_t left = 1 + entropy.next() % 8; left > 0; --left) {
      text += pieces[entropy.next() % std::size(pieces)];
    }
    if (!is_plain_json(text, 3)) continue;
    ++plain;
    if (!parser_accepts(text, 3)) FAIL(text);
  }
  CHECK(plain > 1'000);
}
