// Parses what a probe is told to reach.
// Thread safety: pure functions on values.
// Errors: invalid_argument names the text and the rule it breaks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/result.hpp"

namespace controlplane {

struct HostPort {
  std::string host;                    // a name or an address, an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string to_string() const;       // "host:port", "[::1]:80"
};

struct HttpUrl {
  HostPort address;                    // port 80 if the URL names none
  std::string target;                  // path and query, "/" if there is none; no fragment
};

// "host:port" or "[ipv6]:port"; ports 1–65535.
Result<HostPort> parse_host_port(std::string_view text);
// "http://host[:port][/path][?query]". Refused: https and other schemes, user info, spaces and
// control characters.
Result<HttpUrl> parse_http_url(std::string_view text);

}  // namespace controlplane
