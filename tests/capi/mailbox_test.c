/* Signed messages from agent to agent. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"

#define KEYS                                                                      \
  "{\"keys\":[{\"id\":\"k1\",\"state\":\"active\",\"secret\":"                    \
  "\"MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=\"}]}"

static cp_coordinator *open_signing(void) {
  cp_coordinator *plane = NULL;
  cp_options options = CP_OPTIONS_INIT;
  options.signing_keys = KEYS;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  return plane;
}

static cp_message_spec message_to(const char *to, const char *body) {
  cp_message_spec spec = CP_MESSAGE_SPEC_INIT;
  spec.to = to;
  spec.type = "greet";
  spec.body = body;
  spec.body_length = strlen(body);
  return spec;
}

static cp_task_id send(cp_coordinator *plane, const char *to, const char *body) {
  cp_task_id id;
  const cp_message_spec spec = message_to(to, body);
  memset(&id, 0, sizeof(id));
  CHECK_OK(cp_mailbox_send(&id, plane, "alice", &spec));
  return id;
}

/* The one message that is there. */
static cp_messages *receive(cp_coordinator *plane, const char *agent_id) {
  cp_messages *messages = NULL;
  CHECK_OK(cp_mailbox_receive(&messages, plane, agent_id, NULL));
  CHECK(messages->count == 1);
  return messages;
}

static size_t waiting(cp_coordinator *plane, const char *agent_id) {
  cp_messages *messages = NULL;
  size_t count;
  CHECK_OK(cp_mailbox_receive(&messages, plane, agent_id, NULL));
  count = messages->count;
  cp_messages_free(messages);
  return count;
}

TEST(messages_arrive, "a message is sent, received, extended and acknowledged") {
  cp_coordinator *plane = open_signing();
  cp_messages *messages = NULL;
  const cp_message *message;
  cp_message_spec spec = message_to("bob", "{\"text\":\"hello\"}");
  cp_task_id id;
  int64_t visible_at = 0;
  spec.correlation_id = "order-7";
  CHECK_OK(cp_mailbox_send(&id, plane, "alice", &spec));
  CHECK_OK(cp_mailbox_send(NULL, plane, "alice", &spec));
  messages = receive(plane, "bob");
  message = messages->items[0];
  CHECK(message->struct_size == sizeof(cp_message));
  CHECK_TEXT(message->message_id, id.text);
  CHECK_TEXT(message->from, "alice");
  CHECK_TEXT(message->to, "bob");
  CHECK_TEXT(message->type, "greet");
  CHECK_TEXT(message->body, "{\"text\":\"hello\"}");
  CHECK(message->body_length == strlen(message->body));
  CHECK_TEXT(message->correlation_id, "order-7");
  CHECK_TEXT(message->key_id, "k1");
  CHECK(message->delivery == 1);
  CHECK(message->sent_at_us > 0 && message->visible_at_us > message->sent_at_us);
  CHECK_OK(cp_mailbox_extend(&visible_at, plane, message));
  CHECK(visible_at >= message->visible_at_us);
  CHECK_OK(cp_mailbox_extend(NULL, plane, message));
  CHECK_OK(cp_mailbox_acknowledge(plane, message));
  CHECK_OK(cp_mailbox_acknowledge(plane, message));
  CHECK_STATUS(cp_mailbox_release(plane, message), CP_CONFLICT);
  cp_messages_free(messages);
  cp_messages_free(NULL);
  cp_message_free(NULL);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(messages_come_again, "a message that is released or rejected comes again, or is a dead letter") {
  cp_coordinator *plane = open_signing();
  cp_reject_options dead = CP_REJECT_OPTIONS_INIT;
  cp_messages *messages;
  cp_task_page *letters = NULL;
  send(plane, "bob", "1");
  messages = receive(plane, "bob");
  CHECK_OK(cp_mailbox_release(plane, messages->items[0]));
  cp_messages_free(messages);
  messages = receive(plane, "bob");
  CHECK(messages->items[0]->delivery == 2);
  CHECK_OK(cp_mailbox_reject(plane, messages->items[0], "not now", NULL));
  cp_messages_free(messages);
  CHECK(waiting(plane, "bob") == 0); /* not before a second has passed */
  send(plane, "carol", "2");
  messages = receive(plane, "carol");
  dead.redeliver = 0;
  CHECK_OK(cp_mailbox_reject(plane, messages->items[0], "never", &dead));
  cp_messages_free(messages);
  CHECK_OK(cp_dead_letter_list(&letters, plane, NULL));
  CHECK(letters->count == 1);
  CHECK_TEXT(letters->items[0]->error, "never");
  CHECK_TEXT(letters->items[0]->task_type, "aragora.message");
  cp_task_page_free(letters);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(requests_are_answered, "a request gets the reply to it, or is told why there is none") {
  cp_coordinator *plane = open_signing();
  cp_queue *queue = open_queue();
  const cp_message_spec spec = message_to("bob", "1");
  cp_message *reply = NULL;
  cp_messages *messages;
  cp_completion *completion;
  CHECK_REFUSED(cp_mailbox_request(&reply, plane, "alice", &spec, 1), CP_DEADLINE_EXCEEDED, "task");
  CHECK(reply == NULL);
  CHECK_REFUSED(cp_mailbox_request(&reply, plane, "alice", &spec, 0), CP_INVALID_ARGUMENT, "timeout");
  while (waiting(plane, "bob") != 0) {
  }
  STARTED(cp_mailbox_request_async(plane, "alice", &spec, 60000, queue, &some_data));
  messages = receive(plane, "bob");
  CHECK_OK(cp_mailbox_reply(plane, messages->items[0], "[42]", 4));
  cp_messages_free(messages);
  completion = next_ok(queue, CP_CALL_MAILBOX_REQUEST);
  CHECK_TEXT(completion->message->body, "[42]");
  CHECK_TEXT(completion->message->from, "bob");
  CHECK(completion->message->delivery == 0);
  cp_completion_free(completion);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(broadcasts_tell_of_each, "a broadcast goes to all that offer the capability") {
  cp_coordinator *plane = open_signing();
  const char *const names[] = {"a", "b", "me"};
  cp_message_spec spec = message_to("", "1");
  cp_sent_list *sent = NULL;
  size_t i;
  for (i = 0; i < 3; ++i) {
    const cp_agent_spec agent = agent_spec(names[i]);
    CHECK_OK(cp_agent_register(plane, &agent));
  }
  CHECK_OK(cp_mailbox_broadcast(&sent, plane, "me", "code", &spec));
  CHECK(sent->count == 2);
  for (i = 0; i < sent->count; ++i) {
    CHECK_TEXT(sent->items[i]->to, names[i]);
    CHECK(sent->items[i]->status == CP_OK);
    CHECK_IN(sent->items[i]->message_id, "task_");
    CHECK_TEXT(sent->items[i]->error, "");
    CHECK(waiting(plane, names[i]) == 1);
  }
  cp_sent_list_free(sent);
  cp_sent_list_free(NULL);
  spec.to = "a";
  CHECK_REFUSED(cp_mailbox_broadcast(&sent, plane, "me", "code", &spec), CP_INVALID_ARGUMENT, "to");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(async_forms_answer, "the forms with a queue do the same") {
  cp_coordinator *plane = open_signing();
  cp_queue *queue = open_queue();
  const cp_message_spec spec = message_to("bob", "1");
  cp_message_spec to_all = message_to("", "1");
  cp_completion *completion;
  cp_completion *received;
  const cp_message *message;
  STARTED(cp_mailbox_send_async(plane, "alice", &spec, queue, &some_data));
  completion = next_ok(queue, CP_CALL_MAILBOX_SEND);
  STARTED(cp_mailbox_receive_async(plane, "bob", NULL, queue, &some_data));
  received = next_ok(queue, CP_CALL_MAILBOX_RECEIVE);
  CHECK(received->messages->count == 1);
  message = received->messages->items[0];
  CHECK_TEXT(message->message_id, completion->task_id);
  cp_completion_free(completion);
  STARTED(cp_mailbox_extend_async(plane, message, queue, &some_data));
  completion = next_ok(queue, CP_CALL_MAILBOX_EXTEND);
  CHECK(completion->expires_at_us >= message->visible_at_us);
  cp_completion_free(completion);
  STARTED(cp_mailbox_release_async(plane, message, queue, &some_data));
  DONE(CP_CALL_MAILBOX_RELEASE);
  cp_completion_free(received);
  STARTED(cp_mailbox_receive_async(plane, "bob", NULL, queue, &some_data));
  received = next_ok(queue, CP_CALL_MAILBOX_RECEIVE);
  STARTED(cp_mailbox_acknowledge_async(plane, received->messages->items[0], queue, &some_data));
  DONE(CP_CALL_MAILBOX_ACKNOWLEDGE);
  STARTED(cp_mailbox_reply_async(plane, received->messages->items[0], "1", 1, queue, &some_data));
  completion = next(queue);
  CHECK(completion->call == CP_CALL_MAILBOX_REPLY && completion->status == CP_CONFLICT);
  cp_completion_free(completion);
  STARTED(cp_mailbox_reject_async(plane, received->messages->items[0], "no", NULL, queue, &some_data));
  completion = next(queue);
  CHECK(completion->call == CP_CALL_MAILBOX_REJECT && completion->status == CP_CONFLICT);
  cp_completion_free(completion);
  cp_completion_free(received);
  STARTED(cp_mailbox_broadcast_async(plane, "alice", "none", &to_all, queue, &some_data));
  completion = next_ok(queue, CP_CALL_MAILBOX_BROADCAST);
  CHECK(completion->sent->count == 0);
  cp_completion_free(completion);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(undrained_messages_go_back, "messages of a queue that is closed are delivered to somebody else") {
  cp_coordinator *plane = open_signing();
  cp_queue *queue = open_queue();
  cp_messages *messages;
  send(plane, "bob", "1");
  STARTED(cp_mailbox_receive_async(plane, "bob", NULL, queue, &some_data));
  CHECK_OK(cp_queue_close(queue));
  messages = receive(plane, "bob");
  CHECK(messages->items[0]->delivery == 2);
  cp_messages_free(messages);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(waiting_receives_end, "a receive that waits is answered by a message, or by the end") {
  cp_coordinator *plane = open_signing();
  cp_queue *queue = open_queue();
  cp_receive_options options = CP_RECEIVE_OPTIONS_INIT;
  cp_completion *completion;
  options.wait_ms = CP_FOREVER_MS;
  STARTED(cp_mailbox_receive_async(plane, "bob", &options, queue, &some_data));
  send(plane, "bob", "7");
  completion = next_ok(queue, CP_CALL_MAILBOX_RECEIVE);
  CHECK_TEXT(completion->messages->items[0]->body, "7");
  cp_completion_free(completion);
  STARTED(cp_mailbox_receive_async(plane, "bob", &options, queue, &some_data));
  CHECK_OK(cp_coordinator_close(plane));
  completion = next(queue);
  CHECK(completion->status == CP_CANCELLED);
  cp_completion_free(completion);
  CHECK_OK(cp_queue_close(queue));
}

TEST(keys_are_checked, "keys that are wrong are refused, and reloaded only where there are any") {
  cp_coordinator *plane = NULL;
  cp_options options = CP_OPTIONS_INIT;
  options.signing_keys = "{\"keys\":[]}";
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "key");
  options.signing_keys = NULL;
  options.signing_keys_file = "/nowhere/keys.json";
  CHECK_REFUSED(cp_coordinator_open(&plane, &options), CP_INVALID_ARGUMENT, "/nowhere/keys.json");
  plane = open_plane();
  CHECK_REFUSED(cp_coordinator_reload_signing_keys(plane), CP_FAILED_PRECONDITION, "key");
  CHECK_OK(cp_coordinator_close(plane));
  plane = open_signing();
  CHECK_OK(cp_coordinator_reload_signing_keys(plane));
  CHECK_OK(cp_coordinator_close(plane));
}

static void write_keys(const char *path, const char *active, const char *previous) {
  FILE *file = fopen(path, "w");
  CHECK(file != NULL);
  fprintf(file, "{\"keys\":[{\"id\":\"%s\",\"state\":\"active\",\"secret\":"
                "\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=\"},{\"id\":\"%s\",\"state\":\"previous\","
                "\"secret\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=\"}]}",
          active, previous);
  CHECK(fclose(file) == 0);
  CHECK(chmod(path, S_IRUSR | S_IWUSR) == 0);
}

static void expect_key(cp_coordinator *plane, const char *key) {
  cp_messages *messages;
  send(plane, "bob", "1");
  messages = receive(plane, "bob");
  CHECK_TEXT(messages->items[0]->key_id, key);
  cp_messages_free(messages);
}

TEST(keys_are_reloaded_together, "a reload of the keys is one of those that sign, too") {
  char path[] = "/tmp/cp-keys-XXXXXX";
  cp_coordinator *plane = NULL;
  cp_options options = CP_OPTIONS_INIT;
  const int file = mkstemp(path);
  CHECK(file >= 0 && close(file) == 0);
  write_keys(path, "k1", "k2");
  options.signing_keys_file = path;
  CHECK_OK(cp_coordinator_open(&plane, &options));
  expect_key(plane, "k1");
  write_keys(path, "k2", "k1");
  CHECK_OK(cp_coordinator_reload_keys(plane));
  expect_key(plane, "k2");
  write_keys(path, "k3", "k1");
  CHECK_OK(cp_coordinator_reload_signing_keys(plane));
  expect_key(plane, "k3");
  CHECK(unlink(path) == 0);
  CHECK_REFUSED(cp_coordinator_reload_keys(plane), CP_INVALID_ARGUMENT, path);
  expect_key(plane, "k3");
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(keys_come_from_the_environment, "the keys of a config sign, and one secret is enough") {
  cp_coordinator *plane = NULL;
  cp_config *config = NULL;
  cp_messages *messages;
  const char *origin = NULL;
  CHECK(setenv("TOKEN_SECRET", "a secret of at least 32 characters", 1) == 0);
  CHECK_OK(cp_config_from_environment(&config));
  CHECK_OK(cp_config_origin(&origin, config, "signing_keys"));
  CHECK_TEXT(origin, "TOKEN_SECRET");
  CHECK_OK(cp_coordinator_open(&plane, config->options));
  cp_config_free(config);
  send(plane, "bob", "1");
  messages = receive(plane, "bob");
  CHECK_TEXT(messages->items[0]->key_id, "token");
  cp_messages_free(messages);
  CHECK_OK(cp_coordinator_close(plane));
  CHECK(unsetenv("TOKEN_SECRET") == 0);
}

TEST(wrong_messages_are_refused, "what is wrong with a message is named") {
  cp_coordinator *plane = open_signing();
  cp_message_spec spec = message_to("b b", "1");
  cp_messages *messages = NULL;
  CHECK_REFUSED(cp_mailbox_send(NULL, plane, "alice", &spec), CP_INVALID_ARGUMENT, "to");
  CHECK_REFUSED(cp_mailbox_send(NULL, plane, "alice", NULL), CP_INVALID_ARGUMENT, "cp_message_spec is NULL");
  spec = message_to("bob", "{");
  CHECK_REFUSED(cp_mailbox_send(NULL, plane, "alice", &spec), CP_INVALID_ARGUMENT, "body");
  CHECK_REFUSED(cp_mailbox_receive(&messages, plane, "", NULL), CP_INVALID_ARGUMENT, "agent_id");
  CHECK_REFUSED(cp_mailbox_receive(NULL, plane, "bob", NULL), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_mailbox_acknowledge(plane, NULL), CP_INVALID_ARGUMENT, "message is NULL");
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(messages_arrive);
  RUN(messages_come_again);
  RUN(requests_are_answered);
  RUN(broadcasts_tell_of_each);
  RUN(async_forms_answer);
  RUN(undrained_messages_go_back);
  RUN(waiting_receives_end);
  RUN(keys_are_checked);
  RUN(keys_are_reloaded_together);
  RUN(keys_come_from_the_environment);
  RUN(wrong_messages_are_refused);
  return report();
}
