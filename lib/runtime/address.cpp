#include "runtime/address.hpp"

#include <algorithm>
#include <charconv>

#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxHostBytes = 255;  // of a DNS name
constexpr std::size_t kMaxUrlBytes = 2'048;
constexpr std::string_view kHttp = "http://";

Error bad(std::string_view what, std::string_view text, std::string_view rule) {
  return Error::invalid_argument(std::string(what) + " " + quote(text) + ": " + std::string(rule));
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}
bool is_ipv6_byte(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
         c == '.';
}
bool is_url_byte(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>'; }

// What is wrong, or an empty text.
std::string_view read_port(std::string_view text, std::uint16_t& port) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port != 0 ? "" : "the port must be 1 to 65535";
}

// Cuts the host off `text`; what is left begins with the colon of the port, or is empty.
std::string_view read_host(std::string_view& text, std::string& host) {
  const bool bracket = text.starts_with('[');
  const std::size_t end = bracket ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return "the bracket is not closed";
  const std::string_view name = bracket ? text.substr(1, end - 1) : text.substr(0, end);
  text.remove_prefix(bracket ? end + 1 : end);
  if (name.empty()) return "the host is missing";
  if (name.size() > kMaxHostBytes) return "the host is longer than 255 bytes";
  if (!std::all_of(name.begin(), name.end(), bracket ? is_ipv6_byte : is_host_byte)) {
    return bracket ? "no IPv6 address in the brackets" : "the host has a character no host has";
  }
  if (bracket && name.find(':') == name.npos) return "no IPv6 address in the brackets";
  host = name;
  return "";
}

std::string_view read_address(std::string_view text, std::uint16_t default_port,
                              HostPort& address) {
  if (const auto wrong = read_host(text, address.host); !wrong.empty()) return wrong;
  if (text.empty()) {
    address.port = default_port;
    return default_port != 0 ? "" : "the port is missing";
  }
  if (!text.starts_with(':')) return "only a port may follow the bracket";
  if (text.find(':', 1) != text.npos) return "an IPv6 address needs brackets";
  return read_port(text.substr(1), address.port);
}

std::string_view read_url(std::string_view text, HttpUrl& url) {
  if (text.size() > kMaxUrlBytes) return "longer than 2048 bytes";
  if (text.starts_with("https://")) return "https is not supported, only http";
  if (!text.starts_with(kHttp)) return "must begin with http://";
  if (!std::all_of(text.begin(), text.end(), is_url_byte)) return "has a character no URL has";
  text.remove_prefix(kHttp.size());
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);
  if (authority.find('@') != authority.npos) return "user and password are not supported";
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return read_address(authority, 80, url.address);
}

}  // namespace

std::string HostPort::to_string() const {
  const bool ipv6 = host.find(':') != host.npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort address;
  if (const auto wrong = read_address(text, 0, address); !wrong.empty()) {
    return bad("address", text, wrong);
  }
  return address;
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  HttpUrl url;
  if (const auto wrong = read_url(text, url); !wrong.empty()) return bad("url", text, wrong);
  return url;
}

}  // namespace controlplane
