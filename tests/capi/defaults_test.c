/* The defaults of the macros are those of the C++ library, and structs of any version are read. */
#include <stdlib.h>

#include "check.h"

/* Static, so that what lies between the fields is zero on both sides. */
#define SAME_DEFAULTS(type, init)                                                                \
  do {                                                                                           \
    static const cp_##type macro = init;                                                         \
    static cp_##type function;                                                                   \
    memset(&function, 0x5a, sizeof(function));                                                   \
    CHECK_OK(cp_##type##_init(&function, sizeof(function)));                                     \
    CHECK(memcmp(&macro, &function, sizeof(macro)) == 0);                                        \
    CHECK_REFUSED(cp_##type##_init(NULL, sizeof(function)), CP_INVALID_ARGUMENT, "out is NULL"); \
    CHECK_REFUSED(cp_##type##_init(&function, 0), CP_INVALID_ARGUMENT,                           \
                  "cp_" #type ": struct_size is 0; start from its CP_..._INIT");                 \
    CHECK_REFUSED(cp_##type##_init(&function, 12), CP_INVALID_ARGUMENT, "struct_size is 12");    \
    CHECK_REFUSED(cp_##type##_init(&function, 100000), CP_INVALID_ARGUMENT,                      \
                  "struct_size is 100000");                                                      \
  } while (0)

TEST(macros_are_cpp_defaults, "every CP_..._INIT holds the defaults of the C++ type") {
  SAME_DEFAULTS(page_request, CP_PAGE_REQUEST_INIT);
  SAME_DEFAULTS(secret_key, CP_SECRET_KEY_INIT);
  SAME_DEFAULTS(retention, CP_RETENTION_INIT);
  SAME_DEFAULTS(limits, CP_LIMITS_INIT);
  SAME_DEFAULTS(queue_options, CP_QUEUE_OPTIONS_INIT);
  SAME_DEFAULTS(agent_spec, CP_AGENT_SPEC_INIT);
  SAME_DEFAULTS(heartbeat_report, CP_HEARTBEAT_REPORT_INIT);
  SAME_DEFAULTS(agent_filter, CP_AGENT_FILTER_INIT);
  SAME_DEFAULTS(select_request, CP_SELECT_REQUEST_INIT);
  SAME_DEFAULTS(task_spec, CP_TASK_SPEC_INIT);
  SAME_DEFAULTS(claim_request, CP_CLAIM_REQUEST_INIT);
  SAME_DEFAULTS(progress_request, CP_PROGRESS_REQUEST_INIT);
  SAME_DEFAULTS(complete_request, CP_COMPLETE_REQUEST_INIT);
  SAME_DEFAULTS(fail_request, CP_FAIL_REQUEST_INIT);
  SAME_DEFAULTS(task_filter, CP_TASK_FILTER_INIT);
  SAME_DEFAULTS(replay_options, CP_REPLAY_OPTIONS_INIT);
  SAME_DEFAULTS(probe_spec, CP_PROBE_SPEC_INIT);
  SAME_DEFAULTS(event_filter, CP_EVENT_FILTER_INIT);
  SAME_DEFAULTS(subscribe_options, CP_SUBSCRIBE_OPTIONS_INIT);
  SAME_DEFAULTS(worker_options, CP_WORKER_OPTIONS_INIT);
  SAME_DEFAULTS(distributor_options, CP_DISTRIBUTOR_OPTIONS_INIT);
  SAME_DEFAULTS(put_options, CP_PUT_OPTIONS_INIT);
  SAME_DEFAULTS(update_options, CP_UPDATE_OPTIONS_INIT);
  SAME_DEFAULTS(log_bounds, CP_LOG_BOUNDS_INIT);
  SAME_DEFAULTS(log_trim_request, CP_LOG_TRIM_REQUEST_INIT);
  SAME_DEFAULTS(pool_spec, CP_POOL_SPEC_INIT);
  SAME_DEFAULTS(acquire_request, CP_ACQUIRE_REQUEST_INIT);
  SAME_DEFAULTS(lease_options, CP_LEASE_OPTIONS_INIT);
  SAME_DEFAULTS(election_options, CP_ELECTION_OPTIONS_INIT);
  SAME_DEFAULTS(message_spec, CP_MESSAGE_SPEC_INIT);
  SAME_DEFAULTS(receive_options, CP_RECEIVE_OPTIONS_INIT);
  SAME_DEFAULTS(reject_options, CP_REJECT_OPTIONS_INIT);
}

TEST(options_are_cpp_defaults, "CP_OPTIONS_INIT holds the defaults of Config, texts included") {
  static cp_options macro = CP_OPTIONS_INIT;
  static cp_options function;
  CHECK_OK(cp_options_init(&function, sizeof(function)));
  CHECK_TEXT(function.store_url, macro.store_url);
  CHECK_TEXT(function.tenant_id, macro.tenant_id);
  CHECK_TEXT(function.key_prefix, macro.key_prefix);
  macro.store_url = function.store_url;
  macro.tenant_id = function.tenant_id;
  macro.key_prefix = function.key_prefix;
  CHECK(memcmp(&macro, &function, sizeof(macro)) == 0);
  CHECK_REFUSED(cp_options_init(NULL, 8), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_options_init(&function, 7), CP_INVALID_ARGUMENT, "cp_options: struct_size is 7");
}

TEST(a_part_is_initialized, "an older struct gets its part of the defaults and not a byte more") {
  unsigned char room[sizeof(cp_task_spec)];
  cp_task_spec whole = CP_TASK_SPEC_INIT;
  size_t at;
  memset(room, 0x5a, sizeof(room));
  CHECK_OK(cp_task_spec_init((cp_task_spec *)(void *)room, 64));
  whole.struct_size = 64;
  CHECK(memcmp(room, &whole, 64) == 0);
  for (at = 64; at < sizeof(room); ++at) CHECK(room[at] == 0x5a);
}

TEST(a_newer_struct_is_initialized, "a newer struct gets zeros where this library knows nothing") {
  struct {
    cp_page_request known;
    uint64_t unknown[2];
  } newer;
  memset(&newer, 0x5a, sizeof(newer));
  CHECK_OK(cp_page_request_init(&newer.known, sizeof(newer)));
  CHECK(newer.known.struct_size == sizeof(newer));
  CHECK(newer.known.max_items == 100);
  CHECK(newer.unknown[0] == 0 && newer.unknown[1] == 0);
}

TEST(a_shorter_struct_is_filled_up, "a shorter struct is filled up with the defaults") {
  cp_coordinator *plane = NULL;
  cp_config *config = NULL;
  cp_options older = CP_OPTIONS_INIT;
  older.struct_size = (uint32_t)offsetof(cp_options, tenant_id);
  older.tenant_id = (const char *)(uintptr_t)1; /* beyond the struct: must not be read */
  CHECK_OK(cp_coordinator_open(&plane, &older));
  CHECK_OK(cp_coordinator_config(&config, plane));
  CHECK_TEXT(config->options->tenant_id, "default");
  CHECK(config->options->heartbeat_timeout_ms == 30000);
  CHECK(config->options->enable_metrics == 1);
  cp_config_free(config);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(an_unknown_tail_is_refused,
     "a longer struct is taken with a zero tail and refused with another") {
  struct {
    cp_options known;
    unsigned char unknown[16];
  } newer;
  cp_coordinator *plane = NULL;
  memset(&newer, 0, sizeof(newer));
  CHECK_OK(cp_options_init(&newer.known, sizeof(newer.known)));
  newer.known.struct_size = (uint32_t)sizeof(newer);
  CHECK_OK(cp_coordinator_open(&plane, &newer.known));
  CHECK_OK(cp_coordinator_close(plane));
  newer.unknown[15] = 1;
  plane = (cp_coordinator *)(void *)&newer;
  CHECK_REFUSED(cp_coordinator_open(&plane, &newer.known), CP_INVALID_ARGUMENT,
                "is not zero; this library knows");
  CHECK(plane == NULL);
}

TEST(wild_sizes_are_refused, "a struct_size that no struct could have is refused") {
  static const uint32_t sizes[] = {0, 1, 4, 7, 12, 5000, 0xdeadbeefu, 0xffffffffu};
  size_t at;
  for (at = 0; at < sizeof(sizes) / sizeof(sizes[0]); ++at) {
    cp_coordinator *plane = NULL;
    cp_options options = CP_OPTIONS_INIT;
    options.struct_size = sizes[at];
    CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT,
                  "cp_options: struct_size is");
    CHECK(plane == NULL);
  }
}

int main(void) {
  RUN(macros_are_cpp_defaults);
  RUN(options_are_cpp_defaults);
  RUN(a_part_is_initialized);
  RUN(a_newer_struct_is_initialized);
  RUN(a_shorter_struct_is_filled_up);
  RUN(an_unknown_tail_is_refused);
  RUN(wild_sizes_are_refused);
  return report();
}
