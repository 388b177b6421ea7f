#include "controlplane/mailbox.hpp"

#include <algorithm>
#include <utility>

#include "base/deadline.hpp"
#include "base/digest.hpp"
#include "base/wording.hpp"
#include "controlplane/coordinator.hpp"
#include "coordinator/prepared_work.hpp"
#include "engine/mailbox_name.hpp"
#include "mesh/message_office.hpp"

namespace controlplane {
namespace {

using std::chrono::milliseconds;
using Messages = std::vector<Message>;

std::string_view body_of(const Json& body) { return body.empty() ? "null" : body.text(); }

Checks check_receive(CoordinatorCore& core, const std::string& agent, const ReceiveOptions& options) {
  const Limits& limits = core.limits();
  Checks checks(limits);
  checks.name("agent_id", agent);
  checks.count("max_messages", options.max_messages, 1, limits.max_batch, "max_batch");
  checks.within("wait", options.wait, milliseconds(0), limits.max_delay, "max_delay");
  checks.within("visibility", options.visibility, milliseconds(1), limits.max_delay, "max_delay");
  return checks;
}

// What is signed is what the message says, and only its receiver signs it.
Checks check_reply(CoordinatorCore& core, const std::string& agent, const Message& message,
                   const Json& body) {
  const Limits& limits = core.limits();
  Checks checks(limits);
  checks.name("from", message.from).name("type", message.type);
  checks.optional_name("correlation_id", message.correlation_id);
  checks.rule(message.to == agent, [&] {
    return "message " + message.id.str() + " is to " + quote(message.to) + "; this mailbox is that of " + agent;
  });
  checks.json("body", body, limits.max_result_bytes, "max_result_bytes");
  return checks;
}

Checks check_timeout(CoordinatorCore& core, milliseconds timeout) {
  Checks checks(core.limits());
  checks.within("timeout", timeout, milliseconds(1), core.limits().max_delay, "max_delay");
  return checks;
}

ClaimRequest claim_of(const std::string& agent, const ReceiveOptions& options) {
  ClaimRequest request;
  request.agent_id = mailbox_of(agent);
  request.max_tasks = options.max_messages;
  request.wait = options.wait;
  request.lease_ttl = options.visibility;
  request.given_up = options.given_up;
  return request;
}

// Those that are genuine; the others become dead letters.
Messages open_all(CoordinatorCore& core, const std::string& agent, const ClaimedTasks& tasks) {
  Messages messages;
  messages.reserve(tasks.size());
  for (const ClaimedTask& task : tasks) {
    auto message = open_message(core, agent, task);
    if (message) {
      messages.push_back(*std::move(message));
    } else {
      refuse_message(core, task, message.error());
    }
  }
  return messages;
}

milliseconds time_left(CoordinatorCore& core, std::int64_t deadline_us) {
  const std::int64_t left_us = std::max<std::int64_t>(0, deadline_us - core.calls().now_us());
  return milliseconds((left_us + 999) / 1'000);
}

// A receive that does not block. Whoever claimed nothing but forgeries goes on waiting.
class Receiving : public std::enable_shared_from_this<Receiving> {
 public:
  Receiving(std::shared_ptr<CoordinatorCore> core, std::string agent, const ReceiveOptions& options,
            Done<Messages> done)
      : core_(std::move(core)),
        agent_(std::move(agent)),
        request_(claim_of(agent_, options)),
        deadline_us_(deadline_after(core_->calls().now_us(), options.wait)),
        done_(std::move(done)) {}

  void go_on() {
    claim_prepared(*core_, request_, [self = shared_from_this()](const Result<ClaimedTasks>& tasks) {
      self->claimed(tasks);
    });
  }

 private:
  void claimed(const Result<ClaimedTasks>& tasks) {
    if (!tasks) return done_(tasks.error());
    Messages messages = open_all(*core_, agent_, *tasks);
    if (!messages.empty() || tasks->empty()) return done_(std::move(messages));
    request_.wait = time_left(*core_, deadline_us_);
    go_on();
  }

  const std::shared_ptr<CoordinatorCore> core_;
  const std::string agent_;
  ClaimRequest request_;
  const std::int64_t deadline_us_;
  const Done<Messages> done_;
};

void count_end(CoordinatorCore& core, MessageEvent event, const Result<bool>& ended) {
  if (!ended && ended.error().outcome_unknown) core.messages().count(MessageEvent::end_unknown);
  if (ended && *ended) core.messages().count(event);
}

template <class End>
Result<void> end(CoordinatorCore& core, MessageEvent event, End how) {
  const Result<bool> ended = end_prepared(core, std::move(how));
  count_end(core, event, ended);
  if (!ended) return ended.error();
  return {};
}

template <class End>
void end(CoordinatorCore& core, MessageEvent event, End how, Done<void> done) {
  end_prepared(core, std::move(how), [&core, event, done = std::move(done)](Result<bool> ended) {
    count_end(core, event, ended);
    if (done) done(ended ? Result<void>() : Result<void>(std::move(ended.error())));
  });
}

SealedCompletion acknowledgement_of(const Message& message) {
  SealedCompletion completion;
  completion.attempt = {message.id, message.lease, {}};
  completion.digest = digest_of(completion);
  return completion;
}

// Signed anew each time, with another nonce: known by the body, and as a reply. A plain result is none.
SealedCompletion reply_to(CoordinatorCore& core, const Message& message, const Json& body) {
  SealedCompletion completion;
  completion.attempt = {message.id, message.lease, {}};
  completion.result = Json(body_of(body));
  completion.digest = FieldDigest().add("reply").add(digest_of(completion)).finish();
  completion.result = write_reply(core, message, body_of(body));
  return completion;
}

template <class T>
void refuse(CoordinatorCore& core, Done<T> done, Error error) {
  core.calls().deliver(std::move(done), Result<T>(std::move(error)));
}

SendOptions within(milliseconds timeout, SendOptions options) {
  options.ttl = timeout;
  return options;
}

Failure failure_of(const Message& message, std::string_view error, const RejectOptions& options) {
  Failure failure;
  failure.attempt = {message.id, message.lease, {}};
  failure.error = error;
  failure.kind = options.redeliver ? FailKind::retryable : FailKind::fatal;
  failure.retry_after = options.retry_after;
  return failure;
}

}  // namespace

Mailbox::Mailbox(const Coordinator& plane, std::string agent_id)
    : core_(plane.core()), tasks_(plane), agent_id_(std::move(agent_id)) {}

Result<TaskId> Mailbox::send(std::string_view to, std::string_view type, Json body,
                             const SendOptions& options) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  const Letter letter{agent_id_, to, type, body_of(body)};
  Checks checks = check_letter(core, letter, options);
  if (!checks.ok()) return checks.take();
  TaskSpec spec;
  TaskDraft draft;
  prepare_letter(core, letter, options, spec, draft);
  const TaskId made = draft.id;
  auto id = submit_prepared(core, spec, draft);
  count_sent(core, made, id);
  return id;
}

void Mailbox::send(std::string_view to, std::string_view type, Json body, const SendOptions& options,
                   Done<TaskId> done) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  const Letter letter{agent_id_, to, type, body_of(body)};
  Checks checks = check_letter(core, letter, options);
  if (!checks.ok()) return refuse(core, std::move(done), checks.take());
  TaskSpec spec;
  TaskDraft draft;
  prepare_letter(core, letter, options, spec, draft);
  const TaskId made = draft.id;
  submit_prepared(core, std::move(spec), std::move(draft),
                  [&core, made, done = std::move(done)](Result<TaskId> id) {
                    count_sent(core, made, id);
                    if (done) done(std::move(id));
                  });
}

Result<Messages> Mailbox::receive(const ReceiveOptions& options) {
  CoordinatorCore& core = *core_;
  if (auto refused = core.refuse_block(Entry::new_work)) return std::move(*refused);
  Checks checks = check_receive(core, agent_id_, options);
  if (!checks.ok()) return checks.take();
  const std::int64_t deadline_us = deadline_after(core.calls().now_us(), options.wait);
  ClaimRequest request = claim_of(agent_id_, options);
  for (;;) {
    const Result<ClaimedTasks> tasks = claim_prepared(core, request);
    if (!tasks) return tasks.error();
    Messages messages = open_all(core, agent_id_, *tasks);
    if (!messages.empty() || tasks->empty()) return messages;
    request.wait = time_left(core, deadline_us);
  }
}

void Mailbox::receive(const ReceiveOptions& options, Done<Messages> done) {
  CoordinatorCore& core = *core_;
  if (!done) return;
  if (auto refused = core.refuse(Entry::new_work)) return refuse(core, std::move(done), *refused);
  Checks checks = check_receive(core, agent_id_, options);
  if (!checks.ok()) return refuse(core, std::move(done), checks.take());
  std::make_shared<Receiving>(core_, agent_id_, options, std::move(done))->go_on();
}

Result<void> Mailbox::acknowledge(const Message& message) {
  return end(*core_, MessageEvent::acknowledged, acknowledgement_of(message));
}

void Mailbox::acknowledge(const Message& message, Done<void> done) {
  end(*core_, MessageEvent::acknowledged, acknowledgement_of(message), std::move(done));
}

Result<void> Mailbox::reject(const Message& message, std::string_view error,
                             const RejectOptions& options) {
  return end(*core_, MessageEvent::failed, failure_of(message, error, options));
}

void Mailbox::reject(const Message& message, std::string_view error, const RejectOptions& options,
                     Done<void> done) {
  end(*core_, MessageEvent::failed, failure_of(message, error, options), std::move(done));
}

Result<void> Mailbox::release(const Message& message) {
  return tasks_.release_task({message.id, message.lease, {}});
}

void Mailbox::release(const Message& message, Done<void> done) {
  tasks_.release_task({message.id, message.lease, {}}, std::move(done));
}

Result<Timestamp> Mailbox::extend(const Message& message) {
  const auto status = tasks_.renew({message.id, message.lease, {}});
  if (!status) return status.error();
  return status->lease_until;
}

void Mailbox::extend(const Message& message, Done<Timestamp> done) {
  tasks_.renew({message.id, message.lease, {}},
               mapped<LeaseStatus>(std::move(done), [](const LeaseStatus& s) { return s.lease_until; }));
}

Result<void> Mailbox::reply(const Message& message, Json body) {
  if (auto refused = core_->refuse_block(Entry::any)) return std::move(*refused);
  Checks checks = check_reply(*core_, agent_id_, message, body);
  if (!checks.ok()) return checks.take();
  return end(*core_, MessageEvent::acknowledged, reply_to(*core_, message, body));
}

void Mailbox::reply(const Message& message, Json body, Done<void> done) {
  if (auto refused = core_->refuse(Entry::any)) return refuse(*core_, std::move(done), *refused);
  Checks checks = check_reply(*core_, agent_id_, message, body);
  if (!checks.ok()) return refuse(*core_, std::move(done), checks.take());
  end(*core_, MessageEvent::acknowledged, reply_to(*core_, message, body), std::move(done));
}

Result<Message> Mailbox::request(std::string_view to, std::string_view type, Json body,
                                 milliseconds timeout, const SendOptions& options) {
  Checks checks = check_timeout(*core_, timeout);
  if (!checks.ok()) return checks.take();
  const std::int64_t deadline_us = deadline_after(core_->calls().now_us(), timeout);
  const auto id = send(to, type, std::move(body), within(timeout, options));
  if (!id) return id.error();
  const auto task = tasks_.wait_for_result(*id, time_left(*core_, deadline_us));
  if (!task) return task.error();
  return open_reply(*core_, to, agent_id_, *task);
}

void Mailbox::request(std::string_view to, std::string_view type, Json body, milliseconds timeout,
                      const SendOptions& options, Done<Message> done) {
  Checks checks = check_timeout(*core_, timeout);
  if (!checks.ok()) return refuse(*core_, std::move(done), checks.take());
  const std::int64_t deadline_us = deadline_after(core_->calls().now_us(), timeout);
  auto opened = [core = core_, to = std::string(to), from = agent_id_,
                 done = std::move(done)](const Result<Task>& task) {
    if (done) done(task ? open_reply(*core, to, from, *task) : Result<Message>(task.error()));
  };
  send(to, type, std::move(body), within(timeout, options),
       [core = core_, tasks = tasks_, deadline_us,
        opened = std::move(opened)](const Result<TaskId>& id) {
         if (!id) return opened(id.error());
         tasks.wait_for_result(*id, time_left(*core, deadline_us), opened);
       });
}

}  // namespace controlplane
