/* Opening, options, closing, names, log records. */
#include <pthread.h>
#include <stdlib.h>

#include "plane.h"

TEST(versions, "versions and names answer texts for every number") {
  CHECK(cp_abi_version() == CP_ABI_VERSION);
  CHECK(cp_abi_revision() == CP_ABI_REVISION);
  CHECK(strchr(cp_version(), '.') != NULL);
  CHECK_TEXT(cp_status_name(CP_OK), "ok");
  CHECK_TEXT(cp_status_name(CP_CONFLICT), "conflict");
  CHECK_TEXT(cp_status_name(CP_INTERNAL), "internal");
  CHECK_TEXT(cp_status_name(CP_INTERNAL + 1), "unknown");
  CHECK_TEXT(cp_status_name(-1), "unknown");
  CHECK_TEXT(cp_status_name(INT32_MIN), "unknown");
  CHECK_TEXT(cp_priority_name(CP_PRIORITY_LOW), "low");
  CHECK_TEXT(cp_priority_name(4), "unknown");
  CHECK_TEXT(cp_task_state_name(CP_TASK_TIMEOUT), "timeout");
  CHECK_TEXT(cp_task_state_name(CP_TASK_STATES), "unknown");
  CHECK_TEXT(cp_reason_name(CP_REASON_NONE), "");
  CHECK_TEXT(cp_reason_name(CP_REASON_TOTAL), "total");
  CHECK_TEXT(cp_agent_status_name(CP_AGENT_FAILED), "failed");
  CHECK_TEXT(cp_agent_status_name(CP_AGENT_STATUSES), "unknown");
  CHECK_TEXT(cp_health_name(CP_HEALTH_UNKNOWN), "unknown");
  CHECK_TEXT(cp_health_name(CP_HEALTH_DEGRADED), "degraded");
  CHECK_TEXT(cp_breaker_name(CP_BREAKER_HALF_OPEN), "half_open");
  CHECK_TEXT(cp_log_level_name(CP_LOG_OFF), "off");
}

TEST(effective_options, "the options in effect are those given and the defaults of the rest") {
  cp_coordinator *plane = NULL;
  cp_config *config = NULL;
  const char *origin = NULL;
  cp_retention retention = CP_RETENTION_INIT;
  cp_limits limits = CP_LIMITS_INIT;
  cp_options options = CP_OPTIONS_INIT;
  retention.max_count = 7;
  limits.max_payload_bytes = 99;
  options.tenant_id = "org-123";
  options.task_timeout_ms = 1234;
  options.require_lease = 1;
  options.strategy = CP_STRATEGY_CAPABILITY_MATCH;
  options.log_level = CP_LOG_ERROR;
  options.retention = &retention;
  options.limits = &limits;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_coordinator_config(&config, plane));
  CHECK_OK(cp_coordinator_close(plane));
  CHECK(config->struct_size == sizeof(cp_config));
  CHECK_TEXT(config->options->tenant_id, "org-123");
  CHECK_TEXT(config->options->store_url, "memory://");
  CHECK(config->options->task_timeout_ms == 1234);
  CHECK(config->options->lease_ttl_ms == 30000);
  CHECK(config->options->require_lease == 1);
  CHECK(config->options->require_registration == 0);
  CHECK(config->options->strategy == CP_STRATEGY_CAPABILITY_MATCH);
  CHECK(config->options->log_level == CP_LOG_ERROR);
  CHECK(config->options->retention->max_count == 7);
  CHECK(config->options->retention->min_age_ms == 60000);
  CHECK(config->options->limits->max_payload_bytes == 99);
  CHECK(config->options->limits->max_retry_after_ms == 86400000);
  CHECK_OK(cp_config_origin(&origin, config, "task_timeout"));
  CHECK_TEXT(origin, "code or default");
  CHECK_REFUSED(cp_config_origin(NULL, config, "task_timeout"), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_config_origin(&origin, NULL, "task_timeout"), CP_INVALID_ARGUMENT,
                "config is NULL");
  CHECK(origin == NULL);
  /* What is in effect can be opened again. */
  CHECK_OK(cp_coordinator_open(&plane, config->options));
  CHECK_OK(cp_coordinator_close(plane));
  cp_config_free(config);
  cp_config_free(NULL);
}

TEST(environment, "options come from the environment, and say which variable set them") {
  cp_config *config = NULL;
  const char *origin = NULL;
  CHECK(setenv("ARAGORA_CP_TASK_TIMEOUT", "77", 1) == 0);
  CHECK_OK(cp_config_from_environment(&config));
  CHECK(config->options->task_timeout_ms == 77000);
  CHECK_OK(cp_config_origin(&origin, config, "task_timeout"));
  CHECK_TEXT(origin, "ARAGORA_CP_TASK_TIMEOUT");
  cp_config_free(config);
  CHECK(setenv("ARAGORA_CP_TASK_TIMEOUT", "soon", 1) == 0);
  CHECK_REFUSED(cp_config_from_environment(&config), CP_INVALID_ARGUMENT,
                "ARAGORA_CP_TASK_TIMEOUT");
  CHECK(config == NULL);
  CHECK(unsetenv("ARAGORA_CP_TASK_TIMEOUT") == 0);
  CHECK_REFUSED(cp_config_from_environment(NULL), CP_INVALID_ARGUMENT, "out is NULL");
}

static void refuse_option(const cp_options *options, int32_t status, const char *part) {
  cp_coordinator *plane = (cp_coordinator *)(uintptr_t)1;
  CHECK_REFUSED(cp_coordinator_open(&plane, options), status, part);
  CHECK(plane == NULL);
}

TEST(options_are_checked, "an option that breaks a rule is refused with its value and the rule") {
  cp_options options = CP_OPTIONS_INIT;
  cp_limits limits = CP_LIMITS_INIT;
  cp_retention retention = CP_RETENTION_INIT;
  options.store_url = "redis://localhost";
  refuse_option(&options, CP_FAILED_PRECONDITION, "redis://localhost");
  options = (cp_options)CP_OPTIONS_INIT;
  options.heartbeat_timeout_ms = 0;
  refuse_option(&options, CP_INVALID_ARGUMENT, "heartbeat_timeout is 0 s");
  options = (cp_options)CP_OPTIONS_INIT;
  options.task_timeout_ms = UINT64_MAX;
  refuse_option(&options, CP_INVALID_ARGUMENT, "task_timeout");
  options = (cp_options)CP_OPTIONS_INIT;
  options.tenant_id = "no spaces please";
  refuse_option(&options, CP_INVALID_ARGUMENT, "no spaces please");
  options = (cp_options)CP_OPTIONS_INIT;
  options.tenant_id = NULL;
  refuse_option(&options, CP_INVALID_ARGUMENT, "tenant_id");
  options = (cp_options)CP_OPTIONS_INIT;
  options.strategy = 4;
  refuse_option(&options, CP_INVALID_ARGUMENT, "strategy is 4; it must be 0 to 3");
  options.strategy = -1;
  refuse_option(&options, CP_INVALID_ARGUMENT, "strategy is -1; it must be 0 to 3");
  options = (cp_options)CP_OPTIONS_INIT;
  options.log_level = 5;
  refuse_option(&options, CP_INVALID_ARGUMENT, "log_level is 5; it must be 0 to 4");
  options = (cp_options)CP_OPTIONS_INIT;
  options.require_lease = 2;
  refuse_option(&options, CP_INVALID_ARGUMENT, "require_lease is 2; it must be 0 or 1");
  options = (cp_options)CP_OPTIONS_INIT;
  options.max_task_retries = -5;
  refuse_option(&options, CP_INVALID_ARGUMENT, "max_task_retries");
  options = (cp_options)CP_OPTIONS_INIT;
  options.limits = &limits;
  limits.max_name_bytes = CP_TASK_ID_BYTES;
  refuse_option(&options, CP_INVALID_ARGUMENT, "limits.max_name_bytes is 256");
  limits = (cp_limits)CP_LIMITS_INIT;
  limits.max_delay_ms = 3600001;
  refuse_option(&options, CP_INVALID_ARGUMENT,
                "limits.max_delay_ms is 3600001; it must be whole hours");
  limits = (cp_limits)CP_LIMITS_INIT;
  limits.max_retries = (uint64_t)1 << 32;
  refuse_option(&options, CP_INVALID_ARGUMENT,
                "limits.max_retries is 4,294,967,296; it must be below 2^32");
  limits = (cp_limits)CP_LIMITS_INIT;
  limits.max_batch = 0;
  refuse_option(&options, CP_INVALID_ARGUMENT, "max_batch");
  limits = (cp_limits)CP_LIMITS_INIT;
  limits.struct_size = 3;
  refuse_option(&options, CP_INVALID_ARGUMENT, "cp_limits: struct_size is 3");
  options.limits = NULL;
  options.retention = &retention;
  retention.min_age_ms = retention.max_age_ms + 1;
  refuse_option(&options, CP_INVALID_ARGUMENT, "min_age");
  CHECK_REFUSED(cp_coordinator_open(NULL, NULL), CP_INVALID_ARGUMENT, "out is NULL");
}

TEST(two_coordinators, "two coordinators share nothing") {
  cp_coordinator *left = open_plane();
  cp_coordinator *right = open_plane();
  cp_task *task = (cp_task *)(uintptr_t)1;
  const cp_task_id id = submit(left);
  CHECK_REFUSED(cp_task_get(&task, right, id.text), CP_NOT_FOUND, id.text);
  CHECK(task == NULL);
  CHECK_OK(cp_coordinator_close(right));
  CHECK_OK(cp_task_get(&task, left, id.text));
  cp_task_free(task);
  CHECK_OK(cp_coordinator_close(left));
}

TEST(shutdown_refuses_work,
     "after a shutdown calls answer cancelled and the handle is still to be closed") {
  cp_coordinator *plane = open_plane();
  const cp_task_spec spec = task_spec();
  CHECK_OK(cp_coordinator_shutdown(plane, 0));
  CHECK_REFUSED(cp_task_submit(NULL, plane, &spec), CP_CANCELLED, "closed");
  CHECK_OK(cp_coordinator_shutdown(plane, CP_FOREVER_MS));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(strategies, "the order of waiting claims can be changed") {
  cp_coordinator *plane = open_plane();
  CHECK_OK(cp_coordinator_set_strategy(plane, CP_STRATEGY_RANDOM));
  CHECK_REFUSED(cp_coordinator_set_strategy(plane, 9), CP_INVALID_ARGUMENT,
                "strategy is 9; it must be 0 to 3");
  CHECK_OK(cp_coordinator_close(plane));
}

struct heard {
  pthread_mutex_t mutex;
  char text[4096];
  int with_fields;
};

static void hear(const cp_log_record *record, void *user_data) {
  struct heard *heard = user_data;
  pthread_mutex_lock(&heard->mutex);
  CHECK(record->struct_size == sizeof(cp_log_record));
  CHECK(record->time_us > 0);
  CHECK(record->level >= CP_LOG_DEBUG && record->level < CP_LOG_OFF);
  CHECK(record->correlation_id != NULL);
  if (record->field_count > 0 && record->fields[0].key[0] != '\0') ++heard->with_fields;
  strncat(heard->text, record->message, sizeof(heard->text) - strlen(heard->text) - 1);
  strncat(heard->text, "|", sizeof(heard->text) - strlen(heard->text) - 1);
  pthread_mutex_unlock(&heard->mutex);
}

TEST(log_records, "log records reach the callback before the coordinator is closed") {
  struct heard heard;
  cp_coordinator *plane = NULL;
  cp_options options = CP_OPTIONS_INIT;
  memset(&heard, 0, sizeof(heard));
  pthread_mutex_init(&heard.mutex, NULL);
  options.log_callback = hear;
  options.log_user_data = &heard;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_coordinator_close(plane));
  CHECK_IN(heard.text, "coordinator opened");
  CHECK_IN(heard.text, "coordinator closed");
  CHECK(heard.with_fields >= 2);
  pthread_mutex_destroy(&heard.mutex);
}

TEST(errors_are_of_a_thread, "the text of an error is kept until the next failing call") {
  cp_coordinator *plane = open_plane();
  cp_task *task = NULL;
  char huge[5000];
  int32_t status = 0;
  CHECK_STATUS(cp_task_get(&task, plane, "task-1"), CP_NOT_FOUND);
  CHECK_IN(cp_last_error(), "not_found: ");
  (void)submit(plane);
  CHECK_IN(cp_last_error(), "not_found: ");
  CHECK(cp_last_error_outcome_unknown() == 0);
  memset(huge, 'x', sizeof(huge) - 1);
  huge[sizeof(huge) - 1] = '\0';
  CHECK_STATUS(cp_task_status(&status, plane, huge), CP_INVALID_ARGUMENT);
  CHECK(strlen(cp_last_error()) < 2048);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(versions);
  RUN(effective_options);
  RUN(environment);
  RUN(options_are_checked);
  RUN(two_coordinators);
  RUN(shutdown_refuses_work);
  RUN(strategies);
  RUN(log_records);
  RUN(errors_are_of_a_thread);
  return report();
}
