/* Snapshots to and from files and callbacks, and states of agents. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plane.h"

/* Bytes on their way from a sink to a source. */
typedef struct pipe_bytes {
  char *data;
  size_t size, at, piece;
  int32_t status; /* what the callback answers */
} pipe_bytes;

static int32_t take(const char *bytes, size_t length, void *user_data) {
  pipe_bytes *pipe = user_data;
  char *larger = realloc(pipe->data, pipe->size + length);
  if (larger == NULL) return CP_RESOURCE_EXHAUSTED;
  memcpy(larger + pipe->size, bytes, length);
  pipe->data = larger;
  pipe->size += length;
  return pipe->status;
}

static int32_t give(char *to, size_t size, size_t *length, void *user_data) {
  pipe_bytes *pipe = user_data;
  size_t left = pipe->size - pipe->at;
  CHECK(*length == 0);
  if (left > size) left = size;
  if (left > pipe->piece) left = pipe->piece;
  if (left > 0) memcpy(to, pipe->data + pipe->at, left);
  pipe->at += left;
  *length = left;
  return pipe->status;
}

static cp_coordinator *filled_plane(void) {
  cp_coordinator *plane = open_plane();
  cp_agent_spec spec = agent_spec("worker");
  CHECK_OK(cp_agent_register(plane, &spec));
  submit(plane);
  submit(plane);
  CHECK_OK(cp_state_put(NULL, plane, "doc", "[1]", 3, NULL));
  return plane;
}

TEST(files_go_round, "a tenant is written to a file and read into a fresh one") {
  char path[] = "/tmp/snapshot.XXXXXX";
  cp_snapshot_summary *written = NULL, *read = NULL;
  cp_coordinator *plane = filled_plane(), *other = open_plane();
  cp_claimed_task *task = claim(plane, "worker");
  cp_complete_request done;
  const int fd = mkstemp(path);
  CHECK(fd >= 0);
  close(fd);
  CHECK_OK(cp_snapshot_export(&written, plane, path));
  CHECK(written->struct_size == sizeof(cp_snapshot_summary));
  CHECK(written->tasks == 2 && written->agents == 1 && written->documents == 1);
  CHECK(written->pools == 0 && written->permits == 0 && written->waiters == 0 &&
        written->keys == 0);
  CHECK(written->events > 0 && written->lines > written->events && written->bytes > 1000);
  CHECK(strlen(written->sha256) == 64 && written->taken_at_us > 0);
  CHECK_OK(cp_snapshot_import(&read, other, path));
  CHECK_TEXT(read->sha256, written->sha256);
  CHECK(read->bytes == written->bytes && read->taken_at_us == written->taken_at_us);
  done = completion(task);
  CHECK_OK(cp_task_complete(other, &done));
  cp_claimed_task_free(task);
  cp_snapshot_summary_free(written);
  cp_snapshot_summary_free(read);
  CHECK_REFUSED(cp_snapshot_import(&read, other, path), CP_FAILED_PRECONDITION, "in use");
  CHECK(read == NULL);
  CHECK_OK(cp_snapshot_export(NULL, plane, path));
  unlink(path);
  CHECK_STATUS(cp_snapshot_import(NULL, plane, path), CP_NOT_FOUND);
  CHECK_REFUSED(cp_snapshot_export(NULL, plane, NULL), CP_INVALID_ARGUMENT, "path");
  CHECK_REFUSED(cp_snapshot_export(NULL, plane, "/dev/full"), CP_RESOURCE_EXHAUSTED, "/dev/full");
  cp_snapshot_summary_free(NULL);
  CHECK_OK(cp_coordinator_close(other));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(callbacks_go_round,
     "a snapshot goes through callbacks, in pieces, and stops when they say so") {
  pipe_bytes pipe = {NULL, 0, 0, 100, CP_OK};
  pipe_bytes none = {NULL, 0, 0, 100, CP_DATA_LOSS};
  cp_snapshot_summary *summary = NULL;
  cp_coordinator *plane = filled_plane(), *other = open_plane();
  CHECK_OK(cp_snapshot_export_to(&summary, plane, take, &pipe));
  CHECK(summary->bytes == pipe.size);
  cp_snapshot_summary_free(summary);
  CHECK_REFUSED(cp_snapshot_export_to(NULL, plane, take, &none), CP_DATA_LOSS, "the sink gave up");
  CHECK_REFUSED(cp_snapshot_import_from(NULL, other, give, &none), CP_DATA_LOSS,
                "the source gave up");
  free(none.data);
  none.status = 99;
  none.data = NULL;
  none.size = 0;
  CHECK_REFUSED(cp_snapshot_export_to(NULL, plane, take, &none), CP_INTERNAL, "which is no status");
  free(none.data);
  CHECK_REFUSED(cp_snapshot_export_to(NULL, plane, NULL, NULL), CP_INVALID_ARGUMENT,
                "sink is NULL");
  CHECK_REFUSED(cp_snapshot_import_from(NULL, other, NULL, NULL), CP_INVALID_ARGUMENT,
                "source is NULL");
  pipe.data[pipe.size / 2] = '#';
  CHECK_REFUSED(cp_snapshot_import_from(NULL, other, give, &pipe), CP_INVALID_ARGUMENT, "line ");
  pipe.at = pipe.size = 0;
  CHECK_OK(cp_snapshot_export_to(NULL, plane, take, &pipe));
  CHECK_OK(cp_snapshot_import_from(&summary, other, give, &pipe));
  CHECK(summary->tasks == 2);
  cp_snapshot_summary_free(summary);
  free(pipe.data);
  CHECK_OK(cp_coordinator_close(other));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(states_are_kept, "an agent's state is kept, and told with what is known of it") {
  uint64_t version = 0;
  cp_text *text = NULL;
  cp_coordinator *plane = filled_plane();
  CHECK_OK(cp_snapshot_set_state(&version, plane, "worker", "{\"step\":1}", 10));
  CHECK(version == 1);
  CHECK_OK(cp_snapshot_state(&text, plane, "worker"));
  CHECK(strstr(text->data, "\"state\":{\"step\":1}") != NULL);
  CHECK(strstr(text->data, "\"agent_id\":\"worker\"") != NULL);
  CHECK_OK(cp_snapshot_set_state(NULL, plane, "worker", text->data, text->length));
  cp_text_free(text);
  CHECK_OK(cp_snapshot_state(&text, plane, "worker"));
  CHECK(strstr(text->data, "\"state_version\":2,\"state\":{\"step\":1}") != NULL);
  cp_text_free(text);
  CHECK_OK(cp_snapshot_state(&text, plane, NULL));
  CHECK(strstr(text->data, "\"tasks\":{\"pending\":2") != NULL);
  cp_text_free(text);
  CHECK_STATUS(cp_snapshot_state(&text, plane, "nobody"), CP_NOT_FOUND);
  CHECK(text == NULL);
  CHECK_STATUS(cp_snapshot_set_state(&version, plane, "worker", "{", 1), CP_INVALID_ARGUMENT);
  CHECK(version == 0);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(files_go_round);
  RUN(callbacks_go_round);
  RUN(states_are_kept);
  return report();
}
