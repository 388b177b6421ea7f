/* The least that proves a host compiled against the header, linked the library and ran it. */
#include <controlplane.h>
#include <stdio.h>

int main(void) {
  cp_coordinator *plane = NULL;
  cp_task_id id;
  int32_t state = CP_UNSET;
  cp_task_spec task = CP_TASK_SPEC_INIT;
  task.task_type = "greet";
  if (cp_coordinator_open(&plane, NULL) != CP_OK || cp_task_submit(&id, plane, &task) != CP_OK ||
      cp_task_status(&state, plane, id.text) != CP_OK || cp_coordinator_close(plane) != CP_OK) {
    fprintf(stderr, "%s\n", cp_last_error());
    return 1;
  }
  return state == CP_TASK_PENDING ? 0 : 1;
}
