// Messages from agent to agent.
#include "controlplane/mailbox.hpp"
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

using Messages = std::vector<Message>;

Mailbox mailbox_of(Plane& plane, py::handle agent_id) {
  return Mailbox(plane.use(), text("agent_id", agent_id));
}
Mailbox mailbox_of(Plane& plane, const Message& message) {
  return Mailbox(plane.use(), message.to);
}

Json body_of(const Plane& plane, py::handle body) {
  return body.is_none() ? Json() : encode_json("body", body, plane.max_json_depth());
}

SendOptions send_options(py::handle ttl, py::handle correlation_id, py::handle operation_id,
                         py::handle max_deliveries) {
  SendOptions options;
  options.ttl = duration("ttl", ttl);
  if (!correlation_id.is_none()) options.correlation_id = text("correlation_id", correlation_id);
  if (!operation_id.is_none()) options.operation_id = text("operation_id", operation_id);
  options.max_deliveries = count("max_deliveries", max_deliveries);
  return options;
}

// Messages that nobody will hear of are delivered to somebody else, and who waits for some does so
// no more.
struct GiveBackMessages {
  Mailbox mailbox;
  std::shared_ptr<std::atomic<bool>> gone;

  void given_up() const noexcept { gone->store(true); }
  void operator()(const Messages& messages) const noexcept {
    auto back = mailbox;
    for (const Message& message : messages) back.release(message, [](const Result<void>&) {});
  }
};

template <class Start>
py::object ended(Start start) {
  return answered_void<>([&](Done<void> done) { start(std::move(done)); });
}

py::object mailbox_send(Plane& plane, py::handle agent_id, py::handle to, py::handle type,
                        py::handle body, py::handle ttl, py::handle correlation_id,
                        py::handle operation_id, py::handle max_deliveries) {
  Mailbox mailbox = mailbox_of(plane, agent_id);
  const SendOptions options = send_options(ttl, correlation_id, operation_id, max_deliveries);
  Json json = body_of(plane, body);
  return answered<TaskId>(
      [&](Done<TaskId> done) {
        mailbox.send(text_view("to", to), text_view("type", type), std::move(json), options,
                     std::move(done));
      },
      [](const TaskId& id) { return to_python(id); });
}

// `wait`: None is as long as anybody may.
py::object mailbox_receive(Plane& plane, py::handle agent_id, py::handle max_messages,
                           py::handle wait, py::handle visibility) {
  Mailbox mailbox = mailbox_of(plane, agent_id);
  ReceiveOptions options;
  options.max_messages = count("max_messages", max_messages);
  options.wait = wait.is_none() ? plane.longest_wait() : duration("wait", wait);
  options.visibility = duration("visibility", visibility);
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  options.given_up = gone;
  return answered<Messages>(
      [&](Done<Messages> done) { mailbox.receive(options, std::move(done)); },
      [](Messages messages) {
        py::list all;
        for (Message& message : messages) all.append(held(std::move(message)));
        return all;
      },
      GiveBackMessages{mailbox, gone});
}

py::object mailbox_acknowledge(Plane& plane, py::handle given) {
  const Message& message = value_of<Message>(given);
  return ended([&](Done<void> done) {
    mailbox_of(plane, message).acknowledge(message, std::move(done));
  });
}

py::object mailbox_reject(Plane& plane, py::handle given, py::handle error, py::handle redeliver,
                          py::handle retry_after) {
  const Message& message = value_of<Message>(given);
  const RejectOptions options{truth("redeliver", redeliver), duration("retry_after", retry_after)};
  return ended([&](Done<void> done) {
    mailbox_of(plane, message)
        .reject(message, text_view("error", error), options, std::move(done));
  });
}

py::object mailbox_release(Plane& plane, py::handle given) {
  const Message& message = value_of<Message>(given);
  return ended(
      [&](Done<void> done) { mailbox_of(plane, message).release(message, std::move(done)); });
}

py::object mailbox_extend(Plane& plane, py::handle given) {
  const Message& message = value_of<Message>(given);
  return answered<Timestamp>(
      [&](Done<Timestamp> done) { mailbox_of(plane, message).extend(message, std::move(done)); },
      [](Timestamp visible_at) { return time_to_python(visible_at); });
}

py::object mailbox_reply(Plane& plane, py::handle given, py::handle body) {
  const Message& message = value_of<Message>(given);
  Json json = body_of(plane, body);
  return ended([&](Done<void> done) {
    mailbox_of(plane, message).reply(message, std::move(json), std::move(done));
  });
}

py::object mailbox_request(Plane& plane, py::handle agent_id, py::handle to, py::handle type,
                           py::handle body, py::handle timeout, py::handle correlation_id,
                           py::handle operation_id, py::handle max_deliveries) {
  Mailbox mailbox = mailbox_of(plane, agent_id);
  const SendOptions options = send_options(py::none(), correlation_id, operation_id, max_deliveries);
  Json json = body_of(plane, body);
  return answered<Message>(
      [&](Done<Message> done) {
        mailbox.request(text_view("to", to), text_view("type", type), std::move(json),
                        duration("timeout", timeout), options, std::move(done));
      },
      [](Message&& reply) { return held(std::move(reply)); });
}

// A dict by receiver: the message's id, or the error.
py::object mailbox_broadcast(Plane& plane, py::handle agent_id, py::handle capability,
                             py::handle type, py::handle body, py::handle ttl,
                             py::handle correlation_id, py::handle operation_id,
                             py::handle max_deliveries) {
  Mailbox mailbox = mailbox_of(plane, agent_id);
  const SendOptions options = send_options(ttl, correlation_id, operation_id, max_deliveries);
  Json json = body_of(plane, body);
  using SentList = std::vector<Sent>;
  return answered<SentList>(
      [&](Done<SentList> done) {
        mailbox.broadcast(text_view("capability", capability), text_view("type", type),
                          std::move(json), options, std::move(done));
      },
      [](const SentList& sent) {
        py::dict all;
        for (const Sent& one : sent) {
          all[to_python(one.to)] = one.id ? to_python(*one.id) : exception_of(one.id.error());
        }
        return all;
      });
}

}  // namespace

void bind_mailbox(PlaneClass& cls) {
  add_fast<&mailbox_send>(cls, "mailbox_send");
  add_fast<&mailbox_receive>(cls, "mailbox_receive");
  add_fast<&mailbox_acknowledge>(cls, "mailbox_acknowledge");
  add_fast<&mailbox_reject>(cls, "mailbox_reject");
  add_fast<&mailbox_release>(cls, "mailbox_release");
  add_fast<&mailbox_extend>(cls, "mailbox_extend");
  add_fast<&mailbox_reply>(cls, "mailbox_reply");
  add_fast<&mailbox_request>(cls, "mailbox_request");
  add_fast<&mailbox_broadcast>(cls, "mailbox_broadcast");
}

}  // namespace controlplane::python
