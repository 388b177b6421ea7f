/* Encryption at rest: keys from callbacks, files and variables; what is shown without them. */
#include <stdlib.h>

#include "plane.h"

#define MAX_KEYS 65

/* What a callback answers. */
typedef struct key_list {
  cp_secret_key keys[MAX_KEYS];
  size_t count;
  int32_t status;
  int calls;
} key_list;

static const char secret_1[] = "a secret of at least thirty-two bytes";
static const char secret_2[] = "another one of at least thirty-two bytes";

static cp_secret_key key(const char *id, const char *secret, int32_t state) {
  cp_secret_key out = CP_SECRET_KEY_INIT;
  out.id = id;
  out.state = state;
  out.secret = secret;
  out.secret_length = secret == NULL ? 0 : strlen(secret);
  return out;
}

static key_list one_key(void) {
  key_list list;
  memset(&list, 0, sizeof(list));
  list.keys[0] = key("k1", secret_1, CP_KEY_ACTIVE);
  list.count = 1;
  return list;
}

static int32_t give_keys(const cp_secret_key **keys, size_t *count, void *user_data) {
  key_list *list = (key_list *)user_data;
  ++list->calls;
  *keys = list->keys;
  *count = list->count;
  return list->status;
}

static cp_options with_keys(key_list *list) {
  cp_options options = CP_OPTIONS_INIT;
  options.encryption_keys = give_keys;
  options.encryption_keys_user_data = list;
  return options;
}

static cp_coordinator *open_encrypted(key_list *list) {
  cp_coordinator *plane = NULL;
  const cp_options options = with_keys(list);
  CHECK_OK(cp_coordinator_open(&plane, &options));
  return plane;
}

TEST(round_trip, "with keys everything looks as it was given") {
  key_list list = one_key();
  cp_coordinator *plane = open_encrypted(&list);
  const cp_task_id id = submit(plane);
  cp_claimed_task *held = claim(plane, "agent");
  cp_task *task = NULL;
  cp_document *document = NULL;
  uint64_t version = 0;
  const cp_complete_request end = completion(held);
  CHECK_TEXT(held->payload, "{\"file\":\"main.c\"}");
  CHECK_OK(cp_task_complete(plane, &end));
  CHECK_OK(cp_task_wait(&task, plane, id.text, 1000));
  CHECK_TEXT(task->payload, "{\"file\":\"main.c\"}");
  CHECK_TEXT(task->result, "{\"verdict\":\"fine\"}");
  CHECK_TEXT(task->unreadable, "");
  CHECK_OK(cp_state_put(&version, plane, "doc", "[1]", 3, NULL));
  CHECK_OK(cp_state_get(&document, plane, "doc"));
  CHECK_TEXT(document->value, "[1]");
  CHECK_TEXT(document->unreadable, "");
  CHECK(list.calls == 1);
  cp_claimed_task_free(held);
  cp_task_free(task);
  cp_document_free(document);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(rotation, "keys rotate, and what was encrypted with a retired one is refused by name") {
  key_list list = one_key();
  cp_coordinator *plane = open_encrypted(&list);
  const cp_task_id id = submit(plane);
  cp_task *task = NULL;
  cp_task_page *page = NULL;
  cp_document *document = NULL;
  cp_document_page *documents = NULL;
  uint64_t version = 0;
  CHECK_OK(cp_state_put(&version, plane, "doc", "[1]", 3, NULL));

  list.keys[0].state = CP_KEY_PREVIOUS;
  list.keys[1] = key("k2", secret_2, CP_KEY_ACTIVE);
  list.count = 2;
  CHECK_OK(cp_coordinator_reload_keys(plane));
  CHECK_OK(cp_task_get(&task, plane, id.text));
  CHECK_TEXT(task->payload, "{\"file\":\"main.c\"}");
  cp_task_free(task);

  list.keys[0] = key("k1", NULL, CP_KEY_RETIRED);
  CHECK_OK(cp_coordinator_reload_keys(plane));
  CHECK_REFUSED(cp_task_get(&task, plane, id.text), CP_FAILED_PRECONDITION,
                "cannot be decrypted: key \"k1\" is retired");
  CHECK(task == NULL);
  CHECK_REFUSED(cp_state_get(&document, plane, "doc"), CP_FAILED_PRECONDITION,
                "value of document doc");
  CHECK_OK(cp_task_list(&page, plane, NULL, NULL));
  CHECK(page->count == 1);
  CHECK_TEXT(page->items[0]->payload, "");
  CHECK(strstr(page->items[0]->unreadable, "payload of task") != NULL);
  CHECK_OK(cp_state_list(&documents, plane, NULL, NULL));
  CHECK_TEXT(documents->items[0]->value, "");
  CHECK_TEXT(documents->items[0]->unreadable,
             "value of document doc cannot be decrypted: key \"k1\" is retired");
  cp_task_page_free(page);
  cp_document_page_free(documents);
  CHECK(list.calls == 3);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(refused_keys, "keys that break a rule, or do not come, keep a coordinator from opening") {
  key_list list = one_key();
  const cp_options options = with_keys(&list);
  cp_coordinator *plane = NULL;
  list.status = CP_UNAVAILABLE;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_UNAVAILABLE, "the key callback gave up");
  list.status = 77;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INTERNAL, "answered 77");
  list = one_key();
  list.keys[0].secret_length = 31;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "has 31 bytes");
  list.keys[0].secret = NULL;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "secret is NULL");
  list = one_key();
  list.keys[0].state = 3;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "state is 3");
  list = one_key();
  list.keys[0].struct_size = 3;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "cp_secret_key");
  list = one_key();
  list.count = MAX_KEYS;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "keys");
  list.count = 0;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "0 keys are active");
  CHECK(plane == NULL);
}

TEST(refused_reload, "a reload that fails leaves the keys as they were") {
  key_list list = one_key();
  cp_coordinator *plane = open_encrypted(&list);
  cp_coordinator *bare = open_plane();
  const cp_task_id id = submit(plane);
  cp_task *task = NULL;
  list.count = 0;
  CHECK_REFUSED(cp_coordinator_reload_keys(plane), CP_INVALID_ARGUMENT, "0 keys are active");
  CHECK_OK(cp_task_get(&task, plane, id.text));
  cp_task_free(task);
  CHECK_REFUSED(cp_coordinator_reload_keys(bare), CP_FAILED_PRECONDITION, "no keys");
  CHECK_OK(cp_coordinator_close(bare));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(options, "a file or a variable of the environment holds keys as well") {
  /* base64 of 32 times 's' */
  const char *text = "{\"keys\":[{\"id\":\"k1\",\"state\":\"active\",\"secret\":"
                     "\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=\"}]}";
  cp_coordinator *plane = NULL;
  cp_config *config = NULL;
  cp_options options = CP_OPTIONS_INIT;
  options.require_encryption = 1;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "require_encryption");
  options.encryption_keys_file = "/nonexistent/keys";
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "/nonexistent/keys");
  options.encryption_keys_file = NULL;
  options.encryption_keys_variable = "TEST_KEYS";
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "TEST_KEYS is not set");
  CHECK(setenv("TEST_KEYS", text, 1) == 0);
  CHECK_OK(cp_coordinator_open(&plane, &options));
  CHECK_OK(cp_coordinator_reload_keys(plane));
  CHECK_OK(cp_coordinator_config(&config, plane));
  CHECK_TEXT(config->options->encryption_keys_variable, "TEST_KEYS");
  CHECK(config->options->encryption_keys_file == NULL);
  CHECK(config->options->require_encryption == 1);
  cp_config_free(config);
  CHECK_OK(cp_coordinator_close(plane));
  options.reserved = 1;
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "reserved is 1");
}

int main(void) {
  plane_used();
  RUN(round_trip);
  RUN(rotation);
  RUN(refused_keys);
  RUN(refused_reload);
  RUN(options);
  return report();
}
