#include "coordinator/store_url.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace controlplane {
namespace {

constexpr std::string_view kSlashes = "://";
constexpr std::array<std::string_view, 7> kSchemes = {
    "memory", "sqlite", "redis", "rediss", "redis+cluster", "redis+sentinel", "redis+unix"};

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_scheme_char(char c) { return is_alphanumeric(c) || c == '+'; }

std::size_t authority_begin(std::string_view url) {
  const std::size_t slashes = url.find(kSlashes);
  return slashes == url.npos ? 0 : slashes + kSlashes.size();
}

// "user:password" without the '@'; what stands behind a '/' or '?' is not part of it.
std::string_view userinfo(std::string_view url) {
  std::string_view authority = url.substr(authority_begin(url));
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  return at == authority.npos ? std::string_view{} : authority.substr(0, at);
}

// The values of "password=" parameters, which some clients accept.
std::string without_parameter(std::string url) {
  constexpr std::string_view name = "password=";
  for (std::size_t at = url.find(name); at != url.npos; at = url.find(name, at)) {
    at += name.size();
    const std::size_t end = std::min(url.find('&', at), url.size());
    url.replace(at, end - at, "***");
  }
  return url;
}

}  // namespace

std::string_view scheme_of(std::string_view url) {
  const std::size_t colon = url.find(':');
  if (colon == url.npos) return {};
  const std::string_view scheme = url.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), is_scheme_char) ? scheme : std::string_view{};
}

bool is_redis_url(std::string_view url) {
  const std::string_view scheme = scheme_of(url);
  return scheme.starts_with("redis") && is_known_scheme(scheme) &&
         url.substr(scheme.size()).starts_with(kSlashes);
}

bool is_known_scheme(std::string_view scheme) {
  return std::find(kSchemes.begin(), kSchemes.end(), scheme) != kSchemes.end();
}

// Up to the last '@', wherever it is: a password that was not encoded may hold any character.
std::string redacted(std::string_view url) {
  const std::size_t at = url.rfind('@');
  if (at == url.npos) return without_parameter(std::string(url));
  const std::size_t begin = std::min(authority_begin(url), at);
  const std::string_view before = url.substr(begin, at - begin);
  const std::size_t colon = begin == 0 ? 0 : std::min(before.find(':'), before.size());
  return without_parameter(fmt::format("{}{}***{}", url.substr(0, begin + colon),
                                       begin == 0 ? "" : ":", url.substr(at)));
}

bool has_password(std::string_view url) {
  return userinfo(url).find(':') != std::string_view::npos;
}

std::string with_password(std::string_view url, std::string_view password) {
  const std::string_view user = userinfo(url);
  const std::size_t begin = authority_begin(url) + user.size();
  const bool has_user = url.substr(begin).starts_with('@');
  return fmt::format("{}:{}@{}", url.substr(0, begin), percent_encoded(password),
                     url.substr(begin + (has_user ? 1 : 0)));
}

std::string with_parameter(std::string_view url, std::string_view name, std::string_view value) {
  const std::size_t query = std::min(url.find('?'), url.size());
  if (url.find(fmt::format("{}=", name), query) != url.npos) return std::string(url);
  const char separator = query == url.size() ? '?' : '&';
  return fmt::format("{}{}{}={}", url, separator, name, percent_encoded(value));
}

std::string redis_url(std::string_view host, std::string_view port, bool tls) {
  const bool bare_ipv6 = host.find(':') != host.npos && !host.starts_with('[');
  return fmt::format("{}://{}{}{}:{}", tls ? "rediss" : "redis", bare_ipv6 ? "[" : "", host,
                     bare_ipv6 ? "]" : "", port);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos) out += c;
    else fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace controlplane
