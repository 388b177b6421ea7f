/* The library is loaded by name, used and unloaded, a hundred times. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane.h"

/* ISO C has no conversion from an object pointer to a function pointer. */
#define LOAD(library, name)                      \
  do {                                           \
    void *symbol_ = dlsym(library, #name);       \
    if (symbol_ == NULL) stop(dlerror());        \
    memcpy(&name##_, &symbol_, sizeof(symbol_)); \
  } while (0)

static const char *path;
static const char *(*cp_last_error_)(void);
static int32_t (*cp_coordinator_open_)(cp_coordinator **, const cp_options *);
static int32_t (*cp_coordinator_close_)(cp_coordinator *);
static int32_t (*cp_task_submit_)(cp_task_id *, cp_coordinator *, const cp_task_spec *);
static int32_t (*cp_task_claim_)(cp_claimed_task **, cp_coordinator *, const cp_claim_request *);
static int32_t (*cp_task_complete_)(cp_coordinator *, const cp_complete_request *);
static void (*cp_claimed_task_free_)(cp_claimed_task *);
static int32_t (*cp_queue_open_)(cp_queue **, const cp_queue_options *);
static int32_t (*cp_queue_close_)(cp_queue *);
static int32_t (*cp_stats_get_async_)(cp_coordinator *, cp_queue *, void *);

static void stop(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

static void must(int32_t status) {
  if (status != CP_OK) stop(cp_last_error_());
}

/* In a thread of its own: what the library keeps for a thread ends with it, and only then can the
 * library go. Answers the loaded library. */
static void *use_once(void *unused) {
  cp_coordinator *plane = NULL;
  cp_queue *queue = NULL;
  cp_claimed_task *task = NULL;
  cp_task_id id;
  cp_task_spec spec = CP_TASK_SPEC_INIT;
  cp_claim_request request = CP_CLAIM_REQUEST_INIT;
  cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  (void)unused;
  if (library == NULL) stop(dlerror());
  LOAD(library, cp_last_error);
  LOAD(library, cp_coordinator_open);
  LOAD(library, cp_coordinator_close);
  LOAD(library, cp_task_submit);
  LOAD(library, cp_task_claim);
  LOAD(library, cp_task_complete);
  LOAD(library, cp_claimed_task_free);
  LOAD(library, cp_queue_open);
  LOAD(library, cp_queue_close);
  LOAD(library, cp_stats_get_async);
  must(cp_coordinator_open_(&plane, NULL));
  must(cp_queue_open_(&queue, NULL));
  spec.task_type = "greet";
  spec.payload = "[\"\\u00e9\", 1.5e3, {\"deep\": [[[null]]]}]";
  spec.payload_length = strlen(spec.payload);
  must(cp_task_submit_(&id, plane, &spec));
  request.agent_id = "a";
  must(cp_task_claim_(&task, plane, &request));
  end.attempt = task->attempt;
  must(cp_task_complete_(plane, &end));
  cp_claimed_task_free_(task);
  must(cp_stats_get_async_(plane, queue, NULL));
  if (cp_task_submit_(&id, NULL, &spec) != CP_INVALID_ARGUMENT) stop("NULL was taken");
  must(cp_coordinator_close_(plane));
  must(cp_queue_close_(queue));
  return library;
}

int main(int count, char **arguments) {
  int round;
  if (count != 2) stop("usage: capi_unload_test <library>");
  path = arguments[1];
  for (round = 0; round < 100; ++round) {
    void *library = NULL;
    void *still_there;
    pthread_t thread;
    if (pthread_create(&thread, NULL, use_once, NULL) != 0) stop("no thread");
    pthread_join(thread, &library);
    dlclose(library);
    still_there = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (still_there != NULL) {
      fprintf(stderr, "round %d: the library is still loaded\n", round);
      return 1;
    }
  }
  printf("loaded and unloaded %d times\n", round);
  return 0;
}
