#include "governance/opening.hpp"

#include <fmt/format.h>

#include <utility>

#include "controlplane/coordinator.hpp"
#include "governance/encryption.hpp"

namespace controlplane {
namespace {

// The ring, wherever its keys are; an empty one: there are none.
Result<KeyRing> keys_of(const Config& config) {
  if (!config.encryption_keys.empty()) return config.encryption_keys;
  if (!config.encryption_keys_file.empty()) return KeyRing::from_file(config.encryption_keys_file);
  if (config.encryption_keys_variable.empty()) return KeyRing();
  return KeyRing::from_environment(config.encryption_keys_variable);
}

Result<void> encrypt(Config& config, CoordinatorParts& parts) {
  auto keys = keys_of(config);
  if (!keys) {
    const std::string_view option = config.encryption_keys_file.empty() ? "encryption_keys_variable"
                                                                        : "encryption_keys_file";
    return Error{keys.error().code,
                 fmt::format("{} (from {}): {}", option, config.origin_of(option), keys.error().message)};
  }
  config.encryption_keys = *std::move(keys);
  if (config.encryption_keys.empty()) {
    if (!config.require_encryption) return {};
    return Error::invalid_argument(
        fmt::format("require_encryption is true (from {}); it needs encryption_keys, "
                    "encryption_keys_file or encryption_keys_variable",
                    config.origin_of("require_encryption")));
  }
  if (parts.codec != nullptr) return {};
  parts.codec = make_sealing_codec(config.encryption_keys, config.tenant_id,
                                   config.require_encryption);
  return {};
}

}  // namespace

Result<void> govern(Config& config, CoordinatorParts& parts) {
  if (auto valid = config.validate(); !valid) return valid;
  return encrypt(config, parts);
}

namespace {

Result<Coordinator> open_governed(Config config, CoordinatorParts parts) {
  if (auto governed = govern(config, parts); !governed) return std::move(governed.error());
  return open_coordinator(std::move(config), std::move(parts));
}

}  // namespace

Result<Coordinator> Coordinator::open(Config config) { return open_governed(std::move(config), {}); }

Result<Coordinator> Coordinator::open_beside(Config config) const {
  if (auto refused = core()->refuse(Entry::any)) return std::move(*refused);
  config.store_url = core()->config().store_url;
  return open_governed(std::move(config), core()->parts_beside());
}

}  // namespace controlplane
