/* Append-only streams that many agents write and read. */
#include <pthread.h>

#include "loop.h"

static uint64_t append(cp_coordinator *plane, const char *name, const char *entry) {
  uint64_t seq = 0;
  CHECK_OK(cp_log_append(&seq, plane, name, entry, strlen(entry), NULL));
  return seq;
}

TEST(entries_are_read, "entries are appended and read in order, numbered without a gap") {
  cp_coordinator *plane = open_plane();
  cp_log_page *page = NULL;
  CHECK(append(plane, "audit", "{\"step\":1}") == 1);
  CHECK_OK(cp_log_append(NULL, plane, "audit", "2", 1, NULL));
  CHECK(append(plane, "audit", "3") == 3);
  CHECK_OK(cp_log_read(&page, plane, "audit", 0, 100, 0));
  CHECK(page->struct_size == sizeof(cp_log_page) && page->count == 3);
  CHECK(page->items[0]->struct_size == sizeof(cp_log_entry));
  CHECK(page->items[0]->seq == 1 && page->items[0]->time_us > 0);
  CHECK_TEXT(page->items[0]->value, "{\"step\":1}");
  CHECK(page->items[0]->value_length == 10);
  CHECK(page->next_after == 3 && page->first_seq == 1 && page->last_seq == 3);
  cp_log_page_free(page);
  CHECK_OK(cp_log_read(&page, plane, "audit", 1, 1, 0));
  CHECK(page->count == 1 && page->items[0]->seq == 2 && page->next_after == 2);
  cp_log_page_free(page);
  CHECK_OK(cp_log_read(&page, plane, "audit", 3, 100, 1));
  CHECK(page->count == 0 && page->next_after == 3);
  cp_log_page_free(page);
  cp_log_page_free(NULL);
  CHECK_REFUSED(cp_log_read(&page, plane, "other", 0, 100, 0), CP_NOT_FOUND, "other");
  CHECK(page == NULL);
  CHECK_REFUSED(cp_log_read(&page, plane, "audit", 4, 100, 0), CP_DATA_LOSS, "its last is 3");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(appends_are_repeated, "an append with an operation id is done once") {
  cp_coordinator *plane = open_plane();
  uint64_t once = 0;
  uint64_t again = 0;
  CHECK_OK(cp_log_append(&once, plane, "audit", "1", 1, "append-1"));
  CHECK_OK(cp_log_append(&again, plane, "audit", "1", 1, "append-1"));
  CHECK(once == 1 && again == 1);
  CHECK_REFUSED(cp_log_append(&again, plane, "audit", "2", 1, "append-1"), CP_ALREADY_EXISTS,
                "append-1");
  CHECK(again == 0);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(logs_are_bounded, "a log keeps what its bounds say, and who fell behind is told") {
  cp_coordinator *plane = open_plane();
  cp_log_bounds bounds = CP_LOG_BOUNDS_INIT;
  cp_log_trim_request trim = CP_LOG_TRIM_REQUEST_INIT;
  cp_log_info *log = NULL;
  cp_log_page *page = NULL;
  uint64_t dropped = 99;
  int at;
  bounds.max_entries = 3;
  bounds.max_age_ms = 3600000;
  CHECK_OK(cp_log_define(&log, plane, "audit", &bounds));
  CHECK(log->struct_size == sizeof(cp_log_info));
  CHECK_TEXT(log->name, "audit");
  CHECK(log->max_entries == 3 && log->max_bytes == 67108864 && log->max_age_ms == 3600000);
  CHECK(log->entries == 0 && log->first_seq == 1 && log->last_seq == 0);
  CHECK(log->created_at_us > 0);
  cp_log_info_free(log);
  for (at = 0; at < 5; ++at) (void)append(plane, "audit", "\"abc\"");
  CHECK_REFUSED(cp_log_read(&page, plane, "audit", 1, 100, 0), CP_DATA_LOSS,
                "the first still there is 3");
  CHECK_REFUSED(cp_log_trim(&dropped, plane, "audit", &trim), CP_INVALID_ARGUMENT, "no bound");
  trim.before = 4;
  CHECK_OK(cp_log_trim(&dropped, plane, "audit", &trim));
  CHECK(dropped == 1);
  trim.before = 0;
  trim.max_bytes = 5;
  CHECK_OK(cp_log_trim(&dropped, plane, "audit", &trim));
  CHECK(dropped == 1);
  trim.max_bytes = CP_UNLIMITED;
  trim.max_age_ms = 3600000;
  CHECK_OK(cp_log_trim(&dropped, plane, "audit", &trim));
  CHECK(dropped == 0);
  CHECK_OK(cp_log_get(&log, plane, "audit"));
  CHECK(log->first_seq == 5 && log->last_seq == 5 && log->entries == 1 && log->bytes == 5);
  cp_log_info_free(log);
  trim.max_entries = 0;
  CHECK_OK(cp_log_trim(NULL, plane, "audit", &trim));
  CHECK_REFUSED(cp_log_trim(&dropped, plane, "other", &trim), CP_NOT_FOUND, "other");
  CHECK_OK(cp_log_define(NULL, plane, "audit", NULL));
  CHECK_OK(cp_log_get(&log, plane, "audit"));
  CHECK(log->max_entries == 100000 && log->entries == 0 && log->first_seq == 6);
  cp_log_info_free(log);
  cp_log_info_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(logs_are_listed, "logs are listed by prefix, page by page, and removed") {
  cp_coordinator *plane = open_plane();
  cp_log_info_page *page = NULL;
  cp_log_info *log = NULL;
  cp_page_request request = CP_PAGE_REQUEST_INIT;
  cp_stats *stats = NULL;
  int32_t removed = -1;
  (void)append(plane, "run/b", "1");
  (void)append(plane, "run/a", "12");
  (void)append(plane, "zone", "1");
  CHECK_OK(cp_log_list(&page, plane, NULL, NULL));
  CHECK(page->struct_size == sizeof(cp_log_info_page) && page->count == 3);
  CHECK_TEXT(page->items[0]->name, "run/a");
  CHECK(page->items[0]->bytes == 2);
  CHECK_TEXT(page->next_cursor, "");
  cp_log_info_page_free(page);
  request.max_items = 1;
  CHECK_OK(cp_log_list(&page, plane, "run/", &request));
  CHECK(page->count == 1);
  CHECK_TEXT(page->next_cursor, "run/a");
  cp_log_info_page_free(page);
  cp_log_info_page_free(NULL);
  CHECK_OK(cp_log_remove(&removed, plane, "run/a"));
  CHECK(removed == 1);
  CHECK_OK(cp_log_remove(&removed, plane, "run/a"));
  CHECK(removed == 0);
  CHECK_OK(cp_log_remove(NULL, plane, "zone"));
  CHECK_STATUS(cp_log_get(&log, plane, "run/a"), CP_NOT_FOUND);
  CHECK(append(plane, "run/a", "1") == 2);
  CHECK_OK(cp_stats_get(&stats, plane));
  CHECK(stats->logs == 2 && stats->log_entries == 2 && stats->log_bytes == 2);
  CHECK(stats->log_appends_total == 4 && stats->log_trimmed_total == 0);
  CHECK(stats->log_losses_total == 0);
  cp_stats_free(stats);
  CHECK_OK(cp_coordinator_close(plane));
}

struct reader {
  cp_coordinator *plane;
  int32_t status;
  uint64_t read;
};

static void *read_on(void *data) {
  struct reader *reader = data;
  cp_log_page *page = NULL;
  reader->status = cp_log_read(&page, reader->plane, "audit", reader->read, 10, CP_FOREVER_MS);
  if (reader->status == CP_OK) reader->read = page->next_after;
  cp_log_page_free(page);
  return NULL;
}

TEST(readers_wait, "a reader waits for the next entry, and hears that its log was removed") {
  cp_coordinator *plane = open_plane();
  struct reader reader;
  pthread_t thread;
  reader.plane = plane;
  reader.read = append(plane, "audit", "1");
  CHECK(pthread_create(&thread, NULL, read_on, &reader) == 0);
  (void)append(plane, "audit", "2");
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(reader.status == CP_OK && reader.read == 2);
  CHECK(pthread_create(&thread, NULL, read_on, &reader) == 0);
  CHECK_OK(cp_log_remove(NULL, plane, "audit"));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(reader.status == CP_NOT_FOUND);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(logs_in_a_loop, "operations on logs complete in the queue, a waiting read when there is one") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_log_trim_request trim = CP_LOG_TRIM_REQUEST_INIT;
  cp_completion *answer;
  STARTED(cp_log_define_async(plane, "audit", NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_DEFINE);
  CHECK_TEXT(answer->log->name, "audit");
  cp_completion_free(answer);
  STARTED(cp_log_read_async(plane, "audit", 0, 10, CP_FOREVER_MS, queue, &some_data));
  CHECK(!is_readable(queue));
  CHECK(append(plane, "audit", "{}") == 1);
  answer = next_ok(queue, CP_CALL_LOG_READ);
  CHECK(answer->log_page->count == 1 && answer->seq == 0);
  CHECK_TEXT(answer->log_page->items[0]->value, "{}");
  cp_completion_free(answer);
  STARTED(cp_log_append_async(plane, "audit", "2", 1, NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_APPEND);
  CHECK(answer->seq == 2);
  cp_completion_free(answer);
  STARTED(cp_log_get_async(plane, "audit", queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_GET);
  CHECK(answer->log->entries == 2);
  cp_completion_free(answer);
  STARTED(cp_log_list_async(plane, "au", NULL, queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_LIST);
  CHECK(answer->logs->count == 1);
  cp_completion_free(answer);
  trim.max_entries = 1;
  STARTED(cp_log_trim_async(plane, "audit", &trim, queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_TRIM);
  CHECK(answer->count == 1);
  cp_completion_free(answer);
  STARTED(cp_log_read_async(plane, "audit", 0, 10, 0, queue, &some_data));
  answer = next(queue);
  CHECK(answer->status == CP_DATA_LOSS && answer->log_page == NULL);
  CHECK_IN(answer->error, "the first still there is 2");
  cp_completion_free(answer);
  STARTED(cp_log_remove_async(plane, "audit", queue, &some_data));
  answer = next_ok(queue, CP_CALL_LOG_REMOVE);
  CHECK(answer->count == 1);
  cp_completion_free(answer);
  STARTED(cp_log_define_async(plane, "audit", NULL, queue, &some_data));
  DONE(CP_CALL_LOG_DEFINE);
  STARTED(cp_log_read_async(plane, "audit", 0, 10, CP_FOREVER_MS, queue, &some_data));
  CHECK_OK(cp_coordinator_close(plane));
  answer = next(queue);
  CHECK(answer->status == CP_CANCELLED);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
}

TEST(logs_are_checked, "what breaks a rule of logs is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_log_bounds bounds = CP_LOG_BOUNDS_INIT;
  cp_log_info *log = NULL;
  cp_log_page *page = NULL;
  uint64_t seq = 0;
  CHECK_REFUSED(cp_log_append(&seq, plane, NULL, "1", 1, NULL), CP_INVALID_ARGUMENT, "name");
  CHECK_REFUSED(cp_log_append(&seq, plane, "a", NULL, 0, NULL), CP_INVALID_ARGUMENT,
                "entry of log a is empty");
  CHECK_REFUSED(cp_log_append(&seq, plane, "a", NULL, 1, NULL), CP_INVALID_ARGUMENT,
                "entry is NULL, but 1 bytes are announced");
  CHECK_REFUSED(cp_log_append(&seq, plane, "a", "{", 1048577, NULL), CP_INVALID_ARGUMENT,
                "max_log_entry_bytes is 1,048,576");
  CHECK_REFUSED(cp_log_append(&seq, plane, "a", "1", 1, "a b"), CP_INVALID_ARGUMENT,
                "operation_id");
  CHECK_REFUSED(cp_log_read(NULL, plane, "a", 0, 1, 0), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_log_read(&page, plane, "a", 0, 0, 0), CP_INVALID_ARGUMENT, "max_items");
  CHECK_REFUSED(cp_log_trim(&seq, plane, "a", NULL), CP_INVALID_ARGUMENT,
                "cp_log_trim_request is NULL");
  bounds.max_bytes = 0;
  CHECK_REFUSED(cp_log_define(&log, plane, "a", &bounds), CP_INVALID_ARGUMENT, "max_bytes");
  bounds.struct_size = 7;
  CHECK_REFUSED(cp_log_define(&log, plane, "a", &bounds), CP_INVALID_ARGUMENT,
                "cp_log_bounds: struct_size is 7");
  CHECK(log == NULL && page == NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(entries_are_read);
  RUN(appends_are_repeated);
  RUN(logs_are_bounded);
  RUN(logs_are_listed);
  RUN(readers_wait);
  RUN(logs_in_a_loop);
  RUN(logs_are_checked);
  return report();
}
