// Opens and closes; what is in effect; log records.
#include "controlplane/coordinator.hpp"

#include "capi/config_view.hpp"
#include "capi/defaults.hpp"
#include "capi/keys.hpp"
#include "capi/plane.hpp"

namespace controlplane::capi {
namespace {

struct ConfigView : cp_config, View {
  explicit ConfigView(Config config)
      : value(std::move(config)),
        retention(view_of(value.retention)),
        limits(view_of(value.limits)),
        shown(view_of(value)) {
    shown.retention = &retention;
    shown.limits = &limits;
    shown.config = this;
    struct_size = sizeof(cp_config);
    options = &shown;
  }
  Config value;
  cp_retention retention;
  cp_limits limits;
  cp_options shown;
};

LogSink sink_of(cp_log_callback callback, void* user_data) {
  return [callback, user_data](const LogRecord& record) {
    LabelList fields;
    fields.set(record.fields);
    const cp_log_record shown{.struct_size = sizeof(cp_log_record),
                              .level = static_cast<std::int32_t>(record.level),
                              .time_us = record.time,
                              .message = record.message.c_str(),
                              .fields = fields.items.data(),
                              .field_count = fields.items.size(),
                              .correlation_id = record.correlation_id.c_str()};
    callback(&shown, user_data);
  };
}

// With what calls back.
Result<Config> full_config_of(const cp_options* options) {
  const auto in = Input<cp_options>::optional(options);
  Config config = config_of(options);
  if (in->log_callback != nullptr) config.log_sink = sink_of(in->log_callback, in->log_user_data);
  if (in->encryption_keys != nullptr) {
    auto keys = KeyRing::open(key_source(in->encryption_keys, in->encryption_keys_user_data));
    if (!keys) return std::move(keys.error());
    config.encryption_keys = *std::move(keys);
  }
  if (config.signing_keys.empty() && config.signing_keys_file.empty() && in->config != nullptr) {
    config.signing_keys = static_cast<const ConfigView*>(in->config)->value.signing_keys;
  }
  return config;
}

}  // namespace

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_config_from_environment(cp_config** out) {
  return guard([&]() -> std::int32_t {
    require(out, "out");
    *out = nullptr;
    auto config = Config::from_environment();
    if (!config) return fail(config.error());
    *out = new ConfigView(*std::move(config));
    return CP_OK;
  });
}

int32_t cp_config_origin(const char** out, const cp_config* config, const char* option) {
  return guard([&] {
    require(out, "out");
    *out = nullptr;
    require(config, "config");
    // A text of the map or a literal: terminated both.
    *out = static_cast<const ConfigView*>(config)->value.origin_of(view(option)).data();
    return CP_OK;
  });
}

void cp_config_free(cp_config* config) { delete static_cast<ConfigView*>(config); }

int32_t cp_coordinator_open(cp_coordinator** out, const cp_options* options) {
  return guard([&]() -> std::int32_t {
    require(out, "out");
    *out = nullptr;
    auto config = full_config_of(options);
    if (!config) return fail(config.error());
    auto opened = Coordinator::open(*std::move(config));
    if (!opened) return fail(opened.error());
    *out = give_out<cp_coordinator>(new Plane(*std::move(opened)));
    return CP_OK;
  });
}

int32_t cp_coordinator_open_beside(cp_coordinator** out, cp_coordinator* beside,
                                   const cp_options* options) {
  return call_for(
      out, beside,
      [&](Plane& plane) -> Result<Coordinator> {
        auto config = full_config_of(options);
        if (!config) return std::move(config.error());
        return plane.coordinator.open_beside(*std::move(config));
      },
      [](Coordinator&& opened) { return give_out<cp_coordinator>(new Plane(std::move(opened))); });
}

int32_t cp_coordinator_config(cp_config** out, cp_coordinator* coordinator) {
  return call_for(
      out, coordinator, [](Plane& plane) { return Result<Config>(plane.coordinator.config()); },
      give<ConfigView>);
}

int32_t cp_coordinator_reload_keys(cp_coordinator* coordinator) {
  return call(coordinator, [](Plane& plane) -> Result<void> {
    KeyRing sealing = plane.coordinator.config().encryption_keys;
    KeyRing signing = plane.coordinator.config().signing_keys;
    if (sealing.empty() && signing.empty()) {
      return Error::failed_precondition("there are no keys to reload");
    }
    const Result<void> sealed = sealing.empty() ? Result<void>() : sealing.reload();
    const Result<void> signed_ = signing.empty() ? Result<void>() : signing.reload();
    return sealed ? signed_ : sealed;
  });
}

int32_t cp_coordinator_reload_signing_keys(cp_coordinator* coordinator) {
  return call(coordinator, [](Plane& plane) {
    KeyRing keys = plane.coordinator.config().signing_keys;
    return keys.reload();
  });
}

int32_t cp_coordinator_shutdown(cp_coordinator* coordinator, uint64_t deadline_ms) {
  return call(coordinator,
              [&](Plane& plane) { return plane.coordinator.shutdown(duration(deadline_ms)); });
}

// Shut down here, not by the last call that leaves: what waits must wake up now, and no callback of
// this coordinator begins after this.
int32_t cp_coordinator_close(cp_coordinator* coordinator) {
  return guard([&] {
    if (coordinator == nullptr) return CP_OK;
    const Closing<Plane> closing(coordinator);
    (void)closing->coordinator.shutdown(std::chrono::milliseconds(0));
    return CP_OK;
  });
}

int32_t cp_coordinator_set_strategy(cp_coordinator* coordinator, int32_t strategy) {
  return call(coordinator, [&](Plane& plane) {
    plane.coordinator.set_strategy(
        number("strategy", strategy, SelectionStrategy::capability_match));
    return Result<void>();
  });
}
