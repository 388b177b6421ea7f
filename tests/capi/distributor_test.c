/* Distributors and their pools; coordinators beside each other. */
#include <pthread.h>
#include <sched.h>

#include "plane.h"

static const cp_label of_pool[] = {{"distributor", "d1"}};

/* Counts handlers that have begun, and holds them until it is opened. */
struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int begun;
  int open;
};

static void make_gate(struct gate *gate, int open) {
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->changed, NULL);
  gate->begun = 0;
  gate->open = open;
}

static void drop_gate(struct gate *gate) {
  pthread_cond_destroy(&gate->changed);
  pthread_mutex_destroy(&gate->mutex);
}

static void open_gate(struct gate *gate) {
  pthread_mutex_lock(&gate->mutex);
  gate->open = 1;
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->mutex);
}

static void await_begun(struct gate *gate, int count) {
  pthread_mutex_lock(&gate->mutex);
  while (gate->begun < count) pthread_cond_wait(&gate->changed, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
}

/* Answers its payload. */
static int32_t review(cp_task_context *context, void *user_data) {
  struct gate *gate = user_data;
  const cp_claimed_task *task = NULL;
  pthread_mutex_lock(&gate->mutex);
  ++gate->begun;
  pthread_cond_broadcast(&gate->changed);
  while (!gate->open) pthread_cond_wait(&gate->changed, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
  CHECK_OK(cp_context_task(&task, context));
  return cp_context_set_result(context, task->payload, task->payload_length);
}

static cp_worker *start_worker(cp_coordinator *plane, const char *id, uint32_t concurrency,
                               struct gate *gate) {
  cp_worker *worker = NULL;
  cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  options.agent_id = id;
  options.capabilities = plane_code;
  options.capability_count = 1;
  options.labels = of_pool;
  options.label_count = 1;
  options.concurrency = concurrency;
  CHECK_OK(cp_worker_open(&worker, plane, &options));
  CHECK_OK(cp_worker_on(worker, "*", review, gate));
  CHECK_OK(cp_worker_start(worker));
  return worker;
}

static cp_distributor_options distributor_options(void) {
  cp_distributor_options options = CP_DISTRIBUTOR_OPTIONS_INIT;
  options.agent_id = "d1";
  options.capabilities = plane_code;
  options.capability_count = 1;
  options.drain_timeout_ms = 0;
  return options;
}

static cp_distributor *start_distributor(cp_coordinator *plane) {
  cp_distributor *distributor = NULL;
  const cp_distributor_options options = distributor_options();
  CHECK_OK(cp_distributor_start(&distributor, plane, &options));
  return distributor;
}

static cp_coordinator *open_beside(cp_coordinator *plane) {
  cp_coordinator *other = NULL;
  CHECK_OK(cp_coordinator_open_beside(&other, plane, NULL));
  return other;
}

static int32_t leads(cp_distributor *distributor) {
  int32_t answer = -1;
  CHECK_OK(cp_distributor_leads(&answer, distributor));
  return answer;
}

static void await_lead(cp_distributor *distributor, int32_t wanted) {
  while (leads(distributor) != wanted) sched_yield();
}

static cp_pool_workers *workers(cp_distributor *distributor) {
  cp_pool_workers *all = NULL;
  CHECK_OK(cp_distributor_workers(&all, distributor));
  return all;
}

static void await_usable(cp_distributor *distributor, size_t wanted) {
  size_t usable = wanted + 1;
  while (usable != wanted) {
    cp_pool_workers *all = workers(distributor);
    size_t at;
    usable = 0;
    for (at = 0; at < all->count; ++at) usable += all->items[at]->usable == 1;
    cp_pool_workers_free(all);
    sched_yield();
  }
}

/* A task for the distributor. */
static cp_task_id submit_to_pool(cp_coordinator *plane) {
  cp_task_id id;
  cp_task_spec spec = task_spec();
  spec.agent_id = "d1";
  memset(&id, 0, sizeof(id));
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  return id;
}

static void await_end(cp_coordinator *plane, const char *id, const char *holder) {
  cp_task *done = NULL;
  if (!CHECK_OK(cp_task_wait(&done, plane, id, 60000))) return;
  CHECK(done->state == CP_TASK_COMPLETED);
  CHECK_TEXT(done->result, "{\"file\":\"main.c\"}");
  CHECK_TEXT(done->agent_id, holder);
  cp_task_free(done);
}

static void check_directed(cp_coordinator *plane, const char *id, const char *worker) {
  cp_task *task = NULL;
  if (!CHECK_OK(cp_task_get(&task, plane, id))) return;
  CHECK_TEXT(task->directed_to, worker);
  cp_task_free(task);
}

TEST(pools_do_the_work, "what a distributor takes its workers do, and its submitter gets the end") {
  enum { kTasks = 8 };
  struct gate gate;
  cp_coordinator *plane = open_plane();
  cp_coordinator *host = open_beside(plane);
  cp_distributor *distributor = start_distributor(plane);
  cp_pool_workers *all;
  cp_worker *one;
  cp_worker *two;
  cp_task_id ids[kTasks];
  int at;
  make_gate(&gate, 1);
  two = start_worker(host, "w2", 2, &gate);
  one = start_worker(plane, "w1", 1, &gate);
  await_usable(distributor, 2);
  for (at = 0; at < kTasks; ++at) ids[at] = submit_to_pool(plane);
  for (at = 0; at < kTasks; ++at) await_end(plane, ids[at].text, "d1");
  CHECK(gate.begun == kTasks);
  all = workers(distributor);
  CHECK(all->struct_size == sizeof(cp_pool_workers) && all->count == 2);
  CHECK(all->items[0]->struct_size == sizeof(cp_pool_worker));
  CHECK_TEXT(all->items[0]->agent_id, "w1");
  CHECK_TEXT(all->items[1]->agent_id, "w2");
  CHECK(all->items[0]->slots == 1 && all->items[1]->slots == 2);
  CHECK(all->items[0]->capability_count == 1);
  CHECK_TEXT(all->items[0]->capabilities[0], "code");
  CHECK_OK(cp_distributor_stop(distributor, CP_FOREVER_MS));
  CHECK_OK(cp_distributor_stop(distributor, 0));
  CHECK(leads(distributor) == 0);
  CHECK_TEXT(all->items[1]->agent_id, "w2"); /* plain memory */
  cp_pool_workers_free(all);
  cp_pool_workers_free(NULL);
  all = workers(distributor);
  CHECK(all->count == 0);
  cp_pool_workers_free(all);
  CHECK_OK(cp_distributor_close(distributor));
  CHECK_OK(cp_worker_close(one));
  CHECK_OK(cp_worker_close(two));
  CHECK_OK(cp_coordinator_close(host));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

TEST(tasks_are_given, "a task is given to a worker by its name, or to the least loaded one") {
  struct gate gate;
  cp_coordinator *plane = open_plane();
  cp_distributor *distributor = start_distributor(plane);
  cp_worker *one;
  cp_worker *two;
  cp_pool_workers *all;
  cp_task_id first;
  cp_task_id second;
  cp_task_spec spec = task_spec();
  static const char *const gpu[] = {"gpu"};
  make_gate(&gate, 0);
  one = start_worker(plane, "w1", 1, &gate);
  two = start_worker(plane, "w2", 1, &gate);
  await_usable(distributor, 2);
  CHECK_OK(cp_distributor_assign_task(&first, distributor, &spec, "w2"));
  check_directed(plane, first.text, "w2");
  all = workers(distributor);
  CHECK(all->items[0]->pending_task_count == 0 && all->items[1]->pending_task_count == 1);
  CHECK_TEXT(all->items[1]->pending_tasks[0], first.text);
  cp_pool_workers_free(all);
  CHECK_OK(cp_distributor_assign_task(&second, distributor, &spec, NULL));
  check_directed(plane, second.text, "w1");
  CHECK_OK(cp_distributor_assign_task(NULL, distributor, &spec, "w1")); /* nobody asks which */
  CHECK_OK(cp_distributor_assign_task(&second, distributor, &spec, ""));
  check_directed(plane, second.text, "w2");
  CHECK_REFUSED(cp_distributor_assign_task(&second, distributor, &spec, "w3"), CP_NOT_FOUND,
                "agent \"w3\" is no worker of distributor d1");
  CHECK_TEXT(second.text, "");
  spec.required_capabilities = gpu;
  CHECK_REFUSED(cp_distributor_assign_task(NULL, distributor, &spec, NULL), CP_NOT_FOUND,
                "no usable worker of distributor d1 offers what the task requires");
  spec.required_capabilities = plane_code;
  spec.agent_id = "w1";
  CHECK_REFUSED(cp_distributor_assign_task(NULL, distributor, &spec, NULL), CP_INVALID_ARGUMENT,
                "agent_id is \"w1\"");
  open_gate(&gate);
  await_end(plane, first.text, "w2");
  await_begun(&gate, 4);
  CHECK_OK(cp_worker_close(one));
  CHECK_OK(cp_worker_close(two));
  CHECK_OK(cp_distributor_close(distributor));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

TEST(batches_are_given, "each task of a batch gets its own answer, in the order of the batch") {
  struct gate gate;
  cp_heartbeat_report drains = CP_HEARTBEAT_REPORT_INIT;
  cp_coordinator *plane = open_plane();
  cp_distributor *distributor = start_distributor(plane);
  cp_worker *worker;
  cp_answers *answers = NULL;
  cp_task_spec specs[4];
  size_t at;
  make_gate(&gate, 1);
  worker = start_worker(plane, "w1", 1, &gate);
  await_usable(distributor, 1);
  for (at = 0; at < 4; ++at) specs[at] = task_spec();
  specs[0].payload_length = 99999999; /* refused before it is read */
  specs[2].agent_id = "w1";
  CHECK_OK(cp_distributor_batch_assign_tasks(&answers, distributor, specs, 4, "w1"));
  CHECK(answers->count == 4);
  CHECK(answers->items[0]->status == CP_INVALID_ARGUMENT);
  CHECK_IN(answers->items[0]->error, "payload is 99,999,999 bytes");
  CHECK(answers->items[2]->status == CP_INVALID_ARGUMENT);
  CHECK_IN(answers->items[2]->error, "agent_id is \"w1\"");
  for (at = 1; at < 4; at += 2) {
    CHECK(answers->items[at]->status == CP_OK);
    await_end(plane, answers->items[at]->task_id, "w1");
  }
  cp_answers_free(answers);
  CHECK_OK(cp_distributor_batch_assign_tasks(&answers, distributor, specs, 2, NULL));
  CHECK(answers->items[0]->status == CP_INVALID_ARGUMENT && answers->items[1]->status == CP_OK);
  await_end(plane, answers->items[1]->task_id, "w1");
  cp_answers_free(answers);
  CHECK_OK(cp_distributor_batch_assign_tasks(&answers, distributor, NULL, 0, NULL));
  CHECK(answers->count == 0);
  cp_answers_free(answers);
  CHECK_REFUSED(cp_distributor_batch_assign_tasks(&answers, distributor, specs, 1025, NULL),
                CP_INVALID_ARGUMENT, "1,025 are given; the limit max_batch is 1,024");
  CHECK(answers == NULL);
  CHECK_REFUSED(cp_distributor_batch_assign_tasks(&answers, distributor, NULL, 1, NULL),
                CP_INVALID_ARGUMENT, "specs is NULL");
  /* One that drains is given nothing. */
  drains.status = CP_AGENT_DRAINING;
  CHECK_OK(cp_agent_heartbeat(plane, "w1", &drains));
  await_usable(distributor, 0);
  CHECK_OK(cp_distributor_batch_assign_tasks(&answers, distributor, specs + 1, 1, "w1"));
  CHECK(answers->items[0]->status == CP_FAILED_PRECONDITION);
  CHECK_IN(answers->items[0]->error, "worker w1 takes no tasks now");
  cp_answers_free(answers);
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_distributor_close(distributor));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

TEST(one_leads, "one of several leads; when its host goes, the next one loses none of its tasks") {
  enum { kTasks = 6 };
  struct gate gate;
  cp_options quick = CP_OPTIONS_INIT;
  cp_distributor_options options = distributor_options();
  cp_coordinator *plane = NULL;
  cp_coordinator *doomed = NULL;
  cp_distributor *first = NULL;
  cp_distributor *second = NULL;
  cp_answers *answers = NULL;
  cp_pool_workers *all;
  cp_worker *worker;
  cp_task_id ids[kTasks];
  cp_task_spec spec = task_spec();
  int at;
  make_gate(&gate, 0);
  quick.lease_ttl_ms = 1000; /* soon over, when the host is gone */
  CHECK_OK(cp_coordinator_open(&plane, &quick));
  CHECK_OK(cp_coordinator_open_beside(&doomed, plane, &quick));
  options.leader_ttl_ms = 1000;
  options.candidate = "first";
  CHECK_OK(cp_distributor_start(&first, doomed, &options));
  await_lead(first, 1);
  options.candidate = "second";
  CHECK_OK(cp_distributor_start(&second, plane, &options));
  CHECK(leads(second) == 0);
  CHECK_REFUSED(cp_distributor_assign_task(NULL, second, &spec, NULL), CP_FAILED_PRECONDITION,
                "distributor d1 does not lead here");
  CHECK_REFUSED(cp_distributor_batch_assign_tasks(&answers, second, &spec, 1, NULL),
                CP_FAILED_PRECONDITION, "distributor d1 does not lead here");
  all = workers(second);
  CHECK(answers == NULL && all->count == 0);
  cp_pool_workers_free(all);
  worker = start_worker(plane, "w1", kTasks, &gate);
  await_usable(first, 1);
  for (at = 0; at < kTasks; ++at) ids[at] = submit_to_pool(plane);
  await_begun(&gate, kTasks);
  CHECK_OK(cp_coordinator_close(doomed)); /* first the host, then what is left of it */
  CHECK_OK(cp_distributor_close(first));
  await_lead(second, 1);
  open_gate(&gate);
  for (at = 0; at < kTasks; ++at) await_end(plane, ids[at].text, "d1");
  CHECK(gate.begun == kTasks); /* none was forwarded twice */
  CHECK_OK(cp_distributor_close(second));
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

struct stopper {
  cp_distributor *distributor;
  int32_t status;
};

static void *stop_in_thread(void *user_data) {
  struct stopper *stopper = user_data;
  stopper->status = cp_distributor_stop(stopper->distributor, CP_FOREVER_MS);
  return NULL;
}

TEST(stops_drain,
     "a distributor that is stopped waits for what it forwarded, or leaves it behind") {
  struct gate gate;
  struct stopper stopper;
  pthread_t thread;
  cp_coordinator *plane = open_plane();
  cp_distributor *next;
  cp_worker *worker;
  cp_task_id id;
  int32_t state = -1;
  make_gate(&gate, 0);
  stopper.distributor = start_distributor(plane);
  stopper.status = -1;
  worker = start_worker(plane, "w1", 1, &gate);
  id = submit_to_pool(plane);
  await_begun(&gate, 1);
  CHECK(pthread_create(&thread, NULL, stop_in_thread, &stopper) == 0);
  open_gate(&gate);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(stopper.status == CP_OK && leads(stopper.distributor) == 0);
  CHECK_OK(cp_task_status(&state, plane, id.text));
  CHECK(state == CP_TASK_COMPLETED);
  CHECK_OK(cp_distributor_close(stopper.distributor));
  /* Not waited for: the worker goes on, and the next one brings the end home. */
  gate.open = 0;
  stopper.distributor = start_distributor(plane);
  id = submit_to_pool(plane);
  await_begun(&gate, 2);
  CHECK_OK(cp_distributor_close(stopper.distributor));
  CHECK_OK(cp_task_status(&state, plane, id.text));
  CHECK(state == CP_TASK_PENDING);
  next = start_distributor(plane);
  await_lead(next, 1);
  open_gate(&gate);
  await_end(plane, id.text, "d1");
  CHECK(gate.begun == 2);
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_distributor_close(next));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

/* Its only task is with a worker, or waits for one. */
static void stop_without_end(int with_worker) {
  struct gate gate;
  struct stopper stopper;
  pthread_t thread;
  cp_coordinator *plane = open_plane();
  cp_coordinator *host = open_beside(plane);
  cp_worker *worker;
  cp_task_id id;
  int32_t state = CP_TASK_PENDING;
  make_gate(&gate, 0);
  stopper.distributor = start_distributor(host);
  stopper.status = -1;
  worker = with_worker ? start_worker(plane, "w1", 1, &gate) : NULL;
  id = submit_to_pool(plane);
  if (with_worker) await_begun(&gate, 1);
  while (state != CP_TASK_RUNNING) {
    CHECK_OK(cp_task_status(&state, plane, id.text));
    sched_yield();
  }
  CHECK(pthread_create(&thread, NULL, stop_in_thread, &stopper) == 0);
  CHECK_OK(cp_coordinator_close(host));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(stopper.status == CP_OK && leads(stopper.distributor) == 0);
  CHECK_OK(cp_distributor_close(stopper.distributor));
  open_gate(&gate);
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_coordinator_close(plane));
  drop_gate(&gate);
}

TEST(stops_end, "a stop that waits for what was forwarded ends when the coordinator is closed") {
  stop_without_end(0);
  stop_without_end(1);
}

TEST(distributors_outlive_the_plane,
     "a distributor may be stopped and closed after its coordinator") {
  cp_coordinator *plane = open_plane();
  cp_distributor *distributor = start_distributor(plane);
  const cp_task_spec spec = task_spec();
  await_lead(distributor, 1);
  CHECK_OK(cp_coordinator_shutdown(plane, 0));
  CHECK_OK(cp_coordinator_close(plane));
  CHECK(cp_distributor_assign_task(NULL, distributor, &spec, NULL) != CP_OK);
  CHECK_OK(cp_distributor_stop(distributor, CP_FOREVER_MS));
  CHECK(leads(distributor) == 0);
  CHECK_OK(cp_distributor_close(distributor));
}

TEST(coordinators_share_a_store, "coordinators beside each other share their store, by tenant") {
  cp_options options = CP_OPTIONS_INIT;
  cp_coordinator *first = open_plane();
  cp_coordinator *second = NULL;
  cp_coordinator *third = NULL;
  cp_coordinator *none = first;
  cp_config *config = NULL;
  cp_claimed_task *claimed;
  cp_task *task = NULL;
  const cp_task_id id = submit(first);
  options.store_url = "nowhere://"; /* does not count */
  CHECK_OK(cp_coordinator_open_beside(&second, first, &options));
  CHECK_OK(cp_coordinator_config(&config, second));
  CHECK_TEXT(config->options->store_url, "memory://");
  cp_config_free(config);
  options.tenant_id = "other";
  CHECK_OK(cp_coordinator_open_beside(&third, second, &options));
  CHECK_STATUS(cp_task_get(&task, third, id.text), CP_NOT_FOUND);
  CHECK_OK(cp_task_get(&task, second, id.text));
  cp_task_free(task);
  CHECK_REFUSED(cp_coordinator_open_beside(NULL, first, NULL), CP_INVALID_ARGUMENT, "out is NULL");
  options.strategy = 99;
  CHECK_REFUSED(cp_coordinator_open_beside(&none, first, &options), CP_INVALID_ARGUMENT,
                "strategy is 99");
  CHECK(none == NULL);
  options.struct_size = 7;
  CHECK_REFUSED(cp_coordinator_open_beside(&none, first, &options), CP_INVALID_ARGUMENT,
                "cp_options: struct_size is 7");
  CHECK_OK(cp_coordinator_shutdown(first, 0));
  CHECK_STATUS(cp_coordinator_open_beside(&none, first, NULL), CP_CANCELLED);
  CHECK_OK(cp_coordinator_close(first));
  CHECK_REFUSED(cp_coordinator_open_beside(&none, first, NULL), CP_FAILED_PRECONDITION,
                "coordinator is closed");
  CHECK_REFUSED(cp_coordinator_open_beside(&none, NULL, NULL), CP_INVALID_ARGUMENT,
                "coordinator is NULL");
  CHECK(none == NULL);
  claimed = claim(second, "reviewer-1"); /* the store lives on */
  CHECK_TEXT(claimed->task_id, id.text);
  cp_claimed_task_free(claimed);
  CHECK_OK(cp_coordinator_close(third));
  CHECK_OK(cp_coordinator_close(second));
}

static void refuse_everywhere(cp_distributor *distributor, int32_t status, const char *part) {
  const cp_task_spec spec = task_spec();
  cp_pool_workers *all = (cp_pool_workers *)(void *)&status;
  cp_answers *answers = (cp_answers *)(void *)&status;
  cp_task_id id;
  int32_t number = 0;
  id.text[0] = 'x';
  CHECK_REFUSED(cp_distributor_leads(&number, distributor), status, part);
  CHECK_REFUSED(cp_distributor_workers(&all, distributor), status, part);
  CHECK_REFUSED(cp_distributor_assign_task(&id, distributor, &spec, "w1"), status, part);
  CHECK_REFUSED(cp_distributor_batch_assign_tasks(&answers, distributor, &spec, 1, "w1"), status,
                part);
  CHECK_REFUSED(cp_distributor_stop(distributor, 0), status, part);
  CHECK(all == NULL && answers == NULL && id.text[0] == '\0');
}

TEST(handles_are_checked, "a handle that is none, or none any more, is refused everywhere") {
  cp_coordinator *plane = open_plane();
  cp_distributor *distributor = start_distributor(plane);
  cp_distributor *wrong = (cp_distributor *)(void *)plane;
  int32_t number = 0;
  refuse_everywhere(NULL, CP_INVALID_ARGUMENT, "distributor is NULL");
  refuse_everywhere(wrong, CP_INVALID_ARGUMENT,
                    "distributor is a handle of another type: coordinator");
  CHECK_STATUS(cp_distributor_close(wrong), CP_INVALID_ARGUMENT);
  CHECK_REFUSED(cp_worker_running(&number, (cp_worker *)(void *)distributor), CP_INVALID_ARGUMENT,
                "worker is a handle of another type: distributor");
  CHECK_OK(cp_distributor_close(distributor));
  refuse_everywhere(distributor, CP_FAILED_PRECONDITION, "distributor is closed");
  CHECK_REFUSED(cp_distributor_close(distributor), CP_FAILED_PRECONDITION, "distributor is closed");
  CHECK_OK(cp_distributor_close(NULL));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(options_are_checked, "what breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_distributor *distributor = (cp_distributor *)(void *)plane;
  cp_task_spec spec = task_spec();
  cp_distributor_options options = distributor_options();
  struct {
    cp_distributor_options known;
    uint64_t unknown;
  } newer;
  CHECK_REFUSED(cp_distributor_start(NULL, plane, &options), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, NULL), CP_INVALID_ARGUMENT,
                "cp_distributor_options is NULL");
  CHECK(distributor == NULL);
  options.struct_size = 7;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "cp_distributor_options: struct_size is 7");
  options = distributor_options();
  options.agent_id = NULL;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "agent_id");
  options.agent_id = "a b";
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "\"a b\"");
  options = distributor_options();
  options.candidate = "a b";
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "candidate");
  options = distributor_options();
  options.capability_count = 99;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "capabilities: 99 are given; the limit max_capabilities is 64");
  options = distributor_options();
  options.label_count = 1;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "labels is NULL");
  options = distributor_options();
  options.concurrency = 0;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "concurrency");
  options = distributor_options();
  options.leader_ttl_ms = 0;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT, "ttl");
  options = distributor_options();
  options.lease_ttl_ms = UINT64_MAX;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &options), CP_INVALID_ARGUMENT,
                "lease_ttl");
  memset(&newer, 0, sizeof(newer));
  newer.known = distributor_options();
  newer.known.struct_size = (uint32_t)sizeof(newer);
  newer.unknown = 1;
  CHECK_REFUSED(cp_distributor_start(&distributor, plane, &newer.known), CP_INVALID_ARGUMENT,
                "is not zero; this library knows");
  CHECK(distributor == NULL);
  newer.unknown = 0;
  CHECK_OK(cp_distributor_start(&distributor, plane, &newer.known));
  CHECK_REFUSED(cp_distributor_leads(NULL, distributor), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_distributor_workers(NULL, distributor), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_distributor_batch_assign_tasks(NULL, distributor, &spec, 1, NULL),
                CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_distributor_assign_task(NULL, distributor, NULL, NULL), CP_INVALID_ARGUMENT,
                "cp_task_spec is NULL");
  spec.struct_size = 12;
  CHECK_REFUSED(cp_distributor_assign_task(NULL, distributor, &spec, NULL), CP_INVALID_ARGUMENT,
                "cp_task_spec: struct_size is 12");
  CHECK_OK(cp_distributor_close(distributor));
  /* An older caller's shorter struct is filled up. */
  options = distributor_options();
  options.struct_size = (uint32_t)offsetof(cp_distributor_options, labels);
  options.labels = (const cp_label *)(uintptr_t)1; /* beyond the struct: must not be read */
  options.label_count = 1;
  CHECK_OK(cp_distributor_start(&distributor, plane, &options));
  CHECK_OK(cp_distributor_close(distributor));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(pools_do_the_work);
  RUN(tasks_are_given);
  RUN(batches_are_given);
  RUN(one_leads);
  RUN(stops_drain);
  RUN(stops_end);
  RUN(distributors_outlive_the_plane);
  RUN(coordinators_share_a_store);
  RUN(handles_are_checked);
  RUN(options_are_checked);
  return report();
}
