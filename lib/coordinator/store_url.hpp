// What can be said of a store's URL before a store is opened, and how a message may show it.
// Thread safety: pure functions. Errors: none; texts that are no URL have no scheme.
#pragma once

#include <string>
#include <string_view>

namespace controlplane {

inline constexpr std::string_view kMemoryUrl = "memory://";

// "redis" of "redis://host"; "sqlite" of "sqlite:/file"; "" if there is none.
std::string_view scheme_of(std::string_view url);
bool is_redis_url(std::string_view url);
// A scheme of this project, whether this build can open it or not.
bool is_known_scheme(std::string_view scheme);

// With "***" for the password and everything that might be part of it.
std::string redacted(std::string_view url);

bool has_password(std::string_view url);
// Precondition: is_redis_url(url) and !has_password(url). Keeps a user name.
std::string with_password(std::string_view url, std::string_view password);
// Unless the URL says it already.
std::string with_parameter(std::string_view url, std::string_view name, std::string_view value);

// "redis://host:port", "rediss://" for TLS; an IPv6 address gets its brackets.
std::string redis_url(std::string_view host, std::string_view port, bool tls);

std::string percent_encoded(std::string_view text);

}  // namespace controlplane
