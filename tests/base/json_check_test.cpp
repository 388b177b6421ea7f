#include "base/json_check.hpp"

#include <thread>

#include "base/json_fault.hpp"
#include "base/json_text.hpp"
#include "catch.hpp"

using namespace controlplane;
using namespace std::string_literals;

namespace {

std::string check(std::string_view text, std::size_t max_bytes = 1'048'576,
                  std::size_t depth = 64) {
  const auto result = check_json("payload", text, max_bytes, "max_payload_bytes", depth);
  if (result) return "ok";
  REQUIRE(result.error().code == ErrorCode::invalid_argument);
  return result.error().message;
}

std::string at(int byte, const std::string& rule) {
  return "payload is not valid JSON at byte " + std::to_string(byte) + ": " + rule;
}

std::string nested(std::size_t levels, const std::string& inside) {
  return std::string(levels, '[') + inside + std::string(levels, ']');
}

}  // namespace

TEST_CASE("every kind of JSON value is accepted") {
  const auto text = GENERATE(as<std::string>(), "{}", "[]", "null", "true", "false", "0", "-1.5e3",
                             "\"\"", " \t\r\n{ \"a\" : [1, \"ä\", null] } ", "\"\\u0000\"",
                             "\"\\ud83d\\ude00\"", "{\"a\":1,\"a\":2}", "\"\x7f\"");
  CHECK(check(text) == "ok");
}

TEST_CASE("an empty text means none and is accepted") { CHECK(check("") == "ok"); }

TEST_CASE("a text at its limit is accepted and one byte more is refused") {
  const std::string text = "\"" + std::string(98, 'x') + "\"";
  CHECK(check(text, 100) == "ok");
  CHECK(check(text, 99) == "payload is 100 bytes; the limit max_payload_bytes is 99");
}

TEST_CASE("a value inside as many containers as the limit is accepted, inside one more refused") {
  const auto depth = GENERATE(as<std::size_t>(), 1, 2, 64, 1000);
  const std::string refused =
      "payload is nested too deep; the limit max_json_depth is " + std::to_string(depth);
  CHECK(check(nested(depth, "1"), 10'000, depth) == "ok");
  CHECK(check(nested(depth, "[]"), 10'000, depth) == "ok");
  CHECK(check(nested(depth, "{}"), 10'000, depth) == "ok");
  CHECK(check(nested(depth + 1, "1"), 10'000, depth) == refused);
  CHECK(check(nested(depth + 1, "[]"), 10'000, depth) == refused);
}

TEST_CASE("limits of depth may alternate in one thread") {
  for (int i = 0; i < 3; ++i) {
    CHECK(check("[[1]]", 100, 2) == "ok");
    CHECK(check("[[1]]", 100, 1) != "ok");
  }
}

TEST_CASE("integers of 64 bits are accepted and larger ones refused") {
  CHECK(check("18446744073709551615") == "ok");
  CHECK(check("-9223372036854775808") == "ok");
  const std::string rule = "the integer is out of range (-2^63 to 2^64-1)";
  CHECK(check("18446744073709551616") == at(0, rule));
  CHECK(check("-9223372036854775809") == at(0, rule));
  CHECK(check("[1, 123456789012345678901234567890]") == at(4, rule));
}

TEST_CASE("numbers that no double holds are refused, those too small are 0") {
  CHECK(check("1e308") == "ok");
  CHECK(check("1e-999") == "ok");
  CHECK(check("123456789012345678901234567890.0") == "ok");
  CHECK(check("1e999") == at(0, "the number is not finite as a double"));
  CHECK(check("{\"a\":-1.5E400}") == at(5, "the number is not finite as a double"));
}

TEST_CASE("NUL is refused everywhere but as an escape") {
  CHECK(check("\"a\0b\""s) == at(2, "a NUL is not allowed"));
  CHECK(check("{}\0"s) == at(2, "nothing may follow the value"));
  CHECK(check("\0"s) == at(0, "a value is expected"));
}

TEST_CASE("bytes that are not UTF-8 are refused") {
  const auto bytes = GENERATE(as<std::string>(), "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80",
                              "\xf4\x90\x80\x80", "\xe2\x82");
  CHECK(check("\"" + bytes + "\"") == "payload is not valid UTF-8");
}

TEST_CASE("a message says where and why a text is not JSON") {
  CHECK(check("   ") == at(3, "a value is expected"));
  CHECK(check("{} x") == at(3, "nothing may follow the value"));
  CHECK(check("1 2") == at(2, "nothing may follow the value"));
  CHECK(check("\xef\xbb\xbf{}") == at(0, "a byte order mark is not allowed"));
  CHECK(check("[1,]") == at(3, "a value is expected"));
  CHECK(check("[1 2]") == at(3, "',' or ']' is expected"));
  CHECK(check("[1") == at(2, "',' or ']' is expected"));
  CHECK(check("{\"a\":1,}") == at(7, "a key in double quotes is expected"));
  CHECK(check("{\"a\" 1}") == at(5, "':' is expected"));
  CHECK(check("{\"a\":1]") == at(6, "',' or '}' is expected"));
  CHECK(check("{a:1}") == at(1, "a key in double quotes is expected"));
  CHECK(check("{'a':1}") == at(1, "a key in double quotes is expected"));
  CHECK(check("nul") == at(0, "a value is expected"));
  CHECK(check("NaN") == at(0, "a value is expected"));
  CHECK(check("01") == at(1, "a number must not begin with 0"));
  CHECK(check("[-]") == at(2, "a digit is expected"));
  CHECK(check("1.") == at(2, "a digit is expected"));
  CHECK(check("1e") == at(2, "a digit is expected"));
  CHECK(check("\"abc") == at(0, "the string does not end"));
  CHECK(check("\"a\nb\"") == at(2, "a control character must be escaped"));
  CHECK(check("\"\\x\"") == at(1, "no such escape"));
  CHECK(check("\"\\u12g4\"") == at(1, "\\u needs four hexadecimal digits"));
  CHECK(check("\"\\ud800\"") == at(1, "a surrogate stands alone"));
  CHECK(check("\"\\udc00\"") == at(1, "a surrogate stands alone"));
  CHECK(check("\"\\ud800\\u0041\"") == at(1, "a surrogate stands alone"));
}

TEST_CASE("every proper beginning of an object is refused with its place") {
  const std::string text = R"({"a":[1,2.5e1,"x\u00e4\n"],"b":{"c":null,"d":true}})";
  REQUIRE(check(text) == "ok");
  for (std::size_t size = 1; size < text.size(); ++size) {
    INFO(text.substr(0, size));
    CHECK_THAT(check(text.substr(0, size)), Catch::Matchers::ContainsSubstring("at byte"));
  }
}

TEST_CASE("what simdjson accepts has no fault") {
  for (const char* text : {"{}", "[1,[2,{\"a\":-0.5e-3}]]", "\"\\ud83d\\ude00\"", " 1e-999 "}) {
    CHECK(find_json_fault(text).rule.empty());
  }
}

TEST_CASE("texts of every size up to a megabyte are checked, in any order") {
  for (const std::size_t size : {10u, 5'000u, 65'536u, 65'537u, 1'048'576u, 100u}) {
    const std::string text = "\"" + std::string(size - 2, 'x') + "\"";
    CHECK(check(text) == "ok");
    CHECK(check(text.substr(0, size - 1)) != "ok");
  }
}

TEST_CASE("threads check at the same time") {
  bool theirs = false;
  std::thread other([&] { theirs = check("[1,2,3]") == "ok"; });
  CHECK(check("[1,2") != "ok");
  other.join();
  CHECK(theirs);
}

TEST_CASE("a written string is valid JSON whatever its bytes are") {
  const auto written = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(written("plain") == "\"plain\"");
  CHECK(written("a\"b\\c\n\t\r\x01") == "\"a\\\"b\\\\c\\n\\t\\r\\u0001\"");
  CHECK(written("größe") == "\"größe\"");
  CHECK(written("a\xff" "b\xc3") == "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(check(written(all)) == "ok");
}
