#include "base/names.hpp"

#include "base/wording.hpp"
#include "catch.hpp"

using namespace controlplane;

namespace {

std::string message(const Result<void>& result) {
  return result ? "ok" : result.error().to_string();
}

std::string name(std::string_view value) { return message(check_name("agent_id", value, 128)); }

std::string labels(const Labels& value) { return message(check_labels(value, Limits{})); }

}  // namespace

TEST_CASE("names of letters, digits and ._:/@+- are accepted") {
  CHECK(name("a") == "ok");
  CHECK(name("claude-3:opus/worker_1@host+x.y") == "ok");
  CHECK(name(std::string(128, 'z')) == "ok");
}

TEST_CASE("a wrong name is told with its byte and the rule") {
  CHECK(name("a b") ==
        "invalid_argument: agent_id \"a b\": character 0x20 at byte 1 is not allowed; names are "
        "[A-Za-z0-9._:/@+-]");
  CHECK(name("") == "invalid_argument: agent_id is empty");
  CHECK(name(std::string(129, 'z')) ==
        "invalid_argument: agent_id is 129 bytes; the limit max_name_bytes is 128");
}

TEST_CASE("every byte that is no name byte is refused wherever it stands") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool allowed = std::string_view("._:/@+-").find(c) != std::string_view::npos ||
                         (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    REQUIRE(is_name(std::string("ab") + c, 128) == allowed);
    REQUIRE(is_name(c + std::string("ab"), 128) == allowed);
  }
}

TEST_CASE("names with NUL, newline or bytes that are not UTF-8 are shown escaped") {
  using namespace std::string_literals;
  CHECK_THAT(name("a\0b"s), Catch::Matchers::ContainsSubstring("\"a\\x00b\": character 0x00"));
  CHECK_THAT(name("a\nb"), Catch::Matchers::ContainsSubstring("\"a\\nb\": character 0x0a"));
  CHECK_THAT(name("a\xff"), Catch::Matchers::ContainsSubstring("\"a\\xff\": character 0xff"));
  CHECK_THAT(name("é"), Catch::Matchers::ContainsSubstring("\"é\": character 0xc3 at byte 0"));
}

TEST_CASE("free text is UTF-8 without NUL, within its limit") {
  using namespace std::string_literals;
  const auto check = [](std::string_view v) { return message(check_text("model", v, 8, "max_x")); };
  CHECK(check("") == "ok");
  CHECK(check("größe") == "ok");
  CHECK(check("12345678") == "ok");
  CHECK(check("123456789") == "invalid_argument: model is 9 bytes; the limit max_x is 8");
  CHECK(check("a\0"s) == "invalid_argument: model has a NUL at byte 1");
  CHECK(check("a\xc3") == "invalid_argument: model is not valid UTF-8: \"a\\xc3\"");
  CHECK(check("\xed\xa0\x80") != "ok");  // a surrogate
  CHECK(check("\xc0\x80") != "ok");      // an overlong NUL
}

TEST_CASE("labels are at most 16 pairs with different keys") {
  Labels sixteen;
  for (int i = 0; i < 16; ++i) sixteen.emplace_back("k" + std::to_string(i), "v");
  CHECK(labels({}) == "ok");
  CHECK(labels(sixteen) == "ok");
  sixteen.emplace_back("one", "more");
  CHECK(labels(sixteen) == "invalid_argument: labels has 17 pairs; the limit max_labels is 16");
  CHECK(labels({{"team", "a"}, {"team", "b"}}) ==
        "invalid_argument: label \"team\" is given twice");
}

TEST_CASE("label keys are names and label values are text") {
  CHECK(labels({{"team", ""}}) == "ok");
  CHECK(labels({{"", "a"}}) == "invalid_argument: label key is empty");
  CHECK_THAT(labels({{"a b", "x"}}), Catch::Matchers::ContainsSubstring("label key \"a b\""));
  CHECK(labels({{std::string(65, 'k'), "x"}}) ==
        "invalid_argument: label key is 65 bytes; the limit max_label_key_bytes is 64");
  CHECK(labels({{"team", std::string(257, 'v')}}) ==
        "invalid_argument: label \"team\" is 257 bytes; the limit max_label_value_bytes is 256");
  CHECK(labels({{"team", "\xff"}}) ==
        "invalid_argument: label \"team\" is not valid UTF-8: \"\\xff\"");
}

TEST_CASE("long values are cut between characters and their length is told") {
  CHECK(quote(std::string(64, 'a')) == "\"" + std::string(64, 'a') + "\"");
  CHECK(quote(std::string(1'000, 'a')) == "\"" + std::string(64, 'a') + "…\" (1,000 bytes)");
  const std::string umlauts = "x" + [] {
    std::string text;
    for (int i = 0; i < 50; ++i) text += "ä";
    return text;
  }();
  CHECK_THAT(quote(umlauts), Catch::Matchers::ContainsSubstring("ä…\" (101 bytes)"));
  CHECK(quote("say \"hi\"\\") == "\"say \\\"hi\\\"\\\\\"");
}

TEST_CASE("numbers are grouped by thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(3'145'728) == "3,145,728");
  CHECK(grouped(18'446'744'073'709'551'615ULL) == "18,446,744,073,709,551,615");
  CHECK(too_long("payload", 3'145'728, "max_payload_bytes", 1'048'576) ==
        "payload is 3,145,728 bytes; the limit max_payload_bytes is 1,048,576");
}

TEST_CASE("durations are shown in seconds") {
  CHECK(seconds(std::chrono::milliseconds(0)) == "0 s");
  CHECK(seconds(std::chrono::milliseconds(500)) == "0.5 s");
  CHECK(seconds(std::chrono::milliseconds(-30'000)) == "-30 s");
  CHECK(seconds(std::chrono::hours(24)) == "86400 s");
}
