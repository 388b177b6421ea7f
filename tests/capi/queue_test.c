/* Completions: each call's own, exactly once. */
#include <fcntl.h>
#include <stdlib.h>

#include "loop.h"

TEST(agents_in_a_loop, "operations on agents complete in the queue") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  const cp_agent_spec spec = agent_spec("reviewer-1");
  STARTED(cp_agent_register_async(plane, &spec, queue, &some_data));
  DONE(CP_CALL_AGENT_REGISTER);
  STARTED(cp_agent_heartbeat_async(plane, "reviewer-1", NULL, queue, &some_data));
  DONE(CP_CALL_AGENT_HEARTBEAT);
  STARTED(cp_agent_get_async(plane, "reviewer-1", queue, &some_data));
  answer = next_ok(queue, CP_CALL_AGENT_GET);
  CHECK_TEXT(answer->agent->agent_id, "reviewer-1");
  cp_completion_free(answer);
  STARTED(cp_agent_list_async(plane, NULL, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_AGENT_LIST);
  CHECK(answer->agents->count == 1);
  CHECK(answer->agent == NULL);
  cp_completion_free(answer);
  STARTED(cp_agent_select_async(plane, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_AGENT_SELECT);
  CHECK_TEXT(answer->agent->agent_id, "reviewer-1");
  cp_completion_free(answer);
  (void)submit(plane);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  STARTED(cp_agent_reassign_tasks_async(plane, "reviewer-1", queue, &some_data));
  answer = next_ok(queue, CP_CALL_AGENT_REASSIGN_TASKS);
  CHECK(answer->count == 1);
  cp_completion_free(answer);
  STARTED(cp_health_check_async(plane, queue, &some_data));
  answer = next_ok(queue, CP_CALL_HEALTH_CHECK);
  CHECK(answer->health->healthy_count == 1);
  cp_completion_free(answer);
  STARTED(cp_agent_unregister_async(plane, "reviewer-1", 0, queue, &some_data));
  DONE(CP_CALL_AGENT_UNREGISTER);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(tasks_in_a_loop, "operations on tasks complete in the queue") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_completion *claimed;
  cp_task_id id;
  const cp_task_spec spec = task_spec();
  cp_claim_request request = claim_request("reviewer-1");
  cp_progress_request progress = CP_PROGRESS_REQUEST_INIT;
  cp_complete_request end;
  STARTED(cp_task_submit_async(plane, &spec, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_SUBMIT);
  snprintf(id.text, sizeof(id.text), "%s", answer->task_id);
  CHECK_IN(id.text, "task_");
  cp_completion_free(answer);
  STARTED(cp_task_wait_async(plane, id.text, CP_FOREVER_MS, queue, &some_data));
  CHECK(!is_readable(queue));
  STARTED(cp_task_claim_async(plane, &request, queue, &some_data));
  claimed = next_ok(queue, CP_CALL_TASK_CLAIM);
  CHECK_TEXT(claimed->claimed_task->task_id, id.text);
  STARTED(cp_task_start_async(plane, &claimed->claimed_task->attempt, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_START);
  CHECK(answer->lease->deadline_us == claimed->claimed_task->deadline_us);
  cp_completion_free(answer);
  STARTED(cp_task_renew_async(plane, &claimed->claimed_task->attempt, queue, &some_data));
  DONE(CP_CALL_TASK_RENEW);
  progress.attempt = claimed->claimed_task->attempt;
  progress.fraction = 0.25;
  STARTED(cp_task_progress_async(plane, &progress, queue, &some_data));
  DONE(CP_CALL_TASK_PROGRESS);
  STARTED(cp_task_status_async(plane, id.text, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_STATUS);
  CHECK(answer->task_state == CP_TASK_RUNNING);
  cp_completion_free(answer);
  STARTED(cp_task_get_async(plane, id.text, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_GET);
  CHECK(answer->task->progress == 0.25);
  CHECK(answer->task_state == CP_UNSET);
  cp_completion_free(answer);
  STARTED(cp_task_explain_async(plane, id.text, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_EXPLAIN);
  CHECK_IN(answer->explanation->text, "reviewer-1");
  cp_completion_free(answer);
  STARTED(cp_task_list_async(plane, NULL, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_LIST);
  CHECK(answer->tasks->count == 1);
  cp_completion_free(answer);
  end = completion(claimed->claimed_task);
  STARTED(cp_task_complete_async(plane, &end, queue, &some_data));
  answer = next(queue);
  claimed = (cp_completion_free(claimed), next(queue));
  CHECK((answer->call == CP_CALL_TASK_WAIT && claimed->call == CP_CALL_TASK_COMPLETE) ||
        (answer->call == CP_CALL_TASK_COMPLETE && claimed->call == CP_CALL_TASK_WAIT));
  CHECK(answer->status == CP_OK && claimed->status == CP_OK);
  CHECK_TEXT((answer->task != NULL ? answer : claimed)->task->result, "{\"verdict\":\"fine\"}");
  cp_completion_free(answer);
  cp_completion_free(claimed);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(ends_in_a_loop, "batches, failures and what steers tasks complete in the queue") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_completion *claimed;
  cp_task_spec specs[4];
  cp_attempt attempts[3];
  cp_complete_request end;
  cp_fail_request failed;
  cp_fail_request failures[1];
  cp_claim_request request = claim_request("reviewer-1");
  cp_task_id id;
  int at;
  for (at = 0; at < 4; ++at) specs[at] = task_spec();
  specs[3].priority = 99;
  STARTED(cp_task_submit_many_async(plane, specs, 4, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_SUBMIT_MANY);
  CHECK(answer->answers->count == 4);
  CHECK(answer->answers->items[2]->status == CP_OK);
  CHECK_IN(answer->answers->items[3]->error, "priority is 99; it must be 0 to 3");
  snprintf(id.text, sizeof(id.text), "%s", answer->answers->items[2]->task_id);
  cp_completion_free(answer);
  request.max_tasks = 3;
  STARTED(cp_task_claim_many_async(plane, &request, queue, &some_data));
  claimed = next_ok(queue, CP_CALL_TASK_CLAIM_MANY);
  CHECK(claimed->claimed_tasks->count == 3);
  for (at = 0; at < 3; ++at) attempts[at] = claimed->claimed_tasks->items[at]->attempt;
  STARTED(cp_task_renew_many_async(plane, attempts, 3, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_RENEW_MANY);
  CHECK(answer->answers->items[2]->lease != NULL);
  cp_completion_free(answer);
  STARTED(cp_task_release_async(plane, &attempts[2], queue, &some_data));
  DONE(CP_CALL_TASK_RELEASE);
  end = completion(claimed->claimed_tasks->items[0]);
  STARTED(cp_task_complete_many_async(plane, &end, 1, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_COMPLETE_MANY);
  CHECK(answer->answers->items[0]->status == CP_OK);
  cp_completion_free(answer);
  failures[0] = failure(claimed->claimed_tasks->items[0], CP_FAIL_FATAL);
  STARTED(cp_task_fail_many_async(plane, failures, 1, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_FAIL_MANY);
  CHECK(answer->answers->items[0]->status == CP_CONFLICT);
  cp_completion_free(answer);
  failed = failure(claimed->claimed_tasks->items[1], CP_FAIL_FATAL);
  STARTED(cp_task_fail_async(plane, &failed, queue, &some_data));
  DONE(CP_CALL_TASK_FAIL);
  STARTED(cp_dead_letter_list_async(plane, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_DEAD_LETTER_LIST);
  CHECK(answer->tasks->count == 1);
  cp_completion_free(answer);
  STARTED(cp_dead_letter_replay_async(plane, attempts[1].task_id, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_DEAD_LETTER_REPLAY);
  CHECK_IN(answer->task_id, "task_");
  cp_completion_free(answer);
  cp_completion_free(claimed);
  STARTED(cp_task_assign_async(plane, id.text, "reviewer-2", queue, &some_data));
  DONE(CP_CALL_TASK_ASSIGN);
  STARTED(cp_task_cancel_async(plane, id.text, 0, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_CANCEL);
  CHECK(answer->task_state == CP_TASK_CANCELLED);
  cp_completion_free(answer);
  STARTED(cp_event_read_async(plane, 0, 2, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_EVENT_READ);
  CHECK(answer->events->count == 2 && answer->events->last_seq == 2);
  cp_completion_free(answer);
  STARTED(cp_stats_get_async(plane, queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATS_GET);
  CHECK(answer->stats->submitted_total == 4);
  cp_completion_free(answer);
  STARTED(cp_metrics_text_async(plane, queue, &some_data));
  answer = next_ok(queue, CP_CALL_METRICS_TEXT);
  CHECK_IN(answer->text->data, "# TYPE");
  cp_completion_free(answer);
  cp_completion_free(NULL);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(errors_travel, "a completion carries its own error, whatever the thread's last one is") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  int32_t state;
  STARTED(cp_task_get_async(plane, "task-x", queue, &some_data));
  CHECK_STATUS(cp_task_status(&state, plane, "task-y"), CP_NOT_FOUND);
  answer = next(queue);
  CHECK(answer->status == CP_NOT_FOUND);
  CHECK_IN(answer->error, "not_found: ");
  CHECK_IN(answer->error, "task-x");
  CHECK(answer->task == NULL);
  CHECK_IN(cp_last_error(), "task-y");
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(wrong_input_completes_nothing, "a call that is refused at once completes nothing") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_task_spec spec = task_spec();
  spec.priority = 9;
  CHECK_REFUSED(cp_task_submit_async(plane, &spec, queue, NULL), CP_INVALID_ARGUMENT,
                "priority is 9");
  CHECK_REFUSED(cp_task_submit_async(plane, NULL, queue, NULL), CP_INVALID_ARGUMENT,
                "cp_task_spec is NULL");
  CHECK_REFUSED(cp_task_get_async(plane, "a", NULL, NULL), CP_INVALID_ARGUMENT, "queue is NULL");
  CHECK_REFUSED(cp_task_get_async(NULL, "a", queue, NULL), CP_INVALID_ARGUMENT,
                "coordinator is NULL");
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(bounded_batches, "a queue is drained in batches; the descriptor tells of the rest") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *items[8];
  size_t count = 99;
  int at;
  CHECK_OK(cp_queue_drain(&count, queue, items, 8));
  CHECK(count == 0);
  for (at = 0; at < 10; ++at) STARTED(cp_stats_get_async(plane, queue, &items[at % 8]));
  CHECK_OK(cp_queue_drain(&count, queue, items, 8));
  CHECK(count == 8);
  for (at = 0; at < 8; ++at) {
    CHECK(items[at]->user_data == &items[at]);
    cp_completion_free(items[at]);
  }
  CHECK(is_readable(queue));
  CHECK_OK(cp_queue_drain(&count, queue, NULL, 0));
  CHECK_REFUSED(cp_queue_drain(&count, queue, NULL, 1), CP_INVALID_ARGUMENT, "items is NULL");
  CHECK_REFUSED(cp_queue_drain(NULL, queue, items, 1), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK(count == 0);
  CHECK_OK(cp_queue_drain(&count, queue, items, 8));
  CHECK(count == 2);
  cp_completion_free(items[0]);
  cp_completion_free(items[1]);
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(bounded_queues, "a queue takes no more calls than it was made for") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = NULL;
  cp_queue_options options = CP_QUEUE_OPTIONS_INIT;
  int32_t fd = 0;
  options.max_outstanding = 2;
  CHECK_OK(cp_queue_open(&queue, &options));
  STARTED(cp_stats_get_async(plane, queue, &some_data));
  STARTED(cp_stats_get_async(plane, queue, &some_data));
  CHECK_REFUSED(cp_stats_get_async(plane, queue, &some_data), CP_RESOURCE_EXHAUSTED,
                "queue: 2 completions are not drained; the limit max_outstanding is 2");
  cp_completion_free(next(queue));
  STARTED(cp_stats_get_async(plane, queue, &some_data));
  CHECK_OK(cp_queue_close(queue));
  options.max_outstanding = 0;
  CHECK_REFUSED(cp_queue_open(&queue, &options), CP_INVALID_ARGUMENT,
                "max_outstanding is 0; it must be at least 1");
  CHECK(queue == NULL);
  CHECK_REFUSED(cp_queue_open(NULL, NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_queue_completion_fd(NULL, queue), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_queue_completion_fd(&fd, queue), CP_INVALID_ARGUMENT, "queue is NULL");
  CHECK(fd == -1);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(no_task_no_result, "a claim that found nothing completes without a task") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_claim_request request = claim_request("reviewer-1");
  request.wait_ms = 1;
  STARTED(cp_task_claim_async(plane, &request, queue, &some_data));
  answer = next_ok(queue, CP_CALL_TASK_CLAIM);
  CHECK(answer->claimed_task == NULL);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(closing_completes, "closing a coordinator completes what it owes with cancelled") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_claim_request request = claim_request("reviewer-1");
  const cp_task_id id = submit(plane);
  int claims = 0;
  int at;
  cp_claimed_task_free(claim(plane, "reviewer-2"));
  request.wait_ms = CP_FOREVER_MS;
  STARTED(cp_task_claim_async(plane, &request, queue, &some_data));
  STARTED(cp_task_wait_async(plane, id.text, CP_FOREVER_MS, queue, &some_data));
  CHECK(!is_readable(queue));
  CHECK_OK(cp_coordinator_close(plane));
  for (at = 0; at < 2; ++at) {
    answer = next(queue);
    CHECK(answer->status == CP_CANCELLED);
    CHECK_IN(answer->error, "cancelled: ");
    CHECK(answer->user_data == &some_data);
    claims += answer->call == CP_CALL_TASK_CLAIM;
    cp_completion_free(answer);
  }
  CHECK(claims == 1);
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
}

TEST(cancelling_completes,
     "cancelling a queue completes all of it, and tasks claimed late go back") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_claimed_task *task = NULL;
  cp_claim_request request = claim_request("reviewer-1");
  const cp_task_spec spec = task_spec();
  request.wait_ms = CP_FOREVER_MS;
  STARTED(cp_task_claim_async(plane, &request, queue, &some_data));
  CHECK_OK(cp_queue_cancel(queue));
  answer = next(queue);
  CHECK(answer->status == CP_CANCELLED);
  CHECK(answer->user_data == &some_data);
  cp_completion_free(answer);
  CHECK_REFUSED(cp_task_claim_async(plane, &request, queue, NULL), CP_FAILED_PRECONDITION,
                "queue is cancelled");
  CHECK_OK(cp_queue_cancel(queue));
  /* The claim still waits, gets this task, and gives it back. */
  CHECK_OK(cp_task_submit(NULL, plane, &spec));
  request = claim_request("reviewer-2");
  request.wait_ms = 60000;
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task != NULL);
  cp_claimed_task_free(task);
  CHECK_OK(cp_queue_close(queue));
  CHECK_REFUSED(cp_queue_close(queue), CP_FAILED_PRECONDITION, "queue is closed");
  CHECK_OK(cp_queue_close(NULL));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(a_closed_queue_drops, "a queue may be closed with completions in it and calls under way") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  int32_t fd = -1;
  cp_claim_request request = claim_request("reviewer-1");
  request.wait_ms = CP_FOREVER_MS;
  STARTED(cp_stats_get_async(plane, queue, NULL));
  STARTED(cp_task_claim_async(plane, &request, queue, NULL));
  CHECK_OK(cp_queue_completion_fd(&fd, queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK(fcntl(fd, F_GETFD) == -1); /* its descriptor is gone */
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(a_closed_queue_gives_back, "tasks in completions that nobody drained go back") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_claimed_tasks *tasks = NULL;
  cp_claim_request request = claim_request("reviewer-1");
  int at;
  for (at = 0; at < 3; ++at) (void)submit(plane);
  STARTED(cp_task_claim_async(plane, &request, queue, NULL));
  request.max_tasks = 3;
  STARTED(cp_task_claim_many_async(plane, &request, queue, NULL));
  CHECK(is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_task_claim_many(&tasks, plane, &request));
  CHECK(tasks->count == 3);
  cp_claimed_tasks_free(tasks);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(one_queue_serves_two, "one queue serves two coordinators") {
  cp_coordinator *left = open_plane();
  cp_coordinator *right = open_plane();
  cp_queue *queue = open_queue();
  STARTED(cp_stats_get_async(left, queue, &some_data));
  DONE(CP_CALL_STATS_GET);
  STARTED(cp_stats_get_async(right, queue, &some_data));
  DONE(CP_CALL_STATS_GET);
  CHECK_OK(cp_coordinator_close(left));
  STARTED(cp_stats_get_async(right, queue, &some_data));
  DONE(CP_CALL_STATS_GET);
  CHECK_OK(cp_coordinator_close(right));
  CHECK_REFUSED(cp_stats_get_async(right, queue, &some_data), CP_FAILED_PRECONDITION,
                "coordinator is closed");
  CHECK_OK(cp_queue_close(queue));
}

int main(void) {
  plane_used();
  RUN(agents_in_a_loop);
  RUN(tasks_in_a_loop);
  RUN(ends_in_a_loop);
  RUN(errors_travel);
  RUN(wrong_input_completes_nothing);
  RUN(bounded_batches);
  RUN(bounded_queues);
  RUN(no_task_no_result);
  RUN(closing_completes);
  RUN(cancelling_completes);
  RUN(a_closed_queue_drops);
  RUN(a_closed_queue_gives_back);
  RUN(one_queue_serves_two);
  return report();
}
