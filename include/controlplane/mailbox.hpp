// Mailboxes: signed messages from agent to agent. A message is a task of the reserved type
// kMessageType, directed to its receiver's mailbox, which only a Mailbox claims from: it takes no
// slot of the agent, and the agent's claims never see it. Delivered at least once, and again after
// the visibility timeout unless it was acknowledged; first deliveries keep the order of their sender.
// What nobody acknowledges in the end is a dead letter.
// Thread safety: every method may be called from any thread; copies share the coordinator.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. Names are names; bodies are JSON of at most max_payload_bytes.
// Blocking and completion forms: as in agent_registry.hpp.
//
// With Config::signing_keys every message and reply carries an HMAC-SHA256 by a key derived for its
// sender, over everything it says; docs/messages.md has the encoding and test vectors. A receiver is
// never handed a message that is unsigned, altered, copied, signed by an unknown or retired key, or
// older than Config::message_window when it came to the store: that becomes a dead letter that says
// why. Without keys messages are as trustworthy as whoever can reach the store.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/json.hpp"
#include "controlplane/result.hpp"
#include "controlplane/task.hpp"
#include "controlplane/task_scheduler.hpp"

namespace controlplane {

class Coordinator;

inline constexpr std::string_view kMessageType = "aragora.message";  // no other task may have it

// As its receiver gets it, and as a reply comes back (then without delivery, lease, visible_at).
struct Message {
  TaskId id;                       // that of its task; a reply has that of its request
  std::string from;
  std::string to;
  std::string type;
  Json body;
  std::string correlation_id;      // as its sender gave it
  std::string key_id;              // that signed it; empty = unsigned
  Timestamp sent_at = 0;
  std::uint32_t delivery = 0;      // 1 = first
  Timestamp visible_at = 0;        // delivered again from then on, unless acknowledged or extended
  Lease lease;                     // proof of this delivery
};

struct SendOptions {
  // Not acknowledged within it: a dead letter. Kept to 1/32 of it, rounded up; 0 = unlimited.
  std::chrono::milliseconds ttl{std::chrono::hours(24)};
  std::string correlation_id{};    // what it belongs to; also the trace of its events; empty = none
  std::string operation_id{};      // the same id, receiver and content answers the same message; empty = made
  // Deliveries that may end in a reject; 0 = Config::max_task_retries + 1. Deliveries that nobody
  // ended in time are counted apart: max_crashes of them make a dead letter.
  std::uint32_t max_deliveries = 0;
};

struct ReceiveOptions {
  std::uint32_t max_messages = 1;                // at least 1, at most max_batch
  std::chrono::milliseconds wait{0};             // 0 = do not wait
  std::chrono::milliseconds visibility{30'000};  // to acknowledge or extend it; above 0
  std::shared_ptr<const std::atomic<bool>> given_up{};  // as ClaimRequest::given_up
};

struct RejectOptions {
  bool redeliver = true;                         // false: a dead letter at once
  std::chrono::milliseconds retry_after{0};      // redelivered not before; 0 = after 1 s, doubled each time
};

// To one receiver of a broadcast.
struct Sent {
  std::string to;
  Result<TaskId> id;
};

class Mailbox {
 public:
  // Of the agent that sends and receives by it; it need not be registered.
  Mailbox(const Coordinator& plane, std::string agent_id);
  const std::string& agent_id() const noexcept { return agent_id_; }

  // Answers the message's id after the store holds it. resource_exhausted: the receiver has
  // max_mailbox_messages that are not acknowledged. already_exists: the operation id was used for
  // another message to this receiver.
  Result<TaskId> send(std::string_view to, std::string_view type, Json body,
                      const SendOptions& options = {});
  void send(std::string_view to, std::string_view type, Json body, const SendOptions& options,
            Done<TaskId> done);

  // Verified messages; waits only while there is none at all. None came in time: an empty vector.
  Result<std::vector<Message>> receive(const ReceiveOptions& options = {});
  void receive(const ReceiveOptions& options, Done<std::vector<Message>> done);

  // Done with it; repeating it is OK. conflict: it was delivered again meanwhile, or ended otherwise.
  Result<void> acknowledge(const Message& message);
  void acknowledge(const Message& message, Done<void> done);
  // Not done: delivered again, or a dead letter with `error`.
  Result<void> reject(const Message& message, std::string_view error,
                      const RejectOptions& options = {});
  void reject(const Message& message, std::string_view error, const RejectOptions& options,
              Done<void> done);
  // Given back untouched: delivered again at once, and not counted against it.
  Result<void> release(const Message& message);
  void release(const Message& message, Done<void> done);
  // Needs more time: not delivered again before the answer, one visibility timeout from now.
  Result<Timestamp> extend(const Message& message);
  void extend(const Message& message, Done<Timestamp> done);

  // Acknowledges it, with an answer for the one that waits in request(). At most max_result_bytes.
  Result<void> reply(const Message& message, Json body);
  void reply(const Message& message, Json body, Done<void> done);
  // Sends and waits for the reply; `timeout` (above 0) is also the message's ttl. deadline_exceeded:
  // none came in time. failed_precondition: it was rejected for good, or acknowledged without a
  // reply. unauthenticated: the reply is not the receiver's. Repeated with the same operation id it
  // answers the same reply.
  Result<Message> request(std::string_view to, std::string_view type, Json body,
                          std::chrono::milliseconds timeout, const SendOptions& options = {});
  void request(std::string_view to, std::string_view type, Json body,
               std::chrono::milliseconds timeout, const SendOptions& options, Done<Message> done);

  // To every registered agent that offers `capability`, but not to itself; one message each, with
  // an answer each. resource_exhausted: they are more than max_broadcast; then none is sent.
  Result<std::vector<Sent>> broadcast(std::string_view capability, std::string_view type, Json body,
                                      const SendOptions& options = {});
  void broadcast(std::string_view capability, std::string_view type, Json body,
                 const SendOptions& options, Done<std::vector<Sent>> done);

 private:
  std::shared_ptr<CoordinatorCore> core_;
  TaskScheduler tasks_;
  std::string agent_id_;
};

}  // namespace controlplane
