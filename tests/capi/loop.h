/* A queue to test with, as an event loop uses it. */
#ifndef LOOP_H
#define LOOP_H

#include <poll.h>

#include "plane.h"

static cp_queue *open_queue(void) {
  cp_queue *queue = NULL;
  CHECK_OK(cp_queue_open(&queue, NULL));
  return queue;
}

static int is_readable(cp_queue *queue) {
  struct pollfd fd;
  CHECK_OK(cp_queue_completion_fd(&fd.fd, queue));
  fd.events = POLLIN;
  return poll(&fd, 1, 0) == 1;
}

/* The next completion, as an event loop gets it. */
static cp_completion *next(cp_queue *queue) {
  struct pollfd fd;
  cp_completion *completion = NULL;
  size_t count = 0;
  CHECK_OK(cp_queue_completion_fd(&fd.fd, queue));
  fd.events = POLLIN;
  CHECK(poll(&fd, 1, 60000) == 1);
  CHECK_OK(cp_queue_drain(&count, queue, &completion, 1));
  CHECK(count == 1);
  return completion;
}

static int some_data;

/* The one completion of a call that succeeded; the rest of it is for the test to look at. */
static cp_completion *next_ok(cp_queue *queue, int32_t call) {
  cp_completion *completion = next(queue);
  CHECK(completion->struct_size == sizeof(cp_completion));
  CHECK(completion->call == call);
  if (!CHECK(completion->status == CP_OK)) fprintf(stderr, "  %s\n", completion->error);
  CHECK_TEXT(completion->error, "");
  CHECK(completion->outcome_unknown == 0);
  CHECK(completion->user_data == &some_data);
  CHECK(!is_readable(queue));
  return completion;
}

#define STARTED(call) CHECK_OK(call)
#define DONE(which) cp_completion_free(next_ok(queue, which))

#endif
