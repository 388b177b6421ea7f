/* A coordinator to test with, and what most tests do with it. */
#ifndef PLANE_H
#define PLANE_H

#include "check.h"

static const char *const plane_code[] = {"code"};

static cp_coordinator *open_plane(void) {
  cp_coordinator *plane = NULL;
  CHECK_OK(cp_coordinator_open(&plane, NULL));
  return plane;
}

static cp_agent_spec agent_spec(const char *id) {
  cp_agent_spec spec = CP_AGENT_SPEC_INIT;
  spec.agent_id = id;
  spec.capabilities = plane_code;
  spec.capability_count = 1;
  spec.max_concurrency = 0;
  return spec;
}

static cp_task_spec task_spec(void) {
  cp_task_spec spec = CP_TASK_SPEC_INIT;
  spec.task_type = "code_review";
  spec.payload = "{\"file\":\"main.c\"}";
  spec.payload_length = strlen(spec.payload);
  spec.required_capabilities = plane_code;
  spec.required_capability_count = 1;
  return spec;
}

static cp_claim_request claim_request(const char *agent_id) {
  cp_claim_request request = CP_CLAIM_REQUEST_INIT;
  request.agent_id = agent_id;
  request.capabilities = plane_code;
  request.capability_count = 1;
  return request;
}

static cp_task_id submit(cp_coordinator *plane) {
  cp_task_id id;
  const cp_task_spec spec = task_spec();
  memset(&id, 0, sizeof(id));
  CHECK_OK(cp_task_submit(&id, plane, &spec));
  return id;
}

static cp_claimed_task *claim(cp_coordinator *plane, const char *agent_id) {
  cp_claimed_task *task = NULL;
  const cp_claim_request request = claim_request(agent_id);
  CHECK_OK(cp_task_claim(&task, plane, &request));
  CHECK(task != NULL);
  return task;
}

static cp_complete_request completion(const cp_claimed_task *task) {
  cp_complete_request request = CP_COMPLETE_REQUEST_INIT;
  request.attempt = task->attempt;
  request.result = "{\"verdict\":\"fine\"}";
  request.result_length = strlen(request.result);
  return request;
}

static cp_fail_request failure(const cp_claimed_task *task, int32_t kind) {
  cp_fail_request request = CP_FAIL_REQUEST_INIT;
  request.attempt = task->attempt;
  request.error = "no such file";
  request.kind = kind;
  return request;
}

/* A test need not use all of them. */
static void plane_used(void) {
  (void)open_plane;
  (void)agent_spec;
  (void)submit;
  (void)claim;
  (void)completion;
  (void)failure;
}

#endif
