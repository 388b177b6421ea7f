// Options of a Coordinator, in code or from the environment.
// Thread safety: a plain value. from_environment() reads the process environment: do not change
// that in another thread meanwhile.
// Errors: Coordinator::open and from_environment validate; messages name the option, its value and
// where it came from.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/key_ring.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/log.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

// One option as texts: what is effective, what it would be otherwise, and where it came from.
struct OptionValue {
  std::string name, value, default_value, origin;
};

struct Config {
  std::string store_url = "memory://";             // where the state lives
  std::string tenant_id = "default";               // all operations are scoped to it
  std::string key_prefix = "aragora:cp:";          // of every key in a shared store
  std::string coordinator_id{};                    // for people: in logs, "host:pid" if empty
  std::chrono::milliseconds heartbeat_interval{10'000};  // how often a Worker reports
  std::chrono::milliseconds heartbeat_timeout{30'000};   // silent this long = offline
  std::chrono::milliseconds probe_interval{30'000};      // default of register_probe
  std::chrono::milliseconds probe_timeout{10'000};       // default of register_probe
  std::chrono::milliseconds task_timeout{300'000};       // one attempt; default of TaskSpec::timeout
  int max_task_retries = 3;                        // default of RetryPolicy::max_retries
  std::chrono::milliseconds cleanup_interval{60'000};    // longest time between two cleanups of
                                                         // stale agents and old tasks
  std::chrono::milliseconds offline_agent_retention{std::chrono::hours(24)};  // then removed
  std::chrono::milliseconds event_retention{0};    // events this old are trimmed; 0 = only by
                                                   // limits.max_events and max_event_bytes
  std::chrono::milliseconds cancel_grace{30'000};  // from a cancel request to its enforcement; a
                                                   // Worker hears of it within lease_ttl / 3
  std::chrono::milliseconds lease_ttl{30'000};     // of a Worker's claims
  std::chrono::milliseconds ageing_interval{0};    // waiting this long gains one priority level;
                                                   // 0 = never
  std::chrono::milliseconds operation_timeout{5'000};    // repeating a call to a store that is away
  SelectionStrategy strategy = SelectionStrategy::round_robin;  // order of waiting claims;
                                                   // round_robin = longest waiting first
  bool require_lease = false;                      // ends of attempts must name their lease
  bool require_registration = false;               // only registered agents may claim
  bool enable_metrics = true;                      // false: metrics_text() answers an empty text
  bool fallback_to_memory = false;                 // when a shared store cannot be reached at start
  // Encryption of payloads, results, checkpoints and documents in the store; without keys: none. The
  // ring counts before the file, and config() of a coordinator has it, whatever it came from: a
  // copy of that is what to reload(). docs/encryption.md
  KeyRing encryption_keys{};
  std::string encryption_keys_file{};              // see KeyRing::from_file; empty = none
  std::string encryption_keys_variable{};          // see KeyRing::from_environment; empty = none
  bool require_encryption = false;                 // what was stored in the clear is not read
  std::uint64_t incarnation = 0;                   // of agents registered here; 0 = random
  // Messages are signed by the active key and verified by those that are not retired; empty: they
  // are not signed. To change keys, reload() this ring, or a copy of it.
  KeyRing signing_keys{};
  std::string signing_keys_file{};                 // KeyRing::from_file, if signing_keys is empty
  // A message must come to the store within it from when it was signed, or it is taken for a copy of
  // an old one. With keys at most half of the tenant's retention.min_age (that of its first opener):
  // a clock may be ahead by the window, and until its message is too old the id must be taken.
  std::chrono::milliseconds message_window{30'000};
  Retention retention{};
  Limits limits{};
  LogLevel log_level = LogLevel::info;             // records below it are not made
  LogSink log_sink{};                              // empty = quiet

  // Options set from the environment: option name → variable that won.
  std::map<std::string, std::string, std::less<>> origins{};
  // "code or default", or the name of the environment variable that won for `option`.
  std::string_view origin_of(std::string_view option) const;

  // Reads the environment through `lookup` (default: the process environment).
  // Names, first that is set wins; docs/configuration.md has the table. invalid_argument names the
  // variable and its value.
  using Lookup = std::function<std::optional<std::string>(const char* name)>;
  // Options given in code as texts, by name: they win, and count as code. For callers without types,
  // such as command lines and other languages. invalid_argument for a name that is no option.
  using Given = std::map<std::string, std::string, std::less<>>;
  static Result<Config> from_environment(const Lookup& lookup = {}, const Given& given = {});

  // Every option that has a text, in the order of docs/configuration.md; the URL without password.
  std::vector<OptionValue> options() const;

  Result<void> validate() const;
};

}  // namespace controlplane
