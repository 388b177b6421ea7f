/* Agents and their health. */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plane.h"

TEST(an_agent_is_found, "an agent is found with all that was said of it") {
  static const char *const capabilities[] = {"critique", "code"};
  static const cp_label labels[] = {{"team", "a"}, {"zone", ""}};
  cp_coordinator *plane = open_plane();
  cp_agent *agent = NULL;
  cp_agent_spec spec = agent_spec("reviewer-1");
  spec.capabilities = capabilities;
  spec.capability_count = 2;
  spec.model = "model-1";
  spec.provider = "provider-1";
  spec.endpoint = "http://agent:8080";
  spec.metadata = "{\"a\":1}";
  spec.metadata_length = 7;
  spec.labels = labels;
  spec.label_count = 2;
  spec.max_concurrency = 3;
  spec.incarnation = 42;
  CHECK_OK(cp_agent_register(plane, &spec));
  CHECK_OK(cp_agent_get(&agent, plane, "reviewer-1"));
  CHECK(agent->struct_size == sizeof(cp_agent));
  CHECK_TEXT(agent->agent_id, "reviewer-1");
  CHECK(agent->capability_count == 2);
  CHECK_TEXT(agent->capabilities[0], "code");
  CHECK_TEXT(agent->capabilities[1], "critique");
  CHECK_TEXT(agent->model, "model-1");
  CHECK_TEXT(agent->provider, "provider-1");
  CHECK_TEXT(agent->endpoint, "http://agent:8080");
  CHECK_TEXT(agent->metadata, "{\"a\":1}");
  CHECK(agent->metadata_length == 7);
  CHECK(agent->label_count == 2);
  CHECK_TEXT(agent->labels[0].key, "team");
  CHECK_TEXT(agent->labels[0].value, "a");
  CHECK_TEXT(agent->labels[1].value, "");
  CHECK(agent->max_concurrency == 3);
  CHECK(agent->incarnation == 42);
  CHECK(agent->status == CP_AGENT_READY);
  CHECK(agent->reported_status == CP_AGENT_READY);
  CHECK(agent->health == CP_HEALTH_HEALTHY);
  CHECK(agent->breaker == CP_BREAKER_CLOSED);
  CHECK(agent->available == 1);
  CHECK(agent->registered_at_us > 0 && agent->last_seen_us >= agent->registered_at_us);
  CHECK(strchr(agent->registered_by, ':') != NULL);
  CHECK_TEXT(agent->metrics, "");
  CHECK(agent->running == 0 && agent->tasks_completed == 0);
  cp_agent_free(agent);
  cp_agent_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(agents_report, "a heartbeat carries status, health and metrics") {
  cp_coordinator *plane = open_plane();
  cp_agent *agent = NULL;
  cp_heartbeat_report report = CP_HEARTBEAT_REPORT_INIT;
  const cp_agent_spec spec = agent_spec("reviewer-1");
  CHECK_OK(cp_agent_register(plane, &spec));
  CHECK_OK(cp_agent_heartbeat(plane, "reviewer-1", NULL));
  report.status = CP_AGENT_DRAINING;
  report.health = CP_HEALTH_DEGRADED;
  report.metrics = "{\"n\":42}";
  report.metrics_length = 8;
  CHECK_OK(cp_agent_heartbeat(plane, "reviewer-1", &report));
  CHECK_OK(cp_agent_get(&agent, plane, "reviewer-1"));
  CHECK(agent->status == CP_AGENT_DRAINING);
  CHECK(agent->health == CP_HEALTH_DEGRADED);
  CHECK_TEXT(agent->metrics, "{\"n\":42}");
  cp_agent_free(agent);
  CHECK_REFUSED(cp_agent_heartbeat(plane, "nobody", NULL), CP_NOT_FOUND, "nobody");
  report.status = CP_AGENT_OFFLINE;
  CHECK_REFUSED(cp_agent_heartbeat(plane, "reviewer-1", &report), CP_INVALID_ARGUMENT,
                "status is offline");
  report.status = 6;
  CHECK_REFUSED(cp_agent_heartbeat(plane, "reviewer-1", &report), CP_INVALID_ARGUMENT,
                "status is 6; it must be 0 to 5");
  report.status = CP_UNSET;
  report.metrics = "{";
  report.metrics_length = 1;
  CHECK_STATUS(cp_agent_heartbeat(plane, "reviewer-1", &report), CP_INVALID_ARGUMENT);
  report.metrics_length = 5000;
  CHECK_REFUSED(cp_agent_heartbeat(plane, "reviewer-1", &report), CP_INVALID_ARGUMENT,
                "metrics is 5,000 bytes; the limit max_metrics_bytes is 4,096");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(agents_are_listed, "agents are listed in pages, filtered") {
  cp_coordinator *plane = open_plane();
  cp_agent_page *page = NULL;
  cp_agent_filter filter = CP_AGENT_FILTER_INIT;
  cp_page_request request = CP_PAGE_REQUEST_INIT;
  static const char *const other[] = {"debate"};
  int seen = 0;
  char id[16];
  char *cursor = NULL;
  int at;
  for (at = 0; at < 5; ++at) {
    cp_agent_spec spec;
    snprintf(id, sizeof(id), "agent-%d", at);
    spec = agent_spec(id);
    if (at == 4) spec.capabilities = other;
    CHECK_OK(cp_agent_register(plane, &spec));
  }
  CHECK_OK(cp_agent_list(&page, plane, NULL, NULL));
  CHECK(page->count == 5);
  CHECK_TEXT(page->items[0]->agent_id, "agent-0");
  CHECK_TEXT(page->next_cursor, "");
  cp_agent_page_free(page);
  request.max_items = 2;
  filter.capabilities = plane_code;
  filter.capability_count = 1;
  do {
    request.cursor = cursor;
    CHECK_OK(cp_agent_list(&page, plane, &filter, &request));
    seen += (int)page->count;
    free(cursor);
    cursor = page->next_cursor[0] == '\0' ? NULL : strdup(page->next_cursor);
    cp_agent_page_free(page);
  } while (cursor != NULL);
  CHECK(seen == 4);
  filter.status = CP_AGENT_FAILED;
  request.cursor = NULL;
  CHECK_OK(cp_agent_list(&page, plane, &filter, &request));
  CHECK(page->count == 0);
  cp_agent_page_free(page);
  cp_agent_page_free(NULL);
  request.max_items = 0;
  CHECK_REFUSED(cp_agent_list(&page, plane, NULL, &request), CP_INVALID_ARGUMENT,
                "max_items is 0; it must be at least 1");
  CHECK(page == NULL);
  request.max_items = UINT64_MAX;
  CHECK_REFUSED(cp_agent_list(&page, plane, NULL, &request), CP_INVALID_ARGUMENT,
                "max_page is 1,000");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(agents_are_selected, "an agent is selected that offers what is asked for") {
  static const char *const excluded[] = {"reviewer-1"};
  static const char *const nothing[] = {"juggling"};
  cp_coordinator *plane = open_plane();
  cp_agent *agent = NULL;
  cp_select_request request = CP_SELECT_REQUEST_INIT;
  const cp_agent_spec spec = agent_spec("reviewer-1");
  CHECK_OK(cp_agent_register(plane, &spec));
  request.capabilities = plane_code;
  request.capability_count = 1;
  CHECK_OK(cp_agent_select(&agent, plane, &request));
  CHECK_TEXT(agent->agent_id, "reviewer-1");
  cp_agent_free(agent);
  CHECK_OK(cp_agent_select(&agent, plane, NULL));
  cp_agent_free(agent);
  request.exclude = excluded;
  request.exclude_count = 1;
  CHECK_STATUS(cp_agent_select(&agent, plane, &request), CP_NOT_FOUND);
  CHECK(agent == NULL);
  request.exclude_count = 0;
  request.capabilities = nothing;
  CHECK_STATUS(cp_agent_select(&agent, plane, &request), CP_NOT_FOUND);
  request.strategy = 17;
  CHECK_REFUSED(cp_agent_select(&agent, plane, &request), CP_INVALID_ARGUMENT, "strategy is 17");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(agents_leave, "an agent that leaves gives its tasks back") {
  cp_coordinator *plane = open_plane();
  cp_claimed_task *task = NULL;
  cp_task_id id;
  int32_t state = -1;
  uint64_t released = 0;
  const cp_agent_spec spec = agent_spec("reviewer-1");
  CHECK_OK(cp_agent_register(plane, &spec));
  id = submit(plane);
  task = claim(plane, "reviewer-1");
  cp_claimed_task_free(task);
  CHECK_OK(cp_agent_reassign_tasks(&released, plane, "reviewer-1"));
  CHECK(released == 1);
  task = claim(plane, "reviewer-1");
  cp_claimed_task_free(task);
  CHECK_OK(cp_agent_unregister(plane, "reviewer-1", 0));
  CHECK_OK(cp_task_status(&state, plane, id.text));
  CHECK(state == CP_TASK_PENDING);
  CHECK_REFUSED(cp_agent_unregister(plane, "reviewer-1", 0), CP_NOT_FOUND, "reviewer-1");
  CHECK_STATUS(cp_agent_reassign_tasks(&released, plane, "nobody"), CP_NOT_FOUND);
  CHECK(released == 0);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(agent_specs_are_checked,
     "an agent that breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  const char *many[65];
  const char *with_null[2];
  cp_label labels[17];
  cp_agent *agent = NULL;
  cp_agent_spec spec = agent_spec(NULL);
  size_t at;
  for (at = 0; at < 65; ++at) many[at] = "code";
  for (at = 0; at < 17; ++at) labels[at].key = labels[at].value = "k";
  CHECK_REFUSED(cp_agent_register(plane, NULL), CP_INVALID_ARGUMENT, "cp_agent_spec is NULL");
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "agent_id");
  spec = agent_spec("white space");
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "agent_id \"white space\": character 0x20 at byte 5");
  spec = agent_spec("a");
  spec.capabilities = many;
  spec.capability_count = 65;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "capabilities: 65 are given; the limit max_capabilities is 64");
  spec.capability_count = SIZE_MAX;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "the limit max_capabilities is 64");
  spec.capabilities = NULL;
  spec.capability_count = 2;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "capabilities is NULL, but 2 are announced");
  with_null[0] = "code";
  with_null[1] = NULL;
  spec.capabilities = with_null;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "capabilities[1] is NULL");
  spec = agent_spec("a");
  spec.labels = labels;
  spec.label_count = 17;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "labels: 17 are given; the limit max_labels is 16");
  spec.label_count = 2;
  CHECK_STATUS(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT); /* the same key twice */
  labels[1].key = NULL;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "labels[1].key is NULL");
  spec = agent_spec("a");
  spec.metadata_length = 3;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "metadata is NULL, but 3 bytes are announced");
  spec.metadata = "{]}";
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "metadata");
  spec = agent_spec("a");
  spec.max_concurrency = UINT64_MAX;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT,
                "max_concurrency is 18,446,744,073,709,551,615");
  spec = agent_spec("a");
  spec.status = CP_AGENT_FAILED;
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "status is failed");
  spec = agent_spec("a");
  spec.model = "\xff\xfe";
  CHECK_REFUSED(cp_agent_register(plane, &spec), CP_INVALID_ARGUMENT, "model");
  CHECK_STATUS(cp_agent_get(&agent, plane, "a"), CP_NOT_FOUND);
  CHECK_STATUS(cp_agent_get(&agent, plane, NULL), CP_INVALID_ARGUMENT);
  CHECK_REFUSED(cp_agent_get(NULL, plane, "a"), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_OK(cp_coordinator_close(plane));
}

struct probed {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  cp_coordinator *plane;
  int32_t healthy;
  int calls;
};

/* Calls back into the coordinator that probes. */
static int32_t probe(void *user_data) {
  struct probed *probed = user_data;
  int32_t status = 0;
  int32_t healthy;
  CHECK_OK(cp_health_status(&status, probed->plane));
  pthread_mutex_lock(&probed->mutex);
  healthy = probed->healthy;
  ++probed->calls;
  pthread_cond_broadcast(&probed->changed);
  pthread_mutex_unlock(&probed->mutex);
  return healthy;
}

static void await_calls(struct probed *probed, int calls) {
  pthread_mutex_lock(&probed->mutex);
  while (probed->calls < calls) pthread_cond_wait(&probed->changed, &probed->mutex);
  pthread_mutex_unlock(&probed->mutex);
}

TEST(probes_tell, "a callback probe tells of its agent until it is removed") {
  struct probed probed;
  cp_agent_health *health = NULL;
  cp_system_health *system = NULL;
  int32_t answer = -1;
  int calls;
  cp_probe_spec spec = CP_PROBE_SPEC_INIT;
  const cp_agent_spec agent = agent_spec("reviewer-1");
  memset(&probed, 0, sizeof(probed));
  pthread_mutex_init(&probed.mutex, NULL);
  pthread_cond_init(&probed.changed, NULL);
  probed.plane = open_plane();
  CHECK_OK(cp_health_status(&answer, probed.plane));
  CHECK(answer == CP_HEALTH_UNKNOWN);
  CHECK_OK(cp_agent_register(probed.plane, &agent));
  spec.name = "service";
  spec.agent_id = "reviewer-1";
  spec.interval_ms = 1;
  spec.failure_threshold = 1;
  spec.callback = probe;
  spec.user_data = &probed;
  CHECK_OK(cp_probe_register(probed.plane, &spec));
  CHECK_REFUSED(cp_probe_register(probed.plane, &spec), CP_ALREADY_EXISTS, "service");
  await_calls(&probed, 3);
  CHECK_OK(cp_health_check(&system, probed.plane));
  CHECK(system->struct_size == sizeof(cp_system_health));
  CHECK(system->status == CP_HEALTH_UNHEALTHY);
  CHECK(system->unhealthy_count == 1 && system->healthy_count == 0);
  CHECK(system->probe_count == 1 && system->agent_count == 1);
  CHECK_TEXT(system->probes[0]->name, "service");
  CHECK_TEXT(system->probes[0]->agent_id, "reviewer-1");
  CHECK(system->probes[0]->status == CP_HEALTH_UNHEALTHY);
  CHECK(system->probes[0]->consecutive_failures >= 1);
  CHECK_TEXT(system->agents[0]->agent_id, "reviewer-1");
  CHECK(system->agents[0]->agent_status == CP_AGENT_FAILED);
  cp_system_health_free(system);
  cp_system_health_free(NULL);
  CHECK_OK(cp_agent_health_get(&health, probed.plane, "reviewer-1"));
  CHECK(health->status == CP_HEALTH_UNHEALTHY);
  CHECK(health->probe == CP_HEALTH_UNHEALTHY);
  CHECK(health->available == 0);
  CHECK(health->age_ms <= 1000);
  CHECK(health->probe_error[0] != '\0');
  cp_agent_health_free(health);
  cp_agent_health_free(NULL);
  CHECK_OK(cp_agent_available(&answer, probed.plane, "reviewer-1"));
  CHECK(answer == 0);
  CHECK_OK(cp_probe_unregister(probed.plane, "service"));
  calls = probed.calls;
  CHECK_REFUSED(cp_probe_unregister(probed.plane, "service"), CP_NOT_FOUND, "service");
  CHECK_OK(cp_agent_available(&answer, probed.plane, "reviewer-1"));
  CHECK(answer == 1);
  CHECK(probed.calls == calls);
  CHECK_OK(cp_agent_available(&answer, probed.plane, "nobody"));
  CHECK(answer == 0);
  CHECK_STATUS(cp_agent_health_get(&health, probed.plane, "nobody"), CP_NOT_FOUND);
  CHECK(health == NULL);
  CHECK_OK(cp_coordinator_close(probed.plane));
  pthread_cond_destroy(&probed.changed);
  pthread_mutex_destroy(&probed.mutex);
}

static int32_t remove_itself(void *user_data) {
  struct probed *probed = user_data;
  CHECK_OK(cp_probe_unregister(probed->plane, "once"));
  pthread_mutex_lock(&probed->mutex);
  ++probed->calls;
  pthread_cond_broadcast(&probed->changed);
  pthread_mutex_unlock(&probed->mutex);
  return 1;
}

TEST(probes_remove_themselves, "a probe may remove itself inside its callback") {
  struct probed probed;
  cp_probe_spec spec = CP_PROBE_SPEC_INIT;
  memset(&probed, 0, sizeof(probed));
  pthread_mutex_init(&probed.mutex, NULL);
  pthread_cond_init(&probed.changed, NULL);
  probed.plane = open_plane();
  spec.name = "once";
  spec.interval_ms = 1;
  spec.callback = remove_itself;
  spec.user_data = &probed;
  CHECK_OK(cp_probe_register(probed.plane, &spec));
  await_calls(&probed, 1);
  CHECK_OK(cp_coordinator_close(probed.plane));
  CHECK(probed.calls == 1);
  pthread_cond_destroy(&probed.changed);
  pthread_mutex_destroy(&probed.mutex);
}

/* A port that somebody listens on. */
static int listen_somewhere(char *address, size_t room) {
  struct sockaddr_in at;
  socklen_t size = sizeof(at);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(&at, 0, sizeof(at));
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(listener, (struct sockaddr *)&at, size) == 0);
  CHECK(listen(listener, 16) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&at, &size) == 0);
  snprintf(address, room, "127.0.0.1:%d", ntohs(at.sin_port));
  return listener;
}

/* The status of the one probe, once it has run. */
static int32_t verdict(cp_coordinator *plane) {
  for (;;) {
    cp_system_health *system = NULL;
    int32_t status;
    if (!CHECK_OK(cp_health_check(&system, plane))) return -1;
    status = system->probes[0]->status;
    if (system->probes[0]->last_check_us != 0) {
      cp_system_health_free(system);
      return status;
    }
    cp_system_health_free(system);
    sched_yield();
  }
}

TEST(network_probes, "probes connect to addresses and get pages") {
  char address[64];
  char url[96];
  cp_coordinator *plane = open_plane();
  cp_probe_spec spec = CP_PROBE_SPEC_INIT;
  const int listener = listen_somewhere(address, sizeof(address));
  spec.name = "port";
  spec.tcp_address = address;
  spec.failure_threshold = 1;
  spec.success_threshold = 1;
  CHECK_OK(cp_probe_register(plane, &spec));
  CHECK(verdict(plane) == CP_HEALTH_HEALTHY);
  CHECK_OK(cp_probe_unregister(plane, "port"));
  close(listener);
  spec.tcp_address = NULL;
  snprintf(url, sizeof(url), "http://%s/health", address);
  spec.name = "page";
  spec.http_url = url;
  CHECK_OK(cp_probe_register(plane, &spec));
  CHECK(verdict(plane) == CP_HEALTH_UNHEALTHY);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(probe_specs_are_checked, "a probe that breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_probe_spec spec = CP_PROBE_SPEC_INIT;
  CHECK_REFUSED(cp_probe_register(plane, NULL), CP_INVALID_ARGUMENT, "cp_probe_spec is NULL");
  CHECK_REFUSED(cp_probe_register(plane, &spec), CP_INVALID_ARGUMENT, "name");
  spec.name = "p";
  CHECK_REFUSED(cp_probe_register(plane, &spec), CP_INVALID_ARGUMENT,
                "0 of callback, http_url and tcp_address");
  spec.callback = probe;
  spec.tcp_address = "localhost:1";
  CHECK_REFUSED(cp_probe_register(plane, &spec), CP_INVALID_ARGUMENT,
                "2 of callback, http_url and tcp_address");
  spec.callback = NULL;
  spec.tcp_address = "nonsense";
  CHECK_STATUS(cp_probe_register(plane, &spec), CP_INVALID_ARGUMENT);
  spec.success_threshold = (uint64_t)1 << 40;
  CHECK_REFUSED(cp_probe_register(plane, &spec), CP_INVALID_ARGUMENT,
                "success_threshold is 1,099,511,627,776");
  CHECK_STATUS(cp_probe_unregister(plane, NULL), CP_NOT_FOUND);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(an_agent_is_found);
  RUN(agents_report);
  RUN(agents_are_listed);
  RUN(agents_are_selected);
  RUN(agents_leave);
  RUN(agent_specs_are_checked);
  RUN(probes_tell);
  RUN(probes_remove_themselves);
  RUN(network_probes);
  RUN(probe_specs_are_checked);
  return report();
}
