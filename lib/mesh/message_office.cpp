#include "mesh/message_office.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/json_check.hpp"
#include "engine/mailbox_name.hpp"
#include "engine/message_key.hpp"

namespace controlplane {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryDelay{1'000};
constexpr milliseconds kMaxRetryDelay{300'000};

std::string_view text_of(const HexMac& hex) noexcept { return {hex.data(), hex.size()}; }

using Nonce = std::array<char, 32>;
Nonce make_nonce(Entropy& entropy) {
  std::array<std::uint8_t, 16> random;
  for (std::size_t at = 0; at < random.size(); at += 8) store_be64(random.data() + at, entropy.next());
  Nonce nonce;
  write_hex(nonce.data(), random.data(), random.size());
  return nonce;
}

HexMac sign(const DerivedKey& key, EnvelopeKind kind, const Envelope& envelope,
            std::string_view tenant) {
  thread_local std::string fields;
  write_signed_fields(kind, envelope, tenant, fields);
  return hex_of(key.sign(fields));
}

// Nonce, time and signature of an envelope that says all the rest.
Json seal_envelope(CoordinatorCore& core, EnvelopeKind kind, Envelope& envelope) {
  const Nonce nonce = make_nonce(core.calls().entropy());
  envelope.nonce = {nonce.data(), nonce.size()};
  envelope.sent_at = core.calls().store().now();
  if (core.message_keys().empty()) return write_envelope(envelope);
  const auto key = core.message_keys().active(envelope.from);
  envelope.key_id = key->id();
  const HexMac signature = sign(*key, kind, envelope, core.config().tenant_id);
  envelope.signature = text_of(signature);
  return write_envelope(envelope);
}

Error not_genuine(std::string why) {
  return {ErrorCode::unauthenticated, "message signature verification failed: " + std::move(why)};
}

// A body that its sender signed was checked by him.
Result<void> check_unsigned(CoordinatorCore& core, EnvelopeKind kind, const Envelope& envelope) {
  if (!envelope.key_id.empty() || !envelope.signature.empty()) {
    return not_genuine(fmt::format("it is signed with key {}, and there are no signing_keys here",
                                   envelope.key_id));
  }
  const Limits& limits = core.limits();
  const bool is_reply = kind == EnvelopeKind::reply;
  return check_json("body", envelope.body,
                    is_reply ? limits.max_result_bytes : limits.max_payload_bytes,
                    is_reply ? "max_result_bytes" : "max_payload_bytes", limits.max_json_depth);
}

Result<void> check_signature(CoordinatorCore& core, EnvelopeKind kind, const Envelope& envelope) {
  if (core.message_keys().empty()) return check_unsigned(core, kind, envelope);
  if (envelope.signature.empty()) {
    return not_genuine(fmt::format("it says to be from {} and is not signed", envelope.from));
  }
  const auto key = core.message_keys().find(envelope.key_id, envelope.from);
  if (!key) return not_genuine(key.error().message);
  const HexMac expected = sign(**key, kind, envelope, core.config().tenant_id);
  if (same_bytes(text_of(expected), envelope.signature)) return {};
  return not_genuine(fmt::format("it is not what {} signed with key {}", envelope.from, envelope.key_id));
}

// An id exists once as long as the store keeps its task, and that is longer than the window.
Result<void> check_time(CoordinatorCore& core, const Envelope& envelope, Timestamp stored_at) {
  if (core.message_keys().empty()) return {};
  const auto window = std::chrono::microseconds(core.config().message_window).count();
  const Timestamp age = stored_at - envelope.sent_at;
  if (std::abs(age) <= window) return {};
  return not_genuine(fmt::format("it came to the store {} s {} it was signed; message_window is {} s",
                                 std::abs(age) / 1'000'000, age > 0 ? "after" : "before",
                                 static_cast<double>(window) * 1e-6));
}

// Who signed it for whom, as which task, and when.
Result<void> check_genuine(CoordinatorCore& core, EnvelopeKind kind, const Envelope& envelope,
                           std::string_view to, const std::string& id, Timestamp stored_at) {
  if (envelope.to != to) return not_genuine(fmt::format("it is to {}", envelope.to));
  if (envelope.id != id) return not_genuine(fmt::format("it is a copy of message {}", envelope.id));
  if (auto signature = check_signature(core, kind, envelope); !signature) return signature;
  return check_time(core, envelope, stored_at);
}

Message message_of(const Envelope& envelope, const TaskId& id) {
  Message message;
  message.id = id;
  message.from = envelope.from;
  message.to = envelope.to;
  message.type = envelope.type;
  message.body = Json(envelope.body);
  message.correlation_id = envelope.correlation_id;
  message.key_id = envelope.key_id;
  message.sent_at = envelope.sent_at;
  return message;
}

// Few lengths, because the engine keeps every combination of timeouts in use.
milliseconds round_up(milliseconds ttl) {
  const auto count = static_cast<std::uint64_t>(ttl.count());
  const std::uint64_t unit = std::max<std::uint64_t>(1, std::bit_floor(count) / 32);
  return milliseconds((count + unit - 1) / unit * unit);
}

// Without the ttl: whoever asks again asks with the time that is left.
Fingerprint fingerprint_of(const Letter& letter, const SendOptions& options) {
  return Sha256().add(letter.type).add(letter.body).add(options.correlation_id).finish();
}

Error no_reply(std::string_view from, const Task& task) {
  const std::string message = "message " + task.id.str() + " to " + std::string(from);
  switch (task.state) {
    case TaskState::timeout:
      return Error::deadline_exceeded(message + ": no reply came within its ttl");
    case TaskState::cancelled: return Error::cancelled(message + " was cancelled");
    case TaskState::completed:
      return Error::failed_precondition(message + " was acknowledged without a reply");
    default: return Error::failed_precondition(message + " was rejected: " + task.error);
  }
}

}  // namespace

Checks check_letter(CoordinatorCore& core, const Letter& letter, const SendOptions& options) {
  const Limits& limits = core.limits();
  Checks checks(limits);
  checks.name("agent_id", letter.from).name("to", letter.to).name("type", letter.type);
  if (checks.ok()) {
    checks.merge(check_json("body", letter.body, limits.max_payload_bytes, "max_payload_bytes",
                            limits.max_json_depth));
  }
  checks.within("ttl", options.ttl, milliseconds(0), limits.max_delay, "max_delay");
  checks.optional_name("correlation_id", options.correlation_id);
  checks.optional_name("operation_id", options.operation_id);
  checks.count("max_deliveries", options.max_deliveries, 0, limits.max_retries + 1, "max_retries + 1");
  return checks;
}

void prepare_letter(CoordinatorCore& core, const Letter& letter, const SendOptions& options,
                    TaskSpec& spec, TaskDraft& draft) {
  draft.spec = &spec;
  draft.id = TaskId(core.make_id());
  draft.is_new = true;
  const std::string id = draft.id.str();
  Envelope envelope;
  envelope.from = letter.from;
  envelope.to = letter.to;
  envelope.id = id;
  envelope.type = letter.type;
  envelope.correlation_id = options.correlation_id;
  envelope.body = letter.body;
  spec.task_type = kMessageType;
  spec.payload = seal_envelope(core, EnvelopeKind::message, envelope);
  spec.agent_id = mailbox_of(letter.to);
  spec.retry.delay = kRetryDelay;
  spec.retry.max_delay = kMaxRetryDelay;
  if (options.max_deliveries > 0) spec.retry.max_retries = static_cast<int>(options.max_deliveries - 1);
  spec.timeout = core.limits().max_delay;  // the lease alone says how long a delivery may take
  spec.total_timeout = round_up(options.ttl);
  spec.trace = options.correlation_id;
  if (options.operation_id.empty()) return;
  spec.idempotency_key = message_key(letter.from, letter.to, options.operation_id);
  draft.has_fingerprint = true;
  draft.fingerprint = fingerprint_of(letter, options);
}

void count_sent(CoordinatorCore& core, const TaskId& made, const Result<TaskId>& answer) {
  if (answer && *answer != made) return;
  if (answer) return core.messages().count(MessageEvent::sent);
  core.messages().count(answer.error().outcome_unknown ? MessageEvent::sent_unknown
                                                       : MessageEvent::refused);
}

Result<Message> open_message(CoordinatorCore& core, const std::string& agent, const ClaimedTask& task) {
  const auto envelope = read_envelope(task.payload.text(), core.limits().max_name_bytes);
  if (!envelope || task.task_type != kMessageType) return not_genuine("it is no message");
  auto genuine = check_genuine(core, EnvelopeKind::message, *envelope, agent, task.id.str(),
                               task.submitted_at);
  if (!genuine) return std::move(genuine.error());
  Message message = message_of(*envelope, task.id);
  message.delivery = task.attempt;
  message.visible_at = task.lease_until;
  message.lease = task.lease;
  const bool first = task.attempt == 1;
  core.messages().count(first ? MessageEvent::delivered : MessageEvent::redelivered);
  if (first) core.messages().observe(task.claimed_at - task.submitted_at);
  return message;
}

// Its answer is not waited for: if it is lost, the message is looked at again after its lease.
void refuse_message(CoordinatorCore& core, const ClaimedTask& task, const Error& why) {
  core.messages().count(MessageEvent::rejected);
  core.log().write(LogLevel::warning, "a message was not accepted",
                   {{"message", task.id.str()}, {"error", why.message}});
  Failure failure;
  failure.attempt = {task.id, task.lease, {}};
  failure.error = why.message;
  failure.kind = FailKind::fatal;
  std::vector<Failure> one;
  one.push_back(std::move(failure));
  EndCall<Failure> call(core.config().require_lease);
  call.take(std::move(one));
  core.calls().perform(std::move(call), [](const Result<std::vector<Result<void>>>&) {});
}

Json write_reply(CoordinatorCore& core, const Message& request, std::string_view body) {
  const std::string id = request.id.str();
  Envelope envelope;
  envelope.from = request.to;
  envelope.to = request.from;
  envelope.id = id;
  envelope.type = request.type;
  envelope.correlation_id = request.correlation_id;
  envelope.body = body;
  return seal_envelope(core, EnvelopeKind::reply, envelope);
}

Result<Message> open_reply(CoordinatorCore& core, std::string_view from, std::string_view to,
                           const Task& task) {
  if (task.state != TaskState::completed) return no_reply(from, task);
  const std::string_view result = task.result.text();
  if (result.empty() || result == "null") return no_reply(from, task);
  const auto refuse = [&](Error why) -> Result<Message> {
    core.messages().count(MessageEvent::rejected);
    why.message = fmt::format("reply to message {}: {}", task.id.str(), why.message);
    core.log().write(LogLevel::warning, "a reply was not accepted", {{"error", why.message}});
    return why;
  };
  const auto envelope = read_envelope(result, core.limits().max_name_bytes);
  if (!envelope) return refuse(not_genuine("it is no reply"));
  if (envelope->from != from) return refuse(not_genuine(fmt::format("it is from {}", envelope->from)));
  auto genuine = check_genuine(core, EnvelopeKind::reply, *envelope, to, task.id.str(), task.finished_at);
  if (!genuine) return refuse(std::move(genuine.error()));
  return message_of(*envelope, task.id);
}

}  // namespace controlplane
