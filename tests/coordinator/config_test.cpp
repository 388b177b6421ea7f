#include "controlplane/config.hpp"

#include <map>

#include "catch.hpp"
#include "coordinator/config_environment.hpp"
#include "coordinator/config_options.hpp"
#include "coordinator/store_url.hpp"

using namespace controlplane;
using namespace std::chrono_literals;

namespace {

using Environment = std::map<std::string, std::string>;

Config::Lookup lookup(Environment variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Config read(const Environment& variables) {
  auto config = read_environment(lookup(variables));
  INFO((config ? "" : config.error().message));
  REQUIRE(config.ok());
  return *std::move(config);
}

std::string url(const Environment& variables) { return read(variables).store_url; }

std::string refused(const Environment& variables) {
  const auto config = Config::from_environment(lookup(variables));
  return config ? "ok" : config.error().message;
}

template <class Change>
std::string invalid(Change change) {
  Config config;
  change(config);
  const auto valid = config.validate();
  return valid ? "ok" : valid.error().to_string();
}

}  // namespace

TEST_CASE("the defaults are valid and come from the code") {
  CHECK(Config{}.validate().ok());
  CHECK(Config{}.origin_of("task_timeout") == "code or default");
  CHECK(Config::from_environment(lookup({})).ok());
}

TEST_CASE("the guides' variables set their options and are told as origins") {
  const Config c = read({{"CONTROL_PLANE_PREFIX", "myapp:cp:"},
                         {"HEARTBEAT_INTERVAL", "5"},
                         {"HEARTBEAT_TIMEOUT", "60"},
                         {"PROBE_INTERVAL", "15"},
                         {"PROBE_TIMEOUT", "0.5"},
                         {"TASK_TIMEOUT", "600"},
                         {"MAX_TASK_RETRIES", "0"},
                         {"CLEANUP_INTERVAL", "90"},
                         {"LOG_LEVEL", "DEBUG"}});
  CHECK(c.key_prefix == "myapp:cp:");
  CHECK(c.heartbeat_interval == 5s);
  CHECK(c.heartbeat_timeout == 60s);
  CHECK(c.probe_interval == 15s);
  CHECK(c.probe_timeout == 500ms);
  CHECK(c.task_timeout == 600s);
  CHECK(c.max_task_retries == 0);
  CHECK(c.cleanup_interval == 90s);
  CHECK(c.log_level == LogLevel::debug);
  CHECK(c.origin_of("probe_timeout") == "PROBE_TIMEOUT");
  CHECK(c.origin_of("lease_ttl") == "code or default");
}

TEST_CASE("the most specific variable wins") {
  const Config c = read({{"HEARTBEAT_TIMEOUT", "60"},
                         {"ARAGORA_CP_HEARTBEAT_TIMEOUT", "45"},
                         {"ARAGORA_CP_MAX_RETRIES", "7"},
                         {"MAX_TASK_RETRIES", "9"}});
  CHECK(c.heartbeat_timeout == 45s);
  CHECK(c.origin_of("heartbeat_timeout") == "ARAGORA_CP_HEARTBEAT_TIMEOUT");
  CHECK(c.max_task_retries == 7);
  CHECK(read({{"ARAGORA_CP_MAX_TASK_RETRIES", "1"}, {"ARAGORA_CP_MAX_RETRIES", "7"}})
            .max_task_retries == 1);
}

TEST_CASE("a process is named by the lowest role that its environment names") {
  CHECK(read({{"COORDINATOR_ID", "coordinator-1"}}).coordinator_id == "coordinator-1");
  CHECK(read({{"DISTRIBUTOR_ID", "distributor-1"}, {"COORDINATOR_ID", "coordinator-1"}})
            .coordinator_id == "distributor-1");
  CHECK(read({{"WORKER_ID", "worker-1"}, {"DISTRIBUTOR_ID", "distributor-1"}}).coordinator_id ==
        "worker-1");
}

TEST_CASE("every option has a variable of its own that is read") {
  for (const Option& option : config_options()) {
    const std::string variable = option_variable(option.name);
    INFO(variable);
    const auto config = read_environment(lookup({{variable, "1"}}));
    if (config) {
      CHECK(config->origin_of(option.name) == variable);
    } else {
      CHECK_THAT(config.error().message,
                 Catch::Matchers::ContainsSubstring(variable + " is \"1\""));
    }
  }
}

TEST_CASE("limits, retention, switches and enums are read") {
  const Config c = read({{"ARAGORA_CP_LIMITS_MAX_PAYLOAD_BYTES", "2048"},
                         {"ARAGORA_CP_LIMITS_MAX_RETRY_AFTER", "48"},
                         {"ARAGORA_CP_RETENTION_MIN_AGE", "1.5"},
                         {"ARAGORA_CP_REQUIRE_LEASE", "Yes"},
                         {"ARAGORA_CP_ENABLE_METRICS", "0"},
                         {"ARAGORA_CP_STRATEGY", "least_loaded"},
                         {"ARAGORA_CP_INCARNATION", "18446744073709551615"}});
  CHECK(c.limits.max_payload_bytes == 2'048);
  CHECK(c.limits.max_retry_after == 48h);
  CHECK(c.retention.min_age == 1'500ms);
  CHECK(c.require_lease);
  CHECK_FALSE(c.enable_metrics);
  CHECK(c.strategy == SelectionStrategy::least_loaded);
  CHECK(c.incarnation == ~0ULL);
}

TEST_CASE("a variable that is set to nothing counts as not set") {
  CHECK(read({{"ARAGORA_CP_TASK_TIMEOUT", ""}, {"TASK_TIMEOUT", "7"}}).task_timeout == 7s);
  CHECK(url({{"REDIS_HOST", "h"}, {"REDIS_PASSWORD", ""}}) == "redis://h:6379");
}

TEST_CASE("a value that cannot be read is told with its variable and rule") {
  CHECK(refused({{"HEARTBEAT_TIMEOUT", "abc"}}) ==
        "HEARTBEAT_TIMEOUT is \"abc\"; it must be a number of seconds, such as 30 or 0.5");
  CHECK(refused({{"MAX_TASK_RETRIES", "3.5"}}) ==
        "MAX_TASK_RETRIES is \"3.5\"; it must be a whole number");
  CHECK(refused({{"MAX_TASK_RETRIES", "99999999999"}}) ==
        "MAX_TASK_RETRIES is \"99999999999\"; it must be a whole number");
  CHECK(refused({{"ARAGORA_CP_REQUIRE_LEASE", "maybe"}}) ==
        "ARAGORA_CP_REQUIRE_LEASE is \"maybe\"; it must be true or false");
  CHECK(refused({{"LOG_LEVEL", "loud"}}) ==
        "LOG_LEVEL is \"loud\"; log level \"loud\" is not known; it is debug, info, warning, error "
        "or off");
}

TEST_CASE("durations are plain decimal seconds") {
  const auto bad = GENERATE(as<std::string>(), "1e3", "1,5", "30s", ".5", "5.", "+5", " 5", "5 ",
                            "--5", "0x10", "inf", "1.2.3", "9999999999999", "1.-5");
  INFO(bad);
  CHECK_THAT(refused({{"TASK_TIMEOUT", bad}}),
             Catch::Matchers::ContainsSubstring("must be a number of seconds"));
  CHECK(read({{"TASK_TIMEOUT", "0.0019"}}).task_timeout == 1ms);
  CHECK(read({{"TASK_TIMEOUT", "2.05"}}).task_timeout == 2'050ms);
}

TEST_CASE("a value out of range is told with its option, origin and rule") {
  CHECK(refused({{"HEARTBEAT_TIMEOUT", "0"}}) ==
        "heartbeat_timeout is 0 s (from HEARTBEAT_TIMEOUT); it must be above 0");
  CHECK(refused({{"TASK_TIMEOUT", "-2.5"}}) ==
        "task_timeout is -2.5 s (from TASK_TIMEOUT); it must be above 0");
  CHECK(refused({{"HEARTBEAT_INTERVAL", "30"}}) ==
        "heartbeat_interval is 30 s (from HEARTBEAT_INTERVAL); it must be below heartbeat_timeout, "
        "which is 30 s (from code or default)");
  CHECK(refused({{"CONTROL_PLANE_PREFIX", "a b"}}) ==
        "key_prefix \"a b\": character 0x20 at byte 1 is not allowed; names are "
        "[A-Za-z0-9._:/@+-] (from CONTROL_PLANE_PREFIX)");
}

TEST_CASE("validate checks every duration") {
  CHECK(invalid([](Config& c) { c.lease_ttl = 0ms; }) ==
        "invalid_argument: lease_ttl is 0 s (from code or default); it must be above 0");
  CHECK_THAT(invalid([](Config& c) { c.lease_ttl = std::chrono::hours(24 * 400); }),
             Catch::Matchers::ContainsSubstring("it must not exceed limits.max_delay"));
  CHECK(invalid([](Config& c) { c.cancel_grace = -1ms; }) ==
        "invalid_argument: cancel_grace is -0.001 s (from code or default); it must not be below "
        "0");
  CHECK(invalid([](Config& c) { c.probe_interval = std::chrono::milliseconds::max(); }) !=
        "ok");
  CHECK(invalid([](Config& c) { c.task_timeout = 24h * 367; }) ==
        "invalid_argument: task_timeout is 31708800 s (from code or default); it must not exceed "
        "limits.max_delay, which is 31622400 s (from code or default)");
  CHECK(invalid([](Config& c) { c.ageing_interval = 0ms; }) == "ok");
}

TEST_CASE("validate checks retention and limits") {
  CHECK(invalid([](Config& c) { c.retention.max_age = 30s; }) ==
        "invalid_argument: retention.min_age is 60 s (from code or default); it must not exceed "
        "retention.max_age, which is 30 s (from code or default)");
  CHECK(invalid([](Config& c) { c.retention.key_age = -1ms; }) != "ok");
  CHECK(invalid([](Config& c) { c.limits.max_payload_bytes = 2'147'483'647; }) == "ok");
  CHECK(invalid([](Config& c) { c.limits.max_payload_bytes = 2'147'483'648; }) ==
        "invalid_argument: limits.max_payload_bytes is 2,147,483,648 (from code or default); it "
        "must be at most 2,147,483,647");
  CHECK(invalid([](Config& c) { c.limits.max_batch = 0; }) ==
        "invalid_argument: limits.max_batch is 0 (from code or default); it must be above 0");
  CHECK(invalid([](Config& c) { c.limits.max_delay = -1h; }) != "ok");
  CHECK(invalid([](Config& c) { c.max_task_retries = -1; }) ==
        "invalid_argument: max_task_retries is -1 (from code or default); it must not be below 0");
  CHECK(invalid([](Config& c) { c.max_task_retries = 1'001; }) ==
        "invalid_argument: max_task_retries is 1001 (from code or default); the limit "
        "limits.max_retries is 1000 (from code or default)");
}

TEST_CASE("validate checks names and enums") {
  CHECK(invalid([](Config& c) { c.tenant_id = ""; }) ==
        "invalid_argument: tenant_id is empty (from code or default)");
  CHECK(invalid([](Config& c) { c.coordinator_id = "a\nb"; }) != "ok");
  CHECK(invalid([](Config& c) { c.strategy = static_cast<SelectionStrategy>(9); }) ==
        "invalid_argument: strategy is 9 (from code or default); it is not one of the enumerators");
}

TEST_CASE("every numeric option is refused one step outside its range") {
  for (const Option& option : config_options()) {
    Config config;
    const bool numeric = std::visit(
        [&](auto member) {
          auto& value = option_value(config, member);
          using Value = std::remove_reference_t<decltype(value)>;
          if constexpr (std::is_same_v<Value, std::size_t>) value = 0;
          else if constexpr (std::is_same_v<Value, std::uint32_t>) value = 0;
          else if constexpr (std::is_same_v<Value, std::chrono::milliseconds>) value = -1ms;
          else if constexpr (std::is_same_v<Value, std::chrono::hours>) value = 0h;
          else if constexpr (std::is_same_v<Value, int>) value = -1;
          else return false;
          return option.min > 0 || std::is_signed_v<std::conditional_t<
                                       std::is_arithmetic_v<Value>, Value, int>>;
        },
        option.field);
    INFO(option.name);
    if (numeric) {
      const auto valid = config.validate();
      REQUIRE_FALSE(valid.ok());
      CHECK_THAT(valid.error().message,
                 Catch::Matchers::StartsWith(std::string(option.name) + " is "));
    }
  }
}

TEST_CASE("the store's URL comes from the most specific variable") {
  const Environment all = {{"ARAGORA_CP_STORE_URL", "memory://"},
                           {"ARAGORA_REDIS_URL", "redis://b"},
                           {"REDIS_URL", "redis://c"},
                           {"REDIS_HOST", "d"}};
  CHECK(url(all) == "memory://");
  CHECK(read(all).origin_of("store_url") == "ARAGORA_CP_STORE_URL");
  CHECK(url({{"ARAGORA_REDIS_URL", "redis://b"}, {"REDIS_URL", "redis://c"}}) == "redis://b");
  CHECK(url({{"REDIS_URL", "redis://c"}, {"REDIS_HOST", "d"}}) == "redis://c");
}

TEST_CASE("a URL is composed of host, port, password and TLS") {
  CHECK(url({{"REDIS_HOST", "redis"}}) == "redis://redis:6379");
  CHECK(read({{"REDIS_HOST", "redis"}}).origin_of("store_url") == "REDIS_HOST");
  CHECK(url({{"REDIS_HOST", "redis.example.com"},
             {"REDIS_PORT", "6380"},
             {"REDIS_PASSWORD", "p@ss/w:rd"},
             {"REDIS_USE_TLS", "true"},
             {"REDIS_SSL_CERT_REQS", "required"}}) ==
        "rediss://:p%40ss%2Fw%3Ard@redis.example.com:6380?ssl_cert_reqs=required");
  CHECK(url({{"REDIS_HOST", "::1"}}) == "redis://[::1]:6379");
  CHECK(url({{"REDIS_PORT", "6380"}}) == "memory://");
}

TEST_CASE("the port that Kubernetes sets beside a service is understood") {
  CHECK(url({{"REDIS_HOST", "redis"}, {"REDIS_PORT", "tcp://10.0.0.1:6380"}}) ==
        "redis://redis:6380");
}

TEST_CASE("wrong parts of a URL are told by variable") {
  CHECK(refused({{"REDIS_HOST", "h"}, {"REDIS_PORT", "70000"}}) ==
        "REDIS_PORT is \"70000\"; it must be a number from 1 to 65535");
  CHECK(refused({{"REDIS_HOST", "h"}, {"REDIS_USE_TLS", "perhaps"}}) ==
        "REDIS_USE_TLS is \"perhaps\"; it must be true or false");
  CHECK(refused({{"REDIS_HOST", "a b"}}) ==
        "REDIS_HOST is \"a b\"; it must be a host name or an address");
  CHECK(refused({{"REDIS_URL", "redis://h"}, {"REDIS_SSL_CERT_REQS", "perhaps"}}) ==
        "REDIS_SSL_CERT_REQS is \"perhaps\"; it must be none, optional or required");
}

TEST_CASE("a password is added to a URL that has none") {
  CHECK(url({{"REDIS_URL", "redis://h:1/0"}, {"REDIS_PASSWORD", "x"}}) == "redis://:x@h:1/0");
  CHECK(url({{"REDIS_URL", "redis://me@h"}, {"ARAGORA_REDIS_PASSWORD", "x"}}) ==
        "redis://me:x@h");
  CHECK(url({{"REDIS_URL", "redis://:own@h"}, {"REDIS_PASSWORD", "x"}}) == "redis://:own@h");
  CHECK(url({{"REDIS_URL", "redis://h"},
             {"ARAGORA_REDIS_PASSWORD", "a"},
             {"REDIS_PASSWORD", "b"}}) == "redis://:a@h");
  CHECK(url({{"ARAGORA_CP_STORE_URL", "memory://"}, {"REDIS_PASSWORD", "x"}}) == "memory://");
  CHECK(url({{"REDIS_URL", "redis://h?db=1"}, {"REDIS_SSL_CERT_REQS", "none"}}) ==
        "redis://h?db=1&ssl_cert_reqs=none");
  CHECK(url({{"REDIS_URL", "rediss://h?ssl_cert_reqs=none"},
             {"REDIS_SSL_CERT_REQS", "required"}}) ==
        "rediss://h?ssl_cert_reqs=none");
}

TEST_CASE("stores that this build does not have are told apart from unknown ones") {
  CHECK(invalid([](Config& c) { c.store_url = "redis://h"; }) ==
        "failed_precondition: store_url is \"redis://h\" (from code or default); this build has no "
        "redis store, only memory://");
  const auto known = GENERATE(as<std::string>(), "sqlite:///path/state.db", "sqlite:state.db",
                              "rediss://h", "redis+cluster://a,b", "redis+sentinel://h/m",
                              "redis+unix:///run/redis.sock");
  CHECK_THAT(invalid([&](Config& c) { c.store_url = known; }),
             Catch::Matchers::StartsWith("failed_precondition: store_url is \"" + known));
  const auto unknown = GENERATE(as<std::string>(), "", "memory", "memory://x", "memory:",
                                "postgres://h", "redis", "://", "Memory://");
  CHECK(invalid([&](Config& c) { c.store_url = unknown; }) ==
        "invalid_argument: store_url is \"" + unknown +
            "\" (from code or default); it must be memory://");
}

TEST_CASE("a password never appears in a message") {
  const auto text = GENERATE(as<std::string>(), "redis://:secret@h", "redis://me:secret@h:1/0",
                             "redis://:se/secret@h", "redis://:a@secret@h", "postgres://u:secret@h",
                             "redis:secret@h", "secret@h", "://u:secret@h", "redis://:secret?x@h",
                             "redis://h?password=secret&db=1",
                             "redis://h?ssl_password=secret&password=secret", "nonsense://:secret@h@");
  INFO(text);
  const std::string message = invalid([&](Config& c) { c.store_url = text; });
  CHECK_THAT(message, !Catch::Matchers::ContainsSubstring("secret"));
  CHECK_THAT(message, Catch::Matchers::ContainsSubstring("***"));
  CHECK_THAT(refused({{"REDIS_HOST", "u:secret@h"}}),
             !Catch::Matchers::ContainsSubstring("secret"));
  CHECK_THAT(refused({{"REDIS_HOST", "h"}, {"REDIS_PASSWORD", "secret"}}),
             !Catch::Matchers::ContainsSubstring("secret"));
}

TEST_CASE("what is not a password stays readable") {
  CHECK(redacted("redis://me:secret@h:1/0") == "redis://me:***@h:1/0");
  CHECK(redacted("redis://h:1/0") == "redis://h:1/0");
}

TEST_CASE("options given in code win over the environment and count as code") {
  const auto variables = lookup({{"HEARTBEAT_TIMEOUT", "60"}, {"REDIS_URL", "redis://h"}});
  const Config config = Config::from_environment(variables, {{"store_url", "memory://"},
                                                             {"heartbeat_timeout", "45"},
                                                             {"limits.max_agents", "7"}})
                            .value();
  CHECK(config.heartbeat_timeout == 45s);
  CHECK(config.limits.max_agents == 7);
  CHECK(config.store_url == "memory://");
  CHECK(config.origin_of("heartbeat_timeout") == "code or default");
  CHECK(Config::from_environment(variables, {{"nonsense", "1"}}).error().message ==
        "there is no option \"nonsense\"");
  CHECK(Config::from_environment(lookup({}), {{"heartbeat_timeout", "soon"}}).error().message ==
        "heartbeat_timeout is \"soon\"; it must be a number of seconds, such as 30 or 0.5");
}

TEST_CASE("every option tells its value, its default and its origin as texts") {
  const Config config = read({{"PROBE_TIMEOUT", "0.5"}, {"REDIS_URL", "redis://:secret@h"}});
  std::map<std::string, OptionValue> options;
  for (const OptionValue& option : config.options()) options.emplace(option.name, option);
  CHECK(options.size() == config_options().size() + 1);
  const OptionValue& timeout = options.at("probe_timeout");
  CHECK(timeout.value == "0.5");
  CHECK(timeout.default_value == "10");
  CHECK(timeout.origin == "PROBE_TIMEOUT");
  CHECK(options.at("store_url").value == "redis://:***@h");
  CHECK(options.at("strategy").value == "round_robin");
  CHECK(options.at("retention.max_age").value == "86400");
  CHECK(options.at("enable_metrics").origin == "code or default");
}

TEST_CASE("signing keys come from a file, a variable, or one secret that all share") {
  const std::string secret(32, 's');
  const auto ids = [](const Config& config) {
    std::string text;
    for (const KeyInfo& key : config.signing_keys.keys()) text += key.id + " ";
    return text;
  };
  CHECK(read({}).signing_keys.empty());
  CHECK(ids(read({{"TOKEN_SECRET", secret}})) == "token ");
  CHECK(read({{"TOKEN_SECRET", secret}}).origin_of("signing_keys") == "TOKEN_SECRET");
  const std::string keys =
      R"({"keys": [{"id": "a", "state": "active", "secret": "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="},)"
      R"({"id": "b", "state": "retired"}]})";
  CHECK(ids(read({{"ARAGORA_CP_SIGNING_KEYS", keys}, {"TOKEN_SECRET", secret}})) == "a b ");
  const Config file = read({{"ARAGORA_CP_SIGNING_KEYS_FILE", "/nowhere"}, {"TOKEN_SECRET", secret}});
  CHECK(file.signing_keys_file == "/nowhere");
  CHECK(file.signing_keys.empty());
  const auto given = Config::from_environment(lookup({{"TOKEN_SECRET", secret}}), {{"signing_keys", keys}});
  CHECK(ids(given.value()) == "a b ");
  CHECK(given->origin_of("signing_keys") == "code or default");
  CHECK_THAT(Config::from_environment(lookup({}), {{"signing_keys", "{"}}).error().message,
             Catch::Matchers::ContainsSubstring("signing_keys: "));
  CHECK_THAT(refused({{"TOKEN_SECRET", "short"}}),
             Catch::Matchers::ContainsSubstring("TOKEN_SECRET: ") &&
                 Catch::Matchers::ContainsSubstring("5 bytes"));
  CHECK_THAT(refused({{"ARAGORA_CP_SIGNING_KEYS", "{"}}),
             Catch::Matchers::ContainsSubstring("ARAGORA_CP_SIGNING_KEYS"));
}
