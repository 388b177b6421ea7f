/* Threads against each other: working, closing under load, completions exactly once. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "plane.h"

enum { kThreads = 4, kRounds = 20, kTasks = 200, kCalls = 300 };

static void start_thread(pthread_t *thread, void *(*body)(void *), void *data) {
  CHECK(pthread_create(thread, NULL, body, data) == 0);
}
static void join(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

/* Checks of other threads: a race in the count itself would hide one. */
static pthread_mutex_t report_mutex = PTHREAD_MUTEX_INITIALIZER;
#define EXPECT(condition)                                     \
  do {                                                        \
    if (!(condition)) {                                       \
      pthread_mutex_lock(&report_mutex);                      \
      check_that(0, #condition, __FILE__, __LINE__);          \
      fprintf(stderr, "  last error: %s\n", cp_last_error()); \
      pthread_mutex_unlock(&report_mutex);                    \
    }                                                         \
  } while (0)

static void *do_tasks(void *data) {
  cp_coordinator *plane = data;
  const cp_task_spec spec = task_spec();
  cp_claim_request request = claim_request("reviewer-1");
  int at;
  request.wait_ms = 60000;
  for (at = 0; at < kTasks; ++at) {
    cp_claimed_task *task = NULL;
    cp_task *done = NULL;
    cp_task_id id;
    cp_complete_request end;
    EXPECT(cp_task_submit(&id, plane, &spec) == CP_OK);
    EXPECT(cp_task_claim(&task, plane, &request) == CP_OK && task != NULL);
    end = completion(task);
    EXPECT(cp_task_complete(plane, &end) == CP_OK);
    cp_claimed_task_free(task);
    EXPECT(cp_task_wait(&done, plane, id.text, 60000) == CP_OK);
    cp_task_free(done);
  }
  return NULL;
}

TEST(threads_work, "threads work on one coordinator, each task done once") {
  cp_coordinator *plane = open_plane();
  cp_stats *stats = NULL;
  pthread_t threads[kThreads];
  int at;
  for (at = 0; at < kThreads; ++at) start_thread(&threads[at], do_tasks, plane);
  for (at = 0; at < kThreads; ++at) join(threads[at]);
  CHECK_OK(cp_stats_get(&stats, plane));
  CHECK(stats->completed_total == kThreads * kTasks);
  CHECK(stats->pending_tasks == 0);
  cp_stats_free(stats);
  CHECK_OK(cp_coordinator_close(plane));
}

static void *work_until_closed(void *data) {
  cp_coordinator *plane = data;
  const cp_task_spec spec = task_spec();
  cp_claim_request request = claim_request("reviewer-1");
  int32_t status = CP_OK;
  request.wait_ms = CP_FOREVER_MS;
  while (status == CP_OK) {
    cp_claimed_task *task = NULL;
    status = cp_task_submit(NULL, plane, &spec);
    if (status == CP_OK) status = cp_task_claim(&task, plane, &request);
    if (status == CP_OK) {
      const cp_complete_request end = completion(task);
      status = cp_task_complete(plane, &end);
    }
    cp_claimed_task_free(task);
  }
  EXPECT(status == CP_CANCELLED || status == CP_FAILED_PRECONDITION);
  return NULL;
}

static void *wait_for_nothing(void *data) {
  cp_coordinator *plane = data;
  cp_claimed_task *task = NULL;
  cp_claim_request request = claim_request("reviewer-2");
  static const char *const other[] = {"debate"};
  int32_t status;
  request.capabilities = other;
  request.wait_ms = CP_FOREVER_MS;
  status = cp_task_claim(&task, plane, &request);
  EXPECT(task == NULL);
  EXPECT(status == CP_CANCELLED || status == CP_FAILED_PRECONDITION);
  return NULL;
}

static void *close_too(void *data) {
  const int32_t status = cp_coordinator_close(data);
  EXPECT(status == CP_OK || status == CP_FAILED_PRECONDITION);
  return status == CP_OK ? data : NULL;
}

TEST(closing_under_load,
     "a coordinator is closed, by one of two, while threads work and wait in it") {
  int round;
  for (round = 0; round < kRounds; ++round) {
    cp_coordinator *plane = open_plane();
    pthread_t workers[kThreads];
    pthread_t waiter;
    pthread_t closers[2];
    void *closed[2] = {NULL, NULL};
    int at;
    for (at = 0; at < kThreads; ++at) start_thread(&workers[at], work_until_closed, plane);
    start_thread(&waiter, wait_for_nothing, plane);
    for (at = 0; at < round; ++at) sched_yield();
    for (at = 0; at < 2; ++at) start_thread(&closers[at], close_too, plane);
    for (at = 0; at < 2; ++at) CHECK(pthread_join(closers[at], &closed[at]) == 0);
    CHECK((closed[0] == NULL) != (closed[1] == NULL));
    for (at = 0; at < kThreads; ++at) join(workers[at]);
    join(waiter);
  }
}

/* Calls with a mark each, and how often each mark came back. */
struct loop {
  cp_coordinator *plane;
  cp_queue *queue;
  pthread_mutex_t mutex;
  int started[kThreads]; /* by thread: calls that answered CP_OK */
  int came[kThreads][kCalls];
};
struct caller {
  struct loop *loop;
  int number;
};

static void *call_a_lot(void *data) {
  struct caller *caller = data;
  struct loop *loop = caller->loop;
  const cp_task_spec spec = task_spec();
  cp_claim_request request = claim_request("reviewer-1");
  int at;
  request.wait_ms = CP_FOREVER_MS;
  for (at = 0; at < kCalls; ++at) {
    int *mark = &loop->came[caller->number][at];
    int32_t status;
    if (at % 3 == 0) {
      status = cp_task_submit_async(loop->plane, &spec, loop->queue, mark);
    } else if (at % 3 == 1) {
      status = cp_task_claim_async(loop->plane, &request, loop->queue, mark);
    } else {
      status = cp_task_wait_async(loop->plane, "task-x", CP_FOREVER_MS, loop->queue, mark);
    }
    if (status != CP_OK) {
      EXPECT(status == CP_FAILED_PRECONDITION || status == CP_CANCELLED);
      break;
    }
    loop->started[caller->number] = at + 1;
  }
  return NULL;
}

/* Drains what there is, and counts it. */
static size_t drain(struct loop *loop) {
  cp_completion *items[16];
  size_t count = 0;
  size_t at;
  CHECK_OK(cp_queue_drain(&count, loop->queue, items, 16));
  for (at = 0; at < count; ++at) {
    ++*(int *)items[at]->user_data;
    CHECK((items[at]->status == CP_OK) == (items[at]->error[0] == '\0'));
    cp_completion_free(items[at]);
  }
  return count;
}

static void open_loop(struct loop *loop, struct caller *callers, pthread_t *threads) {
  int at;
  memset(loop, 0, sizeof(*loop));
  loop->plane = open_plane();
  CHECK_OK(cp_queue_open(&loop->queue, NULL));
  for (at = 0; at < kThreads; ++at) {
    callers[at].loop = loop;
    callers[at].number = at;
    start_thread(&threads[at], call_a_lot, &callers[at]);
  }
}

/* Every call that was started came back once, and no other did. */
static void check_once(const struct loop *loop) {
  int thread;
  int at;
  int wrong = 0;
  for (thread = 0; thread < kThreads; ++thread) {
    for (at = 0; at < kCalls; ++at) {
      wrong += loop->came[thread][at] != (at < loop->started[thread]);
    }
  }
  CHECK(wrong == 0);
}

TEST(once_when_closing, "every call completes once while its coordinator is closed") {
  int round;
  for (round = 0; round < kRounds; ++round) {
    struct loop *loop = malloc(sizeof(*loop));
    struct caller callers[kThreads];
    pthread_t threads[kThreads];
    int at;
    open_loop(loop, callers, threads);
    for (at = 0; at < round * 4; ++at) drain(loop);
    CHECK_OK(cp_coordinator_close(loop->plane));
    for (at = 0; at < kThreads; ++at) join(threads[at]);
    while (drain(loop) > 0) continue;
    check_once(loop);
    CHECK_OK(cp_queue_close(loop->queue));
    free(loop);
  }
}

TEST(once_when_cancelling, "every call completes once while its queue is cancelled") {
  int round;
  for (round = 0; round < kRounds; ++round) {
    struct loop *loop = malloc(sizeof(*loop));
    struct caller callers[kThreads];
    pthread_t threads[kThreads];
    int at;
    open_loop(loop, callers, threads);
    for (at = 0; at < round * 4; ++at) drain(loop);
    CHECK_OK(cp_queue_cancel(loop->queue));
    while (drain(loop) > 0) continue; /* nothing is outstanding any more */
    for (at = 0; at < kThreads; ++at) join(threads[at]);
    check_once(loop);
    CHECK_OK(cp_coordinator_close(loop->plane));
    CHECK(drain(loop) == 0);
    CHECK_OK(cp_queue_close(loop->queue));
    free(loop);
  }
}

static void *close_the_queue(void *data) {
  EXPECT(cp_queue_close(data) == CP_OK);
  return NULL;
}

TEST(queues_close_under_load,
     "a queue is closed while threads start calls with it and complete them") {
  int round;
  for (round = 0; round < kRounds; ++round) {
    struct loop *loop = malloc(sizeof(*loop));
    struct caller callers[kThreads];
    pthread_t threads[kThreads];
    pthread_t closer;
    int at;
    open_loop(loop, callers, threads);
    start_thread(&closer, close_the_queue, loop->queue);
    join(closer);
    for (at = 0; at < kThreads; ++at) join(threads[at]);
    CHECK_OK(cp_coordinator_close(loop->plane));
    free(loop);
  }
}

/* One thread polls the descriptor as an event loop would: no wake-up may be lost. */
static void *poll_all(void *data) {
  struct loop *loop = data;
  struct pollfd fd;
  size_t seen = 0;
  EXPECT(cp_queue_completion_fd(&fd.fd, loop->queue) == CP_OK);
  fd.events = POLLIN;
  while (seen < kThreads * kTasks) {
    EXPECT(poll(&fd, 1, 60000) == 1);
    seen += drain(loop);
  }
  return NULL;
}

static void *ask_a_lot(void *data) {
  struct caller *caller = data;
  int at;
  for (at = 0; at < kTasks; ++at) {
    EXPECT(cp_task_status_async(caller->loop->plane, "task-x", caller->loop->queue,
                                &caller->loop->came[caller->number][at]) == CP_OK);
  }
  return NULL;
}

TEST(no_wakeup_is_lost, "who waits for the descriptor hears of every completion") {
  struct loop *loop = malloc(sizeof(*loop));
  struct caller callers[kThreads];
  pthread_t threads[kThreads];
  pthread_t poller;
  int at;
  memset(loop, 0, sizeof(*loop));
  loop->plane = open_plane();
  CHECK_OK(cp_queue_open(&loop->queue, NULL));
  start_thread(&poller, poll_all, loop);
  for (at = 0; at < kThreads; ++at) {
    callers[at].loop = loop;
    callers[at].number = at;
    start_thread(&threads[at], ask_a_lot, &callers[at]);
  }
  for (at = 0; at < kThreads; ++at) join(threads[at]);
  join(poller);
  CHECK_OK(cp_queue_close(loop->queue));
  CHECK_OK(cp_coordinator_close(loop->plane));
  free(loop);
}

static void count_events(const cp_event_batch *batch, void *user_data) {
  (void)batch;
  (void)user_data;
}

static void *subscribe_and_close(void *data) {
  int at;
  for (at = 0; at < kTasks; ++at) {
    cp_subscription *subscription = NULL;
    EXPECT(cp_event_subscribe(&subscription, data, NULL, count_events, NULL) == CP_OK);
    EXPECT(cp_subscription_close(subscription) == CP_OK);
  }
  return NULL;
}

TEST(subscriptions_come_and_go, "subscriptions come and go while events do") {
  cp_coordinator *plane = open_plane();
  pthread_t threads[kThreads];
  int at;
  for (at = 0; at < kThreads; ++at) {
    start_thread(&threads[at], at % 2 == 0 ? subscribe_and_close : do_tasks, plane);
  }
  for (at = 0; at < kThreads; ++at) join(threads[at]);
  CHECK_OK(cp_coordinator_close(plane));
}

/* Handles of several threads are opened and closed all the time, and old ones are used. */
static void *open_and_close(void *data) {
  cp_queue *old = NULL;
  int at;
  (void)data;
  for (at = 0; at < kTasks; ++at) {
    cp_queue *queue = NULL;
    int32_t fd;
    EXPECT(cp_queue_open(&queue, NULL) == CP_OK);
    EXPECT(old == NULL || cp_queue_completion_fd(&fd, old) == CP_FAILED_PRECONDITION);
    EXPECT(cp_queue_close(queue) == CP_OK);
    old = queue;
  }
  return NULL;
}

TEST(handles_come_and_go, "a handle of the past is never taken for one of another thread") {
  pthread_t threads[kThreads];
  int at;
  for (at = 0; at < kThreads; ++at) start_thread(&threads[at], open_and_close, NULL);
  for (at = 0; at < kThreads; ++at) join(threads[at]);
}

int main(void) {
  plane_used();
  RUN(threads_work);
  RUN(closing_under_load);
  RUN(once_when_closing);
  RUN(once_when_cancelling);
  RUN(queues_close_under_load);
  RUN(no_wakeup_is_lost);
  RUN(subscriptions_come_and_go);
  RUN(handles_come_and_go);
  return report();
}
