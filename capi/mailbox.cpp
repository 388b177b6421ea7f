// Messages: each operation once, called in two ways.
#include "capi/defaults.hpp"
#include "capi/mesh_views.hpp"
#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "controlplane/mailbox.hpp"

namespace controlplane::capi {
namespace {

Json body_of(const char* body, std::size_t length, const Limits& limits) {
  return json("body", body, length, limits.max_payload_bytes, "max_payload_bytes");
}

auto send(const char* agent_id, const cp_message_spec* spec) {
  return [=](Plane& plane, auto... done) {
    const Input<cp_message_spec> in(spec);
    return Mailbox(plane.coordinator, text(agent_id))
        .send(view(in->to), view(in->type), body_of(in->body, in->body_length, plane.limits()),
              options_of(spec), std::move(done)...);
  };
}
auto receive(const char* agent_id, const cp_receive_options* options) {
  return [=](Plane& plane, auto... done) {
    return Mailbox(plane.coordinator, text(agent_id))
        .receive(options_of(options, plane.limits()), std::move(done)...);
  };
}
auto acknowledge(const cp_message* given) {
  return [=](Plane& plane, auto... done) {
    const Message message = message_of(given);
    return Mailbox(plane.coordinator, message.to).acknowledge(message, std::move(done)...);
  };
}
auto reject(const cp_message* given, const char* error, const cp_reject_options* options) {
  return [=](Plane& plane, auto... done) {
    const Message message = message_of(given);
    return Mailbox(plane.coordinator, message.to)
        .reject(message, view(error), options_of(options), std::move(done)...);
  };
}
auto release(const cp_message* given) {
  return [=](Plane& plane, auto... done) {
    const Message message = message_of(given);
    return Mailbox(plane.coordinator, message.to).release(message, std::move(done)...);
  };
}
auto extend(const cp_message* given) {
  return [=](Plane& plane, auto... done) {
    const Message message = message_of(given);
    return Mailbox(plane.coordinator, message.to).extend(message, std::move(done)...);
  };
}
auto reply(const cp_message* given, const char* body, std::size_t length) {
  return [=](Plane& plane, auto... done) {
    const Message message = message_of(given);
    return Mailbox(plane.coordinator, message.to)
        .reply(message,
               json("body", body, length, plane.limits().max_result_bytes, "max_result_bytes"),
               std::move(done)...);
  };
}
auto request(const char* agent_id, const cp_message_spec* spec, std::uint64_t timeout_ms) {
  return [=](Plane& plane, auto... done) {
    const Input<cp_message_spec> in(spec);
    return Mailbox(plane.coordinator, text(agent_id))
        .request(view(in->to), view(in->type), body_of(in->body, in->body_length, plane.limits()),
                 wait_time(timeout_ms, plane.limits()), options_of(spec), std::move(done)...);
  };
}
auto broadcast(const char* agent_id, const char* capability, const cp_message_spec* spec) {
  return [=](Plane& plane, auto... done) {
    const Input<cp_message_spec> in(spec);
    if (!view(in->to).empty()) refuse("to is given; a broadcast goes to all that offer a capability");
    return Mailbox(plane.coordinator, text(agent_id))
        .broadcast(view(capability), view(in->type),
                   body_of(in->body, in->body_length, plane.limits()), options_of(spec),
                   std::move(done)...);
  };
}

auto copy_id(cp_task_id* out) {
  if (out != nullptr) out->text[0] = '\0';
  return [out](const TaskId& id) {
    if (out != nullptr) write_id(out->text, sizeof(out->text), id);
  };
}

}  // namespace

void hand_back(cp_coordinator* handle, const Message& message) noexcept {
  if (message.lease.empty()) return;
  guard([&] {
    const Held<Plane> plane(handle);
    Mailbox(plane->coordinator, message.to).release(message, Done<void>());
    return CP_OK;
  });
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_mailbox_send(cp_task_id* out, cp_coordinator* coordinator, const char* agent_id,
                        const cp_message_spec* spec) {
  return call(coordinator, send(agent_id, spec), copy_id(out));
}
int32_t cp_mailbox_send_async(cp_coordinator* coordinator, const char* agent_id,
                              const cp_message_spec* spec, cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_SEND, send(agent_id, spec),
               [](CompletionBox& box, const TaskId& id) { box.task_id = box.id.set(id); });
}

int32_t cp_mailbox_receive(cp_messages** out, cp_coordinator* coordinator, const char* agent_id,
                           const cp_receive_options* options) {
  return call_for(out, coordinator, receive(agent_id, options), give<MessagesView>);
}
int32_t cp_mailbox_receive_async(cp_coordinator* coordinator, const char* agent_id,
                                 const cp_receive_options* options, cp_queue* queue,
                                 void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_RECEIVE, receive(agent_id, options),
               into<MessagesView>(&cp_completion::messages));
}

int32_t cp_mailbox_acknowledge(cp_coordinator* coordinator, const cp_message* message) {
  return call(coordinator, acknowledge(message));
}
int32_t cp_mailbox_acknowledge_async(cp_coordinator* coordinator, const cp_message* message,
                                     cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_ACKNOWLEDGE, acknowledge(message));
}

int32_t cp_mailbox_reject(cp_coordinator* coordinator, const cp_message* message, const char* error,
                          const cp_reject_options* options) {
  return call(coordinator, reject(message, error, options));
}
int32_t cp_mailbox_reject_async(cp_coordinator* coordinator, const cp_message* message,
                                const char* error, const cp_reject_options* options,
                                cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_REJECT,
               reject(message, error, options));
}

int32_t cp_mailbox_release(cp_coordinator* coordinator, const cp_message* message) {
  return call(coordinator, release(message));
}
int32_t cp_mailbox_release_async(cp_coordinator* coordinator, const cp_message* message,
                                 cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_RELEASE, release(message));
}

int32_t cp_mailbox_extend(int64_t* out, cp_coordinator* coordinator, const cp_message* message) {
  int64_t ignored = 0;
  return call_for(out == nullptr ? &ignored : out, coordinator, extend(message),
                  [](Timestamp visible_at) { return visible_at; });
}
int32_t cp_mailbox_extend_async(cp_coordinator* coordinator, const cp_message* message,
                                cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_EXTEND, extend(message),
               [](CompletionBox& box, Timestamp visible_at) { box.expires_at_us = visible_at; });
}

int32_t cp_mailbox_reply(cp_coordinator* coordinator, const cp_message* message, const char* body,
                         size_t body_length) {
  return call(coordinator, reply(message, body, body_length));
}
int32_t cp_mailbox_reply_async(cp_coordinator* coordinator, const cp_message* message,
                               const char* body, size_t body_length, cp_queue* queue,
                               void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_REPLY,
               reply(message, body, body_length));
}

int32_t cp_mailbox_request(cp_message** out, cp_coordinator* coordinator, const char* agent_id,
                           const cp_message_spec* spec, uint64_t timeout_ms) {
  return call_for(out, coordinator, request(agent_id, spec, timeout_ms), give<MessageView>);
}
int32_t cp_mailbox_request_async(cp_coordinator* coordinator, const char* agent_id,
                                 const cp_message_spec* spec, uint64_t timeout_ms, cp_queue* queue,
                                 void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_REQUEST,
               request(agent_id, spec, timeout_ms), into<MessageView>(&cp_completion::message));
}

int32_t cp_mailbox_broadcast(cp_sent_list** out, cp_coordinator* coordinator, const char* agent_id,
                             const char* capability, const cp_message_spec* spec) {
  return call_for(out, coordinator, broadcast(agent_id, capability, spec), give<SentListView>);
}
int32_t cp_mailbox_broadcast_async(cp_coordinator* coordinator, const char* agent_id,
                                   const char* capability, const cp_message_spec* spec,
                                   cp_queue* queue, void* user_data) {
  return start(coordinator, queue, user_data, CP_CALL_MAILBOX_BROADCAST,
               broadcast(agent_id, capability, spec), into<SentListView>(&cp_completion::sent));
}
