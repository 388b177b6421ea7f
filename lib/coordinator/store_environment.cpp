// The store's URL out of the variables that Redis users have: one URL, or host, port, password
// and TLS.
#include <array>
#include <charconv>

#include "base/wording.hpp"
#include "coordinator/config_environment.hpp"
#include "coordinator/store_url.hpp"

namespace controlplane {
namespace {

constexpr std::array kUrls = {"ARAGORA_CP_STORE_URL", "ARAGORA_REDIS_URL", "REDIS_URL"};
constexpr std::array kPasswords = {"ARAGORA_REDIS_PASSWORD", "REDIS_PASSWORD"};
constexpr const char* kHost = "REDIS_HOST";
constexpr const char* kPort = "REDIS_PORT";
constexpr const char* kTls = "REDIS_USE_TLS";
constexpr const char* kCertificates = "REDIS_SSL_CERT_REQS";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end && port >= 1 && port <= 65'535;
}

bool is_host(std::string_view text) {
  const std::string_view allowed =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_:[]%";
  return text.find_first_not_of(allowed) == text.npos;
}

// Kubernetes sets REDIS_PORT=tcp://10.0.0.1:6379 in every pod beside a service named redis.
std::string_view without_service_link(std::string_view port) {
  return port.starts_with("tcp://") ? port.substr(port.rfind(':') + 1) : port;
}

Result<std::string> compose(const std::string& host, const Config::Lookup& lookup) {
  if (!is_host(host)) {
    return wrong_variable(kHost, redacted(host), "it must be a host name or an address");
  }
  const std::string port = lookup(kPort).value_or("6379");
  if (!is_port(without_service_link(port))) {
    return wrong_variable(kPort, redacted(port), "it must be a number from 1 to 65535");
  }
  const std::string tls = lookup(kTls).value_or("false");
  if (!parse_switch(tls)) return wrong_variable(kTls, tls, "it must be true or false");
  return redis_url(host, without_service_link(port), *parse_switch(tls));
}

Result<void> find_url(Config& config, const Config::Lookup& lookup) {
  for (const char* variable : kUrls) {
    const auto url = lookup(variable);
    if (!url) continue;
    config.store_url = *url;
    config.origins["store_url"] = variable;
    return {};
  }
  const auto host = lookup(kHost);
  if (!host) return {};
  auto url = compose(*host, lookup);
  if (!url) return url.error();
  config.store_url = *std::move(url);
  config.origins["store_url"] = kHost;
  return {};
}

void add_password(Config& config, const Config::Lookup& lookup) {
  for (const char* variable : kPasswords) {
    const auto password = lookup(variable);
    if (!password || has_password(config.store_url)) continue;
    config.store_url = with_password(config.store_url, *password);
  }
}

Result<void> add_certificate_rule(Config& config, const Config::Lookup& lookup) {
  const auto rule = lookup(kCertificates);
  if (!rule) return {};
  if (*rule != "none" && *rule != "optional" && *rule != "required") {
    return wrong_variable(kCertificates, *rule, "it must be none, optional or required");
  }
  config.store_url = with_parameter(config.store_url, "ssl_cert_reqs", *rule);
  return {};
}

}  // namespace

Result<void> read_store_url(Config& config, const Config::Lookup& lookup) {
  if (auto found = find_url(config, lookup); !found) return found;
  if (!is_redis_url(config.store_url)) return {};
  add_password(config, lookup);
  return add_certificate_rule(config, lookup);
}

}  // namespace controlplane
