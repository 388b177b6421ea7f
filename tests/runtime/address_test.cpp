#include "runtime/address.hpp"

#include "catch.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("an address is a host and a port") {
  CHECK(parse_host_port("localhost:6379")->host == "localhost");
  CHECK(parse_host_port("localhost:6379")->port == 6379);
  CHECK(parse_host_port("10.0.0.1:65535")->to_string() == "10.0.0.1:65535");
  CHECK(parse_host_port("my_service.internal:1")->host == "my_service.internal");
}

TEST_CASE("an IPv6 address stands in brackets") {
  const auto address = parse_host_port("[2001:db8::1]:80");
  REQUIRE(address.ok());
  CHECK(address->host == "2001:db8::1");
  CHECK(address->to_string() == "[2001:db8::1]:80");
}

TEST_CASE("a wrong address is refused with the rule it breaks") {
  const auto [text, rule] = GENERATE(table<const char*, const char*>(
      {{"", "host is missing"},
       {":80", "host is missing"},
       {"host", "port is missing"},
       {"host:", "port must be"},
       {"host:0", "port must be"},
       {"host:65536", "port must be"},
       {"host:80x", "port must be"},
       {"host:-1", "port must be"},
       {"::1:80", "host is missing"},
       {"2001:db8::1:80", "needs brackets"},
       {"[::1:80", "bracket is not closed"},
       {"[::1]", "port is missing"},
       {"[::1]80", "only a port"},
       {"[host]:80", "no IPv6 address"},
       {"[80]:80", "no IPv6 address"},
       {"ho st:80", "character"},
       {"host/path:80", "character"}}));
  const auto refused = parse_host_port(text);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(refused.error().message, ContainsSubstring(rule));
}

TEST_CASE("a URL is an address and a target") {
  const auto [text, address, target] = GENERATE(table<const char*, const char*, const char*>(
      {{"http://host", "host:80", "/"},
       {"http://host:8080/", "host:8080", "/"},
       {"http://host/health?deep=1", "host:80", "/health?deep=1"},
       {"http://host?deep=1", "host:80", "/?deep=1"},
       {"http://host/a#part", "host:80", "/a"},
       {"http://host#part", "host:80", "/"},
       {"http://[::1]:81/a:b@c", "[::1]:81", "/a:b@c"}}));
  const auto url = parse_http_url(text);
  REQUIRE(url.ok());
  CHECK(url->address.to_string() == address);
  CHECK(url->target == target);
}

TEST_CASE("a wrong URL is refused with the rule it breaks") {
  const auto [text, rule] = GENERATE(table<const char*, const char*>(
      {{"https://host/", "https is not supported"},
       {"ftp://host/", "must begin with http://"},
       {"host:80", "must begin with http://"},
       {"http://", "host is missing"},
       {"http:///path", "host is missing"},
       {"http://user:pw@host/", "user and password"},
       {"http://host:99999/", "port must be"},
       {"http://host/a b", "character"},
       {"http://host/\r\nX: y", "character"}}));
  const auto refused = parse_http_url(text);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(refused.error().message, ContainsSubstring(rule));
}

}  // namespace
}  // namespace controlplane
