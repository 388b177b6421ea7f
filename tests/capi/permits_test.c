/* Pools and permits, alone and with tasks. */
#include <pthread.h>
#include <stdlib.h>

#include "loop.h"

static void define(cp_coordinator *plane, const char *name, int32_t kind, uint64_t capacity) {
  cp_pool_spec spec = CP_POOL_SPEC_INIT;
  spec.name = name;
  spec.kind = kind;
  spec.capacity = capacity;
  CHECK_OK(cp_pool_define(NULL, plane, &spec));
}

static cp_acquire_request request_of(const cp_permit_need *needs, size_t count, const char *owner) {
  cp_acquire_request request = CP_ACQUIRE_REQUEST_INIT;
  request.needs = needs;
  request.need_count = count;
  request.owner = owner;
  return request;
}

static const cp_permit_need one_slot = {"slots", 1};

static cp_permit *acquire_slot(cp_coordinator *plane, const char *owner) {
  cp_permit *permit = NULL;
  const cp_acquire_request request = request_of(&one_slot, 1, owner);
  CHECK_OK(cp_permit_acquire(&permit, plane, &request));
  return permit;
}

static void check_used(cp_coordinator *plane, const char *name, uint64_t used) {
  cp_pool *pool = NULL;
  if (!CHECK_OK(cp_pool_get(&pool, plane, name))) return;
  CHECK(pool->used == used);
  cp_pool_free(pool);
}

TEST(pools_are_defined, "pools of every kind are defined, changed, listed and removed") {
  static const cp_pool_weight weights[] = {{"acme", 3}, {"initech", 1}};
  cp_coordinator *plane = open_plane();
  cp_pool_spec spec = CP_POOL_SPEC_INIT;
  cp_page_request request = CP_PAGE_REQUEST_INIT;
  cp_pool *pool = NULL;
  cp_pool_page *page = NULL;
  int32_t removed = -1;
  spec.name = "slots";
  spec.capacity = 2;
  spec.weights = weights;
  spec.weight_count = 2;
  CHECK_OK(cp_pool_define(&pool, plane, &spec));
  CHECK(pool->struct_size == sizeof(cp_pool) && pool->kind == CP_POOL_COUNT);
  CHECK_TEXT(pool->name, "slots");
  CHECK(pool->capacity == 2 && pool->available == 2 && pool->used == 0);
  CHECK(pool->weight_count == 2 && pool->weights[0].weight == 3);
  CHECK_TEXT(pool->weights[1].owner, "initech");
  cp_pool_free(pool);
  spec.capacity = 3;
  CHECK_OK(cp_pool_define(NULL, plane, &spec));
  spec.kind = CP_POOL_BUDGET;
  CHECK_STATUS(cp_pool_define(&pool, plane, &spec), CP_FAILED_PRECONDITION);
  CHECK(pool == NULL);
  spec.name = "seats";
  spec.kind = CP_POOL_NUMBER;
  spec.first = 10;
  spec.last = 12;
  spec.weight_count = 0;
  CHECK_OK(cp_pool_define(NULL, plane, &spec));
  define(plane, "tokens", CP_POOL_WINDOW, 1000);
  define(plane, "money", CP_POOL_BUDGET, CP_UNLIMITED);
  CHECK_OK(cp_pool_get(&pool, plane, "seats"));
  CHECK(pool->kind == CP_POOL_NUMBER && pool->first == 10 && pool->last == 12);
  CHECK(pool->available == 3);
  cp_pool_free(pool);
  CHECK_OK(cp_pool_get(&pool, plane, "money"));
  CHECK(pool->capacity == CP_UNLIMITED && pool->available == CP_UNLIMITED);
  cp_pool_free(pool);
  request.max_items = 3;
  CHECK_OK(cp_pool_list(&page, plane, NULL, &request));
  CHECK(page->count == 3);
  CHECK_TEXT(page->items[0]->name, "money");
  CHECK(page->next_cursor[0] != '\0');
  cp_pool_page_free(page);
  CHECK_OK(cp_pool_list(&page, plane, "s", NULL));
  CHECK(page->count == 2);
  CHECK_TEXT(page->items[1]->name, "slots");
  CHECK_TEXT(page->next_cursor, "");
  cp_pool_page_free(page);
  CHECK_OK(cp_pool_remove(&removed, plane, "slots"));
  CHECK(removed == 1);
  CHECK_OK(cp_pool_remove(&removed, plane, "slots"));
  CHECK(removed == 0);
  CHECK_OK(cp_pool_remove(NULL, plane, "money"));
  CHECK_REFUSED(cp_pool_get(&pool, plane, "slots"), CP_NOT_FOUND, "slots");
  CHECK(pool == NULL);
  cp_pool_free(NULL);
  cp_pool_page_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(kinds_have_names, "kinds of pools have names") {
  CHECK_TEXT(cp_pool_kind_name(CP_POOL_COUNT), "count");
  CHECK_TEXT(cp_pool_kind_name(CP_POOL_BUDGET), "budget");
  CHECK_TEXT(cp_pool_kind_name(4), "unknown");
  CHECK_TEXT(cp_pool_kind_name(-1), "unknown");
}

TEST(permits_are_all_or_none,
     "a permit takes all that is needed or nothing, and says what it got") {
  static const cp_permit_need needs[] = {{"slots", 2}, {"seats", 2}};
  cp_coordinator *plane = open_plane();
  cp_pool_spec seats = CP_POOL_SPEC_INIT;
  cp_permit *permit = NULL;
  cp_permit *other = NULL;
  cp_permit_page *page = NULL;
  int32_t removed = -1;
  int64_t until = 0;
  cp_permit_ref wrong;
  const cp_acquire_request request = request_of(needs, 2, "acme");
  define(plane, "slots", CP_POOL_COUNT, 3);
  seats.name = "seats";
  seats.kind = CP_POOL_NUMBER;
  seats.first = 7;
  seats.last = 9;
  CHECK_OK(cp_pool_define(NULL, plane, &seats));
  CHECK_OK(cp_permit_acquire(&permit, plane, &request));
  CHECK(permit->struct_size == sizeof(cp_permit) && permit->ref.fence > 0);
  CHECK_TEXT(permit->ref.owner, "acme");
  CHECK(permit->part_count == 2);
  CHECK(permit->parts[0]->struct_size == sizeof(cp_permit_part));
  CHECK_TEXT(permit->parts[0]->pool, "slots");
  CHECK(permit->parts[0]->amount == 2 && permit->parts[0]->number_count == 0);
  CHECK(permit->parts[1]->number_count == 2 && permit->parts[1]->numbers[0] == 7);
  CHECK(permit->parts[1]->numbers[1] == 8);
  CHECK(permit->expires_at_us == permit->acquired_at_us + 30000000);
  CHECK_REFUSED(cp_permit_acquire(&other, plane, &request), CP_RESOURCE_EXHAUSTED, "slots");
  CHECK(other == NULL);
  check_used(plane, "seats", 2);
  CHECK_STATUS(cp_pool_remove(&removed, plane, "slots"), CP_FAILED_PRECONDITION);
  CHECK_OK(cp_permit_renew(&until, plane, &permit->ref, 60000));
  CHECK(until > permit->expires_at_us);
  CHECK_OK(cp_permit_renew(NULL, plane, &permit->ref, 1));
  CHECK_OK(cp_permit_list(&page, plane, "slots", NULL));
  CHECK(page->count == 1 && page->items[0]->ref.fence == permit->ref.fence);
  CHECK(page->items[0]->expires_at_us == until); /* later than what was asked for last */
  CHECK_TEXT(page->next_cursor, "");
  cp_permit_page_free(page);
  wrong = permit->ref;
  wrong.owner = "initech";
  CHECK_STATUS(cp_permit_renew(&until, plane, &wrong, 1), CP_CONFLICT);
  CHECK(until == 0);
  CHECK_STATUS(cp_permit_release(plane, &wrong), CP_CONFLICT);
  CHECK_STATUS(cp_permit_settle(plane, &wrong, NULL, 0), CP_CONFLICT);
  CHECK_OK(cp_permit_release(plane, &permit->ref));
  CHECK_STATUS(cp_permit_release(plane, &permit->ref), CP_NOT_FOUND);
  CHECK_STATUS(cp_permit_renew(&until, plane, &permit->ref, 1), CP_NOT_FOUND);
  CHECK_STATUS(cp_permit_settle(plane, &permit->ref, NULL, 0), CP_NOT_FOUND);
  check_used(plane, "slots", 0);
  cp_permit_free(permit);
  cp_permit_free(NULL);
  cp_permit_page_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(use_is_settled, "what was used of a budget is settled, even more than was reserved") {
  static const cp_permit_need reserved = {"money", 60};
  static const cp_permit_need used = {"money", 130};
  cp_coordinator *plane = open_plane();
  cp_pool *pool = NULL;
  cp_permit *permit = NULL;
  cp_acquire_request request = request_of(&reserved, 1, "acme");
  define(plane, "money", CP_POOL_BUDGET, 100);
  request.operation_id = "spend-1";
  CHECK_OK(cp_permit_acquire(&permit, plane, &request));
  {
    cp_permit *again = NULL;
    CHECK_OK(cp_permit_acquire(&again, plane, &request));
    CHECK(again->ref.fence == permit->ref.fence);
    cp_permit_free(again);
  }
  check_used(plane, "money", 60);
  CHECK_OK(cp_permit_settle(plane, &permit->ref, &used, 1));
  CHECK_OK(cp_pool_get(&pool, plane, "money"));
  CHECK(pool->used == 130 && pool->debt == 30 && pool->available == 0 && pool->permits == 0);
  CHECK(pool->granted_total == 1);
  cp_pool_free(pool);
  cp_permit_free(permit);
  CHECK_OK(cp_coordinator_close(plane));
}

struct waiter {
  cp_coordinator *plane;
  const char *operation_id;
  int32_t status;
  cp_permit *permit;
};

static void *wait_for_slot(void *data) {
  struct waiter *waiter = data;
  cp_acquire_request request = request_of(&one_slot, 1, "late");
  request.wait_ms = CP_FOREVER_MS;
  request.operation_id = waiter->operation_id;
  waiter->status = cp_permit_acquire(&waiter->permit, waiter->plane, &request);
  return NULL;
}

static void await_line(cp_coordinator *plane, uint64_t waiting) {
  uint64_t found = 0;
  while (found != waiting) {
    cp_pool *pool = NULL;
    if (!CHECK_OK(cp_pool_get(&pool, plane, "slots"))) return;
    found = pool->waiting;
    cp_pool_free(pool);
  }
}

TEST(waits_end, "an acquire waits until it is served, cancelled, or the coordinator closes") {
  struct waiter waiter;
  pthread_t thread;
  cp_permit *held;
  int32_t ended = -1;
  memset(&waiter, 0, sizeof(waiter));
  waiter.plane = open_plane();
  waiter.operation_id = "wait-1";
  define(waiter.plane, "slots", CP_POOL_COUNT, 1);
  held = acquire_slot(waiter.plane, "first");
  CHECK(pthread_create(&thread, NULL, wait_for_slot, &waiter) == 0);
  await_line(waiter.plane, 1);
  CHECK_OK(cp_permit_release(waiter.plane, &held->ref));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waiter.status == CP_OK && waiter.permit->ref.fence > held->ref.fence);
  cp_permit_free(held);
  cp_permit_free(waiter.permit);
  waiter.operation_id = "wait-2";
  CHECK(pthread_create(&thread, NULL, wait_for_slot, &waiter) == 0);
  await_line(waiter.plane, 1);
  CHECK_OK(cp_permit_cancel_acquire(&ended, waiter.plane, "wait-3"));
  CHECK(ended == 0);
  CHECK_OK(cp_permit_cancel_acquire(&ended, waiter.plane, "wait-2"));
  CHECK(ended == 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waiter.status == CP_CANCELLED && waiter.permit == NULL);
  CHECK_OK(cp_permit_cancel_acquire(NULL, waiter.plane, "wait-2"));
  {
    cp_acquire_request request = request_of(&one_slot, 1, "late");
    request.wait_ms = 1;
    CHECK_STATUS(cp_permit_acquire(&waiter.permit, waiter.plane, &request), CP_DEADLINE_EXCEEDED);
  }
  CHECK(pthread_create(&thread, NULL, wait_for_slot, &waiter) == 0);
  await_line(waiter.plane, 1);
  CHECK_OK(cp_coordinator_close(waiter.plane));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waiter.status == CP_CANCELLED && waiter.permit == NULL);
}

TEST(permits_in_a_loop, "operations on pools and permits complete in the queue") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_completion *granted;
  cp_acquire_request request = request_of(&one_slot, 1, "acme");
  cp_pool_spec spec = CP_POOL_SPEC_INIT;
  spec.name = "slots";
  STARTED(cp_pool_define_async(plane, &spec, queue, &some_data));
  answer = next_ok(queue, CP_CALL_POOL_DEFINE);
  CHECK(answer->pool->available == 1);
  cp_completion_free(answer);
  STARTED(cp_permit_acquire_async(plane, &request, queue, &some_data));
  granted = next_ok(queue, CP_CALL_PERMIT_ACQUIRE);
  CHECK_TEXT(granted->permit->ref.owner, "acme");
  CHECK(granted->pool == NULL && granted->permits == NULL);
  STARTED(cp_permit_renew_async(plane, &granted->permit->ref, 60000, queue, &some_data));
  answer = next_ok(queue, CP_CALL_PERMIT_RENEW);
  CHECK(answer->expires_at_us > granted->permit->expires_at_us);
  cp_completion_free(answer);
  STARTED(cp_permit_list_async(plane, "slots", NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_PERMIT_LIST);
  CHECK(answer->permits->count == 1);
  cp_completion_free(answer);
  STARTED(cp_pool_get_async(plane, "slots", queue, &some_data));
  answer = next_ok(queue, CP_CALL_POOL_GET);
  CHECK(answer->pool->used == 1);
  cp_completion_free(answer);
  STARTED(cp_permit_release_async(plane, &granted->permit->ref, queue, &some_data));
  DONE(CP_CALL_PERMIT_RELEASE);
  cp_completion_free(granted);
  STARTED(cp_permit_acquire_async(plane, &request, queue, &some_data));
  granted = next_ok(queue, CP_CALL_PERMIT_ACQUIRE);
  STARTED(cp_permit_settle_async(plane, &granted->permit->ref, NULL, 0, queue, &some_data));
  DONE(CP_CALL_PERMIT_SETTLE);
  cp_completion_free(granted);
  STARTED(cp_pool_list_async(plane, NULL, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_POOL_LIST);
  CHECK(answer->pools->count == 1);
  cp_completion_free(answer);
  STARTED(cp_pool_remove_async(plane, "slots", queue, &some_data));
  answer = next_ok(queue, CP_CALL_POOL_REMOVE);
  CHECK(answer->count == 1);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(unheard_permits_go_back, "a permit that nobody hears of is released") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_permit *held;
  cp_acquire_request request = request_of(&one_slot, 1, "acme");
  define(plane, "slots", CP_POOL_COUNT, 1);
  STARTED(cp_permit_acquire_async(plane, &request, queue, &some_data));
  check_used(plane, "slots", 1);
  CHECK_OK(cp_queue_close(queue)); /* it was in there */
  check_used(plane, "slots", 0);
  queue = open_queue();
  held = acquire_slot(plane, "first");
  request.wait_ms = CP_FOREVER_MS;
  STARTED(cp_permit_acquire_async(plane, &request, queue, &some_data));
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_cancel(queue));
  answer = next(queue);
  CHECK(answer->status == CP_CANCELLED && answer->permit == NULL);
  cp_completion_free(answer);
  CHECK_OK(cp_permit_release(plane, &held->ref)); /* it still waits, and gives it back */
  cp_permit_free(held);
  request.wait_ms = 60000;
  CHECK_OK(cp_permit_acquire(&held, plane, &request));
  cp_permit_free(held);
  /* A wait that the coordinator's end ends. */
  CHECK_OK(cp_queue_close(queue));
  queue = open_queue();
  STARTED(cp_permit_acquire_async(plane, &request, queue, &some_data));
  CHECK_OK(cp_coordinator_close(plane));
  answer = next(queue);
  CHECK(answer->status == CP_CANCELLED);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
}

TEST(tasks_need_permits, "a claim takes what its task needs, and the attempt's end gives it back") {
  cp_coordinator *plane = open_plane();
  cp_task_spec spec = task_spec();
  cp_task_spec specs[2];
  cp_claimed_task *task;
  cp_claimed_task *none = NULL;
  cp_task *shown = NULL;
  cp_explanation *why = NULL;
  cp_stats *stats = NULL;
  cp_answers *answers = NULL;
  cp_complete_request end;
  cp_claim_request request = claim_request("reviewer-1");
  cp_task_id id;
  size_t at;
  int short_of_slots = 0;
  spec.needs = &one_slot;
  spec.need_count = 1;
  CHECK_STATUS(cp_task_submit(NULL, plane, &spec), CP_NOT_FOUND);
  define(plane, "slots", CP_POOL_COUNT, 1);
  specs[0] = specs[1] = spec;
  CHECK_OK(cp_task_submit_many(&answers, plane, specs, 2));
  snprintf(id.text, sizeof(id.text), "%s", answers->items[1]->task_id);
  cp_answers_free(answers);
  task = claim(plane, "reviewer-1");
  CHECK(task->need_count == 1 && task->needs[0].amount == 1);
  CHECK_TEXT(task->needs[0].pool, "slots");
  CHECK_OK(cp_task_claim(&none, plane, &request));
  CHECK(none == NULL);
  CHECK_OK(cp_task_get(&shown, plane, id.text));
  CHECK(shown->need_count == 1);
  CHECK_TEXT(shown->needs[0].pool, "slots");
  cp_task_free(shown);
  CHECK_OK(cp_task_explain(&why, plane, id.text));
  for (at = 0; at < why->obstacle_count; ++at) {
    if (why->obstacles[at]->kind != CP_OBSTACLE_POOL_SHORT) continue;
    CHECK_TEXT(why->obstacles[at]->subject, "slots");
    ++short_of_slots;
  }
  CHECK(short_of_slots == 1);
  cp_explanation_free(why);
  CHECK_OK(cp_state_put(NULL, plane, "k", "1", 1, NULL));
  CHECK_OK(cp_stats_get(&stats, plane));
  CHECK(stats->pools == 1 && stats->permits == 1 && stats->permits_granted_total == 1);
  CHECK(stats->permits_waiting == 0 && stats->permits_expired_total == 0);
  CHECK(stats->documents == 1 && stats->documents_bytes > 0 && stats->document_puts_total == 1);
  CHECK(stats->document_conflicts_total == 0 && stats->document_deletes_total == 0);
  CHECK(stats->document_expired_total == 0);
  cp_stats_free(stats);
  end = completion(task);
  CHECK_OK(cp_task_complete(plane, &end));
  cp_claimed_task_free(task);
  cp_claimed_task_free(claim(plane, "reviewer-1"));
  /* An older caller's struct ends before the needs. */
  spec.struct_size = (uint32_t)offsetof(cp_task_spec, needs);
  spec.need_count = 77;
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  CHECK_OK(cp_task_get(&shown, plane, id.text));
  CHECK(shown->need_count == 0);
  cp_task_free(shown);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(limits_are_kept, "limits of documents and permits are taken, shown and kept") {
  static const cp_permit_need needs[] = {{"a", 1}, {"b", 1}};
  cp_coordinator *plane = NULL;
  cp_config *config = NULL;
  cp_permit *permit = NULL;
  cp_limits limits = CP_LIMITS_INIT;
  cp_options options = CP_OPTIONS_INIT;
  cp_acquire_request request = request_of(needs, 2, "acme");
  limits.max_needs = 1;
  limits.max_documents = 1;
  options.limits = &limits;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_coordinator_config(&config, plane));
  CHECK(config->options->limits->max_needs == 1 && config->options->limits->max_documents == 1);
  CHECK(config->options->limits->max_permit_waiters == 100000);
  CHECK(config->options->limits->max_export_aside_bytes == 67108864);
  CHECK(config->options->limits->max_amount == 1000000000000000);
  cp_config_free(config);
  CHECK_REFUSED(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT,
                "needs: 2 are given; the limit max_needs is 1");
  CHECK_OK(cp_state_put(NULL, plane, "a", "1", 1, NULL));
  CHECK_REFUSED(cp_state_put(NULL, plane, "b", "1", 1, NULL), CP_RESOURCE_EXHAUSTED,
                "max_documents");
  CHECK_OK(cp_coordinator_close(plane));
  /* An older caller's limits end before these. */
  limits.struct_size = (uint32_t)offsetof(cp_limits, max_document_bytes);
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_state_put(NULL, plane, "a", "1", 1, NULL));
  CHECK_OK(cp_state_put(NULL, plane, "b", "1", 1, NULL));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(permits_are_checked, "what breaks a rule is refused with its value and the rule") {
  static const cp_permit_need nobodys = {NULL, 1};
  static const cp_permit_need nothing = {"slots", 0};
  static const cp_pool_weight heavy = {"acme", UINT64_MAX};
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_pool *pool = NULL;
  cp_permit *permit = NULL;
  cp_task_spec task = task_spec();
  cp_pool_spec spec = CP_POOL_SPEC_INIT;
  cp_acquire_request request = request_of(&one_slot, 1, "acme");
  struct {
    cp_acquire_request known;
    uint64_t unknown;
  } newer;
  define(plane, "slots", CP_POOL_COUNT, 1);
  CHECK_REFUSED(cp_pool_define(&pool, plane, NULL), CP_INVALID_ARGUMENT, "cp_pool_spec is NULL");
  CHECK_REFUSED(cp_pool_define(&pool, plane, &spec), CP_INVALID_ARGUMENT, "name");
  spec.name = "p";
  spec.kind = 4;
  CHECK_REFUSED(cp_pool_define(&pool, plane, &spec), CP_INVALID_ARGUMENT,
                "kind is 4; it must be 0 to 3");
  spec.kind = CP_POOL_COUNT;
  spec.weight_count = 1;
  CHECK_REFUSED(cp_pool_define(&pool, plane, &spec), CP_INVALID_ARGUMENT,
                "weights is NULL, but 1 are announced");
  spec.weights = &heavy;
  CHECK_REFUSED(cp_pool_define(&pool, plane, &spec), CP_INVALID_ARGUMENT, "must be below 2^32");
  spec.struct_size = 4;
  CHECK_REFUSED(cp_pool_define_async(plane, &spec, queue, NULL), CP_INVALID_ARGUMENT,
                "cp_pool_spec: struct_size is 4");
  CHECK_REFUSED(cp_pool_get(NULL, plane, "p"), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_pool_list(NULL, plane, "p", NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_permit_list(NULL, plane, "p", NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_permit_acquire(NULL, plane, &request), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_permit_acquire(&permit, plane, NULL), CP_INVALID_ARGUMENT,
                "cp_acquire_request is NULL");
  request.need_count = 17;
  CHECK_REFUSED(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT,
                "needs: 17 are given; the limit max_needs is 16");
  task.needs = &one_slot;
  task.need_count = 17;
  CHECK_REFUSED(cp_task_submit(NULL, plane, &task), CP_INVALID_ARGUMENT,
                "needs: 17 are given; the limit max_needs is 16");
  request.needs = NULL;
  request.need_count = 0;
  CHECK_STATUS(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT);
  request.needs = &nobodys;
  request.need_count = 1;
  CHECK_STATUS(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT);
  request.needs = &nothing;
  CHECK_STATUS(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT);
  request.needs = &one_slot;
  request.priority = 9;
  CHECK_REFUSED(cp_permit_acquire(&permit, plane, &request), CP_INVALID_ARGUMENT,
                "priority is 9; it must be 0 to 3");
  CHECK_REFUSED(cp_permit_acquire_async(plane, &request, queue, NULL), CP_INVALID_ARGUMENT,
                "priority is 9");
  CHECK_REFUSED(cp_permit_renew(NULL, plane, NULL, 1), CP_INVALID_ARGUMENT, "permit is NULL");
  CHECK_REFUSED(cp_permit_release(plane, NULL), CP_INVALID_ARGUMENT, "permit is NULL");
  CHECK_REFUSED(cp_permit_settle(plane, NULL, NULL, 0), CP_INVALID_ARGUMENT, "permit is NULL");
  memset(&newer, 0, sizeof(newer));
  newer.known = request_of(&one_slot, 1, "acme");
  newer.known.struct_size = (uint32_t)sizeof(newer);
  CHECK_OK(cp_permit_acquire(&permit, plane, &newer.known));
  cp_permit_free(permit);
  newer.unknown = 1;
  CHECK_REFUSED(cp_permit_acquire(&permit, plane, &newer.known), CP_INVALID_ARGUMENT,
                "is not zero; this library knows");
  CHECK(permit == NULL && pool == NULL);
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(pools_are_defined);
  RUN(kinds_have_names);
  RUN(permits_are_all_or_none);
  RUN(use_is_settled);
  RUN(waits_end);
  RUN(permits_in_a_loop);
  RUN(unheard_permits_go_back);
  RUN(tasks_need_permits);
  RUN(limits_are_kept);
  RUN(permits_are_checked);
  return report();
}
