/* Without memory: what the interface made no use of is not lost, and nothing hangs. */
#include <errno.h>
#include <stdlib.h>

#include "plane.h"

/* This program's allocator, which can be told to fail once: in this thread, after so many calls. */
void *__libc_malloc(size_t size);
static __thread long calls_left = -1;
static long failures;

void *malloc(size_t size) {
  if (calls_left == 0) {
    calls_left = -1;
    ++failures;
    errno = ENOMEM;
    return NULL;
  }
  if (calls_left > 0) --calls_left;
  return __libc_malloc(size);
}

/* A task with all that its claim needs memory for. */
static void submit_one(cp_coordinator *plane) {
  static const cp_label labels[] = {{"pr", "17"}};
  static char id[150];
  static int count;
  cp_task_spec spec = task_spec();
  snprintf(id, sizeof(id), "%0140d", ++count);
  spec.task_id = id;
  spec.labels = labels;
  spec.label_count = 1;
  CHECK_OK(cp_task_submit(NULL, plane, &spec));
}

static void complete_and_free(cp_coordinator *plane, cp_claimed_tasks *tasks) {
  size_t at;
  for (at = 0; at < tasks->count; ++at) {
    const cp_complete_request end = completion(tasks->items[at]);
    CHECK_OK(cp_task_complete(plane, &end));
  }
  cp_claimed_tasks_free(tasks);
}

static int32_t claim_one(cp_coordinator *plane, cp_queue *queue, const cp_claim_request *request) {
  cp_claimed_task *task = NULL;
  const int32_t status = cp_task_claim(&task, plane, request);
  (void)queue;
  cp_claimed_task_free(task);
  return status;
}

static int32_t claim_some(cp_coordinator *plane, cp_queue *queue, const cp_claim_request *request) {
  cp_claimed_tasks *tasks = NULL;
  const int32_t status = cp_task_claim_many(&tasks, plane, request);
  (void)queue;
  cp_claimed_tasks_free(tasks);
  return status;
}

static int32_t claim_later(cp_coordinator *plane, cp_queue *queue,
                           const cp_claim_request *request) {
  cp_completion *completion = NULL;
  size_t count = 0;
  int32_t status = cp_task_claim_async(plane, request, queue, NULL);
  if (status != CP_OK) return status;
  CHECK_OK(cp_queue_drain(&count, queue, &completion, 1));
  CHECK(count == 1);
  status = completion->status;
  cp_completion_free(completion);
  return status;
}

/* With memory for one allocation more every time: the last one that fails is that of the answer, and
 * then the tasks are there for the next claim. */
static void claim_without_memory(int32_t (*claim_so)(cp_coordinator *, cp_queue *,
                                                     const cp_claim_request *)) {
  enum { kTasks = 3, kMost = 100 };
  cp_limits limits = CP_LIMITS_INIT;
  cp_options options = CP_OPTIONS_INIT;
  cp_coordinator *plane = NULL;
  cp_queue *queue = NULL;
  cp_claimed_tasks *tasks = NULL;
  cp_claim_request request = claim_request("reviewer-1");
  long calls;
  long before = -1;
  size_t came_back = 0;
  limits.max_name_bytes = 150;
  options.limits = &limits;
  request.max_tasks = kTasks;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_queue_open(&queue, NULL));
  for (calls = 0; calls < kMost && failures != before; ++calls) {
    int at;
    int32_t status;
    for (at = 0; at < kTasks; ++at) submit_one(plane);
    before = failures;
    calls_left = calls;
    status = claim_so(plane, queue, &request);
    calls_left = -1;
    if (failures == before) {
      CHECK(status == CP_OK);
    } else {
      CHECK(status == CP_RESOURCE_EXHAUSTED);
      CHECK_OK(cp_task_claim_many(&tasks, plane, &request));
      came_back = tasks->count;
      complete_and_free(plane, tasks);
    }
  }
  CHECK(calls > 3 && calls < kMost);
  CHECK(came_back == kTasks);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(claims_come_back, "a claim without memory for its answer gives its tasks back") {
  claim_without_memory(claim_one);
  claim_without_memory(claim_some);
  claim_without_memory(claim_later);
}

static uint64_t permits_out(cp_coordinator *plane) {
  cp_pool *pool = NULL;
  uint64_t permits;
  CHECK_OK(cp_pool_get(&pool, plane, "slots"));
  permits = pool->permits;
  cp_pool_free(pool);
  return permits;
}

TEST(permits_come_back, "a permit without memory for its answer goes back") {
  enum { kMost = 100 };
  static const cp_permit_need need = {"slots", 1};
  cp_coordinator *plane = open_plane();
  cp_pool_spec spec = CP_POOL_SPEC_INIT;
  cp_acquire_request request = CP_ACQUIRE_REQUEST_INIT;
  long calls;
  long before = -1;
  uint64_t out_at_last = 1;
  spec.name = "slots";
  spec.capacity = CP_UNLIMITED;
  CHECK_OK(cp_pool_define(NULL, plane, &spec));
  request.needs = &need;
  request.need_count = 1;
  request.owner = "an-owner-whose-name-is-longer-than-what-fits-without-memory";
  for (calls = 0; calls < kMost && failures != before; ++calls) {
    cp_permit *permit = NULL;
    const uint64_t out = permits_out(plane);
    int32_t status;
    before = failures;
    calls_left = calls;
    status = cp_permit_acquire(&permit, plane, &request);
    calls_left = -1;
    CHECK(status == (failures == before ? CP_OK : CP_RESOURCE_EXHAUSTED));
    if (status != CP_OK) out_at_last = permits_out(plane) - out;
    cp_permit_free(permit);
  }
  CHECK(calls > 3 && calls < kMost);
  CHECK(out_at_last == 0);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(opening_fails, "opening without memory fails, and does not hang") {
  cp_coordinator *plane = NULL;
  long calls;
  long before = -1;
  for (calls = 0; failures != before; ++calls) {
    int32_t status;
    before = failures;
    calls_left = calls;
    status = cp_coordinator_open(&plane, NULL);
    calls_left = -1;
    CHECK(status == CP_OK || plane == NULL);
    CHECK_OK(cp_coordinator_close(plane));
  }
  CHECK(calls > 10);
}

int main(void) {
  plane_used();
  CHECK_OK(cp_coordinator_close(open_plane())); /* what is made once is there */
  RUN(claims_come_back);
  RUN(permits_come_back);
  RUN(opening_fails);
  return report();
}
