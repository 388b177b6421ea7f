/* An agent reviews three files while somebody watches. The host owns the loop: it claims and completes
 * itself, where quick_start.c leaves that to a worker. */
#include <controlplane.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kFiles = 3 };
static const char *const files[kFiles] = {"\"main.c\"", "\"util.c\"", "\"test.c\""};
static const char *const capabilities[] = {"code"};

static void must(int32_t status) {
  if (status == CP_OK) return;
  fprintf(stderr, "%s\n", cp_last_error());
  exit(1);
}

/* On a thread of the library, one batch at a time. */
static void watch(const cp_event_batch *batch, void *user_data) {
  for (size_t at = 0; at < batch->count; ++at) {
    const cp_event *event = batch->items[at];
    printf("%s %s\n", event->type, event->subject);
    if (strcmp(event->type, "task.completed") == 0) sem_post(user_data);
  }
}

static void submit_all(cp_coordinator *plane) {
  for (int at = 0; at < kFiles; ++at) {
    cp_task_spec task = CP_TASK_SPEC_INIT;
    task.task_type = "code_review";
    task.payload = files[at];
    task.payload_length = strlen(files[at]);
    task.required_capabilities = capabilities;
    task.required_capability_count = 1;
    must(cp_task_submit(NULL, plane, &task));
  }
}

/* Claims and completes until there is nothing more to do. */
static int work(cp_coordinator *plane) {
  cp_claim_request request = CP_CLAIM_REQUEST_INIT;
  cp_claimed_task *task = NULL;
  int reviewed = 0;
  request.agent_id = "reviewer-1";
  for (; must(cp_task_claim(&task, plane, &request)), task != NULL; ++reviewed) {
    cp_complete_request end = CP_COMPLETE_REQUEST_INIT;
    printf("reviewing %.*s\n", (int)task->payload_length, task->payload);
    end.attempt = task->attempt;
    end.result = "{\"verdict\":\"fine\"}";
    end.result_length = strlen(end.result);
    must(cp_task_complete(plane, &end));
    cp_claimed_task_free(task);
  }
  return reviewed;
}

int main(void) {
  cp_coordinator *plane = NULL;
  cp_subscription *events = NULL;
  cp_agent_spec agent = CP_AGENT_SPEC_INIT;
  sem_t completed;
  int reviewed = 0;

  sem_init(&completed, 0, 0);
  must(cp_coordinator_open(&plane, NULL));
  must(cp_event_subscribe(&events, plane, NULL, watch, &completed));
  agent.agent_id = "reviewer-1";
  agent.capabilities = capabilities;
  agent.capability_count = 1;
  must(cp_agent_register(plane, &agent));

  submit_all(plane);
  reviewed = work(plane);
  for (int at = 0; at < reviewed; ++at) sem_wait(&completed);
  must(cp_subscription_close(events));
  must(cp_coordinator_close(plane));
  printf("%d files reviewed\n", reviewed);
  return 0;
}
