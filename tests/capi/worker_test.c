/* Workers: handlers as callbacks, and what they see. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "plane.h"

struct host {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  cp_coordinator *plane;
  cp_worker *worker;
  cp_task_context *kept;
  int begun;
  int threads;
  pthread_t thread;
};

static void open_host(struct host *host, uint32_t concurrency) {
  cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  memset(host, 0, sizeof(*host));
  pthread_mutex_init(&host->mutex, NULL);
  pthread_cond_init(&host->changed, NULL);
  host->plane = open_plane();
  options.agent_id = "reviewer-1";
  options.capabilities = plane_code;
  options.capability_count = 1;
  options.concurrency = concurrency;
  CHECK_OK(cp_worker_open(&host->worker, host->plane, &options));
}

static void close_host(struct host *host) {
  CHECK_OK(cp_coordinator_close(host->plane));
  pthread_cond_destroy(&host->changed);
  pthread_mutex_destroy(&host->mutex);
}

/* A task of `type`, as it ended. */
static cp_task *run(cp_coordinator *plane, const char *type) {
  cp_task *done = NULL;
  cp_task_id id;
  cp_task_spec spec = task_spec();
  spec.task_type = type;
  spec.max_retries = 0;
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  CHECK_OK(cp_task_wait(&done, plane, id.text, 60000));
  return done;
}

static int32_t review(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  const cp_claimed_task *task = NULL;
  cp_stats *stats = NULL;
  int32_t cancelled = -1;
  CHECK_OK(cp_context_task(&task, context));
  CHECK_TEXT(task->task_type, "code_review");
  CHECK_TEXT(task->payload, "{\"file\":\"main.c\"}");
  CHECK(task->attempt_number == 1);
  CHECK_OK(cp_context_progress(context, 0.5, "half way", "{\"at\":1}", 8));
  CHECK_REFUSED(cp_context_progress(context, 2, NULL, NULL, 0), CP_INVALID_ARGUMENT,
                "fraction is 2");
  CHECK_REFUSED(cp_context_progress(context, 0, NULL, NULL, 100000), CP_INVALID_ARGUMENT,
                "data is 100,000 bytes");
  CHECK_OK(cp_context_cancelled(&cancelled, context));
  CHECK(cancelled == 0);
  CHECK_OK(cp_context_wait_cancelled(&cancelled, context, 0));
  CHECK(cancelled == 0);
  CHECK_OK(cp_stats_get(&stats, host->plane)); /* back into the coordinator */
  CHECK(stats->running_tasks == 1);
  cp_stats_free(stats);
  CHECK_REFUSED(cp_worker_stop(host->worker, 0), CP_FAILED_PRECONDITION, "handler");
  CHECK_REFUSED(cp_context_set_result(context, NULL, 9999999), CP_INVALID_ARGUMENT,
                "result is 9,999,999 bytes");
  CHECK_OK(cp_context_set_result(context, "1", 1));
  CHECK_OK(cp_context_set_result(context, "{\"verdict\":\"fine\"}", 18));
  host->kept = context;
  return CP_OK;
}

static int32_t say_nothing(cp_task_context *context, void *user_data) {
  (void)context;
  (void)user_data;
  return CP_OK;
}

static int32_t answer_number(cp_task_context *context, void *user_data) {
  CHECK_OK(cp_context_set_error(context, "as told"));
  return *(const int32_t *)user_data;
}

TEST(handlers_run, "a handler sees its task, reports, calls back in and answers") {
  struct host host;
  cp_task *done;
  int32_t running = -1;
  const cp_claimed_task *late = NULL;
  open_host(&host, 2);
  CHECK_OK(cp_worker_running(&running, host.worker));
  CHECK(running == 0);
  CHECK_OK(cp_worker_on(host.worker, "code_review", review, &host));
  CHECK_OK(cp_worker_on(host.worker, "*", say_nothing, NULL));
  CHECK_OK(cp_worker_start(host.worker));
  CHECK_STATUS(cp_worker_start(host.worker), CP_FAILED_PRECONDITION);
  CHECK_OK(cp_worker_running(&running, host.worker));
  CHECK(running == 1);
  CHECK_OK(cp_worker_status(host.worker));
  done = run(host.plane, "code_review");
  CHECK(done->state == CP_TASK_COMPLETED);
  CHECK_TEXT(done->result, "{\"verdict\":\"fine\"}");
  CHECK_TEXT(done->progress_note, "half way");
  CHECK_TEXT(done->checkpoint, "{\"at\":1}");
  cp_task_free(done);
  done = run(host.plane, "anything");
  CHECK(done->state == CP_TASK_COMPLETED);
  cp_task_free(done);
  CHECK_REFUSED(cp_context_task(&late, host.kept), CP_FAILED_PRECONDITION,
                "task context is closed");
  CHECK_OK(cp_worker_stop(host.worker, CP_FOREVER_MS));
  CHECK_OK(cp_worker_running(&running, host.worker));
  CHECK(running == 0);
  CHECK_OK(cp_worker_status(host.worker));
  CHECK_OK(cp_worker_close(host.worker));
  close_host(&host);
}

TEST(handlers_fail, "what a handler answers decides how its task ends") {
  static const struct {
    int32_t answer;
    int32_t state;
    int32_t reason;
    const char *error;
  } cases[] = {
      {CP_INVALID_ARGUMENT, CP_TASK_FAILED, CP_REASON_FATAL, "as told"},
      {CP_UNAVAILABLE, CP_TASK_FAILED, CP_REASON_EXHAUSTED, "as told"},
      {77, CP_TASK_FAILED, CP_REASON_EXHAUSTED, "the handler answered 77, which is no status"},
      {-1, CP_TASK_FAILED, CP_REASON_EXHAUSTED, "the handler answered -1, which is no status"},
  };
  struct host host;
  int32_t answer = 0;
  size_t at;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "task", answer_number, &answer));
  CHECK_OK(cp_worker_start(host.worker));
  for (at = 0; at < sizeof(cases) / sizeof(cases[0]); ++at) {
    cp_task *done;
    answer = cases[at].answer;
    done = run(host.plane, "task");
    CHECK(done->state == cases[at].state);
    CHECK(done->reason == cases[at].reason);
    CHECK_IN(done->error, cases[at].error);
    cp_task_free(done);
    if (at == 1) { /* failures in a row would open the agent's circuit */
      answer = CP_OK;
      cp_task_free(run(host.plane, "task"));
    }
  }
  CHECK_OK(cp_worker_close(host.worker));
  close_host(&host);
}

/* Waits for its cancel, and hears of it. */
static int32_t wait_long(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  int32_t cancelled = 0;
  pthread_mutex_lock(&host->mutex);
  ++host->begun;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
  CHECK_OK(cp_context_wait_cancelled(&cancelled, context, CP_FOREVER_MS));
  CHECK(cancelled == 1);
  return CP_CANCELLED;
}

static void await_begun(struct host *host) {
  pthread_mutex_lock(&host->mutex);
  while (host->begun == 0) pthread_cond_wait(&host->changed, &host->mutex);
  pthread_mutex_unlock(&host->mutex);
}

TEST(handlers_are_stopped,
     "a worker that is stopped at once tells its handlers, and their tasks go back") {
  struct host host;
  cp_task_id id;
  int32_t state = -1;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", wait_long, &host));
  CHECK_OK(cp_worker_start(host.worker));
  id = submit(host.plane);
  await_begun(&host);
  CHECK_OK(cp_worker_stop(host.worker, 0));
  CHECK_OK(cp_task_status(&state, host.plane, id.text));
  CHECK(state == CP_TASK_PENDING);
  CHECK_OK(cp_worker_close(host.worker));
  close_host(&host);
}

TEST(closing_stops_workers, "closing the coordinator stops its workers, which are closed later") {
  struct host host;
  int32_t running = 1;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", wait_long, &host));
  CHECK_OK(cp_worker_start(host.worker));
  (void)submit(host.plane);
  await_begun(&host);
  close_host(&host);
  while (running) { /* its handler returns soon */
    CHECK_OK(cp_worker_running(&running, host.worker));
    sched_yield();
  }
  CHECK_OK(cp_worker_close(host.worker));
}

static int32_t close_worker(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  (void)context;
  CHECK_OK(cp_worker_close(host->worker));
  return CP_OK;
}

TEST(a_handler_closes_its_worker, "a handler may close its own worker") {
  struct host host;
  cp_task *done;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", close_worker, &host));
  CHECK_OK(cp_worker_start(host.worker));
  done = run(host.plane, "code_review");
  CHECK(done->state == CP_TASK_COMPLETED);
  cp_task_free(done);
  CHECK_REFUSED(cp_worker_start(host.worker), CP_FAILED_PRECONDITION, "worker is closed");
  close_host(&host);
}

static int32_t close_plane(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  const cp_claimed_task *task = NULL;
  CHECK_OK(cp_coordinator_close(host->plane));
  CHECK_OK(cp_context_task(&task, context)); /* still its own */
  CHECK_TEXT(task->task_type, "code_review");
  pthread_mutex_lock(&host->mutex);
  ++host->begun;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
  return CP_OK;
}

TEST(a_handler_closes_all, "a handler may close its coordinator; its worker outlives it") {
  struct host host;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", close_plane, &host));
  CHECK_OK(cp_worker_start(host.worker));
  (void)submit(host.plane);
  await_begun(&host);
  CHECK_REFUSED(cp_coordinator_close(host.plane), CP_FAILED_PRECONDITION, "coordinator is closed");
  CHECK_OK(cp_worker_close(host.worker));
  pthread_cond_destroy(&host.changed);
  pthread_mutex_destroy(&host.mutex);
}

/* Threads of this process. */
static int count_threads(void) {
  int count = 0;
  const struct dirent *entry;
  DIR *threads = opendir("/proc/self/task");
  if (!CHECK(threads != NULL)) return 0;
  while ((entry = readdir(threads)) != NULL) count += entry->d_name[0] != '.';
  CHECK(closedir(threads) == 0);
  return count;
}

/* Then all threads of the library have ended but the one that does it, which host->threads counts. */
static int32_t close_worker_and_plane(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  time_t until = time(NULL) + 10;
  (void)context;
  CHECK_OK(cp_worker_close(host->worker));
  CHECK_OK(cp_coordinator_close(host->plane));
  while (count_threads() > host->threads && time(NULL) < until) sched_yield();
  CHECK(count_threads() == host->threads);
  pthread_mutex_lock(&host->mutex);
  ++host->begun;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
  return CP_OK;
}

TEST(a_handler_closes_both,
     "a handler may close its worker and then its coordinator, which does not wait for it") {
  struct host host;
  const int threads = count_threads();
  open_host(&host, 1);
  host.threads = threads + 1;
  CHECK_OK(cp_worker_on(host.worker, "code_review", close_worker_and_plane, &host));
  CHECK_OK(cp_worker_start(host.worker));
  (void)submit(host.plane);
  await_begun(&host);
  CHECK_REFUSED(cp_coordinator_close(host.plane), CP_FAILED_PRECONDITION, "coordinator is closed");
  pthread_cond_destroy(&host.changed);
  pthread_mutex_destroy(&host.mutex);
}

/* Another thread in the handler's context, which the handler does not wait for. */
static void *use_context(void *user_data) {
  struct host *host = user_data;
  const cp_claimed_task *task = NULL;
  int32_t cancelled = -1;
  int32_t status;
  pthread_mutex_lock(&host->mutex);
  ++host->begun;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
  do { /* until the handler has returned */
    status = cp_context_wait_cancelled(&cancelled, host->kept, 1);
    if (status == CP_OK) status = cp_context_task(&task, host->kept);
  } while (status == CP_OK);
  CHECK(status == CP_FAILED_PRECONDITION);
  return NULL;
}

static int32_t leave_a_thread(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  host->kept = context;
  CHECK(pthread_create(&host->thread, NULL, use_context, host) == 0);
  await_begun(host);
  return CP_OK;
}

TEST(a_context_ends,
     "a context that another thread uses ends with its handler, and nothing crashes") {
  struct host host;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", leave_a_thread, &host));
  CHECK_OK(cp_worker_start(host.worker));
  cp_task_free(run(host.plane, "code_review"));
  CHECK(pthread_join(host.thread, NULL) == 0);
  CHECK_OK(cp_worker_close(host.worker));
  close_host(&host);
}

/* A watcher: would kill what the handler runs if that is cancelled. */
static void *wait_for_cancel(void *user_data) {
  struct host *host = user_data;
  int32_t cancelled = -1;
  pthread_mutex_lock(&host->mutex);
  ++host->begun;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
  CHECK_REFUSED(cp_context_wait_cancelled(&cancelled, host->kept, CP_FOREVER_MS),
                CP_FAILED_PRECONDITION, "task context is closed");
  return NULL;
}

static int32_t leave_a_watcher(cp_task_context *context, void *user_data) {
  struct host *host = user_data;
  host->kept = context;
  CHECK(pthread_create(&host->thread, NULL, wait_for_cancel, host) == 0);
  await_begun(host);
  return CP_OK;
}

TEST(waits_end, "a thread that waits for a cancel does not keep the handler from returning") {
  struct host host;
  int round;
  open_host(&host, 1);
  CHECK_OK(cp_worker_on(host.worker, "code_review", leave_a_watcher, &host));
  CHECK_OK(cp_worker_start(host.worker));
  for (round = 0; round < 10; ++round) { /* so that it waits before the handler returns, mostly */
    host.begun = 0;
    cp_task_free(run(host.plane, "code_review"));
    CHECK(pthread_join(host.thread, NULL) == 0);
  }
  CHECK_OK(cp_worker_close(host.worker));
  close_host(&host);
}

struct abandoned {
  struct host host;
  cp_attempt attempt;
  char id[CP_TASK_ID_BYTES];
};

static int32_t leave_alone(cp_task_context *context, void *user_data) {
  struct abandoned *left = user_data;
  const cp_claimed_task *task = NULL;
  CHECK_OK(cp_context_task(&task, context));
  CHECK_OK(cp_context_abandon(context));
  pthread_mutex_lock(&left->host.mutex);
  left->attempt = task->attempt;
  snprintf(left->id, sizeof(left->id), "%s", task->task_id);
  left->attempt.task_id = left->id;
  ++left->host.begun;
  pthread_cond_broadcast(&left->host.changed);
  pthread_mutex_unlock(&left->host.mutex);
  return CP_OK;
}

TEST(attempts_are_abandoned, "an abandoned attempt is ended by somebody else") {
  struct abandoned left;
  cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
  open_host(&left.host, 1);
  CHECK_OK(cp_worker_on(left.host.worker, "code_review", leave_alone, &left));
  CHECK_OK(cp_worker_start(left.host.worker));
  (void)submit(left.host.plane);
  await_begun(&left.host);
  end.attempt = left.attempt;
  CHECK_OK(cp_task_complete(left.host.plane, &end));
  CHECK_OK(cp_worker_close(left.host.worker));
  close_host(&left.host);
}

TEST(worker_options_are_checked,
     "a worker that breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_worker *worker = NULL;
  cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  CHECK_REFUSED(cp_worker_open(&worker, plane, NULL), CP_INVALID_ARGUMENT,
                "cp_worker_options is NULL");
  CHECK_REFUSED(cp_worker_open(NULL, plane, &options), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_OK(cp_worker_open(&worker, plane, &options));
  CHECK_REFUSED(cp_worker_start(worker), CP_INVALID_ARGUMENT, "agent_id");
  CHECK_REFUSED(cp_worker_on(worker, NULL, say_nothing, NULL), CP_INVALID_ARGUMENT,
                "task_type is empty");
  CHECK_REFUSED(cp_worker_on(worker, "t", NULL, NULL), CP_INVALID_ARGUMENT, "handler is NULL");
  CHECK_REFUSED(cp_worker_running(NULL, worker), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_OK(cp_worker_close(worker));
  options.agent_id = "a";
  options.concurrency = 100000;
  CHECK_OK(cp_worker_open(&worker, plane, &options));
  CHECK_REFUSED(cp_worker_start(worker), CP_INVALID_ARGUMENT, "max_worker_concurrency");
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(a_handler_closes_both); /* first: threads of others may still be ending */
  RUN(handlers_run);
  RUN(handlers_fail);
  RUN(handlers_are_stopped);
  RUN(closing_stops_workers);
  RUN(a_handler_closes_its_worker);
  RUN(a_handler_closes_all);
  RUN(a_context_ends);
  RUN(waits_end);
  RUN(attempts_are_abandoned);
  RUN(worker_options_are_checked);
  return report();
}
