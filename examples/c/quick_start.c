#include <controlplane.h>
#include <stdio.h>
#include <string.h>

/* An agent's work; runs on a thread of the worker. */
static int32_t review(cp_task_context *context, void *user_data) {
  const char *verdict = "{\"verdict\":\"fine\"}";
  (void)user_data;
  /* Renews the lease; everyone can see it. */
  cp_context_progress(context, 0.5, "half way", NULL, 0);
  return cp_context_set_result(context, verdict, strlen(verdict));
}

int main(void) {
  const char *capabilities[] = {"code"};
  const char *payload = "{\"file\":\"main.py\"}";
  cp_coordinator *plane;
  cp_worker *worker;
  cp_task_id id;
  cp_task *done;

  /* An agent: it registers, claims, and renews by itself. */
  cp_worker_options agent = CP_WORKER_OPTIONS_INIT;
  agent.agent_id = "reviewer-1";
  agent.capabilities = capabilities;
  agent.capability_count = 1;

  /* A task: whoever offers "code" may have it, and again up to five times if that fails. */
  cp_task_spec task = CP_TASK_SPEC_INIT;
  task.task_type = "code_review";
  task.payload = payload;
  task.payload_length = strlen(payload);
  task.required_capabilities = capabilities;
  task.required_capability_count = 1;
  task.priority = CP_PRIORITY_HIGH;
  task.max_retries = 5;

  if (cp_coordinator_open(&plane, NULL) || cp_worker_open(&worker, plane, &agent) ||
      cp_worker_on(worker, "code_review", review, NULL) || cp_worker_start(worker) ||
      cp_task_submit(&id, plane, &task) || cp_task_wait(&done, plane, id.text, 60000)) {
    fprintf(stderr, "%s\n", cp_last_error());
    return 1;
  }
  printf("%s\n", done->result);
  cp_task_free(done);
  cp_worker_close(worker); /* drains */
  cp_coordinator_close(plane);
  return 0;
}
