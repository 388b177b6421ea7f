/* Claims, and what their holders say. */
#include "plane.h"

TEST(a_claim_carries_its_task, "a claim carries its task, its lease and its deadlines") {
  static const cp_label labels[] = {{"pr", "17"}};
  cp_coordinator *plane = open_plane();
  cp_claimed_task *task = NULL;
  cp_claim_request request = claim_request("reviewer-1");
  cp_task_spec spec = task_spec();
  cp_task_id id;
  spec.labels = labels;
  spec.label_count = 1;
  spec.metadata = "{}";
  spec.metadata_length = 2;
  spec.trace = "trace-1";
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  request.lease_ttl_ms = 10000;
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task->struct_size == sizeof(cp_claimed_task));
  CHECK_TEXT(task->task_id, id.text);
  CHECK_TEXT(task->attempt.task_id, id.text);
  CHECK(task->attempt.lease.attempt == 1);
  CHECK(task->attempt.agent_id == NULL);
  CHECK_TEXT(task->task_type, "code_review");
  CHECK_TEXT(task->payload, spec.payload);
  CHECK(task->payload_length == spec.payload_length);
  CHECK(task->priority == CP_PRIORITY_NORMAL);
  CHECK(task->attempt_number == 1);
  CHECK(task->lease_until_us == task->claimed_at_us + 10000000);
  CHECK(task->deadline_us == task->claimed_at_us + 300000000);
  CHECK_TEXT(task->checkpoint, "");
  CHECK_TEXT(task->metadata, "{}");
  CHECK(task->label_count == 1);
  CHECK_TEXT(task->labels[0].value, "17");
  CHECK_TEXT(task->trace, "trace-1");
  cp_claimed_task_free(task);
  cp_claimed_task_free(NULL);
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task == NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(a_claim_outlives_its_coordinator,
     "a claimed task can be read after its coordinator was closed") {
  cp_coordinator *plane = open_plane();
  const cp_task_id id = submit(plane);
  cp_claimed_task *task = claim(plane, "reviewer-1");
  CHECK_OK(cp_coordinator_close(plane));
  CHECK_TEXT(task->task_id, id.text);
  CHECK_TEXT(task->payload, "{\"file\":\"main.c\"}");
  cp_claimed_task_free(task);
}

TEST(the_life_of_an_attempt, "an attempt is started, renewed, reports progress and ends once") {
  cp_coordinator *plane = open_plane();
  cp_lease_status lease;
  cp_task *seen = NULL;
  cp_progress_request progress = CP_PROGRESS_REQUEST_INIT;
  cp_complete_request end;
  cp_fail_request other;
  const cp_task_id id = submit(plane);
  cp_claimed_task *task = claim(plane, "reviewer-1");
  memset(&lease, 0x5a, sizeof(lease));
  CHECK_OK(cp_task_start(&lease, plane, &task->attempt));
  CHECK(lease.cancel_requested == 0 && lease.reserved == 0);
  CHECK(lease.deadline_us == task->deadline_us);
  CHECK(lease.lease_until_us == 0);
  CHECK_OK(cp_task_start(NULL, plane, &task->attempt));
  CHECK_OK(cp_task_renew(&lease, plane, &task->attempt));
  progress.attempt = task->attempt;
  progress.fraction = 0.5;
  progress.note = "half way";
  progress.data = "{\"line\":3}";
  progress.data_length = strlen(progress.data);
  CHECK_OK(cp_task_progress(&lease, plane, &progress));
  CHECK_OK(cp_task_get(&seen, plane, id.text));
  CHECK(seen->state == CP_TASK_RUNNING);
  CHECK(seen->progress == 0.5);
  CHECK_TEXT(seen->progress_note, "half way");
  CHECK_TEXT(seen->checkpoint, "{\"line\":3}");
  CHECK(seen->started_at_us > 0);
  cp_task_free(seen);
  CHECK_OK(cp_task_cancel(NULL, plane, id.text, 0));
  CHECK_OK(cp_task_renew(&lease, plane, &task->attempt));
  CHECK(lease.cancel_requested == 1);
  end = completion(task);
  CHECK_OK(cp_task_complete(plane, &end));
  CHECK_OK(cp_task_complete(plane, &end)); /* the same again */
  other = failure(task, CP_FAIL_RETRYABLE);
  CHECK_REFUSED(cp_task_fail(plane, &other), CP_CONFLICT, "already completed");
  CHECK_STATUS(cp_task_release(plane, &task->attempt), CP_CONFLICT);
  CHECK_STATUS(cp_task_renew(&lease, plane, &task->attempt), CP_CONFLICT);
  cp_claimed_task_free(task);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(failures, "a failed attempt is retried with its checkpoint, a fatal one is not") {
  cp_coordinator *plane = open_plane();
  cp_progress_request progress = CP_PROGRESS_REQUEST_INIT;
  cp_fail_request end;
  cp_task *seen = NULL;
  cp_claimed_task *task;
  cp_task_id id;
  cp_task_spec spec = task_spec();
  spec.retry_delay_ms = 0;
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  task = claim(plane, "reviewer-1");
  progress.attempt = task->attempt;
  progress.data = "7";
  progress.data_length = 1;
  CHECK_OK(cp_task_progress(NULL, plane, &progress));
  end = failure(task, CP_FAIL_RETRYABLE);
  end.usage = "1";
  end.usage_length = 1;
  CHECK_OK(cp_task_fail(plane, &end));
  cp_claimed_task_free(task);
  task = claim(plane, "reviewer-1");
  CHECK(task->attempt_number == 2);
  CHECK_TEXT(task->checkpoint, "7");
  CHECK_OK(cp_task_release(plane, &task->attempt));
  cp_claimed_task_free(task);
  task = claim(plane, "reviewer-1");
  end = failure(task, CP_FAIL_RATE_LIMITED);
  end.retry_after_ms = 60000;
  CHECK_OK(cp_task_fail(plane, &end));
  cp_claimed_task_free(task);
  CHECK_OK(cp_task_get(&seen, plane, id.text));
  CHECK(seen->reason == CP_REASON_BACKOFF);
  CHECK(seen->failures == 1);
  cp_task_free(seen);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(many_at_once, "many tasks are claimed, renewed and ended at once, each with its answer") {
  cp_coordinator *plane = open_plane();
  cp_claimed_tasks *tasks = NULL;
  cp_answers *answers = NULL;
  cp_attempt attempts[4];
  cp_complete_request ends[2];
  cp_fail_request failures[3];
  cp_claim_request request = claim_request("reviewer-1");
  int at;
  for (at = 0; at < 5; ++at) (void)submit(plane);
  request.max_tasks = 4;
  CHECK_OK(cp_task_claim_many(&tasks, plane, &request));
  CHECK(tasks->struct_size == sizeof(cp_claimed_tasks));
  CHECK(tasks->count == 4);
  for (at = 0; at < 4; ++at) attempts[at] = tasks->items[at]->attempt;
  attempts[2].lease.nonce ^= 1;
  attempts[3].lease.attempt = (uint64_t)1 << 32;
  CHECK_OK(cp_task_renew_many(&answers, plane, attempts, 4));
  CHECK(answers->count == 4);
  CHECK(answers->items[0]->status == CP_OK);
  CHECK(answers->items[0]->lease->deadline_us == tasks->items[0]->deadline_us);
  CHECK(answers->items[2]->status == CP_CONFLICT);
  CHECK(answers->items[2]->lease == NULL);
  CHECK_IN(answers->items[2]->error, "conflict: ");
  CHECK_IN(answers->items[3]->error, "lease.attempt is 4,294,967,296; it must be below 2^32");
  cp_answers_free(answers);
  ends[0] = completion(tasks->items[0]);
  ends[1] = completion(tasks->items[1]);
  ends[1].result = "{";
  ends[1].result_length = 1;
  CHECK_OK(cp_task_complete_many(&answers, plane, ends, 2));
  CHECK(answers->items[0]->status == CP_OK);
  CHECK(answers->items[1]->status == CP_INVALID_ARGUMENT);
  cp_answers_free(answers);
  failures[0] = failure(tasks->items[1], CP_FAIL_FATAL);
  failures[1] = failure(tasks->items[2], 3);
  failures[2] = failure(tasks->items[3], CP_FAIL_RETRYABLE);
  CHECK_OK(cp_task_fail_many(&answers, plane, failures, 3));
  CHECK(answers->items[0]->status == CP_OK);
  CHECK_IN(answers->items[1]->error, "kind is 3; it must be 0 to 2");
  CHECK(answers->items[2]->status == CP_OK);
  cp_answers_free(answers);
  cp_claimed_tasks_free(tasks);
  CHECK_OK(cp_task_claim_many(&tasks, plane, &request));
  CHECK(tasks->count == 1);
  cp_claimed_tasks_free(tasks);
  CHECK_OK(cp_task_claim_many(&tasks, plane, &request));
  CHECK(tasks->count == 0);
  cp_claimed_tasks_free(tasks);
  cp_claimed_tasks_free(NULL);
  CHECK_REFUSED(cp_task_renew_many(&answers, plane, NULL, 2), CP_INVALID_ARGUMENT,
                "attempts is NULL, but 2 are announced");
  CHECK_REFUSED(cp_task_complete_many(&answers, plane, ends, SIZE_MAX), CP_INVALID_ARGUMENT,
                "max_batch is 1,024");
  CHECK_REFUSED(cp_task_fail_many(NULL, plane, failures, 1), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(requests_do_not_leak, "what one claim asked for is not asked for by the next") {
  static const char *const other[] = {"debate", "judge"};
  cp_coordinator *plane = open_plane();
  cp_claimed_task *task = NULL;
  cp_claimed_task *same = NULL;
  cp_claim_request request = claim_request("reviewer-1");
  cp_task_spec debate = task_spec();
  (void)submit(plane);
  debate.required_capabilities = other;
  CHECK_OK(cp_task_submit(NULL, plane, &debate));
  request.capabilities = other;
  request.capability_count = 2;
  request.claim_id = "claim-1";
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task != NULL);
  CHECK_OK(cp_task_claim(&same, plane, &request));
  CHECK_TEXT(same->task_id, task->task_id);
  cp_claimed_task_free(same);
  cp_claimed_task_free(task);
  request.claim_id = NULL;
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task == NULL);
  request.capabilities = plane_code;
  request.capability_count = 1;
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task != NULL);
  cp_claimed_task_free(task);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(ends_without_a_lease, "an end may name the agent only, unless a lease is required") {
  cp_coordinator *plane = open_plane();
  cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
  cp_options options = CP_OPTIONS_INIT;
  cp_task_id id = submit(plane);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  end.attempt.task_id = id.text;
  CHECK_STATUS(cp_task_complete(plane, &end), CP_INVALID_ARGUMENT);
  end.attempt.agent_id = "reviewer-1";
  CHECK_OK(cp_task_complete(plane, &end));
  CHECK_OK(cp_coordinator_close(plane));
  options.require_lease = 1;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  id = submit(plane);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  end.attempt.task_id = id.text;
  CHECK_STATUS(cp_task_complete(plane, &end), CP_INVALID_ARGUMENT);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(attempts_are_checked, "an attempt that breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_claimed_task *task = NULL;
  cp_claimed_task *none = NULL;
  cp_lease_status lease;
  cp_claim_request request = claim_request(NULL);
  cp_progress_request progress = CP_PROGRESS_REQUEST_INIT;
  cp_complete_request end;
  cp_fail_request failed;
  char error[5000];
  (void)submit(plane);
  task = claim(plane, "reviewer-1");
  CHECK_REFUSED(cp_task_claim(&none, plane, NULL), CP_INVALID_ARGUMENT, "cp_claim_request is NULL");
  CHECK_REFUSED(cp_task_claim(&none, plane, &request), CP_INVALID_ARGUMENT, "agent_id");
  request = claim_request("reviewer-1");
  request.max_tasks = 0;
  CHECK_REFUSED(cp_task_claim(&none, plane, &request), CP_INVALID_ARGUMENT,
                "max_tasks is 0; it must be at least 1");
  request = claim_request("reviewer-1");
  request.wait_ms = CP_FOREVER_MS - 1;
  CHECK_REFUSED(cp_task_claim(&none, plane, &request), CP_INVALID_ARGUMENT,
                "the limit max_delay is");
  request = claim_request("reviewer-1");
  request.incarnation = 5;
  CHECK_STATUS(cp_task_claim(&none, plane, &request), CP_NOT_FOUND);
  CHECK(none == NULL);
  CHECK_REFUSED(cp_task_start(&lease, plane, NULL), CP_INVALID_ARGUMENT, "attempt is NULL");
  CHECK_REFUSED(cp_task_renew(&lease, plane, NULL), CP_INVALID_ARGUMENT, "attempt is NULL");
  CHECK_REFUSED(cp_task_release(plane, NULL), CP_INVALID_ARGUMENT, "attempt is NULL");
  CHECK_REFUSED(cp_task_progress(&lease, plane, NULL), CP_INVALID_ARGUMENT,
                "cp_progress_request is NULL");
  CHECK_REFUSED(cp_task_complete(plane, NULL), CP_INVALID_ARGUMENT, "cp_complete_request is NULL");
  CHECK_REFUSED(cp_task_fail(plane, NULL), CP_INVALID_ARGUMENT, "cp_fail_request is NULL");
  progress.attempt = task->attempt;
  progress.fraction = 1.5;
  CHECK_REFUSED(cp_task_progress(&lease, plane, &progress), CP_INVALID_ARGUMENT,
                "fraction is 1.5; it must be 0 to 1");
  progress.fraction = 0;
  progress.data_length = 100000;
  CHECK_REFUSED(cp_task_progress(&lease, plane, &progress), CP_INVALID_ARGUMENT,
                "data is 100,000 bytes; the limit max_checkpoint_bytes");
  end = completion(task);
  end.result_length = 9999999;
  CHECK_REFUSED(cp_task_complete(plane, &end), CP_INVALID_ARGUMENT,
                "result is 9,999,999 bytes; the limit max_result_bytes");
  end = completion(task);
  end.usage_length = 1;
  CHECK_REFUSED(cp_task_complete(plane, &end), CP_INVALID_ARGUMENT,
                "usage is NULL, but 1 bytes are announced");
  memset(error, 'e', sizeof(error) - 1);
  error[sizeof(error) - 1] = '\0';
  failed = failure(task, CP_FAIL_RETRYABLE);
  failed.error = error;
  CHECK_REFUSED(cp_task_fail(plane, &failed), CP_INVALID_ARGUMENT,
                "error is 4,999 bytes; the limit max_error_bytes is 4,096");
  failed = failure(task, CP_FAIL_RETRYABLE);
  failed.retry_after_ms = 25 * 3600000;
  CHECK_REFUSED(cp_task_fail(plane, &failed), CP_INVALID_ARGUMENT, "retry_after");
  end = completion(task);
  end.attempt.task_id = NULL;
  CHECK_STATUS(cp_task_complete(plane, &end), CP_INVALID_ARGUMENT);
  end.attempt.task_id = "task-x";
  CHECK_STATUS(cp_task_complete(plane, &end), CP_NOT_FOUND);
  end = completion(task);
  CHECK_OK(cp_task_complete(plane, &end)); /* after all of that */
  cp_claimed_task_free(task);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(a_claim_carries_its_task);
  RUN(a_claim_outlives_its_coordinator);
  RUN(the_life_of_an_attempt);
  RUN(failures);
  RUN(many_at_once);
  RUN(requests_do_not_leak);
  RUN(ends_without_a_lease);
  RUN(attempts_are_checked);
  return report();
}
