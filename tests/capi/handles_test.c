/* What a handle that is none, or none any more, is answered; and what a child process may do. */
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plane.h"

/* Every function that takes a coordinator, with a handle that must be refused. */
static void refuse_everywhere(cp_coordinator *plane, int32_t status, const char *part) {
  cp_queue *queue = NULL;
  cp_config *config = NULL;
  cp_agent *agent = NULL;
  cp_agent_page *agents = NULL;
  cp_claimed_task *claimed = NULL;
  cp_claimed_tasks *many = NULL;
  cp_task *task = NULL;
  cp_task_page *tasks = NULL;
  cp_answers *answers = NULL;
  cp_explanation *explanation = NULL;
  cp_agent_health *agent_health = NULL;
  cp_system_health *health = NULL;
  cp_event_batch *events = NULL;
  cp_stats *stats = NULL;
  cp_text *text = NULL;
  cp_worker *worker = NULL;
  cp_subscription *subscription = NULL;
  cp_document *document = NULL;
  cp_document_page *documents = NULL;
  cp_pool *pool = NULL;
  cp_pool_page *pools = NULL;
  cp_permit *permit = NULL;
  cp_permit_page *permits = NULL;
  cp_named_lease *named = NULL;
  cp_lease_holder *holder = NULL;
  cp_election *election = NULL;
  cp_coordinator *beside = NULL;
  cp_distributor *distributor = NULL;
  cp_lease_status lease;
  cp_task_id id;
  uint64_t count = 0;
  int64_t until = 0;
  int32_t number = 0;
  const cp_agent_spec agent_in = agent_spec("a");
  const cp_task_spec spec = task_spec();
  const cp_claim_request claim_in = claim_request("a");
  const cp_probe_spec probe = CP_PROBE_SPEC_INIT;
  const cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  const cp_attempt attempt = {"task-1", {1, 1}, NULL};
  const cp_permit_ref ref = {1, "a"};
  const cp_progress_request progress = CP_PROGRESS_REQUEST_INIT;
  const cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
  const cp_fail_request failed = CP_FAIL_REQUEST_INIT;
  CHECK_OK(cp_queue_open(&queue, NULL));
#define REFUSED(call) CHECK_REFUSED(call, status, part)
  REFUSED(cp_coordinator_config(&config, plane));
  REFUSED(cp_coordinator_shutdown(plane, 0));
  REFUSED(cp_coordinator_set_strategy(plane, 0));
  REFUSED(cp_agent_register(plane, &agent_in));
  REFUSED(cp_agent_register_async(plane, &agent_in, queue, NULL));
  REFUSED(cp_agent_unregister(plane, "a", 0));
  REFUSED(cp_agent_unregister_async(plane, "a", 0, queue, NULL));
  REFUSED(cp_agent_heartbeat(plane, "a", NULL));
  REFUSED(cp_agent_heartbeat_async(plane, "a", NULL, queue, NULL));
  REFUSED(cp_agent_get(&agent, plane, "a"));
  REFUSED(cp_agent_get_async(plane, "a", queue, NULL));
  REFUSED(cp_agent_list(&agents, plane, NULL, NULL));
  REFUSED(cp_agent_list_async(plane, NULL, NULL, queue, NULL));
  REFUSED(cp_agent_select(&agent, plane, NULL));
  REFUSED(cp_agent_select_async(plane, NULL, queue, NULL));
  REFUSED(cp_agent_reassign_tasks(&count, plane, "a"));
  REFUSED(cp_agent_reassign_tasks_async(plane, "a", queue, NULL));
  REFUSED(cp_task_submit(&id, plane, &spec));
  REFUSED(cp_task_submit_async(plane, &spec, queue, NULL));
  REFUSED(cp_task_submit_many(&answers, plane, &spec, 1));
  REFUSED(cp_task_submit_many_async(plane, &spec, 1, queue, NULL));
  REFUSED(cp_task_claim(&claimed, plane, &claim_in));
  REFUSED(cp_task_claim_async(plane, &claim_in, queue, NULL));
  REFUSED(cp_task_claim_many(&many, plane, &claim_in));
  REFUSED(cp_task_claim_many_async(plane, &claim_in, queue, NULL));
  REFUSED(cp_task_start(&lease, plane, &attempt));
  REFUSED(cp_task_start_async(plane, &attempt, queue, NULL));
  REFUSED(cp_task_renew(&lease, plane, &attempt));
  REFUSED(cp_task_renew_async(plane, &attempt, queue, NULL));
  REFUSED(cp_task_renew_many(&answers, plane, &attempt, 1));
  REFUSED(cp_task_renew_many_async(plane, &attempt, 1, queue, NULL));
  REFUSED(cp_task_progress(&lease, plane, &progress));
  REFUSED(cp_task_progress_async(plane, &progress, queue, NULL));
  REFUSED(cp_task_complete(plane, &end));
  REFUSED(cp_task_complete_async(plane, &end, queue, NULL));
  REFUSED(cp_task_complete_many(&answers, plane, &end, 1));
  REFUSED(cp_task_complete_many_async(plane, &end, 1, queue, NULL));
  REFUSED(cp_task_fail(plane, &failed));
  REFUSED(cp_task_fail_async(plane, &failed, queue, NULL));
  REFUSED(cp_task_fail_many(&answers, plane, &failed, 1));
  REFUSED(cp_task_fail_many_async(plane, &failed, 1, queue, NULL));
  REFUSED(cp_task_release(plane, &attempt));
  REFUSED(cp_task_release_async(plane, &attempt, queue, NULL));
  REFUSED(cp_task_cancel(&number, plane, "task-1", 0));
  REFUSED(cp_task_cancel_async(plane, "task-1", 0, queue, NULL));
  REFUSED(cp_task_assign(plane, "task-1", "a"));
  REFUSED(cp_task_assign_async(plane, "task-1", "a", queue, NULL));
  REFUSED(cp_task_get(&task, plane, "task-1"));
  REFUSED(cp_task_get_async(plane, "task-1", queue, NULL));
  REFUSED(cp_task_status(&number, plane, "task-1"));
  REFUSED(cp_task_status_async(plane, "task-1", queue, NULL));
  REFUSED(cp_task_list(&tasks, plane, NULL, NULL));
  REFUSED(cp_task_list_async(plane, NULL, NULL, queue, NULL));
  REFUSED(cp_task_wait(&task, plane, "task-1", 0));
  REFUSED(cp_task_wait_async(plane, "task-1", 0, queue, NULL));
  REFUSED(cp_task_explain(&explanation, plane, "task-1"));
  REFUSED(cp_task_explain_async(plane, "task-1", queue, NULL));
  REFUSED(cp_dead_letter_list(&tasks, plane, NULL));
  REFUSED(cp_dead_letter_list_async(plane, NULL, queue, NULL));
  REFUSED(cp_dead_letter_replay(&id, plane, "task-1", NULL));
  REFUSED(cp_dead_letter_replay_async(plane, "task-1", NULL, queue, NULL));
  REFUSED(cp_probe_register(plane, &probe));
  REFUSED(cp_probe_unregister(plane, "p"));
  REFUSED(cp_health_check(&health, plane));
  REFUSED(cp_health_check_async(plane, queue, NULL));
  REFUSED(cp_health_status(&number, plane));
  REFUSED(cp_agent_health_get(&agent_health, plane, "a"));
  REFUSED(cp_agent_available(&number, plane, "a"));
  REFUSED(cp_event_subscribe(&subscription, plane, NULL, NULL, NULL));
  REFUSED(cp_event_read(&events, plane, 0, 1, NULL));
  REFUSED(cp_event_read_async(plane, 0, 1, NULL, queue, NULL));
  REFUSED(cp_task_failure_subscribe(&subscription, plane, NULL, NULL));
  REFUSED(cp_agent_unhealthy_subscribe(&subscription, plane, NULL, NULL));
  REFUSED(cp_stats_get(&stats, plane));
  REFUSED(cp_stats_get_async(plane, queue, NULL));
  REFUSED(cp_metrics_text(&text, plane));
  REFUSED(cp_metrics_text_async(plane, queue, NULL));
  REFUSED(cp_worker_open(&worker, plane, &options));
  REFUSED(cp_state_get(&document, plane, "k"));
  REFUSED(cp_state_get_async(plane, "k", queue, NULL));
  REFUSED(cp_state_put(&count, plane, "k", "1", 1, NULL));
  REFUSED(cp_state_put_async(plane, "k", "1", 1, NULL, queue, NULL));
  REFUSED(cp_state_remove(&number, plane, "k", CP_ANY_VERSION));
  REFUSED(cp_state_remove_async(plane, "k", CP_ANY_VERSION, queue, NULL));
  REFUSED(cp_state_list(&documents, plane, NULL, NULL));
  REFUSED(cp_state_list_async(plane, NULL, NULL, queue, NULL));
  REFUSED(cp_state_update(&document, plane, "k", NULL, NULL, NULL));
  REFUSED(cp_state_watch(&subscription, plane, NULL, 0, NULL, NULL));
  REFUSED(cp_pool_define(&pool, plane, NULL));
  REFUSED(cp_pool_define_async(plane, NULL, queue, NULL));
  REFUSED(cp_pool_remove(&number, plane, "p"));
  REFUSED(cp_pool_remove_async(plane, "p", queue, NULL));
  REFUSED(cp_pool_get(&pool, plane, "p"));
  REFUSED(cp_pool_get_async(plane, "p", queue, NULL));
  REFUSED(cp_pool_list(&pools, plane, NULL, NULL));
  REFUSED(cp_pool_list_async(plane, NULL, NULL, queue, NULL));
  REFUSED(cp_permit_acquire(&permit, plane, NULL));
  REFUSED(cp_permit_acquire_async(plane, NULL, queue, NULL));
  REFUSED(cp_permit_cancel_acquire(&number, plane, "o"));
  REFUSED(cp_permit_renew(&until, plane, &ref, 0));
  REFUSED(cp_permit_renew_async(plane, &ref, 0, queue, NULL));
  REFUSED(cp_permit_release(plane, &ref));
  REFUSED(cp_permit_release_async(plane, &ref, queue, NULL));
  REFUSED(cp_permit_settle(plane, &ref, NULL, 0));
  REFUSED(cp_permit_settle_async(plane, &ref, NULL, 0, queue, NULL));
  REFUSED(cp_permit_list(&permits, plane, "p", NULL));
  REFUSED(cp_permit_list_async(plane, "p", NULL, queue, NULL));
  REFUSED(cp_lease_acquire(&named, plane, "l", NULL));
  REFUSED(cp_lease_acquire_async(plane, "l", NULL, queue, NULL));
  REFUSED(cp_lease_holder_get(&holder, plane, "l"));
  REFUSED(cp_lease_holder_get_async(plane, "l", queue, NULL));
  REFUSED(cp_election_start(&election, plane, NULL));
  REFUSED(cp_coordinator_open_beside(&beside, plane, NULL));
  REFUSED(cp_distributor_start(&distributor, plane, NULL));
  CHECK(config == NULL && agent == NULL && agents == NULL && claimed == NULL && many == NULL);
  CHECK(task == NULL && tasks == NULL && answers == NULL && explanation == NULL && health == NULL);
  CHECK(agent_health == NULL && events == NULL && stats == NULL && text == NULL && worker == NULL);
  CHECK(subscription == NULL && document == NULL && documents == NULL);
  CHECK(pool == NULL && pools == NULL && permit == NULL && permits == NULL);
  CHECK(named == NULL && holder == NULL && election == NULL);
  CHECK(beside == NULL && distributor == NULL);
  CHECK_OK(cp_queue_close(queue));
}

static void refuse_others_everywhere(cp_worker *worker, cp_queue *queue, cp_task_context *context,
                                     int32_t status, const char *worker_part,
                                     const char *queue_part, const char *context_part) {
  const cp_claimed_task *task = NULL;
  int32_t number = 0;
  size_t count = 0;
  cp_completion *items[1];
  CHECK_REFUSED(cp_worker_on(worker, "t", NULL, NULL), status, worker_part);
  CHECK_REFUSED(cp_worker_start(worker), status, worker_part);
  CHECK_REFUSED(cp_worker_stop(worker, 0), status, worker_part);
  CHECK_REFUSED(cp_worker_running(&number, worker), status, worker_part);
  CHECK_REFUSED(cp_worker_status(worker), status, worker_part);
  CHECK_REFUSED(cp_queue_completion_fd(&number, queue), status, queue_part);
  CHECK_REFUSED(cp_queue_drain(&count, queue, items, 1), status, queue_part);
  CHECK_REFUSED(cp_queue_cancel(queue), status, queue_part);
  CHECK_REFUSED(cp_context_task(&task, context), status, context_part);
  CHECK_REFUSED(cp_context_cancelled(&number, context), status, context_part);
  CHECK_REFUSED(cp_context_wait_cancelled(&number, context, 0), status, context_part);
  CHECK_REFUSED(cp_context_progress(context, 0, NULL, NULL, 0), status, context_part);
  CHECK_REFUSED(cp_context_set_result(context, NULL, 0), status, context_part);
  CHECK_REFUSED(cp_context_set_error(context, NULL), status, context_part);
  CHECK_REFUSED(cp_context_abandon(context), status, context_part);
}

static void refuse_leases_everywhere(cp_named_lease *lease, cp_election *election, int32_t status,
                                     const char *lease_part, const char *election_part) {
  int32_t number = 0;
  uint64_t fence = 0;
  CHECK_REFUSED(cp_lease_held(&number, lease), status, lease_part);
  CHECK_REFUSED(cp_lease_fence(&fence, lease), status, lease_part);
  CHECK_REFUSED(cp_lease_renew(lease), status, lease_part);
  CHECK_REFUSED(cp_lease_release(lease), status, lease_part);
  CHECK_REFUSED(cp_election_is_leader(&number, election), status, election_part);
  CHECK_REFUSED(cp_election_epoch(&fence, election), status, election_part);
}

TEST(null_is_refused, "NULL is refused everywhere, and closing it is nothing") {
  refuse_everywhere(NULL, CP_INVALID_ARGUMENT, "coordinator is NULL");
  refuse_others_everywhere(NULL, NULL, NULL, CP_INVALID_ARGUMENT, "worker is NULL", "queue is NULL",
                           "task context is NULL");
  refuse_leases_everywhere(NULL, NULL, CP_INVALID_ARGUMENT, "lease is NULL", "election is NULL");
  CHECK_OK(cp_coordinator_close(NULL));
  CHECK_OK(cp_queue_close(NULL));
  CHECK_OK(cp_worker_close(NULL));
  CHECK_OK(cp_subscription_close(NULL));
  CHECK_OK(cp_lease_close(NULL));
  CHECK_OK(cp_election_close(NULL));
  CHECK_OK(cp_distributor_close(NULL));
}

TEST(closed_is_refused, "a closed handle is refused everywhere, by a second close too") {
  cp_coordinator *plane = open_plane();
  cp_worker *worker = NULL;
  cp_queue *queue = NULL;
  cp_named_lease *lease = NULL;
  cp_election *election = NULL;
  cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  cp_lease_options lease_in = CP_LEASE_OPTIONS_INIT;
  cp_election_options election_in = CP_ELECTION_OPTIONS_INIT;
  options.agent_id = "a";
  lease_in.owner = election_in.candidate = "a";
  election_in.name = "leader";
  CHECK_OK(cp_lease_acquire(&lease, plane, "l", &lease_in));
  CHECK_OK(cp_election_start(&election, plane, &election_in));
  CHECK_OK(cp_lease_close(lease));
  CHECK_OK(cp_election_close(election));
  refuse_leases_everywhere(lease, election, CP_FAILED_PRECONDITION, "lease is closed",
                           "election is closed");
  CHECK_REFUSED(cp_lease_close(lease), CP_FAILED_PRECONDITION, "lease is closed");
  CHECK_REFUSED(cp_election_close(election), CP_FAILED_PRECONDITION, "election is closed");
  CHECK_OK(cp_worker_open(&worker, plane, &options));
  CHECK_OK(cp_queue_open(&queue, NULL));
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
  refuse_everywhere(plane, CP_FAILED_PRECONDITION, "coordinator is closed");
  CHECK_REFUSED(cp_coordinator_close(plane), CP_FAILED_PRECONDITION, "coordinator is closed");
  CHECK_REFUSED(cp_worker_close(worker), CP_FAILED_PRECONDITION, "worker is closed");
  CHECK_REFUSED(cp_worker_start(worker), CP_FAILED_PRECONDITION, "worker is closed");
  CHECK_REFUSED(cp_queue_close(queue), CP_FAILED_PRECONDITION, "queue is closed");
}

TEST(reuse_is_told_apart, "a closed handle stays closed when its place is taken by another") {
  cp_coordinator *first = open_plane();
  cp_coordinator *second;
  cp_stats *stats = NULL;
  CHECK_OK(cp_coordinator_close(first));
  second = open_plane();
  CHECK(second != first);
  CHECK_REFUSED(cp_stats_get(&stats, first), CP_FAILED_PRECONDITION, "coordinator is closed");
  CHECK_REFUSED(cp_coordinator_close(first), CP_FAILED_PRECONDITION, "coordinator is closed");
  CHECK_OK(cp_stats_get(&stats, second));
  cp_stats_free(stats);
  CHECK_OK(cp_coordinator_close(second));
}

TEST(anything_else_is_refused, "what is no handle of the right type is refused, not followed") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = NULL;
  cp_coordinator *wild[6];
  size_t at;
  int32_t number = 0;
  cp_queue *as_queue = (cp_queue *)(void *)plane;
  CHECK_OK(cp_queue_open(&queue, NULL));
  CHECK_REFUSED(cp_queue_cancel(as_queue), CP_INVALID_ARGUMENT,
                "queue is a handle of another type: coordinator");
  CHECK_REFUSED(cp_queue_close(as_queue), CP_INVALID_ARGUMENT, "another type");
  CHECK_REFUSED(cp_coordinator_close((cp_coordinator *)(void *)queue), CP_INVALID_ARGUMENT,
                "coordinator is a handle of another type: queue");
  wild[0] = (cp_coordinator *)(uintptr_t)1;
  wild[1] = (cp_coordinator *)(uintptr_t)0xdeadbeefu;
  wild[2] = (cp_coordinator *)(void *)&number;
  wild[3] = (cp_coordinator *)UINTPTR_MAX;
  wild[4] = (cp_coordinator *)((uintptr_t)plane ^ ((uintptr_t)1 << 62));
  wild[5] = (cp_coordinator *)((uintptr_t)plane & ~(uintptr_t)0xffff0); /* slot 0 */
  for (at = 0; at < 6; ++at) {
    CHECK_REFUSED(cp_health_status(&number, wild[at]), CP_INVALID_ARGUMENT,
                  "coordinator is no handle of this library");
    CHECK_STATUS(cp_coordinator_close(wild[at]), CP_INVALID_ARGUMENT);
  }
  /* A place or a use that is not in use: as if closed. */
  for (at = 4; at < 58; ++at) {
    cp_coordinator *forged = (cp_coordinator *)((uintptr_t)plane ^ ((uintptr_t)1 << at));
    const int32_t status = cp_health_status(&number, forged);
    CHECK(status == CP_FAILED_PRECONDITION || status == CP_INVALID_ARGUMENT);
  }
  CHECK_OK(cp_health_status(&number, plane));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

static int32_t need_no_handle(cp_task_context *context, void *user_data) {
  (void)context;
  (void)user_data;
  return CP_OK;
}

/* No handler begins without a handle; what it was to do waits for one. */
static void run_without_handles(cp_coordinator *plane) {
  cp_task *task = NULL;
  const cp_task_id id = submit(plane);
  do {
    cp_task_free(task);
    CHECK_OK(cp_task_get(&task, plane, id.text));
    sched_yield();
  } while (task->error[0] == '\0');
  CHECK(task->reason == CP_REASON_BACKOFF && task->failures == 0);
  CHECK_IN(task->error, "65,535 handles are open in this process");
  cp_task_free(task);
}

TEST(handles_run_out,
     "when all handles are in use the next one is refused, and after a close there is one") {
  enum { kMost = 65535 };
  cp_queue_options options = CP_QUEUE_OPTIONS_INIT;
  cp_subscription **all = calloc(kMost, sizeof(*all));
  cp_coordinator *plane = NULL;
  cp_limits limits = CP_LIMITS_INIT;
  cp_options open_options = CP_OPTIONS_INIT;
  cp_worker_options worker_options = CP_WORKER_OPTIONS_INIT;
  cp_worker *worker = NULL;
  cp_worker *working = NULL;
  cp_worker **workers = (cp_worker **)(void *)all;
  int count = 0;
  int32_t status = CP_OK;
  (void)options;
  open_options.limits = &limits;
  worker_options.agent_id = "a";
  CHECK_OK(cp_coordinator_open(&plane, &open_options));
  worker_options.capabilities = plane_code;
  worker_options.capability_count = 1;
  CHECK_OK(cp_worker_open(&working, plane, &worker_options));
  CHECK_OK(cp_worker_on(working, "*", need_no_handle, NULL));
  CHECK_OK(cp_worker_start(working));
  while (count < kMost) {
    status = cp_worker_open(&worker, plane, &worker_options); /* the cheapest handle */
    if (status != CP_OK) break;
    workers[count++] = worker;
  }
  CHECK_STATUS(status, CP_RESOURCE_EXHAUSTED);
  CHECK_IN(cp_last_error(), "65,535 handles are open in this process");
  CHECK(worker == NULL);
  CHECK(count == kMost - 2);
  run_without_handles(plane);
  CHECK_OK(cp_worker_close(workers[--count]));
  CHECK_OK(cp_worker_open(&worker, plane, &worker_options));
  CHECK_OK(cp_worker_close(worker));
  while (count > 0) CHECK_OK(cp_worker_close(workers[--count]));
  free(all);
  CHECK_OK(cp_worker_close(working));
  CHECK_OK(cp_coordinator_close(plane));
}

/* In the child; its exit status is the number of checks that failed. */
static void use_in_child(cp_coordinator *plane, cp_queue *queue, cp_worker *worker,
                         cp_subscription *subscription, cp_claimed_task *task) {
  cp_coordinator *own = NULL;
  cp_task *done = NULL;
  cp_task_id id;
  cp_complete_request end;
  cp_claimed_task *claimed;
  const char *part = "from before fork(); a child process must open its own";
  failed_checks = 0;
  refuse_everywhere(plane, CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_coordinator_close(plane), CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_queue_cancel(queue), CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_queue_close(queue), CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_worker_start(worker), CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_worker_close(worker), CP_FAILED_PRECONDITION, part);
  CHECK_REFUSED(cp_subscription_close(subscription), CP_FAILED_PRECONDITION, part);
  /* What was read is plain memory. */
  CHECK_IN(task->task_id, "task_");
  cp_claimed_task_free(task);
  /* Its own work as usual. */
  own = open_plane();
  id = submit(own);
  claimed = claim(own, "reviewer-1");
  end = completion(claimed);
  CHECK_OK(cp_task_complete(own, &end));
  CHECK_OK(cp_task_wait(&done, own, id.text, 60000));
  CHECK(done->state == CP_TASK_COMPLETED);
  cp_task_free(done);
  cp_claimed_task_free(claimed);
  CHECK_OK(cp_coordinator_close(own));
}

static void ignore(const cp_event_batch *batch, void *user_data) {
  (void)batch;
  (void)user_data;
}

TEST(children_are_refused,
     "after fork() the child is refused its parent's handles, and opens its own") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = NULL;
  cp_worker *worker = NULL;
  cp_subscription *subscription = NULL;
  cp_claimed_task *task;
  cp_worker_options options = CP_WORKER_OPTIONS_INIT;
  int status = -1;
  int at;
  options.agent_id = "a";
  CHECK_OK(cp_queue_open(&queue, NULL));
  CHECK_OK(cp_worker_open(&worker, plane, &options));
  CHECK_OK(cp_event_subscribe(&subscription, plane, NULL, ignore, NULL));
  (void)submit(plane);
  task = claim(plane, "reviewer-1");
  for (at = 0; at < 3; ++at) {
    const pid_t child = fork();
    if (child == 0) {
      use_in_child(plane, queue, worker, subscription, task);
      _exit(failed_checks == 0 ? 0 : 1);
    }
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  /* The parent goes on. */
  cp_claimed_task_free(task);
  (void)submit(plane);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  CHECK_OK(cp_subscription_close(subscription));
  CHECK_OK(cp_worker_close(worker));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(null_is_refused);
  RUN(closed_is_refused);
  RUN(reuse_is_told_apart);
  RUN(anything_else_is_refused);
  RUN(handles_run_out);
  RUN(children_are_refused);
  return report();
}
