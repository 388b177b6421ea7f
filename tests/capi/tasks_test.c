/* Tasks: submit, look, steer. */
#include <stdlib.h>

#include "plane.h"

TEST(a_task_is_found, "a task is found with all that was said of it") {
  static const char *const excluded[] = {"reviewer-9"};
  static const cp_label labels[] = {{"pr", "17"}};
  const char *parents[1];
  cp_coordinator *plane = open_plane();
  cp_task *task = NULL;
  cp_task_id id;
  cp_task_spec spec = task_spec();
  const cp_task_id parent = submit(plane);
  parents[0] = parent.text;
  spec.priority = CP_PRIORITY_HIGH;
  spec.max_retries = 5;
  spec.task_id = "task-001";
  spec.idempotency_key = "key-1";
  spec.agent_id = "reviewer-1";
  spec.exclude = excluded;
  spec.exclude_count = 1;
  spec.depends_on = parents;
  spec.depends_on_count = 1;
  spec.allow_failed_parents = 1;
  spec.concurrency_key = "repo";
  spec.concurrency_limit = 2;
  spec.metadata = "[1]";
  spec.metadata_length = 3;
  spec.labels = labels;
  spec.label_count = 1;
  spec.trace = "trace-1";
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  CHECK_TEXT(id.text, "task-001");
  CHECK_OK(cp_task_get(&task, plane, "task-001"));
  CHECK(task->struct_size == sizeof(cp_task));
  CHECK_TEXT(task->task_id, "task-001");
  CHECK_TEXT(task->task_type, "code_review");
  CHECK_TEXT(task->payload, "{\"file\":\"main.c\"}");
  CHECK(task->payload_length == 17);
  CHECK(task->required_capability_count == 1);
  CHECK_TEXT(task->required_capabilities[0], "code");
  CHECK(task->priority == CP_PRIORITY_HIGH);
  CHECK(task->state == CP_TASK_PENDING);
  CHECK(task->reason == CP_REASON_BLOCKED);
  CHECK(task->blocked_by == 1);
  CHECK(task->max_retries == 5);
  CHECK(task->attempt == 0 && task->failures == 0 && task->crashes == 0);
  CHECK_TEXT(task->directed_to, "reviewer-1");
  CHECK(task->exclude_count == 1);
  CHECK_TEXT(task->exclude[0], "reviewer-9");
  CHECK_TEXT(task->agent_id, "");
  CHECK_TEXT(task->concurrency_key, "repo");
  CHECK(task->depends_on_count == 1);
  CHECK_TEXT(task->depends_on[0], parent.text);
  CHECK_TEXT(task->idempotency_key, "key-1");
  CHECK_TEXT(task->metadata, "[1]");
  CHECK(task->label_count == 1);
  CHECK_TEXT(task->labels[0].key, "pr");
  CHECK_TEXT(task->labels[0].value, "17");
  CHECK_TEXT(task->trace, "trace-1");
  CHECK_TEXT(task->replayed_from, "");
  CHECK_TEXT(task->result, "");
  CHECK_TEXT(task->checkpoint, "");
  CHECK(task->submitted_at_us > 0 && task->finished_at_us == 0);
  cp_task_free(task);
  cp_task_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(keys_repeat, "the same key answers the first id, with other content already_exists") {
  cp_coordinator *plane = open_plane();
  cp_task_id first;
  cp_task_id second;
  cp_task_spec spec = task_spec();
  spec.idempotency_key = "key-1";
  CHECK_OK(cp_task_submit(&first, plane, &spec));
  CHECK_OK(cp_task_submit(&second, plane, &spec));
  CHECK_TEXT(second.text, first.text);
  spec.payload = "1";
  spec.payload_length = 1;
  CHECK_REFUSED(cp_task_submit(&second, plane, &spec), CP_ALREADY_EXISTS, "key-1");
  CHECK_TEXT(second.text, "");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(batches_fail_one_by_one, "a batch answers per item, whatever is wrong with one") {
  cp_coordinator *plane = open_plane();
  cp_answers *answers = NULL;
  cp_task_spec specs[5];
  size_t at;
  for (at = 0; at < 5; ++at) specs[at] = task_spec();
  specs[1].task_type = "white space";
  specs[2].priority = 9;
  specs[3].payload_length = 2000000;
  CHECK_OK(cp_task_submit_many(&answers, plane, specs, 5));
  CHECK(answers->count == 5);
  CHECK(answers->items[0]->status == CP_OK);
  CHECK_TEXT(answers->items[0]->error, "");
  CHECK(answers->items[0]->lease == NULL);
  CHECK(strlen(answers->items[0]->task_id) > 0);
  CHECK(answers->items[1]->status == CP_INVALID_ARGUMENT);
  CHECK_IN(answers->items[1]->error, "white space");
  CHECK_TEXT(answers->items[1]->task_id, "");
  CHECK_IN(answers->items[2]->error, "invalid_argument: priority is 9; it must be 0 to 3");
  CHECK_IN(answers->items[3]->error,
           "payload is 2,000,000 bytes; the limit max_payload_bytes is 1,048,576");
  CHECK(answers->items[4]->status == CP_OK);
  CHECK(strcmp(answers->items[0]->task_id, answers->items[4]->task_id) != 0);
  cp_answers_free(answers);
  cp_answers_free(NULL);
  CHECK_OK(cp_task_submit_many(&answers, plane, NULL, 0));
  CHECK(answers->count == 0);
  cp_answers_free(answers);
  CHECK_REFUSED(cp_task_submit_many(&answers, plane, specs, 1025), CP_INVALID_ARGUMENT,
                "specs: 1,025 are given; the limit max_batch is 1,024");
  CHECK(answers == NULL);
  CHECK_REFUSED(cp_task_submit_many(&answers, plane, NULL, 1), CP_INVALID_ARGUMENT,
                "specs is NULL, but 1 are announced");
  specs[1] = task_spec();
  specs[1].struct_size -= 8;
  CHECK_REFUSED(cp_task_submit_many(&answers, plane, specs, 2), CP_INVALID_ARGUMENT,
                "cp_task_spec[1]: struct_size is");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(wild_batches, "the size of a batch's structs is checked before it leads to the next one") {
  static const uint32_t sizes[] = {0, 12, 0x5a5a5a5au, 0xfffffff8u};
  cp_coordinator *plane = open_plane();
  cp_answers *answers = NULL;
  cp_task_spec specs[2];
  cp_complete_request ends[2];
  size_t at;
  for (at = 0; at < sizeof(sizes) / sizeof(sizes[0]); ++at) {
    memset(specs, 0, sizeof(specs));
    memset(ends, 0, sizeof(ends));
    specs[0].struct_size = ends[0].struct_size = sizes[at];
    CHECK_REFUSED(cp_task_submit_many(&answers, plane, specs, 2), CP_INVALID_ARGUMENT,
                  "cp_task_spec: struct_size is");
    CHECK_REFUSED(cp_task_complete_many(&answers, plane, ends, 2), CP_INVALID_ARGUMENT,
                  "cp_complete_request: struct_size is");
    CHECK(answers == NULL);
  }
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(older_batches, "a batch of an older caller's structs is read at their stride") {
  enum { kOld = 72 };
  unsigned char *room = calloc(2, kOld);
  cp_coordinator *plane = open_plane();
  cp_answers *answers = NULL;
  size_t at;
  for (at = 0; at < 2; ++at) {
    cp_task_spec spec = task_spec();
    spec.struct_size = kOld;
    memcpy(room + at * kOld, &spec, kOld);
  }
  CHECK_OK(cp_task_submit_many(&answers, plane, (const cp_task_spec *)(const void *)room, 2));
  CHECK(answers->count == 2);
  CHECK(answers->items[0]->status == CP_OK);
  CHECK(answers->items[1]->status == CP_OK);
  cp_answers_free(answers);
  free(room);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(task_specs_are_checked, "a task that breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_task_spec spec = task_spec();
  cp_task_id id;
  CHECK_REFUSED(cp_task_submit(&id, plane, NULL), CP_INVALID_ARGUMENT, "cp_task_spec is NULL");
  spec.task_type = NULL;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "task_type");
  spec = task_spec();
  spec.payload = "{\"a\":";
  spec.payload_length = 5;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "payload");
  spec.payload = "\"a\0b\"";
  spec.payload_length = 5;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "payload");
  spec = task_spec();
  spec.payload_length = 3145728;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "payload is 3,145,728 bytes; the limit max_payload_bytes is 1,048,576");
  spec.payload_length = SIZE_MAX;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "the limit max_payload_bytes is");
  spec = task_spec();
  spec.priority = -1;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "priority is -1; it must be 0 to 3");
  spec = task_spec();
  spec.timeout_ms = 0;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "timeout is 0 s");
  spec = task_spec();
  spec.delay_ms = UINT64_MAX - 1;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "the limit max_delay is");
  spec = task_spec();
  spec.retry_backoff = 0.5;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "retry.backoff is 0.5");
  spec = task_spec();
  spec.max_retries = -2;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "retry.max_retries is -2");
  spec = task_spec();
  spec.allow_failed_parents = 7;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "allow_failed_parents is 7; it must be 0 or 1");
  spec = task_spec();
  spec.concurrency_key = "k";
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT, "concurrency_limit is 0");
  spec = task_spec();
  spec.depends_on_count = 1;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "depends_on is NULL, but 1 are announced");
  spec = task_spec();
  spec.exclude_count = 1000;
  CHECK_REFUSED(cp_task_submit(&id, plane, &spec), CP_INVALID_ARGUMENT,
                "exclude: 1,000 are given; the limit max_excluded_agents is 64");
  CHECK_TEXT(id.text, "");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(the_longest_id_fits, "the longest id that options allow fits into cp_task_id") {
  char name[CP_TASK_ID_BYTES];
  cp_coordinator *plane = NULL;
  cp_limits limits = CP_LIMITS_INIT;
  cp_options options = CP_OPTIONS_INIT;
  cp_task_spec spec = task_spec();
  cp_claimed_task *task = NULL;
  cp_task_id id;
  memset(name, 'n', sizeof(name));
  name[CP_TASK_ID_BYTES - 1] = '\0';
  limits.max_name_bytes = CP_TASK_ID_BYTES - 1;
  options.limits = &limits;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  spec.task_id = name;
  spec.task_type = name;
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  CHECK_TEXT(id.text, name);
  task = claim(plane, "anybody");
  CHECK_TEXT(task->task_id, name);
  CHECK_TEXT(task->task_type, name);
  cp_claimed_task_free(task);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(tasks_are_listed, "tasks are listed in pages, filtered") {
  static const cp_label labels[] = {{"pr", "17"}};
  cp_coordinator *plane = open_plane();
  cp_task_page *page = NULL;
  cp_task_filter filter = CP_TASK_FILTER_INIT;
  cp_page_request request = CP_PAGE_REQUEST_INIT;
  char *cursor = NULL;
  int seen = 0;
  int at;
  for (at = 0; at < 7; ++at) {
    cp_task_spec spec = task_spec();
    if (at % 2 == 0) {
      spec.labels = labels;
      spec.label_count = 1;
    }
    CHECK_OK(cp_task_submit(NULL, plane, &spec));
  }
  CHECK_OK(cp_task_list(&page, plane, NULL, NULL));
  CHECK(page->count == 7);
  CHECK_TEXT(page->next_cursor, "");
  cp_task_page_free(page);
  filter.label_key = "pr";
  filter.state = CP_TASK_PENDING;
  filter.reason = CP_REASON_READY;
  filter.task_type = "code_review";
  filter.required_capability = "code";
  request.max_items = 3;
  do {
    request.cursor = cursor;
    CHECK_OK(cp_task_list(&page, plane, &filter, &request));
    seen += (int)page->count;
    free(cursor);
    cursor = page->next_cursor[0] == '\0' ? NULL : strdup(page->next_cursor);
    cp_task_page_free(page);
  } while (cursor != NULL);
  CHECK(seen == 4);
  filter.dead_letters = 1;
  CHECK_OK(cp_task_list(&page, plane, &filter, NULL));
  CHECK(page->count == 0);
  cp_task_page_free(page);
  cp_task_page_free(NULL);
  filter.state = 7;
  CHECK_REFUSED(cp_task_list(&page, plane, &filter, NULL), CP_INVALID_ARGUMENT,
                "state is 7; it must be 0 to 6");
  filter.state = CP_UNSET;
  filter.reason = -2;
  CHECK_REFUSED(cp_task_list(&page, plane, &filter, NULL), CP_INVALID_ARGUMENT,
                "reason is -2; it must be 0 to 10");
  request.cursor = "no such place";
  CHECK_STATUS(cp_task_list(&page, plane, NULL, &request), CP_INVALID_ARGUMENT);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(tasks_are_cancelled, "a cancelled task is final, and cancelling again is fine") {
  cp_coordinator *plane = open_plane();
  int32_t state = -1;
  const cp_task_id id = submit(plane);
  cp_claimed_task *held;
  cp_task_id held_id;
  CHECK_OK(cp_task_cancel(&state, plane, id.text, 0));
  CHECK(state == CP_TASK_CANCELLED);
  CHECK_OK(cp_task_cancel(NULL, plane, id.text, 1));
  CHECK_REFUSED(cp_task_cancel(&state, plane, id.text, 2), CP_INVALID_ARGUMENT,
                "force is 2; it must be 0 or 1");
  CHECK_STATUS(cp_task_cancel(&state, plane, "task-x", 0), CP_NOT_FOUND);
  held_id = submit(plane);
  held = claim(plane, "anybody");
  CHECK_OK(cp_task_cancel(&state, plane, held_id.text, 0));
  CHECK(state == CP_TASK_CLAIMED);
  CHECK_OK(cp_task_cancel(&state, plane, held_id.text, 1));
  CHECK(state == CP_TASK_CANCELLED);
  cp_claimed_task_free(held);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(tasks_are_directed, "a task can be directed to one agent and to all again") {
  cp_coordinator *plane = open_plane();
  cp_claimed_task *task = NULL;
  const cp_claim_request request = claim_request("reviewer-2");
  const cp_task_id id = submit(plane);
  CHECK_OK(cp_task_assign(plane, id.text, "reviewer-1"));
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task == NULL);
  CHECK_OK(cp_task_assign(plane, id.text, NULL));
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task != NULL);
  cp_claimed_task_free(task);
  CHECK_STATUS(cp_task_assign(plane, id.text, "reviewer-1"), CP_FAILED_PRECONDITION);
  CHECK_STATUS(cp_task_assign(plane, NULL, NULL), CP_INVALID_ARGUMENT);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(tasks_are_explained, "a task that nobody can do is explained") {
  static const char *const needed[] = {"code", "gpu"};
  cp_coordinator *plane = open_plane();
  cp_explanation *explanation = NULL;
  cp_task_spec spec = task_spec();
  cp_task_id id;
  spec.required_capabilities = needed;
  spec.required_capability_count = 2;
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  CHECK_OK(cp_task_explain(&explanation, plane, id.text));
  CHECK(explanation->struct_size == sizeof(cp_explanation));
  CHECK_TEXT(explanation->task_id, id.text);
  CHECK_IN(explanation->text, "needs {code, gpu}");
  CHECK(explanation->state == CP_TASK_PENDING);
  CHECK(explanation->reason == CP_REASON_READY);
  CHECK(explanation->agents_offering == 0);
  CHECK(explanation->required_capability_count == 2);
  CHECK(explanation->obstacle_count >= 1);
  CHECK(explanation->obstacles[0]->kind == CP_OBSTACLE_NO_AGENT_OFFERS);
  CHECK_TEXT(explanation->obstacles[0]->subject, "code");
  CHECK(explanation->now_us > 0);
  cp_explanation_free(explanation);
  cp_explanation_free(NULL);
  CHECK_STATUS(cp_task_explain(&explanation, plane, "task-x"), CP_NOT_FOUND);
  CHECK(explanation == NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(results_are_waited_for, "a wait ends with the result, or with its time") {
  cp_coordinator *plane = open_plane();
  cp_task *task = NULL;
  cp_claimed_task *held;
  cp_complete_request end;
  const cp_task_id id = submit(plane);
  CHECK_REFUSED(cp_task_wait(&task, plane, id.text, 0), CP_DEADLINE_EXCEEDED, id.text);
  CHECK_REFUSED(cp_task_wait(&task, plane, id.text, 20), CP_DEADLINE_EXCEEDED, id.text);
  CHECK(task == NULL);
  held = claim(plane, "reviewer-1");
  end = completion(held);
  end.usage = "{\"tokens\":12}";
  end.usage_length = strlen(end.usage);
  CHECK_OK(cp_task_complete(plane, &end));
  cp_claimed_task_free(held);
  CHECK_OK(cp_task_wait(&task, plane, id.text, CP_FOREVER_MS));
  CHECK(task->state == CP_TASK_COMPLETED);
  CHECK_TEXT(task->result, "{\"verdict\":\"fine\"}");
  CHECK_TEXT(task->usage, "{\"tokens\":12}");
  CHECK_TEXT(task->agent_id, "reviewer-1");
  CHECK(task->attempt == 1);
  CHECK(task->finished_at_us >= task->claimed_at_us);
  cp_task_free(task);
  CHECK_STATUS(cp_task_wait(&task, plane, "task-x", 0), CP_NOT_FOUND);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(dead_letters, "a dead letter is listed and replayed") {
  cp_coordinator *plane = open_plane();
  cp_task_page *page = NULL;
  cp_task *task = NULL;
  cp_task_id replayed;
  cp_task_id again;
  cp_replay_options options = CP_REPLAY_OPTIONS_INIT;
  const cp_task_id id = submit(plane);
  cp_claimed_task *held = claim(plane, "reviewer-1");
  const cp_fail_request end = failure(held, CP_FAIL_FATAL);
  CHECK_REFUSED(cp_dead_letter_replay(&replayed, plane, id.text, NULL), CP_FAILED_PRECONDITION,
                id.text);
  CHECK_OK(cp_task_fail(plane, &end));
  cp_claimed_task_free(held);
  CHECK_OK(cp_dead_letter_list(&page, plane, NULL));
  CHECK(page->count == 1);
  CHECK_TEXT(page->items[0]->task_id, id.text);
  CHECK_TEXT(page->items[0]->error, "no such file");
  CHECK(page->items[0]->state == CP_TASK_FAILED);
  CHECK(page->items[0]->reason == CP_REASON_FATAL);
  cp_task_page_free(page);
  options.operation_id = "op-1";
  CHECK_OK(cp_dead_letter_replay(&replayed, plane, id.text, &options));
  CHECK_OK(cp_dead_letter_replay(&again, plane, id.text, &options));
  CHECK_TEXT(again.text, replayed.text);
  CHECK_OK(cp_task_get(&task, plane, replayed.text));
  CHECK_TEXT(task->replayed_from, id.text);
  cp_task_free(task);
  CHECK_OK(cp_dead_letter_replay(NULL, plane, id.text, NULL));
  options.with_dependents = -1;
  CHECK_REFUSED(cp_dead_letter_replay(&again, plane, id.text, &options), CP_INVALID_ARGUMENT,
                "with_dependents is -1");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(totals, "totals and metrics count what happened") {
  cp_coordinator *plane = open_plane();
  cp_stats *stats = NULL;
  cp_text *text = NULL;
  const cp_agent_spec agent = agent_spec("reviewer-1");
  CHECK_OK(cp_agent_register(plane, &agent));
  (void)submit(plane);
  (void)submit(plane);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  CHECK_OK(cp_stats_get(&stats, plane));
  CHECK(stats->struct_size == sizeof(cp_stats));
  CHECK_TEXT(stats->store, "memory");
  CHECK_TEXT(stats->tenant, "default");
  CHECK(stats->total_agents == 1 && stats->available_agents == 1);
  CHECK(stats->agent_statuses == CP_AGENT_STATUSES);
  CHECK(stats->agents_by_status[CP_AGENT_READY] == 1);
  CHECK(stats->task_states == CP_TASK_STATES);
  CHECK(stats->tasks_by_state[CP_TASK_PENDING] == 1);
  CHECK(stats->tasks_by_state[CP_TASK_CLAIMED] == 1);
  CHECK(stats->priorities == 4);
  CHECK(stats->pending_by_priority[CP_PRIORITY_NORMAL] == 1);
  CHECK(stats->pending_tasks == 1 && stats->ready_tasks == 1 && stats->claimed_tasks == 1);
  CHECK(stats->submitted_total == 2 && stats->claimed_total == 1 && stats->completed_total == 0);
  CHECK(stats->healthy_agents == 1);
  CHECK(stats->health_status == CP_HEALTH_HEALTHY);
  CHECK(stats->first_event_seq == 1 && stats->last_event_seq >= 4);
  cp_stats_free(stats);
  cp_stats_free(NULL);
  CHECK_OK(cp_metrics_text(&text, plane));
  CHECK(text->length == strlen(text->data));
  CHECK_IN(text->data, "# TYPE ");
  cp_text_free(text);
  cp_text_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(a_task_is_found);
  RUN(keys_repeat);
  RUN(batches_fail_one_by_one);
  RUN(wild_batches);
  RUN(older_batches);
  RUN(task_specs_are_checked);
  RUN(the_longest_id_fits);
  RUN(tasks_are_listed);
  RUN(tasks_are_cancelled);
  RUN(tasks_are_directed);
  RUN(tasks_are_explained);
  RUN(results_are_waited_for);
  RUN(dead_letters);
  RUN(totals);
  return report();
}
