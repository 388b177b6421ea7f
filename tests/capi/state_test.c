/* Documents that many agents read and change. */
#include <pthread.h>
#include <stdlib.h>

#include "loop.h"

static uint64_t put(cp_coordinator *plane, const char *key, const char *value) {
  uint64_t version = 0;
  CHECK_OK(cp_state_put(&version, plane, key, value, strlen(value), NULL));
  return version;
}

static void check_value(cp_coordinator *plane, const char *key, const char *value) {
  cp_document *document = NULL;
  if (!CHECK_OK(cp_state_get(&document, plane, key))) return;
  CHECK_TEXT(document->value, value);
  CHECK(document->value_length == strlen(value));
  cp_document_free(document);
}

TEST(documents_are_kept, "a document is put, read and removed, and its version only grows") {
  cp_coordinator *plane = open_plane();
  cp_document *document = NULL;
  int32_t removed = -1;
  uint64_t first = put(plane, "plan", "{\"step\":1}");
  uint64_t second = put(plane, "plan", "{\"step\":2}");
  CHECK(first > 0 && second > first);
  CHECK_OK(cp_state_get(&document, plane, "plan"));
  CHECK(document->struct_size == sizeof(cp_document));
  CHECK_TEXT(document->key, "plan");
  CHECK_TEXT(document->value, "{\"step\":2}");
  CHECK(document->version == second);
  CHECK(document->created_at_us > 0 && document->updated_at_us >= document->created_at_us);
  CHECK(document->expires_at_us == 0);
  cp_document_free(document);
  CHECK_OK(cp_state_put(NULL, plane, "other", "1", 1, NULL));
  CHECK_OK(cp_state_remove(&removed, plane, "plan", CP_ANY_VERSION));
  CHECK(removed == 1);
  CHECK_OK(cp_state_remove(&removed, plane, "plan", CP_ANY_VERSION));
  CHECK(removed == 0);
  CHECK_OK(cp_state_remove(NULL, plane, "other", CP_ANY_VERSION));
  CHECK_REFUSED(cp_state_get(&document, plane, "plan"), CP_NOT_FOUND, "plan");
  CHECK(document == NULL);
  CHECK(put(plane, "plan", "3") > second);
  cp_document_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(versions_are_expected, "a put or remove that expects another version is a conflict") {
  cp_coordinator *plane = open_plane();
  cp_put_options options = CP_PUT_OPTIONS_INIT;
  int32_t removed = -1;
  uint64_t version = 99;
  const uint64_t first = put(plane, "plan", "1");
  options.expected_version = 0;
  CHECK_REFUSED(cp_state_put(&version, plane, "plan", "2", 1, &options), CP_CONFLICT, "version");
  CHECK(version == 0);
  options.expected_version = first;
  CHECK_OK(cp_state_put(&version, plane, "plan", "2", 1, &options));
  CHECK_STATUS(cp_state_put(&version, plane, "plan", "3", 1, &options), CP_CONFLICT);
  CHECK_STATUS(cp_state_remove(&removed, plane, "plan", first), CP_CONFLICT);
  CHECK(removed == 0);
  check_value(plane, "plan", "2");
  options.expected_version = 0;
  CHECK_OK(cp_state_put(&version, plane, "new", "1", 1, &options));
  CHECK_OK(cp_state_remove(&removed, plane, "new", version));
  CHECK(removed == 1);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(puts_are_repeated, "a put with an operation id is done once, and a time to live is kept") {
  cp_coordinator *plane = open_plane();
  cp_put_options options = CP_PUT_OPTIONS_INIT;
  cp_document *document = NULL;
  uint64_t once = 0;
  uint64_t again = 0;
  int64_t ends;
  options.operation_id = "put-1";
  options.ttl_ms = 3600000;
  CHECK_OK(cp_state_put(&once, plane, "plan", "1", 1, &options));
  CHECK_OK(cp_state_put(&again, plane, "plan", "1", 1, &options));
  CHECK(once == again);
  CHECK_STATUS(cp_state_put(&again, plane, "plan", "2", 1, &options), CP_ALREADY_EXISTS);
  CHECK_OK(cp_state_get(&document, plane, "plan"));
  ends = document->expires_at_us;
  CHECK(ends == document->updated_at_us + 3600000000);
  cp_document_free(document);
  (void)put(plane, "plan", "2"); /* its end is left as it was */
  CHECK_OK(cp_state_get(&document, plane, "plan"));
  CHECK(document->expires_at_us == ends);
  cp_document_free(document);
  options.operation_id = NULL;
  options.ttl_ms = 0;
  CHECK_OK(cp_state_put(NULL, plane, "plan", "3", 1, &options));
  CHECK_OK(cp_state_get(&document, plane, "plan"));
  CHECK(document->expires_at_us == 0);
  cp_document_free(document);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(documents_are_listed, "documents are listed by prefix, page by page, in the order of keys") {
  cp_coordinator *plane = open_plane();
  cp_document_page *page = NULL;
  cp_page_request request = CP_PAGE_REQUEST_INIT;
  (void)put(plane, "run/b", "2");
  (void)put(plane, "run/a", "1");
  (void)put(plane, "zone", "3");
  CHECK_OK(cp_state_list(&page, plane, NULL, NULL));
  CHECK(page->struct_size == sizeof(cp_document_page) && page->count == 3);
  CHECK_TEXT(page->items[2]->key, "zone");
  CHECK_TEXT(page->next_cursor, "");
  cp_document_page_free(page);
  request.max_items = 1;
  CHECK_OK(cp_state_list(&page, plane, "run/", &request));
  CHECK(page->count == 1);
  CHECK_TEXT(page->items[0]->key, "run/a");
  {
    cp_document_page *second = NULL;
    request.cursor = page->next_cursor;
    CHECK_OK(cp_state_list(&second, plane, "run/", &request));
    CHECK(second->count == 1);
    CHECK_TEXT(second->items[0]->value, "2");
    cp_document_page_free(second);
  }
  cp_document_page_free(page);
  cp_document_page_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

struct change {
  cp_coordinator *plane;
  char value[32];
  int32_t status;
  int calls;
  int disturbs; /* so many times somebody else comes between */
};

/* One more than there was. */
static int32_t count_up(const char **value, size_t *length, const cp_document *current,
                        void *user_data) {
  struct change *change = user_data;
  CHECK(*value == NULL && *length == 0);
  ++change->calls;
  if (current != NULL) CHECK_TEXT(current->key, "count");
  if (change->calls <= change->disturbs) (void)put(change->plane, "count", "40");
  snprintf(change->value, sizeof(change->value), "%d",
           (current == NULL ? 0 : atoi(current->value)) + 1);
  *value = change->value;
  *length = strlen(change->value);
  return change->status;
}

static int32_t leave_it(const char **value, size_t *length, const cp_document *current,
                        void *user_data) {
  (void)value;
  (void)length;
  (void)current;
  ++*(int *)user_data;
  return CP_OK;
}

static int32_t announce_nothing(const char **value, size_t *length, const cp_document *current,
                                void *user_data) {
  (void)current;
  *value = user_data;
  *length = 2000000;
  return CP_OK;
}

static int32_t close_all(const char **value, size_t *length, const cp_document *current,
                         void *user_data) {
  struct change *change = user_data;
  CHECK(current != NULL);
  CHECK_OK(cp_coordinator_close(change->plane));
  *value = "1";
  *length = 1;
  return CP_OK;
}

TEST(updates_are_repeated, "an update is repeated until nobody came between, up to its bound") {
  cp_document *document = NULL;
  cp_update_options options = CP_UPDATE_OPTIONS_INIT;
  struct change change;
  int left = 0;
  memset(&change, 0, sizeof(change));
  change.plane = open_plane();
  CHECK_OK(cp_state_update(&document, change.plane, "count", NULL, count_up, &change));
  CHECK_TEXT(document->value, "1");
  CHECK(document->version > 0 && change.calls == 1);
  cp_document_free(document);
  change.calls = 0;
  change.disturbs = 2;
  CHECK_OK(cp_state_update(&document, change.plane, "count", NULL, count_up, &change));
  CHECK_TEXT(document->value, "41");
  CHECK(change.calls == 3);
  cp_document_free(document);
  change.calls = 0;
  options.max_tries = 2;
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", &options, count_up, &change),
                CP_CONFLICT, "max_tries (2)");
  CHECK(document == NULL && change.calls == 2);
  options.ttl_ms = 60000;
  change.disturbs = 0;
  CHECK_OK(cp_state_update(NULL, change.plane, "count", &options, count_up, &change));
  CHECK_OK(cp_state_update(&document, change.plane, "count", NULL, leave_it, &left));
  CHECK_TEXT(document->value, "41");
  CHECK(document->expires_at_us > 0 && left == 1);
  cp_document_free(document);
  CHECK_STATUS(cp_state_update(&document, change.plane, "none", NULL, leave_it, &left),
               CP_NOT_FOUND);
  CHECK(document == NULL);
  CHECK_OK(cp_coordinator_close(change.plane));
}

TEST(changes_give_up, "a change that gives up ends the update with its status") {
  cp_document *document = NULL;
  struct change change;
  memset(&change, 0, sizeof(change));
  change.plane = open_plane();
  (void)put(change.plane, "count", "7");
  change.status = CP_PERMISSION_DENIED;
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, count_up, &change),
                CP_PERMISSION_DENIED, "the change gave up");
  change.status = 99;
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, count_up, &change),
                CP_INTERNAL, "the change answered 99, which is no status");
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, announce_nothing, NULL),
                CP_INVALID_ARGUMENT, "value");
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, announce_nothing, &change),
                CP_INVALID_ARGUMENT, "the limit max_document_bytes is 1,048,576");
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, NULL, NULL),
                CP_INVALID_ARGUMENT, "change is NULL");
  check_value(change.plane, "count", "7");
  CHECK_STATUS(cp_state_update(&document, change.plane, "count", NULL, close_all, &change),
               CP_CANCELLED);
  CHECK(document == NULL);
  CHECK_REFUSED(cp_state_update(&document, change.plane, "count", NULL, count_up, &change),
                CP_FAILED_PRECONDITION, "coordinator is closed");
}

struct watcher {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  cp_coordinator *plane;
  cp_subscription *subscription;
  int changes;
  int closes; /* its own subscription, or the coordinator too */
  uint64_t last_seq;
  char seen[256];
};

static void start_watching(struct watcher *watcher) {
  memset(watcher, 0, sizeof(*watcher));
  pthread_mutex_init(&watcher->mutex, NULL);
  pthread_cond_init(&watcher->changed, NULL);
  watcher->plane = open_plane();
}

static void stop_watching(struct watcher *watcher) {
  pthread_cond_destroy(&watcher->changed);
  pthread_mutex_destroy(&watcher->mutex);
}

static void watch(const cp_document_changes *changes, void *user_data) {
  struct watcher *watcher = user_data;
  size_t at;
  pthread_mutex_lock(&watcher->mutex);
  CHECK(changes->struct_size == sizeof(cp_document_changes) && changes->missed == 0);
  for (at = 0; at < changes->count; ++at) {
    const cp_document_change *change = changes->items[at];
    const size_t length = strlen(watcher->seen);
    CHECK(change->struct_size == sizeof(cp_document_change));
    CHECK(change->version > 0 && change->time_us > 0 && change->seq > watcher->last_seq);
    watcher->last_seq = change->seq;
    snprintf(watcher->seen + length, sizeof(watcher->seen) - length, "%d:%s ", change->kind,
             change->key);
  }
  if (watcher->changes == 0) check_value(watcher->plane, changes->items[0]->key, "1");
  watcher->changes += (int)changes->count;
  if (watcher->closes > 0) CHECK_OK(cp_subscription_close(watcher->subscription));
  if (watcher->closes > 1) CHECK_OK(cp_coordinator_close(watcher->plane));
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

static void await_changes(struct watcher *watcher, int count) {
  pthread_mutex_lock(&watcher->mutex);
  while (watcher->changes < count) pthread_cond_wait(&watcher->changed, &watcher->mutex);
  pthread_mutex_unlock(&watcher->mutex);
}

TEST(changes_come, "changes below a prefix come in order, and a watch resumes after one of them") {
  struct watcher watcher;
  start_watching(&watcher);
  CHECK_OK(cp_state_watch(&watcher.subscription, watcher.plane, "run/", 0, watch, &watcher));
  (void)put(watcher.plane, "zone", "1");
  (void)put(watcher.plane, "run/a", "1");
  await_changes(&watcher, 1);
  CHECK_OK(cp_state_remove(NULL, watcher.plane, "run/a", CP_ANY_VERSION));
  await_changes(&watcher, 2);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_TEXT(watcher.seen, "0:run/a 1:run/a ");
  (void)put(watcher.plane, "run/b", "1");
  watcher.seen[0] = '\0';
  CHECK_OK(cp_state_watch(&watcher.subscription, watcher.plane, NULL, watcher.last_seq, watch,
                          &watcher));
  await_changes(&watcher, 3);
  CHECK_OK(cp_subscription_close(watcher.subscription));
  CHECK_TEXT(watcher.seen, "0:run/b ");
  CHECK_REFUSED(cp_subscription_close(watcher.subscription), CP_FAILED_PRECONDITION,
                "subscription is closed");
  CHECK_OK(cp_coordinator_close(watcher.plane));
  stop_watching(&watcher);
}

TEST(watchers_close_themselves, "a watch may close itself, and its coordinator") {
  int closes;
  for (closes = 1; closes <= 2; ++closes) {
    struct watcher watcher;
    start_watching(&watcher);
    watcher.closes = closes;
    pthread_mutex_lock(&watcher.mutex);
    CHECK_OK(cp_state_watch(&watcher.subscription, watcher.plane, "", 0, watch, &watcher));
    pthread_mutex_unlock(&watcher.mutex);
    CHECK_OK(cp_state_put(NULL, watcher.plane, "a", "1", 1, NULL));
    await_changes(&watcher, 1);
    CHECK_STATUS(cp_subscription_close(watcher.subscription), CP_FAILED_PRECONDITION);
    if (closes == 1) CHECK_OK(cp_coordinator_close(watcher.plane));
    stop_watching(&watcher);
  }
}

TEST(documents_in_a_loop, "operations on documents complete in the queue") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  uint64_t version;
  STARTED(cp_state_put_async(plane, "plan", "{}", 2, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATE_PUT);
  version = answer->version;
  CHECK(version > 0 && answer->document == NULL && answer->count == 0);
  cp_completion_free(answer);
  STARTED(cp_state_get_async(plane, "plan", queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATE_GET);
  CHECK_TEXT(answer->document->value, "{}");
  CHECK(answer->document->version == version);
  cp_completion_free(answer);
  STARTED(cp_state_list_async(plane, "pl", NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATE_LIST);
  CHECK(answer->documents->count == 1);
  cp_completion_free(answer);
  STARTED(cp_state_remove_async(plane, "plan", version + 1, queue, &some_data));
  answer = next(queue);
  CHECK(answer->status == CP_CONFLICT);
  CHECK_IN(answer->error, "plan");
  cp_completion_free(answer);
  STARTED(cp_state_remove_async(plane, "plan", version, queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATE_REMOVE);
  CHECK(answer->count == 1);
  cp_completion_free(answer);
  STARTED(cp_state_remove_async(plane, "plan", CP_ANY_VERSION, queue, &some_data));
  answer = next_ok(queue, CP_CALL_STATE_REMOVE);
  CHECK(answer->count == 0);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(documents_are_checked, "what breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_document *document = NULL;
  cp_document_page *page = NULL;
  cp_subscription *subscription = NULL;
  uint64_t version = 0;
  struct {
    cp_put_options known;
    uint64_t unknown;
  } newer;
  cp_put_options options = CP_PUT_OPTIONS_INIT;
  cp_update_options update = CP_UPDATE_OPTIONS_INIT;
  CHECK_REFUSED(cp_state_get(NULL, plane, "a"), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_state_get(&document, plane, NULL), CP_INVALID_ARGUMENT, "key");
  CHECK_REFUSED(cp_state_list(NULL, plane, NULL, NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_state_put(&version, plane, "a", NULL, 0, NULL), CP_INVALID_ARGUMENT,
                "value of document a is empty");
  CHECK_REFUSED(cp_state_put(&version, plane, "a", NULL, 1, NULL), CP_INVALID_ARGUMENT,
                "value is NULL, but 1 bytes are announced");
  CHECK_REFUSED(cp_state_put(&version, plane, "a", "{", 1, NULL), CP_INVALID_ARGUMENT, "value");
  CHECK_REFUSED(cp_state_put(&version, plane, "a", "{", 1048577, NULL), CP_INVALID_ARGUMENT,
                "max_document_bytes is 1,048,576");
  CHECK_REFUSED(cp_state_put_async(plane, "a", "{", 1048577, NULL, queue, NULL),
                CP_INVALID_ARGUMENT, "max_document_bytes is 1,048,576");
  options.struct_size = 12;
  CHECK_REFUSED(cp_state_put(&version, plane, "a", "1", 1, &options), CP_INVALID_ARGUMENT,
                "cp_put_options: struct_size is 12");
  options.struct_size = 8; /* the rest are the defaults */
  options.expected_version = 77;
  CHECK_OK(cp_state_put(&version, plane, "a", "1", 1, &options));
  memset(&newer, 0, sizeof(newer));
  CHECK_OK(cp_put_options_init(&newer.known, sizeof(newer.known)));
  newer.known.struct_size = (uint32_t)sizeof(newer);
  CHECK_OK(cp_state_put(&version, plane, "a", "1", 1, &newer.known));
  newer.unknown = 1;
  CHECK_REFUSED(cp_state_put(&version, plane, "a", "1", 1, &newer.known), CP_INVALID_ARGUMENT,
                "is not zero; this library knows");
  update.max_tries = 0;
  CHECK_REFUSED(cp_state_update(&document, plane, "a", &update, count_up, NULL),
                CP_INVALID_ARGUMENT, "max_tries is 0; it must be at least 1");
  CHECK_REFUSED(cp_state_watch(&subscription, plane, NULL, 0, NULL, NULL), CP_INVALID_ARGUMENT,
                "callback is NULL");
  CHECK_REFUSED(cp_state_watch(NULL, plane, NULL, 0, watch, NULL), CP_INVALID_ARGUMENT,
                "out is NULL");
  CHECK(document == NULL && page == NULL && subscription == NULL);
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(documents_are_kept);
  RUN(versions_are_expected);
  RUN(puts_are_repeated);
  RUN(documents_are_listed);
  RUN(updates_are_repeated);
  RUN(changes_give_up);
  RUN(changes_come);
  RUN(watchers_close_themselves);
  RUN(documents_in_a_loop);
  RUN(documents_are_checked);
  return report();
}
