/* Events as they come and as they were. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "plane.h"

struct watcher {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  cp_coordinator *plane;
  cp_subscription *subscription;
  uint64_t events;
  uint64_t missed;
  uint64_t last_seq;
  int out_of_order;
  int calls_back;
  int others;
  char seen[4096];
};

static void start_watching(struct watcher *watcher) {
  memset(watcher, 0, sizeof(*watcher));
  pthread_mutex_init(&watcher->mutex, NULL);
  pthread_cond_init(&watcher->changed, NULL);
  watcher->plane = open_plane();
}

static void stop_watching(struct watcher *watcher) {
  CHECK_OK(cp_coordinator_close(watcher->plane));
  pthread_cond_destroy(&watcher->changed);
  pthread_mutex_destroy(&watcher->mutex);
}

static void watch(const cp_event_batch *batch, void *user_data) {
  struct watcher *watcher = user_data;
  size_t at;
  if (watcher->calls_back) {
    cp_stats *stats = NULL;
    CHECK_OK(cp_stats_get(&stats, watcher->plane));
    cp_stats_free(stats);
  }
  pthread_mutex_lock(&watcher->mutex);
  CHECK(batch->struct_size == sizeof(cp_event_batch));
  for (at = 0; at < batch->count; ++at) {
    const cp_event *event = batch->items[at];
    const size_t length = strlen(watcher->seen);
    CHECK(event->struct_size == sizeof(cp_event));
    CHECK_TEXT(event->tenant, "default");
    CHECK(event->time_us > 0 && event->data[0] == '{');
    if (event->seq <= watcher->last_seq) watcher->out_of_order = 1;
    watcher->last_seq = event->seq;
    snprintf(watcher->seen + length, sizeof(watcher->seen) - length, "%s ", event->type);
  }
  watcher->events += batch->count;
  watcher->missed += batch->missed;
  CHECK(batch->count == 0 || batch->last_seq >= watcher->last_seq);
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

static void await_events(struct watcher *watcher, uint64_t count) {
  pthread_mutex_lock(&watcher->mutex);
  while (watcher->events + watcher->missed < count)
    pthread_cond_wait(&watcher->changed, &watcher->mutex);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(events_come, "events come in order, to a callback that calls back in") {
  struct watcher watcher;
  cp_claimed_task *task;
  cp_complete_request end;
  start_watching(&watcher);
  watcher.calls_back = 1;
  CHECK_OK(cp_event_subscribe(&watcher.subscription, watcher.plane, NULL, watch, &watcher));
  (void)submit(watcher.plane);
  task = claim(watcher.plane, "reviewer-1");
  end = completion(task);
  CHECK_OK(cp_task_complete(watcher.plane, &end));
  cp_claimed_task_free(task);
  await_events(&watcher, 3);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_TEXT(watcher.seen, "task.submitted task.claimed task.completed ");
  CHECK(watcher.out_of_order == 0 && watcher.missed == 0);
  (void)submit(watcher.plane);
  CHECK(watcher.events == 3);
  CHECK_REFUSED(cp_subscription_close(watcher.subscription), CP_FAILED_PRECONDITION,
                "subscription is closed");
  CHECK_OK(cp_subscription_close(NULL));
  stop_watching(&watcher);
}

TEST(events_are_filtered, "a subscription filters, and resumes where another one ended") {
  static const char *const types[] = {"task.*"};
  static const char *const not_types[] = {"task.submitted"};
  struct watcher watcher;
  cp_event_filter filter = CP_EVENT_FILTER_INIT;
  cp_subscribe_options options = CP_SUBSCRIBE_OPTIONS_INIT;
  cp_task_id id;
  const cp_agent_spec agent = agent_spec("reviewer-1");
  start_watching(&watcher);
  id = submit(watcher.plane);
  CHECK_OK(cp_agent_register(watcher.plane, &agent));
  (void)submit(watcher.plane);
  CHECK_OK(cp_task_cancel(NULL, watcher.plane, id.text, 0));
  filter.types = types;
  filter.type_count = 1;
  filter.exclude_types = not_types;
  filter.exclude_type_count = 1;
  filter.subject = id.text;
  options.filter = &filter;
  options.from_start = 1;
  CHECK_OK(cp_event_subscribe(&watcher.subscription, watcher.plane, &options, watch, &watcher));
  await_events(&watcher, 1);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_TEXT(watcher.seen, "task.cancelled ");
  options.from_start = 0;
  options.after = 1;
  options.filter = NULL;
  watcher.last_seq = 0;
  watcher.seen[0] = '\0';
  CHECK_OK(cp_event_subscribe(&watcher.subscription, watcher.plane, &options, watch, &watcher));
  await_events(&watcher, 4);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_TEXT(watcher.seen, "agent.registered task.submitted task.cancelled ");
  stop_watching(&watcher);
}

static void close_yourself(const cp_event_batch *batch, void *user_data) {
  struct watcher *watcher = user_data;
  pthread_mutex_lock(&watcher->mutex);
  CHECK_OK(cp_subscription_close(watcher->subscription));
  watcher->events += batch->count;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(a_callback_closes_itself, "a callback may close its own subscription") {
  struct watcher watcher;
  start_watching(&watcher);
  pthread_mutex_lock(&watcher.mutex);
  CHECK_OK(
      cp_event_subscribe(&watcher.subscription, watcher.plane, NULL, close_yourself, &watcher));
  pthread_mutex_unlock(&watcher.mutex);
  (void)submit(watcher.plane);
  await_events(&watcher, 1);
  CHECK_REFUSED(cp_subscription_close(watcher.subscription), CP_FAILED_PRECONDITION, "closed");
  stop_watching(&watcher);
}

static void close_the_plane(const cp_event_batch *batch, void *user_data) {
  struct watcher *watcher = user_data;
  CHECK_OK(cp_coordinator_close(watcher->plane));
  pthread_mutex_lock(&watcher->mutex);
  watcher->events += batch->count;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(a_callback_closes_all, "a callback may close its coordinator; the subscription outlives it") {
  struct watcher watcher;
  cp_task_spec spec = task_spec();
  start_watching(&watcher);
  CHECK_OK(
      cp_event_subscribe(&watcher.subscription, watcher.plane, NULL, close_the_plane, &watcher));
  CHECK_OK(cp_task_submit(NULL, watcher.plane, &spec));
  await_events(&watcher, 1);
  CHECK_STATUS(cp_task_submit(NULL, watcher.plane, &spec), CP_FAILED_PRECONDITION);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  pthread_cond_destroy(&watcher.changed);
  pthread_mutex_destroy(&watcher.mutex);
}

/* Closes the coordinator, and is not done yet. */
static void close_and_work_on(const cp_event_batch *batch, void *user_data) {
  struct watcher *watcher = user_data;
  struct timespec until;
  CHECK_OK(cp_coordinator_close(watcher->plane));
  CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
  until.tv_sec += 1;
  pthread_mutex_lock(&watcher->mutex);
  watcher->events += batch->count;
  pthread_cond_broadcast(&watcher->changed);
  while (watcher->others == 0) { /* nobody is told that this does not run any more */
    if (pthread_cond_timedwait(&watcher->changed, &watcher->mutex, &until) != 0) break;
  }
  CHECK(watcher->others == 0);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(closing_waits_for_the_callback,
     "a subscription's close waits for its callback, also when that closed the coordinator") {
  struct watcher watcher;
  const cp_task_spec spec = task_spec();
  start_watching(&watcher);
  CHECK_OK(
      cp_event_subscribe(&watcher.subscription, watcher.plane, NULL, close_and_work_on, &watcher));
  CHECK_OK(cp_task_submit(NULL, watcher.plane, &spec));
  await_events(&watcher, 1);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  pthread_mutex_lock(&watcher.mutex);
  ++watcher.others;
  pthread_cond_broadcast(&watcher.changed);
  pthread_mutex_unlock(&watcher.mutex);
  pthread_cond_destroy(&watcher.changed);
  pthread_mutex_destroy(&watcher.mutex);
}

TEST(slow_watchers_miss, "a subscription whose buffer is full says how many it missed") {
  struct watcher watcher;
  cp_subscribe_options options = CP_SUBSCRIBE_OPTIONS_INIT;
  int at;
  start_watching(&watcher);
  options.buffer = 1;
  pthread_mutex_lock(&watcher.mutex); /* the callback hangs here */
  CHECK_OK(cp_event_subscribe(&watcher.subscription, watcher.plane, &options, watch, &watcher));
  for (at = 0; at < 50; ++at) (void)submit(watcher.plane);
  pthread_mutex_unlock(&watcher.mutex);
  await_events(&watcher, 50);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK(watcher.events + watcher.missed == 50);
  CHECK(watcher.last_seq == 50);
  stop_watching(&watcher);
}

TEST(events_are_read, "events are read after a number, and trimmed ones are data loss") {
  static const char *const types[] = {"agent.*"};
  cp_coordinator *plane = NULL;
  cp_event_batch *batch = NULL;
  cp_limits limits = CP_LIMITS_INIT;
  cp_options options = CP_OPTIONS_INIT;
  cp_event_filter filter = CP_EVENT_FILTER_INIT;
  cp_task_spec spec = task_spec();
  static const cp_label labels[] = {{"pr", "17"}, {"zone", "b"}};
  int at;
  limits.max_events = 4;
  options.limits = &limits;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_event_read(&batch, plane, 0, 100, NULL));
  CHECK(batch->count == 0 && batch->last_seq == 0);
  cp_event_batch_free(batch);
  spec.labels = labels;
  spec.label_count = 2;
  spec.trace = "trace-1";
  CHECK_OK(cp_task_submit(NULL, plane, &spec));
  CHECK_OK(cp_task_submit(NULL, plane, &spec));
  CHECK_OK(cp_event_read(&batch, plane, 0, 1, NULL));
  CHECK(batch->count == 1 && batch->last_seq == 1 && batch->missed == 0);
  CHECK_TEXT(batch->items[0]->type, "task.submitted");
  CHECK(batch->items[0]->label_count == 2);
  CHECK_TEXT(batch->items[0]->labels[1].key, "zone");
  CHECK_TEXT(batch->items[0]->trace, "trace-1");
  cp_event_batch_free(batch);
  CHECK_OK(cp_event_read(&batch, plane, 1, 100, NULL));
  CHECK(batch->count == 1 && batch->items[0]->seq == 2);
  CHECK_TEXT(batch->items[0]->labels[0].value, "17");
  cp_event_batch_free(batch);
  cp_event_batch_free(NULL);
  filter.types = types;
  filter.type_count = 1;
  CHECK_OK(cp_event_read(&batch, plane, 0, 100, &filter));
  CHECK(batch->count == 0);
  cp_event_batch_free(batch);
  for (at = 0; at < 20; ++at) (void)submit(plane);
  CHECK_REFUSED(cp_event_read(&batch, plane, 1, 100, NULL), CP_DATA_LOSS,
                "the first still there is");
  CHECK(batch == NULL);
  CHECK_OK(cp_event_read(&batch, plane, UINT64_MAX, 100, NULL)); /* after all there can be */
  CHECK(batch->count == 0 && batch->last_seq == UINT64_MAX);
  cp_event_batch_free(batch);
  CHECK_REFUSED(cp_event_read(&batch, plane, 0, 0, NULL), CP_INVALID_ARGUMENT,
                "max_items is 0; it must be at least 1");
  CHECK_REFUSED(cp_event_read(&batch, plane, 0, UINT64_MAX, NULL), CP_INVALID_ARGUMENT,
                "the limit max_page is 1,000");
  CHECK_REFUSED(cp_event_read(NULL, plane, 0, 1, NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_OK(cp_coordinator_close(plane));
}

static void hear_failure(const cp_task_failure *failure, void *user_data) {
  struct watcher *watcher = user_data;
  pthread_mutex_lock(&watcher->mutex);
  CHECK(failure->struct_size == sizeof(cp_task_failure));
  CHECK(failure->attempt == 1);
  CHECK(failure->will_retry == 1);
  CHECK_TEXT(failure->agent_id, "reviewer-1");
  CHECK_TEXT(failure->error, "no such file");
  snprintf(watcher->seen, sizeof(watcher->seen), "%s", failure->task_id);
  ++watcher->events;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

static void hear_unhealthy(const char *agent_id, void *user_data) {
  struct watcher *watcher = user_data;
  pthread_mutex_lock(&watcher->mutex);
  CHECK_TEXT(agent_id, "reviewer-1");
  ++watcher->others;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(troubles_are_told, "failures of tasks and of agents are told") {
  struct watcher watcher;
  cp_subscription *unhealthy = NULL;
  cp_heartbeat_report report = CP_HEARTBEAT_REPORT_INIT;
  cp_claimed_task *task;
  cp_fail_request end;
  cp_task_id id;
  const cp_agent_spec agent = agent_spec("reviewer-1");
  start_watching(&watcher);
  CHECK_OK(cp_agent_register(watcher.plane, &agent));
  CHECK_OK(cp_task_failure_subscribe(&watcher.subscription, watcher.plane, hear_failure, &watcher));
  CHECK_OK(cp_agent_unhealthy_subscribe(&unhealthy, watcher.plane, hear_unhealthy, &watcher));
  id = submit(watcher.plane);
  task = claim(watcher.plane, "reviewer-1");
  end = failure(task, CP_FAIL_RETRYABLE);
  CHECK_OK(cp_task_fail(watcher.plane, &end));
  cp_claimed_task_free(task);
  report.health = CP_HEALTH_UNHEALTHY;
  CHECK_OK(cp_agent_heartbeat(watcher.plane, "reviewer-1", &report));
  pthread_mutex_lock(&watcher.mutex);
  while (watcher.events == 0 || watcher.others == 0)
    pthread_cond_wait(&watcher.changed, &watcher.mutex);
  pthread_mutex_unlock(&watcher.mutex);
  CHECK_TEXT(watcher.seen, id.text);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_OK(cp_subscription_close(unhealthy));
  stop_watching(&watcher);
}

TEST(subscriptions_are_checked,
     "a subscription that breaks a rule is refused with its value and the rule") {
  static const char *const types[] = {"no.such.event"};
  cp_coordinator *plane = open_plane();
  cp_subscription *subscription = NULL;
  cp_event_filter filter = CP_EVENT_FILTER_INIT;
  cp_subscribe_options options = CP_SUBSCRIBE_OPTIONS_INIT;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, NULL, NULL, NULL), CP_INVALID_ARGUMENT,
                "callback is NULL");
  CHECK_REFUSED(cp_task_failure_subscribe(&subscription, plane, NULL, NULL), CP_INVALID_ARGUMENT,
                "callback is NULL");
  CHECK_REFUSED(cp_agent_unhealthy_subscribe(&subscription, plane, NULL, NULL), CP_INVALID_ARGUMENT,
                "callback is NULL");
  CHECK_REFUSED(cp_event_subscribe(NULL, plane, NULL, watch, NULL), CP_INVALID_ARGUMENT,
                "out is NULL");
  options.buffer = 0;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, &options, watch, NULL),
                CP_INVALID_ARGUMENT, "buffer");
  options.buffer = UINT64_MAX;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, &options, watch, NULL),
                CP_INVALID_ARGUMENT, "max_subscription_buffer");
  options = (cp_subscribe_options)CP_SUBSCRIBE_OPTIONS_INIT;
  options.from_start = 3;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, &options, watch, NULL),
                CP_INVALID_ARGUMENT, "from_start is 3; it must be 0 or 1");
  options.from_start = 0;
  options.filter = &filter;
  filter.types = types;
  filter.type_count = 1;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, &options, watch, NULL),
                CP_INVALID_ARGUMENT, "no.such.event");
  filter.type_count = 100000;
  CHECK_REFUSED(cp_event_subscribe(&subscription, plane, &options, watch, NULL),
                CP_INVALID_ARGUMENT, "types: 100,000 are given");
  CHECK(subscription == NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(events_come);
  RUN(events_are_filtered);
  RUN(a_callback_closes_itself);
  RUN(a_callback_closes_all);
  RUN(closing_waits_for_the_callback);
  RUN(slow_watchers_miss);
  RUN(events_are_read);
  RUN(troubles_are_told);
  RUN(subscriptions_are_checked);
  return report();
}
